// Memory that kernels need in addition to their operands.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace flambeau {

/** So many bytes, for std::free, aligned to cache lines; null if there is no memory, or no address for all of them. */
inline void* allocate(int64_t bytes, size_t align = 64) {
  if (bytes > PTRDIFF_MAX - static_cast<int64_t>(align)) return nullptr;
  return std::aligned_alloc(align, (static_cast<size_t>(bytes) + 63) / 64 * 64);
}

/** Throws std::bad_alloc; where there are no exceptions, nothing after it runs either. */
[[noreturn]] void out_of_memory();

}  // namespace flambeau
