// Threads. A job is cut into parts by its size alone, so that results do not depend on how many threads there are; parts
// run in any order. Workers sleep when there is nothing to do; a second thread that comes while a job runs does its own.
#pragma once
#include <cstdint>

namespace flambeau {

/** How many threads compute, the calling one included. From 1; takes effect at the next job. */
void set_threads(int count);
int threads();
/** The cores that this process may use. */
int usable_cores();

using Part = void (*)(void* context, int64_t part);
/** Runs `part(context, i)` for i from 0 to `parts` - 1 and returns when all are done. Nothing below may throw. */
void parallel(int64_t parts, Part part, void* context);

template <class F> void parallel_for(int64_t parts, F& body) {
  if (parts == 1) return body(static_cast<int64_t>(0));
  parallel(parts, [](void* context, int64_t i) { (*static_cast<F*>(context))(i); }, &body);
}

}  // namespace flambeau
