// Instructions of a whole warp: shuffles, votes, matches and reductions. Each names the lanes that take part; who is
// not there, who is there unnamed, and lanes that disagree about the names are faults, which hardware answers with
// anything.
#include "warp.h"

namespace flambeau::ptx {

namespace {

/** The lanes that take part, from the operand `slot`, after the checks. */
uint32_t members(const Warp& w, int slot, uint32_t mask) {
  const auto* named = w.in<uint32_t>(slot);
  const uint32_t first = named[lowest(mask)];
  for (int l = 0; l < warpSize; l++) {
    if ((mask >> l & 1) && named[l] != first) {
      throw Fault{launchFailed, format("lanes %d and %d name different members, 0x%08x and 0x%08x", lowest(mask), l,
                                       first, named[l])};
    }
  }
  if (mask & ~first)
    throw Fault{launchFailed, format("lane %d takes part but is not in the mask 0x%08x", lowest(mask & ~first), first)};
  // Lanes that have exited count as present.
  const uint32_t missing = first & w.live & ~mask;
  if (missing != 0) {
    throw Fault{launchFailed,
                format("lane %d is in the mask 0x%08x but is not at this instruction", lowest(missing), first)};
  }
  return first & mask;
}

enum Shuffle { up, down, butterfly, index };

template <Shuffle mode> void shfl(Warp& w, const Instr& in, uint32_t mask) {
  const uint32_t taking = members(w, in.src[3], mask);
  const auto *a = w.in<uint32_t>(in.src[0]), *b = w.in<uint32_t>(in.src[1]), *c = w.in<uint32_t>(in.src[2]);
  uint32_t result[warpSize] = {}, inRange = 0;
  for (int lane = 0; lane < warpSize; lane++) {
    if (!(mask >> lane & 1)) continue;
    const int by = static_cast<int>(b[lane] & 31), clamp = static_cast<int>(c[lane] & 31);
    const int segment = static_cast<int>(c[lane] >> 8 & 31);
    const int first = lane & segment, last = first | (clamp & ~segment);
    int from = mode == up          ? lane - by
               : mode == down      ? lane + by
               : mode == butterfly ? lane ^ by
                                   : first | (by & ~segment);
    const bool is = mode == up ? from >= last : from <= last;
    if (is) {
      inRange |= 1u << lane;
    } else {
      from = lane;
    }
    if (!(taking >> from & 1)) {
      throw Fault{launchFailed, format("lane %d reads lane %d, which does not take part", lane, from)};
    }
    result[lane] = a[from];
  }
  writeLanes(w.at<uint32_t>(in.dst[0]), result, mask);
  w.setPredicate(in.pdst[0], inRange, mask);
}

enum Vote { all, any, uniform };

template <Vote mode> void vote(Warp& w, const Instr& in, uint32_t mask) {
  const uint32_t taking = members(w, in.src[0], mask), p = w.predicate(in.psrc, in.psrcNegated) & taking;
  const bool is = mode == all ? p == taking : mode == any ? p != 0 : p == 0 || p == taking;
  w.setPredicate(in.pdst[0], is ? allLanes : 0, mask);
}

void writeAll(Warp& w, const Instr& in, uint32_t mask, uint32_t value) {
  auto* to = w.at<uint32_t>(in.dst[0]);
  for (int l = 0; l < warpSize; l++) to[l] = mask >> l & 1 ? value : to[l];
}

void ballot(Warp& w, const Instr& in, uint32_t mask) {
  const uint32_t taking = members(w, in.src[0], mask);
  writeAll(w, in, mask, w.predicate(in.psrc, in.psrcNegated) & taking);
}

template <class L> uint32_t equalTo(const L* a, L value, uint32_t taking) {
  uint32_t bits = 0;
  for (int l = 0; l < warpSize; l++) bits |= static_cast<uint32_t>((taking >> l & 1) && a[l] == value) << l;
  return bits;
}
template <class L> void matchAny(Warp& w, const Instr& in, uint32_t mask) {
  const uint32_t taking = members(w, in.src[1], mask);
  const L* a = w.in<L>(in.src[0]);
  uint32_t result[warpSize];
  for (int l = 0; l < warpSize; l++) result[l] = equalTo(a, a[l], taking);
  writeLanes(w.at<uint32_t>(in.dst[0]), result, mask);
}
template <class L> void matchAll(Warp& w, const Instr& in, uint32_t mask) {
  const uint32_t taking = members(w, in.src[1], mask);
  const L* a = w.in<L>(in.src[0]);
  const bool is = equalTo(a, a[lowest(mask)], taking) == taking;
  writeAll(w, in, mask, is ? taking : 0);
  w.setPredicate(in.pdst[0], is ? allLanes : 0, mask);
}

template <class T, class F> void redux(Warp& w, const Instr& in, uint32_t mask) {
  const uint32_t taking = members(w, in.src[1], mask);
  const auto* a = w.in<uint32_t>(in.src[0]);
  bool isFirst = true;
  T value = 0;
  for (int l = 0; l < warpSize; l++) {
    if (!(taking >> l & 1)) continue;
    value = isFirst ? static_cast<T>(a[l]) : F()(value, static_cast<T>(a[l]));
    isFirst = false;
  }
  writeAll(w, in, mask, static_cast<uint32_t>(value));
}
#define REDUCTION(name, expression)                                                        \
  struct name {                                                                            \
    template <class T> T operator()(T a, T b) const { return static_cast<T>(expression); } \
  }
REDUCTION(Add, static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
REDUCTION(Min, a < b ? a : b);
REDUCTION(Max, a > b ? a : b);
REDUCTION(And, a& b);
REDUCTION(Or, a | b);
REDUCTION(Xor, a ^ b);

void activemask(Warp& w, const Instr& in, uint32_t mask) { writeAll(w, in, mask, mask); }

void elect(Warp& w, const Instr& in, uint32_t mask) {
  const int leader = lowest(members(w, in.src[0], mask));
  writeAll(w, in, mask, static_cast<uint32_t>(leader));
  w.setPredicate(in.pdst[0], 1u << leader, mask);
}

}  // namespace

void addWarpWide(std::map<std::string, Form>& table) {
  table["shfl.sync.up.b32"] = {shfl<up>, "b32 b32 b32 b32 b32", "", 0};
  table["shfl.sync.down.b32"] = {shfl<down>, "b32 b32 b32 b32 b32", "", 0};
  table["shfl.sync.bfly.b32"] = {shfl<butterfly>, "b32 b32 b32 b32 b32", "", 0};
  table["shfl.sync.idx.b32"] = {shfl<index>, "b32 b32 b32 b32 b32", "", 0};
  table["vote.sync.all.pred"] = {vote<all>, "pred pred b32", "", 0};
  table["vote.sync.any.pred"] = {vote<any>, "pred pred b32", "", 0};
  table["vote.sync.uni.pred"] = {vote<uniform>, "pred pred b32", "", 0};
  table["vote.sync.ballot.b32"] = {ballot, "b32 pred b32", "", 0};
  table["match.any.sync.b32"] = {matchAny<uint32_t>, "b32 b32 b32", "", 0};
  table["match.any.sync.b64"] = {matchAny<uint64_t>, "b32 b64 b32", "", 0};
  table["match.all.sync.b32"] = {matchAll<uint32_t>, "b32 b32 b32", "", 0};
  table["match.all.sync.b64"] = {matchAll<uint64_t>, "b32 b64 b32", "", 0};
  table["redux.sync.add.s32"] = {redux<int32_t, Add>, "s32 s32 b32", "", 0};
  table["redux.sync.add.u32"] = {redux<uint32_t, Add>, "u32 u32 b32", "", 0};
  table["redux.sync.min.s32"] = {redux<int32_t, Min>, "s32 s32 b32", "", 0};
  table["redux.sync.min.u32"] = {redux<uint32_t, Min>, "u32 u32 b32", "", 0};
  table["redux.sync.max.s32"] = {redux<int32_t, Max>, "s32 s32 b32", "", 0};
  table["redux.sync.max.u32"] = {redux<uint32_t, Max>, "u32 u32 b32", "", 0};
  table["redux.sync.and.b32"] = {redux<uint32_t, And>, "b32 b32 b32", "", 0};
  table["redux.sync.or.b32"] = {redux<uint32_t, Or>, "b32 b32 b32", "", 0};
  table["redux.sync.xor.b32"] = {redux<uint32_t, Xor>, "b32 b32 b32", "", 0};
  table["activemask.b32"] = {activemask, "b32", "", 0};
  table["elect.sync"] = {elect, "b32 b32", "", 0};
}

}  // namespace flambeau::ptx
