// The part of NVIDIA's driver interface that flambeau uses, declared by hand so that nobody needs a toolkit to build
// it. The addon opens the library at run time and looks the functions up by their names in FLAMBEAU_CUDA_FUNCTIONS; the
// library for tests defines them. A test compares every type, value and prototype with cuda.h where that is installed.
//
// Names are those that the library exports, so `cuMemAlloc_v2`. All are there from CUDA 11.4 (driver 470) on, except
// those in FLAMBEAU_CUDA_OPTIONAL. Sizes are in bytes, times in milliseconds. A null stream is the legacy default stream.
#pragma once
#include <cstddef>
#include <cstdint>

// cuda.h has been included already in the test that compares the two.
#ifndef __cuda_cuda_h__

using CUdevice = int;
/** An address of device memory. The host cannot dereference it. */
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st*;
using CUmodule = struct CUmod_st*;
using CUfunction = struct CUfunc_st*;
using CUstream = struct CUstream_st*;
using CUevent = struct CUevent_st*;
using CUgraph = struct CUgraph_st*;
using CUgraphNode = struct CUgraphNode_st*;
using CUgraphExec = struct CUgraphExec_st*;
struct CUuuid_st {
  char bytes[16];
};
using CUuuid = CUuuid_st;

#define FLAMBEAU_ENUMERATOR(name, value) name = value,
#define FLAMBEAU_CUDA_ENUM(name) enum name { name##_VALUES(FLAMBEAU_ENUMERATOR) }
#else
#define FLAMBEAU_CUDA_ENUM(name) static_assert(sizeof(name) == 4, "enumerations have the size of int")
#endif

/** What every function returns; after which errors the context is lost, TypeScript knows (errors.ts). */
#define CUresult_VALUES(E)                          \
  E(CUDA_SUCCESS, 0)                                \
  E(CUDA_ERROR_INVALID_VALUE, 1)                    \
  E(CUDA_ERROR_OUT_OF_MEMORY, 2)                    \
  E(CUDA_ERROR_NOT_INITIALIZED, 3)                  \
  E(CUDA_ERROR_DEINITIALIZED, 4)                    \
  E(CUDA_ERROR_STUB_LIBRARY, 34)                    \
  E(CUDA_ERROR_DEVICE_UNAVAILABLE, 46)              \
  E(CUDA_ERROR_NO_DEVICE, 100)                      \
  E(CUDA_ERROR_INVALID_DEVICE, 101)                 \
  E(CUDA_ERROR_INVALID_IMAGE, 200)                  \
  E(CUDA_ERROR_INVALID_CONTEXT, 201)                \
  E(CUDA_ERROR_NO_BINARY_FOR_GPU, 209)              \
  E(CUDA_ERROR_ECC_UNCORRECTABLE, 214)              \
  E(CUDA_ERROR_PEER_ACCESS_UNSUPPORTED, 217)        \
  E(CUDA_ERROR_INVALID_PTX, 218)                    \
  E(CUDA_ERROR_JIT_COMPILER_NOT_FOUND, 221)         \
  E(CUDA_ERROR_UNSUPPORTED_PTX_VERSION, 222)        \
  E(CUDA_ERROR_INVALID_HANDLE, 400)                 \
  E(CUDA_ERROR_ILLEGAL_STATE, 401)                  \
  E(CUDA_ERROR_NOT_FOUND, 500)                      \
  E(CUDA_ERROR_NOT_READY, 600)                      \
  E(CUDA_ERROR_ILLEGAL_ADDRESS, 700)                \
  E(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, 701)        \
  E(CUDA_ERROR_LAUNCH_TIMEOUT, 702)                 \
  E(CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED, 704)    \
  E(CUDA_ERROR_PEER_ACCESS_NOT_ENABLED, 705)        \
  E(CUDA_ERROR_CONTEXT_IS_DESTROYED, 709)           \
  E(CUDA_ERROR_ASSERT, 710)                         \
  E(CUDA_ERROR_ILLEGAL_INSTRUCTION, 715)            \
  E(CUDA_ERROR_MISALIGNED_ADDRESS, 716)             \
  E(CUDA_ERROR_INVALID_ADDRESS_SPACE, 717)          \
  E(CUDA_ERROR_INVALID_PC, 718)                     \
  E(CUDA_ERROR_LAUNCH_FAILED, 719)                  \
  E(CUDA_ERROR_NOT_PERMITTED, 800)                  \
  E(CUDA_ERROR_NOT_SUPPORTED, 801)                  \
  E(CUDA_ERROR_SYSTEM_NOT_READY, 802)               \
  E(CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, 803)         \
  E(CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE, 804) \
  E(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, 900)     \
  E(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, 901)     \
  E(CUDA_ERROR_STREAM_CAPTURE_MERGE, 902)           \
  E(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, 903)       \
  E(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, 904)        \
  E(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, 905)       \
  E(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, 906)        \
  E(CUDA_ERROR_CAPTURED_EVENT, 907)                 \
  E(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, 908)    \
  E(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE, 910)      \
  E(CUDA_ERROR_UNKNOWN, 999)
FLAMBEAU_CUDA_ENUM(CUresult);

#define CUdevice_attribute_VALUES(E)                              \
  E(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1)                 \
  E(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, 2)                       \
  E(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, 3)                       \
  E(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, 4)                       \
  E(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 5)                        \
  E(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, 6)                        \
  E(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, 7)                        \
  E(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, 8)           \
  E(CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY, 9)                 \
  E(CU_DEVICE_ATTRIBUTE_WARP_SIZE, 10)                            \
  E(CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK, 12)              \
  E(CU_DEVICE_ATTRIBUTE_CLOCK_RATE, 13)                           \
  E(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 16)                 \
  E(CU_DEVICE_ATTRIBUTE_INTEGRATED, 18)                           \
  E(CU_DEVICE_ATTRIBUTE_COMPUTE_MODE, 20)                         \
  E(CU_DEVICE_ATTRIBUTE_ECC_ENABLED, 32)                          \
  E(CU_DEVICE_ATTRIBUTE_PCI_BUS_ID, 33)                           \
  E(CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID, 34)                        \
  E(CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, 36)                    \
  E(CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH, 37)              \
  E(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, 38)                        \
  E(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, 39)       \
  E(CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, 41)                   \
  E(CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID, 50)                        \
  E(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 75)             \
  E(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 76)             \
  E(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, 81) \
  E(CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR, 82)     \
  E(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 97)
FLAMBEAU_CUDA_ENUM(CUdevice_attribute);

#define CUfunction_attribute_VALUES(E)                  \
  E(CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 0)         \
  E(CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, 1)             \
  E(CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES, 2)              \
  E(CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES, 3)              \
  E(CU_FUNC_ATTRIBUTE_NUM_REGS, 4)                      \
  E(CU_FUNC_ATTRIBUTE_PTX_VERSION, 5)                   \
  E(CU_FUNC_ATTRIBUTE_BINARY_VERSION, 6)                \
  E(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 8) \
  E(CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, 9)
FLAMBEAU_CUDA_ENUM(CUfunction_attribute);

/** Options of cuModuleLoadDataEx. A value is passed in the pointer itself, a size of a log as `(void*)(size_t)`. */
#define CUjit_option_VALUES(E)             \
  E(CU_JIT_MAX_REGISTERS, 0)               \
  E(CU_JIT_WALL_TIME, 2)                   \
  E(CU_JIT_INFO_LOG_BUFFER, 3)             \
  E(CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES, 4)  \
  E(CU_JIT_ERROR_LOG_BUFFER, 5)            \
  E(CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, 6) \
  E(CU_JIT_OPTIMIZATION_LEVEL, 7)          \
  E(CU_JIT_LOG_VERBOSE, 12)
FLAMBEAU_CUDA_ENUM(CUjit_option);

#define CUstreamCaptureMode_VALUES(E)       \
  E(CU_STREAM_CAPTURE_MODE_GLOBAL, 0)       \
  E(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL, 1) \
  E(CU_STREAM_CAPTURE_MODE_RELAXED, 2)
FLAMBEAU_CUDA_ENUM(CUstreamCaptureMode);

#define CUstreamCaptureStatus_VALUES(E) \
  E(CU_STREAM_CAPTURE_STATUS_NONE, 0)   \
  E(CU_STREAM_CAPTURE_STATUS_ACTIVE, 1) \
  E(CU_STREAM_CAPTURE_STATUS_INVALIDATED, 2)
FLAMBEAU_CUDA_ENUM(CUstreamCaptureStatus);

#define CUgraphExecUpdateResult_VALUES(E)             \
  E(CU_GRAPH_EXEC_UPDATE_SUCCESS, 0)                  \
  E(CU_GRAPH_EXEC_UPDATE_ERROR, 1)                    \
  E(CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED, 2)   \
  E(CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED, 3)  \
  E(CU_GRAPH_EXEC_UPDATE_ERROR_FUNCTION_CHANGED, 4)   \
  E(CU_GRAPH_EXEC_UPDATE_ERROR_PARAMETERS_CHANGED, 5) \
  E(CU_GRAPH_EXEC_UPDATE_ERROR_NOT_SUPPORTED, 6)
FLAMBEAU_CUDA_ENUM(CUgraphExecUpdateResult);

#ifndef __cuda_cuda_h__
struct CUgraphExecUpdateResultInfo_st {
  CUgraphExecUpdateResult result;
  CUgraphNode errorNode;
  CUgraphNode errorFromNode;
};
using CUgraphExecUpdateResultInfo = CUgraphExecUpdateResultInfo_st;
#endif

/** Flags of streams, events and pinned memory. */
#define FLAMBEAU_CUDA_FLAGS(E)   \
  E(CU_STREAM_DEFAULT, 0)        \
  E(CU_STREAM_NON_BLOCKING, 1)   \
  E(CU_EVENT_DEFAULT, 0)         \
  E(CU_EVENT_BLOCKING_SYNC, 1)   \
  E(CU_EVENT_DISABLE_TIMING, 2)  \
  E(CU_MEMHOSTALLOC_PORTABLE, 1) \
  E(CU_MEMHOSTALLOC_WRITECOMBINED, 4)
#ifndef __cuda_cuda_h__
#define FLAMBEAU_FLAG(name, value) constexpr unsigned name = value;
FLAMBEAU_CUDA_FLAGS(FLAMBEAU_FLAG)
#undef FLAMBEAU_FLAG
#endif

/** The functions, as F(name, parameters); each returns a CUresult. */
#define FLAMBEAU_CUDA_FUNCTIONS(F)                                                                                   \
  F(cuGetErrorName, (CUresult error, const char** name))                                                             \
  F(cuGetErrorString, (CUresult error, const char** text))                                                           \
  F(cuInit, (unsigned flags))                                                                                        \
  F(cuDriverGetVersion, (int* version))                                                                              \
  F(cuDeviceGetCount, (int* count))                                                                                  \
  F(cuDeviceGet, (CUdevice* device, int ordinal))                                                                    \
  F(cuDeviceGetName, (char* name, int length, CUdevice device))                                                      \
  F(cuDeviceGetAttribute, (int* value, CUdevice_attribute attribute, CUdevice device))                               \
  F(cuDeviceTotalMem_v2, (size_t* bytes, CUdevice device))                                                           \
  F(cuDeviceGetUuid, (CUuuid* uuid, CUdevice device))                                                                \
  F(cuDevicePrimaryCtxRetain, (CUcontext* context, CUdevice device))                                                 \
  F(cuDevicePrimaryCtxRelease_v2, (CUdevice device))                                                                 \
  F(cuCtxSetCurrent, (CUcontext context))                                                                            \
  F(cuCtxGetCurrent, (CUcontext* context))                                                                           \
  F(cuCtxSynchronize, ())                                                                                            \
  F(cuMemAlloc_v2, (CUdeviceptr* address, size_t bytes))                                                             \
  F(cuMemFree_v2, (CUdeviceptr address))                                                                             \
  F(cuMemGetInfo_v2, (size_t* free, size_t* total))                                                                  \
  F(cuMemHostAlloc, (void** memory, size_t bytes, unsigned flags))                                                   \
  F(cuMemFreeHost, (void* memory))                                                                                   \
  F(cuMemcpyHtoD_v2, (CUdeviceptr to, const void* from, size_t bytes))                                               \
  F(cuMemcpyDtoH_v2, (void* to, CUdeviceptr from, size_t bytes))                                                     \
  F(cuMemcpyDtoD_v2, (CUdeviceptr to, CUdeviceptr from, size_t bytes))                                               \
  F(cuMemcpyHtoDAsync_v2, (CUdeviceptr to, const void* from, size_t bytes, CUstream stream))                         \
  F(cuMemcpyDtoHAsync_v2, (void* to, CUdeviceptr from, size_t bytes, CUstream stream))                               \
  F(cuMemcpyDtoDAsync_v2, (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream))                         \
  F(cuMemcpyPeerAsync, (CUdeviceptr to, CUcontext toContext, CUdeviceptr from, CUcontext fromContext, size_t bytes,  \
                        CUstream stream))                                                                            \
  F(cuMemsetD8Async, (CUdeviceptr to, unsigned char value, size_t count, CUstream stream))                           \
  F(cuMemsetD32Async, (CUdeviceptr to, unsigned value, size_t count, CUstream stream))                               \
  F(cuModuleLoadDataEx, (CUmodule* module, const void* image, unsigned count, CUjit_option* options, void** values)) \
  F(cuModuleUnload, (CUmodule module))                                                                               \
  F(cuModuleGetFunction, (CUfunction* function, CUmodule module, const char* name))                                  \
  F(cuModuleGetGlobal_v2, (CUdeviceptr* address, size_t* bytes, CUmodule module, const char* name))                  \
  F(cuFuncGetAttribute, (int* value, CUfunction_attribute attribute, CUfunction function))                           \
  F(cuFuncSetAttribute, (CUfunction function, CUfunction_attribute attribute, int value))                            \
  F(cuLaunchKernel, (CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,           \
                     unsigned blockY, unsigned blockZ, unsigned sharedBytes, CUstream stream, void** parameters,     \
                     void** extra))                                                                                  \
  F(cuStreamCreate, (CUstream* stream, unsigned flags))                                                              \
  F(cuStreamDestroy_v2, (CUstream stream))                                                                           \
  F(cuStreamSynchronize, (CUstream stream))                                                                          \
  F(cuStreamQuery, (CUstream stream))                                                                                \
  F(cuStreamWaitEvent, (CUstream stream, CUevent event, unsigned flags))                                             \
  F(cuEventCreate, (CUevent* event, unsigned flags))                                                                 \
  F(cuEventRecord, (CUevent event, CUstream stream))                                                                 \
  F(cuEventQuery, (CUevent event))                                                                                   \
  F(cuEventSynchronize, (CUevent event))                                                                             \
  F(cuEventElapsedTime, (float* milliseconds, CUevent start, CUevent end))                                           \
  F(cuEventDestroy_v2, (CUevent event))                                                                              \
  F(cuStreamBeginCapture_v2, (CUstream stream, CUstreamCaptureMode mode))                                            \
  F(cuStreamEndCapture, (CUstream stream, CUgraph* graph))                                                           \
  F(cuStreamIsCapturing, (CUstream stream, CUstreamCaptureStatus* status))                                           \
  F(cuGraphInstantiateWithFlags, (CUgraphExec* exec, CUgraph graph, unsigned long long flags))                       \
  F(cuGraphLaunch, (CUgraphExec exec, CUstream stream))                                                              \
  F(cuGraphExecDestroy, (CUgraphExec exec))                                                                          \
  F(cuGraphDestroy, (CUgraph graph))                                                                                 \
  F(cuDeviceCanAccessPeer, (int* canAccess, CUdevice device, CUdevice peer))                                         \
  F(cuCtxEnablePeerAccess, (CUcontext peer, unsigned flags))

/** Functions that older drivers lack: cuGraphExecUpdate_v2 came with CUDA 12.0. */
#define FLAMBEAU_CUDA_OPTIONAL(F) \
  F(cuGraphExecUpdate_v2, (CUgraphExec exec, CUgraph graph, CUgraphExecUpdateResultInfo* result))

#undef FLAMBEAU_CUDA_ENUM
#undef FLAMBEAU_ENUMERATOR
