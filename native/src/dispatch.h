// Which kernels this processor can run.
#pragma once
#include <string>

#include "kernels.h"

namespace flambeau {

/** The kernels of that name (v2, avx2, avx512, neon); null where this processor cannot run them, and the error says so.
 */
const Kernels* kernels_named(const char* name, std::string* error);

/** The best kernels that this processor can run, or those that FLAMBEAU_ISA names; null and an error where it is wrong.
 */
const Kernels* kernels(std::string* error);

/** What was found of the processor that matters to the choice, for a person to read: "avx2 fma avx512f". */
std::string cpu_features();

}  // namespace flambeau
