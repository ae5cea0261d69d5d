// Threads: every part runs once, whoever calls and from any thread.
#include "../src/pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

#include "suites.h"

using namespace flambeau;

namespace {

/** The number of `parts` parts that ran too few or too many times. */
int wrong(int64_t parts) {
  std::vector<std::atomic<int>> ran(static_cast<size_t>(parts));
  auto body = [&](int64_t i) { ran[static_cast<size_t>(i)].fetch_add(1); };
  parallel_for(parts, body);
  int count = 0;
  for (const auto& times : ran) count += times.load() != 1;
  return count;
}

}  // namespace

TEST_CASE("every part runs once, for any number of threads" * inThreads) {
  for (const int count : {1, 2, 3, 8}) {
    set_threads(count);
    CHECK(threads() == count);
    for (const int64_t parts : {0, 1, 2, 3, 7, 100, 1000}) CHECK(wrong(parts) == 0);
  }
  set_threads(0);
  CHECK(threads() == 1);
  CHECK(usable_cores() >= 1);
}

TEST_CASE("each thread begins with a share of its own, at either end in turn" * inThreads) {
  set_threads(2);
  std::thread::id helper;
  int64_t before = 0;
  for (int job = 0; job < 10; ++job) {
    std::atomic<int> begun{0};
    int64_t first[6] = {};
    std::thread::id by[6];
    // No part ends before two have begun: those are the first ones of both threads.
    auto body = [&](int64_t i) {
      by[i] = std::this_thread::get_id();
      first[begun.fetch_add(1)] = i;
      while (begun.load() < 2) std::this_thread::yield();
    };
    parallel_for(6, body);
    // 0 and 3, or from the ends 2 and 5.
    const int64_t sum = first[0] + first[1];
    CHECK((sum == 3 || sum == 7));
    CHECK((job == 0 || sum + before == 10));
    before = sum;
    const int64_t mine = sum == 3 ? 0 : 2, others = mine + 3;
    const bool own = by[mine] == std::this_thread::get_id(), other = by[others] != by[mine];
    const bool same = job == 0 || by[others] == helper;
    CHECK(own);
    CHECK(other);
    CHECK(same);
    helper = by[others];
  }
}

TEST_CASE("one thread goes through parts forwards and backwards in turn" * inThreads) {
  set_threads(1);
  std::vector<int64_t> order[2];
  for (auto& parts : order) {
    auto body = [&](int64_t i) { parts.push_back(i); };
    parallel_for(3, body);
  }
  const std::vector<int64_t> forwards{0, 1, 2}, backwards{2, 1, 0};
  CHECK(((order[0] == forwards && order[1] == backwards) || (order[0] == backwards && order[1] == forwards)));
}

TEST_CASE("jobs one after the other, with rests that let the workers sleep" * inThreads) {
  set_threads(4);
  int failures = 0;
  for (int i = 0; i < 20000; ++i) {
    failures += wrong(1 + i % 5);
    if (i % 1000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(failures == 0);
}

TEST_CASE("workers without jobs soon take no processor time" * inThreads) {
  set_threads(3);
  for (int i = 0; i < 100; ++i) wrong(6);
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK(static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC < 0.02);
}

TEST_CASE("a part may itself be parallel" * inThreads) {
  set_threads(4);
  std::atomic<int> sum{0};
  auto inner = [&](int64_t) { sum.fetch_add(1); };
  auto outer = [&](int64_t) { parallel_for(10, inner); };
  parallel_for(10, outer);
  CHECK(sum.load() == 100);
}

TEST_CASE("threads that come and go and all use the pool" * inThreads) {
  set_threads(3);
  std::atomic<int> failures{0};
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> callers;
    for (int i = 0; i < 8; ++i) {
      callers.emplace_back([&] {
        for (int job = 0; job < 100; ++job) failures.fetch_add(wrong(1 + job % 9));
      });
    }
    for (std::thread& caller : callers) caller.join();
  }
  CHECK(failures.load() == 0);
}
