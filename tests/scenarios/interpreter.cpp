#include "interpreter.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <sstream>

#include "cluster/configuration.hpp"
#include "model/print.hpp"
#include "model/value.hpp"
#include "policy/decide.hpp"
#include "policy/explain.hpp"

namespace mainstay::scenarios {

namespace {

constexpr std::uint64_t seed = 42;

std::vector<std::string> split_lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

std::vector<std::string> split_words(const std::string& line) {
    std::vector<std::string> list;
    std::istringstream in(line);
    for (std::string word; in >> word;) list.push_back(word);
    return list;
}

// name=value words of a command.
std::map<std::string, std::string> settings(const std::vector<std::string>& said) {
    std::map<std::string, std::string> out;
    for (const auto& word : said) {
        auto equals = word.find('=');
        if (equals != std::string::npos) out[word.substr(0, equals)] = word.substr(equals + 1);
    }
    return out;
}

duration time_of(const std::string& word) {
    auto number = std::stod(word);  // "2.5s", "3", "700ms"
    return duration{static_cast<std::int64_t>(number * (word.ends_with("ms") ? 1e3 : 1e6))};
}

}  // namespace

std::vector<exchange> read_script(const std::string& text) {
    std::vector<exchange> script;
    exchange now;
    bool answer = false;
    auto finish = [&] {
        if (!now.commands.empty() || !now.comments.empty()) script.push_back(now);
        now = {};
        answer = false;
    };
    for (const auto& line : split_lines(text)) {
        if (line.empty()) {
            finish();
        } else if (answer) {
            now.expected += line + "\n";
        } else if (line == "----") {
            answer = true;
        } else if (line.starts_with("#")) {
            now.comments.push_back(line);
        } else {
            now.commands.push_back(line);
        }
    }
    finish();
    return script;
}

std::string write_script(const std::vector<exchange>& script) {
    std::string out;
    for (const auto& item : script) {
        for (const auto& line : item.comments) out += line + "\n";
        for (const auto& line : item.commands) out += line + "\n";
        if (!item.commands.empty()) out += "----\n" + item.expected;
        out += "\n";
    }
    while (out.ends_with("\n\n")) out.pop_back();
    return out;
}

interpreter::interpreter() = default;
interpreter::~interpreter() = default;

std::string interpreter::run(const std::vector<std::string>& commands) {
    output_.clear();
    for (const auto& line : commands) command(split_words(line));
    if (world_ && !world_->violation().empty()) say("VIOLATION " + world_->violation());
    return output_;
}

sim::world& interpreter::world() { return *world_; }

void interpreter::say(const std::string& line) { output_ += line + "\n"; }

// Trace lines are `time name  text`. Each log entry is told once, by whoever commits it first.
void interpreter::heard(const std::string& line) {
    ++lines_;
    auto at = line.find_first_not_of(' ');
    at = line.find(' ', at);
    if (at == std::string::npos || line.starts_with("VIOLATION")) return;
    auto rest = line.substr(at + 1);
    auto log = rest.find("  log ");
    if (log != std::string::npos) {
        auto colon = rest.find(": ", log);
        if (!told_.insert(rest.substr(log + 6, colon - log - 6)).second) return;
        logged_.push_back(rest.substr(colon + 2));
        return say("  log: " + logged_.back());
    }
    say(rest);
}

void interpreter::command(const words& said) {
    const auto& verb = said.front();
    auto name = said.size() > 1 ? said[1] : std::string();
    if (verb == "cluster") return cluster(said);
    if (verb == "package") return package(said);
    if (verb == "with") return with(said);
    if (verb == "replace") return replace(said);
    if (verb == "also" || verb == "without") return also(said, verb == "also");
    if (verb == "form") return form();
    if (verb == "settle") return settle();
    if (verb == "run") return world().run_until(world().now() + time_of(name));
    if (verb == "power-off") return world().power_off(name);
    if (verb == "power-on") return world().power_on(name);
    if (verb == "crash") return world().crash_daemon(name);
    if (verb == "leave") return world().leave(name);
    if (verb == "start") return world().start_daemon(name);
    if (verb == "install") return world().install(name, static_cast<std::uint32_t>(std::stoul(said.at(2))));
    if (verb == "pause") return world().pause_daemon(name, time_of(said.at(2)));
    if (verb == "kill-service") return world().kill_service(name, said.size() > 2 ? said[2] : std::string());
    if (verb == "vanish")
        return world().resource_vanishes(name, said.at(2) + (said.size() > 3 ? " " + said.at(3) : ""));
    if (verb == "fence-answers") return world().fence_answers(name);
    if (verb == "exits") return exits(said);
    if (verb == "leaves") return world().script_leaves(name);
    if (verb == "fails") return world().resource_fails(name + (said.size() > 2 ? " " + said.at(2) : ""));
    if (verb == "works") return world().resource_works(name + (said.size() > 2 ? " " + said.at(2) : ""));
    if (verb == "event") return world().plugin_event(name, {said.at(2), said.at(3), said.at(4), {}});
    if (verb == "subnet") return world().subnet(name, said.at(2), said.at(3) == "up");
    if (verb == "links") return world().links(name, said.at(2) == "up");
    if (verb == "hactl") return admin(said);
    if (verb == "explain") return explain(said);
    if (verb == "simulate") return simulate(said);
    if (verb == "plan") return plan(said);
    if (verb == "compare") return compare();
    if (verb == "status") return status();
    if (verb == "isolate" || verb == "mend") {
        for (const auto& other : names_) {
            if (other == name) continue;
            world().cut(name, other, verb == "isolate");
            world().cut(other, name, verb == "isolate");
        }
        return;
    }
    if (verb == "split") return split(said);
    if (verb == "cut" || verb == "mend-pair") {
        world().cut(name, said.at(2), verb == "cut");
        return world().cut(said.at(2), name, verb == "cut");
    }
    if (verb == "heal") {
        for (const auto& a : names_)
            for (const auto& b : names_) world().cut(a, b, false);
        return;
    }
    if (verb == "lose-store") return world().lose_store(name);
    if (verb == "resets-take") return world().resets_take(time_of(name));
    if (verb == "fences-take") return world().fences_take(time_of(name));
    if (verb == "no-device-for") return world().no_device_for(name == "nobody" ? "" : name);
    if (verb == "disk-takes") return world().disk_takes(name, time_of(said.at(2)));
    if (verb == "arbitrator") {
        if (said.at(2) == "loses-store") return world().arbitrator_loses_store(name);
        return world().arbitrator_up(name, said.at(2) == "up");
    }
    if (verb == "arbitrator-out-of-reach") return world().arbitrator_out_of_reach(name == "nobody" ? "" : name);
    if (verb == "certify") return certify(said);
    if (verb == "voters") return voters();
    if (verb == "cut-one-way") return world().cut(name, said.at(2), true);
    say("what is " + verb + "?");
}

// split n1,n2 n3,n4: two sides that do not hear each other.
void interpreter::split(const words& said) {
    auto side = [](const std::string& list) {
        std::vector<std::string> out;
        std::istringstream in(list);
        for (std::string node; std::getline(in, node, ',');) out.push_back(node);
        return out;
    };
    for (const auto& a : side(said.at(1)))
        for (const auto& b : side(said.at(2))) {
            world().cut(a, b, true);
            world().cut(b, a, true);
        }
}

// certify NODE OTHER[,OTHER] [abandon]: hactl cluster run --certify-down on NODE.
void interpreter::certify(const words& said) {
    node::certify_down asked;
    std::istringstream in(said.at(2));
    for (std::string node; std::getline(in, node, ',');) asked.nodes.push_back(node);
    asked.abandon = said.size() > 3;
    world().admin(said.at(1), std::move(asked), duration{10'000'000});
}

// Each running node's newest voter set, and what it waits for.
void interpreter::voters() {
    for (const auto& name : names_) {
        const auto* daemon = world().daemon(name);
        if (daemon == nullptr) {
            say(name + "  off");
            continue;
        }
        std::string members;
        if (!daemon->log().active().empty())
            for (const auto& item : daemon->log().active().back().set.voters)
                members += (members.empty() ? "" : " ") + daemon->state().node_name(item.node);
        auto waits = daemon->waiting_for(world().time_of(name));
        auto line = name + "  ";
        line += daemon->log().leads() ? "leads {" : "{";
        line += members;
        line += waits.empty() ? "}" : "}  waits for: ";
        line += waits;
        say(line);
    }
}

void interpreter::cluster(const words& said) {
    auto given = settings(said);
    auto count = given.contains("nodes") ? std::stoi(given.at("nodes")) : 3;
    text_ = "cluster_name lab\n";
    std::map<std::string, std::string> sites;  // by node; sites=east:n1,n2/west:n3
    std::istringstream declared(given["sites"]);
    for (std::string site; std::getline(declared, site, '/');) {
        auto colon = site.find(':');
        text_ += "site_name " + site.substr(0, colon) + "\n";
        std::istringstream nodes(site.substr(colon + 1));
        for (std::string node; std::getline(nodes, node, ',');) sites[node] = site.substr(0, colon);
    }
    for (const auto& [name, value] : given)
        if (name != "sites" && name != "arbitrators" && name != "nodes" && name != "capacity" &&
            name != "power_source" && name != "on_battery_after" && name != "package_limit" && name != "watchdog" &&
            name != "stonith")
            text_.append(name).append(" ").append(value).append("\n");
    for (int i = 1; i <= count; ++i) {
        names_.push_back("n" + std::to_string(i));
        text_ += "node_name n" + std::to_string(i) + "\nnetwork_interface eth0\nheartbeat_ip 10.0.0." +
                 std::to_string(i) + "/24\n";
        if (sites.contains(names_.back())) text_ += "site " + sites.at(names_.back()) + "\n";
        if (given.contains("capacity")) text_ += "capacity_name cpu\ncapacity_value " + given.at("capacity") + "\n";
        if (given.contains("package_limit"))
            text_ += "capacity_name package_limit\ncapacity_value " + given.at("package_limit") + "\n";
        if (given.contains("watchdog"))
            text_ += "watchdog_device /dev/watchdog\nwatchdog_timeout " + given.at("watchdog") + "\n";
        if (given.contains("power_source") && given.at("power_source") == names_.back()) text_ += "power_source ups\n";
    }
    if (given.contains("on_battery_after"))
        text_ += "event_name ups\nevent_plugin event-ups-nut\non_battery_after " + given.at("on_battery_after") + "\n";
    auto arbitrators = given.contains("arbitrators") ? std::stoi(given.at("arbitrators")) : 0;
    for (int i = 1; i <= arbitrators; ++i)
        text_ += "arbitrator_name a" + std::to_string(i) + "\narbitrator_plugin arbitrator-server\n";
    if (!given.contains("stonith")) text_ += "stonith_name power\nstonith_plugin stonith-exec\n";
    world_ = std::make_unique<sim::world>(seed, names_, text_);
    world_->random().steady = true;
    world_->trace = [this](const std::string& line) { heard(line); };
}

// package NAME nodes=n1,n2 [restarts=N] [scripts=yes] [timeout=S] [auto_run=no]
void interpreter::package(const words& said) {
    auto given = settings(said);
    const auto& name = said.at(1);
    text_ += "package_name " + name + "\n";
    std::istringstream nodes(given.contains("nodes") ? given.at("nodes") : "*");
    for (std::string node; std::getline(nodes, node, ',');) text_ += "node_name " + node + "\n";
    if (given.contains("auto_run")) text_ += "auto_run " + given.at("auto_run") + "\n";
    if (given.contains("scripts")) text_ += "run_script /p/" + name + "/run\nhalt_script /p/" + name + "/halt\n";
    if (given.contains("timeout"))
        text_ += "run_script_timeout " + given.at("timeout") + "\nhalt_script_timeout " + given.at("timeout") + "\n";
    if (given.contains("type")) text_ += "package_type " + given.at("type") + "\n";
    auto address = 100 + name.size();
    while (!addresses_.insert(address).second) ++address;
    if (!given.contains("type")) text_ += "ip_subnet 10.0.0.0/24\nip_address 10.0.0." + std::to_string(address) + "\n";
    text_ += "service_name " + name + "_s\n";
    auto restarts = given.contains("restarts") ? given.at("restarts") : std::string("none");
    if (!given.contains("services")) text_ += "service_cmd /p/serve\nservice_restart " + restarts + "\n";
    if (given.contains("fail_fast")) text_ += "service_fail_fast_enabled yes\n";
}

// exits PACKAGE LABEL CODE|never: a label may have blanks, "external_script /p/x stop".
void interpreter::exits(const words& said) {
    auto label = said.at(2);
    for (std::size_t i = 3; i + 1 < said.size(); ++i) label += " " + said[i];
    std::optional<std::int32_t> code;
    if (said.back() != "never") code = std::stoi(said.back());
    world().script_exits(said.at(1), label, code);
}

// with KEYWORD VALUE: one more line for the package above.
void interpreter::with(const words& said) {
    for (std::size_t i = 1; i < said.size(); ++i) text_ += said[i] + " ";
    text_ += "\n";
}

// replace PACKAGE KEYWORD [VALUE]: the first such line of the package, or one more at its end; no value: it goes.
void interpreter::replace(const words& said) {
    const auto head = "package_name " + said.at(1) + "\n";
    auto begin = text_.find(head);
    if (begin == std::string::npos) return say("there is no package " + said.at(1));
    auto end = std::min(text_.find("package_name ", begin + head.size()), text_.size());
    std::string line;
    for (std::size_t i = 2; said.size() > 3 && i < said.size(); ++i)
        line += said[i] + (i + 1 < said.size() ? " " : "\n");
    auto old = text_.find("\n" + said.at(2) + " ", begin);
    if (old >= end) return static_cast<void>(text_.insert(end, line));
    auto last = text_.find('\n', old + 1) + 1;
    text_.replace(old + 1, last - old - 1, line);
}

// One more line at the end of the package, or exactly that line less.
void interpreter::also(const words& said, bool more) {
    const auto head = "package_name " + said.at(1) + "\n";
    auto begin = text_.find(head);
    if (begin == std::string::npos) return say("there is no package " + said.at(1));
    auto end = std::min(text_.find("package_name ", begin + head.size()), text_.size());
    std::string line;
    for (std::size_t i = 2; i < said.size(); ++i) line += said[i] + (i + 1 < said.size() ? " " : "\n");
    if (more) return static_cast<void>(text_.insert(end, line));
    auto old = text_.find("\n" + line, begin);
    if (old < end) text_.erase(old + 1, line.size());
}

void interpreter::form() {
    auto parsed = cluster::parse_canonical(text_);
    if (!parsed) return say(parsed.error().message);
    for (const auto& name : names_)
        if (!world().powered(name)) world().power_on(name);
    world().run_until(world().now() + duration{4'000'000});
    world().admin(names_.front(), node::form_cluster{print_configuration(*parsed)});
}

// Until nothing has been said for a while.
void interpreter::settle() {
    constexpr duration quiet{4'000'000};
    constexpr int rounds_max = 60;
    for (int i = 0; i < rounds_max; ++i) {
        auto before = lines_;
        world().run_until(world().now() + quiet);
        if (lines_ == before || !world().violation().empty()) return;
    }
    say("(does not settle)");
}

// hactl NODE package move web n2 [planned]
void interpreter::admin(const words& said) {
    auto asked = said;
    bool planned = asked.back() == "planned";
    if (planned) asked.pop_back();
    auto body = body_of(asked);
    if (!body) return say("what is hactl " + asked.at(2) + "?");
    if (planned) body = cluster::planned{plan_id_, encode(*body)};
    world().admin(said.at(1), std::move(*body), duration{5'000'000});
}

// hactl NODE package start web [n1] [to=STEP] [without=STEP,STEP]
cluster::command_body interpreter::started_partly(const words& said) {
    auto given = settings(said);
    cluster::package_run_partly body{said.at(4), "", given["to"], {}};
    if (said.at(5).find('=') == std::string::npos) body.node = said.at(5);
    std::istringstream in(given["without"]);
    for (std::string step; std::getline(in, step, ',');) body.without.push_back(step);
    return body;
}

std::optional<cluster::command_body> interpreter::body_of(const words& said) {
    auto word = [&](std::size_t at) { return at < said.size() ? said[at] : std::string(); };
    auto what = word(2) + " " + word(3);
    cluster::command_body body;
    if (what == "package start" && (settings(said).contains("to") || settings(said).contains("without"))) {
        body = started_partly(said);
    } else if (what == "package start") {
        body = cluster::package_run{word(4), word(5)};
    } else if (what == "package halt" && word(5) == "partial") {
        body = cluster::package_stop_partly{word(4)};
    } else if (what == "package reset-restarts") {
        body = cluster::restarts_reset{word(4), "", word(5)};
    } else if (what == "package halt") {
        body = cluster::package_stop{word(4)};
        if (!word(5).empty()) body = cluster::package_stop_on{word(4), word(5)};
    } else if (what == "package move") {
        body = cluster::package_move{word(4), word(5)};
    } else if (what == "package enable" || what == "package disable") {
        body = cluster::package_switching{word(4), word(5), what == "package enable"};
    } else if (said.at(2) == "resource") {  // hactl n1 resource set lun up [n2]
        body = cluster::resource_set{word(4), word(6).empty() ? said.at(1) : word(6), word(5)};
    } else if (what == "package unpin") {
        body = cluster::package_pin{word(4), "", "", {}};
    } else if (what == "package maintenance" || what == "package pin") {
        std::optional<wall_time> until;
        auto given = settings(said);
        if (given.contains("minutes"))
            until = wall_time{world().wall().us + std::stoll(given.at("minutes")) * 60'000'000};
        if (word(3) == "pin")
            body = cluster::package_pin{word(4), word(5), given["reason"], until};
        else
            body = cluster::package_maintenance{word(5), given["node"], word(4) == "on", given["reason"], until};
    } else if (what == "node run" || what == "node halt") {
        body = cluster::node_admin{word(4), what == "node run"};
    } else if (what == "node detach" || what == "cluster detach") {
        body = cluster::node_detach{word(4), word(5)};
    } else if (what == "node attach" || what == "cluster attach") {
        body = cluster::node_attach{word(4)};
    } else if (what == "node fence") {
        body = cluster::fence_node{word(4)};
    } else if (what == "cluster apply") {
        auto parsed = cluster::parse_canonical(text_);
        if (!parsed) {
            say(parsed.error().message);
            return std::nullopt;
        }
        body = cluster::configure{print_configuration(*parsed), {}};
    } else if (what == "cluster run" || what == "cluster halt") {
        body = cluster::cluster_admin{what == "cluster run"};
    } else {
        return std::nullopt;
    }
    return body;
}

void interpreter::explain(const words& said) {
    const auto* leader = world().leader();
    if (leader == nullptr) return say("no leader");
    auto told = policy::explain(leader->state(), said.at(1));
    say(told.headline);
    for (const auto& one : told.nodes) say("  " + one.node + "  " + one.line());
}

void interpreter::status() {
    const auto* leader = world().leader();
    if (leader == nullptr) return say("no leader");
    for (const auto& [id, item] : leader->state().nodes)
        say(item.name + "  " + to_string(item.status) + (item.halted ? ", halted" : "") +
            (item.power_away ? ", on battery" : "") + (leader->state().is_detached(id) ? ", detached" : ""));
    for (const auto& [name, item] : leader->state().packages) {
        say(name + "  " + to_string(item.phase) +
            (item.active() ? " on " + leader->state().node_name(item.owner) : "") + ", switching " +
            (item.switching ? "on" : "off"));
        if (item.maintained)
            say("  in maintenance on " + leader->state().node_name(item.maintained->node) + " by " +
                item.maintained->by.actor + (item.maintained->by.reason.empty() ? "" : ": ") +
                item.maintained->by.reason);
        if (const auto* pin = leader->state().find_pin(name)) say("  " + policy::pin_text(leader->state(), *pin));
        if (const auto* partly = leader->state().runs_partly(name)) say("  started partly: " + listed(partly->steps));
        for (const auto& [id, by] : item.node_off) say("  off on " + leader->state().node_name(id) + ": " + by.reason);
    }
    for (const auto& [subject, item] : leader->state().alarms) say("alarm: " + item.text);
}

}  // namespace mainstay::scenarios
