// The driver library for tests: it exports the functions of driver.h, and these, which the real one does not have.
//
// The environment sets it up, once, at the first call:
//   FAKECUDA_DEVICES=n          devices (1)                FAKECUDA_NONE=1       cuInit finds no device
//   FAKECUDA_MEMORY=64M         bytes of each (4G)         FAKECUDA_VERSION=n    of the driver (13000)
//   FAKECUDA_CAPABILITY=8.6     compute capability (9.0)   FAKECUDA_VERBOSE=1    faults go to stderr
//   FAKECUDA_ORDER=reversed     of blocks and warps; or random:SEED
//   FAKECUDA_FAIL=cuMemAlloc:3:2  the third call returns 2; with 3+ the later ones, too; several with commas
//   FAKECUDA_POLLS=n            queries that say "not ready" before work that is queued is done (2)
//   FAKECUDA_LIMIT=n            instructions of warps after which a launch has run too long
//   FAKECUDA_COVERAGE=file      appends what kernels did, a line of JSON for each kernel
//   FAKECUDA_MUTATE=file        faults that are put into kernels, read whenever it names another file (mutate.cc)
#pragma once
#include "../../src/cuda/driver.h"

#define FAKECUDA_EXPORT extern "C" __attribute__((visibility("default")))

#define FLAMBEAU_PROTOTYPE(name, parameters) FAKECUDA_EXPORT CUresult name parameters;
FLAMBEAU_CUDA_FUNCTIONS(FLAMBEAU_PROTOTYPE)
FLAMBEAU_CUDA_OPTIONAL(FLAMBEAU_PROTOTYPE)
#undef FLAMBEAU_PROTOTYPE

/** What was wrong last: the text of a fault, or of a text that was refused. "" if nothing was. */
FAKECUDA_EXPORT const char* fakecudaLastFault();
/** Forgets everything and reads the environment again, as if the process were new. */
FAKECUDA_EXPORT void fakecudaReset();
/** Writes the coverage so far. */
FAKECUDA_EXPORT void fakecudaFlush();
/** Warp instructions that were run. */
FAKECUDA_EXPORT unsigned long long fakecudaInstructions();
/** Adds a call of a function to a stream; it gets a copy of the parameters, and reads and writes memory by the others. */
FAKECUDA_EXPORT CUresult fakecudaCall(CUstream stream, void (*function)(const void*), const void* parameters,
                                      size_t bytes);
FAKECUDA_EXPORT void fakecudaRead(void* to, CUdeviceptr from, size_t bytes);
FAKECUDA_EXPORT void fakecudaWrite(CUdeviceptr to, const void* from, size_t bytes);
