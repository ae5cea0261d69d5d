// What the parser knows while it makes a kernel: names in their scopes, registers given out, constants, labels to come.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tokens.h"
#include "warp.h"

namespace flambeau::ptx {

/** A type such as u32: its kind (s, u, b, f; p for predicates) and its bits. */
struct Type {
  char kind = 0;
  int bits = 0;
  int bytes() const { return bits / 8; }
};
/** The type that a word names ("f32", "pred"), or one of kind 0. */
Type typeOf(const std::string& word);

struct Symbol {
  enum Kind { none, reg, predicate, variable, dynamicShared } kind = none;
  Type type;
  /** The slot of a register, the number of a predicate. */
  int slot = 0;
  Space space = Space::generic;
  uint64_t address = 0, size = 0;
};

/** An operand as it is written. */
struct Operand {
  enum Kind { word, number, vector, address } kind = word;
  std::string text;
  Token::Type numberType = Token::integer;
  uint64_t bits = 0;
  bool isNegated = false;
  /** What follows a bar: `d|p`. */
  std::string second;
  /** The parts of a vector; the base of an address, which has none where a number stands alone. */
  std::vector<Operand> parts;
  int64_t offset = 0;
};

struct Statement {
  std::string guard;
  bool guardNegated = false;
  std::string opcode;
  std::vector<std::string> words;
  std::vector<Operand> operands;
  int line = 0;
};

struct Formal {
  std::string name;
  bool isRegister = false;
  Type type;
  int size = 0, align = 1;
};
struct Function {
  std::string name;
  bool isEntry = false, hasBody = false;
  std::vector<Formal> results, parameters;
  size_t body = 0;
  int maxThreads = 1024, required[3] = {0, 0, 0};
};
/** A variable of a module that each kernel places by itself. */
struct SharedVariable {
  uint64_t size;
  int align;
  bool isDynamic;
};

struct Scope {
  Scope* parent = nullptr;
  std::map<std::string, Symbol> names;
  struct Range {
    std::string prefix;
    int count;
    Type type;
  };
  std::vector<Range> ranges;
  std::map<std::string, int> labels;
  std::map<std::string, std::vector<std::string>> tables;
  /** Jumps to labels that come later: an instruction, and an entry of its table or -1. */
  struct Jump {
    size_t instr;
    int entry;
    std::string label;
    int line;
  };
  std::vector<Jump> jumps;
};

/** Makes one kernel: registers, constants and instructions. */
class Builder {
 public:
  explicit Builder(Kernel& kernel) : kernel(kernel) {}

  Kernel& kernel;
  Scope* scope = nullptr;
  const std::map<std::string, SharedVariable>* shared = nullptr;
  const std::map<std::string, Variable>* globals = nullptr;
  int line = 0;

  [[noreturn]] void refuse(const std::string& why) const { throw ParseError{line, why}; }

  int newRegister(Type type);
  int constant(uint64_t bits, int bytes, bool isDynamic = false);
  /** The symbol of a name in the scopes, from the inside out; declares registers of a range at their first use. */
  Symbol find(const std::string& name);
  /** Places a shared variable of the module, or of a function, in this kernel. */
  Symbol place(const std::string& name, const SharedVariable& variable);
  int predicate(const std::string& name);
  /** The slot of a source of a type; `isLoose` lets a register be wider. `bytes` gets the register's size. */
  int source(const Operand& operand, Type type, bool isLoose = false, int* bytes = nullptr);
  int destination(const Operand& operand, Type type, bool isLoose = false, int* bytes = nullptr);
  /** Adds an instruction, with the lists of what it reads and writes. */
  Instr& add(Instr instr);
  void read(Instr& instr, int slot, int bytes);
  void write(Instr& instr, int slot, int bytes);

  void instruction(const Statement& statement);
  void finish();

  std::map<std::string, int> specials;

 private:
  void generic(const Statement& s, Instr& in);
  void move(const Statement& s, Instr& in);
  void convert(const Statement& s, Instr& in);
  void addressSpace(const Statement& s, Instr& in);
  void access(const Statement& s, Instr& in);
  void atomic(const Statement& s, Instr& in);
  void copyAsync(const Statement& s, Instr& in);
  void barrier(const Statement& s, Instr& in);
  void branch(const Statement& s, Instr& in);
  void address(const Operand& operand, Instr& in, int at);
  void signature(const std::string& form, const Form& found, const Statement& s, Instr& in, size_t first = 0);
  int special(const std::string& name, Type type);

  struct Constant {
    uint64_t bits;
    int bytes, slot;
    bool isDynamic;
  };
  std::vector<Constant> constants_;
  std::map<std::pair<uint64_t, int>, int> known_;
  int constantSlots_ = 0;
  std::map<std::string, Symbol> placed_;
};

}  // namespace flambeau::ptx
