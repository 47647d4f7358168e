#include "hactl/end_of.hpp"

#include <cstring>

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

}  // namespace

result<std::int64_t> end_of(const std::string& text, std::time_t now) {
    std::tm today{};
    ::localtime_r(&now, &today);
    today.tm_sec = 0;
    auto parts = today;
    std::int64_t end = 0;
    if (reads_as(text, "%H:%M", parts)) {
        end = seconds(parts);
        if (end <= now) {
            ++parts.tm_mday;
            end = seconds(parts);
        }
    } else if (parts = today; reads_as(text, "%Y-%m-%d %H:%M", parts) || reads_as(text, "%Y-%m-%dT%H:%M", parts)) {
        end = seconds(parts);
    } else if (auto span = parse_duration(text, bare_number::seconds);
               span && text.find_first_not_of("0123456789") != std::string::npos) {
        end = now + span->count() / 1'000'000;
    } else {
        return fail("--until " + text + " is no time; expected one such as 18:30, '2030-12-01 18:30' or 2h");
    }
    if (end <= now) return fail("--until " + text + " has passed already");
    return end;
}

}  // namespace mainstay::hactl
