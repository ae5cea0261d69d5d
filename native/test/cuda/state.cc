// Streams of the driver for tests: work is done as late as it may be, so that whoever forgets to wait sees it.
#include "state.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace flambeau::fake {

namespace {

/** Launches that may wait before the driver does the oldest, as the real one does. */
constexpr size_t longest = 1024;

double now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

const char* setting(const char* name) {
  const char* value = getenv((std::string("FAKECUDA_") + name).c_str());
  return value == nullptr || *value == 0 ? nullptr : value;
}

uint64_t bytesOf(const char* text) {
  char* end = nullptr;
  const uint64_t number = strtoull(text, &end, 10);
  const char unit = *end;
  return number << (unit == 'K' ? 10 : unit == 'M' ? 20 : unit == 'G' ? 30 : 0);
}

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  size_t from = 0;
  for (size_t at; (at = text.find(by, from)) != std::string::npos; from = at + 1)
    parts.push_back(text.substr(from, at - from));
  parts.push_back(text.substr(from));
  return parts;
}

}  // namespace

Driver& driver() {
  // Never destroyed: other threads may still be in it when the process ends.
  static Driver& only = *new Driver;
  return only;
}

Driver::Driver() {
  readEnvironment();
  atexit([] { driver().flush(); });
}

void Driver::readEnvironment() {
  settings = Settings();
  if (const char* text = setting("DEVICES")) settings.devices = std::min(atoi(text), ptx::maxDevices);
  if (const char* text = setting("VERSION")) settings.version = atoi(text);
  if (const char* text = setting("POLLS")) settings.polls = atoi(text);
  if (const char* text = setting("MEMORY")) settings.memory = bytesOf(text);
  if (const char* text = setting("LIMIT")) settings.options.limit = strtoull(text, nullptr, 10);
  if (const char* text = setting("CAPABILITY")) {
    const std::vector<std::string> parts = split(text, '.');
    settings.capability = parts.size() == 2 ? 10 * atoi(parts[0].c_str()) + atoi(parts[1].c_str()) : atoi(text);
  }
  if (const char* text = setting("COVERAGE")) settings.coverage = text;
  if (const char* text = setting("TEXTS")) settings.texts = text;
  settings.hasNone = setting("NONE") != nullptr;
  settings.isVerbose = setting("VERBOSE") != nullptr;
  settings.options.counts = !settings.coverage.empty();
  if (const char* text = setting("ORDER")) {
    const std::vector<std::string> parts = split(text, ':');
    settings.options.order = parts[0] == "reversed" ? ptx::Order::reversed
                             : parts[0] == "random" ? ptx::Order::random
                                                    : ptx::Order::forward;
    if (parts.size() == 2) settings.options.seed = strtoull(parts[1].c_str(), nullptr, 10);
  }
  if (const char* text = setting("FAIL")) {
    for (const std::string& one : split(text, ',')) {
      const std::vector<std::string> parts = split(one, ':');
      if (parts.size() != 3) continue;
      const bool isLasting = !parts[1].empty() && parts[1].back() == '+';
      settings.failures.push_back(
          {parts[0], atol(parts[1].c_str()), isLasting, static_cast<CUresult>(atoi(parts[2].c_str()))});
    }
  }
}

void Driver::reset() {
  flush();
  for (const CUstream stream : streams) delete stream;
  for (const CUevent event : events) delete event;
  for (const CUmodule module : modules) delete module;
  for (const CUgraph graph : graphs) delete graph;
  for (const CUgraphExec exec : execs) delete exec;
  for (const auto& [at, bytes] : pinned) free(const_cast<char*>(at));
  streams.clear();
  events.clear();
  modules.clear();
  functions.clear();
  graphs.clear();
  execs.clear();
  pinned.clear();
  kept.clear();
  contexts.clear();
  mutation = Mutation();
  memory.clear();
  lastFault.clear();
  isReady = false;
  readEnvironment();
}

CUresult Driver::lose(CUcontext context, const Fault& fault) {
  lastFault = fault.text;
  if (settings.isVerbose) fprintf(stderr, "fakecuda: CUDA error %d: %s\n", fault.code, fault.text.c_str());
  // A device that is lost by a fault on purpose is so until the next one, which its process must not take for its end.
  context->lost = mutation.isActive() ? CUDA_ERROR_UNKNOWN : static_cast<CUresult>(fault.code);
  return context->lost;
}

void Driver::mutate() {
  if (!mutation.isStale()) return;
  for (const auto& context : contexts) drain(context.get());
  mutation.read(memory);
  for (const auto& context : contexts) context->lost = CUDA_SUCCESS;
}

bool Driver::isPinned(const void* at, size_t bytes) const {
  const auto* first = static_cast<const char*>(at);
  const auto after = pinned.upper_bound(first);
  if (after == pinned.begin()) return false;
  const auto& [base, size] = *std::prev(after);
  return first + bytes <= base + size;
}

bool Driver::isCapturing(CUcontext context) const {
  return std::any_of(streams.begin(), streams.end(),
                     [&](CUstream stream) { return stream->context == context && stream->capture != nullptr; });
}

bool Driver::isForbidden() {
  bool is = false;
  for (const CUstream stream : streams) {
    if (stream->capture == nullptr) continue;
    Capture& capture = *stream->capture;
    const bool isOwn = capture.thread == std::this_thread::get_id();
    if (capture.mode == CU_STREAM_CAPTURE_MODE_GLOBAL ||
        (isOwn && capture.mode == CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)) {
      capture.isInvalid = is = true;
    }
  }
  return is;
}

CUresult Driver::add(CUstream stream, Work work) {
  CUcontext context = stream->context;
  if (stream->capture != nullptr) {
    Capture& capture = *stream->capture;
    if (capture.isInvalid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    // A pageable copy may wait for the stream, which a capture cannot.
    const bool isHost = work.kind == Work::toDevice || work.kind == Work::toHost;
    if (isHost && !isPinned(work.host, work.bytes)) {
      capture.isInvalid = true;
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    if (isHost) work.staged.clear();
    capture.nodes.push_back(std::move(work));
    if (capture.joined.count(stream) != 0) capture.joined[stream] = capture.nodes.size();
    return CUDA_SUCCESS;
  }
  if (stream->isDefault) {
    for (const CUstream other : streams) {
      if (other->context != context || !other->isBlocking || other->capture == nullptr) continue;
      other->capture->isInvalid = true;
      return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    }
  }
  work.number = nextNumber_++;
  if (work.kind == Work::record) {
    work.event->stream = stream;
    work.event->recorded = work.number;
    work.event->polls = 0;
  }
  const bool isSynchronous = work.kind == Work::toHost && !isPinned(work.host, work.bytes);
  const uint64_t number = work.number;
  stream->queue.push_back(std::move(work));
  stream->polls = 0;
  if (isSynchronous) advance(stream, number);
  if (stream->queue.size() > longest) advance(stream, stream->queue.front().number);
  return context->lost;
}

void Driver::advance(CUstream stream, uint64_t until) {
  while (!stream->queue.empty() && stream->queue.front().number <= until) {
    const uint64_t before = stream->queue.front().number - 1;
    // The default stream waits for all others that do not opt out, and they for it.
    if (stream->isDefault) {
      for (const CUstream other : streams) {
        if (other != stream && other->context == stream->context && other->isBlocking) advance(other, before);
      }
    } else if (stream->isBlocking && stream->context->defaultStream != nullptr) {
      advance(stream->context->defaultStream.get(), before);
    }
    if (stream->queue.empty() || stream->queue.front().number != before + 1) continue;
    Work work = std::move(stream->queue.front());
    stream->queue.pop_front();
    if (work.kind == Work::wait) {
      // A destroyed stream has done its work.
      const bool isDefault = std::any_of(contexts.begin(), contexts.end(),
                                         [&](const auto& each) { return each->defaultStream.get() == work.other; });
      if (isDefault || streams.count(work.other) != 0) advance(work.other, work.until);
    } else if (work.kind == Work::record) {
      if (events.count(work.event) != 0) {
        work.event->done = work.number;
        work.event->milliseconds = now();
      }
    } else if (stream->context->lost == CUDA_SUCCESS) {
      try {
        perform(stream->context, work);
      } catch (const Fault& fault) {
        lose(stream->context, fault);
      }
    }
  }
}

void Driver::drain(CUcontext context) {
  const std::vector<CUstream> all(streams.begin(), streams.end());
  for (const CUstream stream : all) {
    if (stream->context == context) advance(stream, UINT64_MAX);
  }
  if (context->defaultStream != nullptr) advance(context->defaultStream.get(), UINT64_MAX);
}

uint64_t Driver::run(Kernel& kernel, const Launch& launch) {
  if (!mutation.isActive()) return ptx::run(kernel, launch, memory, settings.options);
  ptx::Options options = settings.options;
  if (mutation.limit != 0) options.limit = mutation.limit;
  return ptx::run(mutation.of(kernel, memory, settings.memory), launch, memory, options);
}

void Driver::perform(CUcontext context, Work& work) {
  switch (work.kind) {
    case Work::kernel:
      work.launch.device = context->device;
      work.launch.peers = context->peers;
      instructions += run(*work.function, work.launch);
      // Processes of tests may end without notice.
      if (!settings.coverage.empty() && ++launches_ % 20000 == 0) flush();
      return;
    case Work::toDevice:
      return memory.write(work.to, work.staged.empty() ? work.host : work.staged.data(), work.bytes);
    case Work::toHost:
      return memory.read(work.host, work.from, work.bytes);
    case Work::onDevice:
      return memory.copy(work.to, work.from, work.bytes);
    case Work::fill:
      return memory.fill(work.to, work.value, work.width, work.bytes);
    case Work::call:
      return work.called(work.staged.data());
    case Work::graph:
      for (Work& node : *work.nodes) perform(context, node);
      return;
    default:
      return;
  }
}

void Driver::flush() {
  if (settings.coverage.empty()) return;
  std::string text;
  const auto addAll = [&](CUmod_st& module) {
    for (auto& [name, kernel] : module.module->kernels) {
      if (kernel->launches > 0) text += ptx::report(*kernel);
    }
  };
  for (const CUmodule module : modules) addAll(*module);
  for (const auto& module : kept) addAll(*module);
  if (text.empty()) return;
  // Appended in one piece, because several processes may write at once.
  if (FILE* file = fopen(settings.coverage.c_str(), "a")) {
    setvbuf(file, nullptr, _IOFBF, text.size() + 1);
    fwrite(text.data(), 1, text.size(), file);
    fclose(file);
  }
}

}  // namespace flambeau::fake
