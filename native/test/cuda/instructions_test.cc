// Every form of an instruction that the interpreter has, with edge values and random ones, and all its modifiers,
// against expected.h. A form that no formula is known for fails.
#include <cmath>

#include "device.h"
#include "expected.h"
#include "ptx.h"

using expected::split;

namespace {

constexpr int threads = FLAMBEAU_SLOW ? 256 : 1024;

uint32_t seed = 11;
uint32_t draw() { return (seed = seed * 1664525u + 1013904223u) >> 3; }
uint64_t drawLong() {
  return uint64_t{draw()} << 40 ^ uint64_t { draw() } << 20 ^ draw();
}

int bitsOf(const std::string& type) { return type == "pred" ? 1 : type == "bf16" ? 16 : atoi(type.c_str() + 1); }

/** Values of a type that are worth a try. */
std::vector<uint64_t> valuesOf(const std::string& type) {
  const int bits = bitsOf(type);
  const uint64_t top = uint64_t{1} << (bits - 1);
  if (type == "pred") return {0, 1};
  std::vector<uint64_t> values;
  if (type[0] == 'f') {
    for (const double x : std::initializer_list<double>{0.0,
                                                        -0.0,
                                                        1.0,
                                                        -1.0,
                                                        0.5,
                                                        1.5,
                                                        2.5,
                                                        -2.5,
                                                        3.7,
                                                        -0.3,
                                                        1.0 / 3,
                                                        255.5,
                                                        -129.0,
                                                        16777217.0,
                                                        65504.0,
                                                        1e-5,
                                                        2147483648.0,
                                                        -9.3e18,
                                                        1e-40,
                                                        -3e-45,
                                                        1e30,
                                                        1e38,
                                                        3.5e38,
                                                        static_cast<double>(-INFINITY),
                                                        static_cast<double>(INFINITY),
                                                        0.99999994}) {
      values.push_back(expected::rounded(x, bits, 'n'));
    }
    values.push_back(expected::rounded(static_cast<double>(NAN), bits, 'n'));
    if (bits == 64) values.insert(values.end(), {1, 0x7fefffffffffffff, 0x0010000000000000, 0x000fffffffffffff});
    if (bits == 32) values.insert(values.end(), {1, 0x7f7fffff, 0x00800000, 0x007fffff});
    // Finite ones of middling size.
    for (int i = 0; i < 6; i++) {
      const double x = (static_cast<double>(draw()) - (1 << 28)) * std::ldexp(1.0, -static_cast<int>(draw() % 40));
      values.push_back(expected::rounded(x + static_cast<double>(draw()) * 1e-9, bits, 'n'));
    }
    return values;
  }
  values = {0,
            1,
            2,
            3,
            7,
            8,
            16,
            31,
            32,
            33,
            63,
            64,
            65,
            255,
            256,
            top - 1,
            top,
            top + 1,
            0x5555555555555555,
            0xaaaaaaaaaaaaaaaa,
            ~uint64_t{0},
            ~uint64_t{1}};
  for (int i = 0; i < 8; i++) values.push_back(drawLong());
  for (uint64_t& value : values) value &= bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  return values;
}

/** Registers for an operand of a type: their letter. */
std::string reg(const std::string& type, int number) {
  const int bits = bitsOf(type);
  return std::string(type == "pred" ? "%p" : bits == 64 ? "%rd" : bits == 32 ? "%r" : "%h") + std::to_string(number);
}

/** A kernel that gives each thread its own operands of one instruction. */
struct Trial {
  std::string form, text;
  std::vector<std::string> types;
  char rounding = 'n';
  bool ftz = false, sat = false;
};

/** The kernel around an instruction: `name` is unique in its module. */
std::string kernelOf(const Trial& trial, const std::string& name) {
  const std::vector<std::string> words = split(trial.form);
  std::string body;
  const size_t count = trial.types.size() - 1;
  for (size_t k = 0; k < count; k++) {
    const std::string &type = trial.types[k + 1], number = std::to_string(k);
    body += "ld.global.u64 %rd2" + number + ", [%rd5+" + std::to_string(k * 8) + "];\n";
    const std::string to = reg(type, 10 + static_cast<int>(k)), from = "%rd2" + number;
    const int bits = bitsOf(type);
    if (type == "pred") {
      body += "setp.ne.u64 " + to + ", " + from + ", 0;\n";
    } else {
      body += (bits == 64 ? "mov.b64 " : bits == 32 ? "cvt.u32.u64 " : "cvt.u16.u64 ") + to + ", " + from + ";\n";
    }
  }
  const std::string &op = words[0], &result = trial.types[0];
  std::string operands = reg(result, 1);
  if (op == "setp") operands += "|%p2";
  for (size_t k = 0; k < count; k++) operands += ", " + reg(trial.types[k + 1], 10 + static_cast<int>(k));
  if (op == "lop3") operands += ", 0xca";
  const std::string type = words.back();
  const bool isSub = op == "sub" || op == "subc", sets = words.size() > 2 && words[words.size() - 2] == "cc";
  const bool takes = op == "addc" || op == "subc" || op == "madc";
  const std::string first =
      reg(trial.types[0], 3) + ", " + reg(trial.types[0], 10) + ", " + reg(trial.types[0], 11) + ";\n";
  if (takes) body += (isSub ? "sub.cc." : "add.cc.") + type + " " + first;
  body += trial.text + " " + operands + ";\n";
  body += "mov.u64 %rd8, 0;\n";
  if (sets)
    body += isSub ? "subc.u32 %r4, 0, 0;\nneg.s32 %r4, %r4;\ncvt.u64.u32 %rd8, %r4;\n"
                  : "addc.u32 %r4, 0, 0;\ncvt.u64.u32 %rd8, %r4;\n";
  if (op == "setp") body += "selp.u64 %rd8, 1, 0, %p2;\n";
  const int bits = bitsOf(result);
  if (result == "pred") {
    body += "selp.u64 %rd7, 1, 0, %p1;\n";
  } else {
    body += (bits == 64   ? "mov.b64 %rd7, "
             : bits == 32 ? "cvt.u64.u32 %rd7, "
                          : "cvt.u64.u16 %rd7, ") +
            reg(result, 1) + ";\n";
  }
  return ".visible .entry " + name +
         "(.param .u64 to, .param .u64 from)\n{\n.reg .pred %p<20>;\n.reg .b16 %h<20>;\n.reg .b32 %r<30>;\n.reg .b64 "
         "%rd<30>;\n"
         "ld.param.u64 %rd2, [to];\nld.param.u64 %rd3, [from];\nmov.u32 %r0, %tid.x;\n"
         "mad.wide.u32 %rd4, %r0, 16, %rd2;\nmad.wide.u32 %rd5, %r0, 32, %rd3;\n" +
         body + "st.global.v2.u64 [%rd4], {%rd7, %rd8};\nret;\n}\n";
}

bool isNaN(uint64_t bits, const std::string& type) {
  if (type == "f64") return (bits << 1) > 0xffe0000000000000;
  if (type == "f32") return (bits & 0x7fffffff) > 0x7f800000;
  return (bits & 0x7fff) > (type == "bf16" ? 0x7f80u : 0x7c00u);
}
double valueOf(uint64_t bits, const std::string& type) {
  if (type == "f64") {
    double x;
    memcpy(&x, &bits, 8);
    return x;
  }
  float x;
  const auto low = static_cast<uint32_t>(bits);
  memcpy(&x, &low, 4);
  return static_cast<double>(x);
}

bool isSame(uint64_t got, const expected::Result& want, const std::string& type) {
  const uint64_t a = got, b = want.bits;
  if (a == b) return true;
  if (type[0] != 'f') return false;
  // The payload of a float64's NaN is nobody's business; approximations are near.
  if (isNaN(a, type) && isNaN(b, type)) return type == "f64" || want.tolerance > 0;
  if (want.tolerance == 0) return false;
  const double x = valueOf(a, type), y = valueOf(b, type);
  return std::fabs(x - y) <= want.tolerance * std::fabs(y) + 3e-45;
}

/** Runs trials, all kernels of one module, and compares every thread's result. */
void check(const std::vector<Trial>& trials) {
  std::string text = ".version 8.7\n.target sm_90\n.address_size 64\n";
  for (size_t i = 0; i < trials.size(); i++) text += kernelOf(trials[i], "k" + std::to_string(i));
  const Program program(text);
  std::vector<uint64_t> in(threads * 4);
  for (size_t i = 0; i < trials.size(); i++) {
    const Trial& trial = trials[i];
    std::vector<std::vector<uint64_t>> values;
    for (size_t k = 1; k < trial.types.size(); k++) values.push_back(valuesOf(trial.types[k]));
    for (size_t t = 0; t < threads; t++) {
      // All pairs where there are threads enough, else any.
      size_t at = values.size() <= 2 ? t : draw();
      for (size_t k = 0; k < values.size(); k++) {
        if (values.size() > 2) at = draw();
        in[t * 4 + k] = values[k][at % values[k].size()];
        at /= values[k].size();
      }
    }
    const Buffer<uint64_t> from(in), to(threads * 2);
    must(ran(program.function(("k" + std::to_string(i)).c_str()), {1, threads}, to.address, from.address));
    const std::vector<uint64_t> got = to.read();
    const std::string& type = trial.types[0];
    const int bits = split(trial.form)[0] == "cvt" ? bitsOf(split(trial.form)[1]) : bitsOf(type);
    const uint64_t keep = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    int failures = 0;
    for (size_t t = 0; t < threads && failures < 3; t++) {
      const std::vector<uint64_t> own(in.begin() + static_cast<long>(t * 4),
                                      in.begin() + static_cast<long>(t * 4 + values.size()));
      const expected::Result want = expected::of(trial.form, own, trial.rounding, trial.ftz, trial.sat);
      const std::string shown = split(trial.form)[0] == "cvt" ? split(trial.form)[1] : type;
      const bool isRight = want.isKnown && isSame(got[2 * t] & keep, want, shown) && got[2 * t + 1] == want.second;
      if (isRight) continue;
      failures++;
      CAPTURE(trial.text);
      std::string operands;
      for (const uint64_t each : own) operands += " " + std::to_string(each);
      CAPTURE(operands);
      CAPTURE(want.bits);
      CAPTURE(want.second);
      CHECK(got[2 * t] == want.bits);
      CHECK(got[2 * t + 1] == want.second);
      CHECK(want.isKnown);
    }
  }
}

/** The name with modifiers before its type. */
std::string with(const std::string& form, const std::string& modifiers) {
  const size_t dot = form.rfind('.');
  return form.substr(0, dot) + modifiers + form.substr(dot);
}

std::vector<std::string> typesOf(const std::string& form) {
  std::vector<std::string> types;
  std::string text = flambeau::ptx::signatureOf(form);
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find(' ', from), text.size());
    if (text.substr(from, end - from) != "imm") types.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return types;
}

std::vector<Trial> trialsOf(const std::string& form) {
  const std::vector<std::string> types = typesOf(form);
  const std::string modifiers = flambeau::ptx::modifiersOf(form);
  const auto has = [&](char which) { return modifiers.find(which) != std::string::npos; };
  std::vector<Trial> trials;
  const bool isHalf = form.find("f16") != std::string::npos;
  for (const char rounding : std::string(has('r') && !isHalf ? "nzmp" : "n")) {
    const std::string name = has('r') ? std::string(".r") + rounding : "";
    trials.push_back({form, with(form, name), types, rounding, false, false});
    if (has('f')) trials.push_back({form, with(form, name + ".ftz"), types, rounding, true, false});
    if (has('s')) trials.push_back({form, with(form, name + ".sat"), types, rounding, false, true});
    if (has('f') && has('s')) trials.push_back({form, with(form, name + ".ftz.sat"), types, rounding, true, true});
  }
  return trials;
}

std::vector<Trial> conversionsOf(const std::string& form) {
  const std::vector<std::string> words = split(form);
  const std::string &to = words[1], &from = words[2];
  const auto isFloat = [](const std::string& type) { return type[0] == 'f' || type == "bf16"; };
  // Values of the type itself, in a register of at least 16 bits.
  const std::vector<std::string> types = {to, from};
  const std::string tail = "." + to + "." + from;
  std::vector<Trial> trials;
  const bool flushes = from == "f32";
  const auto add = [&](const std::string& mods, char rounding, bool ftz, bool sat) {
    trials.push_back(
        {form, "cvt" + mods + (ftz ? ".ftz" : "") + (sat ? ".sat" : "") + tail, types, rounding, ftz, sat});
  };
  if (isFloat(to) && isFloat(from)) {
    const bool isNarrower = bitsOf(to) < bitsOf(from) || (to == "bf16");
    for (const char rounding : std::string(to == "bf16" ? "nz" : isNarrower ? "nzmp" : "n")) {
      const std::string mods = isNarrower ? std::string(".r") + rounding : "";
      add(mods, rounding, false, false);
      if (to == "bf16" || from == "bf16") continue;
      if (flushes || to == "f32") add(mods, rounding, flushes && to != "f16", false);
      add(mods, rounding, false, true);
    }
    if (to == from) {
      for (const char rounding : std::string("NZMP")) {
        add(std::string(".r") + static_cast<char>(rounding - 'A' + 'a') + "i", rounding, false, false);
      }
    }
  } else if (isFloat(to)) {
    for (const char rounding : std::string("nzmp")) {
      add(std::string(".r") + rounding, rounding, false, false);
      add(std::string(".r") + rounding, rounding, false, true);
    }
  } else if (isFloat(from)) {
    for (const char rounding : std::string("nzmp")) {
      add(std::string(".r") + rounding + "i", rounding, false, false);
      if (flushes) add(std::string(".r") + rounding + "i", rounding, true, false);
    }
  } else {
    add("", 'n', false, false);
    add("", 'n', false, true);
  }
  return trials;
}

/** Forms whose operands are not values of one lane; other tests have them. */
bool isElsewhere(const std::string& form) {
  for (const char* op :
       {"shfl", "vote", "match", "redux", "activemask", "elect", "cvta", "isspacep", "mov.pack", "mov.unpack"}) {
    if (form.compare(0, strlen(op), op) == 0) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("every instruction of one lane gives what its formula says, with all modifiers") {
  const Environment environment;
  open();
  std::vector<Trial> trials;
  int forms = 0;
  for (const std::string& form : flambeau::ptx::forms()) {
    if (isElsewhere(form)) continue;
    forms++;
    const bool isCvt = form.compare(0, 4, "cvt.") == 0;
    for (const Trial& trial : isCvt ? conversionsOf(form) : trialsOf(form)) trials.push_back(trial);
    if (trials.size() > 100) {
      check(trials);
      trials.clear();
    }
  }
  check(trials);
  CHECK(forms > 1500);
}
