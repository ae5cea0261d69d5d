// Chooses the kernels for this processor.
#pragma once
#include <string>

#include "kernels.h"

namespace flambeau {

/** The kernels of that name (v2, avx2, avx512, neon); null with an error if this processor cannot run them. */
const Kernels* kernels_named(const char* name, std::string* error);

/**
 * The best kernels that this processor can run, or those that FLAMBEAU_ISA names; null with an error if that is
 * invalid.
 */
const Kernels* kernels(std::string* error);

/** The processor features that affect the choice, as readable text: "avx2 fma avx512f". */
std::string cpu_features();

}  // namespace flambeau
