// From words to kernels. `decode` checks every word of an instruction (STREAM.md) and converts it to a kernel's
// arguments; an accepted instruction reads and writes nothing outside its rows. `run_stream` does that for each
// instruction of a batch and runs it (stream.cc); a `Program` is checked once and run often, by itself or as a call in
// a batch.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "kernels.h"
#include "move.h"
#include "order.h"

namespace flambeau {

/** Incremented when STREAM.md changes, so that JavaScript never writes for an addon that reads another format. */
constexpr int32_t streamFormat = 10;

enum class Opcode : int32_t {
  map, check, contract, argReduce, scan, fold, gather, scatter, sort, iota, composite, call, indices,
  repeat, pad, bordered, emitted, count
};

class Program;

/** A run of a program: its rows, and where its numbers begin among those of the batch. */
struct Call {
  Program* program;
  const Row* rows;
  int32_t numbers;
};

/** Several consecutive runs of a program; between iterations its rows and its numbers move. */
struct Repeat {
  Program* body;
  int32_t times;
  /** Where the rows of the body begin in the first iteration, and how many elements each moves by. */
  const Operand* rows;
  const int32_t* steps;
  int32_t numbers;
  /** The rows in the current iteration. */
  Row* present;
};

struct Instruction {
  Opcode opcode;
  int32_t tag;
  /** Whether there are no elements to work on; fold then still clears its output. */
  bool empty;
  /** A map or check of a program, or the expression after a product, prepared by the kernels that run it. */
  void* prepared;
  union {
    Map map;
    Contract contract;
    ArgReduce argReduce;
    Scan scan;
    Fold fold;
    Gather gather;
    Scatter scatter;
    Sort sort;
    Iota iota;
    CompositeOp composite;
    Call call;
    Indices indices;
    Repeat repeat;
    Pad pad;
    WholeFunction emitted;
  };
};

/** The outcome of a run, and in which instruction it ended. */
struct Status {
  enum Kind : int32_t {
    done,
    /** The words are not a valid stream for these rows: `what` says why. */
    invalid,
    /** A check's expression is true somewhere. */
    check,
    /** `value` is an index out of bounds. */
    index,
    /** There is no memory for what a kernel needs in addition to its operands. */
    memory,
  };
  Kind kind = done;
  int32_t tag = 0;
  int32_t value = 0;
  const char* what = "";
};

/** The requirements of a program on a row. */
struct Need {
  int64_t bytes = 0;
  int64_t align = 1;
};

/** Objects that live as long as their arena or until it is cleared; they are not destroyed. */
class Arena {
 public:
  template <class T> T* take(int64_t count) { return static_cast<T*>(bytes(count * static_cast<int64_t>(sizeof(T)))); }
  void clear();

 private:
  void* bytes(int64_t size);

  struct Chunk {
    std::unique_ptr<double[]> memory;
    int64_t bytes;
  };
  std::vector<Chunk> chunks_;
  size_t chunk_ = 0;
  int64_t at_ = 0;
};

/** Functions that were emitted for a program, and that it calls by their positions. */
struct Functions {
  const Function* at = nullptr;
  int32_t count = 0;
};

/** The limits that a stream is checked against. */
struct Limits {
  /** The rows' sizes; null if they are not known yet: then `needs` receives the requirements. */
  const Row* rows;
  Need* needs;
  int32_t rowCount;
  int32_t numberCount;
  /** The maximum number of elements in an instruction. */
  int64_t elements = most;
  /** The programs that calls may run: `programCount` of them, null where there is none. */
  const std::unique_ptr<Program>* programs = nullptr;
  int32_t programCount = 0;
  /** The functions that were emitted for a program. */
  Functions functions = {};
  /** Receives the bodies of repetitions; null if repetitions are not allowed, as in a batch and in a body. */
  std::vector<std::unique_ptr<Program>>* bodies = nullptr;
  static constexpr int64_t most = int64_t{1} << 53;
};

/** Reads one instruction at `words`, of which there are `count`; returns its length, or 0 with the reason in `what`. */
int64_t decode(const int32_t* words, int64_t count, const Limits&, Arena&, Instruction*, const char** what);

/** A batch: its instructions in order, until one fails. */
Status run_stream(const int32_t* words, int64_t count, const Limits&, const Kernels&, const Memory&, Arena&);

/** A stream that is checked once. */
class Program {
 public:
  Program() = default;
  ~Program() { release(); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /** Copies `words`. Null if they are not a valid stream for so many rows and numbers; the status says why. */
  static std::unique_ptr<Program> make(const int32_t* words, int64_t count, int32_t rowCount, int32_t numberCount,
                                       Status*, int64_t elements = Limits::most, bool isBody = false, Functions = {});

  int32_t row_count() const { return static_cast<int32_t>(needs_.size()); }
  int32_t number_count() const { return numberCount_; }
  const Need& need(int32_t row) const { return needs_[row]; }

  /** Runs it once, on rows that have what it needs of them. Throws std::bad_alloc. */
  Status call(const Kernels&, const Row* rows, const double* numbers);

  /** What changes from run to run: rows advance by `steps` bytes, numbers by `numbers` of them. */
  /** From now on the factors a of the contractions with these tags stay as they are from run to run. */
  void keep(const int32_t* tags, int64_t count);
  /** They have changed since the last run. */
  void forget();

  struct Strides {
    const int64_t* rows;
    int32_t numbers;
  };
  /**
   * Runs it `times` times. Every row has what all runs need of it, `numbers` has those of all runs. `done` is the
   * number of completed runs.
   */
  Status run(const Kernels&, const Row* rows, const double* numbers, int64_t times, const Strides&, int64_t* done);

 private:
  void prepare(const Kernels&);
  void release();

  std::vector<int32_t> words_;
  std::vector<Need> needs_;
  int32_t numberCount_ = 0;
  Arena arena_;
  std::vector<Instruction> instructions_;
  std::vector<std::unique_ptr<Program>> bodies_;
  std::vector<std::unique_ptr<Kept>> kept_;
  /** The bytes that may still be kept. */
  int64_t left_ = int64_t{1} << 28;
  /** The kernels that prepared its instructions. */
  const Kernels* kernels_ = nullptr;
};

/** The name of an opcode, for messages. */
const char* name_of(Opcode);

}  // namespace flambeau
