// Inside of printing: a canonical text being written, line by line. Not for other folders.
#pragma once

#include <string>
#include <string_view>

#include "model/config.hpp"
#include "model/lexer.hpp"
#include "model/value.hpp"

namespace mainstay {

class page {
public:
    void line(std::string_view keyword, std::string_view value) {
        constexpr std::size_t column = 28;
        text_.append(indent_, ' ').append(keyword);
        std::size_t used = indent_ + keyword.size();
        text_.append(used < column ? column - used : 1, ' ').append(value) += '\n';
    }
    void word(std::string_view keyword, std::string_view value) {
        if (!value.empty()) line(keyword, quoted_word(value));
    }
    void whole(std::string_view keyword, std::string_view value) {
        if (!value.empty()) line(keyword, quoted_whole(value));
    }
    void time(std::string_view keyword, duration value) { line(keyword, duration_text(value)); }
    void gap() {
        if (!text_.empty()) text_ += '\n';
        indent_ = 0;
    }
    void indent(std::size_t columns) { indent_ = columns; }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
    std::size_t indent_ = 0;
};

// An instance of a plugin with the keywords of its kind.
void print_instance(page& out, const std::string& kind, const plugin_instance& instance);

}  // namespace mainstay
