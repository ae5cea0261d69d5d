// The floors in C++, float32 and one thread, show what the processor can do. The program is a subject that implements
// the protocol of src/serve.ts: one question per line on stdin, one answer per line on stdout.
#include <memory>
#include <regex>

#include "dense.hpp"
#include "linear.hpp"
#include "products.hpp"
#include "rows.hpp"
#include "serve.hpp"

Ready scalarGraph(Inputs& in) {
  auto out = std::make_shared<std::vector<Floats>>(3, Floats(1));
  // Volatile, so that the compiler cannot hoist loop-invariant work out of the loop over steps.
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

/** A floor by its name; without a step if there is none. */
Ready make(const std::string& name, Inputs& in) {
  std::smatch match;
  if (std::regex_match(name, match, std::regex("(sum|mean|max)-([012])")))
    return reduction(in, match[1], std::stoi(match[2]));
  const auto found = floors.find(name);
  return found == floors.end() ? Ready{} : found->second(in);
}

int main() {
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);  // Adam's moments decay to subnormal numbers, which count as zero
#endif
  serve(make);
}
