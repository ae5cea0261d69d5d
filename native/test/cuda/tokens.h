// Tokens of PTX.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace flambeau::ptx {

struct Token {
  enum Type { word, integer, single, real, string, mark, end } type;
  std::string text;
  int line;
  /** The value of an integer, the bits of a float32 in hexadecimal, or those of a float64. */
  uint64_t bits = 0;
  bool is(const char* other) const { return text == other && type != string; }
};

/** Cuts a text into tokens; throws ParseError. A number takes its sign along, because PTX has no expressions of
 * registers. */
std::vector<Token> tokensOf(const std::string& text);

}  // namespace flambeau::ptx
