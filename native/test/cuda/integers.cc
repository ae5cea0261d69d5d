// Integer arithmetic and bits of the interpreter of PTX. Everything is computed unsigned, so that nothing overflows.
#include <limits>
#include <tuple>
#include <type_traits>

#include "warp.h"

namespace flambeau::ptx {

namespace {

template <class T> struct Name;
#define NAME(T, text)                          \
  template <> struct Name<T> {                 \
    static constexpr const char* value = text; \
  }
NAME(int16_t, "s16");
NAME(uint16_t, "u16");
NAME(int32_t, "s32");
NAME(uint32_t, "u32");
NAME(int64_t, "s64");
NAME(uint64_t, "u64");

template <class T> struct Twice;
template <> struct Twice<int16_t> {
  using type = int32_t;
};
template <> struct Twice<uint16_t> {
  using type = uint32_t;
};
template <> struct Twice<int32_t> {
  using type = int64_t;
};
template <> struct Twice<uint32_t> {
  using type = uint64_t;
};
template <> struct Twice<int64_t> {
  using type = __int128;
};
template <> struct Twice<uint64_t> {
  using type = unsigned __int128;
};
template <class T> using Wide = typename Twice<T>::type;
template <class T> using U = typename std::make_unsigned<T>::type;
template <class T> constexpr int bitsOf = sizeof(T) * 8;

/** The product's bits, whatever the sign: 16 bits would promote to int and overflow. */
template <class T> T low(T a, T b) { return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b)); }
template <class T> Wide<T> wide(T a, T b) { return static_cast<Wide<T>>(static_cast<Wide<T>>(a) * b); }
template <class T> T high(T a, T b) { return static_cast<T>(wide<T>(a, b) >> bitsOf<T>); }
template <class T> T plus(T a, T b) { return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)); }
template <class T> T minus(T a, T b) { return static_cast<T>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b)); }
template <class T> T magnitude(T a) { return a < 0 ? minus<T>(0, a) : a; }
/** Division by zero gives all bits on the hardware; the least number by -1 wraps. */
template <class T> T quotient(T a, T b) {
  if (b == 0) return static_cast<T>(-1);
  if (std::is_signed<T>::value && b == static_cast<T>(-1)) return minus<T>(0, a);
  return static_cast<T>(a / b);
}
template <class T> T remainder(T a, T b) {
  if (b == 0) return a;
  if (std::is_signed<T>::value && b == static_cast<T>(-1)) return 0;
  return static_cast<T>(a % b);
}
int32_t saturated(int64_t x) { return x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : static_cast<int32_t>(x); }
/** The middle 24 by 24 bits of mul24: 48 bits of product. */
template <class T> Wide<T> product24(T a, T b) {
  const auto part = [](T x) { return static_cast<T>(static_cast<T>(static_cast<uint32_t>(x) << 8) >> 8); };
  return static_cast<Wide<T>>(static_cast<Wide<T>>(part(a)) * part(b));
}

/** `T` stands for the type, and the body for what an instruction of three operands at most computes. */
#define FORM(form, sig, mods, D, EXPRESSION, ...)                                                                    \
  table[std::string(form) + "." + Name<T>::value] = {                                                                \
      [](Warp& w, const Instr& in, uint32_t mask) { eachLane<D, __VA_ARGS__>(w, in, mask, EXPRESSION); }, sig, mods, \
      0}

template <class T> std::string types(const std::string& form) {
  std::string text;
  for (char c : form) text += c == 'T' ? Name<T>::value : std::string(1, c);
  return text;
}

template <class T> void addBasic(std::map<std::string, Form>& table) {
  FORM("add", types<T>("T T T"), "", T, [](T a, T b) { return plus<T>(a, b); }, T, T);
  FORM("sub", types<T>("T T T"), "", T, [](T a, T b) { return minus<T>(a, b); }, T, T);
  FORM("mul.lo", types<T>("T T T"), "", T, [](T a, T b) { return low<T>(a, b); }, T, T);
  FORM("mul.hi", types<T>("T T T"), "", T, [](T a, T b) { return high<T>(a, b); }, T, T);
  FORM("mad.lo", types<T>("T T T T"), "", T, [](T a, T b, T c) { return plus<T>(low<T>(a, b), c); }, T, T, T);
  FORM("mad.hi", types<T>("T T T T"), "", T, [](T a, T b, T c) { return plus<T>(high<T>(a, b), c); }, T, T, T);
  FORM("div", types<T>("T T T"), "", T, [](T a, T b) { return quotient<T>(a, b); }, T, T);
  FORM("rem", types<T>("T T T"), "", T, [](T a, T b) { return remainder<T>(a, b); }, T, T);
  FORM("min", types<T>("T T T"), "", T, [](T a, T b) { return a < b ? a : b; }, T, T);
  FORM("max", types<T>("T T T"), "", T, [](T a, T b) { return a > b ? a : b; }, T, T);
  FORM(
      "sad", types<T>("T T T T"), "", T,
      [](T a, T b, T c) { return plus<T>(c, a < b ? minus<T>(b, a) : minus<T>(a, b)); }, T, T, T);
  // Shifts by the width or more leave zeros, or signs.
  FORM(
      "shr", types<T>("T T u32"), "", T,
      [](T a, uint32_t n) {
        if (n >= static_cast<uint32_t>(bitsOf<T>)) return static_cast<T>(a < 0 ? -1 : 0);
        return static_cast<T>(a >> n);
      },
      T, uint32_t);
}

template <class T> void addSigned(std::map<std::string, Form>& table) {
  FORM("abs", types<T>("T T"), "", T, [](T a) { return magnitude<T>(a); }, T);
  FORM("neg", types<T>("T T"), "", T, [](T a) { return minus<T>(0, a); }, T);
}

template <class T> void addWide(std::map<std::string, Form>& table) {
  using W = Wide<T>;
  const std::string name = Name<W>::value, own = Name<T>::value;
  FORM("mul.wide", name + " " + own + " " + own, "", W, [](T a, T b) { return wide<T>(a, b); }, T, T);
  FORM(
      "mad.wide", name + " " + own + " " + own + " " + name, "", W,
      [](T a, T b, W c) { return plus<W>(wide<T>(a, b), c); }, T, T, W);
}

/** Additions that carry between registers; the carry is a mask of the warp. */
template <class T, bool in, bool out, bool subtracts> void carrying(Warp& w, const Instr& instr, uint32_t mask) {
  const auto *a = w.in<Lane<T>>(instr.src[0]), *b = w.in<Lane<T>>(instr.src[1]);
  auto* d = w.at<Lane<T>>(instr.dst[0]);
  uint32_t carry = 0;
  for (int l = 0; l < warpSize; l++) {
    const bool before = in && (w.carry >> l & 1) != 0;
    const T x = static_cast<T>(a[l]), y = static_cast<T>(b[l]);
    using W = unsigned __int128;
    // The carry of a subtraction is a borrow.
    const W sum = subtracts ? W{x} - y - (before ? 1 : 0) : W{x} + y + (before ? 1 : 0);
    if ((sum >> bitsOf<T>)&1) carry |= 1u << l;
    if (mask >> l & 1) d[l] = static_cast<T>(sum);
  }
  if (out) w.carry = (w.carry & ~mask) | (carry & mask);
}

template <class T, bool isHigh, bool in, bool out> void carryingProduct(Warp& w, const Instr& instr, uint32_t mask) {
  const auto *a = w.in<Lane<T>>(instr.src[0]), *b = w.in<Lane<T>>(instr.src[1]), *c = w.in<Lane<T>>(instr.src[2]);
  auto* d = w.at<Lane<T>>(instr.dst[0]);
  uint32_t carry = 0;
  for (int l = 0; l < warpSize; l++) {
    const bool before = in && (w.carry >> l & 1) != 0;
    const T x = static_cast<T>(a[l]), y = static_cast<T>(b[l]);
    using W = unsigned __int128;
    const T product = isHigh ? high<T>(x, y) : low<T>(x, y);
    const W sum = W{U<T>(product)} + U<T>(c[l]) + (before ? 1 : 0);
    if ((sum >> bitsOf<T>)&1) carry |= 1u << l;
    if (mask >> l & 1) d[l] = static_cast<U<T>>(sum);
  }
  if (out) w.carry = (w.carry & ~mask) | (carry & mask);
}

template <class T> void addCarries(std::map<std::string, Form>& table) {
  using V = U<T>;
  const std::string name = Name<T>::value, sum = types<T>("T T T"), product = types<T>("T T T T");
  table["add.cc." + name] = {carrying<V, false, true, false>, sum, "", 0};
  table["addc." + name] = {carrying<V, true, false, false>, sum, "", 0};
  table["addc.cc." + name] = {carrying<V, true, true, false>, sum, "", 0};
  table["sub.cc." + name] = {carrying<V, false, true, true>, sum, "", 0};
  table["subc." + name] = {carrying<V, true, false, true>, sum, "", 0};
  table["subc.cc." + name] = {carrying<V, true, true, true>, sum, "", 0};
  table["mad.lo.cc." + name] = {carryingProduct<T, false, false, true>, product, "", 0};
  table["mad.hi.cc." + name] = {carryingProduct<T, true, false, true>, product, "", 0};
  table["madc.lo." + name] = {carryingProduct<T, false, true, false>, product, "", 0};
  table["madc.hi." + name] = {carryingProduct<T, true, true, false>, product, "", 0};
  table["madc.lo.cc." + name] = {carryingProduct<T, false, true, true>, product, "", 0};
  table["madc.hi.cc." + name] = {carryingProduct<T, true, true, true>, product, "", 0};
}

template <class T> void add24(std::map<std::string, Form>& table) {
  FORM("mul24.lo", types<T>("T T T"), "", T, [](T a, T b) { return static_cast<T>(product24<T>(a, b)); }, T, T);
  FORM("mul24.hi", types<T>("T T T"), "", T, [](T a, T b) { return static_cast<T>(product24<T>(a, b) >> 16); }, T, T);
  FORM(
      "mad24.lo", types<T>("T T T T"), "", T,
      [](T a, T b, T c) { return plus<T>(static_cast<T>(product24<T>(a, b)), c); }, T, T, T);
  FORM(
      "mad24.hi", types<T>("T T T T"), "", T,
      [](T a, T b, T c) { return plus<T>(static_cast<T>(product24<T>(a, b) >> 16), c); }, T, T, T);
}

/** Sums of products of bytes, or of halves and bytes; A and B say how each is read. */
template <class A, class B> int32_t dot4(uint32_t a, uint32_t b) {
  int32_t sum = 0;
  for (int i = 0; i < 32; i += 8) sum += static_cast<A>(a >> i) * static_cast<B>(b >> i);
  return sum;
}
template <class A, class B, bool isHigh> int64_t dot2(uint32_t a, uint32_t b) {
  int64_t sum = 0;
  for (int i = 0; i < 2; i++)
    sum += int64_t{static_cast<A>(a >> (16 * i))} * static_cast<B>(b >> (8 * i + (isHigh ? 16 : 0)));
  return sum;
}
#define DOT(form, sum, result)                                                                             \
  table[form] = {[](Warp& w, const Instr& in, uint32_t mask) {                                             \
                   eachLane<uint32_t, uint32_t, uint32_t, uint32_t>(                                       \
                       w, in, mask,                                                                        \
                       [](uint32_t a, uint32_t b, uint32_t c) { return c + static_cast<uint32_t>(sum); }); \
                 },                                                                                        \
                 result " b32 b32 " result, "", 0}

// ---- bits ----

template <class T> T reversed(T x) {
  T out = 0;
  for (int i = 0; i < bitsOf<T>; i++) out = static_cast<T>(out << 1 | (x >> i & 1));
  return out;
}
template <class T> uint32_t zeros(T x) {
  uint32_t count = 0;
  for (int i = bitsOf<T> - 1; i >= 0 && (x >> i & 1) == 0; i--) count++;
  return count;
}
/** The highest bit that differs from the sign; all bits where there is none. */
template <class T> uint32_t found(T a, bool isShift) {
  const U<T> x = static_cast<U<T>>(std::is_signed<T>::value && a < 0 ? ~a : a);
  if (x == 0) return allLanes;
  const uint32_t at = static_cast<uint32_t>(bitsOf<T>) - 1 - zeros<U<T>>(x);
  return isShift ? static_cast<uint32_t>(bitsOf<T>) - 1 - at : at;
}
template <class T> T extracted(T a, uint32_t b, uint32_t c) {
  const uint32_t from = b & 255, length = c & 255;
  const uint32_t last = static_cast<uint32_t>(bitsOf<T>) - 1;
  const uint32_t end = from + length - 1 < last ? from + length - 1 : last;
  const bool sign = std::is_signed<T>::value && length > 0 && (static_cast<U<T>>(a) >> end & 1) != 0;
  U<T> out = 0;
  for (uint32_t i = 0; i <= last; i++) {
    const bool bit = i < length && from + i <= last ? (static_cast<U<T>>(a) >> (from + i) & 1) != 0 : sign;
    out = static_cast<U<T>>(out | static_cast<U<T>>(bit) << i);
  }
  return static_cast<T>(out);
}
template <class T> T inserted(T a, T b, uint32_t c, uint32_t d) {
  const uint32_t from = c & 255, length = d & 255;
  for (uint32_t i = 0; i < length && from + i < static_cast<uint32_t>(bitsOf<T>); i++) {
    const T bit = static_cast<T>(T{1} << (from + i));
    b = static_cast<T>((b & ~bit) | ((a >> i & 1) != 0 ? bit : 0));
  }
  return b;
}
/** The 32 bits of b:a from bit n on (right), or those that remain above after a shift to the left. */
uint32_t funnel(uint32_t a, uint32_t b, uint32_t n, bool isLeft) {
  const uint64_t both = uint64_t{b} << 32 | a;
  return static_cast<uint32_t>(isLeft ? both << n >> 32 : both >> n);
}
/** The byte that a nibble of the selector names: bit 3 asks for its sign, eight times. */
uint32_t permuted(uint32_t a, uint32_t b, uint32_t selectors) {
  const uint64_t both = uint64_t{b} << 32 | a;
  uint32_t out = 0;
  for (int i = 0; i < 4; i++) {
    const uint32_t nibble = selectors >> (4 * i) & 15;
    uint32_t byte = static_cast<uint32_t>(both >> (8 * (nibble & 7))) & 255;
    if (nibble & 8) byte = byte & 128 ? 255 : 0;
    out |= byte << (8 * i);
  }
  return out;
}
/** Selectors of the modes of prmt, by the two low bits of c. */
template <uint16_t s0, uint16_t s1, uint16_t s2, uint16_t s3> uint32_t permutedBy(uint32_t a, uint32_t b, uint32_t c) {
  constexpr uint16_t selectors[] = {s0, s1, s2, s3};
  return permuted(a, b, selectors[c & 3]);
}

template <class T> struct BitName;
template <> struct BitName<uint16_t> {
  static constexpr const char* value = "b16";
};
template <> struct BitName<uint32_t> {
  static constexpr const char* value = "b32";
};
template <> struct BitName<uint64_t> {
  static constexpr const char* value = "b64";
};

#define BITS(form, sig, D, EXPRESSION, ...)                                                                          \
  table[form] = {[](Warp& w, const Instr& in, uint32_t mask) { eachLane<D, __VA_ARGS__>(w, in, mask, EXPRESSION); }, \
                 sig, "", 0}

template <class T> void addLogic(std::map<std::string, Form>& table) {
  const std::string type = BitName<T>::value, dot = "." + type, two = type + " " + type, three = two + " " + type;
  BITS("and" + dot, three, T, [](T a, T b) { return static_cast<T>(a & b); }, T, T);
  BITS("or" + dot, three, T, [](T a, T b) { return static_cast<T>(a | b); }, T, T);
  BITS("xor" + dot, three, T, [](T a, T b) { return static_cast<T>(a ^ b); }, T, T);
  BITS("not" + dot, two, T, [](T a) { return static_cast<T>(~a); }, T);
  BITS("cnot" + dot, two, T, [](T a) { return static_cast<T>(a == 0 ? 1 : 0); }, T);
  BITS(
      "shl" + dot, two + " u32", T,
      [](T a, uint32_t n) { return static_cast<T>(n >= static_cast<uint32_t>(bitsOf<T>) ? 0 : a << n); }, T, uint32_t);
  BITS(
      "shr" + dot, two + " u32", T,
      [](T a, uint32_t n) { return static_cast<T>(n >= static_cast<uint32_t>(bitsOf<T>) ? 0 : a >> n); }, T, uint32_t);
}

template <class T> void addCounting(std::map<std::string, Form>& table) {
  const std::string type = BitName<T>::value, dot = "." + type, two = type + " " + type;
  BITS("popc" + dot, "u32 " + type, uint32_t, [](T a) { return static_cast<uint32_t>(__builtin_popcountll(a)); }, T);
  BITS("clz" + dot, "u32 " + type, uint32_t, [](T a) { return zeros<T>(a); }, T);
  BITS("brev" + dot, two, T, [](T a) { return reversed<T>(a); }, T);
  BITS(
      "bfi" + dot, two + " " + type + " u32 u32", T,
      [](T a, T b, uint32_t c, uint32_t d) { return inserted<T>(a, b, c, d); }, T, T, uint32_t, uint32_t);
}

template <class T> void addFields(std::map<std::string, Form>& table) {
  FORM(
      "bfe", types<T>("T T u32 u32"), "", T, [](T a, uint32_t b, uint32_t c) { return extracted<T>(a, b, c); }, T,
      uint32_t, uint32_t);
  FORM("bfind", types<T>("u32 T"), "", uint32_t, [](T a) { return found<T>(a, false); }, T);
  FORM("bfind.shiftamt", types<T>("u32 T"), "", uint32_t, [](T a) { return found<T>(a, true); }, T);
}

template <class... T> void addAll(std::map<std::string, Form>& table) { (addBasic<T>(table), ...); }

}  // namespace

void addIntegers(std::map<std::string, Form>& table) {
  addAll<int16_t, uint16_t, int32_t, uint32_t, int64_t, uint64_t>(table);
  addSigned<int16_t>(table);
  addSigned<int32_t>(table);
  addSigned<int64_t>(table);
  addWide<int16_t>(table);
  addWide<uint16_t>(table);
  addWide<int32_t>(table);
  addWide<uint32_t>(table);
  addCarries<int32_t>(table);
  addCarries<uint32_t>(table);
  addCarries<int64_t>(table);
  addCarries<uint64_t>(table);
  add24<int32_t>(table);
  add24<uint32_t>(table);
  using T = int32_t;
  FORM("add.sat", "s32 s32 s32", "", T, [](T a, T b) { return saturated(int64_t{a} + b); }, T, T);
  FORM("sub.sat", "s32 s32 s32", "", T, [](T a, T b) { return saturated(int64_t{a} - b); }, T, T);
  FORM(
      "mad.hi.sat", "s32 s32 s32 s32", "", T, [](T a, T b, T c) { return saturated(int64_t{high<T>(a, b)} + c); }, T, T,
      T);
  DOT("dp4a.s32.s32", (dot4<int8_t, int8_t>(a, b)), "s32");
  DOT("dp4a.s32.u32", (dot4<int8_t, uint8_t>(a, b)), "s32");
  DOT("dp4a.u32.s32", (dot4<uint8_t, int8_t>(a, b)), "s32");
  DOT("dp4a.u32.u32", (dot4<uint8_t, uint8_t>(a, b)), "u32");
  DOT("dp2a.lo.s32.s32", (dot2<int16_t, int8_t, false>(a, b)), "s32");
  DOT("dp2a.lo.s32.u32", (dot2<int16_t, uint8_t, false>(a, b)), "s32");
  DOT("dp2a.lo.u32.s32", (dot2<uint16_t, int8_t, false>(a, b)), "s32");
  DOT("dp2a.lo.u32.u32", (dot2<uint16_t, uint8_t, false>(a, b)), "u32");
  DOT("dp2a.hi.s32.s32", (dot2<int16_t, int8_t, true>(a, b)), "s32");
  DOT("dp2a.hi.s32.u32", (dot2<int16_t, uint8_t, true>(a, b)), "s32");
  DOT("dp2a.hi.u32.s32", (dot2<uint16_t, int8_t, true>(a, b)), "s32");
  DOT("dp2a.hi.u32.u32", (dot2<uint16_t, uint8_t, true>(a, b)), "u32");
}

void addBits(std::map<std::string, Form>& table) {
  addLogic<uint16_t>(table);
  addLogic<uint32_t>(table);
  addLogic<uint64_t>(table);
  addCounting<uint32_t>(table);
  addCounting<uint64_t>(table);
  addFields<int32_t>(table);
  addFields<uint32_t>(table);
  addFields<int64_t>(table);
  addFields<uint64_t>(table);
  using W = uint32_t;
  BITS("shf.l.wrap.b32", "b32 b32 b32 u32", W, [](W a, W b, W n) { return funnel(a, b, n & 31, true); }, W, W, W);
  BITS("shf.r.wrap.b32", "b32 b32 b32 u32", W, [](W a, W b, W n) { return funnel(a, b, n & 31, false); }, W, W, W);
  BITS(
      "shf.l.clamp.b32", "b32 b32 b32 u32", W, [](W a, W b, W n) { return funnel(a, b, n < 32 ? n : 32, true); }, W, W,
      W);
  BITS(
      "shf.r.clamp.b32", "b32 b32 b32 u32", W, [](W a, W b, W n) { return funnel(a, b, n < 32 ? n : 32, false); }, W, W,
      W);
  BITS("prmt.b32", "b32 b32 b32 b32", W, permuted, W, W, W);
  BITS("prmt.b32.f4e", "b32 b32 b32 b32", W, (permutedBy<0x3210, 0x4321, 0x5432, 0x6543>), W, W, W);
  BITS("prmt.b32.b4e", "b32 b32 b32 b32", W, (permutedBy<0x5670, 0x6701, 0x7012, 0x0123>), W, W, W);
  BITS("prmt.b32.rc8", "b32 b32 b32 b32", W, (permutedBy<0x0000, 0x1111, 0x2222, 0x3333>), W, W, W);
  BITS("prmt.b32.ecl", "b32 b32 b32 b32", W, (permutedBy<0x3210, 0x3211, 0x3222, 0x3333>), W, W, W);
  BITS("prmt.b32.ecr", "b32 b32 b32 b32", W, (permutedBy<0x0000, 0x1110, 0x2210, 0x3210>), W, W, W);
  BITS("prmt.b32.rc16", "b32 b32 b32 b32", W, (permutedBy<0x1010, 0x3232, 0x1010, 0x3232>), W, W, W);
  // The truth table is an immediate; bit 4a + 2b + c of it is the result.
  table["lop3.b32"] = {[](Warp& w, const Instr& in, uint32_t mask) {
                         const auto lut = static_cast<uint32_t>(in.immediate);
                         eachLane<W, W, W, W>(w, in, mask, [lut](W a, W b, W c) {
                           W out = 0;
                           for (uint32_t i = 0; i < 8; i++) {
                             if (lut >> i & 1) out |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
                           }
                           return out;
                         });
                       },
                       "b32 b32 b32 b32 imm", "", 0};
}

}  // namespace flambeau::ptx
