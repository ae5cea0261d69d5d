// A device as one thread uses it: its primary context, a stream, and a ring of pinned memory through which data goes
// there without anybody waiting. All calls of one object come from one thread, and run in their order on the device.
#pragma once
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cublas.h"
#include "library.h"

namespace flambeau::cuda {

class Device {
 public:
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /** Opens device number `ordinal`; nullptr, with the code, if it cannot be. */
  static Device* open(int ordinal, CUresult* code);

  /** Compiles a text of PTX. `log` gets what the compiler said about an error. */
  CUresult load(const std::string& text, int32_t* module, std::string* log);
  /** The number of a function, by which launches name it. */
  CUresult function(int32_t module, const std::string& name, int32_t* number);

  CUresult allocate(size_t bytes, CUdeviceptr* address);
  CUresult release(CUdeviceptr address);
  CUresult memory(size_t* free, size_t* total);

  /**
   * Runs launches, each of which is eight words (function, grid x, y, z, threads of a block, shared bytes, number of
   * parameters, its own number), then two words for every parameter. Function -1 is a product by the BLAS: bytes of an
   * element, m, n, k, how many, 8, its own number; then a, b and c, line and turned of a, of b, and the steps of a, b and
   * c. Stops at the first error, with that number in `at`.
   */
  CUresult submit(const int32_t* words, int64_t count, int32_t* at);

  /** Copies to the device. The memory may change when it returns; the copy may not have run yet. */
  CUresult write(CUdeviceptr to, const char* from, size_t bytes);
  /** Copies from the device, and waits for everything before. */
  CUresult read(char* to, CUdeviceptr from, size_t bytes);
  CUresult copy(CUdeviceptr to, CUdeviceptr from, size_t bytes);
  CUresult clear(CUdeviceptr to, size_t bytes);
  CUresult synchronize();

  /** Between the two, work is recorded instead of done. `graph` is a number by which to launch it. */
  CUresult begin_graph();
  CUresult end_graph(int32_t* graph);
  CUresult launch_graph(int32_t graph, int32_t times);
  CUresult drop_graph(int32_t graph);

  /** Takes a BLAS for products (cublas.h), or none for ''; `fault` says why it cannot be taken. */
  CUresult blas(const std::string& name, std::string* fault);
  /** The file of the BLAS; '' if there is none. */
  std::string blas() const { return blas_ == nullptr ? "" : blas_->file(); }

  /** Copies from another device of this thread, after what that does now; what it does later comes after the copy. */
  CUresult receive(CUdeviceptr to, Device& other, CUdeviceptr from, size_t bytes);

  /** A fence behind what the stream has to do. `passed` says whether that is done; if so, the number is given back. */
  CUresult fence(int32_t* number);
  CUresult passed(int32_t number, bool* is);

  /** Marks how far the stream is; `reset_marks` gives all numbers back. */
  CUresult mark(int32_t* number);
  /** The time between two marks, in milliseconds; waits for them. */
  CUresult elapsed(int32_t from, int32_t to, float* milliseconds);
  void reset_marks() { marked_ = 0; }

  bool supports(int32_t function) const { return function >= 0 && function < static_cast<int32_t>(functions_.size()); }

 private:
  Device() = default;
  CUresult enter() const;
  CUresult multiply(const int32_t* words);

  /** Half of the ring, and the event that comes after the copies from it. */
  struct Half {
    char* memory = nullptr;
    CUevent done = nullptr;
    bool used = false;
  };

  const Driver* driver_ = nullptr;
  CUdevice device_ = 0;
  CUcontext context_ = nullptr;
  CUstream stream_ = nullptr;
  Half halves_[2];
  int half_ = 0;
  size_t at_ = 0;
  std::vector<CUmodule> modules_;
  std::vector<CUfunction> functions_;
  std::vector<CUgraphExec> graphs_;
  std::unique_ptr<Blas> blas_;
  /** The memory that the BLAS works in. */
  CUdeviceptr workspace_ = 0;
  /** What another device waits for, and the devices that were told that their memory is read. */
  CUevent meeting_ = nullptr;
  std::set<CUdevice> peers_;
  std::vector<CUevent> fences_;
  std::vector<int32_t> freeFences_;
  std::vector<CUevent> marks_;
  size_t marked_ = 0;
};

}  // namespace flambeau::cuda
