// What the module calls of JavaScript: lib/wasm/instance.ts has these functions.
#pragma once

#include <cstddef>

#define PSTMO_HOST(name) __attribute__((import_module("pstmo"), import_name(name)))

namespace pstmo::wasm {

// A file by the descriptor that a call names: a handle to its bytes, negative where there are none.
PSTMO_HOST("openFile") extern "C" int hostOpen(int descriptor);
PSTMO_HOST("closeFile") extern "C" void hostClose(int handle);
PSTMO_HOST("fileSize") extern "C" double hostSize(int handle);
// Copies bytes of it into the module's memory; false where it ends before.
PSTMO_HOST("readFile") extern "C" bool hostRead(int handle, void* to, size_t bytes, double offset);

}  // namespace pstmo::wasm
