#include "node/how_it_ended.hpp"

#include <algorithm>

namespace mainstay::node {

std::string last_line(const std::string& text) {
    auto end = text.find_last_not_of("\n\r ");
    if (end == std::string::npos) return {};
    auto begin = text.find_last_of('\n', end);
    auto from = begin == std::string::npos ? 0 : begin + 1;
    constexpr std::size_t shown_max = 160;
    return text.substr(from, std::min(end - from + 1, shown_max));
}

std::string how_it_ended(const process_exited& item) {
    if (item.code == unseen_end) return "ended while nobody watched it";
    std::string text = item.timed_out  ? "did not end in time"
                       : item.code < 0 ? "killed by signal " + std::to_string(-item.code)
                                       : "exit " + std::to_string(item.code);
    auto said = last_line(item.tail);
    return said.empty() ? text : text + ", said: " + said;
}

std::string how_it_ended(const plugin_answer& item) {
    std::string text = to_string(item.outcome);
    return item.text.empty() ? text : text + ", said: " + last_line(item.text);
}

}  // namespace mainstay::node
