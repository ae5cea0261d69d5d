// The vectors of one instruction set. The kernels' sources (*.inl) are written once with the names below and compiled
// for each set in its own namespace, because the linker must never see two versions of one function.
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

#if defined(__AVX512F__)
#define ISA v4
#define NAME "avx512"
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define ISA v3
#define NAME "avx2"
#define VECTOR_BYTES 32
#elif defined(__x86_64__)
#define ISA v2
#define NAME "v2"
#define VECTOR_BYTES 16
#elif defined(__wasm__)
#define ISA wasm
#define NAME "wasm"
#define VECTOR_BYTES 16
#else
#define ISA neon
#define NAME "neon"
#define VECTOR_BYTES 16
#endif

#define ALWAYS_INLINE __attribute__((always_inline))
#define INLINE static inline ALWAYS_INLINE
#if defined(__wasm__)
/** Compiled for size in the module: what prepares loops takes little of their time. */
#define SHORT __attribute__((minsize))
#else
#define SHORT
#endif

/**
 * A value that is in a register from here on: a product is not fused with the sum that uses it, and a vector that several
 * steps use is loaded once. WebAssembly does neither by itself.
 */
#if defined(__wasm__)
#define KEEP(x)
#elif defined(__AVX512F__)
#define KEEP(x) asm("" : "+v"(x))
#elif defined(__x86_64__)
#define KEEP(x) asm("" : "+x"(x))
#else
#define KEEP(x) asm("" : "+w"(x))
#endif

namespace flambeau::ISA {

/** A vector of T, and the type of an unaligned load. One struct each, because GCC ignores a dependent size. */
template <class T> struct VectorOf;
#define VECTOR_OF(T)                                                                       \
  template <> struct VectorOf<T> {                                                         \
    typedef T Type __attribute__((vector_size(VECTOR_BYTES)));                             \
    typedef T Unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(1), may_alias)); \
  };
VECTOR_OF(float)
VECTOR_OF(double)
VECTOR_OF(int8_t)
VECTOR_OF(uint8_t)
VECTOR_OF(int32_t)
VECTOR_OF(uint32_t)
VECTOR_OF(int64_t)
#undef VECTOR_OF

/** Whether code has to be fetched before anything computes: then there are fewer kernels for what is rare. */
#if defined(__wasm__)
constexpr bool isFetched = true;
#else
constexpr bool isFetched = false;
#endif

template <class T> using Vec = typename VectorOf<T>::Type;
/** The number of elements in a vector. */
template <class T> constexpr int64_t lanes = VECTOR_BYTES / static_cast<int64_t>(sizeof(T));

template <class T> INLINE Vec<T> load(const T* p) {
  return *reinterpret_cast<const typename VectorOf<T>::Unaligned*>(p);
}

template <class T> INLINE void store(T* p, Vec<T> v) { *reinterpret_cast<typename VectorOf<T>::Unaligned*>(p) = v; }

/** sum + a * b, which compilers fuse where the processor can. WebAssembly's relaxed instruction is fused where it is fast. */
template <class T> INLINE Vec<T> add_product(Vec<T> sum, Vec<T> a, Vec<T> b) {
#if defined(__wasm_relaxed_simd__)
  if constexpr (sizeof(T) == 4) {
    return __builtin_wasm_relaxed_madd_f32x4(a, b, sum);
  } else {
    return __builtin_wasm_relaxed_madd_f64x2(a, b, sum);
  }
#else
  return sum + a * b;
#endif
}

template <class T> INLINE Vec<T> splat(T x) { return x - Vec<T>{}; }  // 0 + x would lose the sign of -0

#if defined(__AVX2__) && !defined(__AVX512F__)
/** A mask of the first `n` elements, for vectors of 4 and of 8 bytes. */
INLINE __m256i first4(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE __m256i first8(int64_t n) { return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)); }
#endif

/** The first `n` elements (0 to lanes) at p, followed by zeros; nothing beyond them is touched. */
template <class T> INLINE Vec<T> load_part(const T* p, int64_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return reinterpret_cast<Vec<T>>(_mm512_maskz_loadu_epi32(static_cast<__mmask16>((1u << n) - 1), p));
  } else if constexpr (sizeof(T) == 8) {
    return reinterpret_cast<Vec<T>>(_mm512_maskz_loadu_epi64(static_cast<__mmask8>((1u << n) - 1), p));
  }
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4) {
    return reinterpret_cast<Vec<T>>(_mm256_maskload_epi32(reinterpret_cast<const int*>(p), first4(n)));
  } else if constexpr (sizeof(T) == 8) {
    return reinterpret_cast<Vec<T>>(_mm256_maskload_epi64(reinterpret_cast<const long long*>(p), first8(n)));
  }
#elif defined(__x86_64__)
  if constexpr (sizeof(T) >= 4) {
    const int64_t bytes = n * static_cast<int64_t>(sizeof(T));
    if (bytes == 16) return load(p);
    const __m128i low = bytes & 8 ? _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)) : _mm_setzero_si128();
    if (!(bytes & 4)) return reinterpret_cast<Vec<T>>(low);
    const __m128i odd = _mm_loadu_si32(reinterpret_cast<const char*>(p) + (bytes & 8));
    return reinterpret_cast<Vec<T>>(bytes & 8 ? _mm_unpacklo_epi64(low, odd) : odd);
  }
#elif defined(__wasm__)
  // In pieces: copying so many bytes would be a call.
  if constexpr (sizeof(T) == 8) {
    return n == 0 ? Vec<T>{} : n == 1 ? reinterpret_cast<Vec<T>>(wasm_v128_load64_zero(p)) : load(p);
  } else if constexpr (sizeof(T) == 4) {
    if (n == 4) return load(p);
    const v128_t low = n & 2 ? wasm_v128_load64_zero(p) : v128_t{};
    if (!(n & 1)) return reinterpret_cast<Vec<T>>(low);
    const v128_t odd = wasm_v128_load32_zero(p + (n & 2));
    return reinterpret_cast<Vec<T>>(n & 2 ? wasm_i64x2_shuffle(low, odd, 0, 2) : odd);
  }
#endif
  Vec<T> v{};
  memcpy(&v, p, static_cast<size_t>(n) * sizeof(T));
  return v;
}

/** Stores the first `n` elements (0 to lanes) of v, and nothing beyond them. */
template <class T> INLINE void store_part(T* p, Vec<T> v, int64_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return _mm512_mask_storeu_epi32(p, static_cast<__mmask16>((1u << n) - 1), reinterpret_cast<__m512i>(v));
  } else if constexpr (sizeof(T) == 8) {
    return _mm512_mask_storeu_epi64(p, static_cast<__mmask8>((1u << n) - 1), reinterpret_cast<__m512i>(v));
  }
#elif defined(__x86_64__)
  // In pieces, because AVX2's masked stores are slow on some processors.
  if constexpr (sizeof(T) >= 4) {
    const int64_t bytes = n * static_cast<int64_t>(sizeof(T));
    char* to = reinterpret_cast<char*>(p);
    if (bytes == VECTOR_BYTES) return store(p, v);
#if defined(__AVX2__)
    __m128i rest = _mm256_castsi256_si128(reinterpret_cast<__m256i>(v));
    if (bytes & 16) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), rest);
      rest = _mm256_extracti128_si256(reinterpret_cast<__m256i>(v), 1);
      to += 16;
    }
#else
    __m128i rest = reinterpret_cast<__m128i>(v);
#endif
    if (bytes & 8) {
      _mm_storel_epi64(reinterpret_cast<__m128i*>(to), rest);
      rest = _mm_unpackhi_epi64(rest, rest);
      to += 8;
    }
    if (bytes & 4) _mm_storeu_si32(to, rest);
    return;
  }
#elif defined(__wasm__)
  if constexpr (sizeof(T) == 8) {
    if (n == 2) return store(p, v);
    if (n == 1) *p = v[0];
    return;
  } else if constexpr (sizeof(T) == 4) {
    if (n == 4) return store(p, v);
    if (n & 2) wasm_v128_store64_lane(p, reinterpret_cast<v128_t>(v), 0);
    if (n & 1) p[n & 2] = n & 2 ? v[2] : v[0];
    return;
  }
#endif
  memcpy(p, &v, static_cast<size_t>(n) * sizeof(T));
}

/** Calls, where the instructions are many. */
#if defined(__wasm__)
#define SOME __attribute__((noinline)) static
#else
#define SOME INLINE
#endif
/** The same where vectors end. */
template <class T> SOME Vec<T> load_some(const T* p, int64_t n) { return load_part(p, n); }
template <class T> SOME void store_some(T* p, Vec<T> v, int64_t n) { store_part(p, v, n); }

}  // namespace flambeau::ISA
