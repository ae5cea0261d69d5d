// Accesses of a block to memory, and what is checked of them: bounds by allocation, alignment, bytes that were never
// written, and races. Two accesses race if different threads make them, one of them writes, not both are atomic, and no
// barrier, launch, or pair of fences around an atomic orders them. Atomics and copies are in atomics.cc.
#include <algorithm>
#include <cmath>

#include "block.h"

namespace flambeau::ptx {

namespace {

const char* const spaceNames[] = {"generic", "global", "shared", "local", "constant", "parameter"};

[[noreturn]] void outside(const char* what, int bytes, const std::string& where) {
  throw Fault{illegalAddress, format("%s %d bytes at %s", what, bytes, where.c_str())};
}

}  // namespace

uint64_t Block::addressOf(const Warp& w, const Instr& in, int slot, int lane, bool isWide) {
  return (isWide ? w.in<uint64_t>(in.src[slot])[lane] : w.in<uint32_t>(in.src[slot])[lane]) +
         static_cast<uint64_t>(in.immediate);
}

Block::Place Block::place(const Instr& in, Space space, uint64_t address, int bytes) {
  const auto size = static_cast<uint64_t>(bytes);
  if (space == Space::generic) {
    space = Space::global;
    if (address - sharedWindow < windowSpan) space = Space::shared, address -= sharedWindow;
    if (address - localWindow < windowSpan) space = Space::local, address -= localWindow;
    if (address - paramWindow < windowSpan) space = Space::param, address -= paramWindow;
  }
  if (address % size != 0) {
    throw Fault{misaligned, format("an access of %d bytes at 0x%llx of %s memory is not aligned", bytes,
                                   static_cast<unsigned long long>(address), spaceNames[static_cast<int>(space)])};
  }
  const uint64_t offset = address - windowStart;
  if (space == Space::shared) {
    if (offset > shared_.size() || size > shared_.size() - offset) {
      outside("an access of", bytes,
              format("offset %lld of %zu bytes of shared memory", static_cast<long long>(offset), shared_.size()));
    }
    return {space, &shared_, offset, shared_.bytes() + offset, shared_.written() + offset};
  }
  if (space == Space::local) {
    const auto own = static_cast<uint64_t>(kernel_.localBytes);
    if (offset > own || size > own - offset) {
      outside("an access of", bytes,
              format("offset %lld of %d bytes of local memory", static_cast<long long>(offset), kernel_.localBytes));
    }
    const uint64_t at = static_cast<uint64_t>(current_->index * warpSize + lane_) * own + offset;
    return {space, nullptr, offset, local_.data() + at, localWritten_.data() + at};
  }
  if (space == Space::param) {
    const auto& parameters = run_.launch.parameters;
    if (address > parameters.size() || size > parameters.size() - address) {
      outside("an access of", bytes,
              format("offset %lld of %zu bytes of parameters", static_cast<long long>(address), parameters.size()));
    }
    return {space, nullptr, address, const_cast<uint8_t*>(parameters.data()) + address, nullptr};
  }
  Allocation* allocation = in.last;
  if (allocation == nullptr || address - allocation->base >= allocation->region.size()) {
    allocation = run_.memory.find(address);
    if (allocation == nullptr) outside("an access of", bytes, run_.memory.describe(address, size));
    if (allocation->device != run_.launch.device && !(run_.launch.peers >> allocation->device & 1)) {
      outside("an access of", bytes, format("memory of device %d, whose access was not enabled", allocation->device));
    }
    in.last = allocation;
  }
  const uint64_t at = address - allocation->base;
  if (size > allocation->region.size() - at) outside("an access of", bytes, run_.memory.describe(address, size));
  return {space, &allocation->region, at, allocation->region.bytes() + at, allocation->region.written() + at};
}

Block::Place Block::access(Warp& w, const Instr& in, Space space, uint64_t address, int bytes, Access how) {
  const Place at = place(in, space, address, bytes);
  if (how == Access::read || how == Access::readOnce || how == Access::atomic) {
    if (at.written != nullptr) {
      const bool isWritten =
          bytes == 4 ? [&] {
            uint32_t all;
            memcpy(&all, at.written, 4);
            return all == 0x01010101u;
          }()
          : bytes == 8 ? [&] {
              uint64_t all;
              memcpy(&all, at.written, 8);
              return all == 0x0101010101010101u;
            }()
                       : std::all_of(at.written, at.written + bytes, [](uint8_t is) { return is != 0; });
      if (!isWritten) {
        throw Fault{launchFailed,
                    format("%d bytes at offset %llu of %s memory are read that were never written", bytes,
                           static_cast<unsigned long long>(at.offset), spaceNames[static_cast<int>(at.space)])};
      }
    }
  }
  if (how == Access::write || how == Access::atomic) {
    if (at.space == Space::param) throw Fault{wrongSpace, "a parameter of a kernel is written"};
    if (at.space == Space::global && in.last != nullptr && in.last->isConstant)
      throw Fault{illegalAddress, "constant memory is written"};
    if (how == Access::write) memset(at.written, 1, static_cast<size_t>(bytes));
  }
  if (how == Access::atomic && at.region == nullptr)
    throw Fault{wrongSpace, "atomics are for global and shared memory"};
  // Nothing in constant memory changes.
  if (at.region != nullptr && !(at.space == Space::global && in.last->isConstant)) {
    touch(w, at, bytes, how, how == Access::atomic || (in.flags & isVolatile) != 0);
  }
  return at;
}

bool Block::isOrdered(const Warp& w, Stamp mine, Stamp other, bool isShared, bool isStrong) const {
  const auto serial = static_cast<uint32_t>(other >> 32);
  if (serial != run_.serial) {
    // Shared memory of an earlier block, an earlier launch.
    if (isShared || serial < run_.firstSerial) return true;
    return (isStrong && (other >> atomicShift & 1)) || seen_.count(serial) != 0;
  }
  const auto thread = static_cast<uint32_t>(other >> threadShift & 1023);
  if (thread == static_cast<uint32_t>(mine >> threadShift & 1023)) return true;
  if (isStrong && (other >> atomicShift & 1)) return true;
  return (other & epochMask) < w.clock[thread / warpSize];
}

void Block::race(Stamp other, const Place& place, const char* mine, const char* theirs) const {
  const auto serial = static_cast<uint32_t>(other >> 32), thread = static_cast<uint32_t>(other >> threadShift & 1023);
  const uint32_t x = run_.launch.block[0], y = run_.launch.block[1];
  const std::string who =
      serial == run_.serial
          ? format("thread (%u, %u, %u) of this block", thread % x, thread / x % y, thread / x / y)
          : format("thread (%u, %u, %u) of another block", thread % x, thread / x % y, thread / x / y);
  throw Fault{launchFailed, format("race: %s offset %llu of %s memory, which %s %s without a barrier between", mine,
                                   static_cast<unsigned long long>(place.offset),
                                   spaceNames[static_cast<int>(place.space)], who.c_str(), theirs)};
}

void Block::touch(const Warp& w, const Place& place, int bytes, Access how, bool isStrong) {
  const bool isShared = place.space == Space::shared;
  const Stamp mine = uint64_t{run_.serial} << 32 | static_cast<uint64_t>(w.index * warpSize + lane_) << threadShift |
                     uint64_t{isStrong} << atomicShift | w.clock[static_cast<size_t>(w.index)];
  Touched* touched = place.region->touched(place.offset, bytes);
  const int count = place.region->grain() == 4 ? bytes / 4 : bytes;
  const bool writes = how == Access::write || how == Access::atomic;
  const char* what = how == Access::atomic ? "changes" : writes ? "writes" : "reads";
  for (int i = 0; i < count; i++, touched++) {
    if (touched->write != 0 && touched->write != mine && !isOrdered(w, mine, touched->write, isShared, isStrong)) {
      race(touched->write, place, what, "wrote");
    }
    if (writes) {
      for (const Stamp other : touched->reads) {
        if (other != 0 && other != mine && !isOrdered(w, mine, other, isShared, isStrong))
          race(other, place, what, "read");
      }
      touched->write = mine;
      touched->reads[0] = touched->reads[1] = 0;
    } else {
      if (how == Access::readOnce && !isShared && (touched->write >> 32) >= run_.firstSerial) {
        throw Fault{launchFailed, "memory is read as unchanging that this launch writes"};
      }
      if ((touched->reads[0] ^ mine) >> threadShift != 0) touched->reads[1] = touched->reads[0];
      touched->reads[0] = mine;
    }
  }
}

/** Sectors of 32 bytes, or passes over the 32 banks of shared memory, and the least that there could be. */
void Block::count(const Instr& in, uint32_t mask, const uint64_t* addresses, int bytes) {
  if (in.space == Space::shared) {
    // Wider accesses are made by fractions of the warp, of 128 bytes each.
    const int lanesAtOnce = bytes <= 4 ? 32 : 128 / bytes;
    for (int from = 0; from < warpSize; from += lanesAtOnce) {
      uint64_t words[32][32];
      int depth[32] = {}, most = 0, total = 0;
      for (int l = from; l < from + lanesAtOnce; l++) {
        if (!(mask >> l & 1)) continue;
        for (uint64_t word = addresses[l] / 4; word <= (addresses[l] + static_cast<uint64_t>(bytes) - 1) / 4; word++) {
          const size_t bank = word % 32;
          const auto end = words[bank] + depth[bank];
          if (std::find(words[bank], end, word) != end) continue;
          words[bank][depth[bank]++] = word;
          most = std::max(most, depth[bank]);
          total++;
        }
      }
      in.counts.touched += static_cast<uint64_t>(most);
      in.counts.least += static_cast<uint64_t>((total + 31) / 32);
    }
    return;
  }
  uint64_t sectors[warpSize * 2];
  size_t found = 0;
  uint64_t wanted = 0;
  for (int l = 0; l < warpSize; l++) {
    if (!(mask >> l & 1)) continue;
    const uint64_t sector = addresses[l] / 32;
    // Neighbours share sectors more often than not.
    if (found > 0 && sectors[found - 1] == sector) continue;
    if (std::find(sectors, sectors + found, sector) == sectors + found) sectors[found++] = sector;
  }
  uint64_t distinct[warpSize];
  size_t lanes = 0;
  for (int l = 0; l < warpSize; l++) {
    if (mask >> l & 1) distinct[lanes++] = addresses[l];
  }
  std::sort(distinct, distinct + lanes);
  wanted = static_cast<uint64_t>(std::unique(distinct, distinct + lanes) - distinct) * static_cast<uint64_t>(bytes);
  in.counts.touched += found;
  in.counts.least += (wanted + 31) / 32;
}

// ---- loads and stores ----

void Block::load(Warp& w, const Instr& in, uint32_t mask) {
  const int bytes = in.bytes * in.vector;
  uint64_t addresses[warpSize];
  const Access how = in.op == 1 ? Access::readOnce : Access::read;
  for (int lane = 0; lane < warpSize; lane++) {
    if (!(mask >> lane & 1)) continue;
    lane_ = lane;
    addresses[lane] = addressOf(w, in, 0, lane, in.isWide);
    const Place at = access(w, in, in.space, addresses[lane], bytes, how);
    for (int k = 0; k < in.vector; k++) {
      uint64_t value = 0;
      memcpy(&value, at.bytes + k * in.bytes, in.bytes);
      if (in.isSigned && in.bytes < 8) {
        const int unused = 64 - 8 * in.bytes;
        value = static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused);
        if (in.registerBytes < 8) value &= in.registerBytes == 2 ? 0xffff : 0xffffffff;
      }
      if (in.registerBytes == 8) {
        w.at<uint64_t>(in.dst[k])[lane] = value;
      } else {
        w.at<uint32_t>(in.dst[k])[lane] = static_cast<uint32_t>(value);
      }
    }
    if (in.flags & acquires) synchronize(w, in, addresses[lane], lane);
  }
  if (run_.options.counts && (in.space == Space::global || in.space == Space::shared || in.space == Space::generic))
    count(in, mask, addresses, bytes);
}

void Block::store(Warp& w, const Instr& in, uint32_t mask) {
  const int bytes = in.bytes * in.vector;
  uint64_t addresses[warpSize];
  for (int lane = 0; lane < warpSize; lane++) {
    if (!(mask >> lane & 1)) continue;
    lane_ = lane;
    addresses[lane] = addressOf(w, in, 0, lane, in.isWide);
    if (in.flags & releases) synchronize(w, in, addresses[lane], lane);
    const Place at = access(w, in, in.space, addresses[lane], bytes, Access::write);
    for (int k = 0; k < in.vector; k++) {
      const uint64_t value =
          in.registerBytes == 8 ? w.in<uint64_t>(in.src[1 + k])[lane] : w.in<uint32_t>(in.src[1 + k])[lane];
      memcpy(at.bytes + k * in.bytes, &value, in.bytes);
    }
  }
  if (run_.options.counts && (in.space == Space::global || in.space == Space::shared || in.space == Space::generic))
    count(in, mask, addresses, bytes);
}

// ---- atomics ----

}  // namespace flambeau::ptx
