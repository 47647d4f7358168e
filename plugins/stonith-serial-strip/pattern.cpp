#include "pattern.hpp"

#include <regex.h>

#include <algorithm>
#include <array>

namespace mainstay::serial_strip {

pattern::pattern(const std::string& text) {
    auto compiled = std::make_unique<regex_t>();
    if (int code = ::regcomp(compiled.get(), text.c_str(), REG_EXTENDED | REG_NEWLINE | REG_NOSUB); code != 0) {
        std::array<char, 256> words{};
        ::regerror(code, compiled.get(), words.data(), words.size());
        problem_ = words.data();
        return;
    }
    compiled_ = std::shared_ptr<regex_t>(compiled.release(), [](regex_t* old) {
        const std::unique_ptr<regex_t> memory(old);
        ::regfree(old);
    });
}

bool pattern::fits(std::string heard) const {
    std::replace(heard.begin(), heard.end(), '\r', '\n');
    return compiled_ && ::regexec(compiled_.get(), heard.c_str(), 0, nullptr, 0) == 0;
}

}  // namespace mainstay::serial_strip
