// How each function of the driver for tests begins: with the lock, failures on demand, and what it needs.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "state.h"

namespace flambeau::fake {

using ptx::format;

/** The calling thread's context. */
inline thread_local CUcontext current = nullptr;

/** What a function needs before it may run. */
enum class Needs { nothing, initialization, context };

/** Errors of kernels, after which every call returns the same one; a launch that needs too much only fails. */
inline bool losesContext(CUresult code) {
  return code == CUDA_ERROR_ILLEGAL_ADDRESS || code == CUDA_ERROR_LAUNCH_TIMEOUT || code == CUDA_ERROR_ASSERT ||
         (code >= CUDA_ERROR_ILLEGAL_INSTRUCTION && code <= CUDA_ERROR_LAUNCH_FAILED);
}

inline CUresult injected(const char* name) {
  const std::string own = name;
  const std::string stem =
      own.size() > 3 && own.compare(own.size() - 3, 3, "_v2") == 0 ? own.substr(0, own.size() - 3) : own;
  for (Failure& failure : driver().settings.failures) {
    if (failure.function != own && failure.function != stem) continue;
    failure.calls++;
    if (failure.calls == failure.nth || (failure.isLasting && failure.calls > failure.nth)) return failure.code;
  }
  return CUDA_SUCCESS;
}

template <class F> CUresult enter(const char* name, Needs needs, F body) {
  const std::lock_guard<std::recursive_mutex> guard(driver().lock);
  Driver& d = driver();
  d.mutate();
  if (const CUresult code = injected(name)) {
    if (losesContext(code) && current != nullptr) {
      d.lose(current, {code, format("%s failed on demand", name)});
    }
    return code;
  }
  if (needs != Needs::nothing && !d.isReady) return CUDA_ERROR_NOT_INITIALIZED;
  if (needs == Needs::context) {
    if (current == nullptr) return CUDA_ERROR_INVALID_CONTEXT;
    if (current->retains == 0) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    if (current->lost != CUDA_SUCCESS) return current->lost;
  }
  try {
    return body(d);
  } catch (const Fault& fault) {
    return current == nullptr ? static_cast<CUresult>(fault.code) : d.lose(current, fault);
  }
}

#define ENTER(needs) return enter(__func__, Needs::needs, [&]([[maybe_unused]] Driver& d) -> CUresult {
#define LEAVE \
  });
#define REQUIRE(condition, code) \
  if (!(condition)) return code

inline bool isDevice(const Driver& d, int device) { return device >= 0 && device < d.settings.devices; }

/** The stream of a handle, where null is the default one; nullptr for a handle that is none. */
inline CUstream streamOf(Driver& d, CUstream handle) {
  if (handle == nullptr) return current->defaultStream.get();
  return d.streams.count(handle) != 0 && handle->context == current ? handle : nullptr;
}

/** Whether a range lies in one allocation. */
inline bool isRange(Driver& d, CUdeviceptr address, size_t bytes) {
  const ptx::Allocation* allocation = d.memory.find(address);
  return bytes == 0 || (allocation != nullptr && bytes <= allocation->end() - address);
}

/** What cards of a compute capability have. */
struct Model {
  int capability, processors, sharedOptIn, sharedAll;
};
/** The model of a capability; of an unknown one, that of the capability below. */
const Model& model(int capability);

/** Shared memory of a block that needs no permission. */
constexpr int sharedLimit = 48 * 1024;

}  // namespace flambeau::fake
