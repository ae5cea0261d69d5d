// Slots, which hold the values of a block, and the loops that read some slots and write another, for any computation:
// as many elements per turn as their types allow. Loops process whole vectors: if a block ends within one, its memory
// does not.
#pragma once
#include "isa.h"

namespace flambeau::ISA {

/**
 * The elements that loops process per turn: a vector of floats. Blocks end at multiples of it or have their own memory.
 */
constexpr int64_t width = lanes<float>;

/** Values of a block: contiguous elements (advance 1), or one vector of the same value for all of them (0). */
struct Slot {
  char* at;
  int64_t advance;
};

/** A step with its slots. */
struct Op {
  void (*run)(const Op& op, const Slot* slots, int64_t n);
  int32_t d, a, b, c;
  /** The number of elements in a result vector. */
  int32_t count;
  /** The operand that a is compared with, for a select that makes its own comparison. */
  int32_t e = 0;
};
using Loop = void (*)(const Op&, const Slot*, int64_t);

/** N values of T: `width` of them, or half as many if doubles are involved. */
template <class T, int64_t N> struct PackOf;
#define PACK_OF(T, N)                                                                         \
  template <> struct PackOf<T, N> {                                                           \
    typedef T Type __attribute__((vector_size((N) * sizeof(T))));                             \
    typedef T Unaligned __attribute__((vector_size((N) * sizeof(T)), aligned(1), may_alias)); \
  };
PACK_OF(float, width)
PACK_OF(int32_t, width)
PACK_OF(uint32_t, width)
PACK_OF(uint8_t, width)
PACK_OF(int8_t, width)
PACK_OF(float, width / 2)
PACK_OF(int32_t, width / 2)
PACK_OF(uint8_t, width / 2)
PACK_OF(double, width / 2)
PACK_OF(int64_t, width / 2)
#undef PACK_OF
template <class T, int64_t N> using Pack = typename PackOf<T, N>::Type;

template <class T> constexpr bool isDouble = false;
template <> inline constexpr bool isDouble<double> = true;
template <class T> constexpr bool isReal = isDouble<T>;
template <> inline constexpr bool isReal<float> = true;
/** The elements per turn of a loop over these types. */
template <class... Ts> constexpr int64_t turn = (isDouble<Ts> || ...) ? width / 2 : width;

template <class T> struct MaskOf { using Type = T; };
template <> struct MaskOf<float> { using Type = int32_t; };
template <> struct MaskOf<double> { using Type = int64_t; };
template <> struct MaskOf<uint8_t> { using Type = int8_t; };
template <> struct MaskOf<uint32_t> { using Type = int32_t; };
/** The result of comparing values of T, all bits or none. */
template <class T> using Mask = Pack<typename MaskOf<T>::Type, turn<T>>;

/** Reads a slot, turn by turn. */
template <class T, int64_t N> class In {
 public:
  ALWAYS_INLINE In(const Slot& slot) : at_(reinterpret_cast<const T*>(slot.at)), advance_(slot.advance * N) {}
  /** `ahead`: how many bytes after these are fetched from memory, if any. */
  ALWAYS_INLINE Pack<T, N> next(int64_t ahead = 0) {
    if (ahead != 0) __builtin_prefetch(reinterpret_cast<const char*>(at_) + ahead);
    const Pack<T, N> x = *reinterpret_cast<const typename PackOf<T, N>::Unaligned*>(at_);
    at_ += advance_;
    return x;
  }

 private:
  const T* at_;
  const int64_t advance_;
};

template <class T, int64_t N> INLINE void put(T* p, Pack<T, N> x) {
  *reinterpret_cast<typename PackOf<T, N>::Unaligned*>(p) = x;
}

/** Loops for result and operands of the types R, A, B and C, with `F::of` for the values of a turn. */
template <class F, class R, class A> void unary(const Op& op, const Slot* slots, int64_t n) {
  constexpr int64_t N = turn<R, A>;
  R* d = reinterpret_cast<R*>(slots[op.d].at);
  In<A, N> a(slots[op.a]);
  for (int64_t i = 0; i < n; i += N) put<R, N>(d + i, F::of(a.next()));
}
template <class F, class R, class A, class B = A> void binary(const Op& op, const Slot* slots, int64_t n) {
  constexpr int64_t N = turn<R, A, B>;
  R* d = reinterpret_cast<R*>(slots[op.d].at);
  In<A, N> a(slots[op.a]);
  In<B, N> b(slots[op.b]);
  for (int64_t i = 0; i < n; i += N) {
    const Pack<A, N> x = a.next();
    put<R, N>(d + i, F::of(x, b.next()));
  }
}
template <class F, class R, class A, class B = A, class C = A>
void ternary(const Op& op, const Slot* slots, int64_t n) {
  constexpr int64_t N = turn<R, A, B, C>;
  R* d = reinterpret_cast<R*>(slots[op.d].at);
  In<A, N> a(slots[op.a]);
  In<B, N> b(slots[op.b]);
  In<C, N> c(slots[op.c]);
  for (int64_t i = 0; i < n; i += N) {
    const Pack<A, N> x = a.next();
    const Pack<B, N> y = b.next();
    put<R, N>(d + i, F::of(x, y, c.next()));
  }
}

/** b if F holds for a and e, otherwise c. */
template <class F, class T> void choice(const Op& op, const Slot* slots, int64_t n) {
  constexpr int64_t N = turn<T>;
  T* d = reinterpret_cast<T*>(slots[op.d].at);
  In<T, N> a(slots[op.a]), b(slots[op.b]), c(slots[op.c]), e(slots[op.e]);
  for (int64_t i = 0; i < n; i += N) {
    const Pack<T, N> x = a.next(), y = e.next(), z = b.next();
    put<T, N>(d + i, F::holds(x, y) ? z : c.next());
  }
}

/** Second of what First gives for a and b, which is rounded, and of c. */
template <class First, class Second, class T> void pair(const Op& op, const Slot* slots, int64_t n) {
  constexpr int64_t N = turn<T>;
  T* d = reinterpret_cast<T*>(slots[op.d].at);
  In<T, N> a(slots[op.a]), b(slots[op.b]), c(slots[op.c]);
  for (int64_t i = 0; i < n; i += N) {
    const Pack<T, N> x = a.next();
    Pack<T, N> made = First::of(x, b.next());
    KEEP(made);
    put<T, N>(d + i, Second::of(made, c.next()));
  }
}

/** The same one by one, for functions without a vector form. */
template <class T, T (*f)(T)> void each(const Op& op, const Slot* slots, int64_t n) {
  T* d = reinterpret_cast<T*>(slots[op.d].at);
  const Slot a = slots[op.a];
  for (int64_t i = 0; i < n; i++) d[i] = f(reinterpret_cast<const T*>(a.at)[i * a.advance]);
}
template <class T, T (*f)(T, T)> void each(const Op& op, const Slot* slots, int64_t n) {
  T* d = reinterpret_cast<T*>(slots[op.d].at);
  const Slot a = slots[op.a], b = slots[op.b];
  for (int64_t i = 0; i < n; i++) {
    d[i] = f(reinterpret_cast<const T*>(a.at)[i * a.advance], reinterpret_cast<const T*>(b.at)[i * b.advance]);
  }
}

}  // namespace flambeau::ISA
