#include "stream.h"

#include <algorithm>
#include <initializer_list>
#include <new>

namespace flambeau {

const char* name_of(Opcode opcode) {
  static const char* const names[] = {"map",  "check",  "matmul",  "argReduce", "scan",
                                      "fold", "gather", "scatter", "sort",      "iota"};
  return opcode < Opcode::count && opcode >= Opcode::map ? names[static_cast<int32_t>(opcode)] : "instruction";
}

// ---- memory for decoded instructions ----

void* Arena::bytes(int64_t size) {
  size = (size + 7) / 8 * 8;
  for (; chunk_ < chunks_.size(); chunk_++, at_ = 0) {
    if (at_ + size > chunks_[chunk_].bytes) continue;
    char* result = reinterpret_cast<char*>(chunks_[chunk_].memory.get()) + at_;
    at_ += size;
    return result;
  }
  const int64_t length = std::max<int64_t>(size, 16384);
  chunks_.push_back({std::unique_ptr<double[]>(new double[length / 8 + 1]), length});
  at_ = size;
  return chunks_.back().memory.get();
}

void Arena::clear() {
  chunk_ = 0;
  at_ = 0;
}

// ---- checks ----

namespace {

/** What a step takes and gives. */
enum class Rule { constant, cast, arithmetic, floating, comparison, logical, test, select };

struct StepRule {
  int32_t operands;
  Rule rule;
};

StepRule rule_of(Step step) {
  switch (step) {
    case Step::constant:
      return {0, Rule::constant};
    case Step::cast:
      return {1, Rule::cast};
    case Step::add:
    case Step::sub:
    case Step::mul:
    case Step::div:
    case Step::mod:
    case Step::floorDiv:
    case Step::pow:
    case Step::min:
    case Step::max:
      return {2, Rule::arithmetic};
    case Step::fma:
      return {3, Rule::arithmetic};
    case Step::neg:
    case Step::abs:
    case Step::sign:
      return {1, Rule::arithmetic};
    case Step::floor:
    case Step::ceil:
    case Step::trunc:
    case Step::rint:
    case Step::sqrt:
    case Step::exp:
    case Step::expm1:
    case Step::log:
    case Step::log1p:
    case Step::sin:
    case Step::cos:
    case Step::tanh:
    case Step::erf:
      return {1, Rule::floating};
    case Step::eq:
    case Step::ne:
    case Step::lt:
    case Step::le:
    case Step::gt:
    case Step::ge:
      return {2, Rule::comparison};
    case Step::logicalAnd:
    case Step::logicalOr:
    case Step::logicalXor:
      return {2, Rule::logical};
    case Step::logicalNot:
      return {1, Rule::logical};
    case Step::isnan:
    case Step::isfinite:
      return {1, Rule::test};
    case Step::select:
      return {3, Rule::select};
    case Step::count:
      break;
  }
  return {-1, Rule::constant};
}

bool is_dtype(int32_t x) { return x >= 0 && x <= 4; }
bool is_float(DType dtype) { return dtype == DType::float32 || dtype == DType::float64; }

/** The words of one instruction, taken one after the other; the first mistake is kept and everything after it is 0. */
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

  /** Whether there are so many words: to be asked before anything is taken for them. */
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

  Operand operand(bool mayBeNumber) {
    const int32_t ref = word();
    const DType type = dtype();
    const int32_t offset = word();
    if (ref >= 0) {
      require(ref < limits_.rowCount, "a row does not exist");
      require(offset >= 0, "an offset is negative");
    } else {
      require(mayBeNumber, "a number stands where memory is needed");
      require(-1 - static_cast<int64_t>(ref) < limits_.numberCount, "a number does not exist");
    }
    return {ref, type, offset};
  }

  Strided strided(int32_t depth, bool mayBeNumber) {
    const Operand x = operand(mayBeNumber);
    const int32_t* steps = words(depth);
    for (int32_t i = 0; x.ref < 0 && good() && i < depth; i++) require(steps[i] == 0, "a number has steps");
    return {x, steps};
  }

  /** An operand that nothing is read from or written to: only its dtype and its steps mean something. */
  Strided ignored(int32_t depth) {
    const int32_t ref = word();
    const DType type = dtype();
    return {{ref, type, word()}, words(depth)};
  }

  /** Sizes of loops; `elements` becomes their product. */
  const int32_t* sizes(int32_t depth, int64_t* elements) {
    const int32_t* sizes = words(depth);
    if (!good()) return nullptr;
    for (int32_t i = 0; i < depth; i++) times(sizes[i], elements);
    return sizes;
  }

  /** Multiplies a number of elements; more than an instruction may have is a mistake, nothing stays nothing. */
  void times(int32_t size, int64_t* elements) {
    if (size < 0) return fail("a size is negative");
    if (size != 0 && *elements > limits_.elements / size) return fail("there are too many elements");
    *elements *= size;
  }

  struct Axis {
    int32_t size, step;
  };

  /** Demands of a row that it has the elements that an operand goes to in its loops and along further axes. */
  void claim(const Strided& x, int32_t depth, const int32_t* sizes, std::initializer_list<Axis> axes = {}) {
    if (!good() || x.operand.ref < 0) return;
    int64_t low = x.operand.offset, high = low;
    reach(x.steps, depth, sizes, axes, &low, &high);
    claim(x.operand, low, high);
  }

  /** Widens a range of elements to where steps lead from it. */
  void reach(const int32_t* steps, int32_t depth, const int32_t* sizes, std::initializer_list<Axis> axes, int64_t* low,
             int64_t* high) {
    for (int32_t i = 0; i < depth; i++) extend({sizes[i], steps[i]}, low, high);
    for (const Axis& axis : axes) extend(axis, low, high);
  }

  /** The elements from `low` to `high` of an operand's row. */
  void claim(const Operand& x, int64_t low, int64_t high) {
    if (!good()) return;
    if (low < 0) return fail("an operand begins before its row");
    const int64_t size = size_of(x.dtype), bytes = (high + 1) * size;
    if (limits_.needs != nullptr) {
      Need& need = limits_.needs[x.ref];
      need.bytes = std::max(need.bytes, bytes);
      need.align = std::max(need.align, size);
      return;
    }
    const Row& row = limits_.rows[x.ref];
    require(bytes <= row.bytes, "an operand goes beyond its row");
    require(reinterpret_cast<uintptr_t>(row.data) % static_cast<uintptr_t>(size) == 0, "a row is not aligned");
  }

  template <class T> T* take(int64_t count) { return arena_.take<T>(count); }

 private:
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
    const StepRule rule = rule_of(code.step);
    if (rule.operands < 0) return reader_.fail("a step does not exist");
    if (!is_dtype(static_cast<int32_t>(code.dtype)) || !is_dtype(static_cast<int32_t>(code.of)))
      return reader_.fail("a dtype does not exist");
    if (code.dst < 0 || code.dst >= maxRegisters) return reader_.fail("a register does not exist");
    const int32_t operands[] = {code.a, code.b, code.c};
    DType of[3] = {};
    for (int32_t i = 0; i < rule.operands; i++) of[i] = dtype(operands[i]);
    reader_.require(typed(code, rule, of), "a step does not fit its operands");
    registers_[code.dst] = static_cast<int32_t>(code.dtype);
  }

 private:
  static bool typed(const Code& code, const StepRule& rule, const DType* of) {
    if (rule.rule == Rule::select) return of[0] == DType::boolean && of[1] == code.dtype && of[2] == code.dtype;
    for (int32_t i = 0; i < rule.operands; i++) {
      if (of[i] != code.of) return false;
    }
    switch (rule.rule) {
      case Rule::arithmetic:
        return code.dtype == code.of;
      case Rule::floating:
        return code.dtype == code.of && is_float(code.of);
      case Rule::comparison:
      case Rule::test:
        return code.dtype == DType::boolean;
      case Rule::logical:
        return code.dtype == DType::boolean && code.of == DType::boolean;
      default:
        return true;
    }
  }

  Reader& reader_;
  const DType* inputs_;
  const int32_t inputCount_;
  int32_t registers_[maxRegisters];
};

// ---- instructions ----

/** Operands of an expression; their dtypes go to `dtypes`. */
const Strided* read_inputs(Reader& r, int32_t count, int32_t depth, DType* dtypes) {
  Strided* inputs = r.take<Strided>(count);
  for (int32_t i = 0; i < count && r.good(); i++) {
    inputs[i] = r.strided(depth, true);
    dtypes[i] = inputs[i].operand.dtype;
  }
  return inputs;
}

const Code* read_codes(Reader& r, int32_t count, Values& values) {
  const Code* codes = reinterpret_cast<const Code*>(r.words(static_cast<int64_t>(count) * 7));
  for (int32_t i = 0; i < count && r.good(); i++) values.step(codes[i]);
  return codes;
}

void read_map(Reader& r, Instruction* out, bool check) {
  Map& map = out->map;
  map = {};
  map.depth = r.count(maxDepth);
  map.inputCount = r.count();
  map.outCount = r.count();
  map.codeCount = r.count();
  int64_t elements = 1;
  map.sizes = r.sizes(map.depth, &elements);
  out->empty = elements == 0;
  if (!r.has(map.inputCount * int64_t{3} + map.outCount * int64_t{5})) return;
  DType* dtypes = r.take<DType>(map.inputCount);
  map.inputs = read_inputs(r, map.inputCount, map.depth, dtypes);
  MapOut* outs = r.take<MapOut>(map.outCount);
  for (int32_t i = 0; i < map.outCount && r.good(); i++) {
    outs[i].to = check ? r.ignored(map.depth) : r.strided(map.depth, false);
    outs[i].reduce = r.reduce(Reduce::none);
    outs[i].from = r.word();
  }
  map.outs = outs;
  Values values(r, dtypes, map.inputCount);
  map.codes = read_codes(r, map.codeCount, values);
  for (int32_t i = 0; i < map.outCount && r.good(); i++)
    r.require(values.dtype(outs[i].from) == outs[i].to.operand.dtype, "an output is not of its value's dtype");
  if (!r.good()) return;
  if (check) {
    r.require(map.outCount == 1 && outs[0].reduce == Reduce::max && outs[0].to.operand.dtype == DType::boolean,
              "a check has one output, a bool reduced by max");
  }
  if (out->empty) return;
  for (int32_t i = 0; i < map.inputCount; i++) r.claim(map.inputs[i], map.depth, map.sizes);
  for (int32_t i = 0; i < map.outCount && !check; i++) r.claim(outs[i].to, map.depth, map.sizes);
}

void read_matmul(Reader& r, Instruction* out) {
  Matmul& x = out->matmul;
  x = {};
  x.dtype = r.dtype();
  r.require(x.dtype == DType::int32 || is_float(x.dtype), "there are no products of this dtype");
  x.depth = r.count(maxDepth - 2);
  x.m = r.word();
  x.n = r.word();
  x.k = r.word();
  x.inputCount = r.count();
  x.codeCount = r.count();
  x.from = r.word();
  int64_t elements = 1;
  x.sizes = r.sizes(x.depth, &elements);
  r.times(x.m, &elements);
  r.times(x.n, &elements);
  const int64_t count = elements;
  out->empty = count == 0;
  r.times(x.k, &elements);
  const int32_t rank = x.depth + 2;
  x.a = r.strided(rank, false);
  x.b = r.strided(rank, false);
  x.c = r.operand(false);
  for (const DType dtype : {x.a.operand.dtype, x.b.operand.dtype, x.c.dtype})
    r.require(dtype == x.dtype, "operands of a product are of several dtypes");
  if (!r.has(x.inputCount * int64_t{3})) return;
  DType* dtypes = r.take<DType>(x.inputCount + 1);
  dtypes[0] = x.dtype;
  x.inputs = read_inputs(r, x.inputCount, rank, dtypes + 1);
  Values values(r, dtypes, x.inputCount + 1);
  x.codes = read_codes(r, x.codeCount, values);
  if (!r.good()) return;
  r.require(values.dtype(x.from) == x.dtype, "an output is not of its value's dtype");
  if (out->empty || !r.good()) return;
  const int32_t* as = x.a.steps + x.depth;
  const int32_t* bs = x.b.steps + x.depth;
  if (x.k > 0) {
    r.claim(x.a, x.depth, x.sizes, {{x.m, as[0]}, {x.k, as[1]}});
    r.claim(x.b, x.depth, x.sizes, {{x.k, bs[0]}, {x.n, bs[1]}});
  }
  r.claim(x.c, x.c.offset, x.c.offset + count - 1);
  for (int32_t i = 0; i < x.inputCount; i++) {
    const int32_t* steps = x.inputs[i].steps + x.depth;
    r.claim(x.inputs[i], x.depth, x.sizes, {{x.m, steps[0]}, {x.n, steps[1]}});
  }
}

void read_arg_reduce(Reader& r, Instruction* out) {
  ArgReduce& x = out->argReduce;
  x = {};
  x.max = r.word() != 0;
  x.kept = r.count(maxDepth);
  x.reduced = r.count(maxDepth - x.kept);
  int64_t elements = 1;
  const int32_t* kept = r.sizes(x.kept, &elements);
  const int64_t count = elements;
  r.sizes(x.reduced, &elements);
  x.sizes = kept;
  out->empty = elements == 0;
  x.from = r.strided(x.kept + x.reduced, false);
  x.to = r.operand(false);
  r.require(x.to.dtype == DType::int32, "indices are int32");
  r.require(count == 0 || elements / count <= INT32_MAX, "there are too many elements");
  if (out->empty) return;
  r.claim(x.from, x.kept + x.reduced, x.sizes);
  r.claim(x.to, x.to.offset, x.to.offset + count - 1);
}

void read_scan(Reader& r, Instruction* out) {
  Scan& x = out->scan;
  x = {};
  x.fn = r.reduce(Reduce::sum);
  x.depth = r.count(maxDepth - 1);
  x.n = r.word();
  int64_t elements = 1;
  x.sizes = r.sizes(x.depth, &elements);
  r.times(x.n, &elements);
  out->empty = elements == 0;
  x.from = r.strided(x.depth + 1, false);
  x.to = r.strided(x.depth + 1, false);
  r.require(x.from.operand.dtype == x.to.operand.dtype, "operands are of several dtypes");
  if (out->empty || !r.good()) return;
  for (const Strided& operand : {x.from, x.to}) r.claim(operand, x.depth, x.sizes, {{x.n, operand.steps[x.depth]}});
}

void read_fold(Reader& r, Instruction* out) {
  Fold& x = out->fold;
  x = {};
  x.depth = r.count(maxDepth);
  x.count = r.count();
  x.first = r.count();
  int64_t elements = 1;
  x.sizes = r.sizes(x.depth, &elements);
  out->empty = elements == 0;
  x.from = r.strided(x.depth, false);
  x.to = r.strided(x.depth, false);
  r.require(x.from.operand.dtype == x.to.operand.dtype, "operands are of several dtypes");
  if (!r.good()) return;
  const Operand to = x.to.operand;
  r.claim(to, to.offset, static_cast<int64_t>(to.offset) + x.count - 1);
  if (out->empty) return;
  r.claim(x.from, x.depth, x.sizes);
  // Where it adds lies within the elements that it clears.
  int64_t low = x.first, high = x.first;
  r.reach(x.to.steps, x.depth, x.sizes, {}, &low, &high);
  r.require(low >= 0 && high < x.count, "an element is added outside of the output");
}

void read_gather(Reader& r, Instruction* out) {
  Gather& x = out->gather;
  x = {};
  x.depth = r.count(maxDepth);
  x.axisSize = r.count();
  x.axisStep = r.word();
  int64_t elements = 1;
  x.sizes = r.sizes(x.depth, &elements);
  out->empty = elements == 0;
  x.source = r.strided(x.depth, false);
  x.index = r.strided(x.depth, false);
  x.to = r.strided(x.depth, false);
  r.require(x.index.operand.dtype == DType::int32, "indices are int32");
  r.require(x.source.operand.dtype == x.to.operand.dtype, "operands are of several dtypes");
  if (out->empty) return;
  if (x.axisSize > 0) r.claim(x.source, x.depth, x.sizes, {{x.axisSize, x.axisStep}});
  r.claim(x.index, x.depth, x.sizes);
  r.claim(x.to, x.depth, x.sizes);
}

void read_scatter(Reader& r, Instruction* out) {
  Scatter& x = out->scatter;
  x = {};
  x.fn = r.reduce(Reduce::none);
  x.depth = r.count(maxDepth);
  x.axisSize = r.count();
  x.axisStep = r.word();
  int64_t elements = 1;
  x.sizes = r.sizes(x.depth, &elements);
  out->empty = elements == 0;
  x.index = r.strided(x.depth, false);
  x.source = r.strided(x.depth, false);
  x.to = r.strided(x.depth, false);
  r.require(x.index.operand.dtype == DType::int32, "indices are int32");
  r.require(x.source.operand.dtype == x.to.operand.dtype, "operands are of several dtypes");
  if (out->empty) return;
  r.claim(x.index, x.depth, x.sizes);
  r.claim(x.source, x.depth, x.sizes);
  if (x.axisSize > 0) r.claim(x.to, x.depth, x.sizes, {{x.axisSize, x.axisStep}});
}

void read_sort(Reader& r, Instruction* out) {
  Sort& x = out->sort;
  x = {};
  x.descending = r.word() != 0;
  x.depth = r.count(maxDepth - 1);
  x.n = r.word();
  int64_t elements = 1;
  x.sizes = r.sizes(x.depth, &elements);
  r.times(x.n, &elements);
  out->empty = elements == 0;
  x.from = r.strided(x.depth + 1, false);
  x.values = r.strided(x.depth + 1, false);
  x.indices = r.strided(x.depth + 1, false);
  r.require(x.indices.operand.dtype == DType::int32, "indices are int32");
  r.require(x.from.operand.dtype == x.values.operand.dtype, "operands are of several dtypes");
  if (out->empty || !r.good()) return;
  for (const Strided& operand : {x.from, x.values, x.indices})
    r.claim(operand, x.depth, x.sizes, {{x.n, operand.steps[x.depth]}});
}

void read_iota(Reader& r, Instruction* out) {
  Iota& x = out->iota;
  x = {};
  int64_t elements = 1;
  const int32_t* sizes = r.sizes(3, &elements);
  x.to = r.operand(false);
  out->empty = elements == 0;
  if (!r.good() || out->empty) return;
  x.outer = sizes[0];
  x.n = sizes[1];
  x.inner = sizes[2];
  r.claim(x.to, x.to.offset, x.to.offset + elements - 1);
}

}  // namespace

int64_t decode(const int32_t* words, int64_t count, const Limits& limits, Arena& arena, Instruction* out,
               const char** what) {
  out->opcode = Opcode::count;
  out->tag = 0;
  if (count < 3) return *what = "it ends too early", 0;
  const int32_t length = words[1];
  out->opcode = static_cast<Opcode>(words[0]);
  out->tag = words[2];
  if (length < 3 || length > count) return *what = "its length is out of range", 0;
  Reader r(words + 3, length - 3, limits, arena);
  switch (out->opcode) {
    case Opcode::map:
    case Opcode::check:
      read_map(r, out, out->opcode == Opcode::check);
      break;
    case Opcode::matmul:
      read_matmul(r, out);
      break;
    case Opcode::argReduce:
      read_arg_reduce(r, out);
      break;
    case Opcode::scan:
      read_scan(r, out);
      break;
    case Opcode::fold:
      read_fold(r, out);
      break;
    case Opcode::gather:
      read_gather(r, out);
      break;
    case Opcode::scatter:
      read_scatter(r, out);
      break;
    case Opcode::sort:
      read_sort(r, out);
      break;
    case Opcode::iota:
      read_iota(r, out);
      break;
    default:
      r.fail("an opcode does not exist");
  }
  r.require(r.at_end(), "its length does not fit");
  *what = r.what();
  return r.good() ? length : 0;
}

// ---- runs ----

namespace {

/** Runs an instruction; whether it came to its end. */
inline bool execute(const Instruction& x, const Kernels& kernels, const Memory& memory, Status* status) {
  BadIndex bad{false, 0};
  if (!x.empty) {
    switch (x.opcode) {
      case Opcode::map:
        x.prepared == nullptr ? kernels.map(x.map, memory) : static_cast<void>(kernels.run(x.prepared, memory));
        return true;
      case Opcode::check:
        if (!(x.prepared == nullptr ? kernels.any(x.map, memory) : kernels.run(x.prepared, memory))) return true;
        *status = {Status::check, x.tag, 0, ""};
        return false;
      case Opcode::matmul:
        kernels.matmul(x.matmul, memory, x.prepared);
        return true;
      case Opcode::argReduce:
        arg_reduce(x.argReduce, memory);
        return true;
      case Opcode::scan:
        scan(x.scan, memory);
        return true;
      case Opcode::fold:
        break;
      case Opcode::gather:
        bad = gather(x.gather, memory);
        break;
      case Opcode::scatter:
        bad = scatter(x.scatter, memory);
        break;
      case Opcode::sort:
        sort(x.sort, memory);
        return true;
      case Opcode::iota:
        iota(x.iota, memory);
        return true;
      case Opcode::count:
        return true;
    }
  }
  if (x.opcode == Opcode::fold) fold(x.fold, memory);
  if (bad.found) *status = {Status::index, x.tag, bad.value, ""};
  return !bad.found;
}

}  // namespace

Status run_stream(const int32_t* words, int64_t count, const Limits& limits, const Kernels& kernels,
                  const Memory& memory, Arena& arena) {
  Status status;
  Instruction x;
  x.tag = 0;
  x.prepared = nullptr;
  try {
    for (int64_t at = 0; at < count;) {
      arena.clear();
      const char* what = nullptr;
      const int64_t length = decode(words + at, count - at, limits, arena, &x, &what);
      if (length == 0) return {Status::invalid, x.tag, static_cast<int32_t>(x.opcode), what};
      if (!execute(x, kernels, memory, &status)) break;
      at += length;
    }
  } catch (const std::bad_alloc&) {
    return {Status::memory, x.tag, 0, ""};
  }
  return status;
}

std::unique_ptr<Program> Program::make(const int32_t* words, int64_t count, int32_t rowCount, int32_t numberCount,
                                       Status* status, int64_t elements) {
  auto program = std::make_unique<Program>();
  program->words_.assign(words, words + count);
  program->needs_.resize(rowCount);
  program->numberCount_ = numberCount;
  const Limits limits{nullptr, program->needs_.data(), rowCount, numberCount, elements};
  for (int64_t at = 0; at < count;) {
    Instruction x;
    x.prepared = nullptr;
    const char* what = nullptr;
    const int64_t length = decode(program->words_.data() + at, count - at, limits, program->arena_, &x, &what);
    if (length == 0) {
      *status = {Status::invalid, x.tag, static_cast<int32_t>(x.opcode), what};
      return nullptr;
    }
    program->instructions_.push_back(x);
    at += length;
  }
  return program;
}

void Program::prepare(const Kernels& kernels) {
  if (kernels_ == &kernels) return;
  release();
  kernels_ = &kernels;
  for (Instruction& x : instructions_) {
    if (x.empty) continue;
    const bool isCheck = x.opcode == Opcode::check;
    if (isCheck || x.opcode == Opcode::map) x.prepared = kernels.prepare(x.map, isCheck);
    if (x.opcode == Opcode::matmul) x.prepared = kernels.prepare_finish(x.matmul);
  }
}

void Program::release() {
  for (Instruction& x : instructions_) {
    if (x.prepared != nullptr) kernels_->release(x.prepared);
    x.prepared = nullptr;
  }
}

Status Program::run(const Kernels& kernels, const Row* rows, const double* numbers, int64_t times,
                    const Strides& strides, int64_t* done) {
  *done = 0;
  prepare(kernels);
  const int32_t rowCount = row_count();
  std::vector<Row> moved;
  for (int32_t i = 0; i < rowCount; i++) {
    const int64_t step = strides.rows == nullptr ? 0 : strides.rows[i];
    const Need& need = needs_[i];
    if (step != 0 && moved.empty()) moved.assign(rows, rows + rowCount);
    const int64_t more = times <= 1 || step == 0 ? 0 : rows[i].bytes / step >= times - 1 ? step * (times - 1) : -1;
    const bool aligned = (reinterpret_cast<uintptr_t>(rows[i].data) | static_cast<uintptr_t>(step)) % need.align == 0;
    if (step < 0 || more < 0 || need.bytes + more > rows[i].bytes || !aligned)
      return {Status::invalid, 0, static_cast<int32_t>(Opcode::count), "a row does not fit the program"};
  }
  Memory memory{moved.empty() ? rows : moved.data(), rowCount, numbers, numberCount_};
  Status status;
  try {
    for (int64_t run = 0; run < times; run++) {
      for (const Instruction& x : instructions_)
        if (!execute(x, kernels, memory, &status)) return status;
      ++*done;
      memory.numbers += strides.numbers;
      for (size_t i = 0; i < moved.size(); i++) moved[i].data += strides.rows[i];
    }
  } catch (const std::bad_alloc&) {
    return {Status::memory, 0, 0, ""};
  }
  return status;
}

}  // namespace flambeau
