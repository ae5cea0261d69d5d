// Faults that are put into texts on purpose, to see whether the tests notice. FAKECUDA_MUTATE has four lines: the name of a kernel or function, a number, and two texts. In every module, of the lines of that body
// that contain the first text, the one with this number has it replaced by the second; a second text of "" removes the
// line.
#include <algorithm>

#include "state.h"

namespace flambeau::fake {

namespace {

/** Whether the line begins the body of this kernel or function, and not of another whose name is longer. */
bool begins(const std::string& line, const std::string& name) {
  if (line.find(".entry") == std::string::npos && line.find(".func") == std::string::npos) return false;
  const auto isWord = [&](size_t at) { return at < line.size() && (isalnum(line[at]) != 0 || line[at] == '_'); };
  for (size_t at = line.find(name); at != std::string::npos; at = line.find(name, at + 1)) {
    if ((at == 0 || !isWord(at - 1)) && !isWord(at + name.size())) return true;
  }
  return false;
}

}  // namespace

std::string mutated(const std::string& text, const std::string& mutation) {
  std::vector<std::string> parts(1);
  for (const char c : mutation) {
    if (c == '\n') parts.emplace_back();
    else parts.back() += c;
  }
  if (parts.size() != 4) return text;
  const std::string &name = parts[0], &from = parts[2], &to = parts[3];
  long left = atol(parts[1].c_str());
  std::string out;
  bool isInside = false;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size() - 1);
    std::string line = text.substr(at, end + 1 - at);
    at = end + 1;
    if (begins(line, name)) isInside = true;
    else if (line[0] == '}') isInside = false;
    const size_t found = isInside ? line.find(from) : std::string::npos;
    if (found != std::string::npos && left-- == 0) {
      if (to.empty()) continue;
      line.replace(found, from.size(), to);
    }
    out += line;
  }
  return out;
}

}  // namespace flambeau::fake
