#include "hactl/moment.hpp"

#include <cstring>
#include <optional>

#include "model/value.hpp"

namespace mainstay::hactl {

namespace {

// True when the whole text is of that form.
bool reads_as(const std::string& text, const char* form, std::tm& out) {
    const char* end = ::strptime(text.c_str(), form, &out);
    return end != nullptr && *end == '\0';
}

std::int64_t seconds(std::tm parts) {
    parts.tm_isdst = -1;
    return std::int64_t{std::mktime(&parts)};
}

// A time of day (of today), a date with one, or a span, which counts `direction` times from now.
struct written {
    std::tm parts{};
    bool is_time_of_day = false;
    std::int64_t moment = 0;
};

std::optional<written> read(const std::string& text, std::time_t now, int direction) {
    written out;
    ::localtime_r(&now, &out.parts);
    out.parts.tm_sec = 0;
    const auto today = out.parts;
    if (reads_as(text, "%H:%M", out.parts)) {
        out.is_time_of_day = true;
        out.moment = seconds(out.parts);
        return out;
    }
    for (const char* form : {"%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"}) {
        out.parts = today;
        if (!reads_as(text, form, out.parts)) continue;
        out.moment = seconds(out.parts);
        return out;
    }
    auto span = parse_duration(text, bare_number::seconds);
    if (!span || text.find_first_not_of("0123456789") == std::string::npos) return std::nullopt;
    out.moment = now + direction * (span->count() / 1'000'000);
    return out;
}

std::int64_t days_later(std::tm parts, int days) {
    parts.tm_mday += days;
    return seconds(parts);
}

}  // namespace

result<std::int64_t> moment_to_come(const std::string& text, std::time_t now) {
    auto found = read(text, now, 1);
    if (!found) return fail("--until " + text + " is no time; expected one such as 18:30, '2030-12-01 18:30' or 2h");
    auto end = found->moment;
    if (found->is_time_of_day && end <= now) end = days_later(found->parts, 1);
    if (end <= now) return fail("--until " + text + " has passed already");
    return end;
}

result<std::int64_t> moment_past(const std::string& text, std::time_t now) {
    auto found = read(text, now, -1);
    if (!found) return fail("--at " + text + " is no time; expected one such as 18:30, '2025-12-01 18:30' or 2h (ago)");
    auto begin = found->moment;
    if (found->is_time_of_day && begin > now) begin = days_later(found->parts, -1);
    if (begin > now) return fail("--at " + text + " is still to come");
    return begin;
}

}  // namespace mainstay::hactl
