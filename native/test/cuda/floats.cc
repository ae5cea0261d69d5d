// Floating-point arithmetic of the interpreter of PTX: float32 and float64 with all roundings, and the approximations,
// which are computed exactly enough to be near the hardware's and never equal to them by intent.
//
// float32 has one NaN, 0x7fffffff. float64 keeps the payloads that the host keeps.
#include <cfenv>
#include <cmath>

#include "warp.h"

namespace flambeau::ptx {

float fromHalf(Half x) {
  const uint32_t sign = (x.bits & 0x8000u) << 16, exponent = x.bits >> 10 & 31, fraction = x.bits & 1023;
  if (exponent == 31) return fromLane<float>(sign | 0x7f800000u | fraction << 13);
  const float value = std::ldexp(static_cast<float>(exponent == 0 ? fraction : fraction | 1024u),
                                 static_cast<int>(exponent == 0 ? 1 : exponent) - 25);
  return sign ? -value : value;
}

Half toHalf(double x, Round round) {
  const auto sign = static_cast<uint16_t>(std::signbit(x) ? 0x8000 : 0);
  const auto made = [&](uint32_t bits) { return Half{static_cast<uint16_t>(sign | bits)}; };
  if (x != x) return {0x7fff};
  const double a = std::fabs(x);
  if (std::isinf(x)) return made(0x7c00);
  int exponent;
  std::frexp(a, &exponent);
  // The last bit of the fraction is worth 2^step.
  const int step = (exponent - 1 < -14 ? -14 : exponent - 1) - 10;
  const double scaled = std::ldexp(a, -step), down = std::floor(scaled), rest = scaled - down;
  const bool isUp = round == Round::nearest ? rest > 0.5 || (rest == 0.5 && std::fmod(down, 2) == 1)
                    : round == Round::up    ? rest > 0 && sign == 0
                    : round == Round::down  ? rest > 0 && sign != 0
                                            : false;
  const double whole = down + (isUp ? 1 : 0);
  if (std::ldexp(whole, step) > 65504) {
    const bool staysFinite =
        round == Round::zero || (round == Round::up && sign != 0) || (round == Round::down && sign == 0);
    return made(staysFinite ? 0x7bff : 0x7c00);
  }
  if (whole < 1024) return made(static_cast<uint32_t>(whole));
  const bool isCarried = whole >= 2048;
  const auto fraction = static_cast<uint32_t>(isCarried ? 0 : whole - 1024);
  return made(static_cast<uint32_t>(step + 25 + (isCarried ? 1 : 0)) << 10 | fraction);
}

namespace {

int environmentOf(Round round) {
  return round == Round::zero   ? FE_TOWARDZERO
         : round == Round::down ? FE_DOWNWARD
         : round == Round::up   ? FE_UPWARD
                                : FE_TONEAREST;
}

/** Rounds as an instruction says for as long as it lives. */
class Rounding {
 public:
  explicit Rounding(Round round) : changed_(round != Round::nearest) {
    if (changed_) std::fesetround(environmentOf(round));
  }
  ~Rounding() {
    if (changed_) std::fesetround(FE_TONEAREST);
  }

 private:
  bool changed_;
};

template <class T> T finished(T x, uint32_t flags) {
  if (flags & flushes && sizeof(T) == 4) x = static_cast<T>(flushed(static_cast<float>(x)));
  // NaN saturates to zero.
  if (flags & saturates) x = x > 0 ? (x < 1 ? x : T{1}) : T{0};
  return x;
}
template <class T> T opened(T x, uint32_t flags) {
  return flags & flushes && sizeof(T) == 4 ? static_cast<T>(flushed(static_cast<float>(x))) : x;
}
inline float settled(float x) { return canonical(x); }
inline double settled(double x) { return x; }

/** Keeps the compiler from moving arithmetic out of a region with another rounding. */
inline void fence(void* memory) { asm volatile("" : : "r"(memory) : "memory"); }

template <class T, class... S, class F, size_t... k>
void floatsOf(Warp& w, const Instr& in, uint32_t mask, F&& f, std::index_sequence<k...>) {
  if (in.flags == 0 && in.round == Round::nearest) {
    eachLane<T, S...>(w, in, mask, [&](S... x) { return settled(static_cast<T>(f(x...))); });
    return;
  }
  Lane<T> result[warpSize];
  const std::tuple<const Lane<S>*...> s{w.in<Lane<S>>(in.src[k])...};
  const Rounding rounding(in.round);
  fence(result);
  for (int l = 0; l < warpSize; l++) {
    result[l] = toLane<T>(
        finished<T>(settled(static_cast<T>(f(opened(fromLane<S>(std::get<k>(s)[l]), in.flags)...))), in.flags));
  }
  fence(result);
  writeLanes(w.at<Lane<T>>(in.dst[0]), result, mask);
}
/** f of floats of type T, as many as S has, with the instruction's rounding, ftz and sat. */
template <class T, class... S, class F> void floats(Warp& w, const Instr& in, uint32_t mask, F&& f) {
  floatsOf<T, S...>(w, in, mask, f, std::index_sequence_for<S...>{});
}

#define FLOATS(form, sig, mods, flops, EXPRESSION, ...)                                                            \
  table[form] = {[](Warp& w, const Instr& in, uint32_t mask) { floats<T, __VA_ARGS__>(w, in, mask, EXPRESSION); }, \
                 sig, mods, flops}

template <class T> T smaller(T a, T b, bool isNaN) {
  if (isNaN && (a != a || b != b)) return a + b;
  if (a != a) return b;
  if (b != b) return a;
  // Negative zero is less than zero.
  return a < b || (a == b && std::signbit(a)) ? a : b;
}
template <class T> T larger(T a, T b, bool isNaN) {
  if (isNaN && (a != a || b != b)) return a + b;
  if (a != a) return b;
  if (b != b) return a;
  return a > b || (a == b && !std::signbit(a)) ? a : b;
}
float fused(float a, float b, float c) { return std::fma(a, b, c); }
double fused(double a, double b, double c) { return std::fma(a, b, c); }

/** Drops the low half of a float64: its approximations have about 20 bits. */
double coarse(double x) {
  uint64_t bits = toLane<double>(x);
  bits &= ~uint64_t{0xffffffff};
  return fromLane<double>(bits);
}

template <class T> void addCommon(std::map<std::string, Form>& table, const std::string& t) {
  const std::string one = t + " " + t, two = one + " " + t, three = two + " " + t;
  const bool single = sizeof(T) == 4;
  const std::string all = single ? "rfs" : "r", ftz = single ? "f" : "", rounded = single ? "rf" : "r";
  FLOATS("add." + t, two, all, 1, [](T a, T b) { return a + b; }, T, T);
  FLOATS("sub." + t, two, all, 1, [](T a, T b) { return a - b; }, T, T);
  FLOATS("mul." + t, two, all, 1, [](T a, T b) { return a * b; }, T, T);
  FLOATS("fma." + t, three, all, 2, [](T a, T b, T c) { return fused(a, b, c); }, T, T, T);
  // Before sm_20 this was something else; now it is fma.
  FLOATS("mad." + t, three, all, 2, [](T a, T b, T c) { return fused(a, b, c); }, T, T, T);
  FLOATS("div." + t, two, rounded, 1, [](T a, T b) { return a / b; }, T, T);
  FLOATS("rcp." + t, one, rounded, 1, [](T a) { return 1 / a; }, T);
  FLOATS("sqrt." + t, one, rounded, 1, [](T a) { return std::sqrt(a); }, T);
  FLOATS("min." + t, two, ftz, 1, [](T a, T b) { return smaller(a, b, false); }, T, T);
  FLOATS("max." + t, two, ftz, 1, [](T a, T b) { return larger(a, b, false); }, T, T);
  // Signs of NaN change as well, and payloads stay.
  using B = Lane<T>;
  table["abs." + t] = {[](Warp& w, const Instr& in, uint32_t mask) {
                         eachLane<B, B>(w, in, mask, [&](B a) {
                           return toLane<T>(opened(fromLane<T>(a & ~(B{1} << (sizeof(T) * 8 - 1))), in.flags));
                         });
                       },
                       one, ftz, 0};
  table["neg." + t] = {[](Warp& w, const Instr& in, uint32_t mask) {
                         eachLane<B, B>(w, in, mask, [&](B a) {
                           return toLane<T>(opened(fromLane<T>(a ^ (B{1} << (sizeof(T) * 8 - 1))), in.flags));
                         });
                       },
                       one, ftz, 0};
  table["copysign." + t] = {[](Warp& w, const Instr& in, uint32_t mask) {
                              eachLane<B, B, B>(w, in, mask, [](B a, B b) {
                                const B bit = B{1} << (sizeof(T) * 8 - 1);
                                return (b & ~bit) | (a & bit);
                              });
                            },
                            two, "", 0};
}

void addSingle(std::map<std::string, Form>& table) {
  using T = float;
  const std::string one = "f32 f32", two = "f32 f32 f32";
  FLOATS("min.NaN.f32", two, "f", 1, [](T a, T b) { return smaller(a, b, true); }, T, T);
  FLOATS("max.NaN.f32", two, "f", 1, [](T a, T b) { return larger(a, b, true); }, T, T);
  FLOATS("div.approx.f32", two, "f", 1, [](T a, T b) { return a / b; }, T, T);
  FLOATS("div.full.f32", two, "f", 1, [](T a, T b) { return a / b; }, T, T);
  FLOATS("rcp.approx.f32", one, "f", 1, [](T a) { return 1 / a; }, T);
  FLOATS("sqrt.approx.f32", one, "f", 1, [](T a) { return std::sqrt(a); }, T);
  FLOATS("rsqrt.approx.f32", one, "f", 1, [](T a) { return 1 / std::sqrt(static_cast<double>(a)); }, T);
  FLOATS("sin.approx.f32", one, "f", 1, [](T a) { return std::sin(a); }, T);
  FLOATS("cos.approx.f32", one, "f", 1, [](T a) { return std::cos(a); }, T);
  FLOATS("lg2.approx.f32", one, "f", 1, [](T a) { return std::log2(a); }, T);
  FLOATS("ex2.approx.f32", one, "f", 1, [](T a) { return std::exp2(a); }, T);
  FLOATS("tanh.approx.f32", one, "", 1, [](T a) { return std::tanh(a); }, T);
}

/** The approximations of float64 flush its denormals too. */
double flat(double a, uint32_t flags) {
  return flags & flushes && std::fpclassify(a) == FP_SUBNORMAL ? std::copysign(0.0, a) : a;
}

void addDouble(std::map<std::string, Form>& table) {
  using T = double;
  table["rcp.approx.f64"] = {[](Warp& w, const Instr& in, uint32_t mask) {
                               eachLane<T, T>(w, in, mask,
                                              [&](T a) { return flat(coarse(1 / flat(a, in.flags)), in.flags); });
                             },
                             "f64 f64", "f", 1};
  table["rsqrt.approx.f64"] = {
      [](Warp& w, const Instr& in, uint32_t mask) {
        eachLane<T, T>(w, in, mask, [&](T a) { return flat(coarse(1 / std::sqrt(flat(a, in.flags))), in.flags); });
      },
      "f64 f64", "f", 1};
}

/** binary16 in double, where products and sums are exact enough to be rounded once. */
void addHalf(std::map<std::string, Form>& table) {
#define HALVES(form, sig, flops, EXPRESSION, ...)                                                      \
  table[form] = {[](Warp& w, const Instr& in, uint32_t mask) {                                         \
                   eachLane<Half, __VA_ARGS__>(w, in, mask, [](auto... x) {                            \
                     return toHalf((EXPRESSION)(static_cast<double>(fromHalf(x))...), Round::nearest); \
                   });                                                                                 \
                 },                                                                                    \
                 sig, "r", flops}
  HALVES("add.f16", "b16 b16 b16", 1, [](double a, double b) { return a + b; }, Half, Half);
  HALVES("sub.f16", "b16 b16 b16", 1, [](double a, double b) { return a - b; }, Half, Half);
  HALVES("mul.f16", "b16 b16 b16", 1, [](double a, double b) { return a * b; }, Half, Half);
}

}  // namespace

void addFloats(std::map<std::string, Form>& table) {
  addCommon<float>(table, "f32");
  addCommon<double>(table, "f64");
  addSingle(table);
  addDouble(table);
  addHalf(table);
}

}  // namespace flambeau::ptx
