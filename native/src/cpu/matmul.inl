// The matmul kernel: which loops do a product, which threads, and the expression after it, block by block while the
// block is in the cache. An element's bits depend on the sizes and the layout, not on how the work is cut.
#pragma once
#include <type_traits>

#include "../blas.h"
#include "../kernels.h"
#include "../pool.h"
#include "gemm.inl"
#include "gemv.inl"
#include "map.inl"

namespace flambeau::ISA {

extern const Kernels kernels;

/** Fewer multiplications are not worth a thread. */
constexpr int64_t leastWork = 1 << 17;

/** Into how many parts to cut work on `elements`, of which each is `work` multiplications. */
INLINE int64_t parts_of(int64_t elements, int64_t work) {
  const int64_t worth = elements * work / leastWork, most = threads();
  return worth < 2 || most == 1 ? 1 : worth < most ? worth : most;
}

/** Calls `body(first, end)` for ranges of 0 to `count`, cut at multiples of `unit`; none is shorter if `count` is not.
 */
template <class Body> static void for_ranges(int64_t parts, int64_t count, int64_t unit, const Body& body) {
  const int64_t units = count / unit;
  if (parts > units) parts = units;
  if (parts <= 1) return body(0, count);
  auto part = [&](int64_t i) {
    body(units * i / parts * unit, i == parts - 1 ? count : units * (i + 1) / parts * unit);
  };
  parallel_for(parts, part);
}

/** A product of matrices, in regions for `parts` threads whose cost is the least that can be had. */
template <class T, class Finish> static void gemm(const Product<T>& it, int64_t parts, const Finish& finish) {
  if (parts == 1) return gemm(it, Region{0, it.m, 0, it.n}, finish);
  int64_t down = 1, high = 0, wide = 0;
  for (int64_t d = 1, least = 0; d <= parts; ++d) {
    const int64_t h = up(it.m, d), w = up(up(it.n, parts / d), lanes<T>) * lanes<T>;
    const int64_t cost = h * w + 8 * (h + w);  // an element that is copied costs as much as some multiplications
    if (d == 1 || cost < least) {
      least = cost;
      down = d;
      high = h;
      wide = w;
    }
  }
  const int64_t across = parts / down;
  auto part = [&](int64_t i) {
    const int64_t row = i / across * high, column = i % across * wide;
    if (row >= it.m || column >= it.n) return;
    gemm(it, Region{row, it.m - row < high ? it.m : row + high, column, it.n - column < wide ? it.n : column + wide},
         finish);
  };
  parallel_for(down * across, part);
}

/** The elements of a vector side by side: itself, or a copy. */
template <class T> static const T* dense(const T* v, int64_t count, int64_t step) {
  if (step == 1) return v;
  T* const copy = scratch<2>().template room<T>(count);
  for (int64_t i = 0; i < count; ++i) copy[i] = v[i * step];
  return copy;
}

/** One product, by whatever is made for it. `finish` is called with the regions of c as they are done. */
template <class T, class Finish> static void multiply(Product<T> it, bool alone, const Finish& finish) {
  // A step that is never made may have any length.
  if (it.m == 1) it.aRow = 1;
  if (it.k == 1) it.aColumn = it.bRow = 1;
  if (it.n == 1) it.bColumn = 1;

  // With a vector: `count` elements from as many rows or columns of the matrix, `across` apart.
  const bool column = it.n == 1;
  const T* const matrix = column ? it.a : it.b;
  const int64_t count = column ? it.m : it.n, across = column ? it.aRow : it.bColumn;
  const int64_t along = column ? it.aColumn : it.bRow;
  if ((column || it.m == 1) && (across == 1 || along == 1)) {
    const int64_t step = column ? it.bRow : it.aColumn;
    const bool dots = along == 1;
    const T* const v = column ? it.b : it.a;
    const T* const vector = dots ? dense(v, it.k, step) : v;
    for_ranges(alone ? 1 : parts_of(count, it.k), count, 4 * lanes<T>, [&](int64_t first, int64_t end) {
      if (dots)
        dot_rows(first, end, count, it.k, matrix, across, vector, it.c);
      else
        add_rows(first, end, it.k, matrix, along, vector, step, it.c);
      finish(column ? Region{first, end, 0, 1} : Region{0, 1, first, end});
    });
    return;
  }
  const bool outer = it.k == 1 && it.bColumn == 1;
  if (outer || (it.aColumn == 1 && it.bRow == 1 && dots_are_cheaper<T>(it.n, it.k))) {
    for_ranges(alone ? 1 : parts_of(it.m, it.n * it.k), it.m, dotRows, [&](int64_t first, int64_t end) {
      if (outer)
        outer_rows(first, end, it.n, it.a, it.aRow, it.b, it.c);
      else
        dot_tiles(it, first, end);
      finish(Region{first, end, 0, it.n});
    });
    return;
  }
  if (it.n > 1 && it.m > 1 && blas_gemm(it.m, it.n, it.k, it.a, it.aRow, it.aColumn, it.b, it.bRow, it.bColumn, it.c)) {
    return finish(Region{0, it.m, 0, it.n});
  }
  gemm(it, alone ? 1 : parts_of(it.m * it.n, it.k), finish);
}

/** Products of integers, which wrap: U is T without a sign. */
template <class T, class U> static void multiply_integers(const Product<T>& it) {
  for (int64_t i = 0; i < it.m; ++i) {
    T* const c = it.c + i * it.n;
    for (int64_t j = 0; j < it.n; ++j) c[j] = 0;
    for (int64_t p = 0; p < it.k; ++p) {
      const U x = static_cast<U>(it.a[i * it.aRow + p * it.aColumn]);
      const T* const b = it.b + p * it.bRow;
      for (int64_t j = 0; j < it.n; ++j) c[j] = static_cast<T>(c[j] + x * static_cast<U>(b[j * it.bColumn]));
    }
  }
}

/** How many elements lie before those of a batch element, of an operand whose first steps are the batch's. */
INLINE int64_t batch_offset(const Matmul& it, const int32_t* steps, int64_t index) {
  int64_t offset = 0;
  for (int32_t d = it.depth - 1; d >= 0; --d) {
    offset += index % it.sizes[d] * steps[d];
    index /= it.sizes[d];
  }
  return offset;
}

/** The expression after a product as a map of a region of c of a batch element. The map points into this. */
struct Finish {
  int32_t cSteps[2], sizes[2];
  MapOut out;
  Map map;

  __attribute__((noinline)) Finish(const Matmul& it, int64_t index, const Region& region, Strided* inputs)
      : cSteps{it.n, 1},
        sizes{static_cast<int32_t>(region.rowEnd - region.row),
              static_cast<int32_t>(region.columnEnd - region.column)} {
    // A loop of one turn would only cut the other one into pieces.
    const int32_t first = sizes[0] == 1, depth = first == 1 || sizes[1] == 1 ? 1 : 2;
    inputs[0] = {it.c, cSteps + first};
    inputs[0].operand.offset += static_cast<int32_t>((index * it.m + region.row) * it.n + region.column);
    for (int32_t i = 0; i < it.inputCount; ++i) {
      const Strided& from = it.inputs[i];
      const int32_t* const steps = from.steps + it.depth;
      inputs[i + 1] = {from.operand, steps + first};
      inputs[i + 1].operand.offset +=
          static_cast<int32_t>(batch_offset(it, from.steps, index) + region.row * steps[0] + region.column * steps[1]);
    }
    out = {inputs[0], Reduce::none, it.from};
    map = {depth, sizes + first, it.inputCount + 1, inputs, 1, &out, it.codeCount, it.codes};
  }
  Finish(const Finish&) = delete;
  Finish& operator=(const Finish&) = delete;
};

static bool has_finish(const Matmul& it) { return it.codeCount > 0 || it.from != -1; }

/** The expression after the product, for a region of c of a batch element. */
__attribute__((noinline)) static void finish_region(const Matmul& it, const Memory& memory, void* prepared,
                                                    int64_t index, const Region& region) {
  if (prepared != nullptr && region.rowEnd - region.row == it.m && region.columnEnd - region.column == it.n) {
    kernels.run(prepared, memory);
  } else {
    kernels.map(Finish(it, index, region, scratch<3>().room<Strided>(it.inputCount + 1)).map, memory);
  }
}

/** The expression after a product, prepared for all of c at once; several products have it one by one. */
static void* prepare_finish(const Matmul& it) {
  if (it.depth > 0 || !has_finish(it)) return nullptr;
  const Region whole{0, it.m, 0, it.n};
  Strided* const inputs = scratch<3>().room<Strided>(it.inputCount + 1);
  const int64_t bytes = bytes_of<Finish>(1) + bytes_of<Strided>(it.inputCount + 1);
  Prepared* const prepared = prepared_for(Finish(it, 0, whole, inputs).map, bytes);
  if (prepared == nullptr) return nullptr;
  Room room(prepared->more);
  void* const at = room.take<Finish>(1);
  prepared->map = (new (at) Finish(it, 0, whole, room.take<Strided>(it.inputCount + 1)))->map;
  return prepared;
}

template <class T> static void matmul_of(const Matmul& it, const Memory& memory, void* prepared) {
  int64_t batch = 1;
  for (int32_t d = 0; d < it.depth; ++d) batch *= it.sizes[d];
  if (batch == 0 || it.m == 0 || it.n == 0) return;
  const int32_t *const aSteps = it.a.steps + it.depth, *const bSteps = it.b.steps + it.depth;
  const T* const a = it.a.operand.in<T>(memory);
  const T* const b = it.b.operand.in<T>(memory);
  T* const c = it.c.in<T>(memory);
  const int64_t size = static_cast<int64_t>(it.m) * it.n;
  const bool finishes = has_finish(it);

  // Many products go to the threads whole; of a few, each is cut.
  const int64_t parts = parts_of(batch * size, it.k);
  const bool alone = batch >= parts;
  for_ranges(alone ? parts : 1, batch, 1, [&](int64_t first, int64_t end) {
    for (int64_t index = first; index < end; ++index) {
      const T* const aOf = a + batch_offset(it, it.a.steps, index);
      const T* const bOf = b + batch_offset(it, it.b.steps, index);
      T* const cOf = c + index * size;
      const Product<T> product{it.m, it.n, it.k, aOf, aSteps[0], aSteps[1], bOf, bSteps[0], bSteps[1], cOf};
      const auto finish = [&](const Region& region) {
        if (finishes) finish_region(it, memory, prepared, index, region);
      };
      const Region whole{0, it.m, 0, it.n};
      if constexpr (std::is_floating_point_v<T>) {
        if (it.k > 0) {
          multiply(product, alone && parts > 1, finish);
        } else {
          for (int64_t i = 0; i < size; ++i) product.c[i] = 0;
          finish(whole);
        }
      } else {
        multiply_integers<T, std::make_unsigned_t<T>>(product);
        finish(whole);
      }
    }
  });
}

void matmul(const Matmul& it, const Memory& memory, void* prepared) {
  switch (it.dtype) {
    case DType::float32:
      return matmul_of<float>(it, memory, prepared);
    case DType::float64:
      return matmul_of<double>(it, memory, prepared);
    case DType::int32:
      return matmul_of<int32_t>(it, memory, prepared);
    default:  // core's products of smaller whole numbers are of int32
      return;
  }
}

}  // namespace flambeau::ISA
