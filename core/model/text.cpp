#include "model/text.hpp"

#include <cstdio>

namespace mainstay::text_form {

void append_quoted(std::string& out, std::string_view value) {
    constexpr std::size_t shown_max = 200;
    bool plain = !value.empty();
    for (char c : value.substr(0, shown_max)) {
        if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7f) plain = false;
    }
    if (plain && value.size() <= shown_max) {
        out += value;
        return;
    }
    out += '"';
    for (char c : value.substr(0, shown_max)) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
            out += escaped;
        } else {
            out += c;
        }
    }
    out += value.size() > shown_max ? "\"..." : "\"";
}

void append_duration(std::string& out, duration value) {
    auto us = value.count();
    if (us < 0) {
        out += '-';
        us = -us;
    }
    char buffer[48];
    if (us % 1000 != 0) {
        std::snprintf(buffer, sizeof buffer, "%lld.%03lldms", static_cast<long long>(us / 1000),
                      static_cast<long long>(us % 1000));
    } else if (us % 1000000 != 0) {
        std::snprintf(buffer, sizeof buffer, "%lldms", static_cast<long long>(us / 1000));
    } else {
        std::snprintf(buffer, sizeof buffer, "%llds", static_cast<long long>(us / 1000000));
    }
    out += buffer;
}

}  // namespace mainstay::text_form
