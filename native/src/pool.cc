// The thread pool. A job is open while parts remain; a thread that finds it open joins, takes parts until there are
// none, and leaves; the caller returns when all have left. Workers look for another job for a moment, then sleep. The
// pool's state is never destroyed, because its threads may outlive everything else.
#include "pool.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
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

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/** Polls `done()` for some microseconds; returns whether it became true. */
template <class Done> bool spin(int microseconds, Done done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
  do {
    for (int i = 0; i < 32; ++i) {
      if (done()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

/** In a job's state: open to threads that want to join. The bits below count those that have. */
constexpr uint32_t open = 1u << 31;
/** How long a worker polls for the next job before it sleeps: longer than JavaScript takes between two operations. */
constexpr int patience = 30;

class Pool {
 public:
  void run(int64_t parts, Part part, void* context, int helpers) {
    if (busy_.exchange(true, std::memory_order_acquire)) return alone(parts, part, context);
    helpers = start(helpers < parts - 1 ? helpers : static_cast<int>(parts - 1));
    parts_ = parts;
    part_ = part;
    context_ = context;
    helpers_ = static_cast<uint32_t>(helpers);
    next_.store(0, std::memory_order_relaxed);
    state_.store(open);
    jobs_.fetch_add(1);
    if (sleepers_.load() > 0) {
      std::lock_guard<std::mutex> lock(mutex_);
      for (int i = 0; i < helpers; ++i) wake_.notify_one();
    }
    work();
    state_.fetch_and(~open);
    const auto all_left = [this] { return state_.load(std::memory_order_acquire) == 0; };
    while (!spin(100, all_left)) std::this_thread::yield();
    busy_.store(false, std::memory_order_release);
  }

  static void alone(int64_t parts, Part part, void* context) {
    for (int64_t i = 0; i < parts; ++i) part(context, i);
  }

 private:
  /** Ensures that there are `count` workers, or as many as the system grants. */
  int start(int count) {
    while (workers_ < count) {
#if defined(__unix__) || defined(__APPLE__)
      sigset_t all, before;  // signals belong to the host's threads
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
#endif
      bool started = true;
      try {
        std::thread([this] { serve(); }).detach();
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

  void work() {
    for (;;) {
      const int64_t i = next_.fetch_add(1, std::memory_order_relaxed);
      if (i >= parts_) return;
      part_(context_, i);
    }
  }

  bool join() {
    uint32_t state = state_.load(std::memory_order_acquire);
    do {
      if (!(state & open) || (state & ~open) >= helpers_.load(std::memory_order_relaxed)) return false;
    } while (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel));
    return true;
  }

  void serve() {
    uint32_t seen = 0;
    for (;;) {
      const auto job = [&] { return jobs_.load() != seen; };
      if (!spin(patience, job)) {
        std::unique_lock<std::mutex> lock(mutex_);
        sleepers_.fetch_add(1);
        wake_.wait(lock, job);
        sleepers_.fetch_sub(1);
      }
      seen = jobs_.load();
      if (join()) {
        work();
        state_.fetch_sub(1, std::memory_order_acq_rel);
      }
    }
  }

  std::atomic<bool> busy_{false};
  int workers_ = 0;

  int64_t parts_ = 0;
  Part part_ = nullptr;
  void* context_ = nullptr;
  std::atomic<uint32_t> helpers_{0};
  alignas(64) std::atomic<int64_t> next_{0};
  alignas(64) std::atomic<uint32_t> state_{0};
  std::atomic<uint32_t> jobs_{0};
  std::atomic<int> sleepers_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
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
