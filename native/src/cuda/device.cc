#include "device.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace flambeau::cuda {
namespace {

/** Of pinned memory. */
constexpr size_t halfBytes = 4 << 20;
constexpr int64_t launchWords = 8;
constexpr int32_t mostParameters = 256;
constexpr int32_t productParameters = 8;
/** What NVIDIA recommends for Hopper; smaller for others. */
constexpr size_t workspaceBytes = 32 << 20;

}  // namespace

#define TRY(call)                             \
  do {                                        \
    const CUresult code = (call);             \
    if (code != CUDA_SUCCESS) return code;    \
  } while (false)

CUresult Device::enter() const { return driver_->cuCtxSetCurrent(context_); }

Device* Device::open(int ordinal, CUresult* code) {
  std::unique_ptr<Device> device(new Device);
  const Driver& driver = cuda::driver();
  device->driver_ = &driver;
  const auto prepare = [&]() -> CUresult {
    TRY(driver.cuDeviceGet(&device->device_, ordinal));
    TRY(driver.cuDevicePrimaryCtxRetain(&device->context_, device->device_));
    TRY(device->enter());
    TRY(driver.cuStreamCreate(&device->stream_, CU_STREAM_NON_BLOCKING));
    for (Half& half : device->halves_) {
      void* memory = nullptr;
      TRY(driver.cuMemHostAlloc(&memory, halfBytes, 0));
      half.memory = static_cast<char*>(memory);
      TRY(driver.cuEventCreate(&half.done, CU_EVENT_DISABLE_TIMING));
    }
    TRY(driver.cuEventCreate(&device->meeting_, CU_EVENT_DISABLE_TIMING));
    return CUDA_SUCCESS;
  };
  *code = prepare();
  return *code == CUDA_SUCCESS ? device.release() : nullptr;
}

Device::~Device() {
  if (context_ == nullptr || enter() != CUDA_SUCCESS) return;
  if (stream_ != nullptr) driver_->cuStreamSynchronize(stream_);
  for (CUgraphExec graph : graphs_) {
    if (graph != nullptr) driver_->cuGraphExecDestroy(graph);
  }
  for (CUmodule module : modules_) driver_->cuModuleUnload(module);
  blas_.reset();
  if (workspace_ != 0) driver_->cuMemFree_v2(workspace_);
  for (CUevent fence : fences_) driver_->cuEventDestroy_v2(fence);
  for (CUevent mark : marks_) driver_->cuEventDestroy_v2(mark);
  if (meeting_ != nullptr) driver_->cuEventDestroy_v2(meeting_);
  for (Half& half : halves_) {
    if (half.done != nullptr) driver_->cuEventDestroy_v2(half.done);
    if (half.memory != nullptr) driver_->cuMemFreeHost(half.memory);
  }
  if (stream_ != nullptr) driver_->cuStreamDestroy_v2(stream_);
  driver_->cuDevicePrimaryCtxRelease_v2(device_);
}

CUresult Device::load(const std::string& text, int32_t* module, std::string* log) {
  TRY(enter());
  log->assign(4096, '\0');
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void* values[] = {log->data(), reinterpret_cast<void*>(log->size())};
  CUmodule made = nullptr;
  const CUresult code = driver_->cuModuleLoadDataEx(&made, text.c_str(), 2, options, values);
  log->resize(std::strlen(log->c_str()));
  if (code != CUDA_SUCCESS) return code;
  *module = static_cast<int32_t>(modules_.size());
  modules_.push_back(made);
  return CUDA_SUCCESS;
}

CUresult Device::function(int32_t module, const std::string& name, int32_t* number) {
  TRY(enter());
  if (module < 0 || module >= static_cast<int32_t>(modules_.size())) return CUDA_ERROR_INVALID_VALUE;
  CUfunction found = nullptr;
  TRY(driver_->cuModuleGetFunction(&found, modules_[module], name.c_str()));
  *number = static_cast<int32_t>(functions_.size());
  functions_.push_back(found);
  return CUDA_SUCCESS;
}

CUresult Device::allocate(size_t bytes, CUdeviceptr* address) {
  TRY(enter());
  return driver_->cuMemAlloc_v2(address, bytes);
}

CUresult Device::release(CUdeviceptr address) {
  TRY(enter());
  return driver_->cuMemFree_v2(address);
}

CUresult Device::memory(size_t* free, size_t* total) {
  TRY(enter());
  return driver_->cuMemGetInfo_v2(free, total);
}

CUresult Device::submit(const int32_t* words, int64_t count, int32_t* at) {
  TRY(enter());
  void* parameters[mostParameters];
  int64_t i = 0;
  while (i < count) {
    const int32_t* head = words + i;
    if (count - i < launchWords) return CUDA_ERROR_INVALID_VALUE;
    *at = head[7];
    const int32_t number = head[6];
    if (head[0] == -1 && number == productParameters && count - i >= launchWords + 2 * productParameters) {
      TRY(multiply(head));
      i += launchWords + 2 * productParameters;
      continue;
    }
    if (number < 0 || number > mostParameters || count - i < launchWords + 2 * int64_t{number} || !supports(head[0]))
      return CUDA_ERROR_INVALID_VALUE;
    // Values have eight bytes each; the driver copies as many as the parameter has.
    for (int32_t k = 0; k < number; k++) parameters[k] = const_cast<int32_t*>(head + launchWords + 2 * k);
    TRY(driver_->cuLaunchKernel(functions_[head[0]], head[1], head[2], head[3], head[4], 1, 1, head[5], stream_,
                                parameters, nullptr));
    i += launchWords + 2 * int64_t{number};
  }
  return CUDA_SUCCESS;
}

CUresult Device::multiply(const int32_t* words) {
  if (blas_ == nullptr) return CUDA_ERROR_INVALID_VALUE;
  const auto number = [words](int parameter) {
    int64_t value;
    std::memcpy(&value, words + launchWords + 2 * parameter, sizeof value);
    return value;
  };
  const auto factor = [&](int at, int form, int step) {
    const int32_t* const lies = words + launchWords + 2 * form;
    return Factor{static_cast<CUdeviceptr>(number(at)), lies[0], lies[1] != 0, number(step)};
  };
  return blas_->multiply({words[1], words[2], words[3], words[4], words[5], factor(0, 3, 5), factor(1, 4, 6),
                          static_cast<CUdeviceptr>(number(2)), number(7)});
}

CUresult Device::write(CUdeviceptr to, const char* from, size_t bytes) {
  TRY(enter());
  while (bytes > 0) {
    if (at_ == halfBytes) {
      TRY(driver_->cuEventRecord(halves_[half_].done, stream_));
      halves_[half_].used = true;
      half_ = 1 - half_;
      at_ = 0;
    }
    Half& half = halves_[half_];
    // What was copied from here the last time must have arrived before it is overwritten.
    if (at_ == 0 && half.used) TRY(driver_->cuEventSynchronize(half.done));
    const size_t part = std::min(bytes, halfBytes - at_);
    std::memcpy(half.memory + at_, from, part);
    TRY(driver_->cuMemcpyHtoDAsync_v2(to, half.memory + at_, part, stream_));
    to += part;
    from += part;
    bytes -= part;
    at_ += part;
  }
  return CUDA_SUCCESS;
}

CUresult Device::read(char* to, CUdeviceptr from, size_t bytes) {
  TRY(enter());
  if (bytes > 0) TRY(driver_->cuMemcpyDtoHAsync_v2(to, from, bytes, stream_));
  return driver_->cuStreamSynchronize(stream_);
}

CUresult Device::copy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  TRY(enter());
  return bytes == 0 ? CUDA_SUCCESS : driver_->cuMemcpyDtoDAsync_v2(to, from, bytes, stream_);
}

CUresult Device::clear(CUdeviceptr to, size_t bytes) {
  TRY(enter());
  return bytes == 0 ? CUDA_SUCCESS : driver_->cuMemsetD8Async(to, 0, bytes, stream_);
}

CUresult Device::synchronize() {
  TRY(enter());
  return driver_->cuStreamSynchronize(stream_);
}

CUresult Device::begin_graph() {
  TRY(enter());
  return driver_->cuStreamBeginCapture_v2(stream_, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
}

CUresult Device::end_graph(int32_t* graph) {
  TRY(enter());
  CUgraph recorded = nullptr;
  TRY(driver_->cuStreamEndCapture(stream_, &recorded));
  CUgraphExec made = nullptr;
  const CUresult code = driver_->cuGraphInstantiateWithFlags(&made, recorded, 0);
  driver_->cuGraphDestroy(recorded);
  if (code != CUDA_SUCCESS) return code;
  const auto place = std::find(graphs_.begin(), graphs_.end(), nullptr);
  *graph = static_cast<int32_t>(place - graphs_.begin());
  if (place == graphs_.end()) graphs_.push_back(made);
  else *place = made;
  return CUDA_SUCCESS;
}

CUresult Device::launch_graph(int32_t graph, int32_t times) {
  TRY(enter());
  if (graph < 0 || graph >= static_cast<int32_t>(graphs_.size()) || graphs_[graph] == nullptr)
    return CUDA_ERROR_INVALID_VALUE;
  for (int32_t i = 0; i < times; i++) TRY(driver_->cuGraphLaunch(graphs_[graph], stream_));
  return CUDA_SUCCESS;
}

CUresult Device::drop_graph(int32_t graph) {
  TRY(enter());
  if (graph < 0 || graph >= static_cast<int32_t>(graphs_.size()) || graphs_[graph] == nullptr)
    return CUDA_ERROR_INVALID_VALUE;
  // A launch may still run.
  TRY(driver_->cuStreamSynchronize(stream_));
  TRY(driver_->cuGraphExecDestroy(graphs_[graph]));
  graphs_[graph] = nullptr;
  return CUDA_SUCCESS;
}

CUresult Device::blas(const std::string& name, std::string* fault) {
  TRY(enter());
  // What was launched may still use the one before, and its memory.
  TRY(driver_->cuStreamSynchronize(stream_));
  if (name.empty()) {
    blas_.reset();
    return CUDA_SUCCESS;
  }
  if (workspace_ == 0) TRY(driver_->cuMemAlloc_v2(&workspace_, workspaceBytes));
  std::unique_ptr<Blas> found = Blas::open(name, stream_, workspace_, workspaceBytes, fault);
  if (found != nullptr) blas_ = std::move(found);
  return CUDA_SUCCESS;
}

CUresult Device::receive(CUdeviceptr to, Device& other, CUdeviceptr from, size_t bytes) {
  if (bytes == 0) return CUDA_SUCCESS;
  TRY(other.enter());
  TRY(driver_->cuEventRecord(other.meeting_, other.stream_));
  TRY(enter());
  if (peers_.insert(other.device_).second) {
    // Without it the driver copies by way of the host.
    int can = 0;
    TRY(driver_->cuDeviceCanAccessPeer(&can, device_, other.device_));
    if (can != 0) driver_->cuCtxEnablePeerAccess(other.context_, 0);
  }
  TRY(driver_->cuStreamWaitEvent(stream_, other.meeting_, 0));
  TRY(driver_->cuMemcpyPeerAsync(to, context_, from, other.context_, bytes, stream_));
  TRY(driver_->cuEventRecord(meeting_, stream_));
  TRY(other.enter());
  return driver_->cuStreamWaitEvent(other.stream_, meeting_, 0);
}

CUresult Device::fence(int32_t* number) {
  TRY(enter());
  if (freeFences_.empty()) {
    CUevent made = nullptr;
    TRY(driver_->cuEventCreate(&made, CU_EVENT_DISABLE_TIMING));
    freeFences_.push_back(static_cast<int32_t>(fences_.size()));
    fences_.push_back(made);
  }
  TRY(driver_->cuEventRecord(fences_[freeFences_.back()], stream_));
  *number = freeFences_.back();
  freeFences_.pop_back();
  return CUDA_SUCCESS;
}

CUresult Device::passed(int32_t number, bool* is) {
  TRY(enter());
  const auto waits = std::find(freeFences_.begin(), freeFences_.end(), number) == freeFences_.end();
  if (number < 0 || number >= static_cast<int32_t>(fences_.size()) || !waits) return CUDA_ERROR_INVALID_VALUE;
  const CUresult code = driver_->cuEventQuery(fences_[number]);
  *is = code == CUDA_SUCCESS;
  if (code == CUDA_ERROR_NOT_READY) return CUDA_SUCCESS;
  freeFences_.push_back(number);
  return code;
}

CUresult Device::mark(int32_t* number) {
  TRY(enter());
  if (marked_ == marks_.size()) {
    CUevent made = nullptr;
    TRY(driver_->cuEventCreate(&made, CU_EVENT_DEFAULT));
    marks_.push_back(made);
  }
  *number = static_cast<int32_t>(marked_);
  return driver_->cuEventRecord(marks_[marked_++], stream_);
}

CUresult Device::elapsed(int32_t from, int32_t to, float* milliseconds) {
  TRY(enter());
  if (from < 0 || to < from || static_cast<size_t>(to) >= marked_) return CUDA_ERROR_INVALID_VALUE;
  TRY(driver_->cuEventSynchronize(marks_[to]));
  return driver_->cuEventElapsedTime(milliseconds, marks_[from], marks_[to]);
}

}  // namespace flambeau::cuda
