// All kernels of one instruction set, for the file that is compiled for it.
#pragma once
#include "map.inl"
#include "matmul.inl"

namespace flambeau::ISA {

const Kernels kernels{NAME, map, any, matmul, prepare, prepare_finish, run_prepared, release};

}  // namespace flambeau::ISA
