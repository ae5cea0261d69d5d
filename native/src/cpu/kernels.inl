// All kernels of one instruction set, for the file that is compiled for it.
#pragma once
#include "map.inl"
#include "matmul.inl"

namespace flambeau::ISA {

extern const Kernels kernels;
const Kernels kernels{NAME, map, any, matmul, prepare, run_prepared, release};

}  // namespace flambeau::ISA
