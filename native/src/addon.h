// The addon's class. Each JavaScript environment (the main thread, a worker) has an instance with its own arrays and
// programs; the process shares the thread pool and the kernels.
#pragma once
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "dispatch.h"
#include "javascript.h"
#include "outcome.h"

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
  static napi_value matrices(napi_env env, napi_callback_info info) noexcept;
  static napi_value narrow(napi_env env, napi_callback_info info) noexcept;
  static napi_value normals(napi_env env, napi_callback_info info) noexcept;

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

}  // namespace flambeau
