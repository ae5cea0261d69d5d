// Memory of our own while a map is done: on the stack while it is little, and given out in pieces that begin at lines
// of the cache. Whole vectors are read and written in it, past the last element too: who asks for a block's or an
// accumulator's memory adds the slack.
#pragma once
#include <stdlib.h>

#include "isa.h"

namespace flambeau::ISA {

/** What may be read and written after memory of our own. */
constexpr int64_t slack = 2 * VECTOR_BYTES;

INLINE int64_t padded(int64_t bytes) { return (bytes + 63) / 64 * 64; }
template <class T> INLINE int64_t bytes_of(int64_t count) { return padded(count * static_cast<int64_t>(sizeof(T))); }

/** Memory that is given out piece by piece. */
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

/** Memory until the end of a scope: on the stack while it is little. */
template <int64_t local> class Workspace {
 public:
  explicit Workspace(int64_t bytes) : at_(local_) {
    if (bytes > local) at_ = heap_ = static_cast<char*>(aligned_alloc(64, static_cast<size_t>(padded(bytes))));
  }
  ~Workspace() { free(heap_); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  /** Null where there was no memory. */
  char* at() const { return at_; }

 private:
  alignas(64) char local_[local];
  char* heap_ = nullptr;
  char* at_;
};

}  // namespace flambeau::ISA
