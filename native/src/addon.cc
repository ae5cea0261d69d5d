// The functions that JavaScript calls; only this file, addon.h and javascript.h use Node's interface. Memory belongs to
// JavaScript: rows are addresses that the caller keeps alive until the call that runs them returns, or its promise
// resolves. The code uses node-addon-api; only `submit` and `run`, which programs repeat, use plain Node-API.
#include "addon.h"

#include <condition_variable>
#include <mutex>
#include <new>

#include "blas.h"
#include "matrices_call.h"
#include "pages.h"
#include "pool.h"

namespace flambeau {

namespace {

[[noreturn]] void refuse(const Napi::CallbackInfo& info, const std::string& message) {
  throw Napi::Error::New(info.Env(), message);
}

}  // namespace

// ---- programs ----

const char* Handle::bind_rows(int64_t times) {
  const int32_t count = program->row_count();
  if (rows.length < int64_t{3} * count) return "native: a program was not bound to its rows";
  const int64_t needed = program->number_count() + (times - 1) * stride;
  if (program->number_count() > 0 && numbers.length < needed) return "native: a program has too few numbers";
  for (int32_t i = 0; i < count; i++) {
    const double* words = rows.data + int64_t{3} * i;
    table[i] = row_of(words);
    steps[i] = step_of(words[2]);
  }
  return nullptr;
}

Status Handle::run(const Kernels& kernels, int64_t times, int64_t* done) const {
  return program->run(kernels, table.data(), numbers.data, times, {steps.data(), stride}, done);
}

namespace {

/** The tag that identifies our externals. */
constexpr napi_type_tag handleTag = {0x8a1c6f0b3d5e4972, 0xb7d2094e6a83f1c5};

/** The program in an external; nullptr if it is not one of ours. */
Handle* handle_of(napi_env env, napi_value value) {
  void* data = nullptr;
  napi_valuetype type;
  bool isOurs = false;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return nullptr;
  if (napi_check_object_type_tag(env, value, &handleTag, &isOurs) != napi_ok || !isOurs) return nullptr;
  napi_get_value_external(env, value, &data);
  return static_cast<Handle*>(data);
}
Handle* handle_of(const Napi::Value& value) { return handle_of(value.Env(), value); }

}  // namespace

// ---- runs on another thread ----

class Job : public Napi::AsyncWorker {
 public:
  Job(Addon* addon, const Napi::Value& program, Handle* handle, int64_t times)
      : AsyncWorker(program.Env(), "flambeau"),
        addon_(addon),
        handle_(handle),
        times_(times),
        keep_(Napi::Persistent(program.As<Napi::External<Handle>>())),
        deferred_(Napi::Promise::Deferred::New(program.Env())) {
    addon_->job = this;
  }
  ~Job() override { addon_->job = nullptr; }

  Napi::Value promise() const { return deferred_.Promise(); }

  /** Blocks until the run is done. */
  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return finished_; });
  }

 private:
  void Execute() override {
    status_ = handle_->run(*addon_->kernels, times_, &done_);
    std::lock_guard<std::mutex> lock(mutex_);
    finished_ = true;
    changed_.notify_all();
  }

  void OnOK() override {
    if (status_.kind == Status::invalid) {
      deferred_.Reject(Napi::Error::New(Env(), described("native", status_)).Value());
      return;
    }
    auto words = Napi::Int32Array::New(Env(), statusWords);
    write_status(status_, done_, words.Data());
    deferred_.Resolve(words);
  }

  Addon* addon_;
  Handle* handle_;
  int64_t times_;
  Napi::Reference<Napi::External<Handle>> keep_;
  Napi::Promise::Deferred deferred_;
  Status status_;
  int64_t done_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool finished_ = false;
};

void Addon::settle() const {
  if (job != nullptr) job->wait();
}

// ---- batches ----

Status Addon::run_batch(int32_t words, int32_t rows) noexcept {
  settle();
  try {
    table_.resize(rows);
  } catch (const std::bad_alloc&) {
    return {Status::memory, 0, 0, ""};
  }
  for (int32_t i = 0; i < rows; i++) table_[i] = row_of(rows_.data + int64_t{2} * i);
  const int32_t numbers = static_cast<int32_t>(numbers_.length);
  Limits limits{table_.data(), nullptr, rows, numbers};
  limits.programs = programs_.data();
  limits.programCount = static_cast<int32_t>(programs_.size());
  const Memory memory{table_.data(), rows, numbers_.data, numbers};
  return run_stream(words_.data, words, limits, *kernels, memory, arena_);
}

// ---- the calls that programs repeat ----

namespace {

/** The arguments of a hot call. */
template <size_t N> struct Arguments {
  napi_value values[N];
  Addon* addon = nullptr;

  Arguments(napi_env env, napi_callback_info info) {
    size_t given = N;
    napi_get_cb_info(env, info, &given, values, nullptr, reinterpret_cast<void**>(&addon));
  }
};

napi_value raise(napi_env env, const std::string& message) {
  napi_throw_error(env, nullptr, message.c_str());
  return nullptr;
}

}  // namespace

napi_value Addon::ended(napi_env env, const Status& status, int64_t done) {
  if (status.kind == Status::invalid) return raise(env, described("native", status));
  if (status_.data != nullptr) write_status(status, done, status_.data);
  napi_value kind = nullptr;
  napi_create_int32(env, status.kind, &kind);
  return kind;
}

/** submit(words, rows): runs the batch of so many words over so many rows; returns how it ended. */
napi_value Addon::submit(napi_env env, napi_callback_info info) noexcept {
  const Arguments<2> args(env, info);
  Addon* addon = args.addon;
  int32_t words, rows;
  if (!count_of(env, args.values[0], INT32_MAX, &words) || !count_of(env, args.values[1], INT32_MAX, &rows))
    return raise(env, "native: submit takes how many words and how many rows there are");
  if (words > addon->words_.length || int64_t{2} * rows > addon->rows_.length)
    return raise(env, "native: a batch is larger than what was opened for it");
  return addon->ended(env, addon->run_batch(words, rows), 0);
}

/** run(program, times): runs a program; returns how it ended. */
napi_value Addon::run(napi_env env, napi_callback_info info) noexcept {
  const Arguments<2> args(env, info);
  Handle* handle = handle_of(env, args.values[0]);
  int32_t times;
  if (handle == nullptr || !count_of(env, args.values[1], INT32_MAX, &times))
    return raise(env, "native: run takes a program and how often");
  args.addon->settle();
  if (const char* error = handle->bind_rows(times)) return raise(env, error);
  int64_t done = 0;
  const Status status = handle->run(*args.addon->kernels, times, &done);
  return args.addon->ended(env, status, done);
}

/**
 * matrices(routine, count, arrays, ...arrays, ...sizes): runs a routine of linear algebra over so many matrices, of which each
 * of so many arrays (Float64Array) has equal parts. Returns whether there was memory for it.
 */
napi_value Addon::matrices(napi_env env, napi_callback_info info) noexcept {
  napi_value values[mostMatricesArguments];
  size_t given = mostMatricesArguments;
  Addon* addon;
  napi_get_cb_info(env, info, &given, values, nullptr, reinterpret_cast<void**>(&addon));
  Matrices it{};
  if (!matrices_of(env, values, given, &it) || !fits(it))
    return raise(env, "native: matrices takes a routine, how many matrices and arrays, arrays (Float64Array) and sizes");
  napi_value done = nullptr;
  napi_get_boolean(env, addon->kernels->matrices(it), &done);
  return done;
}

/** narrow(from, to, at): writes the elements of a Float64Array into a Float32Array, from one of its elements on. */
napi_value Addon::narrow(napi_env env, napi_callback_info info) noexcept {
  const Arguments<3> args(env, info);
  Elements<double> from;
  Elements<float> to;
  int32_t at;
  if (!elements_of(env, args.values[0], &from) || !elements_of(env, args.values[1], &to) ||
      !count_of(env, args.values[2], INT32_MAX, &at) || from.length > to.length - at)
    return raise(env, "native: narrow takes a Float64Array, a Float32Array and a place that has room for all elements");
  args.addon->kernels->narrow(from.data, from.length, to.data + at);
  return nullptr;
}

/** normals(words, std): overwrites whole sixteens of random words in a Float32Array with normal numbers times `std`. */
napi_value Addon::normals(napi_env env, napi_callback_info info) noexcept {
  const Arguments<2> args(env, info);
  Elements<float> words;
  double std;
  if (!elements_of(env, args.values[0], &words) || napi_get_value_double(env, args.values[1], &std) != napi_ok)
    return raise(env, "native: normals takes a Float32Array and a number");
  args.addon->kernels->normals(words.data, words.length, static_cast<float>(std));
  return nullptr;
}

// ---- the other exports ----

/** address(array): the address of its elements. */
Napi::Value Addon::address(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray()) refuse(info, "native: address takes a typed array");
  void* data = nullptr;
  napi_get_typedarray_info(info.Env(), info[0], nullptr, nullptr, &data, nullptr, nullptr);
  return Napi::Number::New(info.Env(), static_cast<double>(reinterpret_cast<uintptr_t>(data)));
}

constexpr size_t largePage = 2 << 20;

/**
 * largeBuffer(buffer): announces that memory is large from now on and should be kept when it is freed. Requests large
 * pages for a buffer that fills one and has not been written to.
 */
void Addon::large_buffer(const Napi::CallbackInfo& info) {
  if (!info[0].IsArrayBuffer()) refuse(info, "native: largeBuffer takes an array buffer");
  auto buffer = info[0].As<Napi::ArrayBuffer>();
  keep_freed_memory();
  if (buffer.ByteLength() >= largePage) use_large_pages(buffer.Data(), buffer.ByteLength());
}

/** discard(array): returns the memory of its elements to the system; they are lost, but may be written again. */
void Addon::discard(const Napi::CallbackInfo& info) {
  Elements<double> elements;
  if (!elements_of(info[0], &elements)) refuse(info, "native: discard takes a Float64Array");
  flambeau::discard(elements.data, static_cast<size_t>(elements.length) * sizeof(double));
}

/** trim(): returns the memory that V8 has freed to the system. */
void Addon::trim(const Napi::CallbackInfo&) { return_freed_memory(); }

/** open(words, rows, numbers, status): sets the arrays, in shared memory, that carry batches and results. */
void Addon::open(const Napi::CallbackInfo& info) {
  Elements<int32_t> status;
  if (!elements_of(info[3], &status) || status.length < statusWords || !hold(info[0], &words_) ||
      !hold(info[1], &rows_) || !hold(info[2], &numbers_) || !hold(info[3], &status_))
    refuse(info,
           "native: open takes words (Int32Array), rows and numbers (Float64Array) and status (four of an "
           "Int32Array), all of shared memory");
}

/**
 * define(at, words, count, rows, numbers): checks the first `count` words as a program, which calls refer to by `at`.
 */
void Addon::define(const Napi::CallbackInfo& info) {
  int32_t at, count, rows, numbers;
  Elements<int32_t> words;
  if (!count_of(info[0], mostPrograms - 1, &at) || !elements_of(info[1], &words) ||
      !count_of(info[2], INT32_MAX, &count) || !count_of(info[3], mostRows, &rows) ||
      !count_of(info[4], INT32_MAX, &numbers))
    refuse(info, "native: define takes a number, words (Int32Array) and three counts");
  Status status{Status::memory, 0, static_cast<int32_t>(Opcode::count), "there is no memory for it"};
  if (count > words.length) status.what = "it ends too early";
  std::unique_ptr<Program> program;
  try {
    if (static_cast<size_t>(at) >= programs_.size()) programs_.resize(static_cast<size_t>(at) + 1);
    if (count <= words.length) program = Program::make(words.data, count, rows, numbers, &status);
  } catch (const std::bad_alloc&) {
  }
  if (program == nullptr) refuse(info, described("native", status));
  programs_[at] = std::move(program);
}

/** program(words, rows, numbers): returns a checked program over so many rows and numbers. */
Napi::Value Addon::program(const Napi::CallbackInfo& info) {
  int32_t rows, numbers;
  Elements<int32_t> words;
  if (!elements_of(info[0], &words) || !count_of(info[1], mostRows, &rows) ||
      !count_of(info[2], INT32_MAX, &numbers))
    refuse(info, "native: program takes words (Int32Array) and two counts");
  auto handle = std::make_unique<Handle>();
  try {
    Status status;
    handle->program = Program::make(words.data, words.length, rows, numbers, &status);
    if (handle->program == nullptr) refuse(info, described("native", status));
    handle->table.resize(rows);
    handle->steps.resize(rows);
  } catch (const std::bad_alloc&) {
    refuse(info, "native: there is no memory for a program");
  }
  const auto finalize = [](Napi::Env, Handle* held) { delete held; };
  const auto external = Napi::External<Handle>::New(info.Env(), handle.get(), finalize);
  handle.release();
  external.TypeTag(&handleTag);
  return external;
}

/**
 * bind(program, rows, numbers, stride): sets the arrays that runs read: address, bytes and stride of every row, and
 * numbers, which each run begins `stride` after the one before.
 */
void Addon::bind(const Napi::CallbackInfo& info) {
  settle();
  Handle* handle = handle_of(info[0]);
  int32_t stride;
  if (handle == nullptr || !count_of(info[3], INT32_MAX, &stride) || !hold(info[1], &handle->rows) ||
      !hold(info[2], &handle->numbers))
    refuse(info, "native: bind takes a program, rows and numbers (Float64Array of shared memory) and a stride");
  handle->stride = stride;
}

/** keep(program, tags): the factors a of the contractions with these tags stay as they are from run to run. */
void Addon::keep(const Napi::CallbackInfo& info) {
  settle();
  Handle* handle = handle_of(info[0]);
  Elements<int32_t> tags;
  if (handle == nullptr || !elements_of(info[1], &tags))
    refuse(info, "native: keep takes a program and tags (Int32Array)");
  handle->program->keep(tags.data, tags.length);
}

/** forget(program): they have changed since the last run. */
void Addon::forget(const Napi::CallbackInfo& info) {
  settle();
  Handle* handle = handle_of(info[0]);
  if (handle == nullptr) refuse(info, "native: forget takes a program");
  handle->program->forget();
}

/** runAsync(program, times): the same on another thread; returns a promise of how it ended. Other work waits for it. */
Napi::Value Addon::run_async(const Napi::CallbackInfo& info) {
  Handle* handle = handle_of(info[0]);
  int32_t times;
  if (handle == nullptr || !count_of(info[1], INT32_MAX, &times))
    refuse(info, "native: runAsync takes a program and how often");
  if (job != nullptr) refuse(info, "native: another run is not done yet");
  if (const char* error = handle->bind_rows(times)) refuse(info, error);
  // It deletes itself when it is done.
  auto next = std::make_unique<Job>(this, info[0], handle, times);
  next->Queue();
  return next.release()->promise();
}

constexpr int32_t mostThreads = 1024;

/** configure(threads, isa, blas): 0 and '' keep the current setting. */
void Addon::configure(const Napi::CallbackInfo& info) {
  settle();
  int32_t count;
  std::string isa, library, error;
  if (!count_of(info[0], mostThreads, &count) || !text_of(info[1], &isa) || !text_of(info[2], &library))
    refuse(info, "native: configure takes threads, up to 1024, and the names of kernels and of a BLAS");
  if (!isa.empty()) {
    const Kernels* named = kernels_named(isa.c_str(), &error);
    if (named == nullptr) refuse(info, error);
    kernels = named;
  }
  if (!library.empty()) error = use_blas(library);
  if (!error.empty()) refuse(info, error);
  if (count > 0) set_threads(count);
}

/** report(): describes the processor, the choices made for it, and threads. */
Napi::Value Addon::report(const Napi::CallbackInfo& info) {
  auto result = Napi::Object::New(info.Env());
  result.Set("isa", kernels->name);
  result.Set("features", cpu_features());
  result.Set("blas", blas_in_use());
  result.Set("threads", threads());
  result.Set("cores", usable_cores());
  return result;
}

// ---- set-up ----

Addon::Addon(Napi::Env env, Napi::Object exports) {
  std::string error;
  kernels = flambeau::kernels(&error);
  if (kernels == nullptr) throw Napi::Error::New(env, error);
  give_back_freed_memory();
  DefineAddon(exports, {
                           InstanceMethod("address", &Addon::address, napi_enumerable),
                           InstanceMethod("largeBuffer", &Addon::large_buffer, napi_enumerable),
                           InstanceMethod("discard", &Addon::discard, napi_enumerable),
                           InstanceMethod("trim", &Addon::trim, napi_enumerable),
                           InstanceMethod("open", &Addon::open, napi_enumerable),
                           InstanceMethod("define", &Addon::define, napi_enumerable),
                           InstanceMethod("program", &Addon::program, napi_enumerable),
                           InstanceMethod("bind", &Addon::bind, napi_enumerable),
                           InstanceMethod("keep", &Addon::keep, napi_enumerable),
                           InstanceMethod("forget", &Addon::forget, napi_enumerable),
                           InstanceMethod("runAsync", &Addon::run_async, napi_enumerable),
                           InstanceMethod("configure", &Addon::configure, napi_enumerable),
                           InstanceMethod("report", &Addon::report, napi_enumerable),
                           InstanceValue("version", Napi::String::New(env, FLAMBEAU_VERSION), napi_enumerable),
                           InstanceValue("format", Napi::Number::New(env, streamFormat), napi_enumerable),
                       });
  const auto define_hot = [&](const char* name, napi_callback function) {
    napi_value value;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, function, this, &value) != napi_ok)
      throw Napi::Error::New(env);
    exports.Set(name, value);
  };
  define_hot("submit", submit);
  define_hot("run", run);
  define_hot("matrices", matrices);
  define_hot("narrow", narrow);
  define_hot("normals", normals);
}

}  // namespace flambeau

using flambeau::Addon;
NODE_API_ADDON(Addon)
