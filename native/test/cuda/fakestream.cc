// Streams, events, captures and graphs of the driver for tests.
#include "enter.h"

using namespace flambeau;
using namespace flambeau::fake;

CUresult cuStreamCreate(CUstream* stream, unsigned flags) {
  ENTER(context)
  REQUIRE(flags <= CU_STREAM_NON_BLOCKING, CUDA_ERROR_INVALID_VALUE);
  *stream = new CUstream_st;
  (*stream)->context = current;
  (*stream)->isBlocking = flags == CU_STREAM_DEFAULT;
  d.streams.insert(*stream);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult fakecudaCall(CUstream handle, void (*function)(const void*), const void* parameters, size_t bytes) {
  ENTER(context)
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr, CUDA_ERROR_INVALID_HANDLE);
  Work work{};
  work.kind = Work::call;
  work.called = function;
  work.staged.assign(static_cast<const uint8_t*>(parameters), static_cast<const uint8_t*>(parameters) + bytes);
  return d.add(stream, std::move(work));
  LEAVE
}
void fakecudaRead(void* to, CUdeviceptr from, size_t bytes) { driver().memory.read(to, from, bytes); }
void fakecudaWrite(CUdeviceptr to, const void* from, size_t bytes) { driver().memory.write(to, from, bytes); }

CUresult cuStreamDestroy_v2(CUstream stream) {
  ENTER(context)
  REQUIRE(d.streams.count(stream) != 0, CUDA_ERROR_INVALID_HANDLE);
  d.advance(stream, UINT64_MAX);
  if (stream->capture != nullptr) stream->capture->isInvalid = true;
  d.streams.erase(stream);
  delete stream;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuStreamSynchronize(CUstream handle) {
  ENTER(context)
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr, CUDA_ERROR_INVALID_HANDLE);
  if (stream->capture != nullptr) {
    stream->capture->isInvalid = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  d.advance(stream, UINT64_MAX);
  return current->lost;
  LEAVE
}

namespace {

/** "Not ready" a few times, so that who polls is tested, and then the work is done, so that he gets on. */
bool isPatient(Driver& d, int* polls) { return (*polls)++ < d.settings.polls; }

}  // namespace

CUresult cuStreamQuery(CUstream handle) {
  ENTER(context)
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr, CUDA_ERROR_INVALID_HANDLE);
  if (stream->capture != nullptr) {
    stream->capture->isInvalid = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  if (stream->queue.empty()) return CUDA_SUCCESS;
  if (isPatient(d, &stream->polls)) return CUDA_ERROR_NOT_READY;
  d.advance(stream, UINT64_MAX);
  return current->lost;
  LEAVE
}

CUresult cuStreamWaitEvent(CUstream handle, CUevent event, unsigned flags) {
  ENTER(context)
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr && d.events.count(event) != 0, CUDA_ERROR_INVALID_HANDLE);
  REQUIRE(flags == 0, CUDA_ERROR_INVALID_VALUE);
  if (event->capture != nullptr) {
    // The stream joins the capture, or the capture's streams meet.
    if (stream->capture == nullptr) {
      REQUIRE(!stream->isDefault, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
      stream->capture = event->capture;
      stream->capture->joined[stream] = 0;
    }
    REQUIRE(stream->capture == event->capture, CUDA_ERROR_STREAM_CAPTURE_MERGE);
    const auto joined = stream->capture->joined.find(event->stream);
    if (joined != stream->capture->joined.end() && event->stream != stream && joined->second <= event->captured)
      joined->second = 0;
    return CUDA_SUCCESS;
  }
  if (stream->capture != nullptr) {
    stream->capture->isInvalid = true;
    return CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
  }
  if (event->recorded == 0 || event->done >= event->recorded) return CUDA_SUCCESS;
  Work work{};
  work.kind = Work::wait;
  work.other = event->stream;
  work.until = event->recorded;
  return d.add(stream, std::move(work));
  LEAVE
}

CUresult cuEventCreate(CUevent* event, unsigned flags) {
  ENTER(context)
  REQUIRE(flags <= (CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING), CUDA_ERROR_INVALID_VALUE);
  *event = new CUevent_st;
  (*event)->context = current;
  (*event)->hasTime = (flags & CU_EVENT_DISABLE_TIMING) == 0;
  d.events.insert(*event);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuEventRecord(CUevent event, CUstream handle) {
  ENTER(context)
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr && d.events.count(event) != 0 && event->context == current, CUDA_ERROR_INVALID_HANDLE);
  event->capture = stream->capture;
  if (stream->capture != nullptr) {
    event->stream = stream;
    event->captured = stream->capture->nodes.size();
    return CUDA_SUCCESS;
  }
  Work work{};
  work.kind = Work::record;
  work.event = event;
  return d.add(stream, std::move(work));
  LEAVE
}

CUresult cuEventQuery(CUevent event) {
  ENTER(context)
  REQUIRE(d.events.count(event) != 0, CUDA_ERROR_INVALID_HANDLE);
  if (event->capture != nullptr) return CUDA_ERROR_CAPTURED_EVENT;
  if (event->done >= event->recorded) return CUDA_SUCCESS;
  if (isPatient(d, &event->polls)) return CUDA_ERROR_NOT_READY;
  d.advance(event->stream, event->recorded);
  return current->lost;
  LEAVE
}

CUresult cuEventSynchronize(CUevent event) {
  ENTER(context)
  REQUIRE(d.events.count(event) != 0, CUDA_ERROR_INVALID_HANDLE);
  if (event->capture != nullptr) return CUDA_ERROR_CAPTURED_EVENT;
  if (event->done < event->recorded) d.advance(event->stream, event->recorded);
  return current->lost;
  LEAVE
}

CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
  ENTER(context)
  REQUIRE(d.events.count(start) != 0 && d.events.count(end) != 0, CUDA_ERROR_INVALID_HANDLE);
  REQUIRE(start->hasTime && end->hasTime && start->recorded != 0 && end->recorded != 0, CUDA_ERROR_INVALID_HANDLE);
  REQUIRE(start->done >= start->recorded && end->done >= end->recorded, CUDA_ERROR_NOT_READY);
  *milliseconds = static_cast<float>(end->milliseconds - start->milliseconds);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuEventDestroy_v2(CUevent event) {
  ENTER(context)
  REQUIRE(d.events.erase(event) == 1, CUDA_ERROR_INVALID_HANDLE);
  delete event;
  return CUDA_SUCCESS;
  LEAVE
}

// ---- capture and graphs ----

CUresult cuStreamBeginCapture_v2(CUstream handle, CUstreamCaptureMode mode) {
  ENTER(context)
  REQUIRE(handle != nullptr, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr, CUDA_ERROR_INVALID_HANDLE);
  REQUIRE(stream->capture == nullptr, CUDA_ERROR_ILLEGAL_STATE);
  stream->capture = std::make_shared<Capture>();
  stream->capture->origin = stream;
  stream->capture->mode = mode;
  stream->capture->thread = std::this_thread::get_id();
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuStreamEndCapture(CUstream handle, CUgraph* graph) {
  ENTER(context)
  *graph = nullptr;
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr, CUDA_ERROR_INVALID_HANDLE);
  REQUIRE(stream->capture != nullptr, CUDA_ERROR_ILLEGAL_STATE);
  const std::shared_ptr<Capture> capture = stream->capture;
  REQUIRE(capture->mode == CU_STREAM_CAPTURE_MODE_RELAXED || capture->thread == std::this_thread::get_id(),
          CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD);
  REQUIRE(capture->origin == stream, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
  for (const CUstream each : d.streams) {
    if (each->capture == capture) each->capture = nullptr;
  }
  REQUIRE(!capture->isInvalid, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  for (const auto& [joined, nodes] : capture->joined) REQUIRE(nodes == 0, CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
  *graph = new CUgraph_st;
  (*graph)->nodes = std::move(capture->nodes);
  d.graphs.insert(*graph);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus* status) {
  ENTER(context)
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr, CUDA_ERROR_INVALID_HANDLE);
  *status = stream->capture == nullptr   ? CU_STREAM_CAPTURE_STATUS_NONE
            : stream->capture->isInvalid ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                         : CU_STREAM_CAPTURE_STATUS_ACTIVE;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec* exec, CUgraph graph, unsigned long long) {
  ENTER(context)
  REQUIRE(d.graphs.count(graph) != 0, CUDA_ERROR_INVALID_HANDLE);
  *exec = new CUgraphExec_st;
  (*exec)->context = current;
  (*exec)->nodes = std::make_shared<std::vector<Work>>(graph->nodes);
  d.execs.insert(*exec);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuGraphLaunch(CUgraphExec exec, CUstream handle) {
  ENTER(context)
  CUstream stream = streamOf(d, handle);
  REQUIRE(stream != nullptr && d.execs.count(exec) != 0 && exec->context == current, CUDA_ERROR_INVALID_HANDLE);
  Work work{};
  work.kind = Work::graph;
  // Launches that wait keep the nodes that they were made with.
  work.nodes = exec->nodes;
  return d.add(stream, std::move(work));
  LEAVE
}

CUresult cuGraphExecUpdate_v2(CUgraphExec exec, CUgraph graph, CUgraphExecUpdateResultInfo* result) {
  ENTER(context)
  REQUIRE(d.execs.count(exec) != 0 && d.graphs.count(graph) != 0, CUDA_ERROR_INVALID_HANDLE);
  *result = {CU_GRAPH_EXEC_UPDATE_SUCCESS, nullptr, nullptr};
  const std::vector<Work>&old = *exec->nodes, &made = graph->nodes;
  if (old.size() != made.size()) result->result = CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
  for (size_t i = 0; i < made.size() && result->result == CU_GRAPH_EXEC_UPDATE_SUCCESS; i++) {
    if (old[i].kind != made[i].kind) result->result = CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
  }
  REQUIRE(result->result == CU_GRAPH_EXEC_UPDATE_SUCCESS, CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
  exec->nodes = std::make_shared<std::vector<Work>>(made);
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuGraphExecDestroy(CUgraphExec exec) {
  ENTER(context)
  REQUIRE(d.execs.erase(exec) == 1, CUDA_ERROR_INVALID_HANDLE);
  delete exec;
  return CUDA_SUCCESS;
  LEAVE
}

CUresult cuGraphDestroy(CUgraph graph) {
  ENTER(context)
  REQUIRE(d.graphs.erase(graph) == 1, CUDA_ERROR_INVALID_HANDLE);
  delete graph;
  return CUDA_SUCCESS;
  LEAVE
}
