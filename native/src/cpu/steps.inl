// Chooses the loop of each step of an expression: one for each step and dtype, made from the step's computation
// (elementwise.inl) and a loop over the elements of a block (slots.inl).
#pragma once
#include <math.h>

#include "../kernels.h"
#include "../special.h"
#include "elementwise.inl"

namespace flambeau::ISA {

// clang-format off

/** A function: on vectors of floats, on doubles one by one. */
template <class F, double (*f)(double)> Loop function(float) { return unary<F, float, float>; }
template <class F, double (*f)(double)> Loop function(double) { return each<double, f>; }
/** A function without a vector form: in double precision, one by one. */
template <double (*f)(double)> float single(float x) { return static_cast<float>(f(x)); }
template <double (*f)(double, double)> float single(float x, float y) { return static_cast<float>(f(x, y)); }
template <double (*f)(double)> Loop scalar(float) { return each<float, single<f>>; }
template <double (*f)(double)> Loop scalar(double) { return each<double, f>; }
template <double (*f)(double, double)> Loop scalar(float) { return each<float, single<f>>; }
template <double (*f)(double, double)> Loop scalar(double) { return each<double, f>; }
static Loop power_of(float) { return power; }
static Loop power_of(double) { return each<double, pow_of>; }

template <class T> Loop real_step(Step step) {
  switch (step) {
    case Step::add: return binary<Add, T, T>;
    case Step::sub: return binary<Sub, T, T>;
    case Step::mul: return binary<Mul, T, T>;
    case Step::div: return binary<Div, T, T>;
    case Step::mod: return each<T, mod_of<T>>;
    case Step::floorDiv: return each<T, floor_div_of<T>>;
    case Step::pow: return power_of(T{});
    case Step::min: return binary<RealMin, T, T>;
    case Step::max: return binary<RealMax, T, T>;
    case Step::fma: return ternary<RealMadd, T, T>;
    case Step::neg: return unary<Neg, T, T>;
    case Step::abs: return unary<RealAbs, T, T>;
    case Step::sign: return unary<Sign, T, T>;
    case Step::floor: return unary<Floor, T, T>;
    case Step::ceil: return unary<Ceil, T, T>;
    case Step::trunc: return unary<Trunc, T, T>;
    case Step::rint: return unary<Rint, T, T>;
    case Step::sqrt: return unary<Sqrt, T, T>;
    case Step::exp: return function<Exp, ::exp>(T{});
    case Step::expm1: return function<Expm1, ::expm1>(T{});
    case Step::log: return function<Log, ::log>(T{});
    case Step::log1p: return function<Log1p, ::log1p>(T{});
    case Step::sin: return function<Sin, ::sin>(T{});
    case Step::cos: return function<Cos, ::cos>(T{});
    case Step::tanh: return function<Tanh, ::tanh>(T{});
    case Step::erf: return function<Erf, ::erf>(T{});
    case Step::tan: return function<Tan, ::tan>(T{});
    case Step::sinh: return function<Sinh, ::sinh>(T{});
    case Step::cosh: return function<Cosh, ::cosh>(T{});
    case Step::asin: return function<Asin, ::asin>(T{});
    case Step::acos: return function<Acos, ::acos>(T{});
    case Step::atan: return function<Atan, ::atan>(T{});
    case Step::asinh: return function<Asinh, ::asinh>(T{});
    case Step::acosh: return function<Acosh, ::acosh>(T{});
    case Step::atanh: return function<Atanh, ::atanh>(T{});
    case Step::atan2: return scalar<::atan2>(T{});
    case Step::hypot: return scalar<hypot_of>(T{});
    case Step::exp2: return function<Exp2, ::exp2>(T{});
    case Step::log2: return function<Log2, ::log2>(T{});
    case Step::log10: return function<Log10, ::log10>(T{});
    case Step::lgamma: return scalar<lgamma_of>(T{});
    case Step::digamma: return scalar<digamma_of>(T{});
    case Step::polygamma: return scalar<polygamma_of>(T{});
    case Step::erfinv: return scalar<erfinv_of>(T{});
    case Step::i0: return scalar<i0_of>(T{});
    case Step::i1: return scalar<i1_of>(T{});
    case Step::fmod: return each<T, fmod_of<T>>;
    case Step::copysign: return binary<CopySign, T, T>;
    case Step::nextafter: return each<T, nextafter_of>;
    CASES_OF_constant: CASES_OF_cast: CASES_OF_comparison: CASES_OF_bitwise: CASES_OF_shift: CASES_OF_select:
    case Step::count: return nullptr;
  }
  return nullptr;
}

/** T is int32 or uint8, U the unsigned type that wraps. */
template <class T, class U> Loop whole_step(Step step) {
  switch (step) {
    case Step::add: return binary<Add, U, U>;
    case Step::sub: return binary<Sub, U, U>;
    case Step::mul: return binary<Mul, U, U>;
    case Step::div: return each<T, div_of<T>>;
    case Step::mod: return each<T, mod_of<T>>;
    case Step::floorDiv: return each<T, floor_div_of<T>>;
    case Step::pow: return each<T, int_pow_of<T>>;
    case Step::min: return binary<Smaller, T, T>;
    case Step::max: return binary<Larger, T, T>;
    case Step::fma: return ternary<Madd, U, U>;
    case Step::neg: return unary<Neg, U, U>;
    case Step::abs: return sizeof(T) == 1 ? unary<Identity, U, U> : unary<IntAbs, uint32_t, uint32_t>;
    case Step::sign: return sizeof(T) == 1 ? unary<Positive, U, U> : unary<Sign, int32_t, int32_t>;
    case Step::fmod: return each<T, fmod_of<T>>;
    case Step::and_: return binary<And, U, U>;
    case Step::or_: return binary<Or, U, U>;
    case Step::xor_: return binary<Xor, U, U>;
    case Step::not_: return unary<Flip, U, U>;
    case Step::shiftLeft: return each<T, shift_left_of<T>>;
    case Step::shiftRight: return each<T, shift_right_of<T>>;
    CASES_OF_constant: CASES_OF_cast: CASES_OF_floating: CASES_OF_comparison: CASES_OF_select:
    case Step::count: return nullptr;
  }
  return nullptr;
}

/** Arithmetic on bools is logic, where that differs from arithmetic on bytes. */
static Loop bool_step(Step step) {
  switch (step) {
    case Step::add:
    case Step::max: return binary<Or, uint8_t, uint8_t>;
    case Step::mul:
    case Step::min: return binary<And, uint8_t, uint8_t>;
    case Step::not_: return unary<Not, uint8_t, uint8_t>;
    case Step::fma: return ternary<MaddLogic, uint8_t, uint8_t>;
    default: return whole_step<uint8_t, uint8_t>(step);
  }
}

template <class T> Loop comparison(Step step) {
  switch (step) {
    case Step::eq: return binary<Eq, uint8_t, T>;
    case Step::ne: return binary<Ne, uint8_t, T>;
    case Step::lt: return binary<Lt, uint8_t, T>;
    case Step::le: return binary<Le, uint8_t, T>;
    case Step::gt: return binary<Gt, uint8_t, T>;
    case Step::ge: return binary<Ge, uint8_t, T>;
    case Step::isnan: return unary<IsNan, uint8_t, T>;
    case Step::isfinite: return unary<IsFinite, uint8_t, T>;
    CASES_OF_constant: CASES_OF_cast: CASES_OF_arithmetic: CASES_OF_floating: CASES_OF_bitwise: CASES_OF_shift:
    CASES_OF_select:
    case Step::count: return nullptr;
  }
  return nullptr;
}

/** The loop of a select between floats by this comparison of floats, or test of one; null for another step. */
[[maybe_unused]] static Loop choice_by(Step comparison) {
  switch (comparison) {
    case Step::eq: return choice<Eq, float>;
    case Step::ne: return choice<Ne, float>;
    case Step::lt: return choice<Lt, float>;
    case Step::le: return choice<Le, float>;
    case Step::gt: return choice<Gt, float>;
    case Step::ge: return choice<Ge, float>;
    case Step::isnan: return choice<Unequal, float>;
    default: return nullptr;
  }
}

/**
 * The smaller of c and the larger of a and b. An order of numbers is one instruction, and says enough if both bounds are the
 * same for all elements and neither zeros nor NaN.
 */
template <class T> void clamp(const Op& op, const Slot* slots, int64_t n) {
  const auto orders = [&](const Slot& slot) {
    const T bound = *reinterpret_cast<const T*>(slot.at);
    return slot.advance == 0 && (bound < 0 || bound > 0);
  };
  (orders(slots[op.b]) && orders(slots[op.c]) ? pair<Above, Below, T> : pair<RealMax, RealMin, T>)(op, slots, n);
}

/** The loop of two steps, of which the second uses the first one's result and one more value; null for others. */
template <class T> Loop pair_by(Step first, Step second) {
  if (first == Step::mul && second == Step::add) return pair<Mul, Add, T>;
  if (first == Step::max && second == Step::min) return clamp<T>;
  return first == Step::sub && second == Step::mul ? pair<Sub, Mul, T> : nullptr;
}
/** The same for the dtypes that have such loops; code that is fetched has none. */
[[maybe_unused]] static Loop pair_by(const Code& first, const Code& second) {
  if constexpr (!isFetched) {
    if (first.dtype == second.dtype && first.dtype == DType::float32) return pair_by<float>(first.step, second.step);
    if (first.dtype == second.dtype && first.dtype == DType::float64) return pair_by<double>(first.step, second.step);
  }
  return nullptr;
}

template <class T> Loop cast_of(DType to) {
  switch (to) {
    case DType::boolean: return unary<Nonzero, uint8_t, T>;
    case DType::uint8: return unary<Cast<uint8_t, T>, uint8_t, T>;
    case DType::int32: return unary<Cast<int32_t, T>, int32_t, T>;
    case DType::float32: return unary<Cast<float, T>, float, T>;
    case DType::float64: return unary<Cast<double, T>, double, T>;
  }
  return nullptr;
}

// clang-format on

template <class T> Loop loop_from(Step step, DType to) {
  if (step == Step::cast) return cast_of<T>(to);
  if (step == Step::select) return ternary<Select, T, uint8_t, T, T>;
  return comparison<T>(step);
}

[[maybe_unused]] static Loop loop_of(const Code& code) {
  Loop arithmetic = nullptr;
  switch (code.dtype) {
    case DType::boolean:
      arithmetic = bool_step(code.step);
      break;
    case DType::uint8:
      arithmetic = whole_step<uint8_t, uint8_t>(code.step);
      break;
    case DType::int32:
      arithmetic = whole_step<int32_t, uint32_t>(code.step);
      break;
    case DType::float32:
      arithmetic = real_step<float>(code.step);
      break;
    case DType::float64:
      arithmetic = real_step<double>(code.step);
      break;
  }
  if (arithmetic != nullptr) return arithmetic;
  switch (code.step == Step::select ? code.dtype : code.of) {
    case DType::boolean:
    case DType::uint8:
      return loop_from<uint8_t>(code.step, code.dtype);
    case DType::int32:
      return loop_from<int32_t>(code.step, code.dtype);
    case DType::float32:
      return loop_from<float>(code.step, code.dtype);
    case DType::float64:
      return loop_from<double>(code.step, code.dtype);
  }
  return nullptr;
}

}  // namespace flambeau::ISA
