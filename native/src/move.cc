#include "move.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <type_traits>

#include "arithmetic.h"
#include "loops.h"

namespace flambeau {
namespace {

/** The first index outside 0 .. size - 1, if there is one. */
BadIndex check_indices(int32_t depth, const int32_t* sizes, const Strided& index, int32_t size, const Memory& memory) {
  const Loops<1> loops{depth, sizes, {index.steps}};
  const int32_t* indices = index.operand.in<int32_t>(memory);
  BadIndex bad{false, 0};
  const int64_t n = loops.inner(), step = loops.step(0);
  loops.walk(0, loops.rows(), [&](const int64_t(&at)[1]) {
    if (bad.found) return;
    const int32_t* p = indices + at[0];
    bool outside = false;
    for (int64_t i = 0; i < n; i++) outside |= static_cast<uint32_t>(p[i * step]) >= static_cast<uint32_t>(size);
    for (int64_t i = 0; outside && !bad.found; i++) {
      const int32_t at = p[i * step];
      if (static_cast<uint32_t>(at) >= static_cast<uint32_t>(size)) bad = {true, at};
    }
  });
  return bad;
}

/** Whether no element of `to` is met twice: a longer stride leads beyond all that shorter ones reach. */
bool meets_once(const Fold& f) {
  int32_t order[maxDepth];
  const auto size = [&](int32_t l) { return std::abs(int64_t{f.to.steps[l]}); };
  for (int32_t l = 0; l < f.depth; l++) {
    int32_t at = l;
    for (; at > 0 && size(l) < size(order[at - 1]); at--) order[at] = order[at - 1];
    order[at] = l;
  }
  int64_t reach = 0;
  for (int32_t i = 0; i < f.depth; i++) {
    const int32_t l = order[i];
    if (f.sizes[l] > 1 && size(l) <= reach) return false;
    reach += size(l) * (f.sizes[l] - 1);
  }
  return true;
}

/** Adds a row to sums. */
template <class T, class Sum> void add_row(const Kernels& kernels, const T* from, int64_t n, Sum* sums) {
#if !defined(__wasm__)
  if constexpr (std::is_same_v<T, float>) return kernels.add_to_sums(from, n, sums);
#endif
  for (int64_t i = 0; i < n; i++) sums[i] += static_cast<Sum>(from[i]);
}

template <class T, class Sum> void round_row(const Kernels& kernels, const Sum* sums, int64_t n, T* to) {
  if constexpr (std::is_same_v<T, float>) return kernels.narrow(sums, n, to);
  for (int64_t i = 0; i < n; i++) to[i] = static_cast<T>(sums[i]);
}

template <class T> void fold_as(const Fold& f, [[maybe_unused]] const Kernels& kernels, const Memory& memory) {
  // Sums of floats are doubles, rounded once; integer sums wrap.
  using Sum = std::conditional_t<std::is_floating_point_v<T>, double, uint32_t>;
  const T* from = f.from.operand.in<T>(memory);
  T* to = f.to.operand.in<T>(memory);
  const Loops<2> loops{f.depth, f.sizes, {f.from.steps, f.to.steps}};
  const int64_t n = loops.inner(), step = loops.step(0), toStep = loops.step(1);
  const bool any = product(f.sizes, f.depth) > 0;
  if (any && meets_once(f)) {
    parallel_ranges(f.count, 1, [&](int64_t begin, int64_t end) { std::fill(to + begin, to + end, T{0}); });
    T* const first = to + f.first;
    // A sum begins at 0, so that -0 becomes 0.
    parallel_ranges(loops.rows(), n, [&](int64_t begin, int64_t end) {
      loops.walk(begin, end, [&](const int64_t(&at)[2]) {
        const T* p = from + at[0];
        T* q = first + at[1];
        for (int64_t i = 0; i < n; i++) q[i * toStep] = static_cast<T>(T{0} + p[i * step]);
      });
    });
    return;
  }
  // Outer loops that lead beyond all that the loops inside reach: what each iteration of them adds lies apart.
  int64_t reach[maxDepth + 1] = {}, low[maxDepth + 1] = {};
  for (int32_t l = f.depth - 1; l >= 0; l--) {
    const int64_t way = (f.sizes[l] - int64_t{1}) * f.to.steps[l];
    reach[l] = reach[l + 1] + std::abs(way);
    low[l] = low[l + 1] + std::min<int64_t>(way, 0);
  }
  int32_t outer = 0;
  while (any && outer < f.depth - 1 && std::abs(int64_t{f.to.steps[outer]}) > reach[outer + 1]) outer++;
  const Loops<2> apart{outer + 1, f.sizes, {f.from.steps, f.to.steps}};
  const Loops<2> inside{f.depth - outer, f.sizes + outer, {f.from.steps + outer, f.to.steps + outer}};
  const int64_t blocks = any ? apart.rows() : 0, span = reach[outer] + 1, rows = any ? inside.rows() : 0;
  if (blocks * span < f.count) std::fill(to, to + f.count, T{0});
  if (!any) return;
  const int64_t many = std::max<int64_t>(1, elementsOfPart / (rows * n)), parts = (blocks + many - 1) / many;
  const std::unique_ptr<Sum[]> all(new Sum[parts * span]);
  auto part = [&](int64_t i) {
    Sum* const sums = all.get() + i * span;
    apart.walk(i * many, std::min(blocks, (i + 1) * many), [&](const int64_t(&block)[2]) {
      std::fill(sums, sums + span, Sum{0});
      inside.walk(0, rows, [&](const int64_t(&at)[2]) {
        const T* p = from + block[0] + at[0];
        Sum* q = sums + at[1] - low[outer];
        if (step == 1 && toStep == 1) {
          add_row(kernels, p, n, q);
        } else {
          for (int64_t i = 0; i < n; i++) q[i * toStep] += static_cast<Sum>(p[i * step]);
        }
      });
      T* const result = to + f.first + block[1] + low[outer];
      round_row(kernels, sums, span, result);
    });
  };
  parallel_for(parts, part);
}

template <class T> void gather_as(const Gather& g, const Memory& memory) {
  const T* source = g.source.operand.in<T>(memory);
  const int32_t* index = g.index.operand.in<int32_t>(memory);
  T* to = g.to.operand.in<T>(memory);
  const Loops<3> loops{g.depth, g.sizes, {g.source.steps, g.index.steps, g.to.steps}};
  const int64_t n = loops.inner(), s0 = loops.step(0), s1 = loops.step(1), s2 = loops.step(2);
  const int64_t along = g.axisStep;
  const uint32_t size = static_cast<uint32_t>(g.axisSize);
  parallel_ranges(loops.rows(), n, [&](int64_t first, int64_t last) {
    loops.walk(first, last, [&](const int64_t(&at)[3]) {
      const T* p = source + at[0];
      const int32_t* i = index + at[1];
      T* q = to + at[2];
      // Indices are checked again, because the output may overlap their memory.
      if (s1 == 0) {  // one index for the row, as when selecting rows of a matrix
        const int32_t k = *i;
        if (static_cast<uint32_t>(k) >= size) return;
        for (int64_t c = 0; c < n; c++) q[c * s2] = p[c * s0 + k * along];
        return;
      }
      for (int64_t c = 0; c < n; c++) {
        const int32_t k = i[c * s1];
        if (static_cast<uint32_t>(k) < size) q[c * s2] = p[c * s0 + k * along];
      }
    });
  });
}

template <class T, class Combine> void scatter_with(const Scatter& s, const Memory& memory, Combine&& combine) {
  const int32_t* index = s.index.operand.in<int32_t>(memory);
  const T* source = s.source.operand.in<T>(memory);
  T* to = s.to.operand.in<T>(memory);
  const Loops<3> loops{s.depth, s.sizes, {s.index.steps, s.source.steps, s.to.steps}};
  const int64_t n = loops.inner(), s0 = loops.step(0), s1 = loops.step(1), s2 = loops.step(2);
  const int64_t along = s.axisStep;
  const uint32_t size = static_cast<uint32_t>(s.axisSize);
  loops.walk(0, loops.rows(), [&](const int64_t(&at)[3]) {
    const int32_t* i = index + at[0];
    const T* p = source + at[1];
    T* q = to + at[2];
    for (int64_t c = 0; c < n; c++) {
      const int32_t k = i[c * s0];
      if (static_cast<uint32_t>(k) >= size) continue;
      T& x = q[c * s2 + k * along];
      x = combine(x, p[c * s1]);
    }
  });
}

template <class T> void iota_as(const Iota& o, const Memory& memory) {
  T* to = o.to.in<T>(memory);
  for (int64_t i = 0; i < o.outer; i++) {
    for (int32_t k = 0; k < o.n; k++) {
      for (int64_t j = 0; j < o.inner; j++) *to++ = static_cast<T>(k);
    }
  }
}

}  // namespace

void fold(const Fold& f, const Kernels& kernels, const Memory& memory) {
  with_type(f.to.operand.dtype, [&](auto type) { fold_as<decltype(type)>(f, kernels, memory); });
}

BadIndex gather(const Gather& g, const Memory& memory) {
  const BadIndex bad = check_indices(g.depth, g.sizes, g.index, g.axisSize, memory);
  if (!bad.found) with_type(g.to.operand.dtype, [&](auto type) { gather_as<decltype(type)>(g, memory); });
  return bad;
}

BadIndex scatter(const Scatter& s, const Memory& memory) {
  const BadIndex bad = check_indices(s.depth, s.sizes, s.index, s.axisSize, memory);
  if (bad.found) return bad;
  const DType dtype = s.to.operand.dtype;
  with_type(dtype, [&](auto type) {
    using T = decltype(type);
    if (s.fn == Reduce::none) return scatter_with<T>(s, memory, [](T, T y) { return y; });
    with_combine<T>(s.fn, dtype, [&](auto combine) { scatter_with<T>(s, memory, combine); });
  });
  return bad;
}

BadIndex indices(const Indices& i, const Memory& memory) {
  return check_indices(i.depth, i.sizes, i.index, i.axisSize, memory);
}

void iota(const Iota& o, const Memory& memory) {
  with_type(o.to.dtype, [&](auto type) { iota_as<decltype(type)>(o, memory); });
}

}  // namespace flambeau
