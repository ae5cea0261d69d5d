// Products of floats, and gradients of convolutions that have the same tiles.
#include "contract.inl"
#if !defined(__wasm__)
#include "phases.inl"
#endif

namespace flambeau::ISA {
template void contract_of<float>(const Contract&, const Memory&, void*);

#if !defined(__wasm__)
void phases(const CompositeOp& it, const Memory& memory) { Phases(it, memory).run(); }
#endif
}
