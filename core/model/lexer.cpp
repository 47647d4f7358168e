#include "model/lexer.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "model/limits.hpp"

namespace mainstay {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

// Scans one line and knows whether it stands inside quotes. A quote opens only where a word
// begins: the apostrophe in `Joe's` is a letter.
class quote_state {
public:
    void take(char c) {
        if (escaped_) {
            escaped_ = false;
        } else if (quote_ != 0) {
            if (c == '\\' && quote_ == '"') escaped_ = true;
            if (c == quote_) quote_ = 0;
        } else if (word_start_ && (c == '"' || c == '\'')) {
            quote_ = c;
        }
        word_start_ = quote_ == 0 && is_blank(c);
    }
    [[nodiscard]] bool open() const { return quote_ != 0; }
    [[nodiscard]] bool at_word_start() const { return quote_ == 0 && word_start_; }

private:
    char quote_ = 0;
    bool escaped_ = false;
    bool word_start_ = true;
};

std::string_view without_comment(std::string_view line) {
    quote_state state;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '#' && state.at_word_start()) return line.substr(0, i);
        state.take(line[i]);
    }
    return line;
}

// Length of the UTF-8 sequence at the front, 0 when there is none. Overlong forms and surrogates
// are refused: two spellings of one name would be two names.
std::size_t utf8_length(std::string_view text) {
    auto octet = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned first = octet(0);
    if (first < 0x80) return 1;
    std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((octet(i) & 0xc0U) != 0x80) return 0;
    }
    unsigned second = octet(1);
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
    return length;
}

}  // namespace

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        auto length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string invisible_in(std::string_view text) {
    struct character {
        std::string_view bytes;
        const char* name;
    };
    constexpr std::array characters{
        character{"\xc2\xa0", "a no-break space (U+00A0)"},
        character{"\xc2\xad", "a soft hyphen (U+00AD)"},
        character{"\xe2\x80\x83", "an em space (U+2003)"},
        character{"\xe2\x80\x89", "a thin space (U+2009)"},
        character{"\xe2\x80\x8b", "a zero width space (U+200B)"},
        character{"\xe2\x80\x8c", "a zero width non-joiner (U+200C)"},
        character{"\xe2\x80\x8d", "a zero width joiner (U+200D)"},
        character{"\xe2\x80\x8e", "a left-to-right mark (U+200E)"},
        character{"\xe2\x80\x8f", "a right-to-left mark (U+200F)"},
        character{"\xe2\x80\xa8", "a line separator (U+2028)"},
        character{"\xe2\x80\xaf", "a narrow no-break space (U+202F)"},
        character{"\xe2\x81\xa0", "a word joiner (U+2060)"},
        character{"\xe3\x80\x80", "an ideographic space (U+3000)"},
        character{"\xef\xbb\xbf", "a byte order mark (U+FEFF)"},
    };
    const character* first = nullptr;
    std::size_t where = text.size();
    for (const auto& item : characters)
        if (auto at = text.find(item.bytes); at < where) {
            first = &item;
            where = at;
        }
    return first == nullptr ? std::string() : first->name;
}

namespace {

std::string fault_of_line(std::string_view line) {
    if (line.size() > limits::line_bytes) {
        return "line is longer than " + std::to_string(limits::line_bytes) + " bytes";
    }
    for (std::size_t i = 0; i < line.size();) {
        auto c = static_cast<unsigned char>(line[i]);
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return "control character (byte " + std::to_string(c) + ") in column " + std::to_string(i + 1) +
                   "; take it out, or save the file as plain text";
        }
        auto length = utf8_length(line.substr(i));
        if (length == 0) return "not UTF-8 text in column " + std::to_string(i + 1) + "; save the file as UTF-8";
        i += length;
    }
    return {};
}

statement make_statement(source_position where, std::string_view line) {
    auto end = std::find_if(line.begin(), line.end(), is_blank);
    auto size = static_cast<std::size_t>(end - line.begin());
    statement out{.where = std::move(where), .written = std::string(line.substr(0, size))};
    out.keyword = out.written;
    for (char& c : out.keyword) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    out.rest = trim(line.substr(size));
    return out;
}

// Empty when not even that can be read.
std::string_view readable_keyword(std::string_view line) {
    line = trim(line);
    auto word = line.substr(0, std::min(line.find_first_of(" \t"), line.size()));
    bool plain = std::all_of(word.begin(), word.end(), [](char c) { return c == '_' || (c >= '0' && c <= 'z'); });
    return plain ? word : std::string_view();
}

}  // namespace

std::vector<statement> split_statements(const std::string& file, std::string_view text, problems& found) {
    std::vector<statement> out;
    if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
    for (std::uint32_t number = 1; !text.empty(); ++number) {
        auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        source_position where{file, number};
        if (auto fault = fault_of_line(line); !fault.empty()) {
            found.push_back({.where = where, .message = fault});
            if (auto keyword = readable_keyword(line); !keyword.empty()) {
                out.push_back(make_statement(where, keyword));
                out.back().spoiled = true;
                found.back().keyword = out.back().keyword;
            }
            continue;
        }
        line = trim(without_comment(line));
        if (!line.empty()) out.push_back(make_statement(where, line));
    }
    return out;
}

std::optional<std::vector<std::string>> split_words(std::string_view rest) {
    std::vector<std::string> words;
    std::size_t i = 0;
    while (true) {
        while (i < rest.size() && is_blank(rest[i])) ++i;
        if (i == rest.size()) return words;
        auto& word = words.emplace_back();
        char quote = rest[i] == '"' || rest[i] == '\'' ? rest[i++] : '\0';
        for (; i < rest.size(); ++i) {
            char c = rest[i];
            if (quote == 0 && is_blank(c)) break;
            if (quote != 0 && c == quote) {
                quote = 0;
                continue;
            }
            bool escape = quote == '"' && c == '\\' && i + 1 < rest.size();
            if (escape && (rest[i + 1] == '"' || rest[i + 1] == '\\')) c = rest[++i];
            word += c;
        }
        if (quote != 0) return std::nullopt;
    }
}

std::string whole_value(std::string_view rest) {
    if (rest.size() < 2 || (rest.front() != '"' && rest.front() != '\'')) return std::string(rest);
    quote_state state;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        state.take(rest[i]);
        if (!state.open() && i + 1 < rest.size()) return std::string(rest);
    }
    auto words = split_words(rest);
    return words && words->size() == 1 ? words->front() : std::string(rest);
}

bool leaves_quote_open(std::string_view rest) {
    quote_state state;
    for (char c : rest) state.take(c);
    return state.open();
}

namespace {

std::string double_quoted(std::string_view value) {
    std::string out = "\"";
    for (char c : value) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

}  // namespace

std::string quoted_word(std::string_view value) {
    auto words = split_words(value);
    bool plain = words && words->size() == 1 && words->front() == value && without_comment(value) == value;
    return plain ? std::string(value) : double_quoted(value);
}

std::string quoted_whole(std::string_view value) {
    bool plain = !value.empty() && trim(value) == value && without_comment(value) == value &&
                 whole_value(value) == value && !leaves_quote_open(value);
    return plain ? std::string(value) : double_quoted(value);
}

}  // namespace mainstay
