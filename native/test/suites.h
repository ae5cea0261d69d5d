// What concerns whole suites: the cases for the thread sanitizer, in which several threads work on one thing (it is the
// slowest of the sanitizers and finds nothing in the others), and whether this program runs slowly.
#pragma once
#include <doctest/doctest.h>

static const auto inThreads = doctest::test_suite("threads");

/** Under a sanitizer or an emulator a case takes 5 to 20 times as long, so the longest ones take fewer samples there. */
constexpr bool isSlow = FLAMBEAU_SLOW;
