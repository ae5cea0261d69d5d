// All kernels of one instruction set, for the file that is compiled for it; kernels of rows are in rows.inl.
#pragma once
#include "map.inl"
#include "matmul.inl"

namespace flambeau::ISA {

void composite(const CompositeOp&, const Memory&);

const Kernels kernels{NAME, map, any, matmul, composite, prepare, prepare_finish, run_prepared, release};

}  // namespace flambeau::ISA
