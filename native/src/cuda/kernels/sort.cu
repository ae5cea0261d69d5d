// A stable sort of lines: bitonic networks over pairs of a key and a position, whose order is that of the keys and, among
// equal ones, of the positions. Lines are padded to powers of two, by pairs that come last. Steps between elements less
// than a block's memory apart run there together; a step further apart is a launch of its own.
#include <cstdint>

namespace {

/** Elements of a block, which has half as many threads. */
constexpr int tile = 2048;

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

/** Keys and positions of lines of n elements, padded to `padded`. */
template <class T, class Key> __device__ void begin_sort(const T* from, Key* keys, int32_t* positions, int32_t lines,
                                                         int32_t n, int32_t padded, int32_t descending) {
  const int64_t all = static_cast<int64_t>(lines) * padded;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < all;
       i += static_cast<int64_t>(gridDim.x) * blockDim.x) {
    const int32_t at = static_cast<int32_t>(i & (padded - 1));
    Key key = Limits<Key>::most;
    if (at < n) {
      key = key_of(from[i / padded * n + at]);
      if (descending != 0) key = ~key;
    }
    keys[i] = key;
    positions[i] = at;
  }
}

template <class Key> __device__ bool comes_later(Key a, int32_t i, Key b, int32_t j) {
  return a > b || (a == b && i > j);
}

/** The steps from `from` on to those of neighbours, of the networks from `first` to `last` elements. */
template <class Key> __device__ void sort_tile(Key* keys, int32_t* positions, int64_t all, int32_t padded,
                                               int32_t first, int32_t last) {
  __shared__ Key k[tile];
  __shared__ int32_t p[tile];
  const int64_t base = static_cast<int64_t>(blockIdx.x) * tile;
  for (int i = threadIdx.x; i < tile; i += blockDim.x) {
    if (base + i >= all) continue;
    k[i] = keys[base + i];
    p[i] = positions[base + i];
  }
  __syncthreads();
  for (int32_t size = first; size <= last; size *= 2) {
    for (int32_t apart = size / 2 < tile / 2 ? size / 2 : tile / 2; apart > 0; apart /= 2) {
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
    }
  }
  for (int i = threadIdx.x; i < tile; i += blockDim.x) {
    if (base + i >= all) continue;
    keys[base + i] = k[i];
    positions[base + i] = p[i];
  }
}

/** One step of the network of `size` elements, between elements `apart`. */
template <class Key> __device__ void sort_step(Key* keys, int32_t* positions, int64_t all, int32_t padded, int32_t size,
                                               int32_t apart) {
  for (int64_t t = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; 2 * t < all;
       t += static_cast<int64_t>(gridDim.x) * blockDim.x) {
    const int64_t i = 2 * t - (t & (apart - 1)), j = i + apart;
    const bool rises = (i & (padded - 1) & size) == 0;
    const Key a = keys[i], b = keys[j];
    const int32_t p = positions[i], q = positions[j];
    if (comes_later(a, p, b, q) != rises) continue;
    keys[i] = b;
    keys[j] = a;
    positions[i] = q;
    positions[j] = p;
  }
}

template <class T> __device__ void end_sort(const T* from, const int32_t* positions, T* values, int32_t* indices,
                                            int32_t lines, int32_t n, int32_t padded) {
  const int64_t all = static_cast<int64_t>(lines) * n;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < all;
       i += static_cast<int64_t>(gridDim.x) * blockDim.x) {
    const int64_t line = i / n;
    const int32_t position = positions[line * padded + (i - line * n)];
    values[i] = from[line * n + position];
    indices[i] = position;
  }
}

}  // namespace

#define ENDS(name, T, Key)                                                                                             \
  extern "C" __global__ void sort_begin_##name(const int32_t* flag, const T* from, Key* keys, int32_t* positions,      \
                                               int32_t lines, int32_t n, int32_t padded, int32_t descending) {         \
    if (*flag == 0) begin_sort<T, Key>(from, keys, positions, lines, n, padded, descending);                           \
  }                                                                                                                    \
  extern "C" __global__ void sort_end_##name(const int32_t* flag, const T* from, const int32_t* positions, T* values,  \
                                             int32_t* indices, int32_t lines, int32_t n, int32_t padded) {             \
    if (*flag == 0) end_sort<T>(from, positions, values, indices, lines, n, padded);                                   \
  }
#define STEPS(name, Key)                                                                                               \
  extern "C" __global__ void __launch_bounds__(tile / 2) sort_tile_##name(                                             \
      const int32_t* flag, Key* keys, int32_t* positions, int64_t all, int32_t padded, int32_t first, int32_t last) {  \
    if (*flag == 0) sort_tile<Key>(keys, positions, all, padded, first, last);                                         \
  }                                                                                                                    \
  extern "C" __global__ void sort_step_##name(const int32_t* flag, Key* keys, int32_t* positions, int64_t all,         \
                                              int32_t padded, int32_t size, int32_t apart) {                           \
    if (*flag == 0) sort_step<Key>(keys, positions, all, padded, size, apart);                                         \
  }

ENDS(float32, float, int32_t)
ENDS(float64, double, int64_t)
ENDS(int32, int32_t, int32_t)
ENDS(uint8, uint8_t, int32_t)
STEPS(int32, int32_t)
STEPS(int64, int64_t)
