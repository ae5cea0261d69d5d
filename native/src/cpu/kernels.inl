// All kernels of one instruction set, for the file that is compiled for it; kernels of rows are in rows.inl.
#pragma once
#include "contract.inl"
#include "map.inl"

namespace flambeau::ISA {

void composite(const CompositeOp&, const Memory&);

const Kernels kernels{NAME, map, any, contract, composite, prepare, prepare_finish, run_prepared, release};

}  // namespace flambeau::ISA
