// The kernel of contractions: chooses loops and threads, and applies the expression after the product to one block at a
// time while the block is in the cache. If each class of axes is one loop, it multiplies matrices; otherwise it goes one
// of the ways of nests.inl. The bits of an element depend on the sizes and the layout, not on how the work is divided.
#pragma once
#include <type_traits>

#include "../blas.h"
#include "../kernels.h"
#include "../pool.h"
#include "finish.inl"
#include "gemm.inl"
#include "gemv.inl"
#include "line_sums.inl"
#include "slide.inl"
#include "sums.inl"
#include "sweep.inl"
#include "turned.inl"
#include "winograd.inl"

namespace flambeau::ISA {

/** Fewer multiplications are not worth a thread. */
constexpr int64_t leastWork = 1 << 17;

/** The number of parts for `elements` elements with `work` multiplications each. */
INLINE int64_t parts_of(int64_t elements, int64_t work) {
  const int64_t worth = elements * work / leastWork, most = threads();
  return worth < 2 || most == 1 ? 1 : worth < most ? worth : most;
}

/**
 * Calls `body(first, end)` for ranges of 0 to `count`, divided at multiples of `unit`; no range is shorter unless
 * `count` is.
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

/** A product of matrices, divided into the cheapest regions for `parts` threads. */
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

/** The elements of a vector side by side: the vector itself, or a copy. */
template <class T> static const T* dense(const T* v, int64_t count, int64_t step) {
  if (step == 1) return v;
  T* const copy = scratch<2>().template room<T>(count);
  for (int64_t i = 0; i < count; ++i) copy[i] = v[i * step];
  return copy;
}

/** One product, by the kernel made for its sizes. `finish` is called with each region of c when it is done. */
template <class T, class Finish> static void multiply(Product<T> it, bool alone, const Finish& finish) {
  // A stride that is never used may have any length.
  if (it.m == 1) it.aRow = 1;
  if (it.k == 1) it.aColumn = it.bRow = 1;
  if (it.n == 1) it.bColumn = 1;

  // With a vector: `count` elements, from as many rows or columns of the matrix, `across` apart.
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

/** Products of integers, which wrap; U is T without sign. */
template <class T, class U> static void multiply_integers(const Nested<T>& it) {
  constexpr int64_t deep = 1024;
  int32_t aSum[deep], bSum[deep];
  const int64_t bStep = it.bColumns.step();
  for (int64_t i = 0; i < it.m * it.n; ++i) it.c[i] = 0;
  for (int64_t first = 0; first < it.k; first += deep) {
    const int64_t end = it.k - first < deep ? it.k : first + deep;
    offsets_of(it.aSum, first, end, aSum);
    offsets_of(it.bSum, first, end, bSum);
    int64_t j = 0;
    walk(it.bColumns, 0, it.n, [&](int32_t column, int64_t count) {
      int64_t i = 0;
      walk(it.aRows, 0, it.m, [&](int32_t row, int64_t rows) {
        for (int64_t r = 0; r < rows; ++r, ++i) {
          T* const c = it.c + i * it.n + j;
          for (int64_t p = 0; p < end - first; ++p) {
            const U x = static_cast<U>(it.a[row + r * it.aRows.step() + aSum[p]]);
            const T* const b = it.b + column + bSum[p];
            for (int64_t q = 0; q < count; ++q) c[q] = static_cast<T>(c[q] + x * static_cast<U>(b[q * bStep]));
          }
        }
      });
      j += count;
    });
  }
}

enum class Method { direct, sums, turned };

/** Whether there are more ways than the one that is never slow: a module that is fetched has it alone for float64. */
template <class T> constexpr bool hasAllWays = !isFetched || sizeof(T) == 4;

/**
 * Chooses the way with the least cost, counted in multiplications of vectors for a vector of c and a term of the sum:
 * the last vector of a run, or of the rows, may be partly empty.
 */
template <class T> static Method method_of(const Nested<T>& it) {
  const auto filled_up = [](int64_t run) {
    return static_cast<double>(up(run, lanes<T>) * lanes<T>) / static_cast<double>(run);
  };
  const int64_t columns = it.bColumns.inner(), columnStep = it.bColumns.step();
  const int64_t sum = it.aSum.inner(), aStep = it.aSum.step(), bStep = it.bSum.step();
  const bool mayDirect =
      (columnStep == 1 || columnStep == 2) && (masked || columns >= lanes<T>) && it.k <= tableK;
  const bool maySum = aStep == 1 && bStep >= 1 && bStep <= sumSteps && sum == it.bSum.inner();
  constexpr double never = 1e9;
  const double direct = mayDirect ? filled_up(columns) : never, sums = maySum ? 1.1 * filled_up(sum) : never;
  const double turned = filled_up(it.m) * (1 + 4 / static_cast<double>(it.n) + 8 / static_cast<double>(it.k));
  if (!hasAllWays<T> || (turned < direct && turned < sums)) return Method::turned;
  return direct <= sums ? Method::direct : Method::sums;
}

/** Calls `body` for the regions of `parts` threads, divided at multiples of `unit` columns. */
template <class Body> static void for_regions(int64_t parts, int64_t m, int64_t n, int64_t unit, const Body& body) {
  int64_t down = 1, across = 1;
  const int64_t units = n / unit < 1 ? 1 : n / unit;
  for (int64_t d = 1, least = 0; d <= parts && d <= m; ++d) {
    const int64_t w = parts / d < units ? parts / d : units, high = up(m, d), wide = up(n, w);
    const int64_t cost = high * wide + 8 * (high + wide);
    if (d > 1 && cost >= least) continue;
    least = cost;
    down = d;
    across = w;
  }
  auto part = [&](int64_t i) {
    const int64_t r = i / across, q = i % across;
    const int64_t end = q + 1 == across ? n : units * (q + 1) / across * unit;
    body(Region{m * r / down, m * (r + 1) / down, units * q / across * unit, end});
  };
  parallel_for(down * across, part);
}

/** The batch loops along which a does not move, as loops over columns, and the other batch loops. */
template <class T> struct Merged {
  int32_t sizes[maxDepth], bSteps[maxDepth], cSizes[maxDepth], cSteps[maxDepth];
  int32_t restSizes[maxDepth], restA[maxDepth], restB[maxDepth];
  int64_t restC[maxDepth];
  int32_t depth = 0, rest = 0;
  int64_t count = 1, restCount = 1;

  Merged(const Contract& it, const Nest& columns) {
    for (int64_t d = it.batch - 1, step = it.m * it.n; d >= 0; step *= it.sizes[d--]) restC[d] = step;
    for (int32_t d = 0; d < it.batch; ++d) {
      if (it.a.steps[d] == 0) {
        sizes[depth] = cSizes[depth] = it.sizes[d];
        bSteps[depth] = it.b.steps[d];
        cSteps[depth++] = static_cast<int32_t>(restC[d]);
        count *= it.sizes[d];
      } else {
        restSizes[rest] = it.sizes[d];
        restA[rest] = it.a.steps[d];
        restB[rest] = it.b.steps[d];
        restC[rest++] = restC[d];
        restCount *= it.sizes[d];
      }
    }
    for (int32_t d = 0; d < columns.depth; ++d) {
      sizes[depth + d] = columns.sizes[d];
      bSteps[depth + d] = columns.steps[d];
    }
    cSizes[depth] = static_cast<int32_t>(it.n);
    cSteps[depth] = 1;
  }
};

/** Calls `run(one, parts)` for each of the contractions that remain when batch loops were merged, in `parts` threads. */
template <class T, class Run>
static void for_merged(const Merged<T>& merged, const Nested<T>& nested, int64_t parts, const Run& run) {
  const bool alone = merged.restCount >= parts;
  for_ranges(alone ? parts : 1, merged.restCount, 1, [&](int64_t first, int64_t end) {
    for (int64_t index = first; index < end; ++index) {
      Nested<T> one = nested;
      for (int64_t d = merged.rest - 1, left = index; d >= 0; left /= merged.restSizes[d--]) {
        const int64_t at = left % merged.restSizes[d];
        one.a += at * merged.restA[d];
        one.b += one.past(at * merged.restB[d]);
        one.c += at * merged.restC[d];
      }
      run(one, alone ? 1 : parts);
    }
  });
}

/** Memory for what is made of a, if that is worth it; null if not. */
template <class T> static Kept* kept_of(const Contract& it, const Nested<T>& nested) {
  if constexpr (std::is_same_v<T, float>) {
    if (it.kept == nullptr || it.k == 0 || !has_square_windows(nested)) return nullptr;
    const Merged<T> merged(it, nested.bColumns);
    const int64_t bytes = merged.restCount == 1 ? kept_weights(nested, merged.count) : 0;
    return bytes > 0 && it.kept->has_room(bytes) ? it.kept : nullptr;
  }
  return nullptr;
}

/** Whether a way reads b without the zeros of its border, from whole planes: Winograd's algorithm does. */
template <class T> static bool takes_border(const Contract& it, const Nested<T>& nested) {
  if constexpr (std::is_same_v<T, float>) {
    const int64_t plane = it.border->plane();
    const auto are_planes = [&](const int32_t* steps, int32_t count) {
      for (int32_t d = 0; d < count; ++d) {
        if (steps[d] % plane != 0) return false;
      }
      return true;
    };
    if (it.k == 0 || !are_planes(it.b.steps, it.batch)) return false;
    const Nest &sum = nested.bSum, &columns = nested.bColumns;
    const int64_t begin = it.border->start % plane, broad = it.border->broad();
    const auto is_inside = [&](const int32_t* sizes) {
      return begin / broad + sizes[0] + 2 <= it.border->tall() && begin % broad + sizes[1] + 2 <= broad;
    };
    if (has_square_windows(nested))
      return are_planes(sum.steps, 1) && sum.steps[1] == broad && is_inside(columns.sizes) &&
             winograd_is_cheaper(nested, Merged<T>(it, columns).count);
    return sums_square_windows(nested) && are_planes(columns.steps, 1) && are_planes(sum.steps, sum.depth - 2) &&
           columns.steps[1] == broad && is_inside(sum.sizes + sum.depth - 2) && summed_winograd_is_cheaper(nested);
  }
  return false;
}

/** A copy of b with the zeros of its border, as far as its loops reach. */
template <class T> static const T* with_border(const Contract& it, const T* b) {
  const Border& border = *it.border;
  const int64_t broad = border.broad(), plane = border.plane();
  int64_t last = border.start;
  const int32_t* steps = it.b.steps;
  const auto reach = [&](int32_t first, int32_t count) {
    for (int32_t d = 0; d < count; ++d, ++steps) last += *steps > 0 ? (it.sizes[first + d] - int64_t{1}) * *steps : 0;
  };
  reach(0, it.batch);
  reach(it.batch + it.rows + it.columns, it.sum);
  reach(it.batch + it.rows, it.columns);
  const int64_t planes = last / plane + 1;
  T* const copy = scratch<6>().template room<T>(planes * plane);
  for_ranges(parts_of(planes, plane), planes, 1, [&](int64_t first, int64_t end) {
    memset(copy + first * plane, 0, static_cast<size_t>((end - first) * plane) * sizeof(T));
    for (int64_t i = first; i < end; ++i) {
      for (int64_t y = 0; y < border.high; ++y) {
        memcpy(copy + i * plane + (border.above + y) * broad + border.before, b + i * border.inside() + y * border.wide,
               static_cast<size_t>(border.wide) * sizeof(T));
      }
    }
  });
  return copy;
}

/** A contraction that is not a product of matrices. */
template <class T, class Finish>
static void multiply_nests(const Contract& it, Nested<T> nested, int64_t parts, const Finish& finish) {
  const Region whole{0, it.m, 0, it.n};
  struct Place {
    const T *a, *b;
    T* c;
  };
  const Merged<T> merged(it, nested.bColumns);
  if constexpr (std::is_same_v<T, float>) {
    if (has_square_windows(nested) && winograd_is_cheaper(nested, merged.count)) {
      for_merged(merged, nested, parts, [&](const Nested<T>& one, int64_t inside) {
        const auto offset = [&](const int32_t* steps, int64_t index) {
          int32_t at;
          offsets_of({merged.depth, merged.sizes, steps}, index, index + 1, &at);
          return at;
        };
        const bool sharesRows = winograd_shares_rows(one, merged.count, inside);
        // Rows that are shared have weights of their own.
        const int64_t making = sharesRows ? inside : 1;
        const bool made = one.kept != nullptr && one.kept->made == making;
        for_ranges(sharesRows ? inside : 1, it.m, lanes<T>, [&](int64_t first, int64_t end) {
          Nested<T> some = one;
          some.m = end - first;
          some.a += first * one.aRows.step();
          some.c += first * one.cRow;
          const auto place = [&](int64_t image) {
            return Place{some.a, some.b + some.past(offset(merged.bSteps, image)),
                         some.c + offset(merged.cSteps, image)};
          };
          const auto finish_image = [&](int64_t image, const Region& region) {
            const int64_t index = (one.c - nested.c + offset(merged.cSteps, image)) / (it.m * it.n);
            finish(index, Region{first + region.row, first + region.rowEnd, region.column, region.columnEnd});
          };
          const int64_t parts = sharesRows ? 1 : inside;
          const auto ranges = [&](int64_t count, const auto& body) { for_ranges(parts, count, 1, body); };
          T* const kept = one.kept == nullptr ? nullptr : static_cast<T*>(one.kept->data());
          run_winograd(some, merged.count, parts, kept == nullptr ? kept : kept + first * winogradTerms * one.bSum.sizes[0],
                       made, place, finish_image, ranges);
        });
        if (one.kept != nullptr) one.kept->made = making;
      });
      return;
    }
    if (sums_square_windows(nested) && summed_winograd_is_cheaper(nested)) {
      const bool alone = it.count >= parts;
      return for_ranges(alone ? parts : 1, it.count, 1, [&](int64_t first, int64_t end) {
        for (int64_t index = first; index < end; ++index) {
          Nested<T> one = nested;
          one.a += batch_offset(it, it.a.steps, index);
          one.b += one.past(batch_offset(it, it.b.steps, index));
          one.c += index * it.m * it.n;
          const auto ranges = [&](int64_t count, const auto& body) { for_ranges(alone ? 1 : parts, count, 1, body); };
          run_summed_winograd(one, alone ? 1 : parts, ranges);
          finish(index, whole);
        }
      });
    }
  }
  const Method method = method_of(nested);
  if constexpr (hasAllWays<T>) {
    if (method != Method::turned) {
      const auto place = [&](int64_t index) {
        return Place{nested.a + batch_offset(it, it.a.steps, index), nested.b + batch_offset(it, it.b.steps, index),
                     nested.c + index * it.m * it.n};
      };
      const bool isSliding = method == Method::direct && slides(nested);
      const bool sumsSlide = method == Method::sums && slides_along_sum(nested);
      if constexpr (canSlide<T>) {
        if (method == Method::sums && !sumsSlide && sums_lines(nested)) {
          const auto ranges = [&](int64_t count, const auto& body) { for_ranges(parts, count, 1, body); };
          return run_line_sums(nested, it.count, place, ranges, finish);
        }
      }
      const auto run = [&](int64_t first, int64_t end, const Region& region) {
        if constexpr (canSlide<T>) {
          if (isSliding) return run_slides(nested, first, end, region, place, finish);
          if (sumsSlide) return run_slide_sums(nested, first, end, region, place, finish);
        }
        method == Method::direct ? run_direct(nested, first, end, region, place, finish)
                           : run_sums(nested, first, end, region, place, finish);
      };
      if (it.count >= parts) {
        return for_ranges(parts, it.count, 1, [&](int64_t first, int64_t end) { run(first, end, whole); });
      }
      const int64_t inner = nested.bColumns.inner();
      const int64_t window = sumsSlide ? inner * nested.bColumns.sizes[nested.bColumns.depth - 2] : 1;
      const int64_t unit =
          method == Method::sums ? window : isSliding ? fewestSlideRows * inner : inner == it.n ? lanes<T> : inner;
      return for_regions(parts, it.m, it.n, unit, [&](const Region& region) { run(0, it.count, region); });
    }
  }
  nested.n = merged.count * it.n;
  nested.bColumns = {merged.depth + nested.bColumns.depth, merged.sizes, merged.bSteps};
  nested.cColumns = {merged.depth + 1, merged.cSizes, merged.cSteps};
  for_merged(merged, nested, parts, [&](const Nested<T>& one, int64_t inside) {
    const auto finish_each = [&](const Region& region) {
      for (int64_t column = region.column, columnEnd; column < region.columnEnd; column = columnEnd) {
        columnEnd = (column / it.n + 1) * it.n;
        if (columnEnd > region.columnEnd) columnEnd = region.columnEnd;
        int32_t at;
        offsets_of(one.cColumns, column, column + 1, &at);
        const int64_t first = column % it.n;
        finish((one.c - nested.c + at - first) / (it.m * it.n),
               Region{region.row, region.rowEnd, first, first + columnEnd - column});
      }
    };
    for_regions(inside, it.m, nested.n, run_of(one) > 0 ? one.bColumns.inner() : lanes<T>,
                [&](const Region& region) { run_turned(one, region, finish_each); });
  });
}

template <class T> void contract_of(const Contract& it, const Memory& memory, void* prepared) {
  if (it.count == 0 || it.m == 0 || it.n == 0) return;
  const T* const a = it.a.operand.in<T>(memory);
  const T* const b = it.b.operand.in<T>(memory);
  T* const c = it.c.in<T>(memory);
  const int64_t size = it.m * it.n;
  const int32_t *const aSteps = it.a.steps + it.batch, *const bSteps = it.b.steps + it.batch;
  const bool isMatrices = it.rows <= 1 && it.columns <= 1 && it.sum <= 1;
  const bool finishes = has_finish(it), inParts = finishes && (isMatrices || finishes_in_parts(it));
  const auto finish = [&](int64_t index, const Region& region) {
    if (inParts) finish_region(it, memory, prepared, index, region);
  };
  const Region whole{0, it.m, 0, it.n};

  // Threads get many products whole; of a few, each one is divided.
  const int64_t parts = parts_of(it.count * size, it.k);
  const bool alone = it.count >= parts;
  Nested<T> nested{it.m,
                         it.n,
                         it.k,
                         a,
                         b,
                         c,
                         it.n,
                         rows_of(it, aSteps),
                         sum_of(it, aSteps + it.rows),
                         sum_of(it, bSteps),
                         columns_of(it, bSteps + it.sum),
                         {},
                         it.border,
                         nullptr};
  nested.kept = kept_of(it, nested);
  if (it.border != nullptr) {
    if (!takes_border(it, nested)) {
      nested.b = it.k == 0 ? b : with_border(it, b);
      nested.border = nullptr;
    }
    const int64_t start = it.border->start;
    nested.b += nested.border == nullptr ? start : nested.past(start);
  }
  if (std::is_floating_point_v<T> && !isMatrices && it.k > 0) {
    if constexpr (std::is_floating_point_v<T>) multiply_nests(it, nested, parts, finish);
  } else {
    for_ranges(alone ? parts : 1, it.count, 1, [&](int64_t first, int64_t end) {
      for (int64_t index = first; index < end; ++index) {
        const T* const aOf = a + batch_offset(it, it.a.steps, index);
        const T* const bOf = nested.b + batch_offset(it, it.b.steps, index);
        T* const cOf = c + index * size;
        const auto finish_this = [&](const Region& region) { finish(index, region); };
        if constexpr (std::is_floating_point_v<T>) {
          if (it.k > 0) {
            const Product<T> product{it.m, it.n, it.k, aOf, nested.aRows.step(), nested.aSum.step(), bOf,
                                     nested.bSum.step(), nested.bColumns.step(), cOf};
            multiply(product, alone && parts > 1, finish_this);
          } else {
            for (int64_t i = 0; i < size; ++i) cOf[i] = 0;
            finish(index, whole);
          }
        } else {
          Nested<T> one = nested;
          one.a = aOf;
          one.b = bOf;
          one.c = cOf;
          multiply_integers<T, std::make_unsigned_t<T>>(one);
          finish(index, whole);
        }
      }
    });
  }
  if (finishes && !inParts) finish_all(it, memory);
}

// Compiled in files of their own.
extern template void contract_of<float>(const Contract&, const Memory&, void*);
extern template void contract_of<double>(const Contract&, const Memory&, void*);

}  // namespace flambeau::ISA
