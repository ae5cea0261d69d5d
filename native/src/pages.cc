// A page that is written to for the first time is a fault, and is filled with zeros: a thousand of them, a millisecond,
// for the result of a kernel that takes half of that. So where tensors are large, what V8 frees is kept for what it
// allocates next, and what is new comes in pages of two megabytes where the system has such. Where they are small, what
// is freed is mostly what V8's compiler worked in, and goes back to the system.
#include "pages.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if defined(__linux__)
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace flambeau {

#if defined(__GLIBC__)
/** Whether whoever started the process has told glibc what to do. */
static bool is_told() {
  const char* tunables = std::getenv("GLIBC_TUNABLES");
  return std::getenv("MALLOC_TRIM_THRESHOLD_") != nullptr || std::getenv("MALLOC_MMAP_THRESHOLD_") != nullptr ||
         (tunables != nullptr && std::strstr(tunables, "glibc.malloc") != nullptr);
}

/** From how many bytes on a block is the system's alone, and how many freed ones stay in the process; once. */
static void set_thresholds(std::atomic<bool>& done, int block, int kept) {
  if (done.exchange(true) || is_told()) return;
  mallopt(M_MMAP_THRESHOLD, block);
  mallopt(M_TRIM_THRESHOLD, kept);
}
#endif

void give_back_freed_memory() {
#if defined(__GLIBC__)
  static std::atomic<bool> done{false};
  // glibc's own thresholds, which would grow with the blocks that are freed if they were not set.
  set_thresholds(done, 128 << 10, 128 << 10);
#endif
}

void keep_freed_memory() {
#if defined(__GLIBC__)
  static std::atomic<bool> done{false};
  // Allocations from 32 MB on, glibc's most, are the system's as before; of the rest as much is kept as V8 lets gather
  // before it looks for garbage.
  set_thresholds(done, 32 << 20, 64 << 20);
#endif
}

void use_large_pages([[maybe_unused]] void* data, [[maybe_unused]] size_t bytes) {
#if defined(MADV_HUGEPAGE)
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)), begin = reinterpret_cast<uintptr_t>(data);
  const uintptr_t from = (begin + page - 1) / page * page, to = (begin + bytes) / page * page;
  // Where the system has none, pages are as they were.
  if (from < to) madvise(reinterpret_cast<void*>(from), to - from, MADV_HUGEPAGE);
#endif
}

}  // namespace flambeau
