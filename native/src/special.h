// Functions that the C library lacks, or implements differently from core's expr/special.ts: in double precision,
// element by element, compiled once for all instruction sets.
#pragma once
#include <cstdint>

/** What CUDA's compiler wants in front of functions and tables. */
#ifndef FLAMBEAU_DEVICE
#define FLAMBEAU_DEVICE
#endif

namespace flambeau {

FLAMBEAU_DEVICE double lgamma_of(double x);
FLAMBEAU_DEVICE double digamma_of(double x);
FLAMBEAU_DEVICE double polygamma_of(double n, double x);
FLAMBEAU_DEVICE double erfinv_of(double x);
FLAMBEAU_DEVICE double i0_of(double x);
FLAMBEAU_DEVICE double i1_of(double x);
FLAMBEAU_DEVICE double hypot_of(double x, double y);
FLAMBEAU_DEVICE float nextafter_of(float x, float y);
FLAMBEAU_DEVICE double nextafter_of(double x, double y);

}  // namespace flambeau
