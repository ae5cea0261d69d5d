// A block at work: its warps, its shared and local memory, its barriers, and the checks of its accesses.
#pragma once
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "warp.h"

namespace flambeau::ptx {

/** What the blocks of one launch share. */
struct Run {
  Kernel& kernel;
  const Launch& launch;
  Memory& memory;
  const Options& options;
  /** Serial numbers of blocks: the first of this launch, and that of the block at work. */
  uint32_t firstSerial, serial;
  uint64_t instructions = 0;
  uint64_t random;
  /** Blocks that released an atomic word after a fence, by its address. */
  std::unordered_map<uint64_t, std::vector<uint32_t>> released;
  uint64_t draw(uint64_t below) {
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    return (random >> 33) % below;
  }
};

class Block {
 public:
  explicit Block(Run& run);
  /** Runs the block of this index to its end. */
  void run(const uint32_t index[3]);
  /** The fault with the kernel, the instruction and the thread in front of its text. */
  Fault located(const Fault& fault) const;

 private:
  struct Barrier {
    int expected = 0, arrived = 0;
    uint32_t popc = 0;
    bool isAll = true, isAny = false;
    std::vector<uint32_t> joined;
    struct Waiting {
      Warp* warp;
      uint32_t mask;
      const Instr* by;
    };
    std::vector<Waiting> waiting;
  };
  /** Where an access goes. */
  struct Place {
    Space space;
    Region* region;
    uint64_t offset;
    uint8_t *bytes, *written;
  };
  enum class Access { read, readOnce, write, atomic };

  void start(Warp& w, const uint32_t index[3]);
  void fill(Warp& w, const Special& special, const uint32_t index[3]);
  void step(Warp& w, int64_t budget);
  void control(Warp& w, const Instr& in, uint32_t mask);
  void checkRegisters(const Warp& w, const Instr& in, uint32_t mask);
  static bool regroup(Warp& w);
  static bool canRun(const Warp& w);
  void deadlock();

  void load(Warp& w, const Instr& in, uint32_t mask);
  void store(Warp& w, const Instr& in, uint32_t mask);
  void atomic(Warp& w, const Instr& in, uint32_t mask);
  void copyAsync(Warp& w, const Instr& in, uint32_t mask);
  void waitGroup(Warp& w, const Instr& in, uint32_t mask);
  void complete(Warp& w, const Pending& copy);
  void arrive(Warp& w, const Instr& in, uint32_t mask);
  void release(Barrier& barrier);
  void warpBarrier(Warp& w, const Instr& in, uint32_t mask);
  void fence(uint32_t mask, Warp& w);
  void synchronize(Warp& w, const Instr& in, uint64_t address, int lane);

  Place place(const Instr& in, Space space, uint64_t address, int bytes);
  /** The place of an access that has passed all checks, and that is remembered. */
  Place access(Warp& w, const Instr& in, Space space, uint64_t address, int bytes, Access how);
  void touch(const Warp& w, const Place& place, int bytes, Access how, bool isStrong);
  bool isOrdered(const Warp& w, Stamp mine, Stamp other, bool isShared, bool isStrong) const;
  [[noreturn]] void race(Stamp other, const Place& place, const char* mine, const char* theirs) const;
  void count(const Instr& in, uint32_t mask, const uint64_t* addresses, int bytes);
  static uint64_t addressOf(const Warp& w, const Instr& in, int slot, int lane, bool isWide);

  Run& run_;
  Kernel& kernel_;
  int threads_, warpCount_;
  std::vector<Warp> warps_;
  Region shared_;
  std::vector<uint8_t> local_, localWritten_;
  Region* none_ = nullptr;
  std::vector<Barrier> barriers_;
  std::unordered_set<uint32_t> seen_;
  std::vector<uint64_t> acquired_;
  uint32_t index_[3] = {0, 0, 0};
  // Where a fault is.
  const Warp* current_ = nullptr;
  const Instr* instr_ = nullptr;
  int lane_ = -1;
};

}  // namespace flambeau::ptx
