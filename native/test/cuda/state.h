// The state of the driver for tests: devices, streams whose work waits until somebody must see it, events, captures and
// graphs.
#pragma once
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "fakecuda.h"
#include "ptx.h"

using flambeau::ptx::Fault;
using flambeau::ptx::Kernel;
using flambeau::ptx::Launch;

struct CUctx_st {
  int device = 0, retains = 0;
  uint32_t peers = 0;
  /** The error that the context was lost by. */
  CUresult lost = CUDA_SUCCESS;
  std::unique_ptr<CUstream_st> defaultStream;
};

struct CUfunc_st {
  Kernel* kernel;
  CUmod_st* module;
};

struct CUmod_st {
  CUcontext context;
  std::unique_ptr<flambeau::ptx::Module> module;
  std::map<std::string, std::unique_ptr<CUfunc_st>> functions;
};

/** A piece of work: of a stream, or a node of a graph. */
struct Work {
  enum Kind { kernel, toDevice, toHost, onDevice, fill, call, record, wait, graph } kind;
  Kernel* function = nullptr;
  Launch launch;
  CUdeviceptr to = 0, from = 0;
  void* host = nullptr;
  size_t bytes = 0;
  uint32_t value = 0;
  int width = 1;
  /** The bytes of a copy from memory that is not pinned, which the driver copies aside at once. */
  std::vector<uint8_t> staged;
  std::shared_ptr<std::vector<Work>> nodes;
  /** A function of the host, and its parameters in `staged`. */
  void (*called)(const void*) = nullptr;
  CUevent event = nullptr;
  CUstream other = nullptr;
  /** The work of the other stream that must be done before. */
  uint64_t until = 0;
  uint64_t number = 0;
};

/** A capture under way, of one stream and those that joined it. */
struct Capture {
  std::vector<Work> nodes;
  CUstream origin = nullptr;
  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  std::thread::id thread;
  bool isInvalid = false;
  /** The streams that joined, with how many nodes there were when they last added one. */
  std::map<CUstream, size_t> joined;
};

struct CUstream_st {
  CUcontext context = nullptr;
  bool isBlocking = true, isDefault = false;
  std::deque<Work> queue;
  std::shared_ptr<Capture> capture;
  int polls = 0;
};

struct CUevent_st {
  CUcontext context = nullptr;
  bool hasTime = true;
  CUstream stream = nullptr;
  /** The number of the record that counts, and of the one that was done. 0: none. */
  uint64_t recorded = 0, done = 0;
  double milliseconds = 0;
  std::shared_ptr<Capture> capture;
  size_t captured = 0;
  int polls = 0;
};

struct CUgraph_st {
  std::vector<Work> nodes;
};
struct CUgraphExec_st {
  CUcontext context = nullptr;
  std::shared_ptr<std::vector<Work>> nodes;
};

namespace flambeau::fake {

/** A failure on demand. */
struct Failure {
  std::string function;
  long nth;
  bool isLasting;
  CUresult code;
  long calls = 0;
};

struct Settings {
  int devices = 1, version = 13000, capability = 90, polls = 2;
  uint64_t memory = uint64_t{4} << 30;
  bool hasNone = false, isVerbose = false;
  ptx::Options options;
  std::vector<Failure> failures;
  std::string coverage;
  /** The folder that gets each text, by its digest. */
  std::string texts;
};

/** Faults that are put into kernels on purpose (mutate.cc). */
class Mutation {
 public:
  /** Whether FAKECUDA_MUTATE names another file than the one that was read. */
  bool isStale() const;
  void read(ptx::Memory& memory);
  bool isActive() const { return !file_.empty(); }
  /** The kernel to run in place of this one; `most` is the memory of a device. */
  Kernel& of(Kernel& kernel, ptx::Memory& memory, uint64_t most);
  /** Instructions of warps after which a launch has run too long; 0: as without faults. */
  uint64_t limit = 0;

 private:
  std::string file_;
  /** Lines of texts by their digests: the number, and what stands there instead. */
  std::map<std::string, std::vector<std::pair<size_t, std::string>>> changes_;
  std::map<const ptx::Module*, std::unique_ptr<ptx::Module>> variants_;
};

/** What there is of one process. All functions are called with the lock held. */
class Driver {
 public:
  Driver();
  std::recursive_mutex lock;
  Settings settings;
  ptx::Memory memory;
  bool isReady = false;
  std::string lastFault;
  Mutation mutation;
  std::vector<std::unique_ptr<CUctx_st>> contexts;
  std::unordered_set<CUstream> streams;
  std::unordered_set<CUevent> events;
  std::unordered_set<CUmodule> modules;
  std::unordered_set<CUfunction> functions;
  std::unordered_set<CUgraph> graphs;
  std::unordered_set<CUgraphExec> execs;
  std::map<const char*, size_t> pinned;

  void readEnvironment();
  void reset();
  CUresult lose(CUcontext context, const Fault& fault);
  /** Takes the faults that FAKECUDA_MUTATE names now. What waits still runs with those of before. */
  void mutate();

  /** Adds work to a stream, or to its capture. */
  CUresult add(CUstream stream, Work work);
  /** Does the work of a stream up to a number, and what it depends on. */
  void advance(CUstream stream, uint64_t until);
  /** Does all work of a context. */
  void drain(CUcontext context);
  /** A call that no capture may see: refused, and the capture is spoilt, if one is under way that forbids it. */
  bool isForbidden();
  bool isCapturing(CUcontext context) const;
  bool isPinned(const void* at, size_t bytes) const;
  void flush();
  uint64_t instructions = 0;

 private:
  uint64_t run(Kernel& kernel, const Launch& launch);
  void perform(CUcontext context, Work& work);

  uint64_t nextNumber_ = 1;
  uint64_t launches_ = 0;
  /** Unloaded modules and destroyed events stay, because graphs and queues may hold them. */
 public:
  std::vector<std::unique_ptr<CUmod_st>> kept;
};

Driver& driver();

}  // namespace flambeau::fake
