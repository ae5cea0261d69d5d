// The addon's class. Each JavaScript environment (the main thread, a worker) has an instance with its own arrays and
// programs; the process shares the thread pool and the kernels.
#pragma once
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "dispatch.h"
#include "javascript.h"
#include "stream.h"

namespace flambeau {

/** A program with the memory that it runs on. */
struct Handle {
  std::unique_ptr<Program> program;
  Held<double> rows;
  Held<double> numbers;
  std::vector<Row> table;
  std::vector<int64_t> steps;
  int32_t stride = 0;

  /** Reads the rows for so many runs; returns an error text if there are too few rows or numbers. */
  const char* bind_rows(int64_t times);
  Status run(const Kernels& kernels, int64_t times, int64_t* done) const;
};

class Job;

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports);

  const Kernels* kernels = nullptr;
  /** A run on another thread: nothing else runs until it is done. */
  Job* job = nullptr;

 private:
  Napi::Value address(const Napi::CallbackInfo& info);
  void large_buffer(const Napi::CallbackInfo& info);
  void discard(const Napi::CallbackInfo& info);
  void trim(const Napi::CallbackInfo& info);
  void open(const Napi::CallbackInfo& info);
  void define(const Napi::CallbackInfo& info);
  Napi::Value program(const Napi::CallbackInfo& info);
  void bind(const Napi::CallbackInfo& info);
  void keep(const Napi::CallbackInfo& info);
  void forget(const Napi::CallbackInfo& info);
  Napi::Value run_async(const Napi::CallbackInfo& info);
  void configure(const Napi::CallbackInfo& info);
  Napi::Value report(const Napi::CallbackInfo& info);
  /** The calls that programs repeat, in plain Node-API. */
  static napi_value submit(napi_env env, napi_callback_info info) noexcept;
  static napi_value run(napi_env env, napi_callback_info info) noexcept;

  /** Waits for the run on another thread. */
  void settle() const;
  /** Runs a batch of so many words over so many rows. */
  Status run_batch(int32_t words, int32_t rows) noexcept;
  /** Returns the outcome of a run to JavaScript; throws if the words themselves are invalid. */
  napi_value ended(napi_env env, const Status& status, int64_t done);

  Held<int32_t> words_;
  Held<double> rows_;
  Held<double> numbers_;
  Held<int32_t> status_;
  Arena arena_;
  std::vector<Row> table_;
  /** The programs that batches call. */
  std::vector<std::unique_ptr<Program>> programs_;
};

// ---- results ----

/** The error message for an invalid stream. */
inline std::string described(const Status& status) {
  const Opcode opcode = static_cast<Opcode>(status.value);
  return "native: instruction " + std::to_string(status.tag) + " (" + name_of(opcode) + "): " + status.what;
}

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

}  // namespace flambeau
