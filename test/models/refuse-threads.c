// Preloaded: refuses the threads that pstmo's addon starts, those whose numbers, from 1 on, stand in REFUSED_THREADS, as a limit
// on processes does. Threads of Node itself start as ever.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
  static int started = 0;
  int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
      (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create");
  Dl_info caller;
  if (dladdr(__builtin_return_address(0), &caller) && strstr(caller.dli_fname, "pstmo.node")) {
    const int number = __sync_add_and_fetch(&started, 1);
    for (const char *refused = getenv("REFUSED_THREADS"); refused; refused = strchr(refused, ',')) {
      if (*refused == ',') ++refused;
      if (atoi(refused) == number) return EAGAIN;
    }
  }
  return create(thread, attributes, start, argument);
}
