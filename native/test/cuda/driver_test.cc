// What the driver for tests does between host and device: streams that are late, events, several devices, memory that
// runs out, limits of launches, and errors on demand. Captures are in graphs_test.cc.
#include <thread>

#include "kernels_of_driver.h"
#include "state.h"

TEST_CASE("work of a stream is done when somebody waits, and not before") {
  const Environment environment;
  open();
  const Program program(kernels);
  const Buffer<uint32_t> out(std::vector<uint32_t>(4, 1));
  const Stream stream;
  const Pinned pinned(4);
  pinned.at[0] = 99;
  must(launched(program.function("plus"), {1, 4}, stream.stream, out.address, 5u));
  must(cuMemcpyDtoHAsync_v2(pinned.at, out.address, 16, stream.stream));
  CHECK(pinned.at[0] == 99);
  must(cuStreamSynchronize(stream.stream));
  CHECK(pinned.at[0] == 6);
}

TEST_CASE("a pinned slot that is written again before its copy is done shows in the copy, a pageable one does not") {
  const Environment environment;
  open();
  const Buffer<uint32_t> out(std::vector<uint32_t>(1, 0));
  const Stream stream;
  const Pinned pinned(1);
  *pinned.at = 1;
  must(cuMemcpyHtoDAsync_v2(out.address, pinned.at, 4, stream.stream));
  *pinned.at = 2;
  must(cuStreamSynchronize(stream.stream));
  CHECK(out.read()[0] == 2);
  uint32_t pageable = 3;
  must(cuMemcpyHtoDAsync_v2(out.address, &pageable, 4, stream.stream));
  pageable = 4;
  must(cuStreamSynchronize(stream.stream));
  CHECK(out.read()[0] == 3);
}

TEST_CASE("streams that do not block are not ordered by the default stream, others are, and events order them") {
  const Environment environment;
  open();
  const Program program(kernels);
  const CUfunction plus = program.function("plus"), step = program.function("step");
  for (const bool isBlocking : {false, true}) {
    const Buffer<uint32_t> out(std::vector<uint32_t>(1, 0));
    const Stream stream(isBlocking ? CU_STREAM_DEFAULT : CU_STREAM_NON_BLOCKING);
    must(launched(plus, {1, 1}, stream.stream, out.address, 5u));
    // A read on the default stream sees the work of a blocking stream only.
    CHECK(out.read()[0] == (isBlocking ? 5 : 0));
    must(cuStreamSynchronize(stream.stream));
    CHECK(out.read()[0] == 5);
  }
  const Buffer<uint32_t> out(std::vector<uint32_t>(1, 0));
  const Stream first, second;
  const Event event(CU_EVENT_DISABLE_TIMING);
  must(launched(plus, {1, 1}, first.stream, out.address, 5u));
  must(cuEventRecord(event.event, first.stream));
  must(launched(plus, {1, 1}, first.stream, out.address, 100u));
  must(cuStreamWaitEvent(second.stream, event.event, 0));
  must(launched(step, {1, 1}, second.stream, out.address));
  must(cuStreamSynchronize(second.stream));
  CHECK(out.read()[0] == 16);
  must(cuStreamSynchronize(first.stream));
  CHECK(out.read()[0] == 116);
}

TEST_CASE("queries say not ready a few times and then get on") {
  const Environment environment({"POLLS=3"});
  open();
  const Program program(kernels);
  const Buffer<uint32_t> out(std::vector<uint32_t>(1, 0));
  const Stream stream;
  const Event start, end;
  CHECK(cuEventQuery(end.event) == CUDA_SUCCESS);
  must(cuEventRecord(start.event, stream.stream));
  must(launched(program.function("plus"), {1, 1}, stream.stream, out.address, 5u));
  must(cuEventRecord(end.event, stream.stream));
  float time = -1;
  CHECK(cuEventElapsedTime(&time, start.event, end.event) == CUDA_ERROR_NOT_READY);
  for (int i = 0; i < 3; i++) CHECK(cuEventQuery(end.event) == CUDA_ERROR_NOT_READY);
  CHECK(cuEventQuery(end.event) == CUDA_SUCCESS);
  must(cuEventElapsedTime(&time, start.event, end.event));
  CHECK(time >= 0);
  CHECK(cuStreamQuery(stream.stream) == CUDA_SUCCESS);
  CHECK(out.read()[0] == 5);
}

TEST_CASE("there are as many devices as were asked for, each with memory of its own") {
  const Environment environment({"DEVICES=2", "MEMORY=1M", "CAPABILITY=8.6"});
  must(cuInit(0));
  int count, major, optIn, canAccess;
  must(cuDeviceGetCount(&count));
  CHECK(count == 2);
  CUdevice device;
  CHECK(cuDeviceGet(&device, 2) == CUDA_ERROR_INVALID_DEVICE);
  must(cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 1));
  must(cuDeviceGetAttribute(&optIn, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 1));
  CHECK(major == 8);
  CHECK(optIn == 101376);
  must(cuDeviceCanAccessPeer(&canAccess, 0, 1));
  CHECK(canAccess == 1);
  CUuuid a, b;
  must(cuDeviceGetUuid(&a, 0));
  must(cuDeviceGetUuid(&b, 1));
  CHECK(memcmp(&a, &b, sizeof a) != 0);
  const CUcontext second = open(1), first = open(0);
  const Buffer<uint32_t> here(std::vector<uint32_t>(4, 7));
  const Program program(kernels);
  must(cuCtxSetCurrent(second));
  CUdeviceptr there;
  must(cuMemAlloc_v2(&there, 16));
  size_t free, total;
  must(cuMemGetInfo_v2(&free, &total));
  CHECK(total == (1 << 20));
  CHECK(free == total - 16);
  must(cuMemcpyPeerAsync(there, second, here.address, first, 16, nullptr));
  CHECK(cuMemcpyPeerAsync(there, first, here.address, second, 16, nullptr) == CUDA_ERROR_INVALID_VALUE);
  std::vector<uint32_t> read(4);
  must(cuMemcpyDtoH_v2(read.data(), there, 16));
  CHECK(read == std::vector<uint32_t>(4, 7));
  must(cuCtxSetCurrent(first));
  // A kernel may touch the other device's memory once access is enabled; without, its device is lost.
  must(cuCtxEnablePeerAccess(second, 0));
  CHECK(cuCtxEnablePeerAccess(second, 0) == CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
  must(ran(program.function("plus"), {1, 4}, there, 1u));
  must(cuCtxSetCurrent(second));
  must(cuMemcpyDtoH_v2(read.data(), there, 16));
  CHECK(read[3] == 8);
  const Program other(kernels);
  CHECK(launched(program.function("plus"), {1, 4}, nullptr, there, 1u) == CUDA_ERROR_INVALID_HANDLE);
  CHECK(ran(other.function("plus"), {1, 4}, here.address, 1u) == CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK(std::string(fakecudaLastFault()).find("memory of device 0, whose access was not enabled") != std::string::npos);
  CHECK(cuCtxSynchronize() == CUDA_ERROR_ILLEGAL_ADDRESS);
  // The first device goes on.
  must(cuCtxSetCurrent(first));
  must(ran(program.function("plus"), {1, 4}, here.address, 1u));
}

TEST_CASE("memory runs out at the mark and comes back when it is freed") {
  const Environment environment({"MEMORY=64K"});
  open();
  CUdeviceptr a, b;
  must(cuMemAlloc_v2(&a, 60000));
  CHECK(cuMemAlloc_v2(&b, 6000) == CUDA_ERROR_OUT_OF_MEMORY);
  must(cuMemFree_v2(a));
  must(cuMemAlloc_v2(&b, 6000));
  CHECK(b != a);
  CHECK(cuMemFree_v2(a) == CUDA_ERROR_INVALID_VALUE);
  CHECK(cuMemAlloc_v2(&a, 0) == CUDA_ERROR_INVALID_VALUE);
  // Copies are checked when they are asked for.
  char bytes[8] = {};
  CHECK(cuMemcpyHtoD_v2(b + 5996, bytes, 8) == CUDA_ERROR_INVALID_VALUE);
  CHECK(cuMemsetD32Async(b + 2, 0, 1, nullptr) == CUDA_ERROR_INVALID_VALUE);
}

TEST_CASE("no device, an old driver and an old device are found when they are met") {
  {
    const Environment environment({"NONE=1"});
    CHECK(cuInit(0) == CUDA_ERROR_NO_DEVICE);
    int count;
    CHECK(cuDeviceGetCount(&count) == CUDA_ERROR_NOT_INITIALIZED);
  }
  const Environment environment({"VERSION=11040", "CAPABILITY=7.5"});
  CUdeviceptr address;
  must(cuInit(0));
  CHECK(cuMemAlloc_v2(&address, 4) == CUDA_ERROR_INVALID_CONTEXT);
  open();
  int version;
  must(cuDriverGetVersion(&version));
  CHECK(version == 11040);
  CUmodule module;
  const Program program(kernels);
  CHECK(cuModuleLoadDataEx(&module, kernelOf("", "", 75).c_str(), 0, nullptr, nullptr) ==
        CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
  const std::string newer = ".version 7.4\n.target sm_80\n.address_size 64\n";
  CHECK(cuModuleLoadDataEx(&module, newer.c_str(), 0, nullptr, nullptr) == CUDA_ERROR_NO_BINARY_FOR_GPU);
  CHECK(cuModuleLoadDataEx(&module,
                           "\x7f"
                           "ELF",
                           0, nullptr, nullptr) == CUDA_ERROR_INVALID_IMAGE);
}

TEST_CASE("failures come on demand, at the call that was named") {
  const Environment environment({"FAIL=cuMemAlloc:2:2,cuStreamCreate:1+:999,cuLaunchKernel:2:700"});
  open();
  CUdeviceptr a;
  must(cuMemAlloc_v2(&a, 4));
  CHECK(cuMemAlloc_v2(&a, 4) == CUDA_ERROR_OUT_OF_MEMORY);
  must(cuMemAlloc_v2(&a, 4));
  CUstream stream;
  for (int i = 0; i < 3; i++) CHECK(cuStreamCreate(&stream, 0) == CUDA_ERROR_UNKNOWN);
  const Program program(kernels);
  must(launched(program.function("big"), {1, 1}, nullptr));
  CHECK(launched(program.function("big"), {1, 1}, nullptr) == CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK(cuCtxSynchronize() == CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST_CASE("launches keep the limits of cards") {
  const Environment environment;
  open();
  const Program program(kernels);
  const CUfunction big = program.function("big"), step = program.function("step");
  const auto launch = [&](CUfunction f, unsigned x, unsigned y, unsigned z, unsigned bx, unsigned by, unsigned bz,
                          unsigned shared) {
    CUdeviceptr out = 0;
    void* list[] = {&out};
    return cuLaunchKernel(f, x, y, z, bx, by, bz, shared, nullptr, list, nullptr);
  };
  CHECK(launch(big, 1, 65535, 1, 1, 1, 1, 0) == CUDA_SUCCESS);
  CHECK(launch(big, 1, 65536, 1, 1, 1, 1, 0) == CUDA_ERROR_INVALID_VALUE);
  CHECK(launch(big, 1, 1, 65536, 1, 1, 1, 0) == CUDA_ERROR_INVALID_VALUE);
  CHECK(launch(big, 0, 1, 1, 1, 1, 1, 0) == CUDA_ERROR_INVALID_VALUE);
  CHECK(launch(step, 1, 1, 1, 1025, 1, 1, 0) == CUDA_ERROR_INVALID_VALUE);
  CHECK(launch(step, 1, 1, 1, 32, 33, 1, 0) == CUDA_ERROR_INVALID_VALUE);
  CHECK(launch(step, 1, 1, 1, 1, 1, 65, 0) == CUDA_ERROR_INVALID_VALUE);
  // The kernel says 64 threads at most.
  CHECK(launch(big, 1, 1, 1, 65, 1, 1, 0) == CUDA_ERROR_INVALID_VALUE);
  // 40 of 48 KB are taken; more need a permission.
  CHECK(launch(big, 1, 1, 1, 1, 1, 1, 8192) == CUDA_SUCCESS);
  CHECK(launch(big, 1, 1, 1, 1, 1, 1, 8193) == CUDA_ERROR_INVALID_VALUE);
  must(cuFuncSetAttribute(big, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 100000));
  CHECK(launch(big, 1, 1, 1, 1, 1, 1, 100000) == CUDA_SUCCESS);
  CHECK(cuFuncSetAttribute(big, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 232448) == CUDA_ERROR_INVALID_VALUE);
  int value;
  must(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, big));
  CHECK(value == 40960);
  must(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, big));
  CHECK(value == 64);
  CUmodule module;
  const std::string large =
      ".version 6.3\n.target sm_75\n.address_size 64\n.visible .entry k(.param .align 4 .b8 p[4100])\n{\nret;\n}\n";
  CHECK(cuModuleLoadDataEx(&module, large.c_str(), 0, nullptr, nullptr) == CUDA_ERROR_INVALID_PTX);
}

TEST_CASE("variables of a module have their values, and go with it, and handles that are gone are refused") {
  const Environment environment;
  open();
  CUmodule module;
  must(cuModuleLoadDataEx(&module, kernels, 0, nullptr, nullptr));
  CUdeviceptr counter;
  size_t bytes;
  must(cuModuleGetGlobal_v2(&counter, &bytes, module, "counter"));
  uint32_t value = 0;
  must(cuMemcpyDtoH_v2(&value, counter, 4));
  CHECK(bytes == 4);
  CHECK(value == 5);
  CUfunction function;
  CHECK(cuModuleGetFunction(&function, module, "nobody") == CUDA_ERROR_NOT_FOUND);
  must(cuModuleGetFunction(&function, module, "big"));
  must(cuModuleUnload(module));
  CHECK(cuModuleUnload(module) == CUDA_ERROR_INVALID_HANDLE);
  CHECK(launched(function, {1, 1}, nullptr) == CUDA_ERROR_INVALID_HANDLE);
  CHECK(cuMemcpyDtoH_v2(&value, counter, 4) == CUDA_ERROR_INVALID_VALUE);
  CUstream stream;
  must(cuStreamCreate(&stream, 0));
  must(cuStreamDestroy_v2(stream));
  CHECK(cuStreamSynchronize(stream) == CUDA_ERROR_INVALID_HANDLE);
}

TEST_CASE("parameters may come in one buffer") {
  const Environment environment;
  open();
  const Program program(kernels);
  const Buffer<uint32_t> out(std::vector<uint32_t>(1, 1));
  struct {
    CUdeviceptr address;
    uint32_t value;
  } parameters = {out.address, 41};
  size_t size = 12;
  void* extra[] = {reinterpret_cast<void*>(1), &parameters, reinterpret_cast<void*>(2), &size, nullptr};
  must(cuLaunchKernel(program.function("plus"), 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, extra));
  CHECK(out.read()[0] == 42);
}

TEST_CASE("threads use a device side by side, each with a stream") {
  const Environment environment;
  const CUcontext context = open();
  const Program program(kernels);
  const Buffer<uint32_t> out(std::vector<uint32_t>(4, 0));
  std::vector<std::thread> threads;
  std::vector<CUresult> codes(4, CUDA_SUCCESS);
  for (size_t t = 0; t < 4; t++) {
    threads.emplace_back([&, t] {
      CUstream stream;
      CUresult& code = codes[t];
      if ((code = cuCtxSetCurrent(context)) != CUDA_SUCCESS || (code = cuStreamCreate(&stream, 1)) != CUDA_SUCCESS)
        return;
      CUfunction plus;
      CUdeviceptr own = out.address + 4 * t;
      uint32_t one = 1;
      void* list[] = {&own, &one};
      CUmodule module;
      if ((code = cuModuleLoadDataEx(&module, kernels, 0, nullptr, nullptr)) != CUDA_SUCCESS) return;
      cuModuleGetFunction(&plus, module, "plus");
      for (int i = 0; i < 100 && code == CUDA_SUCCESS; i++) {
        code = cuLaunchKernel(plus, 1, 1, 1, 1, 1, 1, 0, stream, list, nullptr);
        if (i % 10 == 0 && code == CUDA_SUCCESS) code = cuStreamSynchronize(stream);
      }
      if (code == CUDA_SUCCESS) code = cuStreamSynchronize(stream);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const CUresult code : codes) CHECK(code == CUDA_SUCCESS);
  CHECK(out.read() == std::vector<uint32_t>(4, 100));
}

TEST_CASE("errors have the names and texts of the real driver") {
  const char* text;
  must(cuGetErrorName(CUDA_ERROR_ILLEGAL_ADDRESS, &text));
  CHECK(std::string(text) == "CUDA_ERROR_ILLEGAL_ADDRESS");
  must(cuGetErrorString(CUDA_ERROR_OUT_OF_MEMORY, &text));
  CHECK(std::string(text) == "out of memory");
  CHECK(cuGetErrorName(static_cast<CUresult>(12345), &text) == CUDA_ERROR_INVALID_VALUE);
  CHECK(text == nullptr);
}

TEST_CASE("dereferencing an address of a device is no use") {
  const Environment environment;
  open();
  CUdeviceptr address;
  must(cuMemAlloc_v2(&address, 64));
  // Beyond what 47 bits of addresses give a process, and exact as a JavaScript number.
  CHECK((address >> 47) > 0);
  CHECK((address >> 53) == 0);
}
