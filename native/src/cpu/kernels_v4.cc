// The kernels for x86-64-v4: AVX-512.
#define NAME "avx512"
#include "kernels.inl"
