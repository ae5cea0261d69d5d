// The state of a warp, and how handlers of instructions read and write its registers.
#pragma once
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "ptx.h"

namespace flambeau::ptx {

/** Lanes that are at one instruction, and whether they wait at a barrier. */
struct Group {
  int pc;
  uint32_t mask;
  int barrier;
};

/** A copy that a thread has started and not waited for. */
struct Pending {
  int lane, bytes, sourceBytes;
  uint64_t to, from;
  const Instr* by;
  /** The group of copies that it was committed to, or -1. */
  int64_t group;
};

class Warp {
 public:
  std::vector<char> file;
  const char* constants = nullptr;
  std::vector<uint32_t> predicates;
  /** The lanes in which a slot, or a predicate, was ever written. */
  std::vector<uint32_t> written, predicateWritten;
  uint32_t carry = 0;
  int index = 0;
  int pc = 0;
  uint32_t mask = 0, live = 0;
  /** The lowest pc of the other groups that can run. */
  int nextPc = 0;
  std::vector<Group> groups;
  /** clock[v] is the epoch of warp v before which all it did happened before what this warp does now. */
  std::vector<uint32_t> clock;
  std::vector<Pending> pending;
  std::vector<int64_t> committed;
  /** Lanes that have executed a fence. */
  uint32_t fenced = 0;

  template <class T> T* at(int slot) { return reinterpret_cast<T*>(file.data() + slot * 128); }
  template <class T> const T* in(int slot) const {
    return reinterpret_cast<const T*>((slot < 0 ? constants : file.data()) + slot * 128);
  }
  uint32_t predicate(int index, bool negated) const {
    return predicates[static_cast<size_t>(index)] ^ (negated ? allLanes : 0);
  }
  void setPredicate(int index, uint32_t bits, uint32_t lanes) {
    if (index < 0) return;
    uint32_t& p = predicates[static_cast<size_t>(index)];
    p = (p & ~lanes) | (bits & lanes);
  }
};

/** binary16 and bfloat16, which handlers compute in float32. */
struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};

/** The lane of a register of T: 4 bytes, or 8. */
template <class T> using Lane = typename std::conditional<sizeof(T) == 8, uint64_t, uint32_t>::type;

template <class T> T fromLane(Lane<T> lane) {
  T value;
  memcpy(&value, &lane, sizeof value);
  return value;
}
template <class T> Lane<T> toLane(T value) {
  Lane<T> lane = 0;
  memcpy(&lane, &value, sizeof value);
  return lane;
}

/** Writes `result`, a value a lane, where the mask has a lane. */
template <class L> void writeLanes(L* to, const L* result, uint32_t mask) {
  for (int l = 0; l < warpSize; l++) to[l] = mask >> l & 1 ? result[l] : to[l];
}

template <class D, class... S, class F, size_t... k>
inline void eachLaneOf(Warp& w, const Instr& in, uint32_t mask, F&& f, std::index_sequence<k...>) {
  Lane<D> result[warpSize];
  const std::tuple<const Lane<S>*...> s{w.in<Lane<S>>(in.src[k])...};
  for (int l = 0; l < warpSize; l++) result[l] = toLane<D>(f(fromLane<S>(std::get<k>(s)[l])...));
  writeLanes(w.at<Lane<D>>(in.dst[0]), result, mask);
}

/** Writes f(sources...) of each lane of the mask. Other lanes are computed as well, so f takes any bits. */
template <class D, class... S, class F> inline void eachLane(Warp& w, const Instr& in, uint32_t mask, F&& f) {
  eachLaneOf<D, S...>(w, in, mask, f, std::index_sequence_for<S...>{});
}

/** What is known about the form of an instruction. */
struct Form {
  Handler run;
  /** The types of its operands: the destination first, if it has one; "pred" is a predicate. */
  std::string signature;
  /** Modifiers that it takes: r for roundings, f for ftz, s for sat. */
  std::string modifiers;
  int flops;
};
/** The forms by their names, such as "mad.wide.s32": an opcode, what tells forms apart, and a type. */
const std::map<std::string, Form>& table();

void addIntegers(std::map<std::string, Form>& table);
void addBits(std::map<std::string, Form>& table);
void addFloats(std::map<std::string, Form>& table);
void addComparisons(std::map<std::string, Form>& table);
void addConversions(std::map<std::string, Form>& table);
void addWarpWide(std::map<std::string, Form>& table);

/** float32 as the hardware has it: one NaN, and denormals as zeros where a flag says so. */
inline float canonical(float x) {
  if (x == x) return x;
  uint32_t bits = 0x7fffffff;
  memcpy(&x, &bits, 4);
  return x;
}
inline float flushed(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  if ((bits & 0x7f800000) == 0) bits &= 0x80000000;
  memcpy(&x, &bits, 4);
  return x;
}

float fromHalf(Half x);
Half toHalf(double x, Round round);

/** The lane's number of a mask, lowest first. */
inline int lowest(uint32_t mask) { return __builtin_ctz(mask); }

}  // namespace flambeau::ptx
