// What instructions of PTX give, written a second time for the tests: integers in 128 bits, floats in 113 bits and then
// rounded once, bits one by one. Nothing is shared with the interpreter.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace expected {

/** A result: its bits, those that count, and how far a float may be off, relatively. */
struct Result {
  bool isKnown = false;
  uint64_t bits = 0;
  /** The second predicate, or the carry. */
  uint64_t second = 0;
  double tolerance = 0;
};

/** The words of a form, such as {"add", "cc", "u32"}. */
std::vector<std::string> split(const std::string& form);

/** The result of a form for the bits of its sources, in the order of its operands; predicates are 0 or 1. */
Result of(const std::string& form, const std::vector<uint64_t>& in);
/** The same with modifiers: a rounding (n, z, m, p), ftz and sat. */
Result of(const std::string& form, const std::vector<uint64_t>& in, char rounding, bool ftz, bool sat);

/** The float nearest to a value, or the one in the direction of `rounding`; bits of 16, 32 or 64. */
uint64_t rounded(double value, int bits, char rounding);

}  // namespace expected
