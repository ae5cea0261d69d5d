#include "library.h"

#include <mutex>
#include <vector>

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace flambeau::cuda {
namespace {

Driver table;
bool opened = false;
std::mutex mutex;

#if defined(_WIN32)
const std::vector<std::string> places = {"nvcuda.dll"};
#else
/** The second one is where Windows' subsystem for Linux puts it. */
const std::vector<std::string> places = {"libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1"};
#endif

}  // namespace

#if defined(_WIN32)
void* open_library(const std::string& path, std::string* error) {
  void* library = reinterpret_cast<void*>(LoadLibraryA(path.c_str()));
  if (library == nullptr) *error = path + ": error " + std::to_string(GetLastError());
  return library;
}
void* symbol_of(void* library, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(library), name));
}
#else
void* open_library(const std::string& path, std::string* error) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) *error = dlerror();
  return library;
}
void* symbol_of(void* library, const char* name) { return dlsym(library, name); }
#endif

const Driver& driver() { return table; }

const Driver* driver(const std::string& path, Failure* failure) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (opened) return &table;
  void* library = nullptr;
  std::string tried;
  for (const std::string& place : path.empty() ? places : std::vector<std::string>{path}) {
    std::string error;
    library = open_library(place, &error);
    if (library != nullptr) break;
    tried += (tried.empty() ? "" : "; ") + error;
  }
  if (library == nullptr) {
    *failure = {Failure::missing, CUDA_SUCCESS, tried};
    return nullptr;
  }
#define FLAMBEAU_FIND(name, parameters) table.name = reinterpret_cast<CUresult(*) parameters>(symbol_of(library, #name));
  FLAMBEAU_CUDA_FUNCTIONS(FLAMBEAU_FIND)
  FLAMBEAU_CUDA_OPTIONAL(FLAMBEAU_FIND)
#undef FLAMBEAU_FIND
#define FLAMBEAU_DEMAND(name, parameters)                    \
  if (table.name == nullptr) {                               \
    *failure = {Failure::old, CUDA_SUCCESS, #name};          \
    return nullptr;                                          \
  }
  FLAMBEAU_CUDA_FUNCTIONS(FLAMBEAU_DEMAND)
#undef FLAMBEAU_DEMAND
  const CUresult code = table.cuInit(0);
  if (code != CUDA_SUCCESS) {
    *failure = {Failure::refused, code, describe(code)};
    return nullptr;
  }
  opened = true;
  return &table;
}

std::string describe(CUresult code) {
  const char *name = nullptr, *text = nullptr;
  if (table.cuGetErrorName != nullptr) table.cuGetErrorName(code, &name);
  if (table.cuGetErrorString != nullptr) table.cuGetErrorString(code, &text);
  return (text == nullptr ? "unknown error" : std::string(text)) + " (" +
         (name == nullptr ? std::to_string(code) : std::string(name)) + ")";
}

}  // namespace flambeau::cuda
