// A stable sort of lines of pairs of a key and a position, whose order is that of the keys and, among equal ones, of the
// positions. A block sorts a tile in its own memory by a bitonic network; short lines are padded to powers of two there, by
// pairs that come last. Tiles of a longer line are merged by passes: each block makes one tile of the merged line, whose
// pairs it finds by bisection.
#include <cstdint>

namespace {

/** Elements of a block that sorts, which has half as many threads, and of one that merges. */
constexpr int tile = 2048;
constexpr int mergers = 256, each = tile / mergers;

/** Integers with the order of the values: -0 equals 0, and NaN comes last. */
template <class Float, class Bits> __device__ Bits float_key(Float x, Bits bits, Bits most) {
  if (x != x) return most;
  if (x == 0) return 0;
  return bits < 0 ? bits ^ most : bits;
}
__device__ int32_t key_of(float x) { return float_key<float, int32_t>(x, __float_as_int(x), INT32_MAX); }
__device__ int64_t key_of(double x) {
  return float_key<double, int64_t>(x, __double_as_longlong(x), INT64_MAX);
}
__device__ int32_t key_of(int32_t x) { return x; }
__device__ int32_t key_of(uint8_t x) { return x; }

template <class Key> struct Limits;
template <> struct Limits<int32_t> {
  static constexpr int32_t most = INT32_MAX;
};
template <> struct Limits<int64_t> {
  static constexpr int64_t most = INT64_MAX;
};

/**
 * Keys and positions of lines of n elements, padded to `padded`. Padding less than doubles the elements, of which a tensor
 * has fewer than 2^31, so 32 bits count them without a sign.
 */
template <class T, class Key> __device__ void begin_sort(const T* from, Key* keys, int32_t* positions, uint32_t lines,
                                                         uint32_t n, uint32_t padded, int32_t descending) {
#pragma unroll 1
  for (uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < lines * padded; i += gridDim.x * blockDim.x) {
    const uint32_t at = i % padded;
    Key key = Limits<Key>::most;
    if (at < n) {
      key = key_of(from[i / padded * n + at]);
      if (descending != 0) key = ~key;
    }
    keys[i] = key;
    positions[i] = static_cast<int32_t>(at);
  }
}

template <class Key> __device__ bool comes_later(Key a, int32_t i, Key b, int32_t j) {
  return a > b || (a == b && i > j);
}

/** Sorts lines of `padded` elements, a power of two from 2 up to a tile. */
template <class Key> __device__ void sort_tile(Key* keys, int32_t* positions, int64_t all, int32_t padded) {
  __shared__ Key k[tile];
  __shared__ int32_t p[tile];
  const int64_t base = static_cast<int64_t>(blockIdx.x) * tile;
#pragma unroll
  for (int n = 0; n < 2; n++) {
    const int i = threadIdx.x + n * (tile / 2);
    if (base + i >= all) continue;
    k[i] = keys[base + i];
    p[i] = positions[base + i];
  }
  __syncthreads();
  int32_t size = 2;
  do {
    int32_t apart = size / 2;
    do {
      const int i = 2 * threadIdx.x - (threadIdx.x & (apart - 1)), j = i + apart;
      if (base + j < all) {
        const bool rises = ((base + i) & (padded - 1) & size) == 0;
        if (comes_later(k[i], p[i], k[j], p[j]) == rises) {
          const Key key = k[i];
          k[i] = k[j];
          k[j] = key;
          const int32_t position = p[i];
          p[i] = p[j];
          p[j] = position;
        }
      }
      __syncthreads();
      apart /= 2;
    } while (apart > 0);
    size *= 2;
  } while (size <= padded);
#pragma unroll
  for (int n = 0; n < 2; n++) {
    const int i = threadIdx.x + n * (tile / 2);
    if (base + i >= all) continue;
    keys[base + i] = k[i];
    positions[base + i] = p[i];
  }
}

/**
 * Of the first `diagonal` pairs of two merged runs, how many are of the first one. Its positions all come before those of
 * the second one, so among equal keys its pairs are first.
 */
template <class Key> __device__ int32_t taken(const Key* keys, const Key* otherKeys, int32_t length, int32_t otherLength,
                                              int32_t diagonal) {
  int32_t low = diagonal > otherLength ? diagonal - otherLength : 0, high = diagonal < length ? diagonal : length;
  while (low < high) {
    const int32_t middle = (low + high) / 2, other = diagonal - 1 - middle;
    if (keys[middle] > otherKeys[other]) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Merges pairs of sorted runs of each line: a block makes a tile. `padded` is a multiple of a tile, as `run` is. */
template <class Key> __device__ void sort_merge(const Key* __restrict__ keys, const int32_t* __restrict__ positions,
                                                Key* __restrict__ toKeys, int32_t* __restrict__ toPositions,
                                                int32_t padded, int32_t run) {
  __shared__ Key k[tile];
  __shared__ int32_t p[tile];
  __shared__ int32_t ends[2];
  const int32_t tiles = padded / tile, t = threadIdx.x;
  const int32_t at = static_cast<int32_t>(blockIdx.x) % tiles * tile;
  const int64_t line = static_cast<int64_t>(static_cast<int32_t>(blockIdx.x) / tiles) * padded;
  // Both runs, the second of which may be shorter or empty, and where in the merged one this tile begins.
  const int32_t start = static_cast<int32_t>(at / (2u * run) * (2u * run));
  const int32_t length = padded - start < run ? padded - start : run;
  const int32_t rest = padded - start - length, otherLength = rest < run ? rest : run;
  const int32_t diagonal = at - start;
  const int64_t first = line + start, second = first + length;
  if (t < 2)
    ends[t] = taken(keys + first, keys + second, length, otherLength, diagonal + t * tile);
  __syncthreads();
  const int32_t from = ends[0], count = ends[1] - from, otherFrom = diagonal - from;
#pragma unroll
  for (int32_t n = 0; n < each; n++) {
    const int32_t i = t + n * mergers;
    const int64_t source = i < count ? first + from + i : second + otherFrom + (i - count);
    k[i] = keys[source];
    p[i] = positions[source];
  }
  __syncthreads();
  int32_t i = taken(k, k + count, count, tile - count, t * each), j = count + t * each - i;
  Key mergedKeys[each];
  int32_t mergedPositions[each];
#pragma unroll
  for (int32_t n = 0; n < each; n++) {
    const bool isSecond = i >= count || (j < tile && k[i] > k[j]);
    const int32_t next = isSecond ? j++ : i++;
    mergedKeys[n] = k[next];
    mergedPositions[n] = p[next];
  }
  __syncthreads();
#pragma unroll
  for (int32_t n = 0; n < each; n++) {
    k[t * each + n] = mergedKeys[n];
    p[t * each + n] = mergedPositions[n];
  }
  __syncthreads();
#pragma unroll
  for (int32_t n = 0; n < each; n++) {
    const int32_t i = t + n * mergers;
    toKeys[line + at + i] = k[i];
    toPositions[line + at + i] = p[i];
  }
}

template <class T> __device__ void end_sort(const T* from, const int32_t* positions, T* values, int32_t* indices,
                                            uint32_t lines, uint32_t n, uint32_t padded) {
#pragma unroll 1
  for (uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < lines * n; i += gridDim.x * blockDim.x) {
    const uint32_t line = i / n;
    const int32_t position = positions[line * padded + i % n];
    values[i] = from[line * n + position];
    indices[i] = position;
  }
}

}  // namespace

#define ENDS(name, T, Key)                                                                                             \
  extern "C" __global__ void sort_begin_##name(const int32_t* flag, const T* from, Key* keys, int32_t* positions,      \
                                               uint32_t lines, uint32_t n, uint32_t padded, int32_t descending) {      \
    if (*flag == 0) begin_sort<T, Key>(from, keys, positions, lines, n, padded, descending);                           \
  }                                                                                                                    \
  extern "C" __global__ void sort_end_##name(const int32_t* flag, const T* from, const int32_t* positions, T* values,  \
                                             int32_t* indices, uint32_t lines, uint32_t n, uint32_t padded) {          \
    if (*flag == 0) end_sort<T>(from, positions, values, indices, lines, n, padded);                                   \
  }
#define STEPS(name, Key)                                                                                               \
  extern "C" __global__ void __launch_bounds__(tile / 2) sort_tile_##name(                                             \
      const int32_t* flag, Key* keys, int32_t* positions, int64_t all, int32_t padded) {                               \
    if (*flag == 0) sort_tile<Key>(keys, positions, all, padded);                                                      \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(mergers) sort_merge_##name(                                             \
      const int32_t* flag, const Key* keys, const int32_t* positions, Key* toKeys, int32_t* toPositions,               \
      int32_t padded, int32_t run) {                                                                                   \
    if (*flag == 0) sort_merge<Key>(keys, positions, toKeys, toPositions, padded, run);                                \
  }

ENDS(float32, float, int32_t)
ENDS(float64, double, int64_t)
ENDS(int32, int32_t, int32_t)
ENDS(uint8, uint8_t, int32_t)
STEPS(int32, int32_t)
STEPS(int64, int64_t)
