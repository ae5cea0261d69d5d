// The arguments of the addon's `matrices`, from JavaScript's values. It is called often, so without Napi::Value.
#pragma once
#include <node_api.h>

#include <cstddef>
#include <cstdint>

#include "javascript.h"
#include "matrices.h"

namespace flambeau {

/** routine, count, arrays; then come the arrays, then sizes. */
constexpr size_t firstMatrix = 3, mostMatricesArguments = firstMatrix + mostMatrixArrays + mostMatrixSizes;

/** Gets a call from `given` values; false if some are of the wrong kind. Whether they fit each other is another question. */
inline bool matrices_of(napi_env env, const napi_value* values, size_t given, Matrices* it) {
  int32_t routine, count;
  if (given < firstMatrix || given > mostMatricesArguments) return false;
  if (!count_of(env, values[0], static_cast<int32_t>(Routine::count) - 1, &routine)) return false;
  if (!count_of(env, values[1], INT32_MAX, &count)) return false;
  if (!count_of(env, values[2], mostMatrixArrays, &it->arrayCount)) return false;
  it->routine = static_cast<Routine>(routine);
  it->count = count;
  it->sizeCount = static_cast<int32_t>(given - firstMatrix) - it->arrayCount;
  if (it->sizeCount < 0 || it->sizeCount > mostMatrixSizes) return false;
  for (int32_t i = 0; i < it->arrayCount; i++) {
    Elements<double> array;
    if (!elements_of(env, values[firstMatrix + i], &array) || (count > 0 && array.length % count != 0)) return false;
    it->arrays[i] = array.data;
    it->lengths[i] = count == 0 ? 0 : static_cast<Index>(array.length) / count;
  }
  for (int32_t i = 0; i < it->sizeCount; i++) {
    int32_t size;
    if (!count_of(env, values[firstMatrix + it->arrayCount + i], INT32_MAX, &size)) return false;
    it->sizes[i] = size;
  }
  return true;
}

}  // namespace flambeau
