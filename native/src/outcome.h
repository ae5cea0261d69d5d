// What callers from JavaScript share, whatever carries the calls: rows as doubles in, the outcome of a run out. Nothing
// here depends on Node.
#pragma once
#include <initializer_list>
#include <string>

#include "stream.h"

namespace flambeau {

constexpr int32_t mostPrograms = 1 << 16;
/** The limit for programs, because each row takes memory. */
constexpr int32_t mostRows = 1 << 20;

/** The bytes of an error message, with the zero at its end: those of streams are shorter. */
constexpr int64_t sentenceBytes = 256;

/** Writes parts one after the other. The library's strings and numbers would take much of WebAssembly's modules. */
inline void write_sentence(std::initializer_list<const char*> parts, char* to) {
  const char* const end = to + sentenceBytes - 1;
  for (const char* part : parts)
    while (*part != 0 && to < end) *to++ = *part++;
  *to = 0;
}

/** Writes the error message for an invalid stream. */
inline void describe(const char* backend, const Status& status, char* to) {
  char digits[12];
  char* tag = digits + sizeof digits;
  *--tag = 0;
  int64_t rest = status.tag < 0 ? -int64_t{status.tag} : status.tag;
  do *--tag = static_cast<char>('0' + rest % 10);
  while ((rest /= 10) > 0);
  if (status.tag < 0) *--tag = '-';
  const char* const name = name_of(static_cast<Opcode>(status.value));
  write_sentence({backend, ": instruction ", tag, " (", name, "): ", status.what}, to);
}
inline std::string described(const char* backend, const Status& status) {
  char text[sentenceBytes];
  describe(backend, status, text);
  return text;
}

/** A row of the table: an address, as a double, and bytes. Doubles that cannot be these refer to no memory. */
inline Row row_of(const double* words, double end = 9007199254740992.0) {
  const bool good = words[0] >= 0 && words[1] >= 0 && words[0] < end && words[1] < end && words[0] + words[1] <= end;
  if (!good) return {nullptr, 0};
  return {reinterpret_cast<char*>(static_cast<uintptr_t>(words[0])), static_cast<int64_t>(words[1])};
}

/** The bytes that a row advances by between two runs. */
inline int64_t step_of(double word) {
  return word >= 0 && word < 9007199254740992.0 ? static_cast<int64_t>(word) : 0;
}

constexpr int64_t statusWords = 4;

/** The outcome of a run: kind, tag, value, completed runs. */
inline void write_status(const Status& status, int64_t done, int32_t* out) {
  out[0] = status.kind;
  out[1] = status.tag;
  out[2] = status.value;
  out[3] = static_cast<int32_t>(done);
}

}  // namespace flambeau
