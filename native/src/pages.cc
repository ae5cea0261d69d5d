// The first write to a page is a fault that fills it with zeros: a thousand pages take a millisecond, for the result of
// a kernel that takes half of that. So where tensors are large, memory that V8 frees is kept for its next allocations,
// and new memory comes in pages of two megabytes if the system has them. Where tensors are small, freed memory is
// mostly the working memory of V8's compiler, and goes back to the system.
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
/** Whether the environment already configures glibc. */
static bool is_told() {
  const char* tunables = std::getenv("GLIBC_TUNABLES");
  return std::getenv("MALLOC_TRIM_THRESHOLD_") != nullptr || std::getenv("MALLOC_MMAP_THRESHOLD_") != nullptr ||
         (tunables != nullptr && std::strstr(tunables, "glibc.malloc") != nullptr);
}

/** Sets the size from which a block is mapped separately, and how many freed bytes stay in the process; once. */
static void set_thresholds(std::atomic<bool>& done, int block, int kept) {
  if (done.exchange(true) || is_told()) return;
  mallopt(M_MMAP_THRESHOLD, block);
  mallopt(M_TRIM_THRESHOLD, kept);
}
#endif

void give_back_freed_memory() {
#if defined(__GLIBC__)
  static std::atomic<bool> done{false};
  // glibc's own thresholds, which would grow with freed blocks if they were not set.
  set_thresholds(done, 128 << 10, 128 << 10);
#endif
}

void keep_freed_memory() {
#if defined(__GLIBC__)
  static std::atomic<bool> done{false};
  // Allocations from 32 MB on, glibc's maximum, are mapped separately as before; of the rest, as much is kept as V8
  // lets accumulate before it collects garbage.
  set_thresholds(done, 32 << 20, 64 << 20);
#endif
}

void return_freed_memory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

#if defined(__linux__)
/** Gives advice about the pages that lie within memory. */
static void advise(void* data, size_t bytes, int advice) {
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)), begin = reinterpret_cast<uintptr_t>(data);
  const uintptr_t from = (begin + page - 1) / page * page, to = (begin + bytes) / page * page;
  if (from < to) madvise(reinterpret_cast<void*>(from), to - from, advice);
}
#endif

void discard([[maybe_unused]] void* data, [[maybe_unused]] size_t bytes) {
#if defined(__linux__)
  advise(data, bytes, MADV_DONTNEED);
#endif
}

void use_large_pages([[maybe_unused]] void* data, [[maybe_unused]] size_t bytes) {
#if defined(MADV_HUGEPAGE)
  // If the system has no large pages, nothing changes.
  advise(data, bytes, MADV_HUGEPAGE);
#endif
}

}  // namespace flambeau
