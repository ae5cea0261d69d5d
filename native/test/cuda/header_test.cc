// driver.h beside NVIDIA's own header, where one is installed: every value, type and prototype is the same.
#if __has_include(<cuda.h>)
// The prototypes with the names that the library exports are in this part.
#define __CUDA_API_VERSION_INTERNAL
#include <cuda.h>

#include <type_traits>

#include "../../src/cuda/driver.h"

#define VALUE(name, value) static_assert(name == value, #name);
CUresult_VALUES(VALUE) CUdevice_attribute_VALUES(VALUE) CUfunction_attribute_VALUES(VALUE) CUjit_option_VALUES(VALUE)
    CUstreamCaptureMode_VALUES(VALUE) CUstreamCaptureStatus_VALUES(VALUE) CUgraphExecUpdateResult_VALUES(VALUE)
        FLAMBEAU_CUDA_FLAGS(VALUE) static_assert(sizeof(CUgraphExecUpdateResultInfo) == 24 && sizeof(CUuuid) == 16,
                                                 "sizes of structures");

#define PROTOTYPE(name, parameters) static_assert(std::is_same<decltype(::name), CUresult parameters>::value, #name);
FLAMBEAU_CUDA_FUNCTIONS(PROTOTYPE)
FLAMBEAU_CUDA_OPTIONAL(PROTOTYPE)
#endif
