// An expected failure is a value: result<T> holds either the answer or an error with a sentence
// an administrator can act on. Exceptions never leave the file that called a third party.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace mainstay {

struct error {
    std::string message;  // a whole sentence: what is wrong, what was expected, what to do
};

template <class T>
using result = tl::expected<T, error>;

[[nodiscard]] inline tl::unexpected<error> fail(std::string message) {
    return tl::make_unexpected(error{std::move(message)});
}

}  // namespace mainstay
