// Windows of planes, against plain loops: maxima, their winners, means, and the gradients, on every instruction set, for sizes
// and steps that have loops of their own and for others, in memory of exactly the right size.
#include "suites.h"
#include "trial.h"

namespace {

/** Along the height and along the width. */
struct Geometry {
  int32_t in[2], kernel[2], stride[2], low[2];
  /** How many more windows there are than whole ones. The last one reaches beyond the input. */
  int32_t more;

  int32_t out(int d) const { return (in[d] + 2 * low[d] - kernel[d]) / stride[d] + 1 + more; }
};

struct WindowTrial {
  Geometry g;
  int32_t planes;

  int64_t inputs() const { return int64_t{planes} * g.in[0] * g.in[1]; }
  int64_t outputs() const { return int64_t{planes} * g.out(0) * g.out(1); }

  void run(const Kernels& kernels, Composite kind, std::vector<Buffer*> operands, int32_t divisor = 0,
           int32_t around = 0) {
    const bool isBackward = kind == Composite::maxPoolBackward || kind == Composite::avgPoolBackward;
    CompositeOp op{};
    op.numbers[8] = divisor;
    op.numbers[9] = around;
    op.kind = kind;
    op.dtype = DType::float32;
    op.outer = planes;
    op.n = isBackward ? g.out(0) : g.in[0];
    op.inner = isBackward ? g.out(1) : g.in[1];
    for (int d = 0; d < 2; d++) {
      op.numbers[d] = isBackward ? g.in[d] : g.out(d);
      op.numbers[2 + d] = g.kernel[d];
      op.numbers[4 + d] = g.stride[d];
      op.numbers[6 + d] = g.low[d];
    }
    std::vector<Row> memory;
    for (Buffer* buffer : operands) {
      op.operands[memory.size()] = {static_cast<int32_t>(memory.size()), DType::float32, 0};
      memory.push_back({buffer->data, buffer->count * 4});
    }
    kernels.composite(op, {memory.data(), static_cast<int32_t>(memory.size()), nullptr, 0});
  }

  /** Calls f(window, tap, element) for the taps in the input, window after window. */
  template <class F> void each(F&& f) const {
    for (int64_t o = 0; o < outputs(); o++) {
      const int64_t c = o % g.out(1), r = o / g.out(1) % g.out(0), plane = o / g.out(1) / g.out(0);
      for (int32_t k = 0; k < g.kernel[0] * g.kernel[1]; k++) {
        const int64_t h = r * g.stride[0] - g.low[0] + k / g.kernel[1];
        const int64_t w = c * g.stride[1] - g.low[1] + k % g.kernel[1];
        if (h >= 0 && w >= 0 && h < g.in[0] && w < g.in[1]) f(o, k, (plane * g.in[0] + h) * g.in[1] + w);
      }
    }
  }
};

template <class F> void of_all_windows(F&& body) {
  const Geometry geometries[] = {
      {{6, 8}, {2, 2}, {2, 2}, {0, 0}, 0}, {{28, 28}, {2, 2}, {2, 2}, {0, 0}, 0},
      {{10, 10}, {2, 2}, {2, 2}, {0, 0}, 0}, {{7, 35}, {2, 2}, {2, 2}, {0, 0}, 0},
      {{5, 70}, {2, 2}, {2, 2}, {1, 1}, 0}, {{16, 40}, {3, 3}, {2, 2}, {1, 1}, 0},
      {{13, 13}, {3, 3}, {2, 2}, {0, 0}, 0}, {{8, 9}, {3, 3}, {1, 1}, {1, 1}, 0},
      {{9, 27}, {3, 3}, {3, 1}, {0, 0}, 0}, {{10, 28}, {3, 3}, {3, 2}, {1, 1}, 0},
      {{12, 50}, {5, 5}, {2, 2}, {2, 2}, 0}, {{16, 20}, {4, 4}, {4, 2}, {0, 0}, 0},
      {{9, 11}, {1, 1}, {2, 2}, {0, 0}, 0}, {{8, 8}, {3, 3}, {2, 2}, {1, 1}, 1},
      {{6, 6}, {3, 3}, {2, 2}, {0, 0}, 1}, {{1, 1}, {1, 1}, {1, 1}, {0, 0}, 0},
      {{1, 1}, {3, 3}, {1, 1}, {1, 1}, 0}, {{40, 2}, {2, 2}, {2, 2}, {0, 0}, 0},
      {{17, 3}, {2, 1}, {9, 2}, {1, 0}, 0}, {{5, 40}, {3, 2}, {1, 2}, {1, 1}, 0},
      {{9, 33}, {2, 3}, {3, 1}, {0, 1}, 0}, {{6, 40}, {2, 1}, {2, 1}, {0, 0}, 0},
      {{9, 20}, {9, 9}, {1, 2}, {4, 4}, 0}, {{16, 600}, {7, 7}, {1, 1}, {3, 3}, 0},
      {{34, 6}, {2, 2}, {2, 2}, {0, 0}, 0}, {{18, 26}, {2, 2}, {2, 2}, {0, 0}, 0},
      {{6, 32}, {2, 2}, {2, 2}, {0, 0}, 0}, {{14, 80}, {3, 3}, {2, 2}, {2, 2}, 0},
  };
  for (const Kernels* kernels : all_kernels()) {
    for (const Geometry& geometry : geometries) {
      for (const int32_t planes : {1, 3}) {
        WindowTrial trial{geometry, planes};
        body(trial, *kernels);
      }
    }
  }
}

Buffer filled(int64_t count, bool isSpecial = false) {
  Buffer buffer(DType::float32, count);
  for (int64_t i = 0; i < count; i++) {
    const int32_t which = isSpecial ? random(40) : 40;
    buffer.set(i, which == 0 ? std::nan("") : which < 3 ? -infinity : which == 3 ? infinity : random(9) - 4);
  }
  return buffer;
}

}  // namespace

TEST_CASE("maxima of windows, their winners and gradients") {
  of_all_windows([](WindowTrial& t, const Kernels& kernels) {
    for (const bool isSpecial : {false, true}) {
      Buffer x = filled(t.inputs(), isSpecial), dy = filled(t.outputs());
      if (isSpecial && t.inputs() > 30)
        for (int64_t i = 0; i < 30; i++) x.set(i, -infinity);
      Buffer alone = dy, y = dy, winners = dy, dx = x;
      t.run(kernels, Composite::maxPool, {&x, &alone});
      t.run(kernels, Composite::maxPoolWinners, {&x, &y, &winners});
      t.run(kernels, Composite::maxPoolBackward, {&dy, &winners, &dx});
      std::vector<double> most(static_cast<size_t>(t.outputs()), -infinity), gradient(static_cast<size_t>(t.inputs()));
      std::vector<int32_t> won(static_cast<size_t>(t.outputs()), -1);
      t.each([&](int64_t o, int32_t k, int64_t at) {
        const auto i = static_cast<size_t>(o);
        if (won[i] >= 0 && !(x.at(at) > most[i]) && !std::isnan(x.at(at))) return;
        most[i] = x.at(at);
        won[i] = k;
      });
      t.each([&](int64_t o, int32_t k, int64_t at) {
        if (won[static_cast<size_t>(o)] == k) gradient[static_cast<size_t>(at)] += dy.at(o);
      });
      for (int64_t o = 0; o < t.outputs(); o++) {
        const double expected = most[static_cast<size_t>(o)];
        const bool isSame = std::isnan(expected) ? std::isnan(y.at(o)) && std::isnan(alone.at(o))
                                                 : y.at(o) == expected && alone.at(o) == expected;
        if (!isSame || winners.at(o) != won[static_cast<size_t>(o)])
          FAIL("window " << o << ": " << y.at(o) << " at " << winners.at(o) << ", alone " << alone.at(o) << ", not "
                         << expected << " at " << won[static_cast<size_t>(o)]);
      }
      // Sums of a few whole numbers are exact.
      for (int64_t i = 0; i < t.inputs(); i++) {
        if (dx.at(i) != gradient[static_cast<size_t>(i)])
          FAIL("gradient " << i << ": " << dx.at(i) << ", not " << gradient[static_cast<size_t>(i)]);
      }
    }
  });
}

TEST_CASE("means of windows and their gradients have the bits of plain loops") {
  of_all_windows([](WindowTrial& t, const Kernels& kernels) {
    const auto [divisor, around] = std::vector<std::pair<int32_t, int32_t>>{{0, 0}, {0, 1}, {-3, 0}, {8, 1}}[
        static_cast<size_t>(random(4))];
    Buffer x(DType::float32, t.inputs()), dy(DType::float32, t.outputs());
    for (int64_t i = 0; i < t.inputs(); i++) x.set(i, mild_value(DType::float32));
    for (int64_t i = 0; i < t.outputs(); i++) dy.set(i, mild_value(DType::float32));
    Buffer y = dy, dx = x;
    t.run(kernels, Composite::avgPool, {&x, &y}, divisor, around);
    t.run(kernels, Composite::avgPoolBackward, {&dy, &dx}, divisor, around);
    std::vector<float> sums(static_cast<size_t>(t.outputs())), gradient(static_cast<size_t>(t.inputs()));
    const auto divisor_of = [&, divisor = divisor, around = around](int64_t o) {
      if (divisor != 0) return static_cast<float>(divisor);
      float count = 1;
      const int64_t at[] = {o / t.g.out(1) % t.g.out(0), o % t.g.out(1)};
      for (int d = 0; d < 2; d++) {
        const int64_t more = around ? t.g.low[d] : 0, from = at[d] * t.g.stride[d] - t.g.low[d];
        count *= static_cast<float>(std::min<int64_t>(from + t.g.kernel[d], t.g.in[d] + more) - std::max(from, -more));
      }
      return count;
    };
    t.each([&](int64_t o, int32_t, int64_t at) {
      sums[static_cast<size_t>(o)] += static_cast<float>(x.at(at));
      gradient[static_cast<size_t>(at)] += static_cast<float>(dy.at(o)) / divisor_of(o);
    });
    for (int64_t o = 0; o < t.outputs(); o++) {
      const float expected = sums[static_cast<size_t>(o)] / divisor_of(o);
      if (y.at(o) != expected) FAIL("window " << o << ": " << y.at(o) << ", not " << expected);
    }
    for (int64_t i = 0; i < t.inputs(); i++) {
      const float expected = gradient[static_cast<size_t>(i)];
      if (dx.at(i) != expected) FAIL("gradient " << i << ": " << dx.at(i) << ", not " << expected);
    }
  });
}

TEST_CASE("windows have the same bits for any number of threads" * inThreads) {
  for (const Kernels* kernels : all_kernels()) {
    for (const Geometry& geometry : {Geometry{{40, 60}, {3, 3}, {2, 2}, {1, 1}, 0},
                                     Geometry{{10, 10}, {2, 2}, {2, 2}, {0, 0}, 0}}) {
      WindowTrial t{geometry, 400};
      const Buffer x(DType::float32, t.inputs()), dy(DType::float32, t.outputs());
      Buffer from = x, by = dy;
      for (int64_t i = 0; i < t.inputs(); i++) from.set(i, mild_value(DType::float32));
      for (int64_t i = 0; i < t.outputs(); i++) by.set(i, mild_value(DType::float32));
      std::vector<std::vector<Buffer>> all;
      for (const int threads : {1, 4}) {
        set_threads(threads);
        Buffer y = dy, winners = dy, dx = x, mean = dy, spread = x;
        t.run(*kernels, Composite::maxPoolWinners, {&from, &y, &winners});
        t.run(*kernels, Composite::maxPoolBackward, {&by, &winners, &dx});
        t.run(*kernels, Composite::avgPool, {&from, &mean});
        t.run(*kernels, Composite::avgPoolBackward, {&by, &spread});
        all.push_back({y, winners, dx, mean, spread});
      }
      set_threads(usable_cores());
      for (size_t k = 0; k < all[0].size(); k++) {
        const size_t bytes = static_cast<size_t>(all[0][k].count) * sizeof(float);
        CHECK(memcmp(all[0][k].data, all[1][k].data, bytes) == 0);
      }
    }
  }
}
