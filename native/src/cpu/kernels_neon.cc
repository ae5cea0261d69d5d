// The kernels for arm64: NEON.
#define NAME "neon"
#include "kernels.inl"
