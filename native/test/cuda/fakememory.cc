// Memory of the driver for tests: allocations, pinned memory, copies and fills.
#include "enter.h"

using namespace flambeau;
using namespace flambeau::fake;

CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
  ENTER(context)
  REQUIRE(bytes > 0, CUDA_ERROR_INVALID_VALUE);
  REQUIRE(!d.isForbidden(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  const ptx::Allocation* allocation = d.memory.allocate(current->device, bytes, d.settings.memory);
  REQUIRE(allocation != nullptr, CUDA_ERROR_OUT_OF_MEMORY);
  *address = allocation->base;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  ENTER(context)
  if (address == 0) return CUDA_SUCCESS;
  REQUIRE(!d.isForbidden(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  // The real driver waits for the device as well.
  d.drain(current);
  REQUIRE(current->lost == CUDA_SUCCESS, current->lost);
  REQUIRE(d.memory.release(address), CUDA_ERROR_INVALID_VALUE);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
  ENTER(context)
  // Processes of tests may end without notice; when they have done their work, they ask for this.
  d.flush();
  *total = d.settings.memory;
  *free = d.settings.memory - d.memory.used(current->device);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuMemHostAlloc(void** memory, size_t bytes, unsigned) {
  ENTER(context)
  REQUIRE(bytes > 0, CUDA_ERROR_INVALID_VALUE);
  REQUIRE(!d.isForbidden(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  *memory = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  REQUIRE(*memory != nullptr, CUDA_ERROR_OUT_OF_MEMORY);
  d.pinned[static_cast<const char*>(*memory)] = bytes;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuMemFreeHost(void* memory) {
  ENTER(context)
  REQUIRE(!d.isForbidden(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  for (const auto& context : d.contexts) d.drain(context.get());
  REQUIRE(d.pinned.erase(static_cast<const char*>(memory)) == 1, CUDA_ERROR_INVALID_VALUE);
  free(memory);
  return CUDA_SUCCESS;
  LEAVE
}

namespace {

CUresult addCopy(Driver& d, CUstream handle, Work work) {
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr, CUDA_ERROR_INVALID_HANDLE);
  const bool isTo = work.kind != Work::toHost, isFrom = work.kind == Work::toHost || work.kind == Work::onDevice;
  const size_t range = work.kind == Work::fill ? work.bytes * static_cast<size_t>(work.width) : work.bytes;
  REQUIRE((!isTo || isRange(d, work.to, range)) && (!isFrom || isRange(d, work.from, range)), CUDA_ERROR_INVALID_VALUE);
  REQUIRE(work.kind != Work::fill || work.to % static_cast<CUdeviceptr>(work.width) == 0, CUDA_ERROR_INVALID_VALUE);
  if (work.bytes == 0) return CUDA_SUCCESS;
  if (work.kind == Work::toDevice && !d.isPinned(work.host, work.bytes)) {
    const auto* from = static_cast<const uint8_t*>(work.host);
    if (stream->capture == nullptr) work.staged.assign(from, from + work.bytes);
  }
  return d.add(stream, std::move(work));
}

Work copyToDevice(CUdeviceptr to, const void* from, size_t bytes) {
  Work work{};
  work.kind = Work::toDevice;
  work.to = to;
  work.host = const_cast<void*>(from);
  work.bytes = bytes;
  return work;
}
Work copyToHost(void* to, CUdeviceptr from, size_t bytes) {
  Work work{};
  work.kind = Work::toHost;
  work.host = to;
  work.from = from;
  work.bytes = bytes;
  return work;
}
Work copyOnDevice(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  Work work{};
  work.kind = Work::onDevice;
  work.to = to;
  work.from = from;
  work.bytes = bytes;
  return work;
}
Work fillOf(CUdeviceptr to, uint32_t value, int width, size_t count) {
  Work work{};
  work.kind = Work::fill;
  work.to = to;
  work.value = value;
  work.width = width;
  work.bytes = count;
  return work;
}

/** A copy that returns when it is done, on the default stream. */
CUresult copyAndWait(Driver& d, Work work) {
  REQUIRE(!d.isForbidden(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  const CUresult code = addCopy(d, nullptr, std::move(work));
  REQUIRE(code == CUDA_SUCCESS, code);
  d.advance(current->defaultStream.get(), UINT64_MAX);
  return current->lost;
}

}  // namespace

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t bytes) {
  ENTER(context)
  return copyAndWait(d, copyToDevice(to, from, bytes));
  LEAVE
}
CUresult cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t bytes) {
  ENTER(context)
  return copyAndWait(d, copyToHost(to, from, bytes));
  LEAVE
}
CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  ENTER(context)
  // Between two places of one device the host does not wait.
  REQUIRE(!d.isForbidden(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  return addCopy(d, nullptr, copyOnDevice(to, from, bytes));
  LEAVE
}
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, CUstream stream) {
  ENTER(context)
  return addCopy(d, stream, copyToDevice(to, from, bytes));
  LEAVE
}
CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, CUstream stream) {
  ENTER(context)
  return addCopy(d, stream, copyToHost(to, from, bytes));
  LEAVE
}
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  ENTER(context)
  return addCopy(d, stream, copyOnDevice(to, from, bytes));
  LEAVE
}
CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext toContext, CUdeviceptr from, CUcontext fromContext, size_t bytes,
                           CUstream stream) {
  ENTER(context)
  const ptx::Allocation *target = d.memory.find(to), *source = d.memory.find(from);
  REQUIRE(toContext != nullptr && fromContext != nullptr, CUDA_ERROR_INVALID_CONTEXT);
  const bool fits = bytes == 0 || (target != nullptr && source != nullptr && target->device == toContext->device &&
                                   source->device == fromContext->device);
  REQUIRE(fits, CUDA_ERROR_INVALID_VALUE);
  return addCopy(d, stream, copyOnDevice(to, from, bytes));
  LEAVE
}
CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
  ENTER(context)
  return addCopy(d, stream, fillOf(to, value, 1, count));
  LEAVE
}
CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
  ENTER(context)
  return addCopy(d, stream, fillOf(to, value, 4, count));
  LEAVE
}
