// Options by Boost.Program_options; the only file that sees it.
#include <algorithm>
#include <boost/program_options.hpp>
#include <iterator>
#include <utility>

#include "hactl/cli.hpp"
#include "model/problem.hpp"
#include "model/value.hpp"

namespace mainstay::hactl {

namespace po = boost::program_options;

namespace {

struct raw_values {
    std::string wait;
};

constexpr std::pair<const char*, const char*> things_to_happen[] = {
    {"fail-node", "simulate: this node fails"},
    {"return-node", "simulate: it boots and joins"},
    {"halt-node", "simulate: hactl node halt"},
    {"fail-package", "simulate: a service of this package ends for good"},
    {"fail-link", "simulate, NODE or NODE:LINK: its heartbeat links fail, or this one"},
    {"script", "simulate, PACKAGE:run-exit-2 (run-exit-1, run-timeout, halt-exit-1 ...): its next one ends so"},
    {"fail-subnet", "simulate, NODE:SUBNET: a monitored subnet is lost there"},
    {"resource", "simulate, NODE:NAME=VALUE: a generic resource is set there"},
    {"on-battery", "simulate: this power source loses its mains"},
    {"move", "simulate, PACKAGE:NODE: hactl package move"},
    {"apply", "simulate, FILE...: hactl cluster apply"},
};

// Their order among each other counts: they are taken from what was parsed, not from here.
po::typed_value<std::vector<std::string>>* several(std::vector<std::string>* to = nullptr) {
    return po::value<std::vector<std::string>>(to)->composing();
}

void describe_partial_starts(invocation& out, po::options_description& all) {
    auto add = all.add_options();
    add("to", po::value(&out.to), "package start, in maintenance: up to this step (address, sg/package_ip)");
    add("without", several(&out.without), "package start, in maintenance: all but this step");
    add("partial", po::bool_switch(&out.partial), "package halt: what was started partly");
}

po::options_description describe(invocation& out, raw_values& raw) {
    po::options_description all;
    auto add = all.add_options();
    add("socket", po::value(&out.socket), "administration socket of mainstayd (or MAINSTAY_SOCKET)");
    add("json", po::bool_switch(&out.json), "print JSON, as docs/reference/admin-api.md describes it");
    add("node", po::value(&out.node), "on or of this node");
    add("package", po::value(&out.package), "of this package");
    add("reason", po::value(&out.reason), "why, for those who look at status");
    add("until", po::value(&out.until), "when maintenance or a pin ends by itself: 18:30, '2030-12-01 18:30', 2h");
    add("on", po::value(&out.on), "explain: only what stands for or against this node");
    add("at", po::value(&out.at), "explain: as it was then: 18:30, '2025-12-01 18:30', 2h (ago)");
    add("limit", po::value(&out.limit), "so many entries (50)");
    add("file", po::value(&out.file),
        "the key file (/etc/mainstay/key; of an arbitrator: /etc/mainstay/arbitrator.key)");
    add("force", po::bool_switch(&out.force), "format what looks used");
    add("port", po::value(&out.port), "UDP port of mainstay-arbitrator (5406)");
    add("wait", po::value(&raw.wait), "look so long for a leader that takes the request (30s)");
    add("offline", po::bool_switch(&out.offline), "check without asking mainstayd");
    add("certify-down", po::value(&out.certify_down), "nodes that are off for sure, comma between: go on without them");
    add("remove", po::value(&out.remove),
        "cluster apply, check: these packages are in no file on purpose, comma between; or all");
    add("abandon", po::bool_switch(&out.abandon), "certify more than half of the voters; their stores are wiped first");
    add("state-dir", po::value(&out.state_dir), "where mainstayd keeps its store (/var/lib/mainstay)");
    add("yes", po::bool_switch(&out.yes), "do not ask");
    add("plugin-dir", po::value(&out.plugin_dir), "plugins for a check without mainstayd");
    add("plan", po::bool_switch(&out.plan), "only show what would come of it, and the plan's id");
    add("plan-id", po::value(&out.plan_id), "only if things are still as they were for that plan");
    describe_partial_starts(out, all);
    for (const auto& [name, text] : things_to_happen) {
        auto* value = several();
        if (std::string_view(name) == "apply") value->multitoken();
        add(name, value, text);
    }
    add("files", po::value(&out.files)->multitoken(), "simulate a new cluster of these files, without mainstayd");
    add("help", po::bool_switch(&out.help), "what there is");
    add("version", po::bool_switch(&out.version), "of hactl");
    return all;
}

std::string with_nearest(const std::string& message, const std::string& written) {
    auto name = written.substr(std::min(written.find_first_not_of('-'), written.size()));
    auto options = all_options();
    std::vector<std::string_view> names;
    names.reserve(options.size());
    for (const auto& option : options) names.push_back(option.name);
    auto nearest = nearest_word(name.substr(0, name.find('=')), names);
    return nearest.empty() ? message : message + "; did you mean --" + nearest + "?";
}

}  // namespace

std::vector<option_help> all_options() {
    invocation ignored;
    raw_values raw;
    std::vector<option_help> out;
    auto all = describe(ignored, raw);
    for (const auto& option : all.options()) out.push_back({option->long_name(), option->description()});
    return out;
}

result<invocation> read_options(const std::vector<std::string>& arguments, const surroundings& around) {
    invocation out;
    raw_values raw;
    out.socket = around.default_socket;
    out.plugin_dir = around.plugin_dir;
    out.state_dir = around.state_dir;
    out.file = around.config_dir + "/key";
    auto visible = describe(out, raw);
    po::options_description all;
    all.add(visible).add_options()("word", po::value(&out.words));
    po::positional_options_description words;
    words.add("word", -1);
    try {
        constexpr int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
        auto parsed = po::command_line_parser(arguments).options(all).positional(words).style(style).run();
        for (const auto& option : parsed.options) {
            bool happens = std::any_of(std::begin(things_to_happen), std::end(things_to_happen),
                                       [&](const auto& item) { return item.first == option.string_key; });
            if (happens) out.happenings.emplace_back(option.string_key, option.value);
        }
        po::variables_map values;
        po::store(parsed, values);
        po::notify(values);
        for (const auto& [name, value] : values) {
            if (name != "word" && !value.defaulted()) out.options.push_back(name);
        }
    } catch (const po::unknown_option& problem) {
        return fail(with_nearest("there is no option " + problem.get_option_name(), problem.get_option_name()));
    } catch (const po::error& problem) {
        return fail(problem.what());
    }
    // Switches are in the map when given and when not.
    auto drop = [&out](const char* name, bool given) {
        if (!given) std::erase(out.options, name);
    };
    drop("json", out.json);
    drop("offline", out.offline);
    drop("abandon", out.abandon);
    drop("force", out.force);
    drop("yes", out.yes);
    drop("plan", out.plan);
    drop("partial", out.partial);
    drop("help", out.help);
    drop("version", out.version);
    if (!raw.wait.empty()) {
        auto wait = parse_duration(raw.wait, bare_number::seconds);
        if (!wait) return fail("--wait " + raw.wait + " is no time; expected one such as 30s or 2m");
        out.wait_ms = std::max<std::int64_t>(wait->count() / 1000, 1);
    }
    if (out.limit < 1 || out.limit > 1000) return fail("--limit is a number from 1 to 1000");
    return out;
}

}  // namespace mainstay::hactl
