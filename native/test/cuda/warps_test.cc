// Instructions of whole warps, of memory and of addresses: every form, by tables, which are long
// because they are whole.
#include <algorithm>
#include <functional>
#include <map>

#include "device.h"
#include "ptx.h"

namespace {

using Lanes = std::vector<uint64_t>;
struct Wanted {
  uint64_t value;
  bool p;
};
/** What lane `lane` gets, from all lanes' a, b, c and the lanes that take part. */
using Formula = std::function<Wanted(size_t lane, const Lanes& a, const Lanes& b, const Lanes& c, uint32_t mask)>;

bool in(uint32_t mask, size_t lane) { return (mask >> lane & 1) != 0; }

/** The lane that a shuffle by segments of `width` reads, or none (-1), as CUDA's __shfl functions say. */
Formula shuffle(const char* way) {
  const std::string mode = way;
  return [mode](size_t lane, const Lanes& a, const Lanes& b, const Lanes& c, uint32_t) {
    const size_t width = 32 - (c[lane] >> 8 & 31), first = lane / width * width;
    const auto by = static_cast<long>(b[lane]), l = static_cast<long>(lane);
    long from = mode == "up"     ? l - by
                : mode == "down" ? l + by
                : mode == "bfly" ? (l ^ by)
                                 : static_cast<long>(first) + by % static_cast<long>(width);
    // A butterfly may reach back into an earlier segment.
    const bool is = (from >= static_cast<long>(first) || mode == "bfly") && from < static_cast<long>(first + width);
    if (!is) from = l;
    return Wanted{a[static_cast<size_t>(from)], is};
  };
}
Formula reduction(const std::function<uint64_t(const Lanes&)>& f) {
  return [f](size_t, const Lanes& a, const Lanes&, const Lanes&, uint32_t mask) {
    Lanes taking;
    for (size_t l = 0; l < 32; l++) {
      if (in(mask, l)) taking.push_back(a[l]);
    }
    return Wanted{f(taking) & 0xffffffff, false};
  };
}
Formula lanesWhere(bool isAll) {
  return [isAll](size_t lane, const Lanes& a, const Lanes&, const Lanes&, uint32_t mask) {
    uint32_t same = 0;
    for (size_t l = 0; l < 32; l++) same |= in(mask, l) && a[l] == a[lane] ? 1u << l : 0;
    return isAll ? Wanted{same == mask ? mask : 0, same == mask} : Wanted{same, false};
  };
}
uint32_t ballotOf(const Lanes& a, uint32_t mask) {
  uint32_t bits = 0;
  for (size_t l = 0; l < 32; l++) bits |= in(mask, l) && a[l] != 0 ? 1u << l : 0;
  return bits;
}
Formula vote(const std::function<bool(uint32_t, uint32_t)>& f) {
  return [f](size_t, const Lanes& a, const Lanes&, const Lanes&, uint32_t mask) {
    return Wanted{0, f(ballotOf(a, mask), mask)};
  };
}
int32_t s(uint64_t x) { return static_cast<int32_t>(static_cast<uint32_t>(x)); }

const std::map<std::string, Formula>& formulas() {
  static const std::map<std::string, Formula> all = {
      {"shfl.sync.up.b32", shuffle("up")},
      {"shfl.sync.down.b32", shuffle("down")},
      {"shfl.sync.bfly.b32", shuffle("bfly")},
      {"shfl.sync.idx.b32", shuffle("idx")},
      {"vote.sync.all.pred", vote([](uint32_t p, uint32_t mask) { return p == mask; })},
      {"vote.sync.any.pred", vote([](uint32_t p, uint32_t) { return p != 0; })},
      {"vote.sync.uni.pred", vote([](uint32_t p, uint32_t mask) { return p == 0 || p == mask; })},
      {"vote.sync.ballot.b32", [](size_t, const Lanes& a, const Lanes&, const Lanes&,
                                  uint32_t mask) { return Wanted{ballotOf(a, mask), false}; }},
      {"match.any.sync.b32", lanesWhere(false)},
      {"match.any.sync.b64", lanesWhere(false)},
      {"match.all.sync.b32", lanesWhere(true)},
      {"match.all.sync.b64", lanesWhere(true)},
      {"redux.sync.add.s32", reduction([](const Lanes& a) {
         uint64_t sum = 0;
         for (uint64_t x : a) sum += x;
         return sum;
       })},
      {"redux.sync.add.u32", reduction([](const Lanes& a) {
         uint64_t sum = 0;
         for (uint64_t x : a) sum += x;
         return sum;
       })},
      {"redux.sync.min.u32", reduction([](const Lanes& a) { return *std::min_element(a.begin(), a.end()); })},
      {"redux.sync.max.u32", reduction([](const Lanes& a) { return *std::max_element(a.begin(), a.end()); })},
      {"redux.sync.min.s32", reduction([](const Lanes& a) {
         return *std::min_element(a.begin(), a.end(), [](uint64_t x, uint64_t y) { return s(x) < s(y); });
       })},
      {"redux.sync.max.s32", reduction([](const Lanes& a) {
         return *std::max_element(a.begin(), a.end(), [](uint64_t x, uint64_t y) { return s(x) < s(y); });
       })},
      {"redux.sync.and.b32", reduction([](const Lanes& a) {
         uint64_t all = ~uint64_t{0};
         for (uint64_t x : a) all &= x;
         return all;
       })},
      {"redux.sync.or.b32", reduction([](const Lanes& a) {
         uint64_t any = 0;
         for (uint64_t x : a) any |= x;
         return any;
       })},
      {"redux.sync.xor.b32", reduction([](const Lanes& a) {
         uint64_t odd = 0;
         for (uint64_t x : a) odd ^= x;
         return odd;
       })},
      {"activemask.b32",
       [](size_t, const Lanes&, const Lanes&, const Lanes&, uint32_t mask) { return Wanted{mask, false}; }},
      {"elect.sync", [](size_t lane, const Lanes&, const Lanes&, const Lanes&, uint32_t mask) {
         size_t first = 0;
         while (!in(mask, first)) first++;
         return Wanted{first, lane == first};
       }}};
  return all;
}

/** One warp in which the lanes of a mask run an instruction on their own a, b and c. */
void tryWarp(const std::string& form, const Formula& formula, const Lanes& a, const Lanes& b, const Lanes& c,
             uint32_t mask) {
  const std::string op = form.substr(0, form.find('.')), named = std::to_string(static_cast<int32_t>(mask));
  const bool isWide = form.find("b64") != std::string::npos;
  const std::string value = isWide ? "%rd6" : "%r10";
  const std::string text =
      op == "shfl"   ? "%r1|%p1, %r10, %r11, %r12, " + named
      : op == "vote" ? (form.find("ballot") == std::string::npos ? "%p1" : "%r1") + std::string(", %p3, ") + named
      : op == "match"
          ? (form.find("all") == std::string::npos ? "%r1" : "%r1|%p1") + std::string(", ") + value + ", " + named
      : op == "redux" ? "%r1, %r10, " + named
      : op == "elect" ? "%r1|%p1, " + named
                      : "%r1";
  const Program program(
      ".version 8.7\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 to, .param .u64 from)\n{\n"
      ".reg .pred %p<5>;\n.reg .b32 %r<20>;\n.reg .b64 %rd<20>;\nld.param.u64 %rd1, [to];\nld.param.u64 %rd2, [from];\n"
      "mov.u32 %r0, %laneid;\nmad.wide.u32 %rd3, %r0, 16, %rd1;\nmad.wide.u32 %rd4, %r0, 32, %rd2;\n"
      "ld.global.u64 %rd6, [%rd4];\ncvt.u32.u64 %r10, %rd6;\nld.global.u32 %r11, [%rd4+8];\nld.global.u32 %r12, "
      "[%rd4+16];\n"
      "setp.ne.u64 %p3, %rd6, 0;\nmov.u32 %r1, 0;\nsetp.ne.u32 %p1, %r1, 0;\nmov.u32 %r13, %lanemask_eq;\nand.b32 "
      "%r13, %r13, " +
      named + ";\nsetp.ne.u32 %p2, %r13, 0;\n@%p2 " + form + " " + text +
      ";\nselp.u64 %rd8, 1, 0, %p1;\ncvt.u64.u32 %rd7, %r1;\n@%p2 st.global.v2.u64 [%rd3], {%rd7, %rd8};\nret;\n}\n");
  std::vector<uint64_t> operands(128, 0);
  for (size_t l = 0; l < 32; l++) {
    operands[4 * l] = a[l];
    operands[4 * l + 1] = b[l];
    operands[4 * l + 2] = c[l];
  }
  const Buffer<uint64_t> from(operands), to(std::vector<uint64_t>(64, 0));
  must(ran(program.function("k"), {1, 32}, to.address, from.address));
  const std::vector<uint64_t> got = to.read();
  CAPTURE(form);
  CAPTURE(mask);
  for (size_t l = 0; l < 32; l++) {
    if (!in(mask, l)) continue;
    CAPTURE(l);
    const Wanted want = formula(l, a, b, c, mask);
    CHECK(got[2 * l] == want.value);
    CHECK((got[2 * l + 1] != 0) == want.p);
  }
}

/** Runs one thread, or some, of a body that writes 64-bit words to [%rd1]; the words. */
std::vector<uint64_t> results(const std::string& body, size_t words, const std::string& declarations = "",
                              unsigned threads = 1) {
  const Program program(kernelOf(body, declarations));
  const Buffer<uint64_t> out(std::vector<uint64_t>(words, 0));
  must(ran(program.function("k"), {1, threads}, out.address));
  return out.read();
}

}  // namespace

TEST_CASE("every instruction of a warp gives what its formula says, for all lanes and for some") {
  const Environment environment;
  open();
  for (const std::string& form : flambeau::ptx::forms()) {
    const std::string op = form.substr(0, form.find('.'));
    if (op != "shfl" && op != "vote" && op != "match" && op != "redux" && op != "activemask" && op != "elect") continue;
    const auto formula = formulas().find(form);
    CAPTURE(form);
    REQUIRE(formula != formulas().end());
    Lanes a(32), few(32), same(32, 5), none(32, 0), b(32), c(32);
    for (size_t l = 0; l < 32; l++) {
      a[l] = (l * 2654435761u + 77) & 0xffffffff;
      few[l] = l % 3;
      b[l] = l * 7 % 32;
    }
    if (op == "shfl") {
      for (const size_t width : {32, 16, 8, 4, 2}) {
        // The clamp is the segment's first lane for `up`, its last for the others.
        const uint64_t clamp = (32 - width) << 8 | (form.find("up") != std::string::npos ? 0 : 31);
        for (const size_t by : {0, 1, 3, 16, 31}) {
          tryWarp(form, formula->second, a, Lanes(32, by), Lanes(32, clamp), 0xffffffff);
          if (width <= 16) tryWarp(form, formula->second, a, Lanes(32, by % width), Lanes(32, clamp), 0x0000ffff);
        }
        tryWarp(form, formula->second, a, b, Lanes(32, clamp), 0xffffffff);
      }
      continue;
    }
    for (const Lanes& values : {a, few, same, none}) {
      for (const uint32_t mask : {0xffffffffu, 0x0000ffffu, 0xa5a50f00u, 0x80000000u})
        tryWarp(form, formula->second, values, b, c, mask);
    }
  }
}

TEST_CASE("each type goes to memory and comes back, alone and in vectors, in every space and by generic addresses") {
  const Environment environment;
  open();
  const std::string declarations = ".global .align 16 .b8 g[16];\n.shared .align 16 .b8 s[16];\n";
  for (const char* space : {"global", "shared", "local", "generic"}) {
    for (const char* type :
         {"b8", "u8", "s8", "b16", "u16", "s16", "b32", "u32", "s32", "f32", "b64", "u64", "s64", "f64"}) {
      const int bits = atoi(type + 1);
      for (const int vector : {1, 2, 4}) {
        if (vector * bits > 128) continue;
        const std::string dot = space == std::string("generic") ? "." : std::string(".") + space + ".";
        const std::string where = space == std::string("global") ? "g" : space == std::string("shared") ? "s" : "l";
        std::string body = ".local .align 16 .b8 l[16];\nmov.u64 %rd2, " + where + ";\n", sources, targets;
        if (space == std::string("generic")) body += "cvta.local.u64 %rd2, %rd2;\n";
        for (int k = 0; k < vector; k++) {
          const std::string n = std::to_string(k);
          body += "mov.u64 %rd1" + n + ", " + std::to_string(0x8182838485868788ull + static_cast<unsigned>(k)) + ";\n";
          sources += (k ? ", %rd1" : "%rd1") + n;
          targets += (k ? ", %rd2" : "%rd2") + n;
        }
        const std::string v = vector > 1 ? "v" + std::to_string(vector) + "." : "";
        const auto braced = [&](const std::string& list) { return vector > 1 ? "{" + list + "}" : list; };
        body += "st" + dot + v + type + " [%rd2], " + braced(sources) + ";\nld" + dot + v + type + " " +
                braced(targets) + ", [%rd2];\n";
        for (int k = 0; k < vector; k++)
          body += "st.global.u64 [%rd1+" + std::to_string(8 * k) + "], %rd2" + std::to_string(k) + ";\n";
        // 64-bit registers take narrower types through their low bits.
        const std::vector<uint64_t> got = results(body, static_cast<size_t>(vector), declarations);
        CAPTURE(std::string(space));
        CAPTURE(std::string(type));
        for (int k = 0; k < vector; k++) {
          const uint64_t value = 0x8182838485868788ull + static_cast<unsigned>(k);
          uint64_t want = bits == 64 ? value : value & ((uint64_t{1} << bits) - 1);
          if (type[0] == 's' && bits < 64)
            want = static_cast<uint64_t>(static_cast<int64_t>(want << (64 - bits)) >> (64 - bits));
          CHECK(got[static_cast<size_t>(k)] == want);
        }
      }
    }
  }
}

TEST_CASE(
    "atomics change what they name and give what was there, in global and shared memory, with red as without result") {
  const Environment environment;
  open();
  using U = uint64_t;
  using F = std::function<U(U, U, U)>;
  const auto narrow = [](F f) { return [f](U a, U b, U c) { return f(a, b, c) & 0xffffffff; }; };
  const auto signed32 = [](U x) { return static_cast<int64_t>(s(x)); };
  const auto asSigned = [](U x) { return static_cast<int64_t>(x); };
  const auto floats = [](U a, U b) {
    float x, y;
    memcpy(&x, &a, 4);
    memcpy(&y, &b, 4);
    x += y;
    U out = 0;
    memcpy(&out, &x, 4);
    return x == x ? out : 0x7fffffff;
  };
  const auto doubles = [](U a, U b) {
    double x, y;
    memcpy(&x, &a, 8);
    memcpy(&y, &b, 8);
    x += y;
    memcpy(&a, &x, 8);
    return a;
  };
  const F add = [](U a, U b, U) { return a + b; }, exch = [](U, U b, U) { return b; },
          cas = [](U a, U b, U c) { return a == b ? c : a; };
  const F both = [](U a, U b, U) { return a & b; }, either = [](U a, U b, U) { return a | b; },
          odd = [](U a, U b, U) { return a ^ b; };
  const F least = [](U a, U b, U) { return a < b ? a : b; }, most = [](U a, U b, U) { return a > b ? a : b; };
  const std::map<std::string, F> forms = {{"add.u32", narrow(add)},
                                          {"add.s32", narrow(add)},
                                          {"add.u64", add},
                                          {"add.f32", [&](U a, U b, U) { return floats(a, b); }},
                                          {"add.f64", [&](U a, U b, U) { return doubles(a, b); }},
                                          {"min.u32", least},
                                          {"max.u32", most},
                                          {"min.u64", least},
                                          {"max.u64", most},
                                          {"min.s32", [&](U a, U b, U) { return signed32(a) < signed32(b) ? a : b; }},
                                          {"max.s32", [&](U a, U b, U) { return signed32(a) > signed32(b) ? a : b; }},
                                          {"min.s64", [&](U a, U b, U) { return asSigned(a) < asSigned(b) ? a : b; }},
                                          {"max.s64", [&](U a, U b, U) { return asSigned(a) > asSigned(b) ? a : b; }},
                                          {"exch.b32", exch},
                                          {"exch.b64", exch},
                                          {"cas.b32", cas},
                                          {"cas.b64", cas},
                                          {"and.b32", both},
                                          {"and.b64", both},
                                          {"or.b32", either},
                                          {"or.b64", either},
                                          {"xor.b32", odd},
                                          {"xor.b64", odd},
                                          {"inc.u32", [](U a, U b, U) { return a >= b ? 0 : a + 1; }},
                                          {"dec.u32", [](U a, U b, U) { return a == 0 || a > b ? b : a - 1; }}};
  for (const auto& [form, formula] : forms) {
    const bool isWide = form.find("64") != std::string::npos, isCas = form.compare(0, 3, "cas") == 0;
    const std::string bits = isWide ? "64" : "32", r = isWide ? "%rd2" : "%r2";
    for (const char* space : {"global", "shared", ""}) {
      for (const auto& [a, b, c] :
           {std::tuple<U, U, U>{5, 3, 9}, {3, 3, 9}, {0, 7, 1}, {0xfffffffe, 2, 4}, {0x40490fdb, 0x3f800000, 0}}) {
        for (const bool isRed : {false, true}) {
          if (isRed && (form.compare(0, 4, "exch") == 0 || isCas)) continue;
          const std::string at = *space == 's' ? "s" : "g", dot = *space ? std::string(".") + space : "";
          std::string body = "mov.u64 %rd3, " + at + ";\nmov.u64 %rd20, " + std::to_string(a) + ";\nmov.u64 %rd21, " +
                             std::to_string(b) + ";\nmov.u64 %rd22, " + std::to_string(c) + ";\nmov.u64 %rd29, 0;\n";
          if (!isWide)
            body += "cvt.u32.u64 %r20, %rd20;\ncvt.u32.u64 %r21, %rd21;\ncvt.u32.u64 %r22, %rd22;\nmov.u32 %r29, 0;\n";
          body += (*space == 's' ? "st.shared.b" : "st.global.b") + bits + " [%rd3], " + r + "0;\n";
          body += isRed ? "red" + dot + "." + form + " [%rd3], " + r + "1;\n"
                        : "atom" + dot + "." + form + " " + r + "9, [%rd3], " + r + "1" +
                              (isCas ? ", " + r + "2" : "") + ";\n";
          body += (*space == 's' ? "ld.shared.b" : "ld.global.b") + bits + " " + r + "8, [%rd3];\n";
          if (!isWide) body += "cvt.u64.u32 %rd28, %r28;\ncvt.u64.u32 %rd29, %r29;\n";
          body += "st.global.u64 [%rd1], %rd28;\nst.global.u64 [%rd1+8], %rd29;\n";
          const std::vector<U> got = results(body, 2, ".global .align 8 .b8 g[8];\n.shared .align 8 .b8 s[8];\n");
          CAPTURE(form);
          CAPTURE(std::string(space));
          CAPTURE(a);
          CHECK(got[0] == formula(a, b, c));
          CHECK(got[1] == (isRed ? 0 : a));
        }
      }
    }
  }
}

TEST_CASE("registers are packed from parts and unpacked, low parts first") {
  const Environment environment;
  open();
  const std::vector<uint64_t> got = results(
      "mov.b32 %r2, {4660, 22136};\nmov.b32 %r3, 305419896;\nmov.b32 {%h1, %h2}, %r3;\nmov.b64 %rd2, {%r2, %r3};\n"
      "mov.b64 {%r4, _}, %rd2;\nmov.b64 %rd3, {%h1, %h2, %h2, %h1};\nmov.b64 {%h3, %h4, %h5, %h6}, %rd2;\n"
      "cvt.u64.u32 %rd4, %r2;\ncvt.u64.u16 %rd5, %h2;\ncvt.u64.u32 %rd6, %r4;\ncvt.u64.u16 %rd7, %h5;\n"
      "st.global.v2.u64 [%rd1], {%rd4, %rd2};\nst.global.v2.u64 [%rd1+16], {%rd5, %rd6};\nst.global.v2.u64 [%rd1+32], "
      "{%rd3, %rd7};\n",
      6);
  CHECK(got == std::vector<uint64_t>{0x56781234, 0x1234567856781234, 0x1234, 0x56781234, 0x5678123412345678, 0x5678});
}

TEST_CASE("generic addresses say in which space they are, and go back to it") {
  const Environment environment;
  open();
  std::string body = ".local .b32 l;\n.shared .b32 s;\n";
  for (const char* space : {"global", "shared", "local"}) {
    const std::string variable = std::string(1, *space);
    body += "mov.u64 %rd2, " + variable + ";\ncvta." + space + ".u64 %rd3, %rd2;\nmov.u32 %r2, 0;\n";
    for (const char* other : {"global", "shared", "local"}) {
      body += std::string("isspacep.") + other +
              " %p1, %rd3;\nselp.u32 %r3, 1, 0, %p1;\nshl.b32 %r2, %r2, 1;\nor.b32 %r2, %r2, %r3;\n";
    }
    body +=
        std::string("cvta.to.") + space + ".u64 %rd4, %rd3;\nsetp.eq.u64 %p2, %rd4, %rd2;\nselp.u32 %r3, 1, 0, %p2;\n";
    body +=
        "shl.b32 %r2, %r2, 1;\nor.b32 %r2, %r2, %r3;\ncvt.u64.u32 %rd5, %r2;\nst.global.u64 [%rd1], %rd5;\nadd.u64 "
        "%rd1, %rd1, 8;\n";
  }
  CHECK(results(body, 3, ".global .b32 g;\n") == std::vector<uint64_t>{9, 5, 3});
}

TEST_CASE("special registers have the coordinates of blocks, threads and lanes") {
  const Environment environment;
  open();
  const std::string names[] = {"tid.x",   "tid.y",   "tid.z",       "ntid.x",     "ntid.y",   "ntid.z",
                               "ctaid.x", "ctaid.y", "ctaid.z",     "nctaid.x",   "nctaid.y", "nctaid.z",
                               "laneid",  "warpid",  "lanemask_lt", "lanemask_ge"};
  std::string body =
      "mov.u32 %r2, %tid.y;\nmov.u32 %r3, %tid.z;\nmov.u32 %r4, %ctaid.x;\nmov.u32 %r5, %ctaid.y;\nmov.u32 %r6, "
      "%ctaid.z;\n"
      // The last thread of the last block.
      "setp.eq.u32 %p1, %r1, 4;\nsetp.eq.and.u32 %p1, %r2, 2, %p1;\nsetp.eq.and.u32 %p1, %r3, 3, %p1;\n"
      "setp.eq.and.u32 %p1, %r4, 1, %p1;\nsetp.eq.and.u32 %p1, %r5, 2, %p1;\nsetp.eq.and.u32 %p1, %r6, 1, %p1;\n";
  for (size_t k = 0; k < 16; k++)
    body += "mov.u32 %r7, %" + names[k] + ";\n@%p1 st.global.u32 [%rd1+" + std::to_string(4 * k) + "], %r7;\n";
  const Program program(kernelOf(body));
  const Buffer<uint32_t> out(16);
  void* list[] = {const_cast<CUdeviceptr*>(&out.address)};
  must(cuLaunchKernel(program.function("k"), 2, 3, 2, 5, 3, 4, 0, nullptr, list, nullptr));
  CHECK(out.read() ==
        std::vector<uint32_t>{4, 2, 3, 5, 3, 4, 1, 2, 1, 2, 3, 2, 27, 1, (1u << 27) - 1, ~((1u << 27) - 1)});
}

TEST_CASE("jumps by a table, loops that lanes leave one by one, and calls of functions meet again behind") {
  const Environment environment;
  open();
  const std::string functions =
      ".func (.reg .b32 out) twice(.reg .b32 x)\n{\nadd.s32 out, x, x;\nret;\n}\n"
      ".func (.param .b32 out) tripled(.param .b32 x)\n{\n.reg .b32 %a<4>;\nld.param.b32 %a0, [x];\nmul.lo.s32 %a1, "
      "%a0, 3;\n"
      "st.param.b32 [out], %a1;\nret;\n}\n";
  const std::string body =
      // x = 1, 2, 3 or 9 by lane % 4; then lane times + 1; then twice, tripled; the mask of who is there.
      "and.b32 %r2, %r1, 3;\nT: .branchtargets A, B, C, D;\nbrx.idx %r2, T;\nA: mov.u32 %r3, 1; bra E;\nB: mov.u32 "
      "%r3, 2; bra E;\n"
      "C: mov.u32 %r3, 3; bra E;\nD: mov.u32 %r3, 9;\nE: mov.u32 %r4, 0;\nL: setp.ge.u32 %p1, %r4, %r1;\n@%p1 bra M;\n"
      "add.u32 %r3, %r3, 1;\nadd.u32 %r4, %r4, 1;\nbra L;\nM: call (%r5), twice, (%r3);\n"
      "{\n.param .b32 a;\n.param .b32 b;\nst.param.b32 [a], %r5;\ncall.uni (b), tripled, (a);\nld.param.b32 %r6, "
      "[b];\n}\n"
      "activemask.b32 %r7;\nmad.wide.u32 %rd2, %r1, 8, %rd1;\nst.global.v2.u32 [%rd2], {%r6, %r7};\n";
  const std::vector<uint64_t> got = results(body, 32, functions, 32);
  const uint32_t first[] = {1, 2, 3, 9};
  for (uint32_t l = 0; l < 32; l++) CHECK(got[l] == (uint64_t{0xffffffff} << 32 | 6 * (first[l % 4] + l)));
}
