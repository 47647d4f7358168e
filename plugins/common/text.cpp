#include "common/text.hpp"

#include <array>
#include <charconv>
#include <system_error>

namespace mainstay::kit {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_hex(std::string& out, unsigned char byte) {
    out += hex_digits[byte >> 4U];
    out += hex_digits[byte & 0xfU];
}

void append_json(std::string& out, std::string_view value) {
    out += '"';
    for (char c : value) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out += "\\u00";
            append_hex(out, static_cast<unsigned char>(c));
        } else {
            out += c;
        }
    }
    out += '"';
}

}  // namespace

std::string error_text(int number) { return std::generic_category().message(number); }

std::optional<std::string> expand(std::string_view pattern, const std::map<char, std::string>& values) {
    std::string out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%') {
            out += pattern[i];
            continue;
        }
        if (++i == pattern.size()) return std::nullopt;
        if (pattern[i] == '%') {
            out += '%';
            continue;
        }
        auto found = values.find(pattern[i]);
        if (found == values.end()) return std::nullopt;
        out += found->second;
    }
    return out;
}

std::string shell_word(std::string_view value) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,@%+=";
    if (!value.empty() && value.find_first_not_of(plain) == std::string_view::npos) return std::string(value);
    std::string out = "'";
    for (char c : value) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

std::optional<std::string> unescape(std::string_view value) {
    static constexpr std::array<std::pair<char, char>, 5> simple{
        {{'r', '\r'}, {'n', '\n'}, {'t', '\t'}, {'0', '\0'}, {'\\', '\\'}}};
    std::string out;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] != '\\') {
            out += value[i];
            continue;
        }
        if (++i == value.size()) return std::nullopt;
        if (value[i] == 'x') {
            unsigned number = 0;
            const char* begin = value.data() + i + 1;
            if (value.size() < i + 3) return std::nullopt;
            auto [end, problem] = std::from_chars(begin, begin + 2, number, 16);
            if (problem != std::errc{} || end != begin + 2) return std::nullopt;
            out += static_cast<char>(number);
            i += 2;
            continue;
        }
        bool known = false;
        for (auto [name, byte] : simple) {
            if (value[i] != name) continue;
            out += byte;
            known = true;
        }
        if (!known) return std::nullopt;
    }
    return out;
}

std::string printable(std::string_view value) {
    std::string out;
    for (char c : value) {
        if (c == '\r') {
            out += "\\r";
        } else if (c == '\n') {
            out += "\\n";
        } else if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) {
            out += "\\x";
            append_hex(out, static_cast<unsigned char>(c));
        } else {
            out += c;
        }
    }
    return out;
}

std::string json_object(const std::map<std::string, std::string, std::less<>>& members) {
    std::string out = "{";
    for (const auto& [name, value] : members) {
        if (out.size() > 1) out += ", ";
        append_json(out, name);
        out += ": ";
        append_json(out, value);
    }
    return out + "}";
}

std::string last_line(std::string_view output) {
    auto end = output.find_last_not_of(" \t\r\n");
    if (end == std::string_view::npos) return {};
    output = output.substr(0, end + 1);
    auto begin = output.find_last_of("\r\n");
    return printable(begin == std::string_view::npos ? output : output.substr(begin + 1));
}

}  // namespace mainstay::kit
