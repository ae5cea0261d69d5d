// Faults of kernels: each check has a kernel that breaks it, and its text names the kernel, the line, the thread and
// what was wrong; and the kernels beside them, which do the same rightly, pass. The table is long because it is whole.
#include "device.h"

namespace {

/** A kernel, its launch, and the error and words of the text that it ends with; no error: it is right. */
struct Broken {
  const char* what;
  std::string body;
  CUresult code;
  std::vector<std::string> words;
  Shape shape = {1, 32};
  std::string declarations = "";
};

constexpr auto fine = CUDA_SUCCESS;
constexpr auto illegal = CUDA_ERROR_ILLEGAL_ADDRESS, odd = CUDA_ERROR_MISALIGNED_ADDRESS,
               failed = CUDA_ERROR_LAUNCH_FAILED;

/** The parameter is memory of 64 words, of which 32 were written. */
void tryOne(const Broken& broken, const char* order) {
  const Environment environment({order, "LIMIT=1000000"});
  open();
  const Program program(kernelOf(broken.body, broken.declarations));
  CUdeviceptr address;
  must(cuMemAlloc_v2(&address, 256));
  const std::vector<uint32_t> half(32, 7);
  must(cuMemcpyHtoD_v2(address, half.data(), 128));
  const CUresult code = ran(program.function("k"), broken.shape, address);
  const std::string text = fakecudaLastFault();
  CAPTURE(std::string(broken.what));
  CAPTURE(text);
  CHECK(code == broken.code);
  for (const std::string& word : broken.words) CHECK(text.find(word) != std::string::npos);
  if (broken.code == CUDA_SUCCESS) return;
  // The context is lost from then on.
  CHECK(text.find("kernel 'k'") != std::string::npos);
  CHECK(cuCtxSynchronize() == broken.code);
  CHECK(cuMemAlloc_v2(&address, 4) == broken.code);
  std::vector<uint32_t> read(1);
  CHECK(cuMemcpyDtoH_v2(read.data(), address, 4) == broken.code);
}

const std::string place = "mad.wide.u32 %rd2, %r1, 4, %rd1;\n";
const std::string shared = ".shared .align 16 .b8 s[256];\n";
const std::string here = "mov.u32 %r2, s;\nmad.lo.u32 %r2, %r1, 4, %r2;\n";
/** The other half of the warp, or the next warp. */
const std::string there = "xor.b32 %r3, %r1, 1;\nmov.u32 %r4, s;\nmad.lo.u32 %r4, %r3, 4, %r4;\n";

const std::vector<Broken>& kernels() {
  static const std::vector<Broken> all = {
      // ---- bounds ----
      {"a store within", place + "st.global.u32 [%rd2], %r1;", fine, {}},
      {"a store behind the end",
       place + "st.global.u32 [%rd2+256], %r1;",
       illegal,
       {"`st.global.u32 [%rd2+256], %r1;`", "thread (0, 0, 0)", "offset 256 of an allocation of 256 bytes"}},
      {"a store half behind the end", "st.global.v2.u64 [%rd1+248], {%rd1, %rd1};", odd, {}},
      {"a load before the beginning", "ld.global.u32 %r2, [%rd1+-4];", illegal, {"offset -4 of an allocation"}},
      {"a null pointer", "mov.u64 %rd2, 0;\nst.global.u32 [%rd2], %r1;", illegal, {"an address of the host, or none"}},
      {"only the thread that strays is named",
       place + "setp.eq.u32 %p1, %r1, 9;\n@%p1 add.u64 %rd2, %rd2, 4096;\nst.global.u32 [%rd2], %r1;",
       illegal,
       {"thread (9, 0, 0)"}},
      {"shared memory behind the end",
       here + "st.shared.u32 [%r2+256], %r1;",
       illegal,
       {"offset 256 of 256 bytes of shared memory"},
       {1, 32},
       shared},
      {"shared memory of the launch",
       here + "st.shared.u32 [%r2], %r1;",
       fine,
       {},
       {1, 32, 128},
       ".extern .shared .align 16 .b8 s[];\n"},
      {"shared memory that the launch did not ask for",
       here + "st.shared.u32 [%r2], %r1;",
       illegal,
       {"thread (16, 0, 0)", "offset 64 of 64 bytes"},
       {1, 32, 64},
       ".extern .shared .align 16 .b8 s[];\n"},
      {"shared memory by a null pointer",
       "mov.u32 %r2, 0;\nst.shared.u32 [%r2], %r1;",
       illegal,
       {"of shared memory"},
       {1, 32},
       shared},
      {"local memory behind the end",
       ".local .b32 l[2];\nmov.u64 %rd2, l;\nst.local.u32 [%rd2+8], %r1;",
       illegal,
       {"offset 8 of 8 bytes of local memory"}},
      {"parameters behind the end", "ld.param.u64 %rd2, [out+8];", illegal, {"of parameters"}},
      {"a generic address behind shared memory",
       "mov.u64 %rd2, s;\ncvta.shared.u64 %rd2, %rd2;\nst.u32 [%rd2+256], %r1;",
       illegal,
       {"of shared memory"},
       {1, 32},
       shared},
      {"constants are not written",
       "mov.u64 %rd2, c;\nst.global.u32 [%rd2], %r1;",
       illegal,
       {"constant memory is written"},
       {1, 1},
       ".const .b32 c = 5;\n"},
      // ---- alignment ----
      {"an odd address", "ld.global.u32 %r2, [%rd1+2];", odd, {"not aligned"}},
      {"a vector at an address of a word", "ld.global.v4.u32 {%r2, %r3, %r4, %r5}, [%rd1+8];", odd, {"16 bytes"}},
      {"an odd address of shared memory",
       here + "st.shared.u32 [%r2+1], %r1;",
       odd,
       {"of shared memory"},
       {1, 32},
       shared},
      // ---- what was never written ----
      {"memory that was never written", "ld.global.u32 %r2, [%rd1+128];", failed, {"never written", "offset 128"}},
      {"memory of which a part was never written",
       "ld.global.v2.u64 {%rd2, %rd3}, [%rd1+112];\nld.global.u64 %rd2, [%rd1+128];",
       failed,
       {"never written"}},
      {"shared memory that was never written",
       here + "ld.shared.u32 %r3, [%r2];",
       failed,
       {"never written", "shared"},
       {1, 32},
       shared},
      {"local memory that was never written",
       ".local .b32 l;\nld.local.u32 %r3, [l];",
       failed,
       {"never written", "local"}},
      {"a register that was never written",
       "add.u32 %r2, %r3, 1;",
       failed,
       {"a register is read that was never written"}},
      {"a register that some lanes have not written",
       "setp.lt.u32 %p1, %r1, 5;\n@%p1 mov.u32 %r3, 1;\nadd.u32 %r2, %r3, 1;",
       failed,
       {"a register is read", "thread (5, 0, 0)"}},
      {"a predicate that was never written",
       "@%p1 add.u32 %r2, %r1, 1;",
       failed,
       {"a predicate is read that was never written"}},
      {"an atomic on memory that was never written",
       "atom.global.add.u32 %r2, [%rd1+128], 1;",
       failed,
       {"never written"}},
      // ---- races ----
      {"all threads write one word",
       "st.global.u32 [%rd1], %r1;",
       failed,
       {"race", "writes offset 0 of global memory", "wrote"}},
      {"all threads add to one word by atomics", "red.global.add.u32 [%rd1], 1;", fine, {}, {3, 64}},
      {"all threads write one word by strong stores", "st.relaxed.gpu.global.u32 [%rd1], %r1;", fine, {}, {3, 64}},
      {"an atomic and a plain read", "red.global.add.u32 [%rd1], 1;\nld.global.u32 %r2, [%rd1];", failed, {"race"}},
      {"a word that another block writes",
       "mov.u32 %r2, %ctaid.x;\nmad.wide.u32 %rd2, %r2, 0, %rd1;\nst.global.u32 [%rd2], %r2;",
       failed,
       {"race", "of another block"},
       {2, 1}},
      {"a word that another block reads",
       "mov.u32 %r2, %ctaid.x;\nsetp.eq.u32 %p1, %r2, 0;\n@%p1 ld.global.u32 %r3, [%rd1];\n@!%p1 st.global.u32 [%rd1], "
       "%r2;",
       failed,
       {"race", "of another block"},
       {2, 1}},
      {"a neighbour's word behind a barrier",
       here + "st.shared.u32 [%r2], %r1;\nbar.sync 0;\n" + there + "ld.shared.u32 %r5, [%r4];",
       fine,
       {},
       {1, 64},
       shared},
      {"a neighbour's word without a barrier",
       here + "st.shared.u32 [%r2], %r1;\n" + there + "ld.shared.u32 %r5, [%r4];",
       failed,
       {"race", "reads offset", "without a barrier"},
       {1, 64},
       shared},
      {"a neighbour's word behind a barrier of the warp",
       here + "st.shared.u32 [%r2], %r1;\nbar.warp.sync 0xffffffff;\n" + there + "ld.shared.u32 %r5, [%r4];",
       fine,
       {},
       {1, 64},
       shared},
      {"another warp's word behind a barrier of the warp",
       here + "st.shared.u32 [%r2], %r1;\nbar.warp.sync 0xffffffff;\n" +
           "xor.b32 %r3, %r1, 32;\nmov.u32 %r4, s;\nmad.lo.u32 %r4, %r3, 4, %r4;\nld.shared.u32 %r5, [%r4];",
       failed,
       {},
       {1, 64},
       shared},
      {"a word written again before all have read it",
       here + "st.shared.u32 [%r2], %r1;\nbar.sync 0;\n" + there +
           "ld.shared.u32 %r5, [%r4];\nst.shared.u32 [%r2], %r5;",
       failed,
       {"race", "read"},
       {1, 64},
       shared},
      {"a word written again behind a second barrier",
       here + "st.shared.u32 [%r2], %r1;\nbar.sync 0;\n" + there +
           "ld.shared.u32 %r5, [%r4];\nbar.sync 0;\nst.shared.u32 [%r2], %r5;",
       fine,
       {},
       {1, 64},
       shared},
      {"neighbouring bytes of one word",
       "mov.u32 %r2, s;\nadd.u32 %r2, %r2, %r1;\nst.shared.u8 [%r2], %r1;\nbar.sync 0;\nld.shared.u8 %r3, [%r2];",
       fine,
       {},
       {1, 64},
       shared},
      {"the same bytes",
       "mov.u32 %r2, s;\nshr.u32 %r3, %r1, 1;\nadd.u32 %r2, %r2, %r3;\nst.shared.u8 [%r2], %r1;",
       failed,
       {"race"},
       {1, 64},
       shared},
      {"bytes written and read as words",
       "mov.u32 %r2, s;\nadd.u32 %r2, %r2, %r1;\nst.shared.u8 [%r2], %r1;\nmov.u32 %r4, s;\nbar.warp.sync "
       "0xffffffff;\nld.shared.u32 %r3, [%r4+28];\nld.shared.u32 %r3, [%r4+32];",
       failed,
       {},
       {1, 64},
       shared},
      {"half of the block has a barrier of its own",
       "setp.ge.u32 %p1, %r1, 64;\n@%p1 bra E;\n" + here +
           "st.shared.u32 [%r2], %r1;\nbar.sync 1, 64;\nxor.b32 %r3, %r1, 32;\nmov.u32 %r4, s;\nmad.lo.u32 %r4, %r3, "
           "4, %r4;\nld.shared.u32 %r5, [%r4];\nE:\n",
       fine,
       {},
       {1, 128},
       shared},
      {"one warp produces and the other waits for it",
       "mov.u32 %r2, s;\nand.b32 %r3, %r1, 31;\nmad.lo.u32 %r2, %r3, 4, %r2;\nsetp.ge.u32 %p1, %r1, 32;\n@%p1 bra "
       "W;\nst.shared.u32 [%r2], %r1;\nbar.arrive 1, 64;\nbra E;\nW: bar.sync 1, 64;\nld.shared.u32 %r4, [%r2];\nE:\n",
       fine,
       {},
       {1, 64},
       shared},
      {"the producer reads what it arrived with",
       "mov.u32 %r2, s;\nand.b32 %r3, %r1, 31;\nmad.lo.u32 %r2, %r3, 4, %r2;\nsetp.ge.u32 %p1, %r1, 32;\n@%p1 bra "
       "W;\nbar.arrive 1, 64;\nst.shared.u32 [%r2], %r1;\nbra E;\nW: bar.sync 1, 64;\nst.shared.u32 [%r2], %r1;\nE:\n",
       failed,
       {"race"},
       {1, 64},
       shared},
      {"memory read as unchanging that is written",
       place + "st.global.u32 [%rd2], %r1;\nld.global.nc.u32 %r2, [%rd2];",
       failed,
       {"read as unchanging"}},
      {"memory read as unchanging that is not written",
       place + "ld.global.nc.u32 %r2, [%rd2];\nst.global.u32 [%rd2+128], %r2;",
       fine,
       {}},
      // ---- barriers ----
      {"a barrier that a warp leaves out",
       "setp.lt.u32 %p1, %r1, 32;\n@%p1 bar.sync 0;",
       failed,
       {"deadlock: 32 of 64 threads have reached barrier 0"},
       {1, 64}},
      {"a barrier that part of a warp reaches",
       "setp.lt.u32 %p1, %r1, 5;\n@%p1 bra E;\nbar.sync 0;\nE:\n",
       failed,
       {"reached by part of a warp"},
       {1, 64}},
      {"threads that returned before a barrier",
       "setp.lt.u32 %p1, %r1, 32;\n@%p1 ret;\nbar.sync 0;",
       failed,
       {"deadlock"},
       {1, 64}},
      {"warps at different barriers", "shr.u32 %r2, %r1, 5;\nbar.sync %r2;", failed, {"deadlock"}, {1, 64}},
      {"a count of threads that is no warps", "bar.sync 1, 40;", failed, {"whole warps"}, {1, 64}},
      {"more threads than the barrier is for", "bar.sync 1, 32;\nbar.sync 1, 32;", fine, {}, {1, 64}},
      {"parts of a warp at a barrier that allows it",
       "setp.lt.u32 %p1, %r1, 5;\n@%p1 bra A;\nbarrier.sync 0;\nbra E;\nA: barrier.sync 0;\nE:\n",
       fine,
       {},
       {1, 64}},
      {"a loop without end", "L: add.u32 %r1, %r1, 1;\nbra L;", CUDA_ERROR_LAUNCH_TIMEOUT, {"did not end"}},
      // ---- warps ----
      {"a shuffle without a lane of its mask",
       "setp.lt.u32 %p1, %r1, 9;\n@%p1 shfl.sync.idx.b32 %r2, %r1, 0, 31, 0xffffffff;",
       failed,
       {"lane 9 is in the mask 0xffffffff but is not at this instruction"}},
      {"a shuffle by a lane that its mask lacks",
       "shfl.sync.idx.b32 %r2, %r1, 0, 31, 0xfffffffe;",
       failed,
       {"lane 0 takes part but is not in the mask"}},
      {"a shuffle that reads a lane beside it",
       "setp.lt.u32 %p1, %r1, 16;\n@%p1 shfl.sync.idx.b32 %r2, %r1, 20, 31, 0x0000ffff;",
       failed,
       {"reads lane 20, which does not take part"}},
      {"a shuffle whose lanes name different masks",
       "add.u32 %r3, %r1, 0xffffff00;\nshfl.sync.idx.b32 %r2, %r1, 0, 31, %r3;",
       failed,
       {"name different members"}},
      {"a shuffle that reads threads that do not exist",
       "shfl.sync.down.b32 %r2, %r1, 16, 31, 0xffffffff;",
       failed,
       {"reads lane 24, which does not take part"},
       {1, 24}},
      {"a vote without a lane of its mask",
       "setp.lt.u32 %p1, %r1, 9;\n@%p1 vote.sync.any.pred %p2, %p1, 0xffffffff;",
       failed,
       {"lane 9"}},
      {"a barrier of the warp without a lane of its mask",
       "setp.lt.u32 %p1, %r1, 9;\n@%p1 bar.warp.sync 0xffffffff;",
       failed,
       {"lane 9 is in the mask"}},
      // ---- copies on the way ----
      {"a copy that is waited for",
       here + "and.b32 %r2, %r2, -16;\nmov.u64 %rd2, %rd1;\nsetp.eq.u32 %p1, %r1, 0;\n@%p1 cp.async.ca.shared.global "
              "[%r2], [%rd1], 16;\ncp.async.commit_group;\ncp.async.wait_group 0;\nbar.sync 0;\nmov.u32 %r5, "
              "s;\nld.shared.u32 %r3, [%r5];",
       fine,
       {},
       {1, 32},
       shared},
      {"a copy that is read too early",
       here + "cp.async.ca.shared.global [%r2], [%rd1], 4;\ncp.async.commit_group;\nld.shared.u32 %r3, [%r2];",
       failed,
       {"never written"},
       {1, 32},
       shared},
      {"a copy that another group is waited for",
       here + "cp.async.ca.shared.global [%r2], [%rd1], 4;\ncp.async.commit_group;\ncp.async.wait_group "
              "1;\nld.shared.u32 %r3, [%r2];",
       failed,
       {"never written"},
       {1, 32},
       shared},
      {"a copy that others read without a barrier",
       here + "cp.async.ca.shared.global [%r2], [%rd1], 4;\ncp.async.wait_all;\n" + there + "ld.shared.u32 %r3, [%r4];",
       failed,
       {},
       {1, 32},
       shared},
      {"a copy of which the rest is zeros",
       here + "cp.async.ca.shared.global [%r2], [%rd1+4096], 4, 0;\ncp.async.wait_all;\nld.shared.u32 %r3, [%r2];",
       fine,
       {},
       {1, 32},
       shared},
      // ---- others ----
      {"a trap", "setp.eq.u32 %p1, %r1, 3;\n@%p1 trap;", failed, {"trap", "thread (3, 0, 0)"}},
      {"a table of jumps that is too short",
       "T: .branchtargets A, B;\nbrx.idx %r1, T;\nA:\nB:\n",
       failed,
       {"index 2 of 2 labels"}},
      {"atomics on local memory",
       ".local .b32 l;\nmov.u64 %rd2, l;\ncvta.local.u64 %rd2, %rd2;\nst.u32 [%rd2], %r1;\natom.add.u32 %r2, [%rd2], "
       "1;",
       CUDA_ERROR_INVALID_ADDRESS_SPACE,
       {"atomics are for"}},
  };
  return all;
}

}  // namespace

TEST_CASE("each fault of a kernel is found, in every order of blocks and warps, and right kernels pass") {
  for (const char* order : {"ORDER=forward", "ORDER=reversed", "ORDER=random:5"}) {
    for (const Broken& broken : kernels()) {
      // In other orders another thread is the first to meet a fault.
      const bool isFirst = order == std::string("ORDER=forward");
      Broken own = broken;
      if (!isFirst) own.words.clear();
      tryOne(own, order);
    }
  }
}

TEST_CASE("memory that was freed is told from memory that never was") {
  const Environment environment;
  open();
  const Program program(kernelOf("st.global.u32 [%rd1], %r1;"));
  CUdeviceptr address;
  must(cuMemAlloc_v2(&address, 64));
  must(cuMemFree_v2(address));
  CHECK(ran(program.function("k"), {1, 1}, address + 4) == CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK(std::string(fakecudaLastFault()).find("offset 4 of freed memory of 64 bytes") != std::string::npos);
}

TEST_CASE("the last block sees what others released by fences around an atomic, and only then") {
  for (const bool hasFence : {true, false}) {
    const Environment environment;
    open();
    const std::string fence = hasFence ? "membar.gl;\n" : "";
    const Program program(
        kernelOf("mov.u32 %r2, %ctaid.x;\nmad.wide.u32 %rd2, %r2, 4, %rd1;\nst.global.u32 [%rd2+4], %r2;\n" + fence +
                 "atom.global.add.u32 %r3, [%rd1], 1;\nmembar.gl;\nsetp.ne.u32 %p1, %r3, 2;\n@%p1 ret;\n"
                 "ld.global.u32 %r4, [%rd1+4];\nld.global.u32 %r5, [%rd1+8];"));
    const Buffer<uint32_t> out(std::vector<uint32_t>(4, 0));
    CHECK(ran(program.function("k"), {3, 1}, out.address) == (hasFence ? CUDA_SUCCESS : CUDA_ERROR_LAUNCH_FAILED));
    if (!hasFence) CHECK(std::string(fakecudaLastFault()).find("race") != std::string::npos);
  }
}

TEST_CASE("a barrier that reduces gives all threads the count, the conjunction and the disjunction") {
  const Environment environment;
  open();
  const Program program(kernelOf(
      "setp.lt.u32 %p1, %r1, 40;\nbar.red.popc.u32 %r2, 0, %p1;\nbar.red.and.pred %p2, 0, %p1;\nbar.red.or.pred %p3, "
      "0, !%p1;\n"
      "selp.u32 %r3, 100, 0, %p2;\nselp.u32 %r4, 1000, 0, %p3;\nadd.u32 %r2, %r2, %r3;\nadd.u32 %r2, %r2, %r4;\n" +
      place + "st.global.u32 [%rd2], %r2;"));
  const Buffer<uint32_t> out(64);
  must(ran(program.function("k"), {1, 64}, out.address));
  CHECK(out.read() == std::vector<uint32_t>(64, 1040));
}

TEST_CASE("texts that are wrong are refused with the line and the reason") {
  const Environment environment;
  open();
  const std::pair<const char*, const char*> wrong[] = {
      {"frobnicate.u32 %r2, %r1;", "'frobnicate.u32' is not an instruction that the interpreter knows"},
      {"add.sat.u32 %r2, %r1, %r1;", "'add.sat.u32' has a modifier that 'add.u32' does not take"},
      {"add.u32 %r2, %r1, %rd1;", "'%rd1' has 64 bits where 32 are wanted"},
      {"add.f32 %f1, %r1, %f1;", ""},
      {"add.u32 %r2, %r99, 1;", "'%r99' is not a register that was declared"},
      {"add.f32 %f1, %f1, 1;", "'1' is an integer where a float is wanted"},
      {"add.u32 %r2, %r1, 0f3f800000;", "is a float where an integer is wanted"},
      {"add.u32 %r2, %r1;", "'add.u32' has too few operands"},
      {"add.u32 %r2, %r1, %r1, %r1;", "'add.u32' has too many operands"},
      {"add.s32 %r2, %f1, %r1;", "is a register of type f32 where s32 is wanted"},
      {"bra NOWHERE;", "there is no label 'NOWHERE'"},
      {"ld.shared.u32 %r2, [nothing];", "'nothing' is not declared"},
      {"@%r1 bra E;\nE:\n", "'%r1' is not a predicate"},
      {"call nobody;", "there is no function 'nobody' with a body"},
      {"atom.global.mul.u32 %r2, [%rd1], 1;", "is not an instruction that the interpreter knows"},
      {"ld.global.v3.u32 {%r2, %r3, %r4}, [%rd1];", "is not an instruction that the interpreter knows"},
      {"mov.u32 %r2, %nosuch;", "'%nosuch' is not a register that was declared"}};
  for (const auto& [body, why] : wrong) {
    char log[400] = "";
    CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void* values[] = {log, reinterpret_cast<void*>(sizeof log)};
    CUmodule module;
    const CUresult code = cuModuleLoadDataEx(&module, kernelOf(body).c_str(), 2, options, values);
    CAPTURE(std::string(body));
    CAPTURE(std::string(log));
    // Registers of bits take any type of their width.
    if (*why == 0) {
      CHECK(code == CUDA_SUCCESS);
      continue;
    }
    CHECK(code == CUDA_ERROR_INVALID_PTX);
    CHECK(std::string(log).find("ptx line 14: ") == 0);
    CHECK(std::string(log).find(why) != std::string::npos);
  }
}
