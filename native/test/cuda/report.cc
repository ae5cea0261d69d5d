// What a kernel did, line by line of its text: how often each instruction ran, how often its guard held and did not,
// and how well its accesses use the memory. Functions that are expanded several times count on the same lines.
#include <algorithm>

#include "builder.h"

namespace flambeau::ptx {

namespace {

struct Line {
  Counts counts;
  bool isGuarded = false;
  Space space = Space::param;
};

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\t' || c == '\r' ? ' ' : c;
  }
  return out + "\"";
}

using Number = unsigned long long;

}  // namespace

std::string report(Kernel& kernel) {
  std::map<int, Line> lines;
  uint64_t instructions = 0, flops = 0;
  for (Instr& in : kernel.code) {
    if (in.line == 0) continue;
    Line& line = lines[in.line];
    Counts& sum = line.counts;
    sum.warps += in.counts.warps;
    sum.lanes += in.counts.lanes;
    sum.guardTrue += in.counts.guardTrue;
    sum.guardFalse += in.counts.guardFalse;
    sum.touched += in.counts.touched;
    sum.least += in.counts.least;
    line.isGuarded |= in.guard > always;
    if (in.kind == Kind::load || in.kind == Kind::store) line.space = in.space;
    instructions += in.counts.warps;
    flops += in.counts.lanes * static_cast<uint64_t>(in.flops);
    in.counts = Counts();
  }
  std::string text =
      format("{\"kernel\":%s,\"digest\":\"%s\",\"launches\":%llu,\"instructions\":%llu,\"flops\":%llu,\"lines\":[",
             quoted(kernel.name).c_str(), kernel.module->digest.c_str(), static_cast<Number>(kernel.launches),
             static_cast<Number>(instructions), static_cast<Number>(flops));
  bool isFirst = true;
  for (const auto& [number, line] : lines) {
    const Counts& counts = line.counts;
    const bool isOneWay = line.isGuarded && (counts.guardTrue == 0 || counts.guardFalse == 0);
    const bool isAccess = line.space == Space::global || line.space == Space::shared || line.space == Space::generic;
    text += format("%s{\"line\":%d,\"warps\":%llu", isFirst ? "" : ",", number, static_cast<Number>(counts.warps));
    if (line.isGuarded)
      text += format(",\"true\":%llu,\"false\":%llu", static_cast<Number>(counts.guardTrue),
                     static_cast<Number>(counts.guardFalse));
    if (isAccess) {
      text +=
          format(",\"space\":\"%s\",\"touched\":%llu,\"least\":%llu", line.space == Space::shared ? "shared" : "global",
                 static_cast<Number>(counts.touched), static_cast<Number>(counts.least));
    }
    // The text itself, where there is something to say about it.
    if (counts.warps == 0 || isOneWay || (isAccess && counts.touched > counts.least)) {
      const std::string& source = kernel.module->lines[static_cast<size_t>(number) - 1];
      text += ",\"text\":" + quoted(source.substr(std::min(source.find_first_not_of(" \t"), source.size())));
    }
    text += "}";
    isFirst = false;
  }
  kernel.launches = 0;
  return text + "]}\n";
}

}  // namespace flambeau::ptx
