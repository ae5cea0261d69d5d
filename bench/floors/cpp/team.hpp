// Threads for floors: they wait for each other's parts of a step without sleeping, and sleep between samples.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

class Team {
 public:
  explicit Team(int size) : size_(size) {
    for (int i = 1; i < size; i++) std::thread([this, i] { serve(i); }).detach();
  }

  int size() const { return size_; }

  /** Calls `work(number)` on all threads. */
  void run(const std::function<void(int)>& work) {
    work_ = &work;
    left_.store(size_ - 1);
    {
      // Whoever falls asleep meanwhile sees the new turn, or is woken.
      std::lock_guard<std::mutex> lock(mutex_);
      turn_.fetch_add(1);
    }
    if (sleepers_.load() > 0) wake_.notify_all();
    work(0);
    while (left_.load() > 0) {
    }
  }

 private:
  void serve(int number) {
    for (long seen = 0;; seen++) {
      using Clock = std::chrono::steady_clock;
      const auto isTurn = [&] { return turn_.load() != seen; };
      for (const auto start = Clock::now(); !isTurn() && Clock::now() - start < std::chrono::milliseconds(1);) {
      }
      if (!isTurn()) {
        std::unique_lock<std::mutex> lock(mutex_);
        sleepers_++;
        wake_.wait(lock, isTurn);
        sleepers_--;
      }
      (*work_)(number);
      left_.fetch_sub(1);
    }
  }

  const int size_;
  const std::function<void(int)>* work_ = nullptr;
  std::atomic<long> turn_{0};
  std::atomic<int> left_{0}, sleepers_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
};
