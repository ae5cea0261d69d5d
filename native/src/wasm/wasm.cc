#include "wasm.h"

#include <math.h>

#include <vector>

#include "../dispatch.h"
#include "../outcome.h"

namespace flambeau {
namespace {

/** A program with the memory that its runs need. */
struct Handle {
  std::unique_ptr<Program> program;
  std::vector<Row> table;
  std::vector<int64_t> steps;
};

/** What outlives calls. */
struct State {
  const Kernels& kernels;
  Arena arena;
  std::vector<Row> table;
  /** The programs that batches call. */
  std::vector<std::unique_ptr<Program>> programs;
  /** Those that `run` runs, at their handle minus 1; null where there is none. */
  std::vector<std::unique_ptr<Handle>> handles;
  char message[sentenceBytes];
};

/** Never destroyed, as the module never ends. */
State& state() {
  static State& it = *new State{*kernels(nullptr), {}, {}, {}, {}, {}};
  return it;
}

int32_t refuse(const char* what, int32_t result) {
  write_sentence({"wasm: ", what}, state().message);
  return result;
}

int32_t ended(const Status& status, int64_t done, int32_t* words) {
  if (status.kind == Status::invalid) describe("wasm", status, state().message);
  write_status(status, done, words);
  return status.kind;
}

/** A row that lies within memory; any other has none. */
Row row_within(const double* words) { return row_of(words, 65536.0 * static_cast<double>(__builtin_wasm_memory_size(0))); }

Handle* handle_of(int32_t handle) {
  auto& handles = state().handles;
  return handle > 0 && static_cast<size_t>(handle) <= handles.size() ? handles[handle - 1].get() : nullptr;
}

/** A checked program; null with a message if it is none. */
std::unique_ptr<Program> program_of(const int32_t* words, int32_t wordCount, int32_t rows, int32_t numbers,
                                    const int32_t* functions, int32_t functionCount) {
  Status status;
  if (wordCount < 0 || rows < 0 || rows > mostRows || numbers < 0) {
    refuse("a program takes words, up to 1048576 rows and numbers", 0);
    return nullptr;
  }
  // A pointer to a function is its index in the table.
  static_assert(sizeof(Function) == sizeof(int32_t), "an index has the size of a pointer");
  auto program = Program::make(words, wordCount, rows, numbers, &status, Limits::most, false,
                               {reinterpret_cast<const Function*>(functions), functionCount});
  if (program == nullptr) describe("wasm", status, state().message);
  return program;
}

}  // namespace
}  // namespace flambeau

using namespace flambeau;

extern "C" void __wasm_call_ctors();

// That it is called somewhere keeps the linker from calling it around every export.
void flambeau_initialize() { __wasm_call_ctors(); }

int32_t flambeau_format() { return streamFormat; }

void* flambeau_allocate(uint32_t bytes) { return allocate(bytes); }
void flambeau_release(void* block) { std::free(block); }

int32_t flambeau_submit(const int32_t* words, int32_t wordCount, const double* rows, int32_t rowCount,
                        const double* numbers, int32_t numberCount, int32_t* status) {
  State& it = state();
  if (wordCount < 0 || rowCount < 0 || numberCount < 0) {
    write_status({Status::invalid}, 0, status);
    return refuse("submit takes words, rows and numbers", Status::invalid);
  }
  it.table.resize(rowCount);
  for (int32_t i = 0; i < rowCount; i++) it.table[i] = row_within(rows + int64_t{2} * i);
  Limits limits{it.table.data(), nullptr, rowCount, numberCount};
  limits.programs = it.programs.data();
  limits.programCount = static_cast<int32_t>(it.programs.size());
  const Memory memory{it.table.data(), rowCount, numbers, numberCount};
  return ended(run_stream(words, wordCount, limits, it.kernels, memory, it.arena), 0, status);
}

int32_t flambeau_define(int32_t at, const int32_t* words, int32_t wordCount, int32_t rows, int32_t numbers,
                        const int32_t* functions, int32_t functionCount) {
  auto& programs = state().programs;
  if (at < 0 || at >= mostPrograms) return refuse("define takes a number below 65536", 1);
  auto program = program_of(words, wordCount, rows, numbers, functions, functionCount);
  if (program == nullptr) return 1;
  if (static_cast<size_t>(at) >= programs.size()) programs.resize(static_cast<size_t>(at) + 1);
  programs[at] = std::move(program);
  return 0;
}

int32_t flambeau_program(const int32_t* words, int32_t wordCount, int32_t rows, int32_t numbers,
                         const int32_t* functions, int32_t functionCount) {
  auto& handles = state().handles;
  auto handle = std::make_unique<Handle>();
  handle->program = program_of(words, wordCount, rows, numbers, functions, functionCount);
  if (handle->program == nullptr) return 0;
  handle->table.resize(rows);
  handle->steps.resize(rows);
  size_t at = 0;
  while (at < handles.size() && handles[at] != nullptr) at++;
  if (at == handles.size()) handles.emplace_back();
  handles[at] = std::move(handle);
  return static_cast<int32_t>(at) + 1;
}

void flambeau_drop(int32_t handle) {
  if (handle_of(handle) != nullptr) state().handles[handle - 1] = nullptr;
}

int32_t flambeau_run(int32_t handle, const double* rows, const double* numbers, int32_t stride, int32_t times,
                     int32_t* status) {
  Handle* const it = handle_of(handle);
  if (it == nullptr || stride < 0 || times < 0) {
    write_status({Status::invalid}, 0, status);
    return refuse("run takes a program, a stride and how often", Status::invalid);
  }
  const int32_t count = it->program->row_count();
  for (int32_t i = 0; i < count; i++) {
    const double* words = rows + int64_t{3} * i;
    it->table[i] = row_within(words);
    it->steps[i] = step_of(words[2]);
  }
  int64_t done = 0;
  const Status ended_with =
      it->program->run(state().kernels, it->table.data(), numbers, times, {it->steps.data(), stride}, &done);
  return ended(ended_with, done, status);
}

void flambeau_keep(int32_t handle, const int32_t* tags, int32_t count) {
  if (Handle* const it = handle_of(handle)) it->program->keep(tags, count);
}
void flambeau_forget(int32_t handle) {
  if (Handle* const it = handle_of(handle)) it->program->forget();
}

// JavaScript writes it word by word.
static_assert(sizeof(Matrices) == 4 * (4 + mostMatrixSizes + 2 * mostMatrixArrays), "sizes and addresses have 32 bits");
bool flambeau_matrices(const Matrices* call) { return fits(*call) && state().kernels.matrices(*call); }

void flambeau_normals(float* words, uint32_t count, float std) { state().kernels.normals(words, count, std); }
void flambeau_narrow(const double* from, uint32_t count, float* to) { state().kernels.narrow(from, count, to); }

double flambeau_sin(double x) { return ::sin(x); }
double flambeau_cos(double x) { return ::cos(x); }
double flambeau_tan(double x) { return ::tan(x); }
double flambeau_atan2(double y, double x) { return ::atan2(y, x); }

const char* flambeau_message() { return state().message; }
