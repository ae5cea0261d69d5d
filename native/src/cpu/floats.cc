// Products of floats, and gradients of convolutions that have the same tiles.
#include "contract.inl"
#if !defined(__wasm__)
#include "abreast.inl"
#include "phases.inl"
#endif

namespace flambeau::ISA {
template void contract_of<float>(const Contract&, const Memory&, void*);

#if !defined(__wasm__)
void by_input(const CompositeOp& op, const Memory& memory) {
  const ByInput it(op, memory);
  Abreast abreast(it);
  Phases phases(it);
  abreast.cost() < phases.cost() ? abreast.run() : phases.run();
}
#endif
}
