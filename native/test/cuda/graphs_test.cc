// Captures of the driver for tests, and the graphs that come of them: what is replayed, how streams join, and what is
// refused.
#include "kernels_of_driver.h"

TEST_CASE("a captured graph replays what was captured, with the parameters of then") {
  const Environment environment;
  open();
  const Program program(kernels);
  const CUfunction plus = program.function("plus"), step = program.function("step");
  const Buffer<uint32_t> out(std::vector<uint32_t>(1, 0)), row(1);
  const Pinned slot(1);
  const Stream stream;
  uint32_t value = 2;
  const auto capture = [&](bool hasFill) {
    CUgraph graph;
    must(cuStreamBeginCapture_v2(stream.stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
    must(cuMemcpyHtoDAsync_v2(row.address, slot.at, 4, stream.stream));
    must(cuMemcpyDtoDAsync_v2(out.address, row.address, 4, stream.stream));
    must(launched(plus, {1, 1}, stream.stream, out.address, value));
    if (hasFill) must(cuMemsetD32Async(row.address, 0, 1, stream.stream));
    must(launched(step, {1, 1}, stream.stream, out.address));
    CUstreamCaptureStatus status;
    must(cuStreamIsCapturing(stream.stream, &status));
    CHECK(status == CU_STREAM_CAPTURE_STATUS_ACTIVE);
    must(cuStreamEndCapture(stream.stream, &graph));
    return graph;
  };
  CUgraph graph = capture(false);
  value = 50;
  CUgraphExec exec;
  must(cuGraphInstantiateWithFlags(&exec, graph, 0));
  must(cuGraphDestroy(graph));
  CHECK(out.read()[0] == 0);
  // The slot is read when the graph runs.
  for (const uint32_t number : {10u, 20u}) {
    *slot.at = number;
    must(cuGraphLaunch(exec, stream.stream));
    must(cuStreamSynchronize(stream.stream));
    CHECK(out.read()[0] == (number + 2) * 3 + 1);
  }
  // A launch that waits keeps its parameters when the graph is updated.
  must(cuGraphLaunch(exec, stream.stream));
  graph = capture(false);
  CUgraphExecUpdateResultInfo info;
  must(cuGraphExecUpdate_v2(exec, graph, &info));
  must(cuGraphDestroy(graph));
  must(cuStreamSynchronize(stream.stream));
  CHECK(out.read()[0] == (20 + 2) * 3 + 1);
  must(cuGraphLaunch(exec, stream.stream));
  must(cuStreamSynchronize(stream.stream));
  CHECK(out.read()[0] == (20 + 50) * 3 + 1);
  graph = capture(true);
  CHECK(cuGraphExecUpdate_v2(exec, graph, &info) == CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
  CHECK(info.result == CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED);
  must(cuGraphDestroy(graph));
  must(cuGraphExecDestroy(exec));
  CHECK(cuGraphLaunch(exec, stream.stream) == CUDA_ERROR_INVALID_HANDLE);
}

TEST_CASE("a second stream joins a capture by an event and must come back") {
  const Environment environment;
  open();
  const Program program(kernels);
  const CUfunction plus = program.function("plus"), step = program.function("step");
  for (const bool comesBack : {true, false}) {
    const Buffer<uint32_t> out(std::vector<uint32_t>(1, 0));
    const Stream first, second;
    const Event fork, join;
    must(cuStreamBeginCapture_v2(first.stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    must(launched(plus, {1, 1}, first.stream, out.address, 1u));
    must(cuEventRecord(fork.event, first.stream));
    must(cuStreamWaitEvent(second.stream, fork.event, 0));
    must(launched(step, {1, 1}, second.stream, out.address));
    must(cuEventRecord(join.event, second.stream));
    CHECK(cuEventQuery(join.event) == CUDA_ERROR_CAPTURED_EVENT);
    if (comesBack) must(cuStreamWaitEvent(first.stream, join.event, 0));
    CUgraph graph;
    CHECK(cuStreamEndCapture(first.stream, &graph) == (comesBack ? CUDA_SUCCESS : CUDA_ERROR_STREAM_CAPTURE_UNJOINED));
    if (!comesBack) continue;
    CUgraphExec exec;
    must(cuGraphInstantiateWithFlags(&exec, graph, 0));
    must(cuGraphLaunch(exec, second.stream));
    must(cuStreamSynchronize(second.stream));
    CHECK(out.read()[0] == 4);
  }
}

TEST_CASE("what a capture forbids is refused and spoils it") {
  const Environment environment;
  open();
  const Program program(kernels);
  const Buffer<uint32_t> out(std::vector<uint32_t>(1, 0));
  uint32_t pageable = 1;
  CUdeviceptr address;
  const Stream blocking(CU_STREAM_DEFAULT);
  using Call = std::pair<CUresult, CUresult>;
  const auto tried = [&](int which) -> Call {
    switch (which) {
      case 0:
        return {cuStreamSynchronize(blocking.stream), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED};
      case 1:
        return {cuMemAlloc_v2(&address, 64), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED};
      case 2:
        return {cuMemcpyHtoDAsync_v2(out.address, &pageable, 4, blocking.stream),
                CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED};
      case 3:
        return {cuCtxSynchronize(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED};
      default:
        return {launched(program.function("step"), {1, 1}, nullptr, out.address), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT};
    }
  };
  for (int which = 0; which < 5; which++) {
    must(cuStreamBeginCapture_v2(blocking.stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    const Call call = tried(which);
    CAPTURE(which);
    CHECK(call.first == call.second);
    CUstreamCaptureStatus status;
    must(cuStreamIsCapturing(blocking.stream, &status));
    CHECK(status == CU_STREAM_CAPTURE_STATUS_INVALIDATED);
    CHECK(launched(program.function("step"), {1, 1}, blocking.stream, out.address) ==
          CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    CUgraph graph;
    CHECK(cuStreamEndCapture(blocking.stream, &graph) == CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    CHECK(graph == nullptr);
  }
  // Relaxed captures allow allocations, and the stream works as before.
  must(cuStreamBeginCapture_v2(blocking.stream, CU_STREAM_CAPTURE_MODE_RELAXED));
  must(cuMemAlloc_v2(&address, 64));
  CUgraph graph;
  must(cuStreamEndCapture(blocking.stream, &graph));
  must(launched(program.function("plus"), {1, 1}, blocking.stream, out.address, 3u));
  CHECK(out.read()[0] == 3);
}
