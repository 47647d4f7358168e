// One-line text form of plain values, for traces, transcripts and history. Same member lists as
// the byte form (codec.hpp). A struct prints as `name member=value ...`; empty members are left out.
#pragma once

#include <string>
#include <string_view>

#include "model/codec.hpp"

namespace mainstay {

namespace text_form {

void append_quoted(std::string& out, std::string_view value);
void append_duration(std::string& out, duration value);

template <class T>
void append(std::string& out, const T& value);

template <class Tag, class Rep>
void append_other(std::string& out, const tagged<Tag, Rep>& id) {
    out += std::to_string(id.value);
}
inline void append_other(std::string& out, const boot_id& boot) {
    out += std::to_string(boot.machine) + '.' + std::to_string(boot.incarnation);
}
inline void append_other(std::string& out, const term& value) {
    out += std::to_string(value.round) + '.' + std::to_string(value.node.value);
}
inline void append_other(std::string& out, const duration& value) { append_duration(out, value); }
inline void append_other(std::string& out, const time_point& value) { append_duration(out, value.time_since_epoch()); }
inline void append_other(std::string& out, const wall_time& value) { out += std::to_string(value.us); }
inline void append_other(std::string& out, const std::string& value) { append_quoted(out, value); }
inline void append_other(std::string&, std::monostate) {}
template <class T>
void append_other(std::string& out, const std::optional<T>& value) {
    if (value) append(out, *value);
}
template <class A, class B>
void append_other(std::string& out, const std::pair<A, B>& value) {
    append(out, value.first);
    out += ':';
    append(out, value.second);
}
template <class... T>
void append_other(std::string& out, const std::variant<T...>& value) {
    std::visit([&out](const auto& alternative) { append(out, alternative); }, value);
}
template <class C>
requires requires(const C& c) {
    c.begin(), c.size();
    typename C::value_type;
}
void append_other(std::string& out, const C& container) {
    out += '[';
    const char* separator = "";
    for (const auto& item : container) {
        out += separator;
        append(out, item);
        separator = " ";
    }
    out += ']';
}

template <class T>
concept empty_testable = requires(const T& value) {
    { value.empty() } -> std::same_as<bool>;
};

template <class T>
bool is_blank(const T& value) {
    if constexpr (empty_testable<T>) {
        return value.empty();
    } else if constexpr (requires { value.has_value(); }) {
        return !value.has_value();
    } else if constexpr (std::same_as<T, bool>) {
        return !value;
    } else {
        return false;
    }
}

template <class T>
void append(std::string& out, const T& value) {
    if constexpr (std::same_as<T, bool>) {
        out += value ? "yes" : "no";
    } else if constexpr (std::is_enum_v<T>) {
        if constexpr (requires { to_string(value); }) {
            out += to_string(value);
        } else {
            out += std::to_string(static_cast<std::uint64_t>(value));
        }
    } else if constexpr (std::integral<T>) {
        out += std::to_string(value);
    } else if constexpr (std::same_as<T, boot_id> || std::same_as<T, term>) {
        append_other(out, value);
    } else if constexpr (codec::structure<const T>) {
        if constexpr (requires { T::name_; }) out += T::name_;
        T::fields(value, [&out](const char* name, const auto& member) {
            if (is_blank(member)) return;
            if (!out.empty() && out.back() != '[') out += ' ';
            out += name;
            out += '=';
            append(out, member);
        });
    } else {
        append_other(out, value);
    }
}

}  // namespace text_form

template <class T>
[[nodiscard]] std::string to_text(const T& value) {
    std::string out;
    text_form::append(out, value);
    return out;
}

}  // namespace mainstay
