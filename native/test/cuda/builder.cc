// Registers, constants and names of a kernel under construction: see builder.h.
#include "builder.h"

#include <algorithm>

namespace flambeau::ptx {

Type typeOf(const std::string& word) {
  if (word == "pred") return {'p', 1};
  if (word == "bf16") return {'b', 16};
  if (word.size() < 2 || word.size() > 3 || !strchr("subf", word[0])) return {};
  const int bits = atoi(word.c_str() + 1);
  if (bits != 8 && bits != 16 && bits != 32 && bits != 64) return {};
  return {word[0], bits};
}

int Builder::newRegister(Type type) {
  const int slot = kernel.slots;
  kernel.slots += type.bits == 64 ? 2 : 1;
  return slot;
}

int Builder::constant(uint64_t bits, int bytes, bool isDynamic) {
  if (bytes < 8) bits &= (uint64_t{1} << (8 * bytes)) - 1;
  const int width = bytes == 8 ? 8 : 4;
  if (!isDynamic) {
    const auto found = known_.find({bits, width});
    if (found != known_.end()) return found->second;
  }
  constantSlots_ += width / 4;
  constants_.push_back({bits, width, -constantSlots_, isDynamic});
  if (!isDynamic) known_[{bits, width}] = -constantSlots_;
  return -constantSlots_;
}

Symbol Builder::place(const std::string& name, const SharedVariable& variable) {
  const auto found = placed_.find(name);
  if (found != placed_.end()) return found->second;
  Symbol symbol;
  symbol.kind = variable.isDynamic ? Symbol::dynamicShared : Symbol::variable;
  symbol.space = Space::shared;
  if (!variable.isDynamic) {
    const auto align = static_cast<uint64_t>(variable.align);
    const uint64_t offset = (static_cast<uint64_t>(kernel.sharedBytes) + align - 1) / align * align;
    symbol.address = windowStart + offset;
    symbol.size = variable.size;
    kernel.sharedBytes = static_cast<int>(offset + variable.size);
  }
  return placed_[name] = symbol;
}

Symbol Builder::find(const std::string& name) {
  for (Scope* at = scope; at != nullptr; at = at->parent) {
    const auto found = at->names.find(name);
    if (found != at->names.end()) return found->second;
    for (const Scope::Range& range : at->ranges) {
      if (name.size() <= range.prefix.size() || name.compare(0, range.prefix.size(), range.prefix) != 0) continue;
      const std::string rest = name.substr(range.prefix.size());
      if (rest.find_first_not_of("0123456789") != std::string::npos || atoi(rest.c_str()) >= range.count) continue;
      Symbol symbol;
      symbol.type = range.type;
      symbol.kind = range.type.kind == 'p' ? Symbol::predicate : Symbol::reg;
      symbol.slot = range.type.kind == 'p' ? kernel.predicates++ : newRegister(range.type);
      return at->names[name] = symbol;
    }
  }
  if (shared != nullptr) {
    const auto found = shared->find(name);
    if (found != shared->end()) return place(name, found->second);
  }
  if (globals != nullptr) {
    const auto found = globals->find(name);
    if (found != globals->end()) {
      Symbol symbol;
      symbol.kind = Symbol::variable;
      symbol.space = Space::global;
      symbol.address = found->second.address;
      symbol.size = found->second.size;
      return symbol;
    }
  }
  return {};
}

int Builder::predicate(const std::string& name) {
  const Symbol symbol = find(name);
  if (symbol.kind != Symbol::predicate) refuse("'" + name + "' is not a predicate");
  return symbol.slot;
}

int Builder::special(const std::string& name, Type type) {
  static const std::map<std::string, int> sizes = {
      {"%tid.x", 4},          {"%tid.y", 4},       {"%tid.z", 4},       {"%ntid.x", 4},
      {"%ntid.y", 4},         {"%ntid.z", 4},      {"%ctaid.x", 4},     {"%ctaid.y", 4},
      {"%ctaid.z", 4},        {"%nctaid.x", 4},    {"%nctaid.y", 4},    {"%nctaid.z", 4},
      {"%laneid", 4},         {"%warpid", 4},      {"%nwarpid", 4},     {"%smid", 4},
      {"%nsmid", 4},          {"%gridid", 8},      {"%clock", 4},       {"%clock_hi", 4},
      {"%clock64", 8},        {"%globaltimer", 8}, {"%lanemask_eq", 4}, {"%lanemask_le", 4},
      {"%lanemask_lt", 4},    {"%lanemask_ge", 4}, {"%lanemask_gt", 4}, {"%dynamic_smem_size", 4},
      {"%total_smem_size", 4}};
  const auto size = sizes.find(name);
  if (size == sizes.end()) return -1;
  // Those of 64 bits also read as 32, and threads and blocks as 16 bits, which old texts do.
  if (type.bits > size->second * 8) refuse("'" + name + "' has " + std::to_string(size->second * 8) + " bits");
  const auto found = specials.find(name);
  if (found != specials.end()) return found->second;
  const int slot = newRegister({'b', size->second * 8});
  kernel.specials.push_back({name, slot});
  return specials[name] = slot;
}

int Builder::source(const Operand& operand, Type type, bool isLoose, int* bytes) {
  const int own = type.bits == 64 ? 8 : type.bits == 32 ? 4 : 2;
  if (bytes != nullptr) *bytes = own;
  if (operand.kind == Operand::number) {
    uint64_t bits = operand.bits;
    if (operand.numberType == Token::integer) {
      if (type.kind == 'f')
        refuse("'" + operand.text + "' is an integer where a float is wanted: write 0f or 0d and its bits");
    } else {
      const bool isDouble = operand.numberType == Token::real;
      const double value =
          isDouble ? fromLane<double>(bits) : static_cast<double>(fromLane<float>(static_cast<uint32_t>(bits)));
      if (type.kind == 's' || type.kind == 'u') refuse("'" + operand.text + "' is a float where an integer is wanted");
      if (type.bits == 64 && !isDouble) bits = toLane<double>(value);
      if (type.bits == 32 && isDouble) bits = toLane<float>(static_cast<float>(value));
      if (type.bits == 16) bits = toHalf(value, Round::nearest).bits;
    }
    return constant(bits, type.bytes());
  }
  if (operand.kind != Operand::word) refuse("a register or a number is wanted");
  if (operand.isNegated) refuse("'!" + operand.text + "' is not a predicate");
  if (operand.text == "WARP_SZ") return constant(warpSize, type.bytes());
  const int slot = special(operand.text, type);
  if (slot >= 0) return slot;
  const Symbol symbol = find(operand.text);
  if (symbol.kind == Symbol::variable || symbol.kind == Symbol::dynamicShared) {
    return constant(symbol.address + static_cast<uint64_t>(operand.offset), own, symbol.kind == Symbol::dynamicShared);
  }
  if (symbol.kind != Symbol::reg) refuse("'" + operand.text + "' is not a register that was declared");
  const Type has = symbol.type;
  if (has.bits != type.bits && !(isLoose && has.bits > type.bits)) {
    refuse("'" + operand.text + "' has " + std::to_string(has.bits) + " bits where " + std::to_string(type.bits) +
           " are wanted");
  }
  const bool isMixed = (has.kind == 'f' && (type.kind == 's' || type.kind == 'u')) ||
                       (type.kind == 'f' && (has.kind == 's' || has.kind == 'u'));
  if (isMixed)
    refuse(std::string("'") + operand.text + "' is a register of type " + has.kind + std::to_string(has.bits) +
           " where " + type.kind + std::to_string(type.bits) + " is wanted");
  if (bytes != nullptr) *bytes = has.bits == 64 ? 8 : has.bits == 32 ? 4 : 2;
  return symbol.slot;
}

int Builder::destination(const Operand& operand, Type type, bool isLoose, int* bytes) {
  if (operand.kind != Operand::word) refuse("a destination is a register");
  if (operand.text == "_") {
    if (bytes != nullptr) *bytes = type.bits == 64 ? 8 : 4;
    return newRegister(type);
  }
  if (find(operand.text).kind != Symbol::reg) refuse("'" + operand.text + "' is not a register that was declared");
  return source(operand, type, isLoose, bytes);
}

void Builder::read(Instr& instr, int slot, int) {
  if (slot >= 0) instr.reads.push_back(slot);
}
void Builder::write(Instr& instr, int slot, int) { instr.writes.push_back(slot); }

Instr& Builder::add(Instr instr) {
  const auto isKnown = [&](int p) { return p < 0 || p == never || p == always; };
  if (!isKnown(instr.guard)) instr.predicateReads.push_back(instr.guard);
  if (!isKnown(instr.psrc)) instr.predicateReads.push_back(instr.psrc);
  kernel.code.push_back(std::move(instr));
  return kernel.code.back();
}

void Builder::finish() {
  kernel.constants.assign(static_cast<size_t>(constantSlots_) * warpSize, 0);
  // The variable of the size that a launch names follows the others, at the largest alignment.
  kernel.sharedBytes = (kernel.sharedBytes + 15) / 16 * 16;
  for (const Constant& constant : constants_) {
    const uint64_t bits =
        constant.isDynamic ? constant.bits + windowStart + static_cast<uint64_t>(kernel.sharedBytes) : constant.bits;
    uint32_t* to = kernel.constants.data() + (constantSlots_ + constant.slot) * warpSize;
    for (int l = 0; l < warpSize; l++)
      memcpy(reinterpret_cast<char*>(to) + l * constant.bytes, &bits, static_cast<size_t>(constant.bytes));
  }
}

}  // namespace flambeau::ptx
