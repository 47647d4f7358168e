#include "tools.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "common/text.hpp"

namespace mainstay::lvm {

namespace {

constexpr std::string_view prefix = "LVM2_";
constexpr std::size_t report_max = 1U << 20;  // a group of thousands of volumes

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

std::string_view trimmed(std::string_view line) {
    auto first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    auto last = line.find_last_not_of(" \t\r.");
    return last == std::string_view::npos || last < first ? std::string_view() : line.substr(first, last - first + 1);
}

template <class Each>
void for_lines(std::string_view output, Each each) {
    while (!output.empty()) {
        auto end = std::min(output.find('\n'), output.size());
        if (auto line = trimmed(output.substr(0, end)); !line.empty()) each(line);
        output.remove_prefix(std::min(end + 1, output.size()));
    }
}

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> list;
    while (!text.empty()) {
        auto end = std::min(text.find(at), text.size());
        if (end > 0) list.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return list;
}

std::string value_of(const row& from, std::string_view name) {
    auto found = from.find(name);
    return found == from.end() ? std::string() : found->second;
}

std::string trouble_of(const std::string& what, const kit::command_end& end) {
    using how = kit::command_end::how;
    auto messages = messages_of(end.output);
    if (end.what != how::exited || messages.empty())
        return what + ": " + kit::command_end{end.what, end.code, {}}.text();
    return what + ": " + messages;
}

}  // namespace

std::vector<row> rows_of(std::string_view output) {
    std::vector<row> list;
    for_lines(output, [&list](std::string_view line) {
        if (!line.starts_with(prefix)) return;
        row now;
        while (line.starts_with(prefix)) {
            auto equals = line.find("='");
            auto end = equals == std::string_view::npos ? equals : line.find('\'', equals + 2);
            if (end == std::string_view::npos) return;  // cut off
            now[lower(line.substr(prefix.size(), equals - prefix.size()))] =
                std::string(line.substr(equals + 2, end - equals - 2));
            line.remove_prefix(end + 1);
            line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        }
        list.push_back(std::move(now));
    });
    return list;
}

std::string messages_of(std::string_view output) {
    constexpr std::size_t shown_max = 4;
    std::vector<std::string> list;
    for_lines(output, [&list](std::string_view line) {
        auto text = kit::printable(line);
        bool known = std::find(list.begin(), list.end(), text) != list.end();
        if (!line.starts_with(prefix) && !known) list.push_back(std::move(text));
    });
    std::string out;
    for (std::size_t i = list.size() - std::min(list.size(), shown_max); i < list.size(); ++i)
        out += (out.empty() ? "" : "; ") + list[i];
    return out;
}

tools::tools(std::vector<std::string> activation, std::string group)
    : activation_(std::move(activation)),
      folder_(activation_.front().substr(0, activation_.front().rfind('/') + 1)),
      group_(std::move(group)) {}

kit::command_end tools::run(std::vector<std::string> argv) {
    argv.push_back(group_);
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - clock::now());
    return kit::run_command({.argv = std::move(argv),
                             .environment = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                                             {"LC_ALL", "C"},
                                             {"LVM_SUPPRESS_FD_WARNINGS", "1"}},
                             .timeout = std::max(left, std::chrono::milliseconds(1)),
                             .keep = report_max});
}

told<group_report> tools::group() {
    auto program = folder_ + "vgs";
    auto end = run({program, "--noheadings", "--nameprefixes", "-o",
                    "vg_name,vg_uuid,vg_tags,vg_missing_pv_count,pv_count,vg_exported,vg_shared"});
    said_ = messages_of(end.output);
    auto rows = rows_of(end.output);
    auto mine =
        std::find_if(rows.begin(), rows.end(), [&](const auto& item) { return value_of(item, "vg_name") == group_; });
    if (mine == rows.end()) {
        // 5: it ran, and there is no such group.
        bool none = end.exited_with(5) && end.output.find("not found") != std::string::npos;
        return {{}, none ? std::string() : trouble_of(program + " of " + group_, end)};
    }
    group_report out;
    out.found = true;
    out.uuid = value_of(*mine, "vg_uuid");
    out.tags = split(value_of(*mine, "vg_tags"), ',');
    if (auto count = value_of(*mine, "vg_missing_pv_count"); count != "0") out.missing = count;
    out.physical = value_of(*mine, "pv_count");
    out.exported = !value_of(*mine, "vg_exported").empty();
    out.shared = !value_of(*mine, "vg_shared").empty();
    return {std::move(out), {}};
}

told<std::vector<volume_report>> tools::volumes() {
    auto program = folder_ + "lvs";
    auto end = run({program, "--noheadings", "--nameprefixes", "-o", "lv_name,lv_active,lv_layout,lv_skip_activation"});
    if (!end.exited_with(0)) return {{}, trouble_of(program + " of " + group_, end)};
    std::vector<volume_report> list;
    for (const auto& item : rows_of(end.output)) {
        bool pool = value_of(item, "lv_layout").find("pool") != std::string::npos;
        bool skipped = !value_of(item, "lv_skip_activation").empty();
        list.push_back({value_of(item, "lv_name"), value_of(item, "lv_active") == "active", !pool && !skipped});
    }
    return {std::move(list), {}};
}

std::string tools::change(std::vector<std::string> argv) {
    std::string what;
    for (const auto& word : argv) what += word + ' ';
    auto end = run(std::move(argv));
    said_ = messages_of(end.output);
    return end.exited_with(0) ? std::string() : trouble_of(what + group_, end);
}

std::string tools::activate() { return change(activation_); }

std::string tools::deactivate() { return change({folder_ + "vgchange", "-a", "n"}); }

std::string tools::tag(const std::vector<std::string>& away, const std::string& added) {
    std::vector<std::string> argv{folder_ + "vgchange"};
    for (const auto& item : away) argv.insert(argv.end(), {"--deltag", item});
    if (!added.empty()) argv.insert(argv.end(), {"--addtag", added});
    return change(std::move(argv));
}

}  // namespace mainstay::lvm
