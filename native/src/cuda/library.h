// The driver library, opened at run time: a table of its functions, and its errors as text.
#pragma once
#include <string>

#include "driver.h"

namespace flambeau::cuda {

struct Driver {
#define FLAMBEAU_MEMBER(name, parameters) CUresult(*name) parameters = nullptr;
  FLAMBEAU_CUDA_FUNCTIONS(FLAMBEAU_MEMBER)
  FLAMBEAU_CUDA_OPTIONAL(FLAMBEAU_MEMBER)
#undef FLAMBEAU_MEMBER
};

/** How opening the driver failed: there is no library, it lacks a function, or it refused (`code`). */
struct Failure {
  enum Kind { none, missing, old, refused } kind = none;
  CUresult code = CUDA_SUCCESS;
  std::string text;
};

/**
 * The driver, opened and initialised once in the process; nullptr, with the reason, if it cannot be. `path` names a
 * library; empty means the system's.
 */
const Driver* driver(const std::string& path, Failure* failure);

/** The driver that was opened. */
const Driver& driver();

/** A library by its path or name, never closed; nullptr with the reason if it cannot be opened. */
void* open_library(const std::string& path, std::string* error);
void* symbol_of(void* library, const char* name);

/** The driver's name of an error and its description. */
std::string describe(CUresult code);

}  // namespace flambeau::cuda
