// What there is only one of in WebAssembly: a set of kernels and a thread; no BLAS, and no pages of a system.
#include "../blas.h"
#include "../dispatch.h"
#include "../pages.h"
#include "../pool.h"

namespace flambeau {

namespace wasm {
extern const Kernels kernels;
}

const Kernels* kernels(std::string*) { return &wasm::kernels; }
const Kernels* kernels_named(const char* name, std::string* error) {
  if (name == std::string(wasm::kernels.name)) return &wasm::kernels;
  *error = std::string("there are no kernels '") + name + "'; this processor can run " + wasm::kernels.name;
  return nullptr;
}
std::string cpu_features() { return wasm::kernels.name; }

void set_threads(int) {}
int threads() { return 1; }
int usable_cores() { return 1; }
/** Every second job begins at the end, where the last one ended: what that has read is still in a near cache. */
void parallel(int64_t parts, Part part, void* context) {
  static bool backwards = true;
  backwards = !backwards;
  for (int64_t i = 0; i < parts; i++) part(context, backwards ? parts - 1 - i : i);
}

std::string use_blas(const std::string&) { return "WebAssembly has no BLAS"; }
std::string blas_in_use() { return ""; }
bool blas_gemm(int64_t, int64_t, int64_t, const float*, int64_t, int64_t, const float*, int64_t, int64_t, float*) {
  return false;
}
bool blas_gemm(int64_t, int64_t, int64_t, const double*, int64_t, int64_t, const double*, int64_t, int64_t, double*) {
  return false;
}

void use_large_pages(void*, size_t) {}

}  // namespace flambeau

/** What the only thread keeps is never destroyed, because it does not end. */
extern "C" int __cxa_thread_atexit(void (*)(void*), void*, void*) { return 0; }
