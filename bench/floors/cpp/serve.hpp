// The subject's side of a measurement in C++: the protocol of src/serve.ts, one question per line on stdin, one answer
// per line on stdout.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <regex>

#include "floor.hpp"

/** Prepares a workload; the result has no step if there is none of that name. */
using Make = std::function<Ready(const std::string& name, Inputs&)>;

inline Floats read(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(stream), {});
  const float* data = reinterpret_cast<const float*>(bytes.data());
  return Floats(data, data + bytes.size() / sizeof(float));
}

inline std::string load(const std::string& line, const Make& make, Ready& ready) {
  std::smatch match;
  std::regex_search(line, match, std::regex("\"load\":\"([^\"]+)\""));
  const std::string name = match[1];
  const std::regex input("\"([^\"]+)\":\\{\"file\":\"([^\"]+)\"");
  Inputs in;
  for (std::sregex_iterator it(line.begin(), line.end(), input), end; it != end; ++it) in[(*it)[1]] = read((*it)[2]);
  ready = make(name, in);
  return ready.step ? "{}" : "{\"cannot\":\"not written in C++\"}";
}

inline std::string run(long n, const Ready& ready) {
  const auto start = std::chrono::steady_clock::now();
  for (long i = 0; i < n; i++) ready.step();
  const auto ns = std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return "{\"ns\":" + std::to_string(ns) + ",\"peak\":" + std::to_string(usage.ru_maxrss * 1024L) + "}";
}

inline std::string write(const std::string& prefix, const Ready& ready) {
  const auto results = ready.results();
  for (size_t i = 0; i < results.size(); i++)
    std::ofstream(prefix + "." + std::to_string(i), std::ios::binary)
        .write(reinterpret_cast<const char*>(results[i].data()), results[i].size() * sizeof(float));
  return "{\"results\":" + std::to_string(results.size()) + "}";
}

/** Answers until stdin ends. */
inline void serve(const Make& make) {
  Ready ready;
  for (std::string line; std::getline(std::cin, line);) {
    std::smatch match;
    std::string answer;
    if (line.rfind("{\"load\"", 0) == 0)
      answer = load(line, make, ready);
    else if (std::regex_search(line, match, std::regex("\"run\":(\\d+)")))
      answer = run(std::stol(match[1]), ready);
    else if (std::regex_search(line, match, std::regex("\"results\":\"([^\"]+)\"")))
      answer = write(match[1], ready);
    std::cout << answer << std::endl;
  }
}
