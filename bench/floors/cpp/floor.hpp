// Common parts of the floors in C++.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

using Floats = std::vector<float>;
/** Elements by name; int32 elements keep their bits. */
using Inputs = std::map<std::string, Floats>;

struct Ready {
  std::function<void()> step;
  std::function<std::vector<Floats>()> results;
};

/** A floor that is an object with a step and results. */
template <class Floor> Ready ready(std::shared_ptr<Floor> floor) {
  return {[=] { floor->step(); }, [=] { return floor->results(); }};
}
