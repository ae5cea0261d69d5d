// Marks the cases for the thread sanitizer: those in which several threads work on one thing. It is the slowest of the
// sanitizers and finds nothing in the others.
#pragma once
#include <doctest/doctest.h>

static const auto inThreads = doctest::test_suite("threads");
