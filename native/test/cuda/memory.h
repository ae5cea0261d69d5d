// Device memory of the driver for tests. Addresses lie where no host pointer can, are never given out twice, and have
// gaps between them, so that a stray access is never in bounds by chance. Each allocation knows which of its bytes were
// ever written, and which thread of which block touched them last, which is what the race detector needs.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace flambeau::ptx {

/** A fault of a kernel or of a copy: a CUDA error, and a text that says who did what and where. */
struct Fault {
  int code;
  std::string text;
};

constexpr int illegalAddress = 700, launchTimeout = 702, misaligned = 716, wrongSpace = 717, launchFailed = 719;

/** Windows of generic addresses. JavaScript holds addresses as numbers, so all are below 2^53. */
constexpr uint64_t deviceWindow = uint64_t{1} << 48, deviceSpan = uint64_t{1} << 44;
constexpr uint64_t sharedWindow = uint64_t{1} << 49, windowSpan = uint64_t{1} << 32;
constexpr uint64_t localWindow = sharedWindow + windowSpan, paramWindow = localWindow + windowSpan;
/** Shared and local memory begin here in their windows, so that a null pointer is out of bounds. */
constexpr uint64_t windowStart = 1024;
constexpr int maxDevices = 16;

/** Zeroed bytes that the system commits when they are touched, so that shadows of large allocations cost nothing. */
template <class T> class Zeroed {
 public:
  Zeroed() = default;
  explicit Zeroed(size_t count) : data_(static_cast<T*>(calloc(count == 0 ? 1 : count, sizeof(T)))) {
    if (data_ == nullptr) throw std::bad_alloc();
  }
  T* get() const { return data_.get(); }

 private:
  struct Free {
    void operator()(T* data) const { free(data); }
  };
  std::unique_ptr<T, Free> data_;
};

/**
 * An access in one word: the block's serial number in the process (32 bits), the thread in the block (10), whether it
 * was atomic (1), and the epoch of its warp (21). 0 is none.
 */
using Stamp = uint64_t;
constexpr int threadShift = 22, atomicShift = 21;
constexpr uint32_t epochMask = (1u << atomicShift) - 1;

/** The last write of a word, or byte, and the last reads by two different threads. */
struct Touched {
  Stamp write, reads[2];
};

/** Memory with what is known about it. */
class Region {
 public:
  Region() = default;
  explicit Region(size_t size) : size_(size), bytes_(size), written_(size) {}
  size_t size() const { return size_; }
  uint8_t* bytes() const { return bytes_.get(); }
  /** One byte for each byte: 1 if it was ever written. */
  uint8_t* written() const { return written_.get(); }
  /** The touched words from `offset` on; there are `bytes / grain()` of them. */
  Touched* touched(uint64_t offset, int bytes) {
    if (grain_ == 0 || (bytes < grain_)) regrain(bytes);
    return touched_.get() + (grain_ == 4 ? offset / 4 : offset);
  }
  int grain() const { return grain_; }

 private:
  void regrain(int bytes);

  size_t size_ = 0;
  Zeroed<uint8_t> bytes_, written_;
  Zeroed<Touched> touched_;
  // 4: a word. 1: a byte, from the first access to less than a word on. 0: nothing has been touched.
  int grain_ = 0;
};

struct Allocation {
  uint64_t base;
  int device;
  bool isConstant;
  Region region;
  uint64_t end() const { return base + region.size(); }
};

/** The memory of all devices. */
class Memory {
 public:
  /** Allocates at an address that was never used before; `limit` is the device's memory. nullptr if it is out. */
  Allocation* allocate(int device, uint64_t bytes, uint64_t limit, bool isConstant = false);
  /** Frees what `address` begins; false if nothing does. */
  bool release(uint64_t address);
  /** The allocation around an address, or nullptr. */
  Allocation* find(uint64_t address);
  /** What lies at an address that no allocation has, in words. */
  std::string describe(uint64_t address, uint64_t bytes) const;
  uint64_t used(int device) const { return used_[device]; }
  void clear();

  /** Copies between host and device, and fills; a range out of bounds is a fault. */
  void write(uint64_t to, const void* from, uint64_t bytes);
  void read(void* to, uint64_t from, uint64_t bytes);
  void copy(uint64_t to, uint64_t from, uint64_t bytes);
  void fill(uint64_t to, uint32_t value, int width, uint64_t count);

 private:
  Region& range(const char* what, uint64_t address, uint64_t bytes, uint64_t* offset);

  std::map<uint64_t, std::unique_ptr<Allocation>> allocations_;
  /** Freed ranges, for the texts of faults. */
  std::map<uint64_t, uint64_t> freed_;
  uint64_t next_[maxDevices] = {}, used_[maxDevices] = {};
};

/** A text in the manner of printf. */
std::string format(const char* form, ...) __attribute__((format(printf, 1, 2)));

}  // namespace flambeau::ptx
