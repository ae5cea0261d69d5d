#include "../dispatch.h"

#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__x86_64__) && !defined(_MSC_VER)
#include <cpuid.h>
#endif

namespace flambeau {

#if defined(__x86_64__)
namespace v2 {
extern const Kernels kernels;
}
namespace v3 {
extern const Kernels kernels;
}
namespace v4 {
extern const Kernels kernels;
}
#else
namespace neon {
extern const Kernels kernels;
}
#endif

namespace {

#if defined(__x86_64__)

struct Feature {
  const char* name;
  /** CPUID's leaf, its register (b or c) and the bit; the state that the system must save (XCR0). */
  unsigned leaf;
  char word;
  int bit;
  unsigned state;
};

constexpr unsigned avxState = 0x6, avx512State = 0xe6;
constexpr Feature features[] = {
    {"sse4.2", 1, 'c', 20, 0},
    {"popcnt", 1, 'c', 23, 0},
    {"avx", 1, 'c', 28, avxState},
    {"f16c", 1, 'c', 29, avxState},
    {"fma", 1, 'c', 12, avxState},
    {"avx2", 7, 'b', 5, avxState},
    {"bmi1", 7, 'b', 3, avxState},
    {"bmi2", 7, 'b', 8, avxState},
    {"avx512f", 7, 'b', 16, avx512State},
    {"avx512dq", 7, 'b', 17, avx512State},
    {"avx512cd", 7, 'b', 28, avx512State},
    {"avx512bw", 7, 'b', 30, avx512State},
    {"avx512vl", 7, 'b', 31, avx512State},
};
constexpr int baseFeatures = 2, avx2Features = 8, allFeatures = 13;

/** The state that the system saves on a thread switch. */
unsigned saved_state() {
  unsigned a, b, c, d;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c >> 27 & 1) == 0) return 0;
  __asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  return a;
}

bool has(const Feature& feature) {
  unsigned a, b, c, d;
  if (__get_cpuid_count(feature.leaf, 0, &a, &b, &c, &d) == 0) return false;
  const unsigned word = feature.word == 'b' ? b : c;
  return (word >> feature.bit & 1) != 0 && (saved_state() & feature.state) == feature.state;
}

bool has_all(int count) {
  for (int i = 0; i < count; i++) {
    if (!has(features[i])) return false;
  }
  return true;
}

struct Set {
  const Kernels* kernels;
  /** How many of the features it needs, from the first on. */
  int needs;
};
// The build defines HAS_ for each set that it compiles kernels for.
const Set sets[] = {
#ifdef HAS_v4
    {&v4::kernels, allFeatures},
#endif
#ifdef HAS_v3
    {&v3::kernels, avx2Features},
#endif
#ifdef HAS_v2
    {&v2::kernels, baseFeatures},
#endif
};
bool runs(const Set& set) { return has_all(set.needs); }

#else

struct Set {
  const Kernels* kernels;
};
const Set sets[] = {{&neon::kernels}};
bool runs(const Set&) { return true; }

#endif

}  // namespace

const Kernels* kernels_named(const char* name, std::string* error) {
  std::string names;
  for (const Set& set : sets) {
    const bool here = runs(set);
    if (strcmp(set.kernels->name, name) == 0) {
      if (here) return set.kernels;
      *error = std::string("this processor cannot run the kernels '") + name + "'";
      return nullptr;
    }
    if (here) names += std::string(names.empty() ? "" : ", ") + set.kernels->name;
  }
  *error = std::string("there are no kernels '") + name + "'; this processor can run " + names;
  return nullptr;
}

std::string cpu_features() {
  std::string found;
#if defined(__x86_64__)
  for (const Feature& feature : features) {
    if (has(feature)) found += std::string(found.empty() ? "" : " ") + feature.name;
  }
#else
  found = "neon";
#endif
  return found;
}

const Kernels* kernels(std::string* error) {
  const char* pinned = getenv("FLAMBEAU_ISA");
  if (pinned != nullptr && *pinned != 0) return kernels_named(pinned, error);
  std::string names;
  for (const Set& set : sets) {
    if (runs(set)) return set.kernels;
    names += std::string(names.empty() ? "" : ", ") + set.kernels->name;
  }
  *error = "native: this processor can run none of the kernels here: " + names;
  return nullptr;
}

void out_of_memory() { throw std::bad_alloc(); }

}  // namespace flambeau
