// The speed of memory, for the layers of workloads/pooling.ts: bare loops over the memory that a layer has to read and write,
// with one operation for each vector, on as many threads as other subjects get. A subject like floors.cpp, without results.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <sstream>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "serve.hpp"
#include "team.hpp"
#include "vectors.hpp"

/** Elements that begin with a page, of two megabytes if there are so many and the system has such. */
struct Array {
  long size;
  std::unique_ptr<float, decltype(&free)> at;

  explicit Array(long n) : size(n), at(nullptr, free) {
    const size_t needed = n * sizeof(float), large = 2 << 20, page = needed < large ? 4096 : large;
    const size_t whole = (needed + page - 1) / page * page;
    at.reset(static_cast<float*>(std::aligned_alloc(page, whole)));
#if defined(__linux__)
    if (page == large) madvise(at.get(), whole, MADV_HUGEPAGE);
#endif
    std::fill_n(at.get(), n, 1.f);
  }
};

/** A loop over memory. Of two sizes, the larger is a multiple of the other. */
struct Pass {
  std::vector<const Array*> reads, writes;

  /** Vectors of each array that is read and of each that is written in a unit, whose count is returned. */
  long units(long& read, long& written) const {
    const long most = reads[0]->size, least = writes.empty() ? most / chains : writes[0]->size;
    read = std::max(1L, most / least);
    written = std::max(1L, least / most);
    return std::min(most, least) / lanes;
  }
};

/** Units `from` to before `to`. `shape`: vectors that are read, or written if it is negative; 0 if any number. */
template <int R, int W, int shape> Vec loop(const Pass& pass, long from, long to, long read, long written) {
  if (shape != 0) {
    read = std::max(shape, 1);
    written = std::max(-shape, 1);
  }
  const float* in[R];
  float* out[W + 1];
  for (int i = 0; i < R; i++) in[i] = pass.reads[i]->at.get();
  for (int i = 0; i < W; i++) out[i] = pass.writes[i]->at.get();
  Vec total = {};
  for (long u = from; u < to; u++) {
    Vec sums[chains] = {};
    long k = 0;
    for (; k + chains <= read; k += chains)
      for (int chain = 0; chain < chains; chain++)
        for (int i = 0; i < R; i++) sums[chain] += load(in[i] + (u * read + k + chain) * lanes);
    for (; k < read; k++)
      for (int i = 0; i < R; i++) sums[0] += load(in[i] + (u * read + k) * lanes);
    const Vec sum = shape < chains && shape != 0 ? sums[0] : (sums[0] + sums[1]) + (sums[2] + sums[3]);
    if (W == 0) total += sum;
    for (k = 0; k < written; k++)
      for (int i = 0; i < W; i++) store(out[i] + (u * written + k) * lanes, sum);
  }
  return total;
}

using Loop = Vec (*)(const Pass&, long from, long to, long read, long written);

template <int R, int W> Loop shaped(long read, long written) {
  if (read == chains) return loop<R, W, chains>;
  if (written == chains) return loop<R, W, -chains>;
  return read == written ? loop<R, W, 1> : loop<R, W, 0>;
}
Loop loopOf(const Pass& pass, long read, long written) {
  const size_t r = pass.reads.size(), w = pass.writes.size();
  const auto of = [&](auto... sizes) { return shaped<decltype(sizes)::value...>(read, written); };
  const std::integral_constant<int, 0> none;
  const std::integral_constant<int, 1> one;
  const std::integral_constant<int, 2> two;
  return r == 1 ? (w == 0 ? of(one, none) : w == 1 ? of(one, one) : of(one, two)) : w == 0 ? of(two, none) : of(two, one);
}

/** One pass after the other. Threads share blocks, and begin at either end in turn, where the cache has what came last. */
class Memory {
 public:
  Memory(std::vector<Pass> passes, std::vector<std::shared_ptr<Array>> arrays)
      : passes_(std::move(passes)), arrays_(std::move(arrays)) {}

  void step() {
    for (const Pass& pass : passes_) {
      long read, written;
      const long units = pass.units(read, written), block = std::max(1L, 16384 / lanes / std::max(read, written));
      const Loop run = loopOf(pass, read, written);
      backwards_ = !backwards_;
      team().run([&](int number) {
        const long blocks = (units + block - 1) / block, first = blocks * number / team().size();
        const long end = blocks * (number + 1) / team().size();
        Vec total = {};
        for (long i = first; i < end; i++) {
          const long at = backwards_ ? first + end - 1 - i : i;
          total += run(pass, at * block, std::min(units, (at + 1) * block), read, written);
        }
        volatile float kept = sum(total);
        (void)kept;
      });
    }
  }
  std::vector<Floats> results() const { return {}; }

 private:
  static Team& team() {
    static Team* const it = new Team(std::max(1, std::atoi(getenv("OMP_NUM_THREADS"))));
    return *it;
  }

  std::vector<Pass> passes_;
  std::vector<std::shared_ptr<Array>> arrays_;
  bool backwards_ = false;
};

std::vector<long> numbers(const std::string& list) {
  std::vector<long> all;
  std::istringstream stream(list);
  for (std::string each; std::getline(stream, each, ',');) all.push_back(std::stol(each));
  return all;
}

/** The passes of a layer, by the name that workloads/pooling.ts gives it. */
Ready make(const std::string& name, Inputs&) {
  std::istringstream words(name);
  std::string first, kind, direction, sizes, windows;
  words >> first >> kind >> direction >> sizes >> windows;
  if (first != "pooling") return {};
  const std::vector<long> n = numbers(sizes), by = numbers(windows);
  long all = 1, plane = n[0];
  for (const long each : n) all *= each;
  if (kind == "mean") plane = n[0] * n[1];
  if (!by.empty()) {
    plane = n[0] * n[1];
    for (int d = 2; d < 4; d++) plane *= (n[d] + 2 * by[2] - by[0]) / by[1] + 1;
  }
  const long results = kind == "mean" || !by.empty() ? plane : all;
  const auto made = [](long size) { return std::make_shared<Array>(size); };
  const auto x = made(all), y = made(results), dy = made(results), dx = made(all), winners = made(results);
  const bool isTraining = direction == "training";
  std::vector<Pass> passes;
  if (kind == "batch") passes.push_back({{x.get()}, {}});
  passes.push_back({{x.get()}, {y.get()}});
  if (kind == "max" && isTraining) passes.back().writes.push_back(winners.get());
  if (isTraining) {
    if (kind == "batch") passes.push_back({{x.get(), dy.get()}, {}});
    passes.push_back({{dy.get()}, {dx.get()}});
    if (kind == "max") passes.back().reads.push_back(winners.get());
    else if (kind != "mean" && by.empty()) passes.back().reads.push_back(x.get());
  }
  return ready(std::make_shared<Memory>(passes, std::vector{x, y, dy, dx, winners}));
}

int main() { serve(make); }
