// Decodes one instruction from words into the kernel's arguments. The reader (reader.h) rejects anything outside its
// rows. A function for each kind, so its length is the number of kinds; that of compositions is a part of its own.
#include <cstring>

#include "decode_composite.inl"
#include "reader.h"

namespace flambeau {
namespace {

/** Reads the operands of an expression; stores their dtypes in `dtypes`. */
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

void read_map(Reader& r, Instruction* out) {
  const bool check = out->opcode == Opcode::check;
  Map& map = out->map;
  map.depth = r.count(maxDepth);
  map.inputCount = r.count();
  map.outCount = r.count();
  map.codeCount = r.count();
  int64_t elements = 1;
  map.sizes = r.sizes(map.depth, &elements);
  out->empty = elements == 0;
  if (!r.has(int64_t{map.inputCount} + map.outCount)) return;
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
  map.blocks = nullptr;
  map.sums = false;
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

void read_contraction(Reader& r, Instruction* out, const Border* border) {
  Contract& x = out->contract;
  x.border = border;
  x.kept = nullptr;
  x.blocks = nullptr;
  x.dtype = r.dtype();
  r.require(x.dtype == DType::int32 || is_float(x.dtype), "there are no products of this dtype");
  // No operand goes through more loops than kernels can count.
  x.batch = r.count(maxDepth);
  x.rows = r.count(maxDepth - x.batch);
  x.columns = r.count(maxDepth - x.batch - x.rows);
  x.sum = r.count(maxDepth - x.batch - std::max(x.rows, x.columns));
  x.inputCount = r.count();
  x.codeCount = r.count();
  x.from = r.word();
  x.count = x.m = x.n = x.k = 1;
  x.sizes = r.sizes(x.batch, &x.count);
  r.sizes(x.rows, &x.m);
  r.sizes(x.columns, &x.n);
  r.sizes(x.sum, &x.k);
  int64_t elements = x.count;
  r.times(x.m, &elements);
  r.times(x.n, &elements);
  const int64_t count = elements;
  out->empty = count == 0;
  r.times(x.k, &elements);
  const int32_t depth = x.batch + x.rows + x.columns;
  x.a = r.strided(x.batch + x.rows + x.sum, false);
  x.b = r.strided(x.batch + x.sum + x.columns, false);
  x.c = r.operand(false);
  for (const DType dtype : {x.a.operand.dtype, x.b.operand.dtype, x.c.dtype})
    r.require(dtype == x.dtype, "operands of a product are of several dtypes");
  if (!r.has(x.inputCount)) return;
  DType* dtypes = r.take<DType>(x.inputCount + 1);
  dtypes[0] = x.dtype;
  x.inputs = read_inputs(r, x.inputCount, depth, dtypes + 1);
  Values values(r, dtypes, x.inputCount + 1);
  x.codes = read_codes(r, x.codeCount, values);
  if (!r.good()) return;
  r.require(values.dtype(x.from) == x.dtype, "an output is not of its value's dtype");
  if (out->empty || !r.good()) return;
  if (x.k > 0) {
    const Reader::Part batch{0, x.batch}, sum{depth, x.sum};
    r.claim(x.a, x.sizes, {batch, {x.batch, x.rows}, sum});
    r.claim(x.b, x.sizes, {batch, sum, {x.batch + x.rows, x.columns}}, border);
  }
  r.claim(x.c, x.c.offset, x.c.offset + count - 1);
  for (int32_t i = 0; i < x.inputCount; i++) r.claim(x.inputs[i], depth, x.sizes);
}

void read_contract(Reader& r, Instruction* out) { read_contraction(r, out, nullptr); }

void read_bordered(Reader& r, Instruction* out) {
  const Border* const border = r.border();
  if (r.good()) read_contraction(r, out, border);
}

void read_arg_reduce(Reader& r, Instruction* out) {
  ArgReduce& x = out->argReduce;
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
  // The positions that it adds to lie within the elements that it clears.
  int64_t low = x.first, high = x.first;
  r.reach(x.to.steps, x.depth, x.sizes, {}, &low, &high);
  r.require(low >= 0 && high < x.count, "an element is added outside of the output");
}

void read_pad(Reader& r, Instruction* out) {
  Pad& x = out->pad;
  x.depth = r.count(maxDepth);
  x.count = r.count();
  x.first = r.count();
  const int32_t* value = r.words(2);
  int64_t elements = 1;
  x.sizes = r.sizes(x.depth, &elements);
  out->empty = elements == 0;
  x.from = r.strided(x.depth, false);
  x.to = r.strided(x.depth, false);
  r.require(x.from.operand.dtype == x.to.operand.dtype, "operands are of several dtypes");
  if (!r.good() || out->empty) return;
  memcpy(&x.value, value, sizeof x.value);
  r.require(x.depth > 0 && x.to.steps[x.depth - 1] == 1, "rows of an output are not contiguous");
  // How far the loops inside reach.
  int64_t last = 0;
  for (int32_t l = x.depth - 1; l >= 0 && r.good(); l--) {
    r.require(x.to.steps[l] > last, "an output is written out of order");
    last += (x.sizes[l] - int64_t{1}) * x.to.steps[l];
    r.require(x.first + last < x.count, "an element lies outside of the output");
  }
  if (!r.good()) return;
  const Operand to = x.to.operand;
  r.claim(to, to.offset, static_cast<int64_t>(to.offset) + x.count - 1);
  r.claim(x.from, x.depth, x.sizes);
}

void read_gather(Reader& r, Instruction* out) {
  Gather& x = out->gather;
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
  x.descending = r.word() != 0;
  x.depth = r.count(maxDepth - 1);
  x.n = r.word();
  x.runs = r.count();
  int64_t elements = 1;
  x.sizes = r.sizes(x.depth, &elements);
  r.times(x.n, &elements);
  out->empty = elements == 0;
  static_assert(sizeof(Run) == 8, "a run is two words of the stream");
  x.places = reinterpret_cast<const Run*>(r.words(int64_t{2} * x.runs));
  for (int32_t i = 0; r.good() && !out->empty && i < x.runs; i++) {
    const Run& run = x.places[i];
    r.require(run.from >= 0 && run.from < run.to && run.to <= x.n, "places are out of range");
  }
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

void read_call(Reader& r, Instruction* out) {
  Call& x = out->call;
  out->empty = false;
  x.program = r.program();
  if (x.program == nullptr) return;
  x.numbers = r.numbers(x.program->number_count());
  const int32_t count = x.program->row_count();
  if (!r.has(count)) return;
  Row* rows = r.take<Row>(count);
  for (int32_t i = 0; i < count; i++) rows[i] = r.part(x.program->need(i));
  x.rows = rows;
}

void read_indices(Reader& r, Instruction* out) {
  Indices& x = out->indices;
  x.depth = r.count(maxDepth);
  x.axisSize = r.count();
  int64_t elements = 1;
  x.sizes = r.sizes(x.depth, &elements);
  out->empty = elements == 0;
  x.index = r.strided(x.depth, false);
  r.require(x.index.operand.dtype == DType::int32, "indices are int32");
  if (!out->empty) r.claim(x.index, x.depth, x.sizes);
}

void read_repeat(Reader& r, Instruction* out) {
  Repeat& x = out->repeat;
  out->empty = false;
  x.times = r.count();
  const int32_t count = r.count();
  const int32_t numbers = r.count();
  x.numbers = r.count();
  x.body = r.body(r.count(), count, numbers);
  if (x.body == nullptr || !r.has(int64_t{count} * 6)) return;
  r.require(x.times > 0, "a repetition has no iterations");
  r.has_numbers(numbers + (int64_t{x.times} - 1) * x.numbers);
  Operand* rows = r.take<Operand>(count);
  int32_t* steps = r.take<int32_t>(count);
  for (int32_t i = 0; i < count && r.good(); i++) {
    rows[i] = r.operand(false);
    steps[i] = r.word();
    const Need& need = x.body->need(i);
    if (need.bytes == 0) continue;
    const int64_t size = size_of(rows[i].dtype), elements = (need.bytes - 1) / size + 1;
    r.require(need.align <= size, "a row of a body has elements of another size");
    r.require(elements <= INT32_MAX, "an operand goes too far");
    r.claim({rows[i], nullptr}, 0, nullptr, {{x.times, steps[i]}, {static_cast<int32_t>(elements), 1}});
  }
  x.rows = rows;
  x.steps = steps;
  x.present = r.take<Row>(count);
}

/** Decodes what is emitted as well, because its words say what the function reads and writes. */
void read_emitted(Reader& r, Instruction* out) {
  const Function function = r.function();
  const int32_t kind = r.count(2);
  Instruction inner;
  inner.prepared = nullptr;
  if (kind == 0) {
    out->empty = false;
    out->emitted = reinterpret_cast<WholeFunction>(function);
    do r.instruction(&inner, false);
    while (r.good() && !r.at_end());
    return;
  }
  r.instruction(&inner, true);
  if (!r.good()) return;
  *out = inner;
  const bool isMap = inner.opcode == Opcode::map || inner.opcode == Opcode::check;
  (isMap ? out->map.blocks : out->contract.blocks) = reinterpret_cast<BlockFunction>(function);
  if (isMap) out->map.sums = kind == 2;
}

/** By opcode. */
constexpr void (*readers[])(Reader&, Instruction*) = {read_map,  read_map,    read_contract, read_arg_reduce, read_scan,
                                                      read_fold, read_gather, read_scatter, read_sort,       read_iota,
                                                      read_composite, read_call,   read_indices, read_repeat,
                                                      read_pad,       read_bordered, read_emitted};
static_assert(sizeof(readers) / sizeof(*readers) == static_cast<size_t>(Opcode::count), "a reader for every opcode");

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
  if (out->opcode >= Opcode::map && out->opcode < Opcode::count)
    readers[words[0]](r, out);
  else
    r.fail("an opcode does not exist");
  r.require(r.at_end(), "its length does not fit");
  *what = r.what();
  return r.good() ? length : 0;
}

}  // namespace flambeau
