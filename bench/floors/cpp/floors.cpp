// The floors in C++, float32 and one thread: what the processor can do. A subject that speaks the protocol of
// src/serve.ts: one question a line on stdin, one answer a line on stdout.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <regex>

#include "dense.hpp"
#include "linear.hpp"
#include "products.hpp"
#include "rows.hpp"

Ready scalarGraph(Inputs& in) {
  auto out = std::make_shared<std::vector<Floats>>(3, Floats(1));
  // Volatile: a compiler may not take what does not change out of the loop over steps.
  auto step = [=, x = in["x"], y = in["y"]] {
    const volatile float &a = x[0], &b = y[0];
    const float p = a, q = b;
    float z[11] = {p}, dz = 1, dx = 0, dy = 0;
    for (int k = 0; k < 10; k++) z[k + 1] = z[k] * q + p;
    for (int k = 9; k >= 0; k--) {
      dx += dz;
      dy += dz * z[k];
      dz *= q;
    }
    const float results[] = {z[10], dx + dz, dy};
    for (int i = 0; i < 3; i++) *(volatile float*)&(*out)[i][0] = results[i];
  };
  return {step, [=] { return *out; }};
}

const std::map<std::string, std::function<Ready(Inputs&)>> floors = {
    {"boston", [](Inputs& in) { return ready(std::make_shared<Linear<13, squares>>(in, "", 1e-3f)); }},
    {"breast-cancer", [](Inputs& in) { return ready(std::make_shared<Linear<30, logistic>>(in, "0.", 1e-2f)); }},
    {"boston-mlp", [](Inputs& in) { return ready(std::make_shared<BostonMlp>(in)); }},
    {"mlp", mlp},
    {"matmul-64", matmul},
    {"matmul-256", matmul},
    {"matmul-512", matmul},
    {"matmul-1024", matmul},
    {"activation", activation},
    {"cross-entropy", crossEntropy},
    {"scalar-graph", scalarGraph},
};

/** A floor by its name; without a step where there is none. */
Ready make(const std::string& name, Inputs& in) {
  std::smatch match;
  if (std::regex_match(name, match, std::regex("(sum|mean|max)-([012])")))
    return reduction(in, match[1], std::stoi(match[2]));
  const auto found = floors.find(name);
  return found == floors.end() ? Ready{} : found->second(in);
}

Floats read(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(stream), {});
  const float* data = reinterpret_cast<const float*>(bytes.data());
  return Floats(data, data + bytes.size() / sizeof(float));
}

std::string load(const std::string& line, Ready& ready) {
  std::smatch match;
  std::regex_search(line, match, std::regex("\"load\":\"([^\"]+)\""));
  const std::string name = match[1];
  const std::regex input("\"([^\"]+)\":\\{\"file\":\"([^\"]+)\"");
  Inputs in;
  for (std::sregex_iterator it(line.begin(), line.end(), input), end; it != end; ++it) in[(*it)[1]] = read((*it)[2]);
  ready = make(name, in);
  return ready.step ? "{}" : "{\"cannot\":\"no floor\"}";
}

std::string run(long n, const Ready& ready) {
  const auto start = std::chrono::steady_clock::now();
  for (long i = 0; i < n; i++) ready.step();
  const auto ns = std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return "{\"ns\":" + std::to_string(ns) + ",\"peak\":" + std::to_string(usage.ru_maxrss * 1024L) + "}";
}

std::string write(const std::string& prefix, const Ready& ready) {
  const auto results = ready.results();
  for (size_t i = 0; i < results.size(); i++)
    std::ofstream(prefix + "." + std::to_string(i), std::ios::binary)
        .write(reinterpret_cast<const char*>(results[i].data()), results[i].size() * sizeof(float));
  return "{\"results\":" + std::to_string(results.size()) + "}";
}

int main() {
  Ready ready;
  for (std::string line; std::getline(std::cin, line);) {
    std::smatch match;
    std::string answer;
    if (line.rfind("{\"load\"", 0) == 0)
      answer = load(line, ready);
    else if (std::regex_search(line, match, std::regex("\"run\":(\\d+)")))
      answer = run(std::stol(match[1]), ready);
    else if (std::regex_search(line, match, std::regex("\"results\":\"([^\"]+)\"")))
      answer = write(match[1], ready);
    std::cout << answer << std::endl;
  }
}
