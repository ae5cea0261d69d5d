// cvt of the interpreter of PTX: between integers, binary16, bfloat16, float32 and float64, with all roundings.
#include <cfenv>
#include <cmath>
#include <limits>

#include "warp.h"

namespace flambeau::ptx {

namespace {

template <class T> constexpr bool isInteger = std::is_integral<T>::value;

double roundedTo(double x, Round round) {
  if (round == Round::zero) return std::trunc(x);
  if (round == Round::down) return std::floor(x);
  if (round == Round::up) return std::ceil(x);
  // Half to even, whatever the environment.
  const double whole = std::floor(x), rest = x - whole;
  if (rest != 0.5) return std::copysign(rest > 0.5 ? whole + 1 : whole, x);
  return std::copysign(std::fmod(whole, 2) == 0 ? whole : whole + 1, x);
}

/** The float of type T nearest to x in the direction that `round` names: from the nearest one, a step at most. */
float toFloat(double x, Round round) {
  const auto near = static_cast<float>(x);
  if (round == Round::nearest || x != x || static_cast<double>(near) == x) return canonical(near);
  const bool isAbove = static_cast<double>(near) > x;
  const bool wantsAbove = round == Round::up || (round == Round::zero && x < 0);
  if (isAbove == wantsAbove) return near;
  return std::nextafter(near, wantsAbove ? INFINITY : -INFINITY);
}
/** A whole number as T, by the host's rounding: a step at most, as above, told by exact comparison. */
template <class T> T fromWhole(__int128 x, Round round) {
  const auto near = static_cast<T>(x);
  const auto exact = static_cast<__int128>(near);
  if (round == Round::nearest || exact == x) return near;
  const bool isAbove = exact > x, wantsAbove = round == Round::up || (round == Round::zero && x < 0);
  if (isAbove == wantsAbove) return near;
  return std::nextafter(near, static_cast<T>(wantsAbove ? INFINITY : -INFINITY));
}
/** The upper half of a float32, rounded to even or cut off. */
BFloat toBFloat(double x, Round round) {
  if (x != x) return {0x7fff};
  const auto bits = toLane<float>(static_cast<float>(x));
  const uint32_t rest = bits & 0xffff, top = bits >> 16;
  const bool isUp = round == Round::nearest && (rest > 0x8000 || (rest == 0x8000 && (top & 1)));
  return {static_cast<uint16_t>(top + (isUp ? 1 : 0))};
}

double widened(float x) { return x; }
double widened(double x) { return x; }
double widened(Half x) { return static_cast<double>(fromHalf(x)); }
double widened(BFloat x) { return static_cast<double>(fromLane<float>(uint32_t{x.bits} << 16)); }

template <class D> D narrowed(double x, Round round);
template <> float narrowed<float>(double x, Round round) { return toFloat(x, round); }
template <> double narrowed<double>(double x, Round) { return x; }
template <> Half narrowed<Half>(double x, Round round) { return toHalf(x, round); }
template <> BFloat narrowed<BFloat>(double x, Round round) { return toBFloat(x, round); }

template <class D, class S> D convert(S from, const Instr& in) {
  if constexpr (isInteger<D> && isInteger<S>) {
    const auto x = static_cast<__int128>(from);
    if (!(in.flags & saturates)) return static_cast<D>(from);
    const __int128 least = std::numeric_limits<D>::min(), most = std::numeric_limits<D>::max();
    return static_cast<D>(x < least ? least : x > most ? most : x);
  } else if constexpr (isInteger<S>) {
    if constexpr (std::is_same<D, float>::value || std::is_same<D, double>::value) {
      const auto value = fromWhole<D>(static_cast<__int128>(from), in.round);
      return in.flags & saturates ? (value > 0 ? (value < 1 ? value : D{1}) : D{0}) : value;
    } else {
      // Whole numbers beyond 2^53 are infinite as binary16 in any case.
      const auto x = static_cast<double>(from);
      return narrowed<D>(in.flags & saturates ? (x > 0 ? 1.0 : 0.0) : x, in.round);
    }
  } else {
    double x = widened(from);
    if (in.flags & flushes && std::is_same<S, float>::value) x = static_cast<double>(flushed(static_cast<float>(x)));
    if constexpr (isInteger<D>) {
      // What is out of range is the nearest that is in it. NaN is 0, but of a double, or as 64 bits, the highest bit alone.
      constexpr bool isZero = sizeof(D) < 8 && !std::is_same<S, double>::value;
      if (x != x) return isZero ? D{0} : static_cast<D>(uint64_t{1} << (8 * sizeof(D) - 1));
      x = roundedTo(x, in.round);
      constexpr int bits = std::numeric_limits<D>::digits;
      if (x >= std::ldexp(1.0, bits)) return std::numeric_limits<D>::max();
      if (x <= static_cast<double>(std::numeric_limits<D>::min())) return std::numeric_limits<D>::min();
      return static_cast<D>(x);
    } else {
      if (in.isWide) x = roundedTo(x, in.round);
      if (in.flags & saturates) x = x > 0 ? (x < 1 ? x : 1) : 0;
      D result = narrowed<D>(x, in.isWide ? Round::nearest : in.round);
      if constexpr (std::is_same<D, float>::value) {
        if (in.flags & flushes) result = flushed(result);
      }
      return result;
    }
  }
}

/** Writes to a register that may be wider than D: signed values keep their sign. */
template <class D, class S> void cvt(Warp& w, const Instr& in, uint32_t mask) {
  const auto read = [&](int l) {
    if (in.sourceBytes == 8) return fromLane<S>(static_cast<Lane<S>>(w.in<uint64_t>(in.src[0])[l]));
    return fromLane<S>(static_cast<Lane<S>>(w.in<uint32_t>(in.src[0])[l]));
  };
  const auto widen = [](D x) {
    if constexpr (isInteger<D>) {
      return static_cast<uint64_t>(static_cast<int64_t>(x));
    } else {
      return static_cast<uint64_t>(toLane<D>(x));
    }
  };
  uint64_t result[warpSize];
  for (int l = 0; l < warpSize; l++) result[l] = mask >> l & 1 ? widen(convert<D, S>(read(l), in)) : 0;
  for (int l = 0; l < warpSize; l++) {
    if (!(mask >> l & 1)) continue;
    if (in.registerBytes == 8) {
      w.at<uint64_t>(in.dst[0])[l] = result[l];
    } else {
      w.at<uint32_t>(in.dst[0])[l] = static_cast<uint32_t>(in.registerBytes == 2 ? result[l] & 0xffff : result[l]);
    }
  }
}

template <class D, class S>
void addPair(std::map<std::string, Form>& table, const std::string& d, const std::string& s) {
  table["cvt." + d + "." + s] = {cvt<D, S>, d + " " + s, "rfs", 0};
}
template <class D> void addTo(std::map<std::string, Form>& table, const std::string& d) {
  addPair<D, int8_t>(table, d, "s8");
  addPair<D, uint8_t>(table, d, "u8");
  addPair<D, int16_t>(table, d, "s16");
  addPair<D, uint16_t>(table, d, "u16");
  addPair<D, int32_t>(table, d, "s32");
  addPair<D, uint32_t>(table, d, "u32");
  addPair<D, int64_t>(table, d, "s64");
  addPair<D, uint64_t>(table, d, "u64");
  addPair<D, Half>(table, d, "f16");
  addPair<D, float>(table, d, "f32");
  addPair<D, double>(table, d, "f64");
}

}  // namespace

void addConversions(std::map<std::string, Form>& table) {
  addTo<int8_t>(table, "s8");
  addTo<uint8_t>(table, "u8");
  addTo<int16_t>(table, "s16");
  addTo<uint16_t>(table, "u16");
  addTo<int32_t>(table, "s32");
  addTo<uint32_t>(table, "u32");
  addTo<int64_t>(table, "s64");
  addTo<uint64_t>(table, "u64");
  addTo<Half>(table, "f16");
  addTo<float>(table, "f32");
  addTo<double>(table, "f64");
  addPair<BFloat, float>(table, "bf16", "f32");
  addPair<float, BFloat>(table, "f32", "bf16");
}

}  // namespace flambeau::ptx
