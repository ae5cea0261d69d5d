// The state of a JavaScript environment (the main thread, a worker), how its calls take arguments, and how they return
// the outcome of a run.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "dispatch.h"
#include "javascript.h"
#include "stream.h"

namespace flambeau {

struct Job;

/** The state of an environment. */
struct Env {
  const Kernels* kernels = nullptr;
  Held<int32_t> words;
  Held<double> rows;
  Held<double> numbers;
  /** The outcome of the last run. */
  Held<int32_t> status;
  Arena arena;
  std::vector<Row> table;
  /** The programs that batches call. */
  std::vector<std::unique_ptr<Program>> programs;
  /** A run on another thread: nothing else runs until it is done. */
  Job* job = nullptr;
};

/** A program with the memory that it runs on. */
struct Handle {
  std::unique_ptr<Program> program;
  Held<double> rows;
  Held<double> numbers;
  std::vector<Row> table;
  std::vector<int64_t> steps;
  int32_t stride = 0;
};

// ---- arguments and results ----

inline std::string described(const Status& status) {
  const Opcode opcode = static_cast<Opcode>(status.value);
  return "native: instruction " + std::to_string(status.tag) + " (" + name_of(opcode) + "): " + status.what;
}

template <size_t N> struct Arguments {
  napi_value values[N];
  Env* state = nullptr;

  Arguments(napi_env env, napi_callback_info info) {
    size_t count = N;
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
    napi_get_instance_data(env, reinterpret_cast<void**>(&state));
  }
};

/** A row of the table: an address, as a double, and bytes. Doubles that cannot be these refer to no memory. */
inline Row row_of(const double* words) {
  constexpr double most = 9007199254740992.0;
  const bool good = words[0] >= 0 && words[0] < most && words[1] >= 0 && words[1] < most;
  if (!good) return {nullptr, 0};
  return {reinterpret_cast<char*>(static_cast<uintptr_t>(words[0])), static_cast<int64_t>(words[1])};
}

constexpr int64_t statusWords = 4;

/** The outcome of a run: kind, tag, value, completed runs. */
inline void write_status(const Status& status, int64_t done, int32_t* out) {
  out[0] = status.kind;
  out[1] = status.tag;
  out[2] = status.value;
  out[3] = static_cast<int32_t>(done);
}

/** Returns the outcome of a run to JavaScript; throws if the words themselves are invalid. */
inline napi_value ended(napi_env env, Env* state, const Status& status, int64_t done) {
  if (status.kind == Status::invalid) return raise(env, described(status));
  if (state->status.data != nullptr) write_status(status, done, state->status.data);
  return whole(env, status.kind);
}

}  // namespace flambeau
