// The parser of PTX: modules (parse.cc) and the bodies of functions (body.cc). A body is read again for each call of
// it, in a scope of its own, so that the code of a kernel is one list of instructions.
#pragma once
#include <algorithm>

#include "builder.h"

namespace flambeau::ptx {

class Parser {
 public:
  Parser(Module& module, Memory& memory, uint64_t limit)
      : module_(module), memory_(memory), limit_(limit), tokens_(tokensOf(module.text)) {}

  /** Reads the whole text. */
  void run();

 private:
  const Token& peek(size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  const Token& next() { return tokens_[at_ < tokens_.size() - 1 ? at_++ : at_]; }
  [[noreturn]] void refuse(const std::string& why) const { throw ParseError{peek().line, why}; }
  bool accept(const char* text) {
    if (!peek().is(text)) return false;
    at_++;
    return true;
  }
  void expect(const char* text) {
    if (!accept(text)) refuse(std::string("'") + text + "' is wanted, not '" + peek().text + "'");
  }
  std::string word() {
    if (peek().type != Token::word) refuse("a name is wanted, not '" + peek().text + "'");
    return next().text;
  }
  uint64_t integer() {
    if (peek().type != Token::integer) refuse("a number is wanted, not '" + peek().text + "'");
    return next().bits;
  }
  /** Skips to behind the bracket that closes the one just read. */
  void skipBlock() {
    for (int depth = 1; depth > 0;) {
      if (peek().type == Token::end) refuse("a block does not end");
      if (peek().is("{")) depth++;
      if (peek().is("}")) depth--;
      at_++;
    }
  }
  // ---- modules ----
  void directive();
  std::vector<Formal> formals();
  void function();
  /** A variable of a module (scope is null), or of a function. */
  void variable(Builder* builder);
  Variable make(bool isConstant, uint64_t size, const std::vector<uint8_t>& bytes);
  std::vector<uint8_t> initial(Type type);
  Symbol local(Builder& builder, uint64_t size, int align);

  // ---- kernels ----
  void kernel(const Function& function);
  /** The instructions of a function's body, in the scope that the builder is in; `ret` goes behind them. */
  void expand(Builder& builder, const Function& function);
  /** Sets the targets of jumps to labels of a scope; others are for the scope around it. */
  void resolve(Builder& builder, Scope& scope, bool isFunction);
  void block(Builder& builder);
  void label(Builder& builder);
  void registers(Builder& builder);

  // ---- instructions ----
  Operand operand();
  std::vector<Operand> list();
  void statement(Builder& builder);
  /** A move between a register of the caller and one of the callee. */
  void assign(Builder& builder, Type type, int to, int from, int line);
  void call(Builder& builder, const Statement& s);
  Symbol registerOf(Builder& builder, const Formal& formal);
  /** A parameter in memory is the caller's own variable: nobody else sees it. */
  Symbol passed(Builder& builder, const Operand& argument, const Formal& formal);

  Module& module_;
  Memory& memory_;
  uint64_t limit_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  std::map<std::string, Function> functions_;
  std::map<std::string, SharedVariable> shared_;
  std::string currentFunction_;
};

}  // namespace flambeau::ptx
