#include "model/problem.hpp"

#include <algorithm>
#include <cctype>

namespace mainstay {

namespace {

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// Optimal string alignment: insert, delete, replace, swap neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> previous(b.size() + 1);
    std::vector<std::size_t> current(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            std::size_t cost = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
            current[j] = std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost});
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
                current[j] = std::min(current[j], before[j - 2] + 1);
            }
        }
        before.swap(previous);
        previous.swap(current);
    }
    return previous[b.size()];
}

}  // namespace

std::string to_text(const problem& value) {
    std::string out = value.where.file;
    if (value.where.line != 0) out += ':' + std::to_string(value.where.line);
    if (!out.empty()) out += ": ";
    out += value.severity == problem::level::error ? "error: " : "warning: ";
    if (!value.keyword.empty()) out += value.keyword + ": ";
    out += value.message;
    if (!value.expected.empty()) out += "; expected " + value.expected;
    if (!value.nearest.empty()) out += "; did you mean " + value.nearest + "?";
    return out;
}

bool has_errors(std::span<const problem> list) {
    return std::any_of(list.begin(), list.end(),
                       [](const problem& item) { return item.severity == problem::level::error; });
}

void sort_by_position(problems& list, std::span<const std::string> files) {
    auto rank = [files](const std::string& file) {
        return std::find(files.begin(), files.end(), file) - files.begin();
    };
    std::stable_sort(list.begin(), list.end(), [&rank](const problem& a, const problem& b) {
        auto file_a = rank(a.where.file);
        auto file_b = rank(b.where.file);
        return file_a != file_b ? file_a < file_b : a.where.line < b.where.line;
    });
}

std::string nearest_word(std::string_view word, std::span<const std::string_view> candidates) {
    // Longer than any keyword: comparing would only cost time.
    if (word.empty() || word.size() > 64) return {};
    std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
    std::string_view found;
    for (auto candidate : candidates) {
        auto d = distance(word, candidate);
        if (d < best) {
            best = d;
            found = candidate;
        }
    }
    return std::string(found);
}

}  // namespace mainstay
