// Bodies of functions in PTX: scopes, labels, registers, statements and calls.
#include "parser.h"

namespace flambeau::ptx {

namespace {

constexpr int maxDepth = 40;
constexpr int maxParameterBytes = 4096;

}  // namespace

void Parser::kernel(const Function& function) {
  auto made = std::make_unique<Kernel>();
  made->name = function.name;
  made->module = &module_;
  made->maxThreads = function.maxThreads;
  std::copy(function.required, function.required + 3, made->requiredThreads);
  Builder builder(*made);
  builder.shared = &shared_;
  builder.globals = &module_.globals;
  Scope scope;
  builder.scope = &scope;
  for (const Formal& formal : function.parameters) {
    const int offset = (made->parameterBytes + formal.align - 1) / formal.align * formal.align;
    made->parameters.push_back({formal.name, offset, formal.size, formal.align});
    made->parameterBytes = offset + formal.size;
    Symbol symbol;
    symbol.kind = Symbol::variable;
    symbol.space = Space::param;
    symbol.address = static_cast<uint64_t>(offset);
    scope.names[formal.name] = symbol;
  }
  if (made->parameterBytes > maxParameterBytes)
    throw ParseError{tokens_[function.body].line,
                     "the parameters of '" + function.name + "' take more than 4096 bytes"};
  expand(builder, function);
  Instr end;
  end.kind = Kind::exit;
  builder.add(end);
  builder.finish();
  module_.kernels[function.name] = std::move(made);
}

void Parser::expand(Builder& builder, const Function& function) {
  if (++depth_ > maxDepth) refuse("'" + function.name + "' is called too deep: recursion is not supported");
  const size_t back = at_;
  const std::string outer = currentFunction_;
  currentFunction_ = function.name;
  at_ = function.body;
  Scope* own = builder.scope;
  block(builder);
  // `ret` jumps to a label that no text can name.
  own->labels["return"] = static_cast<int>(builder.kernel.code.size());
  resolve(builder, *own, true);
  currentFunction_ = outer;
  at_ = back;
  depth_--;
}

void Parser::resolve(Builder& builder, Scope& scope, bool isFunction) {
  for (const Scope::Jump& jump : scope.jumps) {
    const auto found = scope.labels.find(jump.label);
    if (found != scope.labels.end()) {
      Instr& instr = builder.kernel.code[jump.instr];
      (jump.entry < 0 ? instr.target : instr.targets[static_cast<size_t>(jump.entry)]) = found->second;
    } else if (isFunction) {
      throw ParseError{jump.line, "there is no label '" + jump.label + "'"};
    } else {
      scope.parent->jumps.push_back(jump);
    }
  }
}

void Parser::block(Builder& builder) {
  while (!accept("}")) {
    if (accept("{")) {
      Scope inner;
      inner.parent = builder.scope;
      builder.scope = &inner;
      block(builder);
      resolve(builder, inner, false);
      builder.scope = inner.parent;
    } else if (peek().type == Token::word && peek(1).is(":")) {
      label(builder);
    } else if (peek().is(".reg")) {
      registers(builder);
    } else if (peek().is(".local") || peek().is(".shared") || peek().is(".param") || peek().is(".global") ||
               peek().is(".const")) {
      variable(&builder);
    } else if (accept(".loc")) {
      // `.loc 1 2 3` and its inlined-at parts, on one line.
      for (const int line = tokens_[at_ - 1].line; peek().line == line && peek().type != Token::end;) at_++;
    } else if (accept(".pragma")) {
      at_++;
      expect(";");
    } else if (peek().type == Token::end) {
      refuse("a body does not end");
    } else {
      statement(builder);
    }
  }
}

void Parser::label(Builder& builder) {
  const std::string name = word();
  expect(":");
  if (accept(".branchtargets")) {
    std::vector<std::string>& labels = builder.scope->tables[name];
    do labels.push_back(word());
    while (accept(","));
    expect(";");
  } else if (peek().is(".callprototype")) {
    refuse("calls by address are not supported");
  } else {
    builder.scope->labels[name] = static_cast<int>(builder.kernel.code.size());
  }
}

void Parser::registers(Builder& builder) {
  expect(".reg");
  const std::string text = word();
  const Type type = typeOf(text.substr(1));
  if (type.kind == 0) refuse("registers of type '" + text + "' are not supported");
  do {
    const std::string name = word();
    if (accept("<")) {
      builder.scope->ranges.push_back({name, static_cast<int>(integer()), type});
      expect(">");
    } else {
      Symbol symbol;
      symbol.type = type;
      symbol.kind = type.kind == 'p' ? Symbol::predicate : Symbol::reg;
      symbol.slot = type.kind == 'p' ? builder.kernel.predicates++ : builder.newRegister(type);
      builder.scope->names[name] = symbol;
    }
  } while (accept(","));
  expect(";");
}

Operand Parser::operand() {
  Operand made;
  if (accept("!")) made.isNegated = true;
  if (accept("{")) {
    made.kind = Operand::vector;
    while (!accept("}")) {
      made.parts.push_back(operand());
      accept(",");
    }
    if (made.parts.size() > 4) refuse("a vector has 4 parts at most");
  } else if (accept("[")) {
    made.kind = Operand::address;
    made.parts.push_back(operand());
    made.offset = made.parts[0].offset;
    made.parts[0].offset = 0;
    expect("]");
  } else if (peek().type == Token::word) {
    made.text = next().text;
    if (accept("+")) {
      made.offset = static_cast<int64_t>(integer());
    } else if (peek().type == Token::integer && peek().text[0] == '-') {
      made.offset = static_cast<int64_t>(integer());
    }
    if (accept("|")) made.second = word();
  } else if (peek().type == Token::integer || peek().type == Token::single || peek().type == Token::real) {
    made.kind = Operand::number;
    made.numberType = peek().type;
    made.text = peek().text;
    made.bits = next().bits;
  } else {
    refuse("'" + peek().text + "' is no operand");
  }
  return made;
}

std::vector<Operand> Parser::list() {
  std::vector<Operand> made;
  while (!accept(")")) {
    made.push_back(operand());
    accept(",");
  }
  return made;
}

void Parser::statement(Builder& builder) {
  Statement s;
  s.line = peek().line;
  if (accept("@")) {
    s.guardNegated = accept("!");
    s.guard = word();
  }
  s.line = peek().line;
  s.opcode = word();
  size_t from = 0;
  for (size_t dot; (dot = s.opcode.find('.', from)) != std::string::npos; from = dot + 1)
    s.words.push_back(s.opcode.substr(from, dot - from));
  s.words.push_back(s.opcode.substr(from));
  if (s.words[0] == "call") return call(builder, s);
  if (s.words[0] == "ret") {
    expect(";");
    builder.line = s.line;
    Instr in;
    in.line = s.line;
    in.kind = Kind::branch;
    if (!s.guard.empty()) {
      in.guard = builder.predicate(s.guard);
      in.guardNegated = s.guardNegated;
    }
    builder.add(in);
    builder.scope->jumps.push_back({builder.kernel.code.size() - 1, -1, "return", s.line});
    return;
  }
  while (!accept(";")) {
    s.operands.push_back(operand());
    if (!peek().is(";")) expect(",");
  }
  builder.instruction(s);
}

void Parser::assign(Builder& builder, Type type, int to, int from, int line) {
  Instr in;
  in.line = line;
  in.run = table().at(type.bits == 64 ? "mov.b64" : "mov.b32").run;
  in.dst[0] = to;
  in.src[0] = from;
  builder.read(in, from, type.bytes());
  builder.write(in, to, type.bytes());
  builder.add(in);
}

void Parser::call(Builder& builder, const Statement& s) {
  builder.line = s.line;
  std::vector<Operand> results, arguments;
  if (accept("(")) {
    results = list();
    expect(",");
  }
  const std::string name = word();
  if (accept(",")) {
    if (!accept("(")) refuse("calls by address are not supported");
    arguments = list();
  }
  expect(";");
  const auto found = functions_.find(name);
  if (found == functions_.end() || !found->second.hasBody)
    builder.refuse("there is no function '" + name +
                   "' with a body: calls by address and of other modules are not supported");
  const Function& callee = found->second;
  if (arguments.size() != callee.parameters.size() || results.size() != callee.results.size())
    builder.refuse("'" + name + "' is called with another number of arguments");
  // A call under a guard becomes a jump over the body.
  size_t over = 0;
  if (!s.guard.empty()) {
    Instr in;
    in.line = s.line;
    in.kind = Kind::branch;
    in.guard = builder.predicate(s.guard);
    in.guardNegated = !s.guardNegated;
    builder.add(in);
    over = builder.kernel.code.size();
  }
  Scope* caller = builder.scope;
  Scope own;
  std::vector<std::pair<int, Operand>> out;
  for (size_t k = 0; k < arguments.size(); k++) {
    const Formal& formal = callee.parameters[k];
    if (formal.isRegister) {
      Symbol symbol = registerOf(builder, formal);
      assign(builder, formal.type, symbol.slot, builder.source(arguments[k], formal.type), s.line);
      own.names[formal.name] = symbol;
    } else {
      own.names[formal.name] = passed(builder, arguments[k], formal);
    }
  }
  for (size_t k = 0; k < results.size(); k++) {
    const Formal& formal = callee.results[k];
    own.names[formal.name] = formal.isRegister ? registerOf(builder, formal) : passed(builder, results[k], formal);
  }
  builder.scope = &own;
  expand(builder, callee);
  builder.scope = caller;
  builder.line = s.line;
  for (size_t k = 0; k < results.size(); k++) {
    const Formal& formal = callee.results[k];
    if (formal.isRegister)
      assign(builder, formal.type, builder.destination(results[k], formal.type), own.names[formal.name].slot, s.line);
  }
  if (over > 0) builder.kernel.code[over - 1].target = static_cast<int>(builder.kernel.code.size());
}

Symbol Parser::registerOf(Builder& builder, const Formal& formal) {
  Symbol symbol;
  symbol.kind = Symbol::reg;
  symbol.type = formal.type;
  symbol.slot = builder.newRegister(formal.type);
  return symbol;
}

Symbol Parser::passed(Builder& builder, const Operand& argument, const Formal& formal) {
  const Symbol symbol = argument.kind == Operand::word ? builder.find(argument.text) : Symbol();
  if (symbol.kind == Symbol::variable && symbol.space == Space::local) {
    if (symbol.size < static_cast<uint64_t>(formal.size))
      builder.refuse("'" + argument.text + "' is smaller than the parameter '" + formal.name + "'");
    return symbol;
  }
  builder.refuse("a parameter in memory takes a variable of .param");
}

}  // namespace flambeau::ptx
