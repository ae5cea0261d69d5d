// Freed memory, and large pages.
#include "../src/pages.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#include <malloc.h>
#include <unistd.h>

#include <cstdint>

TEST_CASE("freed memory is returned, then kept up to a limit") {
  constexpr size_t bytes = 16 << 20, most = 64 << 20;
  flambeau::give_back_freed_memory();
  const size_t empty = mallinfo2().fordblks;
  free(memset(malloc(bytes), 1, bytes));
  CHECK(mallinfo2().fordblks < empty + bytes);
  flambeau::keep_freed_memory();
  void* blocks[6];
  for (void*& block : blocks) memset(block = malloc(bytes), 1, bytes);
  // Returned memory lies at the end of the process's data segment; an emulator may have none that grows.
  const uintptr_t end = reinterpret_cast<uintptr_t>(sbrk(0)), last = reinterpret_cast<uintptr_t>(blocks[5]);
  const bool grows = last < end && end - last < 2 * most;
  const size_t before = mallinfo2().fordblks;
  free(blocks[5]);
  CHECK(mallinfo2().fordblks >= before + bytes);
  for (int i = 0; i < 5; i++) free(blocks[i]);
  if (grows)
    CHECK(mallinfo2().fordblks < before + most);
  else
    MESSAGE("the bound is not tested: memory does not come from the data segment here");
}
#endif

TEST_CASE("discarded memory can be written again, and what is around it stays") {
  constexpr size_t bytes = 1 << 20, around = 4096;
  unsigned char* memory = static_cast<unsigned char*>(malloc(bytes));
  REQUIRE(memory != nullptr);
  memset(memory, 7, bytes);
  flambeau::discard(memory + around, bytes - 2 * around);
  flambeau::discard(memory, 0);
  flambeau::discard(memory + 1, 5);
  size_t kept = 0, left = 0;
  for (size_t i = 0; i < bytes; i++) (i < around || i >= bytes - around ? kept : left) += memory[i] == 7;
  CHECK(kept == 2 * around);
  // The pages at both ends are only partly inside.
#if defined(__linux__)
  CHECK(left <= 2 * around);
#endif
  memset(memory, 3, bytes);
  CHECK(memory[bytes / 2] == 3);
  free(memory);
  flambeau::return_freed_memory();
}

TEST_CASE("large pages change nothing in memory, wherever it begins") {
  constexpr size_t bytes = 5 << 20;
  unsigned char* memory = static_cast<unsigned char*>(malloc(bytes));
  REQUIRE(memory != nullptr);
  for (size_t i = 0; i < bytes; i++) memory[i] = static_cast<unsigned char>(i % 251);
  flambeau::use_large_pages(memory, bytes);
  flambeau::use_large_pages(memory + 1, 3);
  flambeau::use_large_pages(memory, 0);
  size_t changed = 0;
  for (size_t i = 0; i < bytes; i++) changed += memory[i] != i % 251;
  CHECK(changed == 0);
  free(memory);
}
