// The functions of the driver library for tests: arguments are checked as the real driver checks them, and work goes to
// streams (state.h), which do it as late as they may.
#include "fakecuda.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "state.h"

using namespace flambeau;
using namespace flambeau::fake;
using ptx::format;

namespace {

thread_local CUcontext current = nullptr;

/** What a function needs before it may run. */
enum class Needs { nothing, initialization, context };

CUresult injected(const char* name) {
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
  if (const CUresult code = injected(name)) {
    if (code >= CUDA_ERROR_ILLEGAL_ADDRESS && code <= CUDA_ERROR_LAUNCH_FAILED && current != nullptr) {
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

bool isDevice(const Driver& d, int device) { return device >= 0 && device < d.settings.devices; }

/** The stream of a handle, where null is the default one; nullptr for a handle that is none. */
CUstream streamOf(Driver& d, CUstream handle) {
  if (handle == nullptr) return current->defaultStream.get();
  return d.streams.count(handle) != 0 && handle->context == current ? handle : nullptr;
}

/** Whether a range lies in one allocation. */
bool isRange(Driver& d, CUdeviceptr address, size_t bytes) {
  const ptx::Allocation* allocation = d.memory.find(address);
  return bytes == 0 || (allocation != nullptr && bytes <= allocation->end() - address);
}

struct Model {
  int capability, processors, sharedOptIn, sharedAll;
};
/** What cards of a capability have; of others, the one below. */
const Model& model(int capability) {
  static const Model models[] = {{75, 40, 65536, 65536},    {80, 108, 166912, 167936}, {86, 82, 101376, 102400},
                                 {89, 76, 101376, 102400},  {90, 132, 232448, 233472}, {100, 148, 232448, 233472},
                                 {120, 170, 101376, 102400}};
  const Model* found = &models[0];
  for (const Model& each : models) {
    if (each.capability <= capability) found = &each;
  }
  return *found;
}

constexpr int sharedLimit = 48 * 1024;

}  // namespace

const char* fakecudaLastFault() {
  const std::lock_guard<std::recursive_mutex> guard(driver().lock);
  return driver().lastFault.c_str();
}
void fakecudaReset() {
  const std::lock_guard<std::recursive_mutex> guard(driver().lock);
  driver().reset();
  current = nullptr;
}
void fakecudaFlush() {
  const std::lock_guard<std::recursive_mutex> guard(driver().lock);
  driver().flush();
}
unsigned long long fakecudaInstructions() {
  const std::lock_guard<std::recursive_mutex> guard(driver().lock);
  return driver().instructions;
}

// ---- errors, devices, contexts ----

CUresult cuGetErrorName(CUresult error, const char** name) {
#define NAME(name, value) {value, #name},
  static const std::map<int, const char*> names = {CUresult_VALUES(NAME)};
#undef NAME
  const auto found = names.find(error);
  *name = found == names.end() ? nullptr : found->second;
  return found == names.end() ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

CUresult cuGetErrorString(CUresult error, const char** text) {
  static const std::map<int, const char*> texts = {
      {0, "no error"},
      {1, "invalid argument"},
      {2, "out of memory"},
      {3, "initialization error"},
      {100, "no CUDA-capable device is detected"},
      {101, "invalid device ordinal"},
      {200, "device kernel image is invalid"},
      {201, "invalid device context"},
      {209, "no kernel image is available for execution on the device"},
      {218, "a PTX JIT compilation failed"},
      {222, "the provided PTX was compiled with an unsupported toolchain."},
      {400, "invalid resource handle"},
      {500, "named symbol not found"},
      {600, "device not ready"},
      {700, "an illegal memory access was encountered"},
      {701, "too many resources requested for launch"},
      {702, "the launch timed out and was terminated"},
      {704, "peer access is already enabled"},
      {715, "an illegal instruction was encountered"},
      {716, "misaligned address"},
      {717, "operation not supported on global/shared address space"},
      {719, "unspecified launch failure"},
      {900, "operation not permitted when stream is capturing"},
      {901, "operation failed due to a previous error during capture"},
      {906, "operation would make the legacy stream depend on a capturing blocking stream"},
      {999, "unknown error"}};
  const auto found = texts.find(error);
  if (found != texts.end()) {
    *text = found->second;
    return CUDA_SUCCESS;
  }
  return cuGetErrorName(error, text);
}

CUresult cuInit(unsigned flags) {
  ENTER(nothing)
  REQUIRE(flags == 0, CUDA_ERROR_INVALID_VALUE);
  REQUIRE(!d.settings.hasNone && d.settings.devices > 0, CUDA_ERROR_NO_DEVICE);
  for (int device = static_cast<int>(d.contexts.size()); device < d.settings.devices; device++) {
    auto context = std::make_unique<CUctx_st>();
    context->device = device;
    context->defaultStream = std::make_unique<CUstream_st>();
    context->defaultStream->context = context.get();
    context->defaultStream->isDefault = true;
    d.contexts.push_back(std::move(context));
  }
  d.isReady = true;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuDriverGetVersion(int* version) {
  ENTER(nothing)
  *version = d.settings.version;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuDeviceGetCount(int* count) {
  ENTER(initialization)
  *count = d.settings.devices;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  ENTER(initialization)
  REQUIRE(isDevice(d, ordinal), CUDA_ERROR_INVALID_DEVICE);
  *device = ordinal;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
  ENTER(initialization)
  REQUIRE(isDevice(d, device), CUDA_ERROR_INVALID_DEVICE);
  snprintf(name, static_cast<size_t>(length), "Test device (interpreter of PTX)");
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device) {
  ENTER(initialization)
  REQUIRE(isDevice(d, device), CUDA_ERROR_INVALID_DEVICE);
  const int capability = d.settings.capability;
  const Model& card = model(capability);
  switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y:
      *value = 1024;
      break;
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z:
      *value = 64;
      break;
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
      *value = 2147483647;
      break;
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
      *value = 65535;
      break;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
      *value = sharedLimit;
      break;
    case CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY:
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK:
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR:
      *value = 65536;
      break;
    case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
      *value = 32;
      break;
    case CU_DEVICE_ATTRIBUTE_CLOCK_RATE:
      *value = 1980000;
      break;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
      *value = card.processors;
      break;
    case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE:
      *value = 2619000;
      break;
    case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH:
      *value = 5120;
      break;
    case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE:
      *value = 50 << 20;
      break;
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR:
      *value = capability == 75 ? 1024 : capability >= 86 && capability < 90 ? 1536 : 2048;
      break;
    case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING:
      *value = 1;
      break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
      *value = capability / 10;
      break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
      *value = capability % 10;
      break;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
      *value = card.sharedAll;
      break;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
      *value = card.sharedOptIn;
      break;
    case CU_DEVICE_ATTRIBUTE_PCI_BUS_ID:
      *value = device + 1;
      break;
    case CU_DEVICE_ATTRIBUTE_INTEGRATED:
    case CU_DEVICE_ATTRIBUTE_COMPUTE_MODE:
    case CU_DEVICE_ATTRIBUTE_ECC_ENABLED:
    case CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID:
    case CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID:
      *value = 0;
      break;
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
  ENTER(initialization)
  REQUIRE(isDevice(d, device), CUDA_ERROR_INVALID_DEVICE);
  *bytes = d.settings.memory;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuDeviceGetUuid(CUuuid* uuid, CUdevice device) {
  ENTER(initialization)
  REQUIRE(isDevice(d, device), CUDA_ERROR_INVALID_DEVICE);
  memset(uuid->bytes, 0, sizeof uuid->bytes);
  uuid->bytes[0] = static_cast<char>(0xf1);
  uuid->bytes[15] = static_cast<char>(device);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
  ENTER(initialization)
  REQUIRE(isDevice(d, device), CUDA_ERROR_INVALID_DEVICE);
  *context = d.contexts[static_cast<size_t>(device)].get();
  (*context)->retains++;
  return (*context)->lost;
  LEAVE
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  ENTER(initialization)
  REQUIRE(isDevice(d, device), CUDA_ERROR_INVALID_DEVICE);
  CUcontext context = d.contexts[static_cast<size_t>(device)].get();
  REQUIRE(context->retains > 0, CUDA_ERROR_INVALID_CONTEXT);
  d.drain(context);
  context->retains--;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuCtxSetCurrent(CUcontext context) {
  ENTER(initialization)
  const bool isOurs =
      std::any_of(d.contexts.begin(), d.contexts.end(), [&](const auto& each) { return each.get() == context; });
  REQUIRE(context == nullptr || isOurs, CUDA_ERROR_INVALID_CONTEXT);
  current = context;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuCtxGetCurrent(CUcontext* context) {
  ENTER(initialization)
  *context = current;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuCtxSynchronize() {
  ENTER(context)
  REQUIRE(!d.isForbidden() && !d.isCapturing(current), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  d.drain(current);
  return current->lost;
  LEAVE
}

CUresult cuDeviceCanAccessPeer(int* canAccess, CUdevice device, CUdevice peer) {
  ENTER(initialization)
  REQUIRE(isDevice(d, device) && isDevice(d, peer), CUDA_ERROR_INVALID_DEVICE);
  *canAccess = device != peer;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned flags) {
  ENTER(context)
  REQUIRE(flags == 0, CUDA_ERROR_INVALID_VALUE);
  REQUIRE(peer != nullptr && peer != current, CUDA_ERROR_INVALID_CONTEXT);
  const uint32_t bit = 1u << peer->device;
  REQUIRE((current->peers & bit) == 0, CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
  current->peers |= bit;
  return CUDA_SUCCESS;
  LEAVE
}

// ---- memory ----

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

// ---- modules and launches ----

namespace {

/** The newest PTX that a driver reads, as version times 10. */
int newestPtx(int driverVersion) {
  static const int versions[][2] = {{10000, 63}, {10010, 64}, {10020, 65}, {11000, 70}, {11010, 71}, {11020, 72},
                                    {11030, 73}, {11040, 74}, {11050, 75}, {11060, 76}, {11070, 77}, {11080, 78},
                                    {12000, 80}, {12010, 81}, {12020, 82}, {12030, 83}, {12040, 84}, {12050, 85},
                                    {12070, 86}, {12080, 87}, {12090, 88}, {13000, 90}};
  int newest = 60;
  for (const auto& [version, ptx] : versions) {
    if (version <= driverVersion) newest = ptx;
  }
  return newest;
}

/** Writes to the log that the caller gave, as much as fits. */
void log(unsigned count, const CUjit_option* options, void** values, const std::string& text) {
  char* buffer = nullptr;
  size_t size = 0;
  for (unsigned i = 0; i < count; i++) {
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER) buffer = static_cast<char*>(values[i]);
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES) size = reinterpret_cast<size_t>(values[i]);
  }
  if (buffer != nullptr && size > 0) snprintf(buffer, size, "%s", text.c_str());
}

}  // namespace

CUresult cuModuleLoadDataEx(CUmodule* module, const void* image, unsigned count, CUjit_option* options, void** values) {
  ENTER(context)
  REQUIRE(image != nullptr, CUDA_ERROR_INVALID_VALUE);
  REQUIRE(!d.isForbidden(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  const std::string text(static_cast<const char*>(image));
  // Binaries begin otherwise.
  REQUIRE(text.find(".version") != std::string::npos, CUDA_ERROR_INVALID_IMAGE);
  auto made = std::make_unique<CUmod_st>();
  made->context = current;
  try {
    made->module = ptx::parse(text, current->device, d.memory, d.settings.memory);
  } catch (const ptx::ParseError& error) {
    d.lastFault = format("ptx line %d: %s", error.line, error.text.c_str());
    if (d.settings.isVerbose) fprintf(stderr, "fakecuda: %s\n", d.lastFault.c_str());
    log(count, options, values, d.lastFault);
    return CUDA_ERROR_INVALID_PTX;
  }
  const auto refuse = [&](CUresult code, const std::string& why) {
    d.lastFault = why;
    log(count, options, values, why);
    for (const auto& [name, variable] : made->module->globals) d.memory.release(variable.address);
    return code;
  };
  const int version = made->module->version, newest = newestPtx(d.settings.version);
  if (version > newest) {
    return refuse(CUDA_ERROR_UNSUPPORTED_PTX_VERSION, format("the text is PTX %d.%d and the driver reads up to %d.%d",
                                                             version / 10, version % 10, newest / 10, newest % 10));
  }
  if (made->module->target > d.settings.capability) {
    return refuse(CUDA_ERROR_NO_BINARY_FOR_GPU,
                  format("the text is for sm_%d and the device is sm_%d", made->module->target, d.settings.capability));
  }
  for (const auto& [name, kernel] : made->module->kernels) {
    auto function = std::make_unique<CUfunc_st>();
    function->kernel = kernel.get();
    function->module = made.get();
    d.functions.insert(function.get());
    made->functions[name] = std::move(function);
  }
  *module = made.release();
  d.modules.insert(*module);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuModuleUnload(CUmodule module) {
  ENTER(context)
  REQUIRE(d.modules.count(module) != 0, CUDA_ERROR_INVALID_HANDLE);
  REQUIRE(!d.isForbidden(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  d.drain(module->context);
  d.flush();
  for (const auto& [name, function] : module->functions) d.functions.erase(function.get());
  for (const auto& [name, variable] : module->module->globals) d.memory.release(variable.address);
  d.modules.erase(module);
  // Graphs may hold its kernels.
  d.kept.emplace_back(module);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
  ENTER(context)
  REQUIRE(d.modules.count(module) != 0, CUDA_ERROR_INVALID_HANDLE);
  const auto found = module->functions.find(name);
  REQUIRE(found != module->functions.end(), CUDA_ERROR_NOT_FOUND);
  *function = found->second.get();
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr* address, size_t* bytes, CUmodule module, const char* name) {
  ENTER(context)
  REQUIRE(d.modules.count(module) != 0, CUDA_ERROR_INVALID_HANDLE);
  const auto found = module->module->globals.find(name);
  REQUIRE(found != module->module->globals.end(), CUDA_ERROR_NOT_FOUND);
  if (address != nullptr) *address = found->second.address;
  if (bytes != nullptr) *bytes = found->second.size;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuFuncGetAttribute(int* value, CUfunction_attribute attribute, CUfunction function) {
  ENTER(context)
  REQUIRE(d.functions.count(function) != 0, CUDA_ERROR_INVALID_HANDLE);
  const Kernel& kernel = *function->kernel;
  switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
      *value = std::min(kernel.maxThreads, 1024);
      break;
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
      *value = kernel.sharedBytes;
      break;
    case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
      *value = 0;
      break;
    case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
      *value = kernel.localBytes;
      break;
    case CU_FUNC_ATTRIBUTE_NUM_REGS:
      // Only ptxas could tell.
      *value = 32;
      break;
    case CU_FUNC_ATTRIBUTE_PTX_VERSION:
      *value = kernel.module->target;
      break;
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION:
      *value = d.settings.capability;
      break;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
      *value = kernel.maxDynamicShared < 0 ? sharedLimit - kernel.sharedBytes : kernel.maxDynamicShared;
      break;
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
  ENTER(context)
  REQUIRE(d.functions.count(function) != 0, CUDA_ERROR_INVALID_HANDLE);
  if (attribute == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT) return CUDA_SUCCESS;
  REQUIRE(attribute == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, CUDA_ERROR_INVALID_VALUE);
  REQUIRE(value >= 0 && value + function->kernel->sharedBytes <= model(d.settings.capability).sharedOptIn,
          CUDA_ERROR_INVALID_VALUE);
  function->kernel->maxDynamicShared = value;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                        unsigned blockY, unsigned blockZ, unsigned sharedBytes, CUstream handle, void** parameters,
                        void** extra) {
  ENTER(context)
  REQUIRE(d.functions.count(function) != 0 && function->module->context == current, CUDA_ERROR_INVALID_HANDLE);
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr, CUDA_ERROR_INVALID_HANDLE);
  Kernel& kernel = *function->kernel;
  REQUIRE(gridX > 0 && gridY > 0 && gridZ > 0 && blockX > 0 && blockY > 0 && blockZ > 0, CUDA_ERROR_INVALID_VALUE);
  REQUIRE(gridX <= 2147483647u && gridY <= 65535 && gridZ <= 65535, CUDA_ERROR_INVALID_VALUE);
  REQUIRE(blockX <= 1024 && blockY <= 1024 && blockZ <= 64 && uint64_t{blockX} * blockY * blockZ <= 1024,
          CUDA_ERROR_INVALID_VALUE);
  REQUIRE(static_cast<int>(blockX * blockY * blockZ) <= kernel.maxThreads, CUDA_ERROR_INVALID_VALUE);
  const int* required = kernel.requiredThreads;
  const bool isRequired = required[0] == 0 || (blockX == static_cast<unsigned>(required[0]) &&
                                               blockY == static_cast<unsigned>(required[1]) &&
                                               blockZ == static_cast<unsigned>(required[2]));
  REQUIRE(isRequired, CUDA_ERROR_INVALID_VALUE);
  const int dynamic = kernel.maxDynamicShared < 0 ? sharedLimit - kernel.sharedBytes : kernel.maxDynamicShared;
  REQUIRE(dynamic >= 0 && sharedBytes <= static_cast<unsigned>(dynamic), CUDA_ERROR_INVALID_VALUE);
  Work work{};
  work.kind = Work::kernel;
  work.function = &kernel;
  const unsigned grid[] = {gridX, gridY, gridZ}, block[] = {blockX, blockY, blockZ};
  std::copy(grid, grid + 3, work.launch.grid);
  std::copy(block, block + 3, work.launch.block);
  work.launch.dynamicShared = sharedBytes;
  std::vector<uint8_t>& bytes = work.launch.parameters;
  bytes.resize(static_cast<size_t>(kernel.parameterBytes));
  if (extra != nullptr) {
    // A list of pairs: 1 is a buffer, 2 the address of its size, 0 the end.
    const void* buffer = nullptr;
    size_t size = 0;
    for (void** at = extra; *at != nullptr; at += 2) {
      if (*at == reinterpret_cast<void*>(1)) buffer = at[1];
      if (*at == reinterpret_cast<void*>(2)) size = *static_cast<size_t*>(at[1]);
    }
    REQUIRE(parameters == nullptr && buffer != nullptr && size >= bytes.size(), CUDA_ERROR_INVALID_VALUE);
    memcpy(bytes.data(), buffer, bytes.size());
  } else {
    REQUIRE(parameters != nullptr || kernel.parameters.empty(), CUDA_ERROR_INVALID_VALUE);
    for (size_t i = 0; i < kernel.parameters.size(); i++) {
      REQUIRE(parameters[i] != nullptr, CUDA_ERROR_INVALID_VALUE);
      memcpy(bytes.data() + kernel.parameters[i].offset, parameters[i], static_cast<size_t>(kernel.parameters[i].size));
    }
  }
  return d.add(stream, std::move(work));
  LEAVE
}

// ---- streams and events ----

CUresult cuStreamCreate(CUstream* stream, unsigned flags) {
  ENTER(context)
  REQUIRE(flags <= CU_STREAM_NON_BLOCKING, CUDA_ERROR_INVALID_VALUE);
  *stream = new CUstream_st;
  (*stream)->context = current;
  (*stream)->isBlocking = flags == CU_STREAM_DEFAULT;
  d.streams.insert(*stream);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuStreamDestroy_v2(CUstream stream) {
  ENTER(context)
  REQUIRE(d.streams.count(stream) != 0, CUDA_ERROR_INVALID_HANDLE);
  d.advance(stream, UINT64_MAX);
  if (stream->capture != nullptr) stream->capture->isInvalid = true;
  d.streams.erase(stream);
  delete stream;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuStreamSynchronize(CUstream handle) {
  ENTER(context)
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr, CUDA_ERROR_INVALID_HANDLE);
  if (stream->capture != nullptr) {
    stream->capture->isInvalid = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  d.advance(stream, UINT64_MAX);
  return current->lost;
  LEAVE
}

namespace {

/** "Not ready" a few times, so that who polls is tested, and then the work is done, so that he gets on. */
bool isPatient(Driver& d, int* polls) { return (*polls)++ < d.settings.polls; }

}  // namespace

CUresult cuStreamQuery(CUstream handle) {
  ENTER(context)
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr, CUDA_ERROR_INVALID_HANDLE);
  if (stream->capture != nullptr) {
    stream->capture->isInvalid = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  if (stream->queue.empty()) return CUDA_SUCCESS;
  if (isPatient(d, &stream->polls)) return CUDA_ERROR_NOT_READY;
  d.advance(stream, UINT64_MAX);
  return current->lost;
  LEAVE
}

CUresult cuStreamWaitEvent(CUstream handle, CUevent event, unsigned flags) {
  ENTER(context)
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr && d.events.count(event) != 0, CUDA_ERROR_INVALID_HANDLE);
  REQUIRE(flags == 0, CUDA_ERROR_INVALID_VALUE);
  if (event->capture != nullptr) {
    // The stream joins the capture, or the capture's streams meet.
    if (stream->capture == nullptr) {
      REQUIRE(!stream->isDefault, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
      stream->capture = event->capture;
      stream->capture->joined[stream] = 0;
    }
    REQUIRE(stream->capture == event->capture, CUDA_ERROR_STREAM_CAPTURE_MERGE);
    const auto joined = stream->capture->joined.find(event->stream);
    if (joined != stream->capture->joined.end() && event->stream != stream && joined->second <= event->captured)
      joined->second = 0;
    return CUDA_SUCCESS;
  }
  if (stream->capture != nullptr) {
    stream->capture->isInvalid = true;
    return CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
  }
  if (event->recorded == 0 || event->done >= event->recorded) return CUDA_SUCCESS;
  Work work{};
  work.kind = Work::wait;
  work.other = event->stream;
  work.until = event->recorded;
  return d.add(stream, std::move(work));
  LEAVE
}

CUresult cuEventCreate(CUevent* event, unsigned flags) {
  ENTER(context)
  REQUIRE(flags <= (CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING), CUDA_ERROR_INVALID_VALUE);
  *event = new CUevent_st;
  (*event)->context = current;
  (*event)->hasTime = (flags & CU_EVENT_DISABLE_TIMING) == 0;
  d.events.insert(*event);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuEventRecord(CUevent event, CUstream handle) {
  ENTER(context)
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr && d.events.count(event) != 0 && event->context == current, CUDA_ERROR_INVALID_HANDLE);
  event->capture = stream->capture;
  if (stream->capture != nullptr) {
    event->stream = stream;
    event->captured = stream->capture->nodes.size();
    return CUDA_SUCCESS;
  }
  Work work{};
  work.kind = Work::record;
  work.event = event;
  return d.add(stream, std::move(work));
  LEAVE
}

CUresult cuEventQuery(CUevent event) {
  ENTER(context)
  REQUIRE(d.events.count(event) != 0, CUDA_ERROR_INVALID_HANDLE);
  if (event->capture != nullptr) return CUDA_ERROR_CAPTURED_EVENT;
  if (event->done >= event->recorded) return CUDA_SUCCESS;
  if (isPatient(d, &event->polls)) return CUDA_ERROR_NOT_READY;
  d.advance(event->stream, event->recorded);
  return current->lost;
  LEAVE
}

CUresult cuEventSynchronize(CUevent event) {
  ENTER(context)
  REQUIRE(d.events.count(event) != 0, CUDA_ERROR_INVALID_HANDLE);
  if (event->capture != nullptr) return CUDA_ERROR_CAPTURED_EVENT;
  if (event->done < event->recorded) d.advance(event->stream, event->recorded);
  return current->lost;
  LEAVE
}

CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
  ENTER(context)
  REQUIRE(d.events.count(start) != 0 && d.events.count(end) != 0, CUDA_ERROR_INVALID_HANDLE);
  REQUIRE(start->hasTime && end->hasTime && start->recorded != 0 && end->recorded != 0, CUDA_ERROR_INVALID_HANDLE);
  REQUIRE(start->done >= start->recorded && end->done >= end->recorded, CUDA_ERROR_NOT_READY);
  *milliseconds = static_cast<float>(end->milliseconds - start->milliseconds);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuEventDestroy_v2(CUevent event) {
  ENTER(context)
  REQUIRE(d.events.erase(event) == 1, CUDA_ERROR_INVALID_HANDLE);
  delete event;
  return CUDA_SUCCESS;
  LEAVE
}

// ---- capture and graphs ----

CUresult cuStreamBeginCapture_v2(CUstream handle, CUstreamCaptureMode mode) {
  ENTER(context)
  REQUIRE(handle != nullptr, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr, CUDA_ERROR_INVALID_HANDLE);
  REQUIRE(stream->capture == nullptr, CUDA_ERROR_ILLEGAL_STATE);
  stream->capture = std::make_shared<Capture>();
  stream->capture->origin = stream;
  stream->capture->mode = mode;
  stream->capture->thread = std::this_thread::get_id();
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuStreamEndCapture(CUstream handle, CUgraph* graph) {
  ENTER(context)
  *graph = nullptr;
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr, CUDA_ERROR_INVALID_HANDLE);
  REQUIRE(stream->capture != nullptr, CUDA_ERROR_ILLEGAL_STATE);
  const std::shared_ptr<Capture> capture = stream->capture;
  REQUIRE(capture->mode == CU_STREAM_CAPTURE_MODE_RELAXED || capture->thread == std::this_thread::get_id(),
          CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD);
  REQUIRE(capture->origin == stream, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
  for (const CUstream each : d.streams) {
    if (each->capture == capture) each->capture = nullptr;
  }
  REQUIRE(!capture->isInvalid, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  for (const auto& [joined, nodes] : capture->joined) REQUIRE(nodes == 0, CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
  *graph = new CUgraph_st;
  (*graph)->nodes = std::move(capture->nodes);
  d.graphs.insert(*graph);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus* status) {
  ENTER(context)
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr, CUDA_ERROR_INVALID_HANDLE);
  *status = stream->capture == nullptr   ? CU_STREAM_CAPTURE_STATUS_NONE
            : stream->capture->isInvalid ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                         : CU_STREAM_CAPTURE_STATUS_ACTIVE;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec* exec, CUgraph graph, unsigned long long) {
  ENTER(context)
  REQUIRE(d.graphs.count(graph) != 0, CUDA_ERROR_INVALID_HANDLE);
  *exec = new CUgraphExec_st;
  (*exec)->context = current;
  (*exec)->nodes = std::make_shared<std::vector<Work>>(graph->nodes);
  d.execs.insert(*exec);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuGraphLaunch(CUgraphExec exec, CUstream handle) {
  ENTER(context)
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr && d.execs.count(exec) != 0 && exec->context == current, CUDA_ERROR_INVALID_HANDLE);
  Work work{};
  work.kind = Work::graph;
  // Launches that wait keep the nodes that they were made with.
  work.nodes = exec->nodes;
  return d.add(stream, std::move(work));
  LEAVE
}

CUresult cuGraphExecUpdate_v2(CUgraphExec exec, CUgraph graph, CUgraphExecUpdateResultInfo* result) {
  ENTER(context)
  REQUIRE(d.execs.count(exec) != 0 && d.graphs.count(graph) != 0, CUDA_ERROR_INVALID_HANDLE);
  *result = {CU_GRAPH_EXEC_UPDATE_SUCCESS, nullptr, nullptr};
  const std::vector<Work>&old = *exec->nodes, &made = graph->nodes;
  if (old.size() != made.size()) result->result = CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
  for (size_t i = 0; i < made.size() && result->result == CU_GRAPH_EXEC_UPDATE_SUCCESS; i++) {
    if (old[i].kind != made[i].kind) result->result = CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
  }
  REQUIRE(result->result == CU_GRAPH_EXEC_UPDATE_SUCCESS, CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
  exec->nodes = std::make_shared<std::vector<Work>>(made);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuGraphExecDestroy(CUgraphExec exec) {
  ENTER(context)
  REQUIRE(d.execs.erase(exec) == 1, CUDA_ERROR_INVALID_HANDLE);
  delete exec;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuGraphDestroy(CUgraph graph) {
  ENTER(context)
  REQUIRE(d.graphs.erase(graph) == 1, CUDA_ERROR_INVALID_HANDLE);
  delete graph;
  return CUDA_SUCCESS;
  LEAVE
}
