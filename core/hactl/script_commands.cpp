#include "hactl/script_commands.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "hactl/fields.hpp"
#include "model/lexer.hpp"

namespace mainstay::hactl {

namespace {

using json = nlohmann::json;

struct script_command {
    std::string_view name;
    std::string_view usage;
};
constexpr std::array<script_command, 6> known{{
    {"cmrunserv", "usage: cmrunserv [-v] [-r N | -R] SERVICE COMMAND..."},
    {"cmhaltserv", "usage: cmhaltserv [-v] SERVICE"},
    {"cmmodnet", "usage: cmmodnet [-v] -a|-r -i ADDRESS SUBNET"},
    {"cmsetresource", "usage: cmsetresource -r RESOURCE -s up|down, or -r RESOURCE -v NUMBER"},
    {"cmgetresource", "usage: cmgetresource -r RESOURCE"},
    {"cmgetpkgenv", "usage: cmgetpkgenv [PACKAGE]"},
}};

struct asked {
    bool verbose = false;
    std::string prints = "text";  // of the answer, when verbose
    std::string method;
    json params = json::object();
};

bool is_number(const std::string& text) {
    return !text.empty() && text.size() <= 9 && text.find_first_not_of("0123456789") == std::string::npos;
}

// Options end where the name begins: the command behind it may have some of its own. A script that quotes
// "${SERVICE_RESTART[0]}" hands over one word `-r 2`, or an empty one.
std::optional<asked> read_run(const std::vector<std::string>& words) {
    asked out;
    out.method = "script.run_service";
    std::size_t at = 0;
    for (; at < words.size() && (words[at].empty() || words[at].front() == '-'); ++at) {
        const auto& word = words[at];
        if (word == "-v") {
            out.verbose = true;
        } else if (word == "-R") {
            out.params["restarts"] = "unlimited";
        } else if (word.starts_with("-r")) {
            auto number = word.substr(std::min(word.find_first_not_of(' ', 2), word.size()));
            if (number.empty() && at + 1 < words.size()) number = words[++at];
            if (!is_number(number)) return std::nullopt;
            out.params["restarts"] = std::stoi(number);
        } else if (!word.empty()) {
            return std::nullopt;
        }
    }
    if (at + 2 > words.size()) return std::nullopt;
    out.params["service"] = words[at];
    std::string command;
    for (++at; at < words.size(); ++at) command += (command.empty() ? "" : " ") + words[at];
    out.params["command"] = command;
    return out;
}

std::optional<asked> read_halt(const std::vector<std::string>& words) {
    asked out;
    out.method = "script.halt_service";
    std::size_t at = 0;
    for (; at < words.size() && words[at] == "-v"; ++at) out.verbose = true;
    if (at + 1 != words.size() || words[at].empty() || words[at].front() == '-') return std::nullopt;
    out.params["service"] = words[at];
    return out;
}

std::optional<asked> read_address(const std::vector<std::string>& words) {
    asked out;
    std::vector<std::string> names;
    bool address = false;
    for (const auto& word : words) {
        if (word == "-v") {
            out.verbose = true;
        } else if (word == "-a" || word == "-r") {
            if (!out.method.empty()) return std::nullopt;
            out.method = word == "-a" ? "script.add_address" : "script.remove_address";
        } else if (word == "-i") {
            address = true;
        } else if (word.starts_with('-')) {
            return std::nullopt;
        } else {
            names.push_back(word);
        }
    }
    if (out.method.empty() || !address || names.size() != 2) return std::nullopt;
    out.params["address"] = names[0];
    out.params["subnet"] = names[1];
    return out;
}

// A monitor may call it from anywhere; it is about this node.
std::optional<asked> read_resource(const std::vector<std::string>& words, bool sets) {
    asked out;
    out.method = sets ? "resource.set" : "resource.get";
    out.verbose = !sets;
    out.prints = "value";
    for (std::size_t at = 0; at + 1 < words.size(); at += 2) {
        const auto& value = words[at + 1];
        bool status = words[at] == "-s" && (value == "up" || value == "down");
        bool number = words[at] == "-v" && is_number(value);
        const char* key = words[at] == "-r" && !value.empty() ? "resource" : sets && (status || number) ? "value" : "";
        if (*key == '\0' || out.params.contains(key)) return std::nullopt;
        out.params[key] = value;
    }
    bool whole = words.size() == (sets ? 4 : 2) && out.params.size() == words.size() / 2;
    return whole ? std::optional(std::move(out)) : std::nullopt;
}

// What the package's scripts have is in their environment, and this is called by one of them.
int print_environment(const std::vector<std::string>& words, const surroundings& around) {
    std::string package;
    for (const auto& item : around.environment)
        if (item.starts_with("SG_PACKAGE=")) package = item.substr(item.find('=') + 1);
    bool named = words.empty() || (words.size() == 1 && words.front() == package);
    if (package.empty() || !named) {
        around.to.err("cmgetpkgenv: works only in a script of a package, and for that package\n");
        return 1;
    }
    for (const auto& item : around.environment)
        if (item.starts_with("SG_") || item.starts_with("PEV_")) around.to.line(item);
    return 0;
}

bool is_of_resources(const std::string& name) { return name == "cmsetresource" || name == "cmgetresource"; }

}  // namespace

bool is_script_command(std::string_view name) {
    for (const auto& item : known)
        if (item.name == name) return true;
    return false;
}

int run_script_command(const std::string& name, const std::vector<std::string>& arguments, const surroundings& around) {
    if (name == "cmgetpkgenv") return print_environment(arguments, around);
    auto given = name == "cmrunserv"     ? read_run(arguments)
                 : name == "cmhaltserv"  ? read_halt(arguments)
                 : is_of_resources(name) ? read_resource(arguments, name == "cmsetresource")
                                         : read_address(arguments);
    auto complain = [&](const std::string& why) {
        around.to.err(name + ": " + why + '\n');
        return 1;
    };
    if (!given) {
        for (const auto& item : known)
            if (item.name == name) around.to.err(std::string(item.usage) + '\n');
        return 1;
    }
    bool of_script = !is_of_resources(name);
    if (of_script && around.process.empty()) return complain("works only in a script of a package");
    for (const auto& word : arguments)
        if (!is_utf8(word)) return complain("'" + word + "' is not UTF-8 text: nothing else can be recorded");
    if (of_script) given->params["process"] = around.process;
    auto connected = around.connect(around.default_socket);
    if (!connected) return complain(connected.error().message);
    auto answer = connected->call(given->method, given->params, {});
    if (!answer) return complain(answer.error().message);
    if (given->verbose) around.to.line(text_of(*answer, given->prints.c_str(), "done"));
    return 0;
}

}  // namespace mainstay::hactl
