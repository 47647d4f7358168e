// A regular expression (POSIX extended). ^ and $ are the ends of lines; CR and LF both end one.
#pragma once

#include <memory>
#include <string>

struct re_pattern_buffer;

namespace mainstay::serial_strip {

class pattern {
public:
    // Check problem() first: a pattern with one fits nothing.
    explicit pattern(const std::string& text);

    [[nodiscard]] const std::string& problem() const { return problem_; }
    [[nodiscard]] bool fits(std::string heard) const;

private:
    std::string problem_;
    std::shared_ptr<re_pattern_buffer> compiled_;
};

}  // namespace mainstay::serial_strip
