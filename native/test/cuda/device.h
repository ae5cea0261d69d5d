// A device of the driver for tests, for the tests of that driver: buffers, kernels and launches in few words.
#pragma once
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include <unistd.h>

#include "fakecuda.h"

namespace {

/** An empty file that is gone with it. */
struct TemporaryFile {
  TemporaryFile() : path((std::filesystem::temp_directory_path() / "fakecudaXXXXXX").string()) {
    const int file = mkstemp(path.data());
    REQUIRE(file >= 0);
    close(file);
  }
  ~TemporaryFile() { std::filesystem::remove(path); }
  std::string path;
};

/** Sets variables ("ORDER=reversed") of the driver, which then begins anew; they go when this does. */
class Environment {
 public:
  explicit Environment(std::initializer_list<const char*> settings = {}) {
    for (const std::string setting : settings) {
      const size_t at = setting.find('=');
      names_.push_back("FAKECUDA_" + setting.substr(0, at));
      setenv(names_.back().c_str(), setting.substr(at + 1).c_str(), 1);
    }
    fakecudaReset();
  }
  Environment(const Environment&) = delete;
  ~Environment() {
    for (const std::string& name : names_) unsetenv(name.c_str());
    fakecudaReset();
  }

 private:
  std::vector<std::string> names_;
};

inline void must(CUresult code) {
  const char* name = nullptr;
  cuGetErrorName(code, &name);
  INFO(std::string(name == nullptr ? "?" : name) << ": " << std::string(fakecudaLastFault()));
  REQUIRE(code == CUDA_SUCCESS);
}

/** The current context on a device. */
inline CUcontext open(int device = 0) {
  CUcontext context;
  must(cuInit(0));
  must(cuDevicePrimaryCtxRetain(&context, device));
  must(cuCtxSetCurrent(context));
  return context;
}

/** Device memory with elements of T. */
template <class T> class Buffer {
 public:
  explicit Buffer(size_t count) : count_(count) { must(cuMemAlloc_v2(&address, count * sizeof(T))); }
  explicit Buffer(const std::vector<T>& values) : Buffer(values.size()) {
    must(cuMemcpyHtoD_v2(address, values.data(), values.size() * sizeof(T)));
  }
  Buffer(const Buffer&) = delete;
  ~Buffer() { cuMemFree_v2(address); }
  std::vector<T> read() const {
    std::vector<T> values(count_);
    must(cuMemcpyDtoH_v2(values.data(), address, count_ * sizeof(T)));
    return values;
  }
  CUdeviceptr address = 0;

 private:
  size_t count_;
};

/** A module of one text. */
class Program {
 public:
  explicit Program(const std::string& text) { must(cuModuleLoadDataEx(&module_, text.c_str(), 0, nullptr, nullptr)); }
  Program(const Program&) = delete;
  ~Program() { cuModuleUnload(module_); }
  CUfunction function(const char* name) const {
    CUfunction found;
    must(cuModuleGetFunction(&found, module_, name));
    return found;
  }

 private:
  CUmodule module_ = nullptr;
};

struct Shape {
  unsigned grid, block, shared = 0;
};

/** Launches with any parameters, each of its own size; the code of the launch. */
template <class... P> CUresult launched(CUfunction function, Shape shape, CUstream stream, P... parameters) {
  void* list[] = {&parameters..., nullptr};
  return cuLaunchKernel(function, shape.grid, 1, 1, shape.block, 1, 1, shape.shared, stream, list, nullptr);
}
/** Launches and waits; the code of both. */
template <class... P> CUresult ran(CUfunction function, Shape shape, P... parameters) {
  const CUresult code = launched(function, shape, nullptr, parameters...);
  return code == CUDA_SUCCESS ? cuCtxSynchronize() : code;
}

/** A text of one kernel `k` with an address as parameter, which is in %rd1, and thread's index in %r1. */
inline std::string kernelOf(const std::string& body, const std::string& declarations = "", int target = 90) {
  return ".version 7.8\n.target sm_" + std::to_string(target) + "\n.address_size 64\n" + declarations +
         ".visible .entry k(.param .u64 out)\n{\n"
         ".reg .pred %p<10>;\n.reg .b16 %h<20>;\n.reg .b32 %r<40>;\n.reg .f32 %f<40>;\n.reg .f64 %d<40>;\n.reg .b64 "
         "%rd<40>;\n"
         "ld.param.u64 %rd1, [out];\nmov.u32 %r1, %tid.x;\n" +
         body + "\nret;\n}\n";
}

}  // namespace
