// Threads. A job is cut into parts by its size alone, so that results do not depend on the number of threads; parts run
// in any order. Idle workers sleep; a second thread that comes while a job runs does its own job.
#pragma once
#include <cstdint>

namespace flambeau {

/** The number of computing threads, including the calling one; at least 1, effective from the next job. */
void set_threads(int count);
int threads();
/** The cores that this process may use. */
int usable_cores();

using Part = void (*)(void* context, int64_t part);
/** Runs `part(context, i)` for i from 0 to `parts` - 1 and returns when all are done. Parts must not throw. */
void parallel(int64_t parts, Part part, void* context);

template <class F> void parallel_for(int64_t parts, F& body) {
  if (parts == 1) return body(static_cast<int64_t>(0));
  parallel(parts, [](void* context, int64_t i) { (*static_cast<F*>(context))(i); }, &body);
}

}  // namespace flambeau
