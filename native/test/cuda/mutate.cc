// Faults that are put into kernels on purpose, to see whether tests notice. FAKECUDA_MUTATE names a file: its first line
// is how many instructions of warps a launch may take, and each other line a text's digest, the number of a line in it,
// and what stands there instead. Kernels of these texts run as the file says, also those that were loaded before. When
// the variable names another file, or none, faults of the last one are forgotten and devices are well again, so one
// process tries many.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "state.h"

namespace flambeau::fake {

bool Mutation::isStale() const {
  const char* file = getenv("FAKECUDA_MUTATE");
  return file_ != (file == nullptr ? "" : file);
}

void Mutation::read(ptx::Memory& memory) {
  for (const auto& [original, variant] : variants_) {
    // None of a text that could not be read.
    if (variant == nullptr) continue;
    for (const auto& [name, variable] : variant->globals) memory.release(variable.address);
  }
  variants_.clear();
  changes_.clear();
  limit = 0;
  const char* file = getenv("FAKECUDA_MUTATE");
  file_ = file == nullptr ? "" : file;
  if (file_.empty()) return;
  std::ifstream in(file_);
  std::string line;
  if (std::getline(in, line)) limit = strtoull(line.c_str(), nullptr, 10);
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string digest;
    size_t number = 0;
    words >> digest >> number;
    words.get();
    std::string text;
    std::getline(words, text);
    changes_[digest].emplace_back(number, text);
  }
}

Kernel& Mutation::of(Kernel& kernel, ptx::Memory& memory, uint64_t most) {
  if (changes_.empty()) return kernel;
  const ptx::Module& module = *kernel.module;
  const auto changes = changes_.find(module.digest);
  if (changes == changes_.end()) return kernel;
  std::unique_ptr<ptx::Module>& variant = variants_[&module];
  if (variant == nullptr) {
    std::vector<std::string> lines = module.lines;
    for (const auto& [number, text] : changes->second) {
      if (number >= 1 && number <= lines.size()) lines[number - 1] = text;
    }
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    try {
      variant = ptx::parse(text, module.device, memory, most);
    } catch (const ptx::ParseError& error) {
      throw Fault{CUDA_ERROR_INVALID_PTX, ptx::format("ptx line %d: %s", error.line, error.text.c_str())};
    }
  }
  return *variant->kernels.at(kernel.name);
}

}  // namespace flambeau::fake
