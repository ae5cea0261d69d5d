// An interpreter of PTX for tests. It reads the text that the driver would get, runs it warp by warp, and checks what
// hardware does not: bounds, alignment, bytes and registers that were never written, races, barriers and masks of
// lanes. Functions are expanded where they are called, so an instruction has one frame of registers and no call stack
// is needed.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "memory.h"

namespace flambeau::ptx {

constexpr int warpSize = 32;
constexpr uint32_t allLanes = 0xffffffffu;
class Warp;
struct Instr;
/** Computes an instruction for the lanes of a mask. */
using Handler = void (*)(Warp&, const Instr&, uint32_t mask);

enum class Kind : uint8_t {
  compute,
  branch,
  branchTable,
  exit,
  trap,
  load,
  store,
  atomic,
  copyAsync,
  commitGroup,
  waitGroup,
  barrier,
  warpBarrier,
  fence,
  warpWide,
  clock
};
enum class Space : uint8_t { generic, global, shared, local, constant, param };
enum class Round : uint8_t { nearest, zero, down, up, away };

/** Modifiers that a handler looks at. */
enum Flag : uint32_t { flushes = 1, saturates = 2, isVolatile = 4, isAligned = 8, acquires = 16, releases = 32 };

/** A short list, in place. */
template <int most> struct Few {
  int items[most];
  uint8_t count = 0;
  void push_back(int item) { items[count++] = item; }
  const int* begin() const { return items; }
  const int* end() const { return items + count; }
};

/** What was counted of an instruction. */
struct Counts {
  uint64_t warps = 0, lanes = 0, guardTrue = 0, guardFalse = 0;
  /** Of global accesses: 32-byte sectors touched, and the least that could be. Of shared ones: passes, and the least.
   */
  uint64_t touched = 0, least = 0;
};

/**
 * An instruction. Registers are slots of the warp's file: a slot has 32 lanes of 4 bytes, a 64-bit register two slots.
 * Slots below 0 are constants. Predicates have a file of their own, of one mask each, which begins with false and true.
 */
struct Instr {
  Handler run = nullptr;
  Kind kind = Kind::compute;
  Space space = Space::generic;
  Round round = Round::nearest;
  bool guardNegated = false, isWide = false, isSigned = false;
  uint8_t bytes = 0, vector = 1, op = 0, registerBytes = 4, sourceBytes = 4;
  int16_t flops = 0;
  uint32_t flags = 0;
  int guard = -1, target = 0, line = 0;
  int dst[4] = {0, 0, 0, 0};
  int src[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  /** Predicates written and read; a negated one has its bits flipped. */
  int pdst[2] = {-1, -1};
  int psrc = -1;
  bool psrcNegated = false;
  int64_t immediate = 0;
  Few<9> reads;
  Few<4> writes, predicateReads;
  std::vector<int> targets;
  mutable Counts counts;
  /** The allocation of the last access, which the next one usually shares. */
  mutable Allocation* last = nullptr;
};

/** A predicate that is always false, and one that is always true. */
constexpr int never = 0, always = 1;

struct Parameter {
  std::string name;
  int offset, size, align;
};

/** A special register that warps fill before they start. */
struct Special {
  std::string name;
  int slot;
};

struct Module;

/** A kernel, ready to run. */
struct Kernel {
  std::string name;
  Module* module = nullptr;
  std::vector<Instr> code;
  std::vector<Parameter> parameters;
  int parameterBytes = 0, slots = 0, predicates = 2, localBytes = 0, sharedBytes = 0;
  int maxThreads = 1024, requiredThreads[3] = {0, 0, 0};
  std::vector<Special> specials;
  /** Slots of constants: 32 equal lanes each; slot -1 is the last one. */
  std::vector<uint32_t> constants;
  /** The most dynamic shared memory that a launch may ask for; negative: the 48 KB that need no permission. */
  int maxDynamicShared = -1;
  bool hasFences = false;
  uint64_t launches = 0;
};

struct Variable {
  uint64_t address;
  uint64_t size;
};

/** A module: what one text declares. */
struct Module {
  std::string text, digest;
  int version = 0, target = 0;
  int device = 0;
  std::map<std::string, std::unique_ptr<Kernel>> kernels;
  std::map<std::string, Variable> globals;
  /** Lines of the text, for reports and faults. */
  std::vector<std::string> lines;
};

/** What a text says wrong, with its line. */
struct ParseError {
  int line;
  std::string text;
};

/** Reads a text and places its variables in the device's memory. Throws ParseError. */
std::unique_ptr<Module> parse(const std::string& text, int device, Memory& memory, uint64_t limit);

struct Launch {
  uint32_t grid[3], block[3];
  uint32_t dynamicShared = 0;
  std::vector<uint8_t> parameters;
  int device = 0;
  /** Devices whose memory the kernel may touch, as bits. */
  uint32_t peers = 0;
};

/** The order in which blocks and warps run. */
enum class Order { forward, reversed, random };

struct Options {
  Order order = Order::forward;
  uint64_t seed = 1;
  /** Warp instructions after which a launch has run too long. */
  uint64_t limit = 2'000'000'000;
  bool counts = false;
};

/** Runs a kernel to its end, or throws a Fault; returns how many instructions warps ran. */
uint64_t run(Kernel& kernel, const Launch& launch, Memory& memory, const Options& options);

/** The forms of instructions that there are, such as "add.f32", for tests that try them all. */
std::vector<std::string> forms();
/** The types of a form's operands, the destination first: "s64 s32 s32"; "pred" is a predicate, "imm" a constant. */
std::string signatureOf(const std::string& form);
/** The modifiers of a form: r for roundings, f for ftz, s for sat. */
std::string modifiersOf(const std::string& form);

/** A line of JSON about a kernel: instructions, guards, sectors, bank conflicts; counts start again. */
std::string report(Kernel& kernel);

}  // namespace flambeau::ptx
