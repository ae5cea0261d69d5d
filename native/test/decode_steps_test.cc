// The decoder: errors of expressions. The rules of the steps are written here a second time, in another form than in
// reader.h, so that nobody changes a rule by accident.
#include "fitting.h"
#include "suites.h"

namespace {

/** The dtypes of a step: T is one dtype for all, F a real one, I an integer or bool, S an integer, B bool, ? any. */
std::string signature(StepInfo info) {
  const std::string all(static_cast<size_t>(info.operands), info.rule == Rule::floating  ? 'F'
                                                            : info.rule == Rule::bitwise ? 'I'
                                                            : info.rule == Rule::shift   ? 'S'
                                                                                         : 'T');
  switch (info.rule) {
    case Rule::constant:
      return "?";
    case Rule::cast:
      return "?=T";
    case Rule::arithmetic:
      return "T=" + all;
    case Rule::floating:
      return "F=" + all;
    case Rule::comparison:
      return "B=" + all;
    case Rule::bitwise:
      return "I=" + all;
    case Rule::shift:
      return "S=" + all;
    case Rule::select:
      return "R=BRR";
  }
  return "";
}

bool follows(const std::string& rule, int32_t dtype, int32_t of, const int32_t* operands) {
  const auto is = [&](char want, int32_t found) {
    switch (want) {
      case 'T':
        return found == of;
      case 'F':
        return found == of && found >= f32;
      case 'I':
        return found == of && found < f32;
      case 'S':
        return found == of && found < f32 && found != boolean;
      case 'B':
        return found == boolean;
      case 'R':
        return found == dtype;
      default:
        return true;
    }
  };
  for (size_t i = 2; i < rule.size(); i++) {
    if (!is(rule[i], operands[i - 2])) return false;
  }
  return is(rule[0], dtype);
}

}  // namespace

TEST_CASE("every step accepts exactly the dtypes that it has loops for") {
  int32_t taken = 0;
  Memories memories({16, 16, 16, 16});
  for (int32_t step = 0; step < static_cast<int32_t>(Step::count); step++) {
    const std::string rule = signature(info_of(static_cast<Step>(step)));
    INFO("step " << step);
    for (int32_t all = 0; all < 3125; all += isSlow ? 7 : 1) {
      const int32_t dtype = all % 5, of = all / 5 % 5, operands[] = {all / 25 % 5, all / 125 % 5, all / 625};
      const Built built = instruction(
          Opcode::map, 9,
          {1, 3, 1, 1, 2, tensor(0, operands[0], {1}, 2), tensor(1, operands[1], {1}, 2),
           tensor(2, operands[2], {1}, 2), tensor(3, dtype, {1}, 2), -1, 0, step, dtype, of, 0, -1, -2, -3});
      const Status status = memories.run(built);
      const bool fits = follows(rule, dtype, of, operands);
      taken += fits ? 1 : 0;
      if (fits != (status.kind == Status::done)) {
        INFO("dtype " << dtype << " of " << of << " operands " << operands[0] << operands[1] << operands[2]);
        CHECK(fits == (status.kind == Status::done));
      }
      if (!fits) CHECK(std::string(status.what) == "a step does not fit its operands");
    }
  }
  CHECK((isSlow ? taken > 0 : taken == 6495));
}

TEST_CASE("steps, registers and inputs exist") {
  Rows rows({8, 8});
  const auto map = [](std::vector<Piece> codes, int32_t from = 0) {
    const auto count = static_cast<int32_t>(codes.size() / 7);
    return instruction(Opcode::map, 9,
                       joined({1, 1, 1, count, 8, tensor(0, f32, {1}, 8), tensor(1, f32, {1}, 8), -1, from}, codes));
  };
  const auto neg = [](int32_t to, int32_t from) { return std::vector<Piece>{Step::neg, f32, f32, to, from, 0, 0}; };
  CHECK(rows.run(map(neg(0, -1))).kind == Status::done);
  CHECK(rows.run(map(neg(31, -1), 31)).kind == Status::done);
  for (const int32_t step : {-1, static_cast<int32_t>(Step::count), INT32_MAX, INT32_MIN})
    refused(rows.run(map({step, f32, f32, 0, -1, -1, -1})), "a step does not exist");
  for (const int32_t dtype : {-1, 5}) {
    refused(rows.run(map({Step::neg, dtype, f32, 0, -1, 0, 0})), "a dtype does not exist");
    refused(rows.run(map({Step::neg, f32, dtype, 0, -1, 0, 0})), "a dtype does not exist");
  }
  for (const int32_t to : {-1, 32, INT32_MAX, INT32_MIN})
    refused(rows.run(map(neg(to, -1))), "a register does not exist");
  for (const int32_t input : {-2, INT32_MIN}) {
    refused(rows.run(map(neg(0, input))), "an input of an expression does not exist");
    refused(rows.run(map(neg(0, -1), input)), "an input of an expression does not exist");
  }
  for (const int32_t unset : {0, 1, 31, 32, INT32_MAX}) {
    refused(rows.run(map(neg(0, unset))), "a register is read that has no value");
    if (unset > 0) refused(rows.run(map(neg(0, -1), unset)), "a register is read that has no value");
  }
  // A register has the dtype that was written last.
  CHECK(rows.run(map(joined(neg(0, -1), neg(1, 0)), 1)).kind == Status::done);
  refused(rows.run(map(joined(joined(neg(0, -1), {Step::cast, f64, f32, 0, 0, 0, 0}), neg(1, 0)), 1)),
          "a step does not fit its operands");
  refused(rows.run(map({Step::cast, f64, f32, 0, -1, 0, 0})), "an output is not of its value's dtype");
}
