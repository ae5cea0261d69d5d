// Replaces the C++ library's handler for uncaught exceptions, which ends the process: its own message needs the code
// that prints type names, a twentieth of the addon.
#include <cstdlib>

#if defined(__GLIBCXX__)
namespace __gnu_cxx {
void __verbose_terminate_handler() { std::abort(); }
}  // namespace __gnu_cxx
#endif
