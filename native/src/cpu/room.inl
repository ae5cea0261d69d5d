// Temporary memory of a map: on the stack if it is small, handed out in pieces aligned to cache lines. Whole vectors
// are read and written in it, also past the last element, so requests for a block or an accumulator add the slack.
#pragma once
#include "../allocate.h"
#include "isa.h"

namespace flambeau::ISA {

/** Bytes after our own memory that may be read and written. */
constexpr int64_t slack = 2 * VECTOR_BYTES;

INLINE int64_t padded(int64_t bytes) { return (bytes + 63) / 64 * 64; }
template <class T> INLINE int64_t bytes_of(int64_t count) { return padded(count * static_cast<int64_t>(sizeof(T))); }

/** Hands out memory piece by piece. */
class Room {
 public:
  explicit Room(char* at) : at_(at) {}
  char* bytes(int64_t count) {
    char* result = at_;
    at_ += padded(count);
    return result;
  }
  template <class T> T* take(int64_t count) { return reinterpret_cast<T*>(bytes(bytes_of<T>(count))); }

 private:
  char* at_;
};

/** Memory until the end of a scope: on the stack if it is small. */
template <int64_t local> class Workspace {
 public:
  explicit Workspace(int64_t bytes) : at_(local_) {
    if (bytes > local) at_ = heap_ = static_cast<char*>(allocate(bytes));
  }
  ~Workspace() { free(heap_); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  /** Null if there was no memory. */
  char* at() const { return at_; }

 private:
  alignas(64) char local_[local];
  char* heap_ = nullptr;
  char* at_;
};

}  // namespace flambeau::ISA
