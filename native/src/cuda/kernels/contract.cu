// Products of matrices, and all other contractions: sums of products, whose factors are read through offsets. A matrix
// has one step for its rows and one for its columns; with several loops in a class, as in a convolution, a table of
// offsets says where its elements lie, so that nothing is copied in front of the product.
//
// A block computes a tile of the result. It keeps a slice of both factors in shared memory, loads the next one into
// registers meanwhile, and each thread keeps a small tile of sums. An element adds up its products one after the other,
// in the order of the sum, whatever the tile is; floats with fused multiplications.
#include <cstdint>

namespace {

/** Where the elements of a class of loops lie: at multiples of a step, or as a table says. */
struct Offsets {
  const int32_t* table;
  int32_t step;
  __device__ int32_t at(int32_t i) const { return table != nullptr ? table[i] : i * step; }
};

__device__ float madd(float a, float b, float c) { return __fmaf_rn(a, b, c); }
__device__ double madd(double a, double b, double c) { return __fma_rn(a, b, c); }
__device__ int32_t madd(int32_t a, int32_t b, int32_t c) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b) + static_cast<uint32_t>(c));
}

constexpr int threads = 256;

/**
 * A tile of Rows x Columns with Depth terms at a time. Threads form a square of 16 x 16, and a thread has every 16th row
 * and column, so that neighbours read and write neighbours.
 */
template <class T, int Rows, int Columns, int Depth> __device__ void product(
    const T* __restrict__ a, const T* __restrict__ b, T* __restrict__ c, int32_t m, int32_t n, int32_t k, Offsets aRows,
    Offsets aSum, Offsets bSum, Offsets bColumns, Offsets aBatch, Offsets bBatch, int32_t batches, int32_t parts,
    int32_t span, int32_t aAlongSum, int32_t bAlongSum) {
  constexpr int TileRows = Rows / 16, TileColumns = Columns / 16;
  constexpr int LoadsA = Rows * Depth / threads, LoadsB = Columns * Depth / threads;
  __shared__ T as[2][Depth][Rows + 1];
  __shared__ T bs[2][Depth][Columns + 1];
  const int thread = threadIdx.x, x = thread % 16, y = thread / 16;
  const int32_t columnTiles = (n + Columns - 1) / Columns;
  const int32_t row0 = static_cast<int32_t>(blockIdx.x) / columnTiles * Rows;
  const int32_t column0 = static_cast<int32_t>(blockIdx.x) % columnTiles * Columns;
  // The grid has two dimensions for products and parts of their sums, because one has at most 65,535 blocks.
  const int32_t z = static_cast<int32_t>(blockIdx.y + blockIdx.z * gridDim.y);
  if (z >= batches * parts) return;
  const int32_t batch = z / parts, part = z % parts;
  const int32_t first = part * span, last = first + span < k ? first + span : k;
  a += aBatch.at(batch);
  b += bBatch.at(batch);

  // The elements that this thread brings: neighbours along the sum if these are neighbours in memory.
  int32_t rowA[LoadsA], sumA[LoadsA], atA[LoadsA], columnB[LoadsB], sumB[LoadsB], atB[LoadsB];
#pragma unroll
  for (int i = 0; i < LoadsA; i++) {
    const int e = thread + i * threads;
    rowA[i] = aAlongSum ? e / Depth : e % Rows;
    sumA[i] = aAlongSum ? e % Depth : e / Rows;
    atA[i] = row0 + rowA[i] < m ? aRows.at(row0 + rowA[i]) : -1;
    // A table's offset may be below 0 where steps are: existence is a bit of its own.
    if (row0 + rowA[i] >= m) sumA[i] |= 1 << 30;
  }
#pragma unroll
  for (int i = 0; i < LoadsB; i++) {
    const int e = thread + i * threads;
    columnB[i] = bAlongSum ? e / Depth : e % Columns;
    sumB[i] = bAlongSum ? e % Depth : e / Columns;
    atB[i] = column0 + columnB[i] < n ? bColumns.at(column0 + columnB[i]) : -1;
    if (column0 + columnB[i] >= n) sumB[i] |= 1 << 30;
  }
  constexpr int mask = (1 << 30) - 1;
  T nextA[LoadsA], nextB[LoadsB];
  const auto fetch = [&](int32_t from) {
#pragma unroll
    for (int i = 0; i < LoadsA; i++) {
      const int32_t s = from + (sumA[i] & mask);
      nextA[i] = sumA[i] <= mask && s < last ? a[atA[i] + aSum.at(s)] : T{0};
    }
#pragma unroll
    for (int i = 0; i < LoadsB; i++) {
      const int32_t s = from + (sumB[i] & mask);
      nextB[i] = sumB[i] <= mask && s < last ? b[atB[i] + bSum.at(s)] : T{0};
    }
  };
  const auto keep = [&](int buffer) {
#pragma unroll
    for (int i = 0; i < LoadsA; i++) as[buffer][sumA[i] & mask][rowA[i]] = nextA[i];
#pragma unroll
    for (int i = 0; i < LoadsB; i++) bs[buffer][sumB[i] & mask][columnB[i]] = nextB[i];
  };

  T sums[TileRows][TileColumns];
#pragma unroll
  for (int i = 0; i < TileRows; i++)
#pragma unroll
    for (int j = 0; j < TileColumns; j++) sums[i][j] = T{0};

  fetch(first);
  keep(0);
  __syncthreads();
  int buffer = 0;
  for (int32_t from = first; from < last; from += Depth) {
    const bool more = from + Depth < last;
    if (more) fetch(from + Depth);
    // Terms beyond the last are not added: 0 times infinity is NaN, and -0 + 0 is 0.
    const int32_t depth = last - from < Depth ? last - from : Depth;
    const auto term = [&](int d) {
      T left[TileRows], right[TileColumns];
#pragma unroll
      for (int i = 0; i < TileRows; i++) left[i] = as[buffer][d][y + 16 * i];
#pragma unroll
      for (int j = 0; j < TileColumns; j++) right[j] = bs[buffer][d][x + 16 * j];
#pragma unroll
      for (int i = 0; i < TileRows; i++)
#pragma unroll
        for (int j = 0; j < TileColumns; j++) sums[i][j] = madd(left[i], right[j], sums[i][j]);
    };
    if (depth == Depth) {
#pragma unroll
      for (int d = 0; d < Depth; d++) term(d);
    } else {
      for (int d = 0; d < depth; d++) term(d);
    }
    if (more) keep(1 - buffer);
    __syncthreads();
    buffer = 1 - buffer;
  }

  c += (static_cast<int64_t>(part) * batches + batch) * m * n;
#pragma unroll
  for (int i = 0; i < TileRows; i++) {
    const int32_t row = row0 + y + 16 * i;
    if (row >= m) continue;
#pragma unroll
    for (int j = 0; j < TileColumns; j++) {
      const int32_t column = column0 + x + 16 * j;
      if (column < n) c[static_cast<int64_t>(row) * n + column] = sums[i][j];
    }
  }
}

}  // namespace

/** The offsets of all elements of a class of loops: at most eight, the last one innermost. */
extern "C" __global__ void offsets(const int32_t* flag, int32_t* to, int32_t count, int32_t depth, int32_t size0,
                                   int32_t size1, int32_t size2, int32_t size3, int32_t size4, int32_t size5,
                                   int32_t size6, int32_t size7, int32_t step0, int32_t step1, int32_t step2,
                                   int32_t step3, int32_t step4, int32_t step5, int32_t step6, int32_t step7) {
  if (*flag != 0) return;
  const int32_t sizes[] = {size0, size1, size2, size3, size4, size5, size6, size7};
  const int32_t steps[] = {step0, step1, step2, step3, step4, step5, step6, step7};
  for (int32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    int32_t rest = i, at = 0;
#pragma unroll
    for (int l = 7; l >= 0; l--) {
      if (l >= depth) continue;
      at += rest % sizes[l] * steps[l];
      rest /= sizes[l];
    }
    to[i] = at;
  }
}

#define PRODUCT(name, T, Rows, Columns, Depth)                                                                        \
  extern "C" __global__ void __launch_bounds__(threads, 2) name(                                                      \
      const int32_t* flag, const T* a, const T* b, T* c, int32_t m, int32_t n, int32_t k, const int32_t* aRows,       \
      int32_t aRowStep, const int32_t* aSum, int32_t aSumStep, const int32_t* bSum, int32_t bSumStep,                 \
      const int32_t* bColumns, int32_t bColumnStep, const int32_t* aBatch, int32_t aBatchStep, const int32_t* bBatch, \
      int32_t bBatchStep, int32_t batches, int32_t parts, int32_t span, int32_t aAlongSum, int32_t bAlongSum) {                      \
    if (*flag != 0) return;                                                                                           \
    product<T, Rows, Columns, Depth>(a, b, c, m, n, k, {aRows, aRowStep}, {aSum, aSumStep}, {bSum, bSumStep},         \
                                     {bColumns, bColumnStep}, {aBatch, aBatchStep}, {bBatch, bBatchStep},      \
                                     batches, parts, span, aAlongSum, bAlongSum);                                                     \
  }

PRODUCT(product_float32_128, float, 128, 128, 8)
PRODUCT(product_float32_64, float, 64, 64, 16)
PRODUCT(product_float32_32, float, 32, 32, 32)
PRODUCT(product_float64_64, double, 64, 64, 8)
PRODUCT(product_int32_64, int32_t, 64, 64, 16)
