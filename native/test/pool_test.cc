// Threads: every part runs once, whoever calls and from any thread.
#include "../src/pool.h"

#include <doctest/doctest.h>

#include <atomic>
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

TEST_CASE("each thread begins with a share of its own, in every job" * inThreads) {
  set_threads(2);
  std::thread::id helper;
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
    CHECK(first[0] + first[1] == 3);
    const bool own = by[0] == std::this_thread::get_id(), other = by[3] != by[0], same = job == 0 || by[3] == helper;
    CHECK(own);
    CHECK(other);
    CHECK(same);
    helper = by[3];
  }
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
