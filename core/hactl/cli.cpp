#include "hactl/cli.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "hactl/command.hpp"
#include "model/problem.hpp"

namespace mainstay::hactl {

namespace {

constexpr std::string_view exit_codes =
    "Exit codes: 0 done; 1 refused, failed, or errors in a configuration; 2 wrong command line;\n"
    "3 no mainstayd on this node; 4 no leader or no cluster, nothing changed; 5 outcome unknown; 6 not allowed.\n";

// Commands whose name begins with `prefix`; all when it is empty.
std::string help_text(std::string_view prefix) {
    std::string out = "usage: hactl [options] COMMAND\n\n";
    for (const auto& item : commands()) {
        if (item.name.substr(0, prefix.size()) != prefix) continue;
        out += fmt::format("  {:<34}{}\n", fmt::format("{} {}", item.name, item.arguments), item.help);
    }
    out += "\nOptions:\n";
    for (const auto& option : all_options()) out += fmt::format("  --{:<14}{}\n", option.name, option.text);
    return out + '\n' + std::string(exit_codes);
}

// Takes noun and verb off the words.
const command* find_command(std::vector<std::string>& words) {
    for (const auto& item : commands()) {
        auto blank = item.name.find(' ');
        std::size_t parts = blank == std::string_view::npos ? 1 : 2;
        if (words.size() < parts || words[0] != item.name.substr(0, blank)) continue;
        if (parts == 2 && words[1] != item.name.substr(blank + 1)) continue;
        words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(parts));
        return &item;
    }
    return nullptr;
}

std::string no_such_command(const std::vector<std::string>& words) {
    const auto& noun = words.front();
    std::string verbs;
    std::vector<std::string_view> names;
    std::set<std::string_view> nouns;
    for (const auto& item : commands()) {
        names.push_back(item.name);
        auto blank = item.name.find(' ');
        nouns.insert(item.name.substr(0, blank));
        if (blank != std::string_view::npos && item.name.substr(0, blank) == noun) {
            verbs += (verbs.empty() ? "" : ", ") + std::string(item.name.substr(blank + 1));
        }
    }
    if (!verbs.empty() && words.size() == 1) return fmt::format("hactl {} what? One of {}", noun, verbs);
    auto written = words.size() > 1 ? noun + ' ' + words[1] : noun;
    auto nearest = nearest_word(written, names);
    std::vector<std::string_view> all_nouns(nouns.begin(), nouns.end());
    if (nearest.empty()) nearest = nearest_word(noun, all_nouns);
    if (nearest.empty() && !verbs.empty())
        return fmt::format("there is no command {}; {} can {}", written, noun, verbs);
    return fmt::format("there is no command {}{}", written,
                       nearest.empty() ? "; hactl help lists them" : "; did you mean hactl " + nearest + "?");
}

std::string misuse_of(const command& chosen, const invocation& given) {
    if (given.words.size() < chosen.words_min || given.words.size() > chosen.words_max) {
        return fmt::format("usage: hactl {}{}{}", chosen.name, chosen.arguments.empty() ? "" : " ", chosen.arguments);
    }
    auto allowed = " socket json help version " + std::string(chosen.options) + ' ';
    for (const auto& option : given.options) {
        if (allowed.find(' ' + option + ' ') == std::string::npos) {
            return fmt::format("hactl {} knows no option --{}", chosen.name, option);
        }
    }
    bool takes_node = chosen.arguments.find("[NODE]") != std::string_view::npos;
    bool twice = takes_node && given.words.size() > 1 && !given.node.empty();
    return twice ? "the node is named twice, as a word and as --node" : "";
}

}  // namespace

exit_code run(const std::vector<std::string>& arguments, const surroundings& around) {
    auto misused = [&around](const std::string& why) {
        around.to.err("hactl: " + why + '\n');
        return exit_code::usage;
    };
    auto given = read_options(arguments, around);
    if (!given) return misused(given.error().message);
    if (given->version) {
        around.to.line("hactl " + around.version);
        return exit_code::done;
    }
    auto& words = given->words;
    bool asks_help = given->help || (!words.empty() && words.front() == "help");
    if (asks_help) {
        if (!words.empty() && words.front() == "help") words.erase(words.begin());
        around.to.out(help_text(words.empty() ? std::string_view() : words.front()));
        return exit_code::done;
    }
    if (words.empty()) {
        around.to.err(help_text({}));
        return exit_code::usage;
    }
    auto written = words;
    const auto* chosen = find_command(words);
    if (chosen == nullptr) return misused(no_such_command(written));
    if (auto why = misuse_of(*chosen, *given); !why.empty()) return misused(why);
    auto to = around.to;
    to.json = given->json;
    to.color = to.color && !to.json;
    context c{*given, around, to};
    return chosen->run(c);
}

}  // namespace mainstay::hactl
