// Tokens of PTX: see tokens.h.
#include "tokens.h"

#include <cctype>
#include <cstdlib>
#include <cstring>

#include "ptx.h"

namespace flambeau::ptx {

namespace {

bool isWord(char c) { return isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%' || c == '.'; }

/** A number that begins at `at`, without its sign. */
Token number(const std::string& text, size_t* at, int line) {
  const char* begin = text.c_str() + *at;
  char* end = nullptr;
  Token token{Token::integer, "", line};
  if (begin[0] == '0' && (begin[1] == 'f' || begin[1] == 'F' || begin[1] == 'd' || begin[1] == 'D')) {
    const size_t digits = tolower(begin[1]) == 'f' ? 8 : 16;
    token.type = digits == 8 ? Token::single : Token::real;
    const std::string hexadecimal = text.substr(*at + 2, digits);
    if (hexadecimal.size() < digits || hexadecimal.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
      throw ParseError{line, "a float in hexadecimal has 8 or 16 digits"};
    }
    token.bits = strtoull(hexadecimal.c_str(), nullptr, 16);
    end = const_cast<char*>(begin) + 2 + digits;
  } else {
    const bool isBinary = begin[0] == '0' && (begin[1] == 'b' || begin[1] == 'B');
    token.bits = isBinary ? strtoull(begin + 2, &end, 2) : strtoull(begin, &end, 0);
    if (*end == '.' || ((*end == 'e' || *end == 'E') && begin[1] != 'x')) {
      const double value = strtod(begin, &end);
      token.type = Token::real;
      memcpy(&token.bits, &value, 8);
    }
    if (*end == 'U') end++;
  }
  *at = static_cast<size_t>(end - text.c_str());
  token.text = std::string(begin, static_cast<const char*>(end));
  return token;
}

}  // namespace

std::vector<Token> tokensOf(const std::string& text) {
  std::vector<Token> tokens;
  int line = 1;
  size_t at = 0;
  const size_t size = text.size();
  while (at < size) {
    const char c = text[at], next = at + 1 < size ? text[at + 1] : 0;
    if (c == '\n') {
      line++;
      at++;
    } else if (isspace(static_cast<unsigned char>(c))) {
      at++;
    } else if (c == '/' && next == '/') {
      while (at < size && text[at] != '\n') at++;
    } else if (c == '/' && next == '*') {
      const size_t end = text.find("*/", at + 2);
      if (end == std::string::npos) throw ParseError{line, "a comment does not end"};
      for (; at < end + 2; at++) line += text[at] == '\n';
    } else if (c == '"') {
      const size_t end = text.find('"', at + 1);
      if (end == std::string::npos) throw ParseError{line, "a string does not end"};
      tokens.push_back({Token::string, text.substr(at + 1, end - at - 1), line});
      at = end + 1;
    } else if (isdigit(static_cast<unsigned char>(c)) || (c == '-' && isdigit(static_cast<unsigned char>(next)))) {
      if (c == '-') at++;
      Token token = number(text, &at, line);
      if (c == '-') {
        token.text = "-" + token.text;
        token.bits = token.type == Token::integer
                         ? 0 - token.bits
                         : token.bits ^ (token.type == Token::single ? 1ull << 31 : 1ull << 63);
      }
      tokens.push_back(token);
    } else if (isWord(c)) {
      const size_t from = at;
      while (at < size && (isWord(text[at]) || (text[at] == ':' && at + 1 < size && text[at + 1] == ':'))) {
        at += text[at] == ':' ? 2 : 1;
      }
      tokens.push_back({Token::word, text.substr(from, at - from), line});
    } else {
      tokens.push_back({Token::mark, std::string(1, c), line});
      at++;
    }
  }
  tokens.push_back({Token::end, "", line});
  return tokens;
}

}  // namespace flambeau::ptx
