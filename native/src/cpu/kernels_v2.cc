// The kernels for x86-64-v2: SSE 4.2.
#define NAME "v2"
#include "kernels.inl"
