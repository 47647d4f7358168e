#include "model/value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "model/limits.hpp"

namespace mainstay {

namespace {

constexpr std::int64_t ten_years_us = 10LL * 365 * 86'400 * 1'000'000;

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
    Number value{};
    auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<std::int64_t> unit_us(std::string_view unit, bare_number bare) {
    constexpr std::array<std::pair<std::string_view, std::int64_t>, 7> units{{{"us", 1},
                                                                              {"ms", 1'000},
                                                                              {"s", 1'000'000},
                                                                              {"sec", 1'000'000},
                                                                              {"m", 60'000'000},
                                                                              {"min", 60'000'000},
                                                                              {"h", 3'600'000'000}}};
    if (unit.empty()) {
        if (bare == bare_number::refused) return std::nullopt;
        return bare == bare_number::seconds ? 1'000'000 : 1;
    }
    for (const auto& [name, us] : units) {
        if (unit == name) return us;
    }
    return std::nullopt;
}

}  // namespace

std::optional<duration> parse_duration(std::string_view text, bare_number bare) {
    auto digits = std::find_if_not(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    auto whole = whole_number<std::int64_t>(text.substr(0, static_cast<std::size_t>(digits - text.begin())));
    if (!whole) return std::nullopt;
    auto rest = text.substr(static_cast<std::size_t>(digits - text.begin()));
    std::string_view fraction;
    if (!rest.empty() && rest.front() == '.') {
        rest.remove_prefix(1);
        auto end = std::find_if_not(rest.begin(), rest.end(), [](char c) { return c >= '0' && c <= '9'; });
        fraction = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
        rest.remove_prefix(fraction.size());
        if (fraction.empty() || fraction.size() > 6) return std::nullopt;
    }
    auto us = unit_us(lower(rest), bare);
    if (!us || *whole > ten_years_us / *us) return std::nullopt;
    auto total = *whole * *us;
    auto digit_us = *us;
    for (char c : fraction) {
        if (digit_us % 10 != 0 && c != '0') return std::nullopt;  // finer than a microsecond
        digit_us /= 10;
        total += digit_us * (c - '0');
    }
    return duration{total};
}

std::string duration_text(duration value) {
    auto us = value.count();
    if (us % 1'000'000 == 0) return std::to_string(us / 1'000'000) + 's';
    if (us % 1'000 == 0) return std::to_string(us / 1'000) + "ms";
    return std::to_string(us) + "us";
}

std::optional<std::uint64_t> parse_count(std::string_view text) { return whole_number<std::uint64_t>(text); }

std::optional<std::int64_t> parse_integer(std::string_view text) { return whole_number<std::int64_t>(text); }

std::optional<bool> parse_yes_no(std::string_view text) {
    auto word = lower(text);
    for (std::string_view yes : {"yes", "on", "true", "enabled"}) {
        if (word == yes) return true;
    }
    for (std::string_view no : {"no", "off", "false", "disabled"}) {
        if (word == no) return false;
    }
    return std::nullopt;
}

bool same_word(std::string_view a, std::string_view b) { return lower(a) == lower(b); }

bool is_valid_name(std::string_view text) {
    auto alnum = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
    if (text.empty() || text.size() > limits::name_chars || !alnum(text.front()) || !alnum(text.back())) return false;
    return std::all_of(text.begin(), text.end(),
                       [alnum](char c) { return alnum(c) || c == '.' || c == '-' || c == '_'; });
}

}  // namespace mainstay
