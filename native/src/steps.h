// The scalar steps of expressions: written by tools/steps.mjs, from the records in packages/core/src/expr/steps and the
// numbers in packages/stream/src/expression.ts. Change those, never this.
#pragma once
#include <cstdint>

namespace flambeau {

// clang-format off

enum class Step : int32_t {
  constant, cast, add, sub, mul, div, mod, floorDiv, pow, min, max, fma, neg, abs, sign, floor, ceil, trunc, rint,
  sqrt, exp, expm1, log, log1p, sin, cos, tanh, erf, eq, ne, lt, le, gt, ge, and_, or_, xor_, not_, isnan, isfinite,
  select, tan, sinh, cosh, asin, acos, atan, asinh, acosh, atanh, atan2, hypot, exp2, log2, log10, lgamma, digamma,
  polygamma, erfinv, i0, i1, fmod, copysign, nextafter, shiftLeft, shiftRight, count
};

/** Which dtypes a step takes and gives: StepRule in core's expr/step.ts. */
enum class Rule : int32_t { constant, cast, arithmetic, floating, comparison, bitwise, select, shift };
/** How much work it is. */
enum class Work : int32_t { simple, remainder, call };

struct StepInfo {
  int32_t operands;
  Rule rule;
  Work work;
};
constexpr StepInfo stepInfos[] = {
  {0, Rule::constant, Work::simple},  // constant
  {1, Rule::cast, Work::simple},  // cast
  {2, Rule::arithmetic, Work::simple},  // add
  {2, Rule::arithmetic, Work::simple},  // sub
  {2, Rule::arithmetic, Work::simple},  // mul
  {2, Rule::arithmetic, Work::simple},  // div
  {2, Rule::arithmetic, Work::remainder},  // mod
  {2, Rule::arithmetic, Work::remainder},  // floorDiv
  {2, Rule::arithmetic, Work::call},  // pow
  {2, Rule::arithmetic, Work::simple},  // min
  {2, Rule::arithmetic, Work::simple},  // max
  {3, Rule::arithmetic, Work::simple},  // fma
  {1, Rule::arithmetic, Work::simple},  // neg
  {1, Rule::arithmetic, Work::simple},  // abs
  {1, Rule::arithmetic, Work::simple},  // sign
  {1, Rule::floating, Work::simple},  // floor
  {1, Rule::floating, Work::simple},  // ceil
  {1, Rule::floating, Work::simple},  // trunc
  {1, Rule::floating, Work::simple},  // rint
  {1, Rule::floating, Work::simple},  // sqrt
  {1, Rule::floating, Work::call},  // exp
  {1, Rule::floating, Work::call},  // expm1
  {1, Rule::floating, Work::call},  // log
  {1, Rule::floating, Work::call},  // log1p
  {1, Rule::floating, Work::call},  // sin
  {1, Rule::floating, Work::call},  // cos
  {1, Rule::floating, Work::call},  // tanh
  {1, Rule::floating, Work::call},  // erf
  {2, Rule::comparison, Work::simple},  // eq
  {2, Rule::comparison, Work::simple},  // ne
  {2, Rule::comparison, Work::simple},  // lt
  {2, Rule::comparison, Work::simple},  // le
  {2, Rule::comparison, Work::simple},  // gt
  {2, Rule::comparison, Work::simple},  // ge
  {2, Rule::bitwise, Work::simple},  // and_
  {2, Rule::bitwise, Work::simple},  // or_
  {2, Rule::bitwise, Work::simple},  // xor_
  {1, Rule::bitwise, Work::simple},  // not_
  {1, Rule::comparison, Work::simple},  // isnan
  {1, Rule::comparison, Work::simple},  // isfinite
  {3, Rule::select, Work::simple},  // select
  {1, Rule::floating, Work::call},  // tan
  {1, Rule::floating, Work::call},  // sinh
  {1, Rule::floating, Work::call},  // cosh
  {1, Rule::floating, Work::call},  // asin
  {1, Rule::floating, Work::call},  // acos
  {1, Rule::floating, Work::call},  // atan
  {1, Rule::floating, Work::call},  // asinh
  {1, Rule::floating, Work::call},  // acosh
  {1, Rule::floating, Work::call},  // atanh
  {2, Rule::floating, Work::call},  // atan2
  {2, Rule::floating, Work::call},  // hypot
  {1, Rule::floating, Work::call},  // exp2
  {1, Rule::floating, Work::call},  // log2
  {1, Rule::floating, Work::call},  // log10
  {1, Rule::floating, Work::call},  // lgamma
  {1, Rule::floating, Work::call},  // digamma
  {2, Rule::floating, Work::call},  // polygamma
  {1, Rule::floating, Work::call},  // erfinv
  {1, Rule::floating, Work::call},  // i0
  {1, Rule::floating, Work::call},  // i1
  {2, Rule::arithmetic, Work::remainder},  // fmod
  {2, Rule::floating, Work::simple},  // copysign
  {2, Rule::floating, Work::call},  // nextafter
  {2, Rule::shift, Work::simple},  // shiftLeft
  {2, Rule::shift, Work::simple},  // shiftRight
};
constexpr StepInfo info_of(Step step) { return stepInfos[static_cast<int32_t>(step)]; }

// The steps of each rule, for switches that name the steps of the others.
#define CASES_OF_constant \
  case Step::constant
#define CASES_OF_cast \
  case Step::cast
#define CASES_OF_arithmetic \
  case Step::add: case Step::sub: case Step::mul: case Step::div: case Step::mod: case Step::floorDiv: \
  case Step::pow: case Step::min: case Step::max: case Step::fma: case Step::neg: case Step::abs: case Step::sign: \
  case Step::fmod
#define CASES_OF_floating \
  case Step::floor: case Step::ceil: case Step::trunc: case Step::rint: case Step::sqrt: case Step::exp: \
  case Step::expm1: case Step::log: case Step::log1p: case Step::sin: case Step::cos: case Step::tanh: \
  case Step::erf: case Step::tan: case Step::sinh: case Step::cosh: case Step::asin: case Step::acos: \
  case Step::atan: case Step::asinh: case Step::acosh: case Step::atanh: case Step::atan2: case Step::hypot: \
  case Step::exp2: case Step::log2: case Step::log10: case Step::lgamma: case Step::digamma: case Step::polygamma: \
  case Step::erfinv: case Step::i0: case Step::i1: case Step::copysign: case Step::nextafter
#define CASES_OF_comparison \
  case Step::eq: case Step::ne: case Step::lt: case Step::le: case Step::gt: case Step::ge: case Step::isnan: \
  case Step::isfinite
#define CASES_OF_bitwise \
  case Step::and_: case Step::or_: case Step::xor_: case Step::not_
#define CASES_OF_select \
  case Step::select
#define CASES_OF_shift \
  case Step::shiftLeft: case Step::shiftRight

// clang-format on

}  // namespace flambeau
