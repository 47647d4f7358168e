// MAINSTAY_ASSERT: an invariant of our own code. It stays on in production builds: a node that
// has lost its own logic must stop, its peers handle a dead node anyway. Never used for input.
#pragma once

namespace mainstay {

[[noreturn]] void assert_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace mainstay

#define MAINSTAY_ASSERT(expression) \
    ((expression) ? static_cast<void>(0) : ::mainstay::assert_failed(#expression, __FILE__, __LINE__))
