// Reads the words of a stream in order, keeps the first error, and checks for every operand which elements of its row
// it reaches. Included only by decode.cc.
#pragma once
#include <algorithm>
#include <initializer_list>

#include "stream.h"

namespace flambeau {
namespace {

bool is_dtype(int32_t x) { return x >= 0 && x <= 4; }
bool is_float(DType dtype) { return dtype == DType::float32 || dtype == DType::float64; }

/** The words of one instruction, read in order; the first error is kept, and everything after it reads as 0. */
class Reader {
 public:
  Reader(const int32_t* words, int64_t count, const Limits& limits, Arena& arena)
      : at_(words), end_(words + count), limits_(limits), arena_(arena) {}

  const char* what() const { return what_; }
  bool good() const { return what_ == nullptr; }
  bool at_end() const { return at_ == end_; }

  void fail(const char* what) {
    if (what_ == nullptr) what_ = what;
  }
  void require(bool holds, const char* what) {
    if (!holds) fail(what);
  }

  int32_t word() { return has(1) ? *at_++ : 0; }

  /** Whether there are so many words: to be checked before memory is allocated for them. */
  bool has(int64_t count) {
    require(count <= end_ - at_, "it ends too early");
    return good();
  }

  const int32_t* words(int64_t count) {
    if (!has(count)) return nullptr;
    const int32_t* result = at_;
    at_ += count;
    return result;
  }

  /** A number from 0 to `most`. */
  int32_t count(int32_t most = INT32_MAX) {
    const int32_t n = word();
    if (n < 0 || n > most) return fail("a count is out of range"), 0;
    return n;
  }

  Reduce reduce(Reduce least) {
    const int32_t fn = word();
    require(fn >= static_cast<int32_t>(least) && fn <= static_cast<int32_t>(Reduce::min), "a reduction does not exist");
    return static_cast<Reduce>(fn);
  }

  DType dtype() {
    const int32_t x = word();
    if (!is_dtype(x)) return fail("a dtype does not exist"), DType::boolean;
    return static_cast<DType>(x);
  }

  /** The position of an operand, and its tensor's part of the row. The dtype is read separately. */
  Operand place() {
    Operand x{};
    x.ref = word();
    x.first = count();
    x.count = count();
    x.offset = x.first + count(INT32_MAX - x.first);
    require(x.ref < limits_.rowCount, "a row does not exist");
    return x;
  }

  Operand operand(bool mayBeNumber) {
    Operand x = place();
    x.dtype = dtype();
    if (x.ref >= 0) return x;
    require(mayBeNumber, "an operand is a number instead of memory");
    require(-1 - static_cast<int64_t>(x.ref) < limits_.numberCount, "a number does not exist");
    return x;
  }

  Strided strided(int32_t depth, bool mayBeNumber) {
    const Operand x = operand(mayBeNumber);
    const int32_t* steps = words(depth);
    for (int32_t i = 0; x.ref < 0 && good() && i < depth; i++) require(steps[i] == 0, "a number has steps");
    return {x, steps};
  }

  /** An operand that is neither read nor written: only its dtype and its strides matter. */
  Strided ignored(int32_t depth) {
    Operand x = place();
    x.dtype = dtype();
    return {x, words(depth)};
  }

  /** Sizes of loops; `elements` becomes their product. */
  const int32_t* sizes(int32_t depth, int64_t* elements) {
    const int32_t* sizes = words(depth);
    if (!good()) return nullptr;
    for (int32_t i = 0; i < depth; i++) times(sizes[i], elements);
    return sizes;
  }

  /** Multiplies a number of elements; exceeding the limit of an instruction is an error, and zero stays zero. */
  void times(int64_t size, int64_t* elements) {
    if (size < 0) return fail("a size is negative");
    if (size != 0 && *elements > limits_.elements / size) return fail("there are too many elements");
    *elements *= size;
  }

  /** The border of an operand, at most two zeros wide; null after an error. */
  const Border* border() {
    static_assert(sizeof(Border) == 28, "a border is seven words of the stream");
    const int32_t* const seven = words(7);
    if (!good()) return nullptr;
    for (int32_t i = 0; i < 7; i++) {
      const bool isWidth = i >= 2 && i < 6;
      require(seven[i] >= (i < 2 ? 1 : 0) && (!isWidth || seven[i] <= 2), "a border is out of range");
    }
    const Border* const border = reinterpret_cast<const Border*>(seven);
    int64_t elements = 1;
    times(border->tall(), &elements);
    times(border->broad(), &elements);
    return good() ? border : nullptr;
  }

  struct Axis {
    int32_t size, step;
  };

  /** Checks that a row has the elements that an operand reaches in its loops and along further axes. */
  void claim(const Strided& x, int32_t depth, const int32_t* sizes, std::initializer_list<Axis> axes = {}) {
    if (!good() || x.operand.ref < 0) return;
    int64_t low = x.operand.offset, high = low;
    reach(x.steps, depth, sizes, axes, &low, &high);
    claim(x.operand, low, high);
  }

  /** Some of the loops of an instruction. */
  struct Part {
    int32_t first, count;
  };

  /**
   * The same for an operand that has only some of the loops, part after part; with a border, it must have the planes that
   * they reach.
   */
  void claim(const Strided& x, const int32_t* sizes, std::initializer_list<Part> parts, const Border* border = nullptr) {
    if (!good() || x.operand.ref < 0) return;
    const int64_t offset = x.operand.offset;
    int64_t low = border == nullptr ? offset : border->start, high = low;
    const int32_t* steps = x.steps;
    for (const Part& part : parts) {
      reach(steps, part.count, sizes + part.first, {}, &low, &high);
      steps += part.count;
    }
    if (border == nullptr) return claim(x.operand, low, high);
    require(low >= 0, "an operand begins before its border");
    if (good()) claim(x.operand, offset, offset + (high / border->plane() + 1) * border->inside() - 1);
  }

  /** Widens a range of elements to those that the strides reach. */
  void reach(const int32_t* steps, int32_t depth, const int32_t* sizes, std::initializer_list<Axis> axes, int64_t* low,
             int64_t* high) {
    for (int32_t i = 0; i < depth; i++) extend({sizes[i], steps[i]}, low, high);
    for (const Axis& axis : axes) extend(axis, low, high);
  }

  /** Checks that the elements from `low` to `high` of an operand's row are its tensor's. */
  void claim(const Operand& x, int64_t low, int64_t high) {
    const int64_t size = size_of(x.dtype), bytes = (high + 1) * size;
    if (!lies_within(x, low, high)) return;
    if (limits_.needs == nullptr) return has_bytes(limits_.rows[x.ref], bytes, size);
    Need& need = limits_.needs[x.ref];
    need.bytes = std::max(need.bytes, bytes);
    need.align = std::max(need.align, size);
  }

  Program* program() {
    const int32_t at = count();
    if (at < limits_.programCount && limits_.programs[at] != nullptr) return limits_.programs[at].get();
    return fail("a program does not exist"), nullptr;
  }

  /** The beginning of so many numbers. */
  int32_t numbers(int32_t count) {
    const int32_t first = this->count();
    require(count <= limits_.numberCount - first, "a number does not exist");
    return first;
  }

  void has_numbers(int64_t count) { require(count <= limits_.numberCount, "a number does not exist"); }

  /** The words of a program with so many rows and numbers, which an instruction contains; null if they are invalid. */
  Program* body(int32_t count, int32_t rowCount, int32_t numberCount) {
    const int32_t* body = words(count);
    if (limits_.bodies == nullptr) fail("a repetition is not allowed here");
    // The rows are places of the instruction that contains the body.
    if (!good() || !has(rowCount)) return nullptr;
    Status status;
    std::unique_ptr<Program> program =
        Program::make(body, count, rowCount, numberCount, &status, limits_.elements, true, limits_.functions);
    if (program == nullptr) return fail(status.what), nullptr;
    limits_.bodies->push_back(std::move(program));
    return limits_.bodies->back().get();
  }

  Function function() {
    const int32_t at = count();
    if (at < limits_.functions.count) return limits_.functions.at[at];
    return fail("a function does not exist"), nullptr;
  }

  /** An instruction within an emitted one: a map or a check, or a contraction whose expression is. */
  void instruction(Instruction* out, bool isExpression) {
    if (!has(1)) return;
    const Opcode opcode = static_cast<Opcode>(*at_);
    const bool isContraction = opcode == Opcode::contract || opcode == Opcode::bordered;
    if (opcode != Opcode::map && opcode != Opcode::check && !(isExpression && isContraction))
      return fail("an instruction is not emitted");
    const char* what = nullptr;
    const int64_t length = decode(at_, end_ - at_, limits_, arena_, out, &what);
    length == 0 ? fail(what) : static_cast<void>(at_ += length);
  }

  /** The memory of a tensor from an element on, for a program that needs so much of it. */
  Row part(const Need& need) {
    const Operand x = place();
    require(x.ref >= 0, "an operand is a number instead of memory");
    if (!good()) return {};
    const Row& row = limits_.rows[x.ref];
    if (need.bytes == 0) return {row.data, 0};
    const int64_t at = x.offset * need.align;
    if (lies_within(x, x.offset, x.offset + (need.bytes - 1) / need.align)) has_bytes(row, at + need.bytes, need.align);
    return {row.data + at, need.bytes};
  }

  template <class T> T* take(int64_t count) { return arena_.take<T>(count); }

 private:
  bool lies_within(const Operand& x, int64_t low, int64_t high) {
    require(low >= x.first, "an operand begins before its tensor");
    require(high < int64_t{x.first} + x.count, "an operand goes beyond its tensor");
    return good();
  }

  void has_bytes(const Row& row, int64_t bytes, int64_t align) {
    require(bytes <= row.bytes, "a tensor goes beyond its row");
    require(reinterpret_cast<uintptr_t>(row.data) % static_cast<uintptr_t>(align) == 0, "a row is not aligned");
  }

  void extend(Axis axis, int64_t* low, int64_t* high) {
    constexpr int64_t farthest = int64_t{1} << 40;  // so that sums of them stay far below 2^63
    const int64_t span = (static_cast<int64_t>(axis.size) - 1) * axis.step;
    if (span < -farthest || span > farthest) return fail("an operand goes too far");
    (span < 0 ? *low : *high) += span;
  }

  const int32_t* at_;
  const int32_t* end_;
  const Limits& limits_;
  Arena& arena_;
  const char* what_ = nullptr;
};

/** The dtypes of what an expression may refer to: registers that have a value, and inputs. */
class Values {
 public:
  Values(Reader& reader, const DType* inputs, int32_t inputCount)
      : reader_(reader), inputs_(inputs), inputCount_(inputCount) {
    for (int32_t& dtype : registers_) dtype = -1;
  }

  DType dtype(int32_t x) {
    if (x < 0) {
      const int64_t input = -1 - static_cast<int64_t>(x);
      if (input < inputCount_) return inputs_[input];
      reader_.fail("an input of an expression does not exist");
    } else if (x >= maxRegisters || registers_[x] < 0) {
      reader_.fail("a register is read that has no value");
    } else {
      return static_cast<DType>(registers_[x]);
    }
    return DType::boolean;
  }

  void step(const Code& code) {
    if (code.step < Step::constant || code.step >= Step::count) return reader_.fail("a step does not exist");
    const StepInfo info = info_of(code.step);
    if (!is_dtype(static_cast<int32_t>(code.dtype)) || !is_dtype(static_cast<int32_t>(code.of)))
      return reader_.fail("a dtype does not exist");
    if (code.dst < 0 || code.dst >= maxRegisters) return reader_.fail("a register does not exist");
    const int32_t operands[] = {code.a, code.b, code.c};
    DType of[3] = {};
    for (int32_t i = 0; i < info.operands; i++) of[i] = dtype(operands[i]);
    reader_.require(typed(code, info, of), "a step does not fit its operands");
    registers_[code.dst] = static_cast<int32_t>(code.dtype);
  }

 private:
  static bool typed(const Code& code, const StepInfo& info, const DType* of) {
    for (int32_t i = 0; i < info.operands && info.rule != Rule::select; i++) {
      if (of[i] != code.of) return false;
    }
    switch (info.rule) {
      case Rule::constant:
      case Rule::cast:
        return true;
      case Rule::select:
        return of[0] == DType::boolean && of[1] == code.dtype && of[2] == code.dtype;
      case Rule::arithmetic:
        return code.dtype == code.of;
      case Rule::floating:
        return code.dtype == code.of && is_float(code.of);
      case Rule::comparison:
        return code.dtype == DType::boolean;
      case Rule::bitwise:
        return code.dtype == code.of && !is_float(code.of);
      case Rule::shift:
        return code.dtype == code.of && !is_float(code.of) && code.of != DType::boolean;
    }
    return false;
  }

  Reader& reader_;
  const DType* inputs_;
  const int32_t inputCount_;
  int32_t registers_[maxRegisters];
};

}  // namespace
}  // namespace flambeau
