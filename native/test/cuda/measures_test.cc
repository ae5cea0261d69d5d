// What the driver for tests tells about the runs of kernels, and the faults that it puts into them: what the measures of
// the tests themselves, coverage and mutation, are made of.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

#include "kernels_of_driver.h"
#include "state.h"

TEST_CASE("coverage says of each line how often it ran, both ways of guards, sectors and passes over the banks") {
  const TemporaryFile file;
  const std::string setting = "COVERAGE=" + file.path;
  {
    const Environment environment({setting.c_str()});
    open();
    // A strided store of 32 sectors instead of 4, a shared store with all lanes on one bank, a guard that always holds.
    const Program program(
        kernelOf("mad.wide.u32 %rd2, %r1, 32, %rd1;\nst.global.u32 [%rd2], %r1;\nmov.u32 %r2, s;\nmad.lo.u32 %r2, %r1, "
                 "128, %r2;\n"
                 "st.shared.u32 [%r2], %r1;\nsetp.lt.u32 %p1, %r1, 32;\n@%p1 bra E;\nadd.u32 %r2, %r1, 1;\nE: "
                 "cvt.rn.f32.u32 %f1, %r1;\n"
                 "fma.rn.f32 %f1, %f1, %f1, %f1;\n@!%p1 add.f32 %f1, %f1, %f1;",
                 ".shared .align 4 .b8 s[4096];\n"));
    const Buffer<uint32_t> out(256);
    for (int i = 0; i < 2; i++) must(ran(program.function("k"), {1, 32}, out.address));
  }
  std::ifstream stream(file.path);
  std::string line, rest;
  std::getline(stream, line);
  CHECK(!std::getline(stream, rest));
  CAPTURE(line);
  for (const char* part :
       {"{\"kernel\":\"k\",\"digest\":\"", "\"launches\":2,\"instructions\":24,\"flops\":128,",
        "{\"line\":16,\"warps\":2,\"space\":\"global\",\"touched\":64,\"least\":8,\"text\":\"st.global.u32 [%rd2], "
        "%r1;\"}",
        "{\"line\":19,\"warps\":2,\"space\":\"shared\",\"touched\":64,\"least\":2,",
        "{\"line\":21,\"warps\":2,\"true\":64,\"false\":0,\"text\":\"@%p1 bra E;\"}",
        "{\"line\":22,\"warps\":0,\"text\":\"add.u32 %r2, %r1, 1;\"}", "{\"line\":24,\"warps\":2}"}) {
    CAPTURE(std::string(part));
    CHECK(line.find(part) != std::string::npos);
  }
}

TEST_CASE("kernels have the fault that a file names, one file after the other, and devices are well again") {
  const Environment environment;
  open();
  const Program program(kernels);
  const CUfunction plus = program.function("plus"), step = program.function("step");
  const std::string text = kernels, digest = plus->module->module->digest;
  const auto fileOf = [&](const char* code, const char* instead, TemporaryFile& file) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(text.find(code)), '\n');
    std::ofstream(file.path) << "1000\n" << digest << " " << line << " " << instead << "\n";
  };
  const auto both = [&]() -> std::pair<CUresult, uint32_t> {
    const Buffer<uint32_t> out(std::vector<uint32_t>(1, 7));
    const CUresult first = ran(plus, {1, 1}, out.address, 2u);
    if (first != CUDA_SUCCESS) return {first, 0};
    return {ran(step, {1, 1}, out.address), out.read()[0]};
  };
  const char* const add = "add.u32 %r3, %r3, %r1;";
  TemporaryFile less, lost, endless, none;
  fileOf(add, "sub.u32 %r3, %r3, %r1;", less);
  fileOf("st.global.u32 [%rd2], %r3;", "st.global.u32 [%rd1+4096], %r3;", lost);
  fileOf(add, "again: bra again;", endless);
  fileOf(add, "no.such.opcode;", none);
  using Result = std::pair<CUresult, uint32_t>;
  const std::pair<const char*, Result> cases[] = {
      {less.path.c_str(), {CUDA_SUCCESS, 16}},      {"", {CUDA_SUCCESS, 28}},
      {lost.path.c_str(), {CUDA_ERROR_UNKNOWN, 0}}, {less.path.c_str(), {CUDA_SUCCESS, 16}},
      {endless.path.c_str(), {CUDA_ERROR_UNKNOWN, 0}}, {none.path.c_str(), {CUDA_ERROR_UNKNOWN, 0}},
      {"", {CUDA_SUCCESS, 28}}};
  for (const auto& [file, wanted] : cases) {
    CAPTURE(std::string(file));
    setenv("FAKECUDA_MUTATE", file, 1);
    CHECK(both() == wanted);
    // What was wrong stays so until the next file.
    if (wanted.first != CUDA_SUCCESS) CHECK(cuCtxSynchronize() == wanted.first);
  }
  unsetenv("FAKECUDA_MUTATE");
}
