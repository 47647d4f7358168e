// The stable byte form and the text form of plain values. A type takes part by listing its
// members once:
//     static void fields(auto& self, auto&& visit) { visit("node", self.node); ... }
// Integers are varints (zigzag when signed), containers carry their count, variants their index:
// both lists are append-only, and new alternatives are written only at a raised feature level (D2).
// Decoding never throws and never allocates more than the bytes at hand can justify.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "model/ids.hpp"
#include "model/time.hpp"

namespace mainstay {

// Raw bytes. std::string is the cheapest owner of them that everything else understands.
using bytes = std::string;

namespace codec {

struct probe {
    template <class T>
    void operator()(const char*, T&) const {}
};

template <class T>
concept structure = requires(T& value, probe visit) {
    std::remove_const_t<T>::fields(value, visit);
};

class writer {
public:
    explicit writer(bytes& out) : out_(out) {}

    void varint(std::uint64_t value) {
        while (value >= 0x80) {
            out_.push_back(static_cast<char>(value | 0x80));
            value >>= 7;
        }
        out_.push_back(static_cast<char>(value));
    }

    void raw(std::string_view value) { out_.append(value); }

    template <class T>
    void put(const T& value) {
        if constexpr (std::same_as<T, bool>) {
            out_.push_back(value ? 1 : 0);
        } else if constexpr (std::is_enum_v<T>) {
            varint(static_cast<std::uint64_t>(value));
        } else if constexpr (std::unsigned_integral<T>) {
            varint(value);
        } else if constexpr (std::signed_integral<T>) {
            auto wide = static_cast<std::int64_t>(value);
            varint((static_cast<std::uint64_t>(wide) << 1) ^ static_cast<std::uint64_t>(wide >> 63));
        } else if constexpr (structure<const T>) {
            T::fields(value, [this](const char*, const auto& member) { put(member); });
        } else {
            put_other(value);
        }
    }

private:
    template <class Tag, class Rep>
    void put_other(const tagged<Tag, Rep>& id) {
        put(id.value);
    }
    void put_other(const duration& value) { put(static_cast<std::int64_t>(value.count())); }
    void put_other(const time_point& value) { put(static_cast<std::int64_t>(value.time_since_epoch().count())); }
    void put_other(const wall_time& value) { put(value.us); }
    void put_other(const std::string& value) {
        varint(value.size());
        raw(value);
    }
    void put_other(std::monostate) {}
    template <class T>
    void put_other(const std::optional<T>& value) {
        put(value.has_value());
        if (value) put(*value);
    }
    template <class A, class B>
    void put_other(const std::pair<A, B>& value) {
        put(value.first);
        put(value.second);
    }
    template <class T, std::size_t N>
    void put_other(const std::array<T, N>& value) {
        for (const auto& item : value) put(item);
    }
    template <class... T>
    void put_other(const std::variant<T...>& value) {
        varint(value.index());
        std::visit([this](const auto& alternative) { put(alternative); }, value);
    }
    template <class C>
    requires requires(const C& c) {
        c.begin(), c.size();
        typename C::value_type;
    }
    void put_other(const C& container) {
        varint(container.size());
        for (const auto& item : container) put(item);
    }

    bytes& out_;
};

class reader {
public:
    explicit reader(std::string_view in) : in_(in) {}

    // False once anything was short, too large or not one of the known alternatives.
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool at_end() const { return in_.empty(); }
    [[nodiscard]] std::string_view rest() const { return in_; }

    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (in_.empty()) return broken();
            auto byte = static_cast<unsigned char>(in_.front());
            in_.remove_prefix(1);
            if (shift == 63 && byte > 1) return broken();
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if ((byte & 0x80) == 0) return value;
        }
        return broken();
    }

    std::string_view raw(std::uint64_t size) {
        if (size > in_.size()) {
            broken();
            return {};
        }
        auto value = in_.substr(0, size);
        in_.remove_prefix(size);
        return value;
    }

    template <class T>
    void get(T& value) {
        if (!ok_) return;
        if constexpr (std::same_as<T, bool>) {
            auto number = varint();
            if (number > 1) broken();
            value = number == 1;
        } else if constexpr (std::is_enum_v<T>) {
            value = static_cast<T>(narrow<std::underlying_type_t<T>>(varint()));
            // An enum that crosses the boundary ends with the enumerator `count_`.
            if constexpr (requires { T::count_; }) {
                if (value >= T::count_) broken();
            }
        } else if constexpr (std::unsigned_integral<T>) {
            value = narrow<T>(varint());
        } else if constexpr (std::signed_integral<T>) {
            auto number = varint();
            auto wide = static_cast<std::int64_t>(number >> 1) ^ -static_cast<std::int64_t>(number & 1);
            value = static_cast<T>(wide);
            if (static_cast<std::int64_t>(value) != wide) broken();
        } else if constexpr (structure<T>) {
            T::fields(value, [this](const char*, auto& member) { get(member); });
        } else {
            get_other(value);
        }
    }

private:
    std::uint64_t broken() {
        ok_ = false;
        in_ = {};
        return 0;
    }
    template <class T>
    T narrow(std::uint64_t number) {
        if (number > static_cast<std::uint64_t>(std::numeric_limits<T>::max())) broken();
        return static_cast<T>(number);
    }
    template <class Tag, class Rep>
    void get_other(tagged<Tag, Rep>& id) {
        get(id.value);
    }
    void get_other(duration& value) { value = duration{get_span()}; }
    void get_other(time_point& value) { value = time_point{duration{get_signed()}}; }
    void get_other(wall_time& value) { value.us = get_span(); }
    void get_other(std::string& value) { value = raw(varint()); }
    void get_other(std::monostate&) {}
    template <class T>
    void get_other(std::optional<T>& value) {
        bool present = false;
        get(present);
        value.reset();
        if (present) get(value.emplace());
    }
    template <class A, class B>
    void get_other(std::pair<A, B>& value) {
        get(value.first);
        get(value.second);
    }
    template <class T, std::size_t N>
    void get_other(std::array<T, N>& value) {
        for (auto& item : value) get(item);
    }
    template <class... T>
    void get_other(std::variant<T...>& value) {
        auto index = varint();
        if (index >= sizeof...(T)) {
            broken();
            return;
        }
        get_alternative(value, index, std::index_sequence_for<T...>{});
    }
    template <class V, std::size_t... I>
    void get_alternative(V& value, std::uint64_t index, std::index_sequence<I...>) {
        ((index == I ? get(value.template emplace<I>()) : void()), ...);
    }
    template <class T>
    void get_other(std::vector<T>& value) {
        value.clear();
        auto count = bounded_count();
        for (std::uint64_t i = 0; i < count && ok_; ++i) get(value.emplace_back());
    }
    template <class T>
    void get_other(std::deque<T>& value) {
        value.clear();
        auto count = bounded_count();
        for (std::uint64_t i = 0; i < count && ok_; ++i) get(value.emplace_back());
    }
    template <class T, class C>
    void get_other(std::set<T, C>& value) {
        value.clear();
        auto count = bounded_count();
        for (std::uint64_t i = 0; i < count && ok_; ++i) {
            T item{};
            get(item);
            value.insert(std::move(item));
        }
    }
    template <class K, class V, class C>
    void get_other(std::map<K, V, C>& value) {
        value.clear();
        auto count = bounded_count();
        for (std::uint64_t i = 0; i < count && ok_; ++i) {
            K key{};
            get(key);
            get(value[std::move(key)]);
        }
    }
    std::int64_t get_signed() {
        std::int64_t value = 0;
        get(value);
        return value;
    }
    // Longer than 36,000 years is no time, and sums and differences of what is shorter fit into 64 bits.
    std::int64_t get_span() {
        constexpr std::int64_t longest = std::int64_t{1} << 60U;
        auto value = get_signed();
        if (value < -longest || value > longest) broken();
        return value;
    }
    // Every element takes at least one byte, so a count above the rest is a lie.
    std::uint64_t bounded_count() {
        auto count = varint();
        return count > in_.size() ? broken() : count;
    }

    std::string_view in_;
    bool ok_ = true;
};

}  // namespace codec

template <class T>
[[nodiscard]] bytes encode(const T& value) {
    bytes out;
    codec::writer(out).put(value);
    return out;
}

// The value, or nothing when the bytes are short, too long or hold an unknown alternative.
template <class T>
[[nodiscard]] std::optional<T> decode(std::string_view in) {
    T value{};
    codec::reader reader(in);
    reader.get(value);
    if (!reader.ok() || !reader.at_end()) return std::nullopt;
    return value;
}

}  // namespace mainstay
