// Rows for NEON.
#include "rows.inl"
