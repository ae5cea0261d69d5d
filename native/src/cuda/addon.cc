// The functions of the CUDA addon that JavaScript calls; only this file knows Node. Each returns the driver's code of an
// error, 0 if there is none, and TypeScript makes sentences of them; wrong arguments throw. Addresses are numbers. It is
// long because Node-API wants each of the functions three times: declared, defined, and listed.
#include <napi.h>

#include <memory>
#include <vector>

#include "../javascript.h"
#include "device.h"

namespace flambeau::cuda {
namespace {

constexpr int32_t format = 4;

[[noreturn]] void refuse(const Napi::CallbackInfo& info, const std::string& message) {
  throw Napi::Error::New(info.Env(), "cuda: " + message);
}

constexpr napi_type_tag deviceTag = {0x4c7e1a92d5b80f36, 0x93e6b1f40a2d8c75};

bool size_of(const Napi::Value& value, size_t* size) {
  if (!value.IsNumber()) return false;
  const double x = value.As<Napi::Number>().DoubleValue();
  if (!(x >= 0 && x < 9007199254740992.0)) return false;
  *size = static_cast<size_t>(x);
  return true;
}

/** The bytes of a typed array, or of a part of it. */
bool bytes_of(const Napi::Value& value, char** data, size_t* bytes) {
  if (!value.IsTypedArray()) return false;
  const auto array = value.As<Napi::TypedArray>();
  void* found = nullptr;
  if (napi_get_typedarray_info(value.Env(), value, nullptr, nullptr, &found, nullptr, nullptr) != napi_ok) return false;
  *data = static_cast<char*>(found);
  *bytes = array.ByteLength();
  return true;
}

/** A device, and the weak references that its memory has, by their numbers; those of the gone ones are used again. */
struct Opened {
  std::unique_ptr<Device> device;
  std::vector<napi_ref> watched;
  std::vector<int32_t> free;

  void drop(napi_env env, int32_t number) {
    napi_delete_reference(env, watched[number]);
    watched[number] = nullptr;
    free.push_back(number);
  }
};

}  // namespace

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports);

 private:
  Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value device(const Napi::CallbackInfo& info);
  Napi::Value load(const Napi::CallbackInfo& info);
  Napi::Value function(const Napi::CallbackInfo& info);
  Napi::Value allocate(const Napi::CallbackInfo& info);
  Napi::Value release(const Napi::CallbackInfo& info);
  Napi::Value memory(const Napi::CallbackInfo& info);
  Napi::Value submit(const Napi::CallbackInfo& info);
  Napi::Value write(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value copy(const Napi::CallbackInfo& info);
  Napi::Value clear(const Napi::CallbackInfo& info);
  Napi::Value synchronize(const Napi::CallbackInfo& info);
  Napi::Value begin_graph(const Napi::CallbackInfo& info);
  Napi::Value end_graph(const Napi::CallbackInfo& info);
  Napi::Value launch_graph(const Napi::CallbackInfo& info);
  Napi::Value drop_graph(const Napi::CallbackInfo& info);
  Napi::Value blas(const Napi::CallbackInfo& info);
  Napi::Value receive(const Napi::CallbackInfo& info);
  Napi::Value fence(const Napi::CallbackInfo& info);
  Napi::Value passed(const Napi::CallbackInfo& info);
  Napi::Value mark(const Napi::CallbackInfo& info);
  Napi::Value elapsed(const Napi::CallbackInfo& info);
  void reset_marks(const Napi::CallbackInfo& info);
  Napi::Value describe_error(const Napi::CallbackInfo& info);
  Napi::Value watch(const Napi::CallbackInfo& info);
  void unwatch(const Napi::CallbackInfo& info);
  Napi::Value sweep(const Napi::CallbackInfo& info);

  Opened& opened_of(const Napi::CallbackInfo& info, const char* name, size_t argument = 0) const;
  Device& device_of(const Napi::CallbackInfo& info, const char* name, size_t argument = 0) const {
    return *opened_of(info, name, argument).device;
  }
  /** The code of an error as the functions return it. */
  Napi::Value code(const Napi::CallbackInfo& info, CUresult result) const {
    return Napi::Number::New(info.Env(), static_cast<int32_t>(result));
  }
  /** A number, or minus the code of an error. */
  Napi::Value number(const Napi::CallbackInfo& info, CUresult result, double value) const {
    return Napi::Number::New(info.Env(), result == CUDA_SUCCESS ? value : -static_cast<double>(result));
  }
  /** The number of what a device makes, or minus the code of an error. */
  Napi::Value made(const Napi::CallbackInfo& info, const char* name, CUresult (Device::*make)(int32_t*)) const {
    int32_t found = 0;
    const CUresult result = (device_of(info, name).*make)(&found);
    return number(info, result, found);
  }
};

Opened& Addon::opened_of(const Napi::CallbackInfo& info, const char* name, size_t argument) const {
  const Napi::Value value = info[argument];
  if (!value.IsExternal() || !value.As<Napi::External<Opened>>().CheckTypeTag(&deviceTag))
    refuse(info, std::string(name) + " takes a device as argument " + std::to_string(argument));
  return *value.As<Napi::External<Opened>>().Data();
}

/** open(path): opens the driver. Returns its version and the devices, or how it failed: `failure`, `code`, `text`. */
Napi::Value Addon::open(const Napi::CallbackInfo& info) {
  std::string path;
  if (!text_of(info[0], &path)) refuse(info, "open takes a path");
  Failure failure;
  const Driver* found = driver(path, &failure);
  auto result = Napi::Object::New(info.Env());
  if (found == nullptr) {
    result.Set("failure", failure.kind == Failure::missing ? "missing" : failure.kind == Failure::old ? "old" : "refused");
    result.Set("code", static_cast<int32_t>(failure.code));
    result.Set("text", failure.text);
    return result;
  }
  int version = 0, count = 0;
  found->cuDriverGetVersion(&version);
  found->cuDeviceGetCount(&count);
  result.Set("version", version);
  auto devices = Napi::Array::New(info.Env());
  for (int i = 0; i < count; i++) {
    CUdevice device = 0;
    char name[256] = "";
    size_t bytes = 0;
    int major = 0, minor = 0, processors = 0;
    if (found->cuDeviceGet(&device, i) != CUDA_SUCCESS) continue;
    found->cuDeviceGetName(name, sizeof name, device);
    found->cuDeviceTotalMem_v2(&bytes, device);
    found->cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device);
    found->cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device);
    found->cuDeviceGetAttribute(&processors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, device);
    auto described = Napi::Object::New(info.Env());
    described.Set("name", name);
    described.Set("major", major);
    described.Set("minor", minor);
    described.Set("bytes", static_cast<double>(bytes));
    described.Set("multiprocessors", processors);
    devices.Set(static_cast<uint32_t>(i), described);
  }
  result.Set("devices", devices);
  return result;
}

/** device(ordinal): a device for this thread, or the code of an error. */
Napi::Value Addon::device(const Napi::CallbackInfo& info) {
  int32_t ordinal;
  if (!count_of(info[0], 1 << 16, &ordinal)) refuse(info, "device takes a number");
  CUresult result = CUDA_SUCCESS;
  std::unique_ptr<Opened> opened(new Opened{std::unique_ptr<Device>(Device::open(ordinal, &result)), {}, {}});
  if (opened->device == nullptr) return code(info, result);
  const auto external = Napi::External<Opened>::New(info.Env(), opened.get(), [](Napi::Env env, Opened* gone) {
    for (napi_ref reference : gone->watched) {
      if (reference != nullptr) napi_delete_reference(env, reference);
    }
    delete gone;
  });
  opened.release();
  external.TypeTag(&deviceTag);
  return external;
}

/** load(device, text): the number of a module, or { code, text } of an error. */
Napi::Value Addon::load(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "load");
  if (!info[1].IsString()) refuse(info, "load takes a text");
  int32_t module = 0;
  std::string log;
  const CUresult result = device.load(info[1].As<Napi::String>().Utf8Value(), &module, &log);
  if (result == CUDA_SUCCESS) return Napi::Number::New(info.Env(), module);
  auto failed = Napi::Object::New(info.Env());
  failed.Set("code", static_cast<int32_t>(result));
  failed.Set("text", log);
  return failed;
}

/** function(device, module, name): its number, or minus the code of an error. */
Napi::Value Addon::function(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "function");
  int32_t module, found = 0;
  std::string name;
  if (!count_of(info[1], INT32_MAX, &module) || !text_of(info[2], &name)) refuse(info, "function takes a module and a name");
  const CUresult result = device.function(module, name, &found);
  return number(info, result, found);
}

/** allocate(device, bytes): an address, or minus the code of an error. */
Napi::Value Addon::allocate(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "allocate");
  size_t bytes;
  if (!size_of(info[1], &bytes)) refuse(info, "allocate takes a number of bytes");
  CUdeviceptr address = 0;
  const CUresult result = device.allocate(bytes, &address);
  return number(info, result, static_cast<double>(address));
}

Napi::Value Addon::release(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "release");
  size_t address;
  if (!size_of(info[1], &address)) refuse(info, "release takes an address");
  return code(info, device.release(address));
}

/** memory(device): the bytes that are free and all bytes; empty after an error. */
Napi::Value Addon::memory(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "memory");
  size_t free = 0, total = 0;
  auto result = Napi::Array::New(info.Env());
  if (device.memory(&free, &total) != CUDA_SUCCESS) return result;
  result.Set(uint32_t{0}, static_cast<double>(free));
  result.Set(uint32_t{1}, static_cast<double>(total));
  return result;
}

/** submit(device, words, count): runs launches; returns the code of an error, and then words[0] is the launch's number. */
Napi::Value Addon::submit(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "submit");
  Elements<int32_t> words;
  int32_t count, at = 0;
  if (!elements_of(info[1], &words) || !count_of(info[2], INT32_MAX, &count) || count > words.length)
    refuse(info, "submit takes words (Int32Array) and how many there are");
  const CUresult result = device.submit(words.data, count, &at);
  if (result != CUDA_SUCCESS && words.length > 0) words.data[0] = at;
  return code(info, result);
}

/** write(device, address, array) */
Napi::Value Addon::write(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "write");
  size_t address, bytes;
  char* data;
  if (!size_of(info[1], &address) || !bytes_of(info[2], &data, &bytes)) refuse(info, "write takes an address and an array");
  return code(info, device.write(address, data, bytes));
}

/** read(device, array, address): waits for everything before it. */
Napi::Value Addon::read(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "read");
  size_t address, bytes;
  char* data;
  if (!bytes_of(info[1], &data, &bytes) || !size_of(info[2], &address)) refuse(info, "read takes an array and an address");
  return code(info, device.read(data, address, bytes));
}

/** copy(device, to, from, bytes) */
Napi::Value Addon::copy(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "copy");
  size_t to, from, bytes;
  if (!size_of(info[1], &to) || !size_of(info[2], &from) || !size_of(info[3], &bytes))
    refuse(info, "copy takes two addresses and a number of bytes");
  return code(info, device.copy(to, from, bytes));
}

/** clear(device, address, bytes): sets them to 0. */
Napi::Value Addon::clear(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "clear");
  size_t to, bytes;
  if (!size_of(info[1], &to) || !size_of(info[2], &bytes)) refuse(info, "clear takes an address and a number of bytes");
  return code(info, device.clear(to, bytes));
}

Napi::Value Addon::synchronize(const Napi::CallbackInfo& info) {
  return code(info, device_of(info, "synchronize").synchronize());
}

Napi::Value Addon::begin_graph(const Napi::CallbackInfo& info) {
  return code(info, device_of(info, "beginGraph").begin_graph());
}

/** endGraph(device): the number of the graph, or minus the code of an error. */
Napi::Value Addon::end_graph(const Napi::CallbackInfo& info) { return made(info, "endGraph", &Device::end_graph); }

/** launchGraph(device, graph, times) */
Napi::Value Addon::launch_graph(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "launchGraph");
  int32_t graph, times;
  if (!count_of(info[1], INT32_MAX, &graph) || !count_of(info[2], INT32_MAX, &times))
    refuse(info, "launchGraph takes a graph and how often");
  return code(info, device.launch_graph(graph, times));
}

Napi::Value Addon::drop_graph(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "dropGraph");
  int32_t graph;
  if (!count_of(info[1], INT32_MAX, &graph)) refuse(info, "dropGraph takes a graph");
  return code(info, device.drop_graph(graph));
}

/** blas(device, name): the file of the BLAS that was taken, '' for none, or { code, text } of why it was not. */
Napi::Value Addon::blas(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "blas");
  std::string name, fault;
  if (!text_of(info[1], &name)) refuse(info, "blas takes a name");
  const CUresult result = device.blas(name, &fault);
  if (result == CUDA_SUCCESS && fault.empty()) return Napi::String::New(info.Env(), device.blas());
  auto failed = Napi::Object::New(info.Env());
  failed.Set("code", static_cast<int32_t>(result));
  failed.Set("text", fault);
  return failed;
}

/** receive(device, to, other, from, bytes): copies from another device. */
Napi::Value Addon::receive(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "receive");
  Device& other = device_of(info, "receive", 2);
  size_t to, from, bytes;
  if (!size_of(info[1], &to) || !size_of(info[3], &from) || !size_of(info[4], &bytes))
    refuse(info, "receive takes two addresses and a number of bytes");
  return code(info, device.receive(to, other, from, bytes));
}

/** fence(device): the number of a fence behind what the device was given to do, or minus the code of an error. */
Napi::Value Addon::fence(const Napi::CallbackInfo& info) { return made(info, "fence", &Device::fence); }

/** passed(device, fence): 1 if that is done, and then the fence is gone; 0 if not yet; minus the code of an error. */
Napi::Value Addon::passed(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "passed");
  int32_t fence;
  if (!count_of(info[1], INT32_MAX, &fence)) refuse(info, "passed takes the number of a fence");
  bool is = false;
  const CUresult result = device.passed(fence, &is);
  return number(info, result, is ? 1 : 0);
}

/** mark(device): the number of a mark, or minus the code of an error. */
Napi::Value Addon::mark(const Napi::CallbackInfo& info) { return made(info, "mark", &Device::mark); }

/** elapsed(device, from, to): milliseconds between two marks, or minus the code of an error. */
Napi::Value Addon::elapsed(const Napi::CallbackInfo& info) {
  Device& device = device_of(info, "elapsed");
  int32_t from, to;
  if (!count_of(info[1], INT32_MAX, &from) || !count_of(info[2], INT32_MAX, &to)) refuse(info, "elapsed takes two marks");
  float milliseconds = 0;
  const CUresult result = device.elapsed(from, to, &milliseconds);
  return number(info, result, milliseconds);
}

void Addon::reset_marks(const Napi::CallbackInfo& info) { device_of(info, "resetMarks").reset_marks(); }

/** describe(code): the driver's words for an error. */
Napi::Value Addon::describe_error(const Napi::CallbackInfo& info) {
  int32_t number;
  if (!count_of(info[0], INT32_MAX, &number)) refuse(info, "describe takes a code");
  return Napi::String::New(info.Env(), describe(static_cast<CUresult>(number)));
}

// ---- weak references: V8 clears them when it has found an object dead, also within a synchronous loop ----

/** watch(device, object): a number for it. */
Napi::Value Addon::watch(const Napi::CallbackInfo& info) {
  auto& [device, watched, free] = opened_of(info, "watch");
  if (!info[1].IsObject()) refuse(info, "watch takes an object");
  napi_ref reference = nullptr;
  if (napi_create_reference(info.Env(), info[1], 0, &reference) != napi_ok) throw Napi::Error::New(info.Env());
  int32_t number = static_cast<int32_t>(watched.size());
  if (free.empty()) {
    watched.push_back(reference);
  } else {
    number = free.back();
    free.pop_back();
    watched[number] = reference;
  }
  return Napi::Number::New(info.Env(), number);
}

/** unwatch(device, number) */
void Addon::unwatch(const Napi::CallbackInfo& info) {
  Opened& opened = opened_of(info, "unwatch");
  int32_t number;
  if (!count_of(info[1], INT32_MAX, &number) || number >= static_cast<int32_t>(opened.watched.size()) ||
      opened.watched[number] == nullptr)
    refuse(info, "unwatch takes a number that watch gave");
  opened.drop(info.Env(), number);
}

/** sweep(device, numbers): puts the numbers of dead objects there, as many as fit, and forgets them; returns how many. */
Napi::Value Addon::sweep(const Napi::CallbackInfo& info) {
  Opened& opened = opened_of(info, "sweep");
  Elements<int32_t> dead;
  if (!elements_of(info[1], &dead)) refuse(info, "sweep takes an Int32Array");
  const Napi::HandleScope scope(info.Env());
  int32_t found = 0;
  const auto count = static_cast<int32_t>(opened.watched.size());
  for (int32_t i = 0; i < count && found < dead.length; i++) {
    if (opened.watched[i] == nullptr) continue;
    napi_value value = nullptr;
    if (napi_get_reference_value(info.Env(), opened.watched[i], &value) != napi_ok || value != nullptr) continue;
    opened.drop(info.Env(), i);
    dead.data[found++] = i;
  }
  return Napi::Number::New(info.Env(), found);
}

Addon::Addon(Napi::Env env, Napi::Object exports) {
  DefineAddon(exports, {
                           InstanceMethod("open", &Addon::open, napi_enumerable),
                           InstanceMethod("device", &Addon::device, napi_enumerable),
                           InstanceMethod("load", &Addon::load, napi_enumerable),
                           InstanceMethod("function", &Addon::function, napi_enumerable),
                           InstanceMethod("allocate", &Addon::allocate, napi_enumerable),
                           InstanceMethod("release", &Addon::release, napi_enumerable),
                           InstanceMethod("memory", &Addon::memory, napi_enumerable),
                           InstanceMethod("submit", &Addon::submit, napi_enumerable),
                           InstanceMethod("write", &Addon::write, napi_enumerable),
                           InstanceMethod("read", &Addon::read, napi_enumerable),
                           InstanceMethod("copy", &Addon::copy, napi_enumerable),
                           InstanceMethod("clear", &Addon::clear, napi_enumerable),
                           InstanceMethod("synchronize", &Addon::synchronize, napi_enumerable),
                           InstanceMethod("beginGraph", &Addon::begin_graph, napi_enumerable),
                           InstanceMethod("endGraph", &Addon::end_graph, napi_enumerable),
                           InstanceMethod("launchGraph", &Addon::launch_graph, napi_enumerable),
                           InstanceMethod("dropGraph", &Addon::drop_graph, napi_enumerable),
                           InstanceMethod("blas", &Addon::blas, napi_enumerable),
                           InstanceMethod("receive", &Addon::receive, napi_enumerable),
                           InstanceMethod("fence", &Addon::fence, napi_enumerable),
                           InstanceMethod("passed", &Addon::passed, napi_enumerable),
                           InstanceMethod("mark", &Addon::mark, napi_enumerable),
                           InstanceMethod("elapsed", &Addon::elapsed, napi_enumerable),
                           InstanceMethod("resetMarks", &Addon::reset_marks, napi_enumerable),
                           InstanceMethod("describe", &Addon::describe_error, napi_enumerable),
                           InstanceMethod("watch", &Addon::watch, napi_enumerable),
                           InstanceMethod("unwatch", &Addon::unwatch, napi_enumerable),
                           InstanceMethod("sweep", &Addon::sweep, napi_enumerable),
                           InstanceValue("version", Napi::String::New(env, FLAMBEAU_VERSION), napi_enumerable),
                           InstanceValue("format", Napi::Number::New(env, format), napi_enumerable),
                       });
}

}  // namespace flambeau::cuda

using CudaAddon = flambeau::cuda::Addon;
NODE_API_ADDON(CudaAddon)
