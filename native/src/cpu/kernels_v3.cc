// The kernels for x86-64-v3: AVX2.
#define NAME "avx2"
#include "kernels.inl"
