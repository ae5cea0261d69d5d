// Remainders of large numbers by a quarter turn, for sin, cos and tan of doubles (Payne and Hanek, 1983). The C library's
// have a table for numbers of 113 bits, which takes as much of a module as linear algebra.
#include <cmath>
#include <cstdint>

namespace {

/** 24 bits of 2 / pi in each. */
constexpr int digits = 50;
constexpr uint32_t twoByPi[digits] = {
    0xa2f983, 0x6e4e44, 0x1529fc, 0x2757d1, 0xf534dd, 0xc0db62, 0x95993c, 0x439041, 0xfe5163, 0xabdebb,
    0xc561b7, 0x246e3a, 0x424dd2, 0xe00649, 0x2eea09, 0xd1921c, 0xfe1deb, 0x1cb129, 0xa73ee8, 0x8235f5,
    0x2ebb44, 0x84e99c, 0x7026b4, 0x5f7e41, 0x3991d6, 0x398353, 0x39f49c, 0x845f8b, 0xbdf928, 0x3b1ff8,
    0x97ffde, 0x05980f, 0xef2f11, 0x8b5a0a, 0x6d1f6d, 0x367ecf, 0x27cb09, 0xb74f46, 0x3f669e, 0x5fea2d,
    0x7527ba, 0xc7ebe5, 0xf17b3d, 0x0739f7, 0x8a5292, 0xea6bfb, 0x5fb11f, 0x8d5d08, 0x560330, 0x46fc7b,
};
/** The digits of a product that are added up: a remainder may begin with 61 zeros. */
constexpr int kept = 9;
constexpr double highHalfPi = 0x1.921fb54442d18p+0, lowHalfPi = 0x1.1a62633145c07p-54;

/** x, whose last 27 bits are 0. */
double high_part(double x) {
  const double moved = x * 0x1.0000002p27;
  return moved - (moved - x);
}

}  // namespace

/**
 * In place of the C library's: the remainder of a positive number, of which each of x has 24 bits, the first in units of
 * 2^e0, as the sum of two doubles. Returns the last three bits of how many quarter turns it has.
 */
extern "C" int __rem_pio2_large(double* x, double* y, int e0, int nx, int) {
  // The product's digits before this one are whole turns.
  const int first = e0 < 3 ? 0 : (e0 - 3) / 24;
  uint64_t product[kept];
  for (int k = kept - 1; k >= 0; k--) {
    uint64_t sum = k + 1 < kept ? product[k + 1] >> 24 : 0;
    for (int i = 0; i < nx && i <= first + k; i++) sum += static_cast<uint64_t>(x[i]) * twoByPi[first + k - i];
    product[k] = sum;
  }
  double unit = std::ldexp(1, e0 - 24 * (first + 1));
  double high = static_cast<double>(product[0]) * unit, low = 0, quarters = 0;
  high -= 8 * std::floor(high / 8);
  for (int k = 1; k < kept; k++) {
    unit *= 0x1p-24;
    const double digit = static_cast<double>(product[k] & 0xffffff) * unit;
    if (k == 1) {
      quarters = std::nearbyint(high + digit);
      high -= quarters;
    }
    const double sum = high + digit, own = sum - high;
    low += (high - (sum - own)) + (digit - own);
    high = sum;
  }
  // Times pi / 2, with the error of the product of the high parts.
  const double remainder = high + low, rest = low - (remainder - high);
  const double a = high_part(remainder), b = high_part(highHalfPi), turned = remainder * highHalfPi;
  const double error = ((a * b - turned) + a * (highHalfPi - b) + (remainder - a) * b) + (remainder - a) * (highHalfPi - b);
  const double smaller = error + (remainder * lowHalfPi + rest * highHalfPi);
  y[0] = turned + smaller;
  y[1] = smaller - (y[0] - turned);
  return static_cast<int>(quarters);
}
