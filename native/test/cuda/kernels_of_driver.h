// Kernels and pinned memory for the tests of the driver.
#pragma once
#include "device.h"

namespace {

/** out[i] += value, and out[i] = out[i] * 3 + 1. */
const char* const kernels =
    ".version 6.3\n.target sm_75\n.address_size 64\n.global .align 4 .u32 counter = 5;\n"
    ".visible .entry plus(.param .u64 out, .param .u32 value)\n{\n.reg .b32 %r<5>;\n.reg .b64 %rd<5>;\n"
    "ld.param.u64 %rd1, [out];\nld.param.u32 %r1, [value];\nmov.u32 %r2, %tid.x;\nmad.wide.u32 %rd2, %r2, 4, %rd1;\n"
    "ld.global.u32 %r3, [%rd2];\nadd.u32 %r3, %r3, %r1;\nst.global.u32 [%rd2], %r3;\nret;\n}\n"
    ".visible .entry step(.param .u64 out)\n{\n.reg .b32 %r<5>;\n.reg .b64 %rd<5>;\n"
    "ld.param.u64 %rd1, [out];\nmov.u32 %r2, %tid.x;\nmad.wide.u32 %rd2, %r2, 4, %rd1;\n"
    "ld.global.u32 %r3, [%rd2];\nmad.lo.u32 %r3, %r3, 3, 1;\nst.global.u32 [%rd2], %r3;\nret;\n}\n"
    ".visible .entry big()\n.maxntid 64\n{\n.shared .align 4 .b8 s[40960];\nret;\n}\n";

class Pinned {
 public:
  explicit Pinned(size_t count) {
    void* memory;
    must(cuMemHostAlloc(&memory, count * 4, 0));
    at = static_cast<uint32_t*>(memory);
  }
  ~Pinned() { cuMemFreeHost(at); }
  uint32_t* at;
};

struct Stream {
  explicit Stream(unsigned flags = CU_STREAM_NON_BLOCKING) { must(cuStreamCreate(&stream, flags)); }
  ~Stream() { cuStreamDestroy_v2(stream); }
  CUstream stream;
};
struct Event {
  explicit Event(unsigned flags = CU_EVENT_DEFAULT) { must(cuEventCreate(&event, flags)); }
  ~Event() { cuEventDestroy_v2(event); }
  CUevent event;
};

}  // namespace
