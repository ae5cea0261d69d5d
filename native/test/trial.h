// A map under construction for a test, and its expected results: the steps of reference.h in naive loops.
#pragma once
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "../src/dispatch.h"
#include "../src/pool.h"
#include "reference.h"

using namespace flambeau;

namespace {

uint32_t seed = 1;
inline int random(int count) {
  seed = seed * 1664525u + 1013904223u;
  return static_cast<int>((seed >> 8) % static_cast<uint32_t>(count));
}

constexpr DType dtypes[] = {DType::boolean, DType::uint8, DType::int32, DType::float32, DType::float64};

inline std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> found;
  std::string error;
  for (const char* name : {"v2", "avx2", "avx512", "neon", "wasm"}) {
    if (const Kernels* kernels = kernels_named(name, &error)) found.push_back(kernels);
  }
  return found;
}

// ---- memory ----

inline double get(const char* at, DType dtype) {
  switch (dtype) {
    case DType::float64:
      return *reinterpret_cast<const double*>(at);
    case DType::float32:
      return *reinterpret_cast<const float*>(at);
    case DType::int32:
      return *reinterpret_cast<const int32_t*>(at);
    default:
      return *reinterpret_cast<const uint8_t*>(at);
  }
}
inline void put(char* at, DType dtype, double x) {
  switch (dtype) {
    case DType::float64:
      *reinterpret_cast<double*>(at) = x;
      return;
    case DType::float32:
      *reinterpret_cast<float*>(at) = static_cast<float>(x);
      return;
    case DType::int32:
      *reinterpret_cast<int32_t*>(at) = to_int(x);
      return;
    default:
      *reinterpret_cast<uint8_t*>(at) = static_cast<uint8_t>(to_int(x));
      return;
  }
}

/** Memory for exactly this many elements, so that a sanitizer detects accesses beyond it. */
struct Buffer {
  DType dtype;
  int64_t count;
  std::vector<double> memory;
  char* data;

  Buffer(DType dtype, int64_t count) : dtype(dtype), count(count) {
    // It ends at the end of an allocation.
    const int64_t bytes = count * size_of(dtype);
    memory.resize(static_cast<size_t>((bytes + 7) / 8));
    data = reinterpret_cast<char*>(memory.data()) + static_cast<int64_t>(memory.size()) * 8 - bytes;
    if (size_of(dtype) > 1) data = reinterpret_cast<char*>(memory.data());
  }
  Buffer(const Buffer& other) : Buffer(other.dtype, other.count) {
    if (count > 0) memcpy(data, other.data, static_cast<size_t>(count * size_of(dtype)));
  }
  Buffer& operator=(const Buffer&) = delete;
  double at(int64_t i) const { return get(data + i * size_of(dtype), dtype); }
  void set(int64_t i, double x) { put(data + i * size_of(dtype), dtype, x); }
};

inline double any_value(DType dtype) {
  switch (dtype) {
    case DType::boolean:
      return random(2);
    case DType::uint8:
      return random(3) == 0 ? random(4) : random(256);
    case DType::int32: {
      const double ends[] = {0, 1, -1, 2, 2147483647, -2147483648.0, 65536, -3};
      return random(3) == 0 ? ends[random(8)] : random(3) == 0 ? random(21) - 10 : to_int(random(1 << 24) * 511.0);
    }
    default: {
      const double special[] = {0,   -0.0, 1,     -1,   infinity, -infinity,    notNumber,
                                0.5, -2.5, 1e-40, 3e38, -1e-45,   2147483648.0, 2};
      if (random(4) == 0) return special[random(14)];
      return rounded((random(20001) - 10000) / (random(2) == 0 ? 1000.0 : 100.0), dtype);
    }
  }
}
inline double mild_value(DType dtype) {
  return is_real(dtype) ? rounded((random(20001) - 10000) / 10000.0, dtype) : random(dtype == DType::boolean ? 2 : 7);
}

/** A map under construction, with its own buffers and reference results. */
struct Trial {
  std::vector<int32_t> sizes;
  std::vector<Buffer> buffers;
  std::vector<double> numbers;
  std::vector<Operand> inputs, outs;
  std::vector<std::vector<int32_t>> inputSteps, outSteps;
  std::vector<Reduce> reduces;
  std::vector<int32_t> froms;
  std::vector<Code> codes;

  int64_t elements() const {
    int64_t n = 1;
    for (int32_t size : sizes) n *= size;
    return n;
  }

  int number(DType dtype, double x) {
    numbers.push_back(x);
    inputs.push_back({-static_cast<int32_t>(numbers.size()), dtype, 0});
    inputSteps.emplace_back(sizes.size(), 0);
    return -static_cast<int>(inputs.size());
  }

  /** An operand in the loops: its axes in any order, with gaps, reversed, repeated; 0: dense and in order. */
  int input(DType dtype, int layout, double (*value)(DType) = mild_value) {
    std::vector<int32_t> steps;
    int64_t offset = 0;
    buffers.emplace_back(dtype, spread(layout, &steps, &offset));
    Buffer& buffer = buffers.back();
    for (int64_t i = 0; i < buffer.count; i++) buffer.set(i, value(dtype));
    inputs.push_back({static_cast<int32_t>(buffers.size()) - 1, dtype, static_cast<int32_t>(offset)});
    inputSteps.push_back(steps);
    return -static_cast<int>(inputs.size());
  }

  /** A dense operand of the loops that do not repeat it. */
  template <class Repeats> int repeated(DType dtype, Repeats&& repeats) {
    const std::vector<int32_t> all = sizes;
    for (size_t l = 0; l < all.size(); l++) sizes[l] = repeats(l) ? 1 : all[l];
    const int made = input(dtype, 0);
    sizes = all;
    for (size_t l = 0; l < all.size(); l++) {
      if (repeats(l)) inputSteps.back()[l] = 0;
    }
    return made;
  }

  void out(int from, DType dtype, int layout, Reduce reduce = Reduce::none, uint32_t axes = 0) {
    std::vector<int32_t> steps;
    int64_t offset = 0;
    const std::vector<int32_t> all = sizes;
    if (reduce != Reduce::none) {
      for (size_t l = 0; l < sizes.size(); l++) {
        if (axes >> l & 1) sizes[l] = 1;
      }
    }
    buffers.emplace_back(dtype, spread(layout, &steps, &offset));
    sizes = all;
    for (size_t l = 0; l < sizes.size() && reduce != Reduce::none; l++) {
      if (axes >> l & 1) steps[l] = 0;
    }
    for (int64_t i = 0; i < buffers.back().count; i++) buffers.back().set(i, 77);
    outs.push_back({static_cast<int32_t>(buffers.size()) - 1, dtype, static_cast<int32_t>(offset)});
    outSteps.push_back(steps);
    reduces.push_back(reduce);
    froms.push_back(from);
  }

  int step(Step step, DType dtype, DType of, int dst, int a, int b = 0, int c = 0) {
    codes.push_back({step, dtype, of, dst, a, b, c});
    return dst;
  }
  int constant(DType dtype, int dst, double x) {
    Code code{Step::constant, dtype, dtype, dst, 0, 0, 0};
    memcpy(&code.a, &x, sizeof x);
    codes.push_back(code);
    return dst;
  }

  /** The values of the steps for one element, and whether they must be equal to the bit. */
  void values(const std::vector<int64_t>& index, std::vector<double>* result) const {
    static std::vector<double> in;
    double registers[maxRegisters] = {};
    in.resize(inputs.size());
    for (size_t i = 0; i < inputs.size(); i++) {
      if (inputs[i].is_number()) {
        in[i] = rounded(numbers[static_cast<size_t>(-1 - inputs[i].ref)], inputs[i].dtype);
      } else {
        in[i] = buffers[static_cast<size_t>(inputs[i].ref)].at(place(inputs[i], inputSteps[i], index));
      }
    }
    auto value = [&](int32_t x) { return x < 0 ? in[static_cast<size_t>(-1 - x)] : registers[x]; };
    for (const Code& code : codes) {
      if (code.step == Step::constant) {
        double x;
        memcpy(&x, &code.a, sizeof x);
        registers[code.dst] = rounded(x, code.dtype);
        continue;
      }
      const bool two = code.step != Step::cast, three = code.step == Step::fma || code.step == Step::select;
      registers[code.dst] =
          rounded(exactly(code, value(code.a), two ? value(code.b) : 0, three ? value(code.c) : 0), code.dtype);
    }
    result->clear();
    for (int32_t from : froms) result->push_back(value(from));
  }

  static int64_t place(const Operand& x, const std::vector<int32_t>& steps, const std::vector<int64_t>& index) {
    int64_t at = x.offset;
    for (size_t l = 0; l < index.size(); l++) at += index[l] * steps[l];
    return at;
  }

  template <class F> void each_element(F&& f) const {
    std::vector<int64_t> index(sizes.size(), 0);
    for (int64_t n = elements(), i = 0; i < n; i++) {
      f(index);
      for (size_t l = sizes.size(); l-- > 0;) {
        if (++index[l] < sizes[l]) break;
        index[l] = 0;
      }
    }
  }

  void run(const Kernels& kernels, bool prepared = false) {
    std::vector<Row> rows;
    for (Buffer& buffer : buffers) rows.push_back({buffer.data, buffer.count * size_of(buffer.dtype)});
    const Memory memory{rows.data(), static_cast<int32_t>(rows.size()), numbers.data(),
                        static_cast<int32_t>(numbers.size())};
    std::vector<Strided> in;
    for (size_t i = 0; i < inputs.size(); i++) in.push_back({inputs[i], inputSteps[i].data()});
    std::vector<MapOut> out;
    for (size_t k = 0; k < outs.size(); k++) out.push_back({{outs[k], outSteps[k].data()}, reduces[k], froms[k]});
    const Map map{static_cast<int32_t>(sizes.size()), sizes.data(), static_cast<int32_t>(in.size()),    in.data(),
                  static_cast<int32_t>(out.size()),   out.data(),   static_cast<int32_t>(codes.size()), codes.data(), nullptr,
                  false};
    if (!prepared) return kernels.map(map, memory);
    void* kept = kernels.prepare(map, false);
    // Run it elsewhere first: a plan must not depend on addresses.
    Trial elsewhere = *this;
    std::vector<Row> other;
    for (Buffer& buffer : elsewhere.buffers) other.push_back({buffer.data, buffer.count * size_of(buffer.dtype)});
    kernels.run(kept, Memory{other.data(), memory.rowCount, elsewhere.numbers.data(), memory.numberCount});
    kernels.run(kept, memory);
    kernels.release(kept);
  }

  /**
   * Runs copies on all kernels and compares them with the reference; `ulps`: the allowed error of functions of floats.
   */
  void check(int ulps = 0) const {
    Trial expected = *this;
    std::vector<std::vector<double>> tolerances(outs.size());
    std::vector<std::vector<long double>> sums(outs.size());
    std::vector<std::vector<double>> sizesOf(outs.size());
    for (size_t k = 0; k < outs.size(); k++) {
      const Buffer& buffer = buffers[static_cast<size_t>(outs[k].ref)];
      const Reduce fn = reduces[k];
      const double least = outs[k].dtype == DType::int32 ? -2147483648.0 : is_real(outs[k].dtype) ? -infinity : 0;
      const double most = outs[k].dtype == DType::int32 ? 2147483647 : is_real(outs[k].dtype) ? infinity : 255;
      sums[k].assign(static_cast<size_t>(buffer.count), fn == Reduce::prod  ? 1
                                                        : fn == Reduce::max ? least
                                                        : fn == Reduce::min ? most
                                                                            : 0);
      sizesOf[k].assign(static_cast<size_t>(buffer.count), 0);
      if (fn == Reduce::none) continue;
      for (size_t l = 0; l < sizes.size(); l++) {
        if (sizes[l] == 0 && outSteps[k][l] != 0) sums[k].clear();  // nothing is written
      }
    }
    std::vector<double> result;
    each_element([&](const std::vector<int64_t>& index) {
      values(index, &result);
      for (size_t k = 0; k < outs.size(); k++) {
        const int64_t at = place(outs[k], outSteps[k], index);
        if (reduces[k] == Reduce::none) {
          expected.buffers[static_cast<size_t>(outs[k].ref)].set(at, result[k]);
          continue;
        }
        long double& sum = sums[k][static_cast<size_t>(at)];
        const double x = result[k];
        sizesOf[k][static_cast<size_t>(at)] += std::fabs(x);
        switch (reduces[k]) {
          case Reduce::sum:
            sum = is_real(outs[k].dtype) ? sum + x : to_int(static_cast<double>(sum) + x);
            break;
          case Reduce::prod:
            sum = is_real(outs[k].dtype) ? sum * x : imul(static_cast<double>(sum), x);
            break;
          case Reduce::max:
            sum = larger(static_cast<double>(sum), x);
            break;
          default:
            sum = smaller(static_cast<double>(sum), x);
        }
      }
    });
    for (size_t k = 0; k < outs.size(); k++) {
      Buffer& want = expected.buffers[static_cast<size_t>(outs[k].ref)];
      std::vector<bool> written(static_cast<size_t>(want.count), reduces[k] == Reduce::none);
      if (reduces[k] != Reduce::none && !sums[k].empty()) mark(k, 0, outs[k].offset, &written);
      for (int64_t i = 0; i < want.count; i++) {
        double tolerance = 0;
        if (reduces[k] != Reduce::none && written[static_cast<size_t>(i)]) {
          const double sum = static_cast<double>(sums[k][static_cast<size_t>(i)]);
          want.set(i, sum);
          const double unit = outs[k].dtype == DType::float32 ? 1.2e-7 : 3e-15;
          if (reduces[k] == Reduce::sum) tolerance = 4 * unit * sizesOf[k][static_cast<size_t>(i)];
          if (reduces[k] == Reduce::prod) tolerance = 4 * unit * std::fabs(sum);
        }
        if (ulps > 0 && outs[k].dtype == DType::float32) {
          const float w = std::fabs(static_cast<float>(want.at(i)));
          tolerance += ulps * (std::isfinite(w) ? std::nextafter(w, INFINITY) - w : 0);
        } else if (ulps > 0) {
          tolerance += 1e-15 * std::fabs(want.at(i));
        }
        tolerances[k].push_back(is_real(outs[k].dtype) ? tolerance : 0);
      }
    }
    for (const Kernels* kernels : all_kernels()) {
      INFO("kernels " << std::string(kernels->name));
      Trial tried = *this;
      tried.run(*kernels, random(2) == 0);
      for (size_t k = 0; k < outs.size(); k++) {
        const Buffer& got = tried.buffers[static_cast<size_t>(outs[k].ref)];
        const Buffer& want = expected.buffers[static_cast<size_t>(outs[k].ref)];
        for (int64_t i = 0; i < want.count; i++)
          compare(got.at(i), want.at(i), tolerances[k][static_cast<size_t>(i)], k, i);
      }
    }
  }

  void compare(double got, double want, double tolerance, size_t k, int64_t i) const {
    const bool same = std::isnan(want) ? std::isnan(got)
                                       : (got == want && std::signbit(got) == std::signbit(want)) ||
                                             (tolerance > 0 && std::fabs(got - want) <= tolerance);
    if (same) return;
    std::string text;
    for (const Code& code : codes) {
      text +=
          " step " + std::to_string(static_cast<int>(code.step)) + ":" + std::to_string(static_cast<int>(code.dtype));
    }
    for (int32_t size : sizes) text += " " + std::to_string(size);
    INFO(text << " reduce " << static_cast<int>(reduces[k]) << " out " << k << " element " << i << " off by "
              << got - want);
    CHECK(got == want);
  }

  /** The elements that an output has. */
  void mark(size_t k, size_t l, int64_t at, std::vector<bool>* written) const {
    if (l == sizes.size()) {
      (*written)[static_cast<size_t>(at)] = true;
      return;
    }
    for (int32_t i = 0; i < (outSteps[k][l] == 0 ? 1 : sizes[l]); i++) mark(k, l + 1, at + i * outSteps[k][l], written);
  }

  /** Chooses strides over the loops; returns how many elements they reach, from `offset` on. */
  int64_t spread(int layout, std::vector<int32_t>* steps, int64_t* offset) {
    const size_t depth = sizes.size();
    steps->assign(depth, 0);
    std::vector<size_t> order(depth);
    for (size_t i = 0; i < depth; i++) order[i] = depth - 1 - i;
    if (layout & 1) {
      for (size_t i = depth; i > 1; i--)
        std::swap(order[i - 1], order[static_cast<size_t>(random(static_cast<int>(i)))]);
    }
    int64_t step = layout & 2 ? 2 : 1;
    for (size_t l : order) {
      if ((layout & 4) && random(2) == 0) continue;
      (*steps)[l] = static_cast<int32_t>(step);
      step *= sizes[l] == 0 ? 1 : sizes[l];
      if (layout & 2) step += 3;
    }
    int64_t first = layout & 2 ? 5 : 0, last = first;
    for (size_t l = 0; l < depth; l++) {
      const int64_t way = (*steps)[l] * static_cast<int64_t>(sizes[l] - 1);
      if (sizes[l] == 0) continue;
      last += way;
      if ((layout & 8) && random(2) == 0) {
        first += way;
        (*steps)[l] = -(*steps)[l];
      }
    }
    *offset = first;
    return last + 1;
  }
};

}  // namespace
