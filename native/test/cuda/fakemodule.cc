// Modules of the driver for tests, and launches within the limits of cards.
#include <unistd.h>

#include <cstdio>

#include "enter.h"

using namespace flambeau;
using namespace flambeau::fake;

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

/** Writes a text to the folder for texts, under its digest; processes may write the same one at once. */
void keep(const std::string& folder, const ptx::Module& module) {
  const std::string file = folder + "/" + module.digest + ".ptx";
  if (access(file.c_str(), F_OK) == 0) return;
  const std::string unfinished = file + format(".%d", getpid());
  FILE* out = fopen(unfinished.c_str(), "w");
  if (out == nullptr) return;
  fwrite(module.text.data(), 1, module.text.size(), out);
  fclose(out);
  rename(unfinished.c_str(), file.c_str());
}

/**
 * The blocks of a launch. FAKECUDA_BLOCKS limits those of kernels that ask how many there are, because their threads go
 * on with further elements instead: so few elements reach the code for many.
 */
unsigned mostBlocks(const Kernel& kernel, unsigned blocks) {
  const char* most = getenv("FAKECUDA_BLOCKS");
  const bool asks = std::any_of(kernel.specials.begin(), kernel.specials.end(),
                                [](const ptx::Special& each) { return each.name == "%nctaid.x"; });
  return most == nullptr || !asks ? blocks : std::min(blocks, static_cast<unsigned>(std::max(1, atoi(most))));
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
  if (!d.settings.texts.empty()) keep(d.settings.texts, *made->module);
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
  const unsigned grid[] = {mostBlocks(kernel, gridX), gridY, gridZ}, block[] = {blockX, blockY, blockZ};
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
