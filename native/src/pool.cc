// The thread pool. A job is open while parts remain; a thread that finds it open joins, takes parts until there are
// none, and leaves; the caller returns when all have left. Workers look for another job for a while, then sleep. Each
// thread begins with a share of its own: jobs over the same elements, one after the other, find them in its own cache.
// Cores that share no cache take five times as long to fetch what the other one has written. Every second job begins at
// the end, because what the last one has used last is in the nearest cache. The pool's state is never destroyed, because
// its threads may outlive everything else.
#include "pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

namespace flambeau {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

/** How long a thread polls at least before it sleeps: longer than JavaScript takes between two operations. */
constexpr microseconds moment{30};
/** And at most: a few times as long as it takes to wake a thread. */
constexpr microseconds longest{240};

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/**
 * Polls `done()` until some time after `start`; returns whether it became true. After a moment, other threads that want the
 * core get it between two looks.
 */
template <class Done> bool spin(Clock::time_point start, microseconds time, Done done) {
  for (auto passed = Clock::duration::zero(); passed < time; passed = Clock::now() - start) {
    if (passed > moment) std::this_thread::yield();
    for (int i = 0; i < 32; ++i) {
      if (done()) return true;
      pause();
    }
  }
  return false;
}

/** In a job's state: open to threads that want to join. The bits below count those that have. */
constexpr uint32_t open = 1u << 31;

/** A thread's place: what is left of its share of a job, consecutive parts, and how to wake it. */
class alignas(64) Seat {
 public:
  void share(int64_t first, int64_t end) {
    left_.store(static_cast<uint64_t>(first) << 32 | static_cast<uint64_t>(end), std::memory_order_relaxed);
  }
  /** The number of a part that nobody else has, the first or the last one that is left, or -1 if there is none. */
  int64_t take(bool isFirst) {
    uint64_t left = left_.load(std::memory_order_relaxed), after;
    uint32_t first, end;
    do {
      first = static_cast<uint32_t>(left >> 32);
      end = static_cast<uint32_t>(left);
      if (first == end) return -1;
      after = isFirst ? left + (uint64_t{1} << 32) : left - 1;
    } while (!left_.compare_exchange_weak(left, after, std::memory_order_relaxed));
    return isFirst ? first : end - 1;
  }

  std::condition_variable wake;

 private:
  std::atomic<uint64_t> left_{0};
};

class Pool {
 public:
  void run(int64_t parts, Part part, void* context, int helpers) noexcept {
    if (busy_.exchange(true, std::memory_order_acquire)) return alone(parts, part, context);
    helpers = start(helpers < parts - 1 ? helpers : static_cast<int>(parts - 1));
    const int shares = helpers + 1;
    for (int i = 0; i < shares; ++i) seats_[i].share(parts * i / shares, parts * (i + 1) / shares);
    part_ = part;
    context_ = context;
    helpers_ = helpers;
    backwards_ = !backwards_;
    state_.store(open);
    jobs_.fetch_add(1);
    if (sleepers_.load() > 0) {
      // Whoever was about to sleep sleeps now. A thread that is woken needs the lock at once.
      { std::lock_guard<std::mutex> lock(mutex_); }
      for (int i = 1; i < shares; ++i) seats_[i].wake.notify_one();
    }
    work(0);
    state_.fetch_and(~open);
    const auto all_left = [this] { return state_.load(std::memory_order_acquire) == 0; };
    while (!spin(Clock::now(), longest, all_left)) {
    }
    busy_.store(false, std::memory_order_release);
  }

  static void alone(int64_t parts, Part part, void* context) {
    static thread_local bool backwards = true;
    backwards = !backwards;
    for (int64_t i = 0; i < parts; ++i) part(context, backwards ? parts - 1 - i : i);
  }

 private:
  /** Ensures that there are `count` workers, or as many as the system grants. Nobody reads the seats meanwhile. */
  int start(int count) {
    while (workers_ < count) {
#if defined(__unix__) || defined(__APPLE__)
      sigset_t all, before;  // signals belong to the host's threads
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
#endif
      bool started = true;
      try {
        while (static_cast<int>(seats_.size()) < workers_ + 2) seats_.emplace_back();
        std::thread([this, number = workers_ + 1, &seat = seats_.back()] { serve(number, seat); }).detach();
      } catch (const std::system_error&) {
        started = false;
      }
#if defined(__unix__) || defined(__APPLE__)
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
#endif
      if (!started) return workers_;
      ++workers_;
    }
    return count;
  }

  /** Takes the parts of the thread's own share, then what the others have left of theirs. */
  void work(int number) {
    const int shares = helpers_.load(std::memory_order_relaxed) + 1;
    for (int i = 0; i < shares; ++i) {
      Seat& seat = seats_[(number + i) % shares];
      for (int64_t part; (part = seat.take((i == 0) != backwards_)) >= 0;) part_(context_, part);
    }
  }

  /** Whether worker `number` has joined a job, which wants the first ones. */
  bool join(int number) {
    uint32_t state = state_.load(std::memory_order_acquire);
    do {
      if (!(state & open) || number > helpers_.load(std::memory_order_relaxed)) return false;
    } while (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel));
    return true;
  }

  void serve(int number, Seat& seat) {
    uint32_t seen = 0;
    microseconds patience = moment;
    for (;;) {
      const auto job = [&] { return jobs_.load() != seen; };
      const auto start = Clock::now();
      if (!spin(start, patience, job)) {
        std::unique_lock<std::mutex> lock(mutex_);
        sleepers_.fetch_add(1);
        seat.wake.wait(lock, job);
        sleepers_.fetch_sub(1);
      }
      // Where jobs follow each other closely, waiting costs less than waking does; where they do not, it is in vain.
      patience = Clock::now() - start < longest ? longest : std::max(moment, patience / 2);
      seen = jobs_.load();
      if (join(number)) {
        work(number);
        state_.fetch_sub(1, std::memory_order_acq_rel);
      }
    }
  }

  std::atomic<bool> busy_{false};
  int workers_ = 0;

  /** The caller's, then those of the workers. */
  std::deque<Seat> seats_;
  Part part_ = nullptr;
  void* context_ = nullptr;
  /** Whether threads begin with the last parts of their shares. */
  bool backwards_ = true;
  std::atomic<int> helpers_{0};
  alignas(64) std::atomic<uint32_t> state_{0};
  std::atomic<uint32_t> jobs_{0};
  std::atomic<int> sleepers_{0};
  std::mutex mutex_;
};

Pool& pool() {
  static Pool* const it = new Pool;
  return *it;
}

#if defined(__linux__)
/** The contents of a file, or '' if there is none. Without streams, which would be a quarter of the addon. */
std::string contents(const std::string& path) {
  std::string text;
  FILE* file = std::fopen(path.c_str(), "r");
  if (file == nullptr) return text;
  char block[1024];
  for (size_t n; (n = std::fread(block, 1, sizeof block, file)) > 0;) text.append(block, n);
  std::fclose(file);
  return text;
}

/** The whole cores that the control groups of this process allow, or 0 if they set no limit. */
int quota() {
  int least = 0;
  /** `text` begins with a quota and its period, if there is one. */
  const auto note = [&least](const std::string& text) {
    double quota = 0, period = 0;
    if (std::sscanf(text.c_str(), "%lf %lf", &quota, &period) != 2 || !(quota > 0) || !(period > 0)) return;
    const int cores = quota < period ? 1 : static_cast<int>((quota + period - 1) / period);
    if (least == 0 || cores < least) least = cores;
  };
  const std::string groups = contents("/proc/self/cgroup");
  for (size_t start = 0, end; (end = groups.find('\n', start)) != std::string::npos; start = end + 1) {
    const std::string line = groups.substr(start, end - start);
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool unified = controllers.empty();
    if (!unified && ("," + controllers + ",").find(",cpu,") == std::string::npos) continue;
    // A group's limit also holds for groups within it: from this one up to the root, which in a container is all that
    // is visible.
    for (std::string path = line.substr(second + 1);; path.erase(path.rfind('/'))) {
      if (path == "/") path.clear();
      const std::string folder = (unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu") + path;
      note(unified ? contents(folder + "/cpu.max")
                   : contents(folder + "/cpu.cfs_quota_us") + contents(folder + "/cpu.cfs_period_us"));
      if (path.rfind('/') == std::string::npos) break;
    }
  }
  return least;
}
#endif

int first_count() {
  const char* wish = std::getenv("FLAMBEAU_THREADS");
  const int count = wish ? std::atoi(wish) : 0;
  return count > 0 ? count : usable_cores();
}

std::atomic<int>& count() {
  static std::atomic<int> it{first_count()};
  return it;
}

}  // namespace

int usable_cores() {
  static const int cores = [] {
    int found = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) found = CPU_COUNT(&set);
    if (const int granted = quota(); granted > 0 && granted < found) found = granted;
#endif
    return found > 0 ? found : 1;
  }();
  return cores;
}

void set_threads(int wanted) { count().store(wanted > 0 ? wanted : 1); }

int threads() { return count().load(std::memory_order_relaxed); }

void parallel(int64_t parts, Part part, void* context) {
  const int helpers = threads() - 1;
  if (helpers == 0 || parts <= 1) return Pool::alone(parts, part, context);
  pool().run(parts, part, context, helpers);
}

}  // namespace flambeau
