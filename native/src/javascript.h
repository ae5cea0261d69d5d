// Conversions between JavaScript's values and C++: numbers, strings, errors, and typed arrays that are kept alive. They
// report a value of the wrong type.
#pragma once
#include <node_api.h>

#include <cstdint>
#include <string>

namespace flambeau {

/** The elements of a JavaScript typed array. */
template <class T> struct Elements {
  T* data = nullptr;
  int64_t length = 0;
};

/** The elements of a typed array that is kept alive. */
template <class T> struct Held : Elements<T> {
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

/**
 * Gets the elements of `value`, which stay valid until JavaScript runs again; false if it is not a typed array of T.
 */
template <class T> bool elements_of(napi_env env, napi_value value, Elements<T>* elements, napi_value* buffer) {
  napi_typedarray_type type;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, buffer, nullptr) != napi_ok ||
      type != array_type<T>())
    return false;
  *elements = {static_cast<T*>(data), static_cast<int64_t>(length)};
  return true;
}

/**
 * Keeps the typed array `value` alive in place of the previous one; false if it is not one of T over shared memory.
 * Other memory could be transferred away while C++ knows its address.
 */
template <class T> bool hold(napi_env env, napi_value value, Held<T>* held) {
  Held<T> found;
  napi_value buffer;
  bool isOwn = true;
  if (!elements_of(env, value, &found, &buffer) || napi_is_arraybuffer(env, buffer, &isOwn) != napi_ok || isOwn ||
      napi_create_reference(env, value, 1, &found.ref) != napi_ok)
    return false;
  release(env, held);
  *held = found;
  return true;
}

/** Gets an integer from 0 to `most`; false if `value` is not one. */
inline bool count_of(napi_env env, napi_value value, int32_t most, int32_t* count) {
  double x;
  if (napi_get_value_double(env, value, &x) != napi_ok || !(x >= 0 && x <= most)) return false;
  *count = static_cast<int32_t>(x);
  return *count == x;
}

/** Gets a string that could be a name or a path; false if `value` is not one. */
inline bool text_of(napi_env env, napi_value value, std::string* text) {
  constexpr size_t most = 4096;
  char bytes[most];
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok || length >= most ||
      napi_get_value_string_utf8(env, value, bytes, most, &length) != napi_ok)
    return false;
  text->assign(bytes, length);
  return true;
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
