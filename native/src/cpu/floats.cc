// Products of floats.
#include "contract.inl"

namespace flambeau::ISA {
template void contract_of<float>(const Contract&, const Memory&, void*);
}
