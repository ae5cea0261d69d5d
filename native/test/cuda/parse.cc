// Modules of PTX: directives, parameters and variables.
#include <cstring>

#include "parser.h"

namespace flambeau::ptx {

void Parser::run() {
  while (peek().type != Token::end) directive();
  for (auto& [name, function] : functions_) {
    if (function.isEntry && function.hasBody) kernel(function);
  }
}

void Parser::directive() {
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

std::vector<Formal> Parser::formals() {
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

void Parser::function() {
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

void Parser::variable(Builder* builder) {
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

Variable Parser::make(bool isConstant, uint64_t size, const std::vector<uint8_t>& bytes) {
  Allocation* allocation = memory_.allocate(module_.device, size, limit_, isConstant);
  if (allocation == nullptr) throw ParseError{0, "the device's memory is out"};
  // Variables begin as zeros.
  memset(allocation->region.written(), 1, size);
  if (!bytes.empty()) memcpy(allocation->region.bytes(), bytes.data(), std::min<size_t>(bytes.size(), size));
  return {allocation->base, size};
}

std::vector<uint8_t> Parser::initial(Type type) {
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

Symbol Parser::local(Builder& builder, uint64_t size, int align) {
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

namespace {

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
