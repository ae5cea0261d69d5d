// JavaScript's values as C++ has them, and the other way round: numbers, texts, errors, and typed arrays that are held
// on to. Who asked for another type gets a zero, an empty text, or is told that an array is not held.
#pragma once
#include <node_api.h>

#include <cstdint>
#include <string>

namespace flambeau {

/** A typed array of JavaScript's that is held on to. */
template <class T> struct Held {
  T* data = nullptr;
  int64_t length = 0;
  napi_ref ref = nullptr;
};

inline napi_value raise(napi_env env, const std::string& message) {
  napi_throw_error(env, nullptr, message.c_str());
  return nullptr;
}

template <class T> constexpr napi_typedarray_type array_type();
template <> constexpr napi_typedarray_type array_type<int32_t>() { return napi_int32_array; }
template <> constexpr napi_typedarray_type array_type<double>() { return napi_float64_array; }

template <class T> void release(napi_env env, Held<T>* held) {
  if (held->ref != nullptr) napi_delete_reference(env, held->ref);
  *held = {};
}

/** Holds the typed array `value` in place of the one before; whether it is one of T. */
template <class T> bool hold(napi_env env, napi_value value, Held<T>* held) {
  napi_typedarray_type type;
  size_t length;
  void* data;
  napi_ref ref;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != array_type<T>() || napi_create_reference(env, value, 1, &ref) != napi_ok)
    return false;
  release(env, held);
  *held = {static_cast<T*>(data), static_cast<int64_t>(length), ref};
  return true;
}

inline int32_t int_of(napi_env env, napi_value value) {
  int32_t x = 0;
  napi_get_value_int32(env, value, &x);
  return x;
}

inline std::string text_of(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return "";
  std::string text(length, '\0');
  napi_get_value_string_utf8(env, value, text.data(), length + 1, &length);
  return text;
}

inline napi_value number(napi_env env, double x) {
  napi_value value = nullptr;
  napi_create_double(env, x, &value);
  return value;
}

inline napi_value whole(napi_env env, int32_t x) {
  napi_value value = nullptr;
  napi_create_int32(env, x, &value);
  return value;
}

inline napi_value text(napi_env env, const std::string& x) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, x.data(), x.size(), &value);
  return value;
}

}  // namespace flambeau
