// The driver library for tests: errors, devices and contexts, and its own functions (fakecuda.h). Arguments are checked
// as the real driver checks them; memory, modules and streams have files of their own.
#include "fakecuda.h"

#include "enter.h"

using namespace flambeau;
using namespace flambeau::fake;

namespace flambeau::fake {

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

}  // namespace flambeau::fake

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
