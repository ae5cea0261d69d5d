// How the system provides the memory of large tensors, which V8 owns and allocates through the C library. Nothing here
// depends on Node.
#pragma once
#include <cstddef>

namespace flambeau {

/** Makes the C library return freed memory to the system; for the whole process, at the first call. */
void give_back_freed_memory();

/** Makes it keep freed memory, up to a limit, for later allocations; from now on, for the whole process. */
void keep_freed_memory();

/** Returns the memory that the C library keeps to the system, this once. */
void return_freed_memory();

/** Returns the memory of elements to the system; they are lost, but may be written again. */
void discard(void* data, size_t bytes);

/** Requests large pages for memory that has not been written to. */
void use_large_pages(void* data, size_t bytes);

}  // namespace flambeau
