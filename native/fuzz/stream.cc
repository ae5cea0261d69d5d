// Fuzzes random and mutated streams, as batches, which may call programs, and as programs, over rows that end where
// their memory ends: for any words, nothing outside a row may be touched and the process must survive. Sanitizers,
// which it is built with, detect both. A seed gives the same stream everywhere.
//
//   fuzz_stream COUNT [FIRST]
#include "stream.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "dispatch.h"

namespace flambeau {
namespace {

/** Streams that once caused a failure. */
constexpr uint64_t kept[] = {5140540, 5123757, 5008855};

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}

  uint64_t bits() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ * 0x2545f4914f6cdd1d;
  }
  /** From 0 to n - 1. */
  int32_t below(int64_t n) { return static_cast<int32_t>((bits() >> 33) % static_cast<uint64_t>(n)); }
  bool chance(int32_t percent) { return below(100) < percent; }

 private:
  uint64_t state_;
};

constexpr int64_t mostElements = 1 << 12;
constexpr int32_t rowCount = 5, numberCount = 4, programCount = 4;

/** Writes instructions that are mostly valid. */
class Writer {
 public:
  /** `opcodes`: use the first so many opcodes. */
  Writer(Random& random, Opcode opcodes) : random_(random), opcodes_(static_cast<int32_t>(opcodes)) {}

  std::vector<int32_t> words;

  void instruction(int32_t tag) {
    const size_t start = words.size();
    const int32_t opcode = random_.below(opcodes_);
    words.insert(words.end(), {opcode, 0, tag});
    switch (static_cast<Opcode>(opcode)) {
      case Opcode::map:
      case Opcode::check:
        map(opcode == static_cast<int32_t>(Opcode::check));
        break;
      case Opcode::contract:
        contract();
        break;
      case Opcode::bordered:
        put({1 + random_.below(9), 1 + random_.below(9)});
        for (int32_t i = 0; i < 4; i++) put({random_.below(3)});
        put({random_.chance(70) ? 0 : random_.below(20)});
        contract();
        break;
      case Opcode::argReduce: {
        const int32_t kept = random_.below(3), reduced = random_.below(3);
        put({random_.below(2), kept, reduced});
        sizes(kept + reduced);
        strided(any_dtype(), kept + reduced);
        operand(DType::int32);
        break;
      }
      case Opcode::scan: {
        const int32_t depth = random_.below(3);
        put({random_.below(4), depth, random_.below(7)});
        sizes(depth);
        const DType dtype = any_dtype();
        strided(dtype, depth + 1);
        strided(dtype, depth + 1);
        break;
      }
      case Opcode::fold: {
        const int32_t depth = random_.below(4);
        put({depth, random_.below(60), random_.below(4)});
        sizes(depth);
        const DType dtype = any_dtype();
        strided(dtype, depth);
        strided(dtype, depth);
        break;
      }
      case Opcode::pad: {
        const int32_t depth = 1 + random_.below(3);
        put({depth, random_.below(600), random_.below(4), random_.below(9), random_.below(9)});
        sizes(depth);
        const DType dtype = any_dtype();
        strided(dtype, depth);
        operand(dtype);
        // Mostly in order, because sizes are mostly below 7.
        for (int32_t i = 0; i < depth; i++) put({random_.chance(5) ? random_.below(9) : i == depth - 1 ? 1 : i == depth - 2 ? 7 : 49});
        break;
      }
      case Opcode::gather:
      case Opcode::scatter: {
        const int32_t depth = random_.below(4);
        const bool scatter = opcode == static_cast<int32_t>(Opcode::scatter);
        if (scatter) put({random_.below(5) - 1});
        put({depth, random_.below(9), random_.below(5) - 1});
        sizes(depth);
        const DType dtype = any_dtype();
        strided(scatter ? DType::int32 : dtype, depth);
        strided(scatter ? dtype : DType::int32, depth);
        strided(dtype, depth);
        break;
      }
      case Opcode::sort: {
        const int32_t depth = random_.below(3);
        const int32_t runs = random_.below(3), n = random_.below(40);
        put({random_.below(2), depth, n, runs});
        sizes(depth);
        for (int32_t i = 0; i < runs; i++) {
          const int32_t from = random_.below(n + 1);
          put({from, from + random_.below(n + 2 - from)});
        }
        const DType dtype = any_dtype();
        strided(dtype, depth + 1);
        strided(dtype, depth + 1);
        strided(DType::int32, depth + 1);
        break;
      }
      case Opcode::composite: {
        const int32_t kind = random_.below(static_cast<int32_t>(Composite::count));
        const CompositeInfo& info = info_of(static_cast<Composite>(kind));
        const DType dtype = random_.chance(50) ? DType::float32 : random_.chance(90) ? DType::float64 : any_dtype();
        put({kind, static_cast<int32_t>(dtype)});
        if (info.numbers > 1 && random_.chance(90)) {
          // By name, because WebAssembly does not have all of them.
          const std::string_view name = info.name;
          const bool isConvolution = name == "convolutionByInput";
          windows(isConvolution || name == "maxPoolBackward" || name == "avgPoolBackward");
          for (int32_t i = 8; i < info.numbers; i++) put({isConvolution ? 1 + random_.below(3) : random_.below(4) - 1});
        } else {
          sizes(3);
          for (int32_t i = 0; i < info.numbers; i++) put({random_.below(4) - 1});
        }
        for (int32_t i = 0; i < info.operands; i++) {
          operand(info.extents[i] == Extent::index ? DType::int32 : dtype);
          if (info.extents[i] == Extent::rowOrOne) put({random_.below(2)});
          if (info.extents[i] == Extent::channel || info.extents[i] == Extent::weight) put({random_.below(4)});
        }
        break;
      }
      case Opcode::indices: {
        const int32_t depth = random_.below(4);
        put({depth, random_.below(9)});
        sizes(depth);
        strided(DType::int32, depth);
        break;
      }
      case Opcode::call:
        put({random_.below(programCount), random_.chance(80) ? 0 : random_.below(3)});
        for (int32_t i = 0; i < rowCount; i++) {
          const int32_t row = random_.below(rowCount);
          place(row, random_.chance(60) ? 0 : random_.below(40));
        }
        break;
      case Opcode::repeat: {
        Writer body(random_, Opcode::call);
        for (int32_t left = 1 + random_.below(2); left > 0; left--) body.instruction(tag + 100);
        put({random_.below(5), rowCount, numberCount - 1, random_.chance(80) ? 0 : random_.below(3)});
        put({static_cast<int32_t>(body.words.size())});
        words.insert(words.end(), body.words.begin(), body.words.end());
        for (int32_t i = 0; i < rowCount; i++) {
          operand(random_.chance(70) ? DType::float64 : any_dtype());
          put({random_.chance(50) ? 0 : random_.below(25) - 12});
        }
        break;
      }
      default:
        put({random_.below(5), random_.below(5), random_.below(5)});
        operand(any_dtype());
    }
    words[start + 1] = static_cast<int32_t>(words.size() - start);
  }

 private:
  bool isLater() const { return opcodes_ > static_cast<int32_t>(Opcode::composite); }
  void put(std::initializer_list<int32_t> list) { words.insert(words.end(), list); }
  DType any_dtype() { return static_cast<DType>(random_.below(5)); }

  void sizes(int32_t depth) {
    for (int32_t i = 0; i < depth; i++)
      put({random_.chance(3) ? 0 : random_.chance(10) ? random_.below(300) : 1 + random_.below(6)});
  }

  /** The sizes and numbers of windows in planes; `isBackward`: the sizes of windows, and the numbers of planes. */
  void windows(bool isBackward) {
    int32_t in[2], out[2], kernel[2], stride[2], low[2];
    for (int d = 0; d < 2; d++) {
      out[d] = 1 + random_.below(6);
      kernel[d] = 1 + random_.below(random_.chance(20) ? 10 : 3);
      stride[d] = 1 + random_.below(d == 0 ? 4 : 2);
      low[d] = random_.chance(50) ? 0 : random_.below(kernel[d]);
      // The last window reaches beyond the end, or leaves something out.
      const int32_t end = (out[d] - 1) * stride[d] - low[d] + kernel[d];
      in[d] = end + (random_.chance(50) ? 0 : random_.below(stride[d]));
      if (random_.chance(30)) in[d] -= random_.below(kernel[d]);
    }
    const int32_t *own = isBackward ? out : in, *other = isBackward ? in : out;
    put({1 + random_.below(3), own[0], own[1], other[0], other[1]});
    for (const int32_t* pair : {kernel, stride, low}) put({pair[0], pair[1]});
  }

  void operand(DType dtype, bool mayBeNumber = false) {
    const bool number = mayBeNumber && random_.chance(20);
    const int32_t ref = number ? -1 - random_.below(numberCount) : random_.below(rowCount);
    place(ref, random_.below(8));
    put({static_cast<int32_t>(dtype)});
  }

  /** The tensor is all of its row, except in the newer streams. */
  void place(int32_t ref, int32_t offset) {
    const bool bounded = isLater() && random_.chance(40);
    put({ref, bounded ? random_.below(9) : 0, bounded ? random_.below(600) : INT32_MAX - 16, offset});
  }

  void strided(DType dtype, int32_t depth, bool mayBeNumber = false) {
    const size_t at = words.size();
    operand(dtype, mayBeNumber);
    const bool number = words[at] < 0;
    int32_t step = 1;
    std::vector<int32_t> steps(static_cast<size_t>(depth));
    for (int32_t i = depth - 1; i >= 0; i--) {
      steps[static_cast<size_t>(i)] = number || random_.chance(15) ? 0
                                      : random_.chance(15)         ? random_.below(9) - 4
                                                                   : step;
      step *= 3;
    }
    words.insert(words.end(), steps.begin(), steps.end());
  }

  /** Steps over values of the given dtypes; returns the number of steps. `places` gives the dtype of each. */
  struct Value {
    int32_t place;
    DType dtype;
  };

  void codes(std::vector<Value>& values, int32_t count, std::vector<int32_t>& out) {
    for (int32_t i = 0; i < count; i++) {
      const int32_t step = random_.below(static_cast<int32_t>(Step::count));
      const Value a = values[static_cast<size_t>(random_.below(static_cast<int64_t>(values.size())))];
      Value b = a, c = a;
      for (const Value& value : values) {
        if (value.dtype == a.dtype && random_.chance(50)) b = value;
        if (value.dtype == a.dtype && random_.chance(50)) c = value;
      }
      const Step s = static_cast<Step>(step);
      DType dtype = a.dtype, of = a.dtype;
      int32_t operands[3] = {a.place, b.place, c.place};
      if (s == Step::constant || s == Step::cast) dtype = any_dtype();
      if (s == Step::constant) {
        of = dtype;
        const double number = static_cast<double>(random_.below(9)) - 4;
        memcpy(operands, &number, 8);
      }
      if (info_of(s).rule == Rule::comparison) dtype = DType::boolean;
      if (s == Step::select) {
        for (const Value& value : values) {
          if (value.dtype == DType::boolean) operands[0] = value.place;
        }
      }
      const int32_t dst = random_.below(8);
      out.insert(out.end(), {step, static_cast<int32_t>(dtype), static_cast<int32_t>(of), dst});
      out.insert(out.end(), operands, operands + 3);
      for (size_t k = 0; k < values.size(); k++) {
        if (values[k].place == dst) values.erase(values.begin() + static_cast<int64_t>(k--));
      }
      values.push_back({dst, dtype});
    }
  }

  void map(bool check) {
    const int32_t depth = random_.below(4), inputs = 1 + random_.below(4), outs = check ? 1 : 1 + random_.below(3);
    const int32_t count = random_.below(6) + (check ? 1 : 0);
    put({depth, inputs, outs, count});
    sizes(depth);
    std::vector<Value> values;
    for (int32_t i = 0; i < inputs; i++) {
      const DType dtype = any_dtype();
      strided(dtype, depth, true);
      values.push_back({-1 - i, dtype});
    }
    std::vector<int32_t> written;
    codes(values, count - (check ? 1 : 0), written);
    if (check) {
      const Value a = values.back();
      written.insert(written.end(),
                     {static_cast<int32_t>(Step::isnan), 0, static_cast<int32_t>(a.dtype), 9, a.place, 0, 0});
      values.push_back({9, DType::boolean});
    }
    for (int32_t i = 0; i < outs; i++) {
      const Value value =
          check ? values.back() : values[static_cast<size_t>(random_.below(static_cast<int64_t>(values.size())))];
      strided(value.dtype, depth);
      put({check ? 2 : random_.below(5) - 1, value.place});
    }
    words.insert(words.end(), written.begin(), written.end());
  }

  void contract() {
    const DType dtype = static_cast<DType>(2 + random_.below(3));
    const int32_t batch = random_.below(2), inputs = random_.below(2), count = random_.below(3);
    std::vector<Value> values{{-1, dtype}};
    for (int32_t i = 0; i < inputs; i++) values.push_back({-2 - i, random_.chance(70) ? dtype : any_dtype()});
    std::vector<Value> all = values;
    std::vector<int32_t> written;
    codes(all, count, written);
    int32_t from = -1;
    for (const Value& value : all) {
      if (value.dtype == dtype) from = value.place;
    }
    // The kept streams have products of matrices.
    const bool nests = isLater() && random_.chance(60);
    int32_t loops[3] = {1, 1, 1};
    std::vector<int32_t> matrices;
    for (int32_t& loop : loops) {
      if (nests) loop = random_.below(4);
      for (int32_t i = 0; i < loop; i++) matrices.push_back(random_.below(nests ? 6 : 12));
    }
    put({static_cast<int32_t>(dtype), batch, loops[0], loops[1], loops[2], inputs, count, from});
    sizes(batch);
    words.insert(words.end(), matrices.begin(), matrices.end());
    strided(dtype, batch + loops[0] + loops[2]);
    strided(dtype, batch + loops[2] + loops[1]);
    operand(dtype);
    const int32_t depth = batch + loops[0] + loops[1];
    for (int32_t i = 0; i < inputs; i++) strided(values[static_cast<size_t>(i) + 1].dtype, depth, true);
    words.insert(words.end(), written.begin(), written.end());
  }

  Random& random_;
  const int32_t opcodes_;
};

/** Replaces some words: by small numbers, large ones, or their neighbours. */
void mutate(std::vector<int32_t>& words, Random& random) {
  constexpr int32_t special[] = {0, 1, -1, 2, -2, 3, 64, 1 << 16, INT32_MAX, INT32_MIN, INT32_MAX - 1, 1 << 30};
  for (int32_t i = 1 + random.below(3); i > 0; i--) {
    int32_t& word = words[static_cast<size_t>(random.below(static_cast<int64_t>(words.size())))];
    const int32_t kind = random.below(3);
    if (kind == 0) word = special[random.below(12)];
    if (kind == 1) word ^= 1 << random.below(31);
    if (kind == 2) word = random.below(12) - 3;
  }
  if (random.chance(10)) words.resize(static_cast<size_t>(random.below(static_cast<int64_t>(words.size())) + 1));
}

/** Runs one stream; returns how it ended. */
Status::Kind run(uint64_t seed, const Kernels& kernels) {
  Random random(seed);
  // Rows and calls are newer than the kept streams, which must not change.
  const bool isLater = seed % 4 == 2;
  std::unique_ptr<Program> programs[programCount];
  for (int32_t i = 0; isLater && i < programCount; i++) {
    Writer writer(random, Opcode::call);
    for (int32_t left = 1 + random.below(2); left > 0; left--) writer.instruction(0);
    Status status;
    const int64_t count = static_cast<int64_t>(writer.words.size());
    programs[i] = Program::make(writer.words.data(), count, rowCount, numberCount - 1, &status, mostElements);
  }
  Writer writer(random, isLater ? Opcode::count : Opcode::composite);
  for (int32_t i = 1 + random.below(3), tag = 0; tag < i; tag++) writer.instruction(tag);
  if (random.chance(50)) mutate(writer.words, random);
  Row rows[rowCount];
  std::vector<std::unique_ptr<char[]>> memory;
  for (Row& row : rows) {
    const int64_t bytes = random.chance(80) ? 4096 : random.below(2048);
    memory.emplace_back(new char[static_cast<size_t>(bytes)]);
    row = {memory.back().get(), bytes};
    const bool small = random.chance(70);
    for (int64_t i = 0; i < bytes; i++)
      row.data[i] = static_cast<char>(small ? (i % 4 == 0 ? random.below(8) : 0) : random.bits());
  }
  // Words and numbers also end where their memory does.
  const std::vector<int32_t> words(writer.words);
  const double numbers[numberCount * 3] = {0, 1.5, -3, 1e300, 0 / 1.0, 7, 255, 1e-300, 2, 3, 4, 5};
  const int64_t count = static_cast<int64_t>(words.size());
  if (random.chance(70)) {
    Arena arena;
    const Limits limits{rows, nullptr, rowCount, numberCount, mostElements, programs, programCount};
    return run_stream(words.data(), count, limits, kernels, {rows, rowCount, numbers, numberCount}, arena).kind;
  }
  Status status;
  const auto program = Program::make(words.data(), count, rowCount, numberCount, &status, mostElements);
  if (program == nullptr) return status.kind;
  int64_t steps[rowCount] = {};
  if (random.chance(50)) steps[random.below(rowCount)] = 8 * random.below(40);
  int64_t done = 0;
  return program->run(kernels, rows, numbers, 3, {steps, numberCount}, &done).kind;
}

}  // namespace
}  // namespace flambeau

int main(int argc, char** argv) {
  using namespace flambeau;
  const uint64_t count = argc > 1 ? strtoull(argv[1], nullptr, 10) : 20000;
  const uint64_t first = argc > 2 ? strtoull(argv[2], nullptr, 10) : 1000;
  std::string error;
  const Kernels* chosen = kernels(&error);
  if (chosen == nullptr) return fprintf(stderr, "%s\n", error.c_str()), 1;
  uint64_t ended[5] = {};
  for (const uint64_t seed : kept) ended[run(seed, *chosen)]++;
  for (uint64_t i = 0; i < count; i++) {
    if (getenv("FLAMBEAU_FUZZ_TRACE") != nullptr) fprintf(stderr, "%llu\n", static_cast<unsigned long long>(first + i));
    ended[run(first + i, *chosen)]++;
  }
  printf("%s: %llu streams: %llu done, %llu refused, %llu checks, %llu indices, %llu memory\n", chosen->name,
         static_cast<unsigned long long>(count), static_cast<unsigned long long>(ended[0]),
         static_cast<unsigned long long>(ended[1]), static_cast<unsigned long long>(ended[2]),
         static_cast<unsigned long long>(ended[3]), static_cast<unsigned long long>(ended[4]));
}
