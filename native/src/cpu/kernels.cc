// The kernels of one instruction set: maps, prepared maps, padding, products of integers, normal numbers, and the table of
// all of them. This file and those of floats, doubles and rows are compiled once for every set (CMakeLists.txt), side by
// side because products take longest to compile.
#include "contract.inl"
#include "map.inl"
#include "normals.inl"
#include "pad.inl"

namespace flambeau::ISA {

/**
 * Prepares the expression after a single product for all of c at once; several products compute it one after another.
 */
SHORT static void* prepare_finish(const Contract& it) {
  if (it.batch > 0 || !has_finish(it) || !finishes_in_parts(it)) return nullptr;
  const Region whole{0, it.m, 0, it.n};
  const int64_t bytes = FinishInputs::bytes(it);
  const FinishInputs inputs(it, scratch<3>().room<char>(bytes));
  Prepared* const prepared = prepared_for(Finish(it, 0, whole, inputs).map, bytes_of<Finish>(1) + padded(bytes));
  if (prepared == nullptr) return nullptr;
  Room room(prepared->more);
  void* const at = room.take<Finish>(1);
  prepared->map = (new (at) Finish(it, 0, whole, FinishInputs(it, room.bytes(bytes))))->map;
  return prepared;
}

void contract(const Contract& it, const Memory& memory, void* prepared) {
  switch (it.dtype) {
    case DType::float32:
      return contract_of<float>(it, memory, prepared);
    case DType::float64:
      return contract_of<double>(it, memory, prepared);
    case DType::int32:
      return contract_of<int32_t>(it, memory, prepared);
    default:  // core multiplies smaller integers as int32
      return;
  }
}

void composite(const CompositeOp&, const Memory&);
bool matrices(const Matrices&);

/** Floats beside a vector of doubles. */
typedef float SomeFloats __attribute__((vector_size(VECTOR_BYTES / 2), aligned(1), may_alias));

void narrow(const double* from, int64_t n, float* to) {
  constexpr int64_t L = lanes<double>;
  int64_t i = 0;
#if defined(__wasm__)
  // The compiler would round lane by lane.
  for (; i + 2 * L <= n; i += 2 * L) {
    const v128_t low = wasm_f32x4_demote_f64x2_zero(load(from + i));
    const v128_t high = wasm_f32x4_demote_f64x2_zero(load(from + i + L));
    wasm_v128_store(to + i, wasm_i64x2_shuffle(low, high, 0, 2));
  }
#else
  for (; i + L <= n; i += L)
    *reinterpret_cast<SomeFloats*>(to + i) = __builtin_convertvector(load(from + i), SomeFloats);
#endif
  for (; i < n; ++i) to[i] = static_cast<float>(from[i]);
}

#if !defined(__wasm__)
void add_to_sums(const float* from, int64_t n, double* sums) {
  constexpr int64_t L = lanes<double>;
  int64_t i = 0;
  for (; i + L <= n; i += L) {
    const auto x = *reinterpret_cast<const SomeFloats*>(from + i);
    store(sums + i, load(sums + i) + __builtin_convertvector(x, Vec<double>));
  }
  for (; i < n; ++i) sums[i] += static_cast<double>(from[i]);
}
#endif

extern const Kernels kernels{NAME, map, any, contract, composite, pad, matrices, prepare, prepare_finish, run_prepared, release,
                             narrow, normals,
#if !defined(__wasm__)
                             add_to_sums
#endif
};

}  // namespace flambeau::ISA
