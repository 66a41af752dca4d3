// Makes the CPU backend. threads = 0: the physical cores this process may use. isa: "auto",
// "portable", "avx2", "avx512".
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../ops/backend.h"

namespace pstmo {

std::unique_ptr<Backend> makeCpuBackend(int threads, Precision precision,
                                        const std::string& isa = "auto");

// What this machine can run, best first: "avx512", "avx2", "portable".
std::vector<std::string> cpuIsas();
bool cpuHasBf16();
// What `isa` comes to on this machine: "auto" is PSTMO_CPU_ISA of the environment, else the best.
// Throws ERR_UNSUPPORTED.
std::string chooseCpuIsa(const std::string& isa, Precision precision);

// Peak of fused multiply-adds in GFLOP/s, measured with `threads` threads on the chosen ISA: the
// mark of the benches.
double measureCpuPeak(int threads, Precision precision, const std::string& isa, double seconds);

// Copies of blocks far larger than any cache, bytes read and written together, in GB/s.
double measureCpuCopy(int threads, double seconds);

}  // namespace pstmo
