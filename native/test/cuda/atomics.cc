// Atomics of a block, the fences that order them, and copies that threads start and wait for later.
#include <algorithm>
#include <cmath>

#include "block.h"

namespace flambeau::ptx {

namespace {

enum AtomicOp : uint8_t { atomAdd, atomMin, atomMax, atomExch, atomCas, atomAnd, atomOr, atomXor, atomInc, atomDec };

template <class T> T changed(uint8_t op, T old, T b, T c) {
  using U = typename std::make_unsigned<T>::type;
  switch (op) {
    case atomAdd:
      return static_cast<T>(static_cast<U>(old) + static_cast<U>(b));
    case atomMin:
      return old < b ? old : b;
    case atomMax:
      return old > b ? old : b;
    case atomExch:
      return b;
    case atomCas:
      return old == b ? c : old;
    case atomAnd:
      return old & b;
    case atomOr:
      return old | b;
    case atomXor:
      return old ^ b;
    case atomInc:
      return static_cast<U>(old) >= static_cast<U>(b) ? 0 : static_cast<T>(static_cast<U>(old) + 1);
    default:
      return old == 0 || static_cast<U>(old) > static_cast<U>(b) ? b : static_cast<T>(static_cast<U>(old) - 1);
  }
}

template <class T> uint64_t applied(uint8_t op, uint64_t old, uint64_t b, uint64_t c) {
  return static_cast<uint64_t>(changed<T>(op, static_cast<T>(old), static_cast<T>(b), static_cast<T>(c)));
}

}  // namespace

void Block::atomic(Warp& w, const Instr& in, uint32_t mask) {
  const bool isWide = in.bytes == 8;
  const auto value = [&](int slot, int lane) {
    return isWide ? w.in<uint64_t>(in.src[slot])[lane] : uint64_t{w.in<uint32_t>(in.src[slot])[lane]};
  };
  for (int lane = 0; lane < warpSize; lane++) {
    if (!(mask >> lane & 1)) continue;
    lane_ = lane;
    const uint64_t address = addressOf(w, in, 0, lane, in.isWide);
    if (kernel_.hasFences || (in.flags & (acquires | releases))) synchronize(w, in, address, lane);
    const Place at = access(w, in, in.space, address, in.bytes, Access::atomic);
    uint64_t old = 0;
    memcpy(&old, at.bytes, in.bytes);
    const uint64_t b = value(1, lane), c = in.op == atomCas ? value(2, lane) : 0;
    uint64_t result;
    if (in.target == 'f') {
      result = isWide ? toLane<double>(fromLane<double>(old) + fromLane<double>(b))
                      : toLane<float>(canonical(fromLane<float>(static_cast<uint32_t>(old)) +
                                                fromLane<float>(static_cast<uint32_t>(b))));
    } else if (in.target == 's') {
      result = isWide ? applied<int64_t>(in.op, old, b, c) : applied<int32_t>(in.op, old, b, c);
    } else {
      result = isWide ? applied<uint64_t>(in.op, old, b, c) : applied<uint32_t>(in.op, old, b, c);
    }
    memcpy(at.bytes, &result, in.bytes);
    if (in.vector == 0) continue;
    if (isWide) {
      w.at<uint64_t>(in.dst[0])[lane] = old;
    } else {
      w.at<uint32_t>(in.dst[0])[lane] = static_cast<uint32_t>(old);
    }
  }
}

/**
 * An atomic word orders blocks: who changes it after a fence releases what came before, and who changes it and then
 * passes a fence has seen what all did that released it.
 */
void Block::synchronize(Warp& w, const Instr& in, uint64_t address, int lane) {
  std::vector<uint32_t>& list = run_.released[address];
  if ((w.fenced >> lane & 1) || (in.flags & releases)) {
    if (list.empty() || list.back() != run_.serial) list.push_back(run_.serial);
    for (const uint32_t serial : seen_) {
      if (std::find(list.begin(), list.end(), serial) == list.end()) list.push_back(serial);
    }
  }
  if (in.flags & acquires) {
    seen_.insert(list.begin(), list.end());
  } else {
    acquired_.push_back(address);
  }
}

void Block::fence(uint32_t mask, Warp& w) {
  w.fenced |= mask;
  for (const uint64_t address : acquired_) {
    const std::vector<uint32_t>& list = run_.released[address];
    seen_.insert(list.begin(), list.end());
  }
  acquired_.clear();
}

// ---- copies that go on while the thread does ----

void Block::copyAsync(Warp& w, const Instr& in, uint32_t mask) {
  const auto* sizes = w.in<uint32_t>(in.src[2]);
  for (int lane = 0; lane < warpSize; lane++) {
    if (!(mask >> lane & 1)) continue;
    lane_ = lane;
    const uint64_t to = addressOf(w, in, 0, lane, in.isWide);
    const uint64_t base = in.registerBytes == 8 ? w.in<uint64_t>(in.src[1])[lane] : w.in<uint32_t>(in.src[1])[lane];
    const uint64_t from = base + static_cast<uint64_t>(static_cast<int64_t>(in.target));
    if (sizes[lane] > in.bytes)
      throw Fault{launchFailed, format("a copy of %d bytes takes %u from its source", in.bytes, sizes[lane])};
    // Who reads the target before the copy has come reads what was never written.
    const Place at = place(in, Space::shared, to, in.bytes);
    memset(at.written, 0, in.bytes);
    if (sizes[lane] > 0) place(in, Space::global, from, in.bytes);
    w.pending.push_back(
        {lane, in.bytes, static_cast<int>(sizes[lane]), to, from, &in, w.committed[static_cast<size_t>(lane)]});
  }
}

void Block::complete(Warp& w, const Pending& copy) {
  lane_ = copy.lane;
  uint8_t bytes[16] = {};
  for (int k = 0, step; k < copy.sourceBytes; k += step) {
    step = copy.sourceBytes - k < 4 ? 1 : 4;
    const Place from = access(w, *copy.by, Space::global, copy.from + static_cast<uint64_t>(k), step, Access::read);
    memcpy(bytes + k, from.bytes, static_cast<size_t>(step));
  }
  const Place to = access(w, *copy.by, Space::shared, copy.to, copy.bytes, Access::write);
  memcpy(to.bytes, bytes, static_cast<size_t>(copy.bytes));
}

void Block::waitGroup(Warp& w, const Instr& in, uint32_t mask) {
  size_t kept = 0;
  for (size_t i = 0; i < w.pending.size(); i++) {
    const Pending copy = w.pending[i];
    const int64_t committed = w.committed[static_cast<size_t>(copy.lane)];
    const bool isDone = in.op == 0 || copy.group < committed - in.immediate;
    if ((mask >> copy.lane & 1) && isDone) {
      complete(w, copy);
    } else {
      w.pending[kept++] = copy;
    }
  }
  w.pending.resize(kept);
}

}  // namespace flambeau::ptx
