#include "hactl/console.hpp"

#include <fmt/core.h>
#include <time.h>

#include <algorithm>

namespace mainstay::hactl {

namespace {

// Columns on a terminal: characters, not bytes.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::size_t width_of(const table::cell& cell) {
    std::size_t width = 0;
    for (const auto& part : cell) width += width_of(part.text);
    return width;
}

tm local_time(std::int64_t us) {
    time_t seconds = us / 1'000'000;
    tm parts{};
    ::localtime_r(&seconds, &parts);
    return parts;
}

std::string formatted(const tm& parts, const char* format) {
    char buffer[64];
    auto size = ::strftime(buffer, sizeof buffer, format, &parts);
    return {buffer, size};
}

}  // namespace

std::string console::paint(std::string_view text, tone how) const {
    if (!color || how == tone::plain) return std::string(text);
    const char* code = how == tone::good ? "32" : how == tone::bad ? "1;31" : how == tone::warn ? "33" : "2";
    return fmt::format("\033[{}m{}\033[0m", code, text);
}

table::table(std::vector<std::string> head) : head_(std::move(head)) {}

void table::add(std::vector<cell> row) {
    row.resize(head_.size());
    rows_.push_back(std::move(row));
}

std::string table::text(const console& to) const {
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column < head_.size(); ++column) {
        auto width = width_of(head_[column]);
        for (const auto& row : rows_) width = std::max(width, width_of(row[column]));
        widths.push_back(width);
    }
    std::string out;
    auto add_row = [&](const std::vector<cell>& row) {
        std::size_t blanks = 0;
        for (std::size_t column = 0; column < row.size(); ++column) {
            auto width = width_of(row[column]);
            if (width != 0) out.append(blanks, ' ');
            if (width != 0) blanks = 0;
            for (const auto& part : row[column]) out += to.paint(part.text, part.how);
            blanks += widths[column] - width + 2;
        }
        out += '\n';
    };
    std::vector<cell> titles;
    for (const auto& title : head_) titles.push_back({{title, tone::dim}});
    add_row(titles);
    for (const auto& row : rows_) add_row(row);
    return out;
}

std::string age_text(std::int64_t us) {
    auto seconds = std::max<std::int64_t>(us, 0) / 1'000'000;
    if (seconds < 60) return fmt::format("{}s", seconds);
    if (seconds < 3600) return fmt::format("{}m", seconds / 60);
    if (seconds < 86'400) return fmt::format("{}h {}m", seconds / 3600, seconds / 60 % 60);
    return fmt::format("{}d {}h", seconds / 86'400, seconds / 3600 % 24);
}

std::string date_text(std::int64_t us, std::int64_t now_us) {
    auto then = local_time(us);
    bool this_year = then.tm_year == local_time(now_us).tm_year;
    return formatted(then, this_year ? "%b %d %H:%M" : "%Y-%m-%d %H:%M");
}

std::string timestamp_text(std::int64_t us) {
    return fmt::format("{}.{:03}", formatted(local_time(us), "%Y-%m-%d %H:%M:%S"), us / 1000 % 1000);
}

}  // namespace mainstay::hactl
