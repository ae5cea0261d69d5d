// How the system provides the memory of large tensors, which V8 owns and has from the C library. Nothing here knows
// Node.
#pragma once
#include <cstddef>

namespace flambeau {

/** Has the C library give back what is freed to the system. For the whole process, the first time that it is called. */
void give_back_freed_memory();

/** Has it keep that, up to a bound, for what is allocated next; from now on, for the whole process. */
void keep_freed_memory();

/** Asks for large pages behind memory to which nothing was written yet. */
void use_large_pages(void* data, size_t bytes);

}  // namespace flambeau
