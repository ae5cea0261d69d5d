// Rows for x86-64-v2: SSE4.2.
#include "rows.inl"
