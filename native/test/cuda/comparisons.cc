// Comparisons, selections, moves and predicates of the interpreter of PTX.
#include <cmath>

#include "warp.h"

namespace flambeau::ptx {

namespace {

enum { opNone, opAnd, opOr, opXor };

uint32_t combined(const Warp& w, const Instr& in, uint32_t bits) {
  if (in.op == opNone) return bits;
  const uint32_t c = w.predicate(in.psrc, in.psrcNegated);
  return in.op == opAnd ? bits & c : in.op == opOr ? bits | c : bits ^ c;
}

template <class T> T opened(T x, const Instr&) { return x; }
template <> float opened<float>(float x, const Instr& in) { return in.flags & flushes ? flushed(x) : x; }

/** The lanes for which f(a, b) holds. */
template <class T, class F> uint32_t lanesWhere(const Warp& w, const Instr& in, F f) {
  const auto *a = w.in<Lane<T>>(in.src[0]), *b = w.in<Lane<T>>(in.src[1]);
  uint32_t bits = 0;
  for (int l = 0; l < warpSize; l++) {
    bits |= static_cast<uint32_t>(f(opened(fromLane<T>(a[l]), in), opened(fromLane<T>(b[l]), in))) << l;
  }
  return bits;
}

template <class T, class F> void setp(Warp& w, const Instr& in, uint32_t mask) {
  const uint32_t bits = lanesWhere<T>(w, in, F());
  const uint32_t p = combined(w, in, bits), q = combined(w, in, ~bits);
  w.setPredicate(in.pdst[0], p, mask);
  w.setPredicate(in.pdst[1], q, mask);
}

template <class D, class T, class F> void set(Warp& w, const Instr& in, uint32_t mask) {
  const uint32_t bits = combined(w, in, lanesWhere<T>(w, in, F()));
  const uint32_t one = std::is_floating_point<D>::value ? 0x3f800000u : allLanes;
  auto* to = w.at<uint32_t>(in.dst[0]);
  for (int l = 0; l < warpSize; l++) {
    if (mask >> l & 1) to[l] = bits >> l & 1 ? one : 0;
  }
}

#define COMPARISON(name, expression)                                          \
  struct name {                                                               \
    template <class T> bool operator()(T a, T b) const { return expression; } \
  }
COMPARISON(Eq, a == b);
COMPARISON(Ne, a<b || a> b);
COMPARISON(Lt, a < b);
COMPARISON(Le, a <= b);
COMPARISON(Gt, a > b);
COMPARISON(Ge, a >= b);
COMPARISON(Equ, a == b || a != a || b != b);
COMPARISON(Neu, a != b);
COMPARISON(Ltu, !(a >= b));
COMPARISON(Leu, !(a > b));
COMPARISON(Gtu, !(a <= b));
COMPARISON(Geu, !(a < b));
COMPARISON(Num, a == a && b == b);
COMPARISON(Nan, a != a || b != b);

template <class T, class F>
void addComparison(std::map<std::string, Form>& table, const std::string& name, const std::string& t) {
  const std::string ftz = t == "f32" ? "f" : "";
  for (const char* op : {"", ".and", ".or", ".xor"}) {
    const std::string third = *op ? " pred" : "", form = name + op;
    table["setp." + form + "." + t] = {setp<T, F>, "pred " + t + " " + t + third, ftz, 0};
    table["set." + form + ".u32." + t] = {set<uint32_t, T, F>, "u32 " + t + " " + t + third, ftz, 0};
    table["set." + form + ".s32." + t] = {set<uint32_t, T, F>, "s32 " + t + " " + t + third, ftz, 0};
    table["set." + form + ".f32." + t] = {set<float, T, F>, "f32 " + t + " " + t + third, ftz, 0};
  }
}

template <class T> void addEqualities(std::map<std::string, Form>& table, const std::string& t) {
  addComparison<T, Eq>(table, "eq", t);
  addComparison<T, Ne>(table, "ne", t);
}
template <class T> void addOrders(std::map<std::string, Form>& table, const std::string& t) {
  addEqualities<T>(table, t);
  addComparison<T, Lt>(table, "lt", t);
  addComparison<T, Le>(table, "le", t);
  addComparison<T, Gt>(table, "gt", t);
  addComparison<T, Ge>(table, "ge", t);
}
template <class T> void addUnsigned(std::map<std::string, Form>& table, const std::string& t) {
  addOrders<T>(table, t);
  addComparison<T, Lt>(table, "lo", t);
  addComparison<T, Le>(table, "ls", t);
  addComparison<T, Gt>(table, "hi", t);
  addComparison<T, Ge>(table, "hs", t);
}
template <class T> void addUnordered(std::map<std::string, Form>& table, const std::string& t) {
  addOrders<T>(table, t);
  addComparison<T, Equ>(table, "equ", t);
  addComparison<T, Neu>(table, "neu", t);
  addComparison<T, Ltu>(table, "ltu", t);
  addComparison<T, Leu>(table, "leu", t);
  addComparison<T, Gtu>(table, "gtu", t);
  addComparison<T, Geu>(table, "geu", t);
  addComparison<T, Num>(table, "num", t);
  addComparison<T, Nan>(table, "nan", t);
}

// ---- selections and moves, which look at no value ----

template <class L> void selp(Warp& w, const Instr& in, uint32_t mask) {
  const L *a = w.in<L>(in.src[0]), *b = w.in<L>(in.src[1]);
  const uint32_t p = w.predicate(in.psrc, in.psrcNegated);
  L result[warpSize];
  for (int l = 0; l < warpSize; l++) result[l] = p >> l & 1 ? a[l] : b[l];
  writeLanes(w.at<L>(in.dst[0]), result, mask);
}
template <class L, class C> void slct(Warp& w, const Instr& in, uint32_t mask) {
  const L *a = w.in<L>(in.src[0]), *b = w.in<L>(in.src[1]);
  const auto* c = w.in<uint32_t>(in.src[2]);
  L result[warpSize];
  for (int l = 0; l < warpSize; l++) result[l] = opened(fromLane<C>(c[l]), in) >= 0 ? a[l] : b[l];
  writeLanes(w.at<L>(in.dst[0]), result, mask);
}
template <class L> void mov(Warp& w, const Instr& in, uint32_t mask) {
  writeLanes(w.at<L>(in.dst[0]), w.in<L>(in.src[0]), mask);
}

/** Any register from its parts, low ones first, or the parts from it. */
template <class L> void pack(Warp& w, const Instr& in, uint32_t mask) {
  L result[warpSize] = {};
  for (int k = 0; k < in.vector; k++) {
    const auto* part = in.sourceBytes == 8 ? nullptr : w.in<uint32_t>(in.src[k]);
    for (int l = 0; l < warpSize; l++) result[l] |= static_cast<L>(part[l]) << (8 * in.sourceBytes * k);
  }
  writeLanes(w.at<L>(in.dst[0]), result, mask);
}
template <class L> void unpack(Warp& w, const Instr& in, uint32_t mask) {
  L from[warpSize];
  memcpy(from, w.in<L>(in.src[0]), sizeof from);
  const uint64_t keep = (uint64_t{1} << (8 * in.sourceBytes)) - 1;
  for (int k = 0; k < in.vector; k++) {
    if (in.dst[k] < 0) continue;
    uint32_t result[warpSize];
    for (int l = 0; l < warpSize; l++) {
      result[l] = static_cast<uint32_t>(uint64_t{from[l]} >> (8 * in.sourceBytes * k) & keep);
    }
    writeLanes(w.at<uint32_t>(in.dst[k]), result, mask);
  }
}

template <class L> void addMoves(std::map<std::string, Form>& table, const std::string& t) {
  table["mov." + t] = {mov<L>, t + " " + t, "", 0};
  table["selp." + t] = {selp<L>, t + " " + t + " " + t + " pred", "", 0};
  table["slct." + t + ".s32"] = {slct<L, int32_t>, t + " " + t + " " + t + " s32", "", 0};
  table["slct." + t + ".f32"] = {slct<L, float>, t + " " + t + " " + t + " f32", "f", 0};
}

// ---- predicates ----

template <class F> void onPredicates(Warp& w, const Instr& in, uint32_t mask) {
  const uint32_t a = w.predicate(in.psrc, in.psrcNegated), b = w.predicate(in.src[1], false);
  w.setPredicate(in.pdst[0], F()(a, b), mask);
}
#define LOGIC(name, expression)                                                               \
  struct name {                                                                               \
    uint32_t operator()(uint32_t a, [[maybe_unused]] uint32_t b) const { return expression; } \
  }
LOGIC(And, a& b);
LOGIC(Or, a | b);
LOGIC(Xor, a ^ b);
LOGIC(Not, ~a);
LOGIC(Same, a);

template <class T, class F> void testp(Warp& w, const Instr& in, uint32_t mask) {
  const auto* a = w.in<Lane<T>>(in.src[0]);
  uint32_t bits = 0;
  for (int l = 0; l < warpSize; l++) bits |= static_cast<uint32_t>(F()(std::fpclassify(fromLane<T>(a[l])))) << l;
  w.setPredicate(in.pdst[0], bits, mask);
}
#define CLASS(name, expression)                          \
  struct name {                                          \
    bool operator()(int of) const { return expression; } \
  }
CLASS(Finite, of != FP_NAN && of != FP_INFINITE);
CLASS(Infinite, of == FP_INFINITE);
CLASS(Number, of != FP_NAN);
CLASS(NotNumber, of == FP_NAN);
CLASS(Normal, of == FP_NORMAL || of == FP_ZERO);
CLASS(Subnormal, of == FP_SUBNORMAL);

template <class T> void addTests(std::map<std::string, Form>& table, const std::string& t) {
  table["testp.finite." + t] = {testp<T, Finite>, "pred " + t, "", 0};
  table["testp.infinite." + t] = {testp<T, Infinite>, "pred " + t, "", 0};
  table["testp.number." + t] = {testp<T, Number>, "pred " + t, "", 0};
  table["testp.notanumber." + t] = {testp<T, NotNumber>, "pred " + t, "", 0};
  table["testp.normal." + t] = {testp<T, Normal>, "pred " + t, "", 0};
  table["testp.subnormal." + t] = {testp<T, Subnormal>, "pred " + t, "", 0};
}

// ---- addresses: generic ones are in windows ----

uint64_t windowOf(Space space) {
  return space == Space::shared  ? sharedWindow
         : space == Space::local ? localWindow
         : space == Space::param ? paramWindow
                                 : 0;
}
template <bool isTo> void cvta(Warp& w, const Instr& in, uint32_t mask) {
  const uint64_t window = windowOf(in.space);
  eachLane<uint64_t, uint64_t>(w, in, mask, [=](uint64_t a) { return isTo ? a - window : a + window; });
}
void isspacep(Warp& w, const Instr& in, uint32_t mask) {
  const auto* a = w.in<uint64_t>(in.src[0]);
  const uint64_t window = windowOf(in.space);
  uint32_t bits = 0;
  for (int l = 0; l < warpSize; l++) {
    const bool is = window == 0 ? a[l] >= deviceWindow && a[l] < sharedWindow : a[l] - window < windowSpan;
    bits |= static_cast<uint32_t>(is) << l;
  }
  w.setPredicate(in.pdst[0], bits, mask);
}

}  // namespace

void addComparisons(std::map<std::string, Form>& table) {
  addEqualities<uint16_t>(table, "b16");
  addEqualities<uint32_t>(table, "b32");
  addEqualities<uint64_t>(table, "b64");
  addOrders<int16_t>(table, "s16");
  addOrders<int32_t>(table, "s32");
  addOrders<int64_t>(table, "s64");
  addUnsigned<uint16_t>(table, "u16");
  addUnsigned<uint32_t>(table, "u32");
  addUnsigned<uint64_t>(table, "u64");
  addUnordered<float>(table, "f32");
  addUnordered<double>(table, "f64");
  for (const char* t : {"b16", "s16", "u16", "b32", "s32", "u32", "f32"}) addMoves<uint32_t>(table, t);
  for (const char* t : {"b64", "s64", "u64", "f64"}) addMoves<uint64_t>(table, t);
  addTests<float>(table, "f32");
  addTests<double>(table, "f64");
  table["mov.pack.b32"] = {pack<uint32_t>, "", "", 0};
  table["mov.pack.b64"] = {pack<uint64_t>, "", "", 0};
  table["mov.unpack.b32"] = {unpack<uint32_t>, "", "", 0};
  table["mov.unpack.b64"] = {unpack<uint64_t>, "", "", 0};
  table["and.pred"] = {onPredicates<And>, "pred pred pred", "", 0};
  table["or.pred"] = {onPredicates<Or>, "pred pred pred", "", 0};
  table["xor.pred"] = {onPredicates<Xor>, "pred pred pred", "", 0};
  table["not.pred"] = {onPredicates<Not>, "pred pred", "", 0};
  table["mov.pred"] = {onPredicates<Same>, "pred pred", "", 0};
  table["cvta.u64"] = {cvta<false>, "u64 u64", "", 0};
  table["cvta.to.u64"] = {cvta<true>, "u64 u64", "", 0};
  table["isspacep"] = {isspacep, "pred b64", "", 0};
}

}  // namespace flambeau::ptx
