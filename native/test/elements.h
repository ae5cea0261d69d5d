// Random elements of every dtype that has products, and the instruction sets that this machine has.
#pragma once
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "../src/dispatch.h"

using namespace flambeau;

namespace {

[[maybe_unused]] uint32_t seed = 1;
inline int random(int count) {
  seed = seed * 1664525u + 1013904223u;
  return static_cast<int>((seed >> 8) % static_cast<uint32_t>(count));
}

template <class T> constexpr DType dtype_of = DType::uint8;
template <> constexpr DType dtype_of<float> = DType::float32;
template <> constexpr DType dtype_of<double> = DType::float64;
template <> constexpr DType dtype_of<int32_t> = DType::int32;

template <class T> T element() {
  if constexpr (std::is_floating_point_v<T>) return static_cast<T>(random(2001) - 1000) / 1000;
  return static_cast<T>(random(1 << 24) * 257u);
}

template <class Body> void each_set(const Body& body) {
  for (const char* name : {"v2", "avx2", "avx512", "neon", "wasm"}) {
    std::string error;
    const Kernels* const kernels = kernels_named(name, &error);
    CAPTURE(name);
    if (kernels) body(*kernels);
  }
}

template <class T> bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace
