// Functions that the C library lacks, or implements differently from core's expr/special.ts: in double precision,
// element by element, compiled once for all instruction sets.
#pragma once
#include <cstdint>

namespace flambeau {

double lgamma_of(double x);
double digamma_of(double x);
double polygamma_of(double n, double x);
double erfinv_of(double x);
double i0_of(double x);
double i1_of(double x);
double hypot_of(double x, double y);
float nextafter_of(float x, float y);
double nextafter_of(double x, double y);

}  // namespace flambeau
