// Linear memory. The C library's allocator asks for 64 KB at a time; each growth makes a new ArrayBuffer, which engines
// count with all its bytes, so memory grows in large steps, of which the system provides what is written to. C++'s
// allocations that fail end the call by an exception of JavaScript, because Debian's C++ library has none.
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "../allocate.h"

__attribute__((import_module("flambeau"), import_name("outOfMemory"), noreturn)) void flambeau_out_of_memory();

namespace flambeau {

void out_of_memory() { flambeau_out_of_memory(); }

namespace {

constexpr uint64_t page = 65536, leastStep = uint64_t{64} << 20;

uint64_t size() { return page * __builtin_wasm_memory_size(0); }

bool grow(uint64_t bytes) {
  return __builtin_wasm_memory_grow(0, static_cast<size_t>((bytes + page - 1) / page)) != SIZE_MAX;
}

/** Where the memory that was handed out ends. */
uint64_t end = 0;

}  // namespace
}  // namespace flambeau

/** What the C++ library's containers call where they would throw: ends the call, without a message that would be printed. */
[[noreturn]] void std::__libcpp_verbose_abort(const char*, ...) { __builtin_trap(); }

using namespace flambeau;

// In place of the C library's, which take hundreds of bytes each: engines with SIMD have instructions that copy, and the
// remainder of floats is exact, so that it is that of doubles, which the modules have anyway.
extern "C" {
float fmodf(float x, float y) {
  double wide = x;
  asm("" : "+r"(wide));  // or the compiler would call fmodf
  return static_cast<float>(std::fmod(wide, static_cast<double>(y)));
}
void* memcpy(void* to, const void* from, size_t bytes) { return __builtin_memcpy(to, from, bytes); }
void* memmove(void* to, const void* from, size_t bytes) { return __builtin_memmove(to, from, bytes); }
void* memset(void* to, int byte, size_t bytes) { return __builtin_memset(to, byte, bytes); }
}

/** In place of the C library's: the end of memory, before it was moved on by so many bytes; -1 if there is no more. */
extern "C" void* sbrk(intptr_t increment) {
  if (end == 0) end = size();
  const uint64_t before = end, wanted = end + static_cast<uint64_t>(increment), present = size();
  if (wanted > present) {
    const uint64_t lacking = wanted - present, step = present / 4 > leastStep ? present / 4 : leastStep;
    if (!(lacking < step && grow(step)) && !grow(lacking)) {
      errno = ENOMEM;
      return reinterpret_cast<void*>(-1);
    }
  }
  end = wanted;
  return reinterpret_cast<void*>(static_cast<uintptr_t>(before));
}

void* operator new(size_t bytes) {
  void* const result = std::malloc(bytes);
  if (result == nullptr) out_of_memory();
  return result;
}
void* operator new[](size_t bytes) { return operator new(bytes); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept { return std::malloc(bytes); }
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept { return std::malloc(bytes); }
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }
void operator delete[](void* block, size_t) noexcept { std::free(block); }
