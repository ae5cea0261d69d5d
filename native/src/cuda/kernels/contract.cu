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
  /**
   * Without a branch, behind which nvcc would write what follows once more. It is volatile because it reads only what
   * exists, and whole because its parts would be kept in registers throughout the loop of products.
   */
  __device__ int32_t at(int32_t i) const {
    int32_t x;
    asm volatile(
        "{\n\t"
        ".reg .pred there;\n\t"
        ".reg .b64 place;\n\t"
        "mul.lo.s32 %0, %1, %2;\n\t"
        "setp.ne.u64 there, %3, 0;\n\t"
        "mad.wide.s32 place, %1, 4, %3;\n\t"
        "@there ld.global.u32 %0, [place];\n\t"
        "}"
        : "=&r"(x)
        : "r"(i), "r"(step), "l"(__cvta_generic_to_global(table)));
    return x;
  }
};

__device__ float madd(float a, float b, float c) { return __fmaf_rn(a, b, c); }
__device__ double madd(double a, double b, double c) { return __fma_rn(a, b, c); }
__device__ int32_t madd(int32_t a, int32_t b, int32_t c) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b) + static_cast<uint32_t>(c));
}

constexpr int threads = 256;

/** The block and the thread, read again where they are needed, so that no registers hold them in the loop of products. */
__device__ int32_t block_again() {
  int32_t x;
  asm volatile("mov.u32 %0, %%ctaid.x;" : "=r"(x));
  return x;
}
__device__ int32_t thread_again() {
  int32_t x;
  asm volatile("mov.u32 %0, %%tid.x;" : "=r"(x));
  return x;
}


/** As many elements as a thread reads or writes at once. */
template <class T> constexpr int width = 16 / sizeof(T);
template <class T, int N> struct alignas(N * sizeof(T)) Vector {
  T element[N];
};

/**
 * What a block brings of one operand: Extent lines (rows of the left one, columns of the right one) with Depth terms at
 * a time, of which each thread brings `width`. These are neighbours along the sum, or along the lines, as they are in
 * memory; and one vector, if all such neighbours are whole and aligned. One code serves all of these, by steps.
 */
template <class T, int Extent, int Depth> struct Side {
  static constexpr int W = width<T>;
  static_assert(Extent * Depth == threads * W, "a thread brings one vector");
  /** Lines of a term lie in memory as their numbers with some bits flipped, so that stores along the sum meet no bank
   * twice. */
  static __device__ constexpr int flipped(int term) { return term / W * (32 * 4 / static_cast<int>(sizeof(T)) * W / Depth); }

  const T* from;
  Offsets lines, sum;
  /** The first of this thread's lines, and the steps to its next lines and terms, one of which is 0. */
  int32_t line, lineStep, termStep, extent;
  bool whole;

  __device__ Side(const T* from, Offsets lines, Offsets sum, int32_t first, int32_t all, int32_t along, bool vectors)
      : from(from), lines(lines), sum(sum), termStep(along), extent(all) {
    whole = vectors && reinterpret_cast<uintptr_t>(from) % 16 == 0;
    lineStep = along != 0 ? 0 : whole ? 1 : Extent / W;
    line = own_line(threadIdx.x) + first;
    // Vectors are whole, so the last one of a line's exists if the first one does.
    whole = whole && line + lineStep * (W - 1) < extent;
  }

  __device__ int32_t own_line(int32_t thread) const {
    return termStep != 0 ? thread / (Depth / W) : thread % (Extent / W) * (lineStep == 1 ? W : 1);
  }
  __device__ int32_t own_term(int32_t thread) const {
    return termStep != 0 ? thread % (Depth / W) * W : thread / (Extent / W);
  }

  /** Reads the terms from `turn` on; those beyond `last`, and lines that do not exist, are 0. */
  __device__ void fetch(int32_t turn, int32_t last, Vector<T, W>* next) const {
    const int32_t s = turn + own_term(thread_again());
    if (whole && s + termStep * (W - 1) < last) {
      *next = *reinterpret_cast<const Vector<T, W>*>(from + lines.at(line) + sum.at(s));
      return;
    }
#pragma unroll
    for (int i = 0; i < W; i++) {
      const int32_t each = line + i * lineStep, d = s + i * termStep;
      next->element[i] = each < extent && d < last ? from[lines.at(each) + sum.at(d)] : T{0};
    }
  }

  __device__ void keep(T (*to)[Extent], const Vector<T, W>& next) const {
    const int32_t thread = thread_again(), own = own_line(thread), term = own_term(thread);
    if (lineStep != 1) {
#pragma unroll
      for (int i = 0; i < W; i++) {
        const int d = term + i * termStep;
        to[d][(own + i * lineStep) ^ flipped(d)] = next.element[i];
      }
    } else {
      *reinterpret_cast<Vector<T, W>*>(&to[term][own ^ flipped(term)]) = next;
    }
  }
};

/**
 * A tile of Rows x Columns. Two by four warps share it, and the lanes of a warp are eight by four: a thread has groups of
 * rows and columns that are neighbours, so that it reads vectors, and each of them serves many products.
 */
template <class T, int Rows, int Columns, int Depth> __device__ void product(
    const T* __restrict__ a, const T* __restrict__ b, T* __restrict__ c, int32_t m, int32_t n, int32_t k, Offsets aRows,
    Offsets aSum, Offsets bSum, Offsets bColumns, Offsets aBatch, Offsets bBatch, int32_t batches, int32_t parts,
    int32_t span, int32_t along, int32_t vectors) {
  using A = Side<T, Rows, Depth>;
  using B = Side<T, Columns, Depth>;
  constexpr int W = width<T>;
  constexpr int TileRows = Rows / 16, TileColumns = Columns / 16;
  constexpr int Group = TileRows < W ? TileRows : W;
  static_assert(Rows == Columns, "groups have one size");
  using Read = Vector<T, Group>;
  __shared__ alignas(16) T as[2][Depth][Rows];
  __shared__ alignas(16) T bs[2][Depth][Columns];
  // The grid has two dimensions for products and parts of their sums, because one has at most 65,535 blocks.
  const int32_t z = static_cast<int32_t>(blockIdx.y + blockIdx.z * gridDim.y);
  if (z >= batches * parts) return;
  const int32_t columnTiles = (n + Columns - 1) / Columns, tile = blockIdx.x;
  const int32_t row0 = tile / columnTiles * Rows, column0 = tile % columnTiles * Columns;
  const int32_t batch = z / parts, part = z % parts;
  const int32_t first = part * span, last = first + span < k ? first + span : k;
  const A left(a + aBatch.at(batch), aRows, aSum, row0, m, along & 1, (vectors & 1) != 0);
  const B right(b + bBatch.at(batch), bColumns, bSum, column0, n, along >> 1, (vectors & 2) != 0);

  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int row = warp / 4 * (Rows / 2) + lane / 4 * Group;
  const int column = warp % 4 * (Columns / 4) + lane % 4 * Group;
  // The bits in which columns of a thread's groups differ.
  constexpr int apart = (TileColumns / Group - 1) * 4 * Group;
  T sums[TileRows][TileColumns];
#pragma unroll
  for (int i = 0; i < TileRows; i++)
#pragma unroll
    for (int j = 0; j < TileColumns; j++) sums[i][j] = T{0};

  Vector<T, W> nextA, nextB;
  int buffer = 0;
  // The first turn only brings, the last one only multiplies.
#pragma unroll 1
  for (int32_t turn = first - Depth;; turn += Depth) {
    const bool more = turn + Depth < last;
    if (more) {
      left.fetch(turn + Depth, last, &nextA);
      right.fetch(turn + Depth, last, &nextB);
    }
    if (turn >= first) {
      // The tile is there, and nobody reads the one before any more.
      __syncthreads();
#pragma unroll
      for (int d = 0; d < Depth; d++) {
        T x[TileRows], y[TileColumns];
#pragma unroll
        for (int i = 0; i < TileRows; i += Group)
          *reinterpret_cast<Read*>(x + i) =
              *reinterpret_cast<const Read*>(&as[buffer][d][(row ^ A::flipped(d)) + 8 * i]);
#pragma unroll
        for (int j = 0; j < TileColumns; j += Group)
          *reinterpret_cast<Read*>(y + j) =
              *reinterpret_cast<const Read*>(
                  &bs[buffer][d][(column ^ (B::flipped(d) & ~apart)) + ((4 * j) ^ (B::flipped(d) & apart))]);
#pragma unroll
        for (int i = 0; i < TileRows; i++)
#pragma unroll
          for (int j = 0; j < TileColumns; j++) sums[i][j] = madd(x[i], y[j], sums[i][j]);
      }
    }
    if (!more) break;
    buffer = 1 - buffer;
    left.keep(as[buffer], nextA);
    right.keep(bs[buffer], nextB);
  }

  const int32_t again = block_again(), row1 = again / columnTiles * Rows, column1 = again % columnTiles * Columns;
  c += (static_cast<int64_t>(part) * batches + batch) * m * n;
  const bool whole = n % Group == 0 && reinterpret_cast<uintptr_t>(c) % sizeof(Read) == 0;
#pragma unroll
  for (int i = 0; i < TileRows; i++) {
    const int32_t r = row1 + row + i / Group * 8 * Group + i % Group;
    if (r >= m) continue;
#pragma unroll
    for (int j = 0; j < TileColumns; j += Group) {
      const int32_t s = column1 + column + 4 * j;
      Read result;
      // Terms beyond the last one are 0, so a sum is never -0 if their number is no multiple of Depth. It never is.
#pragma unroll
      for (int l = 0; l < Group; l++) result.element[l] = sums[i][j + l] + T{0};
      T* const to = c + static_cast<int64_t>(r) * n + s;
      if (whole) {
        if (s < n) *reinterpret_cast<Read*>(to) = result;
      } else {
#pragma unroll
        for (int l = 0; l < Group; l++)
          if (s + l < n) to[l] = result.element[l];
      }
    }
  }
}

}  // namespace

/** The offsets of all elements of a class of loops: one to eight, the last one innermost. */
extern "C" __global__ void offsets(const int32_t* flag, int32_t* to, int32_t count, int32_t depth, int32_t size0,
                                   int32_t size1, int32_t size2, int32_t size3, int32_t size4, int32_t size5,
                                   int32_t size6, int32_t size7, int32_t step0, int32_t step1, int32_t step2,
                                   int32_t step3, int32_t step4, int32_t step5, int32_t step6, int32_t step7) {
  if (*flag != 0) return;
  const int32_t sizes[] = {size0, size1, size2, size3, size4, size5, size6, size7};
  const int32_t steps[] = {step0, step1, step2, step3, step4, step5, step6, step7};
#pragma unroll 1
  for (int32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    int32_t rest = i, at = 0;
#pragma unroll
    for (int l = 7; l >= 0; l--) {
      if (l > 0 && l >= depth) continue;
      at += rest % sizes[l] * steps[l];
      rest /= sizes[l];
    }
    to[i] = at;
  }
}

#define PRODUCT(name, T, Side, Depth)                                                                                  \
  extern "C" __global__ void __launch_bounds__(threads, 2) name(                                                      \
      const int32_t* flag, const T* a, const T* b, T* c, int32_t m, int32_t n, int32_t k, const int32_t* aRows,       \
      int32_t aRowStep, const int32_t* aSum, int32_t aSumStep, const int32_t* bSum, int32_t bSumStep,                 \
      const int32_t* bColumns, int32_t bColumnStep, const int32_t* aBatch, int32_t aBatchStep, const int32_t* bBatch, \
      int32_t bBatchStep, int32_t batches, int32_t parts, int32_t span, int32_t along, int32_t vectors) {             \
    if (*flag != 0) return;                                                                                           \
    product<T, Side, Side, Depth>(a, b, c, m, n, k, {aRows, aRowStep}, {aSum, aSumStep}, {bSum, bSumStep},            \
                                  {bColumns, bColumnStep}, {aBatch, aBatchStep}, {bBatch, bBatchStep}, batches,       \
                                  parts, span, along, vectors);                                                       \
  }

PRODUCT(product_float32_128, float, 128, 8)
PRODUCT(product_float32_64, float, 64, 16)
PRODUCT(product_float32_32, float, 32, 32)
PRODUCT(product_float64_64, double, 64, 8)
PRODUCT(product_float64_32, double, 32, 16)
PRODUCT(product_int32_64, int32_t, 64, 16)
PRODUCT(product_int32_32, int32_t, 32, 32)
