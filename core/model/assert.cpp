#include "model/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace mainstay {

void assert_failed(const char* expression, const char* file, int line) noexcept {
    std::fprintf(stderr, "mainstay: invariant broken: %s (%s:%d)\n", expression, file, line);
    std::fflush(stderr);
    std::abort();
}

}  // namespace mainstay
