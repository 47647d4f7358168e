// Parameters on the plugin's side: the schema as a C++ author writes it, and the values a
// configuration gave, checked against it. Header-only; throws only sdk::refused.
#pragma once

#include <mainstay/plugin.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mainstay::sdk {

// Thrown by a plugin's constructor: a sentence that tells an administrator what to change.
struct refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

enum class type : std::uint32_t { text = 1, integer, boolean, duration, choice, address, subnet, path, command };
enum class scope : std::uint32_t { instance = 1, node, either };

struct param {
    std::string_view name;
    sdk::type type = sdk::type::text;
    sdk::scope scope = sdk::scope::instance;
    bool required = false;
    bool secret = false;
    std::string_view unit{};
    std::string_view fallback{};  // default, as written in a configuration
    std::int64_t minimum = 0;     // integers, and durations in milliseconds; a range when minimum < maximum
    std::int64_t maximum = 0;
    std::string_view choices{};  // "none|odd|even"
    std::string_view help{};
};

constexpr mainstay_string to_c(std::string_view value) { return {value.data(), value.size()}; }
inline std::string_view from_c(mainstay_string value) {
    return value.size == 0 ? std::string_view{} : std::string_view{value.data, value.size};
}

constexpr mainstay_param to_c(const param& value) {
    return {to_c(value.name),
            static_cast<std::uint32_t>(value.type),
            static_cast<std::uint32_t>(value.scope),
            value.required ? 1U : 0U,
            value.secret ? 1U : 0U,
            to_c(value.unit),
            to_c(value.fallback),
            value.minimum,
            value.maximum,
            to_c(value.choices),
            to_c(value.help)};
}

namespace detail {
inline std::string lower(std::string_view word) {
    std::string out(word);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}
}  // namespace detail

// "250ms", "2s", "1.5s", "5min", "1h"; a bare number is seconds. What is finer than a
// millisecond is cut off. Nothing when it is none of these.
inline std::optional<std::chrono::milliseconds> parse_duration(std::string_view word) {
    struct unit {
        std::string_view name;
        std::int64_t microseconds;
    };
    static constexpr std::array<unit, 8> units{{{"", 1'000'000},
                                                {"us", 1},
                                                {"ms", 1000},
                                                {"s", 1'000'000},
                                                {"m", 60'000'000},
                                                {"min", 60'000'000},
                                                {"h", 3'600'000'000},
                                                {"sec", 1'000'000}}};
    std::int64_t number = 0;
    const char* const last = word.data() + word.size();
    auto [end, problem] = std::from_chars(word.data(), last, number);
    if (problem != std::errc{} || number < 0 || word.front() == '-') return std::nullopt;
    std::string_view rest(end, static_cast<std::size_t>(last - end));
    std::string_view fraction;
    if (rest.starts_with('.')) {
        auto digits = rest.find_first_not_of("0123456789", 1);
        fraction = rest.substr(1, digits == std::string_view::npos ? digits : digits - 1);
        if (fraction.empty() || fraction.size() > 6) return std::nullopt;
        rest.remove_prefix(fraction.size() + 1);
    }
    const auto name = detail::lower(rest);
    for (const auto& candidate : units) {
        if (name != candidate.name || number > INT64_MAX / 2 / candidate.microseconds) continue;
        auto total = number * candidate.microseconds;
        auto digit = candidate.microseconds;
        for (char c : fraction) total += (digit /= 10) * (c - '0');
        return std::chrono::milliseconds{total / 1000};
    }
    return std::nullopt;
}

inline std::optional<std::int64_t> parse_integer(std::string_view word) {
    std::int64_t number = 0;
    auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (problem != std::errc{} || end != word.data() + word.size()) return std::nullopt;
    return number;
}

inline std::optional<bool> parse_boolean(std::string_view word) {
    const auto name = detail::lower(word);
    for (std::string_view yes : {"yes", "on", "true", "enabled"})
        if (name == yes) return true;
    for (std::string_view no : {"no", "off", "false", "disabled"})
        if (name == no) return false;
    return std::nullopt;
}

inline bool is_choice(std::string_view choices, std::string_view word) {
    while (!choices.empty()) {
        auto bar = choices.find('|');
        if (choices.substr(0, bar) == word) return true;
        choices = bar == std::string_view::npos ? std::string_view{} : choices.substr(bar + 1);
    }
    return false;
}

// What is wrong with one value, as the end of a sentence; empty = nothing. Addresses and subnets
// are left to the plugin that uses them.
inline std::string value_problem(const param& rule, std::string_view value) {
    auto range = [&rule](std::int64_t number, std::string_view unit) -> std::string {
        if (rule.minimum >= rule.maximum || (number >= rule.minimum && number <= rule.maximum)) return {};
        return "is outside " + std::to_string(rule.minimum) + " to " + std::to_string(rule.maximum) + std::string(unit);
    };
    switch (rule.type) {
        case type::integer: {
            auto number = parse_integer(value);
            return number ? range(*number, "") : "is not a whole number";
        }
        case type::duration: {
            auto time = parse_duration(value);
            return time ? range(time->count(), " ms") : "is not a duration (250ms, 2s, 5min, 1h)";
        }
        case type::boolean:
            return parse_boolean(value) ? "" : "is neither yes nor no";
        case type::choice:
            return is_choice(rule.choices, value) ? "" : "is not one of " + std::string(rule.choices);
        case type::path:
            return value.starts_with('/') ? "" : "is not an absolute path";
        default:
            return {};
    }
}

// Values by name, defaults included. Asking for a name that the schema lacks is a bug of the
// plugin and refuses the configuration.
class values {
public:
    using map = std::map<std::string, std::string, std::less<>>;

    values() = default;
    values(std::span<const param> schema, map given) : schema_(schema), given_(std::move(given)) {}

    [[nodiscard]] bool has(std::string_view name) const {
        return given_.contains(name) || !rule(name).fallback.empty();
    }
    [[nodiscard]] std::string text(std::string_view name) const {
        auto found = given_.find(name);
        return found != given_.end() ? found->second : std::string(rule(name).fallback);
    }
    [[nodiscard]] std::int64_t integer(std::string_view name) const { return parse_integer(text(name)).value_or(0); }
    [[nodiscard]] bool boolean(std::string_view name) const { return parse_boolean(text(name)).value_or(false); }
    [[nodiscard]] std::chrono::milliseconds duration(std::string_view name) const {
        return parse_duration(text(name)).value_or(std::chrono::milliseconds{0});
    }
    [[nodiscard]] const map& given() const { return given_; }

private:
    [[nodiscard]] const param& rule(std::string_view name) const {
        auto found = std::find_if(schema_.begin(), schema_.end(), [name](const param& p) { return p.name == name; });
        if (found == schema_.end()) throw refused("the plugin's schema lacks its own parameter " + std::string(name));
        return *found;
    }

    std::span<const param> schema_;
    map given_;
};

}  // namespace mainstay::sdk
