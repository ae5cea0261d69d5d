// What begins and ends a run of a compiled program. A table in memory says what a run brings to where its kernels expect
// it (numbers, draws, arguments) and what it takes away from there (results), and counts the runs, so that several
// replays of a graph need nothing from the host in between.
#include <cstdint>

namespace {

/** Bytes from one place to another; from run to run both places move. */
struct Move {
  int64_t from, fromStep;
  int64_t to, toStep;
  int64_t bytes;
  /** Only so many runs do it. */
  int64_t runs;
};

template <class T> __device__ void copy(int64_t to, int64_t from, int64_t bytes) {
  // Tensors have fewer than 2^31 elements, and those of more than a byte move by words at least.
  const uint32_t count = static_cast<uint32_t>(bytes / static_cast<int64_t>(sizeof(T))), all = gridDim.x * blockDim.x;
#pragma unroll 1
  for (uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += all)
    reinterpret_cast<T*>(to)[i] = reinterpret_cast<const T*>(from)[i];
}

}  // namespace

/** Does the moves from number `first` on, one for each row of the grid. `table` is the number of this run, then all moves. */
extern "C" __global__ void program_move(const int32_t* failed, const int64_t* table, int32_t first) {
  if (failed[0] != 0) return;
  const Move& move = reinterpret_cast<const Move*>(table + 1)[first + static_cast<int32_t>(blockIdx.y)];
  const int64_t run = table[0];
  if (run >= move.runs) return;
  const int64_t from = move.from + run * move.fromStep, to = move.to + run * move.toStep;
  if (((from | to | move.bytes) & 15) == 0) copy<int4>(to, from, move.bytes);
  else if (((from | to | move.bytes) & 3) == 0) copy<int32_t>(to, from, move.bytes);
  else copy<uint8_t>(to, from, move.bytes);
}

/** The run is complete. */
extern "C" __global__ void program_next(const int32_t* failed, int64_t* table) {
  if (failed[0] == 0) table[0]++;
}
