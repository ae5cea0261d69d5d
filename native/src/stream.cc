#include "stream.h"

#include <algorithm>
#include <new>

#include "pages.h"

namespace flambeau {

const char* name_of(Opcode opcode) {
  static const char* const names[] = {"map",     "check", "contract", "argReduce", "scan", "fold",   "gather",
                                      "scatter", "sort",  "iota",   "composite", "call", "indices", "repeat", "pad", "bordered", "emitted"};
  static_assert(sizeof(names) / sizeof(*names) == static_cast<size_t>(Opcode::count), "a name for every opcode");
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
  // Most programs are a single instruction, and there are many of them.
  const int64_t length = std::max<int64_t>(size, chunks_.empty() ? 1024 : 16384);
  chunks_.push_back({std::unique_ptr<double[]>(new double[length / 8]), length});
  at_ = size;
  return chunks_.back().memory.get();
}

void Arena::clear() {
  chunk_ = 0;
  at_ = 0;
}

// ---- runs ----

namespace {

/** Runs f; memory that runs out in it ends the run. Where there are no exceptions, the caller of all this ends it. */
template <class F> Status while_memory_lasts(const int32_t& tag, F&& f) {
#if defined(__cpp_exceptions)
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return {Status::memory, tag, 0, ""};
  }
#else
  static_cast<void>(tag);
  return f();
#endif
}

/** Runs the iterations of a repetition, until one fails. */
Status run_turns(const Repeat& x, const Kernels& kernels, const Memory& memory) {
  const int32_t count = x.body->row_count();
  for (int32_t i = 0; i < count; i++) {
    const Operand& row = x.rows[i];
    x.present[i] = {memory.rows[row.ref].data + int64_t{row.offset} * size_of(row.dtype), x.body->need(i).bytes};
  }
  for (int32_t turn = 0; turn < x.times; turn++) {
    const Status status = x.body->call(kernels, x.present, memory.numbers + int64_t{turn} * x.numbers);
    if (status.kind != Status::done) return status;
    for (int32_t i = 0; i < count; i++) x.present[i].data += int64_t{x.steps[i]} * size_of(x.rows[i].dtype);
  }
  return {};
}

/** Runs an instruction; returns whether it succeeded. */
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
      case Opcode::contract:
      case Opcode::bordered:
        kernels.contract(x.contract, memory, x.prepared);
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
      case Opcode::indices:
        bad = indices(x.indices, memory);
        break;
      case Opcode::sort:
        sort(x.sort, memory);
        return true;
      case Opcode::iota:
        iota(x.iota, memory);
        return true;
      case Opcode::composite:
        kernels.composite(x.composite, memory);
        return true;
      case Opcode::call:
        *status = x.call.program->call(kernels, x.call.rows, memory.numbers + x.call.numbers);
        status->tag = x.tag;
        return status->kind == Status::done;
      case Opcode::repeat:
        *status = run_turns(x.repeat, kernels, memory);
        return status->kind == Status::done;
      case Opcode::pad:
        kernels.pad(x.pad, memory);
        return true;
      case Opcode::emitted: {
        const int32_t failed = x.emitted(memory.rows, memory.numbers);
        if (failed != 0) *status = {Status::check, failed - 1, 0, ""};
        return failed == 0;
      }
      case Opcode::count:
        return true;
    }
  }
  if (x.opcode == Opcode::fold) fold(x.fold, kernels, memory);
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
  return while_memory_lasts(x.tag, [&]() -> Status {
    for (int64_t at = 0; at < count;) {
      arena.clear();
      const char* what = nullptr;
      const int64_t length = decode(words + at, count - at, limits, arena, &x, &what);
      if (length == 0) return {Status::invalid, x.tag, static_cast<int32_t>(x.opcode), what};
      if (!execute(x, kernels, memory, &status)) break;
      at += length;
    }
    return status;
  });
}

std::unique_ptr<Program> Program::make(const int32_t* words, int64_t count, int32_t rowCount, int32_t numberCount,
                                       Status* status, int64_t elements, bool isBody, Functions functions) {
  auto program = std::make_unique<Program>();
  program->words_.assign(words, words + count);
  program->needs_.resize(rowCount);
  program->numberCount_ = numberCount;
  const Limits limits{nullptr,     program->needs_.data(), rowCount, numberCount, elements, nullptr, 0, functions,
                      isBody ? nullptr : &program->bodies_};
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

bool Kept::has_room(int64_t bytes) {
  if (data_ != nullptr) return true;
  if (bytes > *left_) return false;
  // All of it is read in every run: it fills large pages if it is large.
  constexpr size_t largePage = 2 << 20;
  const size_t align = bytes < int64_t{largePage} ? 64 : largePage;
  data_ = allocate(bytes, align);
  if (data_ == nullptr) out_of_memory();
  if (align == largePage) use_large_pages(data_, static_cast<size_t>(bytes));
  *left_ -= bytes;
  return true;
}

void Program::keep(const int32_t* tags, int64_t count) {
  for (Instruction& x : instructions_) {
    if (x.opcode != Opcode::contract && x.opcode != Opcode::bordered) continue;
    if (x.empty || x.contract.kept != nullptr || std::find(tags, tags + count, x.tag) == tags + count) continue;
    kept_.push_back(std::make_unique<Kept>(&left_));
    x.contract.kept = kept_.back().get();
  }
}

void Program::forget() {
  for (const auto& kept : kept_) kept->made = 0;
}

void Program::prepare(const Kernels& kernels) {
  release();
  // Other kernels make something else of a factor.
  forget();
  kernels_ = &kernels;
  for (Instruction& x : instructions_) {
    if (x.empty) continue;
    const bool isCheck = x.opcode == Opcode::check;
    if (isCheck || x.opcode == Opcode::map) x.prepared = kernels.prepare(x.map, isCheck);
    if (x.opcode == Opcode::contract || x.opcode == Opcode::bordered) x.prepared = kernels.prepare_finish(x.contract);
  }
}

void Program::release() {
  for (Instruction& x : instructions_) {
    if (x.prepared != nullptr) kernels_->release(x.prepared);
    x.prepared = nullptr;
  }
}

Status Program::call(const Kernels& kernels, const Row* rows, const double* numbers) {
  if (kernels_ != &kernels) prepare(kernels);
  const Memory memory{rows, row_count(), numbers, numberCount_};
  Status status;
  for (const Instruction& x : instructions_)
    if (!execute(x, kernels, memory, &status)) break;
  return status;
}

Status Program::run(const Kernels& kernels, const Row* rows, const double* numbers, int64_t times,
                    const Strides& strides, int64_t* done) {
  *done = 0;
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
  const Row* present = moved.empty() ? rows : moved.data();
  return while_memory_lasts(0, [&]() -> Status {
    for (int64_t run = 0; run < times; run++) {
      const Status status = call(kernels, present, numbers + run * strides.numbers);
      if (status.kind != Status::done) return status;
      ++*done;
      for (size_t i = 0; i < moved.size(); i++) moved[i].data += strides.rows[i];
    }
    return {};
  });
}

}  // namespace flambeau
