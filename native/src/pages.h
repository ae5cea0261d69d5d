// How the system provides the memory of large tensors, which V8 owns and has from the C library. Nothing here knows Node.
#pragma once
#include <cstddef>

namespace flambeau {

/** Has the C library keep what is freed, up to a bound, for what is allocated next. For the whole process. */
void keep_freed_memory();

/** Asks for large pages behind memory to which nothing was written yet. */
void use_large_pages(void* data, size_t bytes);

}  // namespace flambeau
