// Conversions from JavaScript's values: counts, names, and typed arrays that are kept alive. They return false for a
// value of the wrong kind, and the functions of the addon then throw an error that says what they take.
#pragma once
#include <napi.h>

#include <cstdint>
#include <string>
#include <utility>

namespace flambeau {

/** The elements of a JavaScript typed array. */
template <class T> struct Elements {
  T* data = nullptr;
  int64_t length = 0;
};

/** The elements of a typed array that is kept alive. */
template <class T> struct Held : Elements<T> {
  Napi::Reference<Napi::TypedArray> array;
};

template <class T> constexpr napi_typedarray_type array_type();
template <> constexpr napi_typedarray_type array_type<int32_t>() { return napi_int32_array; }
template <> constexpr napi_typedarray_type array_type<float>() { return napi_float32_array; }
template <> constexpr napi_typedarray_type array_type<double>() { return napi_float64_array; }

/**
 * Gets the elements of `value`, which stay valid until JavaScript runs again; false if it is not a typed array of T.
 */
template <class T> bool elements_of(napi_env env, napi_value value, Elements<T>* elements) {
  napi_typedarray_type type;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) return false;
  if (type != array_type<T>()) return false;
  *elements = {static_cast<T*>(data), static_cast<int64_t>(length)};
  return true;
}
template <class T> bool elements_of(const Napi::Value& value, Elements<T>* elements) {
  return elements_of(value.Env(), value, elements);
}

/**
 * Keeps the typed array `value` alive in place of the previous one; false if it is not one of T over shared memory.
 * Other memory could be transferred away while C++ knows its address.
 */
template <class T> bool hold(const Napi::Value& value, Held<T>* held) {
  Held<T> found;
  if (!elements_of(value, static_cast<Elements<T>*>(&found))) return false;
  const auto array = value.As<Napi::TypedArray>();
  if (array.ArrayBuffer().IsArrayBuffer()) return false;
  found.array = Napi::Persistent(array);
  *held = std::move(found);
  return true;
}

/** Gets an integer from 0 to `most`; false if `value` is not one. Hot calls use it without a Napi::Value. */
inline bool count_of(napi_env env, napi_value value, int32_t most, int32_t* count) {
  double x;
  if (napi_get_value_double(env, value, &x) != napi_ok || !(x >= 0 && x <= most)) return false;
  *count = static_cast<int32_t>(x);
  return *count == x;
}
inline bool count_of(const Napi::Value& value, int32_t most, int32_t* count) {
  return count_of(value.Env(), value, most, count);
}

/** Gets a string that could be a name or a path; false if `value` is not one. */
inline bool text_of(const Napi::Value& value, std::string* text) {
  constexpr size_t most = 4096;
  if (!value.IsString()) return false;
  *text = value.As<Napi::String>().Utf8Value();
  return text->size() < most;
}

}  // namespace flambeau
