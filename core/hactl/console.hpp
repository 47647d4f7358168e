// Where hactl's words go, and tables. Text only: nothing here knows of clusters.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay::hactl {

enum class tone { plain, good, bad, warn, dim };

struct console {
    std::function<void(std::string_view)> out;
    std::function<void(std::string_view)> err;
    bool color = false;
    bool json = false;  // --json

    [[nodiscard]] std::string paint(std::string_view text, tone how) const;
    void line(std::string_view text) const { out(std::string(text) + '\n'); }
};

// A cell, or a part of one: parts are printed one after the other.
struct cell_part {
    std::string text;
    tone how = tone::plain;
};

class table {
public:
    using cell = std::vector<cell_part>;

    explicit table(std::vector<std::string> head);
    void add(std::vector<cell> row);
    [[nodiscard]] bool empty() const { return rows_.empty(); }
    // Columns two blanks apart, as wide as their widest cell; no blanks at line ends.
    [[nodiscard]] std::string text(const console& to) const;

private:
    std::vector<std::vector<cell>> rows_;
    std::vector<std::string> head_;
};

// 45s, 12m, 5h 3m, 3d 4h: an age in two units at most. Negative ages (clocks differ) are 0s.
[[nodiscard]] std::string age_text(std::int64_t us);
// Nov 19 07:12, with the year when it is another one than that of `now_us`. Local time.
[[nodiscard]] std::string date_text(std::int64_t us, std::int64_t now_us);
// 2026-11-19 07:12:03.250. Local time.
[[nodiscard]] std::string timestamp_text(std::int64_t us);

}  // namespace mainstay::hactl
