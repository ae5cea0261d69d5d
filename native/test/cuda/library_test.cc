// The library that the addon loads, where it is built beside its tests: what it exports.
#ifdef FLAMBEAU_FAKECUDA
#include <dlfcn.h>
#include <doctest/doctest.h>

#include <string>

#include "../../src/cuda/driver.h"

TEST_CASE("the library exports every function") {
  void* library = dlopen(FLAMBEAU_FAKECUDA, RTLD_NOW | RTLD_LOCAL);
  INFO(std::string(library == nullptr ? dlerror() : ""));
  REQUIRE(library != nullptr);
  for (const char* name : {"fakecudaLastFault", "fakecudaReset", "fakecudaFlush"})
    CHECK(dlsym(library, name) != nullptr);
#define EXPORTED(name, parameters) CHECK_MESSAGE(dlsym(library, #name) != nullptr, #name);
  FLAMBEAU_CUDA_FUNCTIONS(EXPORTED)
  FLAMBEAU_CUDA_OPTIONAL(EXPORTED)
#undef EXPORTED
}
#endif
