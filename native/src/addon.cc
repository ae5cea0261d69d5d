// The functions that JavaScript calls; only this file, environment.h and javascript.h use Node-API. Each environment
// has its own state and memory; the process shares the thread pool and the kernels. Memory belongs to JavaScript: rows
// are addresses that the caller keeps alive until the call that runs them returns, or its promise resolves.
#include <condition_variable>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "blas.h"
#include "dispatch.h"
#include "environment.h"
#include "pages.h"
#include "pool.h"
#include "stream.h"

namespace flambeau {

// ---- runs on another thread ----

struct Job {
  Env* state;
  Handle* handle;
  int64_t times;
  Status status;
  int64_t done = 0;
  napi_ref keep = nullptr;
  napi_deferred deferred = nullptr;
  napi_async_work work = nullptr;
  std::mutex mutex;
  std::condition_variable changed;
  bool finished = false;

  void wait() {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return finished; });
  }
};

namespace {

/** Waits for the job of another thread, so that work is done in order. */
void settle(Env* state) {
  if (state->job != nullptr) state->job->wait();
}

Status run_handle(const Kernels& kernels, const Handle& handle, int64_t times, int64_t* done) {
  return handle.program->run(kernels, handle.table.data(), handle.numbers.data, times,
                             {handle.steps.data(), handle.stride}, done);
}

/** Reads the rows of a program again; returns an error text if there are too few numbers. */
const char* bind_rows(Handle* handle, int64_t times) {
  const int32_t count = handle->program->row_count();
  if (handle->rows.length < int64_t{3} * count) return "native: a program was not bound to its rows";
  const int64_t needed = handle->program->number_count() + (times - 1) * handle->stride;
  if (handle->program->number_count() > 0 && handle->numbers.length < needed)
    return "native: a program has too few numbers";
  for (int32_t i = 0; i < count; i++) {
    const double* words = handle->rows.data + int64_t{3} * i;
    handle->table[i] = row_of(words);
    handle->steps[i] = words[2] >= 0 && words[2] < 9007199254740992.0 ? static_cast<int64_t>(words[2]) : 0;
  }
  return nullptr;
}

void execute(napi_env, void* data) {
  Job* job = static_cast<Job*>(data);
  job->status = run_handle(*job->state->kernels, *job->handle, job->times, &job->done);
  std::lock_guard<std::mutex> lock(job->mutex);
  job->finished = true;
  job->changed.notify_all();
}

void complete(napi_env env, napi_status, void* data) {
  std::unique_ptr<Job> job(static_cast<Job*>(data));
  job->state->job = nullptr;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value buffer, result;
  void* words = nullptr;
  if (job->status.kind == Status::invalid) {
    napi_create_error(env, nullptr, text(env, described(job->status)), &result);
    napi_reject_deferred(env, job->deferred, result);
  } else if (napi_create_arraybuffer(env, statusWords * sizeof(int32_t), &words, &buffer) == napi_ok) {
    napi_create_typedarray(env, napi_int32_array, statusWords, buffer, 0, &result);
    write_status(job->status, job->done, static_cast<int32_t*>(words));
    napi_resolve_deferred(env, job->deferred, result);
  }
  napi_delete_reference(env, job->keep);
  napi_delete_async_work(env, job->work);
  napi_close_handle_scope(env, scope);
}

// ---- exports ----

/** address(array): the address of its elements. */
napi_value address(napi_env env, napi_callback_info info) {
  const Arguments<1> args(env, info);
  void* data;
  if (napi_get_typedarray_info(env, args.values[0], nullptr, nullptr, &data, nullptr, nullptr) != napi_ok)
    return raise(env, "native: address takes a typed array");
  return number(env, static_cast<double>(reinterpret_cast<uintptr_t>(data)));
}

constexpr size_t largePage = 2 << 20;

/**
 * largeBuffer(buffer): announces that memory is large from now on and should be kept when it is freed. Requests large
 * pages for a buffer that fills one and has not been written to.
 */
napi_value large_buffer(napi_env env, napi_callback_info info) {
  const Arguments<1> args(env, info);
  void* data;
  size_t bytes;
  if (napi_get_arraybuffer_info(env, args.values[0], &data, &bytes) != napi_ok)
    return raise(env, "native: largeBuffer takes an array buffer");
  keep_freed_memory();
  if (bytes >= largePage) use_large_pages(data, bytes);
  return nullptr;
}

/** open(words, rows, numbers, status): sets the arrays, in shared memory, that carry batches and results. */
napi_value open(napi_env env, napi_callback_info info) {
  const Arguments<4> args(env, info);
  Env* state = args.state;
  Elements<int32_t> status;
  if (!elements_of(env, args.values[3], &status, nullptr) || status.length < statusWords ||
      !hold(env, args.values[0], &state->words) || !hold(env, args.values[1], &state->rows) ||
      !hold(env, args.values[2], &state->numbers) || !hold(env, args.values[3], &state->status))
    return raise(env,
                 "native: open takes words (Int32Array), rows and numbers (Float64Array) and status (four of an "
                 "Int32Array), all of shared memory");
  return nullptr;
}

/** submit(words, rows): runs the batch of so many words over so many rows; returns how it ended. */
napi_value submit(napi_env env, napi_callback_info info) {
  const Arguments<2> args(env, info);
  Env* state = args.state;
  int32_t words, rows;
  if (!count_of(env, args.values[0], INT32_MAX, &words) || !count_of(env, args.values[1], INT32_MAX, &rows))
    return raise(env, "native: submit takes how many words and how many rows there are");
  if (words > state->words.length || int64_t{2} * rows > state->rows.length)
    return raise(env, "native: a batch is larger than what was opened for it");
  settle(state);
  try {
    state->table.resize(rows);
  } catch (const std::bad_alloc&) {
    return ended(env, state, {Status::memory, 0, 0, ""}, 0);
  }
  for (int32_t i = 0; i < rows; i++) state->table[i] = row_of(state->rows.data + int64_t{2} * i);
  const int32_t numbers = static_cast<int32_t>(state->numbers.length);
  Limits limits{state->table.data(), nullptr, rows, numbers};
  limits.programs = state->programs.data();
  limits.programCount = static_cast<int32_t>(state->programs.size());
  const Memory memory{state->table.data(), rows, state->numbers.data, numbers};
  return ended(env, state, run_stream(state->words.data, words, limits, *state->kernels, memory, state->arena), 0);
}

constexpr int32_t mostPrograms = 1 << 16;
/** The limit for programs, because each row takes memory. */
constexpr int32_t mostRows = 1 << 20;

/**
 * define(at, words, count, rows, numbers): checks the first `count` words as a program, which calls refer to by `at`.
 */
napi_value define(napi_env env, napi_callback_info info) {
  const Arguments<5> args(env, info);
  std::vector<std::unique_ptr<Program>>& programs = args.state->programs;
  int32_t at, count, rows, numbers;
  Elements<int32_t> words;
  if (!count_of(env, args.values[0], mostPrograms - 1, &at) || !elements_of(env, args.values[1], &words, nullptr) ||
      !count_of(env, args.values[2], INT32_MAX, &count) || !count_of(env, args.values[3], mostRows, &rows) ||
      !count_of(env, args.values[4], INT32_MAX, &numbers))
    return raise(env, "native: define takes a number, words (Int32Array) and three counts");
  Status status{Status::memory, 0, static_cast<int32_t>(Opcode::count), "there is no memory for it"};
  if (count > words.length) status.what = "it ends too early";
  std::unique_ptr<Program> program;
  try {
    if (static_cast<size_t>(at) >= programs.size()) programs.resize(static_cast<size_t>(at) + 1);
    if (count <= words.length) program = Program::make(words.data, count, rows, numbers, &status);
  } catch (const std::bad_alloc&) {
  }
  if (program == nullptr) return raise(env, described(status));
  programs[at] = std::move(program);
  return nullptr;
}

/** The tag that identifies our externals. */
constexpr napi_type_tag handleTag = {0x8a1c6f0b3d5e4972, 0xb7d2094e6a83f1c5};

/** program(words, rows, numbers): returns a checked program over so many rows and numbers. */
napi_value program(napi_env env, napi_callback_info info) {
  const Arguments<3> args(env, info);
  int32_t rows, numbers;
  Elements<int32_t> words;
  if (!elements_of(env, args.values[0], &words, nullptr) || !count_of(env, args.values[1], mostRows, &rows) ||
      !count_of(env, args.values[2], INT32_MAX, &numbers))
    return raise(env, "native: program takes words (Int32Array) and two counts");
  Status status;
  napi_value value = nullptr;
  try {
    auto handle = std::make_unique<Handle>();
    handle->program = Program::make(words.data, words.length, rows, numbers, &status);
    handle->table.resize(rows);
    handle->steps.resize(rows);
    if (handle->program == nullptr) return raise(env, described(status));
    const auto finalize = [](napi_env env, void* data, void*) {
      std::unique_ptr<Handle> handle(static_cast<Handle*>(data));
      release(env, &handle->rows);
      release(env, &handle->numbers);
    };
    if (napi_create_external(env, handle.get(), finalize, nullptr, &value) == napi_ok) {
      handle.release();
      napi_type_tag_object(env, value, &handleTag);
    }
  } catch (const std::bad_alloc&) {
    return raise(env, "native: there is no memory for a program");
  }
  return value;
}

Handle* handle_of(napi_env env, napi_value value) {
  void* data = nullptr;
  napi_valuetype type;
  bool isOurs = false;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return nullptr;
  if (napi_check_object_type_tag(env, value, &handleTag, &isOurs) != napi_ok || !isOurs) return nullptr;
  napi_get_value_external(env, value, &data);
  return static_cast<Handle*>(data);
}

/**
 * bind(program, rows, numbers, stride): sets the arrays that runs read: address, bytes and stride of every row, and
 * numbers, which each run begins `stride` after the one before.
 */
napi_value bind(napi_env env, napi_callback_info info) {
  const Arguments<4> args(env, info);
  settle(args.state);
  Handle* handle = handle_of(env, args.values[0]);
  int32_t stride;
  if (handle == nullptr || !count_of(env, args.values[3], INT32_MAX, &stride) ||
      !hold(env, args.values[1], &handle->rows) || !hold(env, args.values[2], &handle->numbers))
    return raise(env, "native: bind takes a program, rows and numbers (Float64Array of shared memory) and a stride");
  handle->stride = stride;
  return nullptr;
}

/** run(program, times): runs a program; returns how it ended. */
napi_value run(napi_env env, napi_callback_info info) {
  const Arguments<2> args(env, info);
  Handle* handle = handle_of(env, args.values[0]);
  int32_t times;
  if (handle == nullptr || !count_of(env, args.values[1], INT32_MAX, &times))
    return raise(env, "native: run takes a program and how often");
  settle(args.state);
  if (const char* error = bind_rows(handle, times)) return raise(env, error);
  int64_t done = 0;
  const Status status = run_handle(*args.state->kernels, *handle, times, &done);
  return ended(env, args.state, status, done);
}

/** runAsync(program, times): the same on another thread; returns a promise of how it ended. Other work waits for it. */
napi_value run_async(napi_env env, napi_callback_info info) {
  const Arguments<2> args(env, info);
  Handle* handle = handle_of(env, args.values[0]);
  int32_t times;
  if (handle == nullptr || !count_of(env, args.values[1], INT32_MAX, &times))
    return raise(env, "native: runAsync takes a program and how often");
  if (args.state->job != nullptr) return raise(env, "native: another run is not done yet");
  if (const char* error = bind_rows(handle, times)) return raise(env, error);
  std::unique_ptr<Job> job(new (std::nothrow) Job);
  if (job == nullptr) return raise(env, "native: there is no memory for a run");
  job->state = args.state;
  job->handle = handle;
  job->times = times;
  napi_value promise, name = text(env, "flambeau");
  if (napi_create_async_work(env, nullptr, name, execute, complete, job.get(), &job->work) != napi_ok ||
      napi_create_reference(env, args.values[0], 1, &job->keep) != napi_ok ||
      napi_create_promise(env, &job->deferred, &promise) != napi_ok || napi_queue_async_work(env, job->work) != napi_ok)
    return raise(env, "native: a run could not be queued");
  args.state->job = job.release();
  return promise;
}

constexpr int32_t mostThreads = 1024;

/** configure(threads, isa, blas): 0 and '' keep the current setting. */
napi_value configure(napi_env env, napi_callback_info info) {
  const Arguments<3> args(env, info);
  settle(args.state);
  int32_t count;
  std::string isa, library, error;
  if (!count_of(env, args.values[0], mostThreads, &count) || !text_of(env, args.values[1], &isa) ||
      !text_of(env, args.values[2], &library))
    return raise(env, "native: configure takes threads, up to 1024, and the names of kernels and of a BLAS");
  if (!isa.empty()) {
    const Kernels* named = kernels_named(isa.c_str(), &error);
    if (named == nullptr) return raise(env, error);
    args.state->kernels = named;
  }
  if (!library.empty()) error = use_blas(library);
  if (!error.empty()) return raise(env, error);
  if (count > 0) set_threads(count);
  return nullptr;
}

/** report(): describes the processor, the choices made for it, and threads. */
napi_value report(napi_env env, napi_callback_info info) {
  const Arguments<1> args(env, info);
  napi_value result;
  napi_create_object(env, &result);
  napi_set_named_property(env, result, "isa", text(env, args.state->kernels->name));
  napi_set_named_property(env, result, "features", text(env, cpu_features()));
  napi_set_named_property(env, result, "blas", text(env, blas_in_use()));
  napi_set_named_property(env, result, "threads", whole(env, threads()));
  napi_set_named_property(env, result, "cores", whole(env, usable_cores()));
  return result;
}

void finish(napi_env env, void* data, void*) {
  std::unique_ptr<Env> state(static_cast<Env*>(data));
  release(env, &state->words);
  release(env, &state->rows);
  release(env, &state->numbers);
  release(env, &state->status);
}

}  // namespace
}  // namespace flambeau

NAPI_MODULE_INIT() {
  using namespace flambeau;
  auto state = new (std::nothrow) Env;
  if (state == nullptr) return raise(env, "native: there is no memory");
  std::string error;
  state->kernels = kernels(&error);
  if (state->kernels == nullptr) {
    delete state;
    return raise(env, error.c_str());
  }
  napi_set_instance_data(env, state, finish, nullptr);
  give_back_freed_memory();
  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {
      {"address", address},
      {"open", open},
      {"submit", submit},
      {"define", define},
      {"program", program},
      {"bind", bind},
      {"run", run},
      {"runAsync", run_async},
      {"configure", configure},
      {"report", report},
      {"largeBuffer", large_buffer},
  };
  for (const auto& [name, function] : functions) {
    napi_value value;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
    napi_set_named_property(env, exports, name, value);
  }
  napi_set_named_property(env, exports, "version", text(env, FLAMBEAU_VERSION));
  napi_set_named_property(env, exports, "format", whole(env, streamFormat));
  return exports;
}
