#include "fiber.h"

#include <sys/mman.h>

#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace pstmo::emulation {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kStackBytes = size_t{256} << 10;
#else
constexpr size_t kStackBytes = size_t{64} << 10;
#endif
constexpr size_t kGuardBytes = 4096;

}  // namespace

#if defined(__x86_64__)

// Saves the registers that a call must keep, stores the stack pointer, and takes the other one: no
// system call, about 5 ns. ucontext would save the signal mask through the kernel each time.
extern "C" void pstmoSwitchStack(void** save, void* load);
__asm__(
    ".text\n"
    ".hidden pstmoSwitchStack\n"
    ".globl pstmoSwitchStack\n"
    ".type pstmoSwitchStack, @function\n"
    "pstmoSwitchStack:\n"
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  movq %rsp, (%rdi)\n"
    "  movq %rsi, %rsp\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
    "  ret\n"
    ".size pstmoSwitchStack, . - pstmoSwitchStack\n");

#endif

Fiber::Fiber() {
  void* memory = mmap(nullptr, kStackBytes + kGuardBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, kGuardBytes,
           PROT_NONE);  // a stack that grows too far faults instead of writing elsewhere
  stack_ = static_cast<char*>(memory) + kGuardBytes;
}

Fiber::~Fiber() { munmap(stack_ - kGuardBytes, kStackBytes + kGuardBytes); }

void Fiber::start(void (*entry)(void*), void* argument) {
  entry_ = entry;
  argument_ = argument;
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(stack_, kStackBytes);
  ownShadow_ = nullptr;
#endif
#if defined(__x86_64__)
  // As if pstmoSwitchStack had been called from the first instruction of enter(this): six
  // registers, of which rbx and rbp are free to say where to go, and the address to return to.
  extern void pstmoEnterFiber() __asm__("pstmoEnterFiber");
  void** top = reinterpret_cast<void**>(stack_ + kStackBytes);
  for (int i = 0; i < 2; ++i)
    *--top = nullptr;  // so that the stack is aligned to 16 bytes at the call
  *--top = reinterpret_cast<void*>(&pstmoEnterFiber);
  *--top = nullptr;                                 // rbp
  *--top = this;                                    // rbx
  for (int i = 0; i < 2; ++i) *--top = nullptr;     // r12, r13
  *--top = reinterpret_cast<void*>(&Fiber::enter);  // r14
  *--top = nullptr;                                 // r15
  own_ = top;
#else
  getcontext(&own_);
  own_.uc_stack.ss_sp = stack_;
  own_.uc_stack.ss_size = kStackBytes;
  own_.uc_link = nullptr;
  // makecontext passes ints: the pointer goes in two halves.
  const auto bits = reinterpret_cast<unsigned long long>(this);
  void (*enterHalves)(unsigned, unsigned) = [](unsigned low, unsigned high) {
    enter(reinterpret_cast<Fiber*>(static_cast<unsigned long long>(high) << 32 | low));
  };
  makecontext(&own_, reinterpret_cast<void (*)()>(enterHalves), 2, static_cast<unsigned>(bits),
              static_cast<unsigned>(bits >> 32));
#endif
}

#if defined(__x86_64__)
__asm__(
    ".text\n"
    ".hidden pstmoEnterFiber\n"
    ".globl pstmoEnterFiber\n"
    ".type pstmoEnterFiber, @function\n"
    "pstmoEnterFiber:\n"
    "  movq %rbx, %rdi\n"
    "  callq *%r14\n"
    "  ud2\n"
    ".size pstmoEnterFiber, . - pstmoEnterFiber\n");
#endif

void Fiber::enter(Fiber* fiber) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &fiber->callerStack_, &fiber->callerSize_);
#endif
  fiber->entry_(fiber->argument_);
  fiber->leave(true);
}

void Fiber::resume() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&callerShadow_, stack_, kStackBytes);
#endif
#if defined(__x86_64__)
  pstmoSwitchStack(&caller_, own_);
#else
  swapcontext(&caller_, &own_);
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(callerShadow_, nullptr, nullptr);
#endif
}

void Fiber::leave([[maybe_unused]] bool last) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(last ? nullptr : &ownShadow_, callerStack_, callerSize_);
#endif
#if defined(__x86_64__)
  pstmoSwitchStack(&own_, caller_);
#else
  swapcontext(&own_, &caller_);
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(ownShadow_, &callerStack_, &callerSize_);
#endif
}

}  // namespace pstmo::emulation
