// Instructions of PTX from their words and operands. An opcode, a modifier or an operand that is not known is refused,
// never passed over: what the interpreter does not understand it cannot check. There is a function for each family of
// opcodes, and all are written with the same few helpers, so it is one file.
#include <algorithm>

#include "builder.h"

namespace flambeau::ptx {

const std::map<std::string, Form>& table() {
  static const std::map<std::string, Form> all = [] {
    std::map<std::string, Form> made;
    addIntegers(made);
    addBits(made);
    addFloats(made);
    addComparisons(made);
    addConversions(made);
    addWarpWide(made);
    return made;
  }();
  return all;
}

std::vector<std::string> forms() {
  std::vector<std::string> names;
  for (const auto& [name, form] : table()) names.push_back(name);
  return names;
}
std::string signatureOf(const std::string& form) { return table().at(form).signature; }
std::string modifiersOf(const std::string& form) { return table().at(form).modifiers; }

namespace {

using Words = std::vector<std::string>;

std::string joined(const Words& words, size_t from = 0) {
  std::string text;
  for (size_t i = from; i < words.size(); i++) text += (i == from ? "" : ".") + words[i];
  return text;
}
/** Removes a word where it is; whether it was there. */
bool take(Words& words, const std::string& word) {
  const auto found = std::find(words.begin() + 1, words.end(), word);
  if (found == words.end()) return false;
  words.erase(found);
  return true;
}
bool takeAny(Words& words, std::initializer_list<const char*> any) {
  bool is = false;
  for (const char* word : any) is |= take(words, word);
  return is;
}
Words split(const std::string& text) {
  Words words;
  size_t from = 0;
  while (true) {
    const size_t dot = text.find(text.find(' ') == std::string::npos ? '.' : ' ', from);
    words.push_back(text.substr(from, dot == std::string::npos ? dot : dot - from));
    if (dot == std::string::npos) return words;
    from = dot + 1;
  }
}

const std::map<std::string, Round> roundings = {
    {"rn", Round::nearest}, {"rz", Round::zero}, {"rm", Round::down}, {"rp", Round::up}};

/** Scopes and orders of memory. A strong access races with no other strong one. */
void takeOrder(Words& words, Instr& in) {
  const bool isBoth = take(words, "acq_rel"), isAcquire = take(words, "acquire"), isRelease = take(words, "release");
  if (isBoth || isAcquire) in.flags |= acquires;
  if (isBoth || isRelease) in.flags |= releases;
  const bool isStrong = takeAny(words, {"volatile", "relaxed", "mmio"}) || isBoth || isAcquire || isRelease;
  takeAny(words, {"weak", "cta", "cluster", "gpu", "sys"});
  if (isStrong) in.flags |= isVolatile;
}

Space takeSpace(Words& words) {
  if (take(words, "global")) return Space::global;
  if (take(words, "shared") || take(words, "shared::cta")) return Space::shared;
  if (take(words, "local")) return Space::local;
  if (take(words, "const")) return Space::constant;
  if (takeAny(words, {"param", "param::entry", "param::func"})) return Space::param;
  return Space::generic;
}

}  // namespace

void Builder::signature(const std::string& form, const Form& found, const Statement& s, Instr& in, size_t first) {
  const Words types = split(found.signature.find(' ') == std::string::npos ? found.signature + " " : found.signature);
  in.run = found.run;
  in.flops = static_cast<int16_t>(found.flops);
  size_t operand = first;
  int values = 0, predicates = 0;
  for (size_t i = 0; i < types.size(); i++) {
    if (types[i].empty()) continue;
    if (operand >= s.operands.size()) refuse("'" + form + "' has too few operands");
    const Operand& at = s.operands[operand++];
    if (types[i] == "imm") {
      if (at.kind != Operand::number || at.numberType != Token::integer) refuse("'" + at.text + "' is not a constant");
      in.immediate = static_cast<int64_t>(at.bits);
    } else if (types[i] == "pred" && i == 0) {
      in.pdst[0] = at.text == "_" ? -1 : predicate(at.text);
      if (!at.second.empty()) in.pdst[1] = at.second == "_" ? -1 : predicate(at.second);
    } else if (types[i] == "pred") {
      const int p = at.kind == Operand::number ? (at.bits ? always : never) : predicate(at.text);
      if (predicates++ == 0) {
        in.psrc = p;
        in.psrcNegated = at.isNegated;
      } else {
        in.src[1] = p;
        if (p != never && p != always) in.predicateReads.push_back(p);
      }
    } else if (i == 0) {
      const Type type = typeOf(types[i]);
      in.dst[0] = destination(at, type);
      in.writes.push_back(in.dst[0]);
      if (!at.second.empty()) in.pdst[0] = predicate(at.second);
    } else {
      const Type type = typeOf(types[i]);
      const int slot = source(at, type);
      in.src[values++] = slot;
      read(in, slot, type.bytes());
    }
  }
  if (operand != s.operands.size()) refuse("'" + form + "' has too many operands");
}

void Builder::generic(const Statement& s, Instr& in) {
  Words words = s.words;
  // Comparisons combine with a predicate.
  if (words[0] == "setp" || words[0] == "set") {
    const char* ops[] = {"", "and", "or", "xor"};
    for (uint8_t k = 1; k < 4; k++) {
      if (words.size() > 3 && words[2] == ops[k]) in.op = k;
    }
  }
  std::string form = joined(words);
  auto found = table().find(form);
  if (found == table().end()) {
    std::string had;
    if (take(words, "ftz")) had += 'f', in.flags |= flushes;
    if (take(words, "sat")) had += 's', in.flags |= saturates;
    for (const auto& [name, round] : roundings) {
      if (take(words, name)) had += 'r', in.round = round;
    }
    form = joined(words);
    found = table().find(form);
    if (found == table().end()) refuse("'" + joined(s.words) + "' is not an instruction that the interpreter knows");
    for (char c : had) {
      if (found->second.modifiers.find(c) == std::string::npos)
        refuse("'" + joined(s.words) + "' has a modifier that '" + form + "' does not take");
    }
  }
  signature(form, found->second, s, in);
  add(in);
}

void Builder::move(const Statement& s, Instr& in) {
  if (s.operands.size() != 2) refuse("mov has two operands");
  const Operand &to = s.operands[0], &from = s.operands[1];
  const bool packs = from.kind == Operand::vector, unpacks = to.kind == Operand::vector;
  if (!packs && !unpacks) {
    if (from.text.compare(0, 6, "%clock") == 0 || from.text == "%globaltimer") {
      in.kind = Kind::clock;
      in.dst[0] = destination(to, typeOf(s.words[1]), false, nullptr);
      in.bytes = static_cast<uint8_t>(typeOf(s.words[1]).bytes());
      in.writes.push_back(in.dst[0]);
      add(in);
      return;
    }
    return generic(s, in);
  }
  const Type whole = typeOf(s.words[1]);
  const std::vector<Operand>& parts = packs ? from.parts : to.parts;
  if (whole.bits != 32 && whole.bits != 64) refuse("a vector is moved as 32 or 64 bits");
  const Type part{'b', whole.bits / static_cast<int>(parts.size())};
  if (part.bits != 16 && part.bits != 32) refuse("the parts of a vector have 16 or 32 bits");
  in.vector = static_cast<uint8_t>(parts.size());
  in.sourceBytes = static_cast<uint8_t>(part.bytes());
  in.run = table().at(std::string(packs ? "mov.pack.b" : "mov.unpack.b") + std::to_string(whole.bits)).run;
  if (packs) {
    in.dst[0] = destination(to, whole);
    in.writes.push_back(in.dst[0]);
    for (size_t k = 0; k < parts.size(); k++) read(in, in.src[k] = source(parts[k], part), part.bytes());
  } else {
    read(in, in.src[0] = source(from, whole), whole.bytes());
    for (size_t k = 0; k < parts.size(); k++) {
      in.dst[k] = parts[k].text == "_" ? -1 : destination(parts[k], part);
      if (in.dst[k] >= 0) in.writes.push_back(in.dst[k]);
    }
  }
  add(in);
}

void Builder::convert(const Statement& s, Instr& in) {
  Words words = s.words;
  if (take(words, "ftz")) in.flags |= flushes;
  if (take(words, "sat")) in.flags |= saturates;
  for (const auto& [name, round] : roundings) {
    if (take(words, name)) in.round = round;
    if (take(words, name + "i")) in.round = round, in.isWide = true;
  }
  const std::string form = joined(words);
  const auto found = table().find(form);
  if (found == table().end() || words.size() != 3)
    refuse("'" + joined(s.words) + "' is not an instruction that the interpreter knows");
  if (s.operands.size() != 2) refuse("cvt has two operands");
  const Type to = typeOf(words[1]), from = typeOf(words[2]);
  int toBytes = 4, fromBytes = 4;
  in.run = found->second.run;
  in.dst[0] = destination(s.operands[0], to.kind == 'f' && to.bits == 16 ? Type{'b', 16} : to, true, &toBytes);
  in.src[0] = source(s.operands[1], from.kind == 'f' && from.bits == 16 ? Type{'b', 16} : from, true, &fromBytes);
  in.registerBytes = static_cast<uint8_t>(toBytes);
  in.sourceBytes = static_cast<uint8_t>(fromBytes == 8 ? 8 : 4);
  read(in, in.src[0], fromBytes);
  in.writes.push_back(in.dst[0]);
  add(in);
}

void Builder::addressSpace(const Statement& s, Instr& in) {
  Words words = s.words;
  in.space = takeSpace(words);
  if (in.space == Space::generic) refuse("'" + joined(s.words) + "' names no space");
  const auto found = table().find(joined(words));
  if (found == table().end()) refuse("'" + joined(s.words) + "' is not an instruction that the interpreter knows");
  signature(joined(words), found->second, s, in);
  add(in);
}

/** The base of an address goes to source `at`, its offset to the immediate. */
void Builder::address(const Operand& operand, Instr& in, int at) {
  if (operand.kind != Operand::address) refuse("an address is wanted, in brackets");
  in.immediate = operand.offset;
  const Operand& base = operand.parts[0];
  if (base.kind == Operand::number) {
    in.src[at] = constant(base.bits, 8);
    in.isWide = true;
    return;
  }
  const Symbol symbol = find(base.text);
  if (symbol.kind == Symbol::none) refuse("'" + base.text + "' is not declared");
  if (symbol.kind == Symbol::predicate) refuse("'" + base.text + "' is no address");
  if (symbol.kind == Symbol::reg) {
    if (symbol.type.bits < 32) refuse("'" + base.text + "' is too narrow for an address");
    in.isWide = symbol.type.bits == 64;
    in.src[at] = symbol.slot;
    read(in, symbol.slot, symbol.type.bytes());
    return;
  }
  in.isWide = true;
  in.src[at] = source(base, {'b', 64});
  // Parameters of functions live in memory of the thread.
  if (in.space == Space::param && symbol.space == Space::local) in.space = Space::local;
  const bool fits = in.space == symbol.space || in.space == Space::generic ||
                    (in.space == Space::constant && symbol.space == Space::global);
  if (!fits) refuse("'" + base.text + "' is in another space");
}

void Builder::access(const Statement& s, Instr& in) {
  Words words = s.words;
  const bool isStore = words[0] == "st";
  in.kind = isStore ? Kind::store : Kind::load;
  takeOrder(words, in);
  in.space = takeSpace(words);
  // Hints for caches, and the path of data that nobody writes, which the race detector holds to its word.
  if (take(words, "nc")) in.op = 1;
  takeAny(words, {"ca", "cg", "cs", "lu", "cv", "wb", "wt", "L1::evict_normal", "L1::evict_unchanged",
                  "L1::evict_first", "L1::evict_last", "L1::no_allocate", "L2::64B", "L2::128B", "L2::256B",
                  "L2::evict_last", "L2::evict_normal", "L2::evict_first"});
  if (words[0] == "ldu") in.op = 1;
  in.vector = take(words, "v2") ? 2 : take(words, "v4") ? 4 : 1;
  if (words.size() != 2) refuse("'" + joined(s.words) + "' is not an instruction that the interpreter knows");
  Type type = typeOf(words[1]);
  if (type.kind == 0 || type.kind == 'p') refuse("'" + words[1] + "' is no type of memory");
  if (type.kind == 'f' && type.bits == 16) type.kind = 'b';
  if (s.operands.size() != 2) refuse(words[0] + " has two operands");
  in.bytes = static_cast<uint8_t>(type.bytes());
  in.isSigned = type.kind == 's';
  address(s.operands[isStore ? 0 : 1], in, 0);
  const Operand& values = s.operands[isStore ? 1 : 0];
  std::vector<Operand> parts = values.kind == Operand::vector ? values.parts : std::vector<Operand>{values};
  if (parts.size() != in.vector)
    refuse("the vector has " + std::to_string(parts.size()) + " parts, not " + std::to_string(in.vector));
  for (size_t k = 0; k < parts.size(); k++) {
    int bytes = 4;
    // A narrower type than the register is loaded and stored through its low bits.
    const Type wanted = type.bits == 8 ? Type{'b', 16} : Type{'b', type.bits};
    if (isStore) {
      in.src[1 + k] = source(parts[k], parts[k].kind == Operand::number ? type : wanted, true, &bytes);
      read(in, in.src[1 + k], bytes);
    } else {
      in.dst[k] = destination(parts[k], wanted, true, &bytes);
      in.writes.push_back(in.dst[k]);
    }
    if (k > 0 && (isStore ? (bytes == 8) != (in.registerBytes == 8) : bytes != in.registerBytes)) {
      refuse("the parts of a vector have different widths");
    }
    in.registerBytes = static_cast<uint8_t>(bytes);
  }
  add(in);
}

enum AtomicOp : uint8_t { atomAdd, atomMin, atomMax, atomExch, atomCas, atomAnd, atomOr, atomXor, atomInc, atomDec };

void Builder::atomic(const Statement& s, Instr& in) {
  Words words = s.words;
  const bool hasResult = words[0] == "atom";
  in.kind = Kind::atomic;
  takeOrder(words, in);
  in.space = takeSpace(words);
  static const std::map<std::string, uint8_t> ops = {
      {"add", atomAdd}, {"min", atomMin}, {"max", atomMax}, {"exch", atomExch}, {"cas", atomCas},
      {"and", atomAnd}, {"or", atomOr},   {"xor", atomXor}, {"inc", atomInc},   {"dec", atomDec}};
  const auto op = words.size() == 3 ? ops.find(words[1]) : ops.end();
  const Type type = words.size() == 3 ? typeOf(words[2]) : Type{};
  const bool isKnown =
      op != ops.end() && (type.bits == 32 || type.bits == 64) && (type.kind != 'f' || op->second == atomAdd);
  if (!isKnown) refuse("'" + joined(s.words) + "' is not an instruction that the interpreter knows");
  if (in.space == Space::local || in.space == Space::param || in.space == Space::constant)
    refuse("atomics are for global and shared memory");
  in.op = op->second;
  in.bytes = static_cast<uint8_t>(type.bytes());
  in.registerBytes = in.bytes;
  // The kind of the type, for the handler.
  in.target = type.kind;
  in.vector = hasResult ? 1 : 0;
  const size_t first = hasResult ? 1 : 0, count = first + (op->second == atomCas ? 3 : 2);
  if (s.operands.size() != count) refuse("'" + joined(s.words) + "' has " + std::to_string(count) + " operands");
  if (hasResult) in.writes.push_back(in.dst[0] = destination(s.operands[0], type));
  address(s.operands[first], in, 0);
  for (size_t k = first + 1; k < count; k++) read(in, in.src[k - first] = source(s.operands[k], type), in.bytes);
  add(in);
}

void Builder::copyAsync(const Statement& s, Instr& in) {
  Words words = s.words;
  if (take(words, "commit_group")) {
    in.kind = Kind::commitGroup;
  } else if (take(words, "wait_all")) {
    in.kind = Kind::waitGroup;
  } else if (take(words, "wait_group")) {
    in.kind = Kind::waitGroup;
    if (s.operands.size() != 1 || s.operands[0].kind != Operand::number) refuse("wait_group names a number of groups");
    // wait_all also waits for copies that were not committed.
    in.op = 1;
    in.immediate = static_cast<int64_t>(s.operands[0].bits);
  } else {
    in.kind = Kind::copyAsync;
    const bool isAll = take(words, "ca"), isL2 = take(words, "cg");
    takeAny(words, {"L2::64B", "L2::128B", "L2::256B"});
    if (isAll == isL2 || !(take(words, "shared") || take(words, "shared::cta")) || !take(words, "global"))
      refuse("cp.async copies from global to shared memory, by ca or cg");
    if (s.operands.size() < 3 || s.operands.size() > 4 || s.operands[2].kind != Operand::number)
      refuse("cp.async has two addresses, a size, and perhaps the size of the source");
    in.bytes = static_cast<uint8_t>(s.operands[2].bits);
    const bool isSize = in.bytes == 16 || (isAll && (in.bytes == 4 || in.bytes == 8));
    if (!isSize) refuse("cp.async copies 4, 8 or 16 bytes, by cg 16");
    in.space = Space::global;
    address(s.operands[1], in, 1);
    const bool isWide = in.isWide;
    const int64_t offset = in.immediate;
    in.space = Space::shared;
    address(s.operands[0], in, 0);
    // Whether the source's address, and the target's, are of 64 bits.
    in.registerBytes = isWide ? 8 : 4;
    in.target = static_cast<int>(offset);
    in.src[2] = s.operands.size() == 4 ? source(s.operands[3], {'u', 32}) : constant(in.bytes, 4);
    read(in, in.src[2], 4);
  }
  words.erase(std::remove(words.begin(), words.end(), "async"), words.end());
  if (words.size() != 1) refuse("'" + joined(s.words) + "' is not an instruction that the interpreter knows");
  add(in);
}

void Builder::barrier(const Statement& s, Instr& in) {
  Words words = s.words;
  const bool isBar = words[0] == "bar";
  take(words, "cta");
  if (isBar && words.size() == 3 && words[1] == "warp" && words[2] == "sync") {
    in.kind = Kind::warpBarrier;
    if (s.operands.size() != 1) refuse("bar.warp.sync names the lanes that take part");
    read(in, in.src[0] = source(s.operands[0], {'b', 32}), 4);
    add(in);
    return;
  }
  in.kind = Kind::barrier;
  if (take(words, "aligned") || isBar) in.flags |= isAligned;
  enum { sync, arrive, redPopc, redAnd, redOr };
  size_t at = 0;
  if (words.size() == 2 && words[1] == "sync") {
    in.op = sync;
  } else if (words.size() == 2 && words[1] == "arrive") {
    in.op = arrive;
  } else if (words.size() == 4 && words[1] == "red" && words[2] == "popc" && words[3] == "u32") {
    in.op = redPopc;
  } else if (words.size() == 4 && words[1] == "red" && words[2] == "and" && words[3] == "pred") {
    in.op = redAnd;
  } else if (words.size() == 4 && words[1] == "red" && words[2] == "or" && words[3] == "pred") {
    in.op = redOr;
  } else {
    refuse("'" + joined(s.words) + "' is not an instruction that the interpreter knows");
  }
  size_t end = s.operands.size();
  if (in.op >= redPopc) {
    if (end < 3) refuse("bar.red has a destination, a barrier and a predicate");
    if (in.op == redPopc) {
      in.writes.push_back(in.dst[0] = destination(s.operands[0], {'u', 32}));
    } else {
      in.pdst[0] = predicate(s.operands[0].text);
    }
    at = 1;
    end--;
    in.psrc = predicate(s.operands[end].text);
    in.psrcNegated = s.operands[end].isNegated;
  }
  if (end - at < 1 || end - at > 2) refuse("a barrier has a number, and perhaps a count of threads");
  read(in, in.src[0] = source(s.operands[at], {'u', 32}), 4);
  in.vector = end - at == 2;
  if (in.vector) read(in, in.src[1] = source(s.operands[at + 1], {'u', 32}), 4);
  if (in.op == arrive && !in.vector) refuse("bar.arrive has a count of threads");
  add(in);
}

void Builder::branch(const Statement& s, Instr& in) {
  const bool isTable = s.words[0] == "brx";
  if (s.words.size() > (isTable ? 3u : 2u))
    refuse("'" + joined(s.words) + "' is not an instruction that the interpreter knows");
  if (!isTable) {
    if (s.operands.size() != 1) refuse("bra has a label");
    in.kind = Kind::branch;
    add(in);
    scope->jumps.push_back({kernel.code.size() - 1, -1, s.operands[0].text, line});
    return;
  }
  if (s.operands.size() != 2) refuse("brx.idx has an index and a list of labels");
  in.kind = Kind::branchTable;
  read(in, in.src[0] = source(s.operands[0], {'u', 32}), 4);
  for (Scope* look = scope; look != nullptr; look = look->parent) {
    const auto found = look->tables.find(s.operands[1].text);
    if (found == look->tables.end()) continue;
    in.targets.assign(found->second.size(), 0);
    add(in);
    for (size_t k = 0; k < found->second.size(); k++) {
      scope->jumps.push_back({kernel.code.size() - 1, static_cast<int>(k), found->second[k], line});
    }
    return;
  }
  refuse("'" + s.operands[1].text + "' is no list of labels");
}

void Builder::instruction(const Statement& s) {
  line = s.line;
  Instr in;
  in.line = s.line;
  if (!s.guard.empty()) {
    in.guard = predicate(s.guard);
    in.guardNegated = s.guardNegated;
  }
  const std::string& base = s.words[0];
  if (base == "mov") return move(s, in);
  if (base == "cvt") return convert(s, in);
  if (base == "cvta" || base == "isspacep") return addressSpace(s, in);
  if (base == "ld" || base == "st" || base == "ldu") return access(s, in);
  if (base == "atom" || base == "red") return atomic(s, in);
  if (base == "cp") return copyAsync(s, in);
  if (base == "bar" || base == "barrier") return barrier(s, in);
  if (base == "bra" || base == "brx") return branch(s, in);
  if (base == "membar" || base == "fence") {
    const bool isKnown = s.words.size() <= 3 && s.opcode.find("proxy") == std::string::npos && s.operands.empty();
    if (!isKnown) refuse("'" + s.opcode + "' is not an instruction that the interpreter knows");
    in.kind = Kind::fence;
    kernel.hasFences = true;
  } else if (base == "exit") {
    in.kind = Kind::exit;
  } else if (base == "trap" || base == "brkpt") {
    in.kind = Kind::trap;
  } else if (base == "prefetch" || base == "prefetchu" || base == "nanosleep" || base == "discard") {
    // Hints, which change nothing that a test could see.
    return;
  } else {
    return generic(s, in);
  }
  if (!s.operands.empty()) refuse("'" + base + "' has no operands");
  add(in);
}

}  // namespace flambeau::ptx
