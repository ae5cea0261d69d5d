// The functions that JavaScript calls in the WebAssembly module, as addon.cc has them for Node. Pointers are offsets in
// the exported memory. Memory is the module's own: whoever calls copies words, rows and numbers there first, into blocks
// of `allocate`.
//
// Exports beside these: `memory`, which grows in large steps and only within these calls; `__stack_pointer`;
// `__indirect_function_table`, which JavaScript grows. Import:
// `flambeau.outOfMemory()`, which must throw. WebAssembly then unwinds nothing: the caller sets `__stack_pointer` to what
// it was before the call, and may go on.
#pragma once
#include <cstdint>

#include "../matrices.h"

#define EXPORT(name) __attribute__((export_name(#name)))

extern "C" {

/** Runs constructors; once, before anything else. */
EXPORT(_initialize) void flambeau_initialize();

/** The format of the streams that it reads (stream.h). */
EXPORT(format) int32_t flambeau_format();

/** A block of so many bytes, aligned to cache lines; 0 if there is no memory. */
EXPORT(allocate) void* flambeau_allocate(uint32_t bytes);
EXPORT(release) void flambeau_release(void* block);

/**
 * Runs a batch. `rows`: an address and bytes each. `status`: four words, kind, tag, value, completed runs. Returns the
 * kind; for an invalid stream, `message` says why.
 */
EXPORT(submit)
int32_t flambeau_submit(const int32_t* words, int32_t wordCount, const double* rows, int32_t rowCount,
                        const double* numbers, int32_t numberCount, int32_t* status);

/**
 * Checks words as a program of so many rows and numbers, which calls refer to by `at`. Returns 0, or 1: see `message`.
 * `functions` has the indices of those that the words refer to in the exported table of functions, where they stay as
 * long as the program. A function that is none of its kind (kernels.h) is an error of WebAssembly when it runs.
 */
EXPORT(define)
int32_t flambeau_define(int32_t at, const int32_t* words, int32_t wordCount, int32_t rows, int32_t numbers,
                        const int32_t* functions, int32_t functionCount);

/** Checks words in the same way as a program that `run` runs. Returns its handle, or 0: see `message`. */
EXPORT(program)
int32_t flambeau_program(const int32_t* words, int32_t wordCount, int32_t rows, int32_t numbers,
                         const int32_t* functions, int32_t functionCount);
/** Frees a program; its handle may be that of another one later. */
EXPORT(drop) void flambeau_drop(int32_t handle);

/**
 * Runs a program `times` times. `rows`: an address, bytes and what the address advances by from run to run, for each
 * row. `numbers`: those of the first run; each run begins `stride` after the one before. Returns the kind, as `submit`.
 */
EXPORT(run)
int32_t flambeau_run(int32_t handle, const double* rows, const double* numbers, int32_t stride, int32_t times,
                     int32_t* status);

/** From now on the factors a of the contractions with these tags stay as they are from run to run. */
EXPORT(keep) void flambeau_keep(int32_t handle, const int32_t* tags, int32_t count);
/** They have changed since the last run. */
EXPORT(forget) void flambeau_forget(int32_t handle);

/** Runs a routine of linear algebra. Returns whether there is one and its arrays fit. */
EXPORT(matrices) bool flambeau_matrices(const flambeau::Matrices* call);

/** Rounds so many doubles to floats. */
EXPORT(narrow) void flambeau_narrow(const double* from, uint32_t count, float* to);

/** Overwrites whole sixteens of random words with normal numbers times `std`. */
EXPORT(normals) void flambeau_normals(float* words, uint32_t count, float std);

/** What emitted functions call where their own do not suffice. */
EXPORT(sin) double flambeau_sin(double x);
EXPORT(cos) double flambeau_cos(double x);
EXPORT(tan) double flambeau_tan(double x);
EXPORT(atan2) double flambeau_atan2(double y, double x);

/** Why the last stream was invalid: a sentence that ends with 0. */
EXPORT(message) const char* flambeau_message();

}  // extern "C"
