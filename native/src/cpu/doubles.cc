// Products of doubles.
#include "contract.inl"

namespace flambeau::ISA {
template void contract_of<double>(const Contract&, const Memory&, void*);
}
