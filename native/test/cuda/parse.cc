// Modules of PTX: directives, variables and functions. A body is read again for each call of it, in a scope of its own,
// so that the code of a kernel is one list of instructions.
#include <algorithm>
#include <cstring>

#include "builder.h"

namespace flambeau::ptx {

namespace {

constexpr int maxDepth = 40;
constexpr int maxParameterBytes = 4096;

class Parser {
 public:
  Parser(Module& module, Memory& memory, uint64_t limit)
      : module_(module), memory_(memory), limit_(limit), tokens_(tokensOf(module.text)) {}

  void run() {
    while (peek().type != Token::end) directive();
    for (auto& [name, function] : functions_) {
      if (function.isEntry && function.hasBody) kernel(function);
    }
  }

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

  void directive() {
    if (accept(".version")) {
      const std::string text = next().text;
      // A number with a point is a token of its own.
      const size_t point = text.find('.');
      if (point == std::string::npos) refuse("a version is written 6.3");
      module_.version = 10 * atoi(text.c_str()) + atoi(text.c_str() + point + 1);
    } else if (accept(".target")) {
      do {
        const std::string target = word();
        if (target.compare(0, 3, "sm_") == 0) module_.target = atoi(target.c_str() + 3);
      } while (accept(","));
    } else if (accept(".address_size")) {
      if (integer() != 64) refuse("addresses have 64 bits");
    } else if (accept(".visible") || accept(".extern") || accept(".weak") || accept(".common")) {
      // Linkage: a module stands alone.
    } else if (peek().is(".entry") || peek().is(".func")) {
      function();
    } else if (peek().is(".global") || peek().is(".const") || peek().is(".shared")) {
      variable(nullptr);
    } else if (accept(".file")) {
      while (peek().type == Token::integer || peek().type == Token::string || peek().is(",")) at_++;
    } else if (accept(".section")) {
      word();
      expect("{");
      skipBlock();
    } else if (accept(".pragma")) {
      at_++;
      expect(";");
    } else {
      refuse("'" + peek().text + "' is not a directive that the interpreter knows");
    }
  }

  std::vector<Formal> formals() {
    std::vector<Formal> made;
    if (!accept("(")) return made;
    while (!accept(")")) {
      Formal formal;
      formal.isRegister = accept(".reg");
      if (!formal.isRegister) expect(".param");
      formal.align = 0;
      while (peek().is(".align") || peek().is(".ptr") || peek().is(".global") || peek().is(".shared") ||
             peek().is(".const") || peek().is(".local")) {
        if (next().text == ".align") {
          const int align = static_cast<int>(integer());
          // After .ptr it is about what the pointer points to.
          if (formal.type.kind == 0) formal.align = align;
        }
      }
      formal.type = typeOf(word().substr(1));
      if (formal.type.kind == 0) refuse("'" + tokens_[at_ - 1].text + "' is no type");
      while (peek().is(".ptr") || peek().is(".align") || peek().is(".global") || peek().is(".shared") ||
             peek().is(".const") || peek().is(".local")) {
        if (next().text == ".align") integer();
      }
      formal.name = word();
      formal.size = std::max(formal.type.bytes(), 1);
      if (formal.align == 0) formal.align = formal.size;
      if (accept("[")) {
        formal.size *= static_cast<int>(integer());
        expect("]");
      }
      made.push_back(formal);
      accept(",");
    }
    return made;
  }

  void function() {
    Function made;
    made.isEntry = next().text == ".entry";
    if (!made.isEntry) made.results = formals();
    made.name = word();
    made.parameters = formals();
    while (!peek().is("{") && !peek().is(";")) {
      const std::string attribute = word();
      if (attribute == ".maxntid" || attribute == ".reqntid") {
        int sizes[3] = {1, 1, 1};
        for (int k = 0; k < 3; k++) {
          sizes[k] = static_cast<int>(integer());
          if (!accept(",")) break;
        }
        made.maxThreads = sizes[0] * sizes[1] * sizes[2];
        if (attribute == ".reqntid") std::copy(sizes, sizes + 3, made.required);
      } else if (attribute == ".minnctapersm" || attribute == ".maxnreg" || attribute == ".maxnctapersm") {
        integer();
      } else if (attribute == ".pragma") {
        at_++;
        expect(";");
      } else if (attribute != ".noreturn") {
        refuse("'" + attribute + "' is not an attribute that the interpreter knows");
      }
    }
    if (accept(";")) {
      functions_.emplace(made.name, made);
      return;
    }
    expect("{");
    made.hasBody = true;
    made.body = at_;
    skipBlock();
    functions_[made.name] = made;
  }

  /** A variable of a module (scope is null), or of a function. */
  void variable(Builder* builder) {
    const std::string space = next().text;
    int align = 0;
    Type type;
    while (peek().type == Token::word && peek().text[0] == '.') {
      const std::string attribute = word();
      if (attribute == ".align") {
        align = static_cast<int>(integer());
      } else if (attribute == ".attribute") {
        refuse("managed memory is not supported");
      } else {
        type = typeOf(attribute.substr(1));
        if (type.kind == 0) refuse("'" + attribute + "' is no type");
      }
    }
    do {
      const std::string name = word();
      uint64_t size = static_cast<uint64_t>(std::max(type.bytes(), 1));
      bool isDynamic = false;
      while (accept("[")) {
        if (accept("]")) {
          isDynamic = true;
          continue;
        }
        size *= integer();
        expect("]");
      }
      const int aligned = align == 0 ? std::max(type.bytes(), 1) : align;
      std::vector<uint8_t> bytes;
      if (accept("=")) bytes = initial(type);
      if (isDynamic && space != ".shared") size = bytes.size();
      if (space == ".shared") {
        if (builder == nullptr) {
          shared_[name] = {size, aligned, isDynamic};
        } else {
          // One for all calls of a function, as in CUDA.
          builder->scope->names[name] = builder->place(currentFunction_ + ":" + name, {size, aligned, isDynamic});
        }
      } else if (space == ".global" || space == ".const") {
        // A function's own are read once for each call of it.
        const std::string key = builder == nullptr ? name : currentFunction_ + ":" + name;
        if (module_.globals.count(key) == 0) module_.globals[key] = make(space == ".const", size, bytes);
        if (builder != nullptr) {
          Symbol symbol;
          symbol.kind = Symbol::variable;
          symbol.space = Space::global;
          symbol.address = module_.globals[key].address;
          builder->scope->names[name] = symbol;
        }
      } else {
        builder->scope->names[name] = local(*builder, size, aligned);
      }
    } while (accept(","));
    expect(";");
  }

  Variable make(bool isConstant, uint64_t size, const std::vector<uint8_t>& bytes) {
    Allocation* allocation = memory_.allocate(module_.device, size, limit_, isConstant);
    if (allocation == nullptr) throw ParseError{0, "the device's memory is out"};
    // Variables begin as zeros.
    memset(allocation->region.written(), 1, size);
    if (!bytes.empty()) memcpy(allocation->region.bytes(), bytes.data(), std::min<size_t>(bytes.size(), size));
    return {allocation->base, size};
  }

  std::vector<uint8_t> initial(Type type) {
    std::vector<uint8_t> bytes;
    const auto add = [&](uint64_t bits) {
      for (int i = 0; i < type.bytes(); i++) bytes.push_back(static_cast<uint8_t>(bits >> (8 * i)));
    };
    const auto value = [&] {
      const Token token = next();
      if (token.type == Token::word) {
        const auto found = module_.globals.find(token.text);
        if (found == module_.globals.end()) refuse("'" + token.text + "' is not a variable that was declared");
        return found->second.address + (accept("+") ? integer() : 0);
      }
      if (token.type == Token::real && type.bits == 32)
        return static_cast<uint64_t>(toLane<float>(static_cast<float>(fromLane<double>(token.bits))));
      return token.bits;
    };
    if (!accept("{")) {
      add(value());
      return bytes;
    }
    for (int depth = 1; depth > 0;) {
      if (accept("{")) {
        depth++;
      } else if (accept("}")) {
        depth--;
      } else if (!accept(",")) {
        add(value());
      }
    }
    return bytes;
  }

  Symbol local(Builder& builder, uint64_t size, int align) {
    Symbol symbol;
    symbol.kind = Symbol::variable;
    symbol.space = Space::local;
    const auto a = static_cast<uint64_t>(align);
    const uint64_t offset = (static_cast<uint64_t>(builder.kernel.localBytes) + a - 1) / a * a;
    symbol.address = windowStart + offset;
    symbol.size = size;
    builder.kernel.localBytes = static_cast<int>(offset + size);
    return symbol;
  }

  // ---- kernels ----

  void kernel(const Function& function) {
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

  /** The instructions of a function's body, in the scope that the builder is in; `ret` goes behind them. */
  void expand(Builder& builder, const Function& function) {
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

  /** Sets the targets of jumps to labels of a scope; others are for the scope around it. */
  void resolve(Builder& builder, Scope& scope, bool isFunction) {
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

  void block(Builder& builder) {
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

  void label(Builder& builder) {
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

  void registers(Builder& builder) {
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

  // ---- instructions ----

  Operand operand() {
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

  std::vector<Operand> list() {
    std::vector<Operand> made;
    while (!accept(")")) {
      made.push_back(operand());
      accept(",");
    }
    return made;
  }

  void statement(Builder& builder) {
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

  /** A move between a register of the caller and one of the callee. */
  void assign(Builder& builder, Type type, int to, int from, int line) {
    Instr in;
    in.line = line;
    in.run = table().at(type.bits == 64 ? "mov.b64" : "mov.b32").run;
    in.dst[0] = to;
    in.src[0] = from;
    builder.read(in, from, type.bytes());
    builder.write(in, to, type.bytes());
    builder.add(in);
  }

  void call(Builder& builder, const Statement& s) {
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

  Symbol registerOf(Builder& builder, const Formal& formal) {
    Symbol symbol;
    symbol.kind = Symbol::reg;
    symbol.type = formal.type;
    symbol.slot = builder.newRegister(formal.type);
    return symbol;
  }

  /** A parameter in memory is the caller's own variable: nobody else sees it. */
  Symbol passed(Builder& builder, const Operand& argument, const Formal& formal) {
    const Symbol symbol = argument.kind == Operand::word ? builder.find(argument.text) : Symbol();
    if (symbol.kind == Symbol::variable && symbol.space == Space::local) {
      if (symbol.size < static_cast<uint64_t>(formal.size))
        builder.refuse("'" + argument.text + "' is smaller than the parameter '" + formal.name + "'");
      return symbol;
    }
    builder.refuse("a parameter in memory takes a variable of .param");
  }

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

/** FNV-1a, which names a text well enough. */
std::string digestOf(const std::string& text) {
  uint64_t hash = 14695981039346656037ull;
  for (unsigned char c : text) hash = (hash ^ c) * 1099511628211ull;
  return format("%016llx", static_cast<unsigned long long>(hash));
}

}  // namespace

std::unique_ptr<Module> parse(const std::string& text, int device, Memory& memory, uint64_t limit) {
  auto module = std::make_unique<Module>();
  module->text = text;
  module->digest = digestOf(text);
  module->device = device;
  size_t from = 0;
  for (size_t end; (end = text.find('\n', from)) != std::string::npos; from = end + 1)
    module->lines.push_back(text.substr(from, end - from));
  module->lines.push_back(text.substr(from));
  try {
    Parser(*module, memory, limit).run();
  } catch (...) {
    for (const auto& [name, variable] : module->globals) memory.release(variable.address);
    throw;
  }
  return module;
}

}  // namespace flambeau::ptx
