// Times bodies in turn by the processor time that they take, so that other processes matter little.
#pragma once
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "../src/dispatch.h"

namespace flambeau {

/** Nanoseconds of processor time. */
inline double now() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

/** Prints the least time of each body, and of a unit of its work. */
inline void race(const std::vector<std::pair<std::string, std::function<void(const Kernels&)>>>& bodies,
                 const std::vector<double>& work) {
  std::string error;
  const Kernels* chosen = kernels(&error);
  if (chosen == nullptr) {
    fprintf(stderr, "%s\n", error.c_str());
    return;
  }
  printf("%s\n", chosen->name);
  std::vector<double> least(bodies.size(), 1e30);
  std::vector<int64_t> times(bodies.size(), 1);
  constexpr double sample = 3e6, rounds = 25;
  for (int round = 0; round < rounds; round++) {
    for (size_t i = 0; i < bodies.size(); i++) {
      const double start = now();
      for (int64_t t = 0; t < times[i]; t++) bodies[i].second(*chosen);
      const double taken = (now() - start) / static_cast<double>(times[i]);
      least[i] = std::min(least[i], taken);
      times[i] = std::max<int64_t>(1, static_cast<int64_t>(sample / least[i]));
    }
  }
  for (size_t i = 0; i < bodies.size(); i++)
    printf("%-48s %12.2f us %8.3f a ns %8.3f ns each\n", bodies[i].first.c_str(), least[i] / 1000, work[i] / least[i],
           least[i] / work[i]);
}

}  // namespace flambeau
