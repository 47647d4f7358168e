#include "model/parse.hpp"

#include <algorithm>
#include <set>

#include "model/address.hpp"
#include "model/builder.hpp"
#include "model/limits.hpp"

namespace mainstay {

namespace parsing {

namespace {

enum class part { none, cluster, package };

const keyword* find(std::span<const keyword> table, std::string_view name) {
    auto found = std::find_if(table.begin(), table.end(), [name](const keyword& k) {
        if (k.name.back() != '*') return k.name == name;
        auto start = k.name.substr(0, k.name.size() - 1);
        return name.size() > start.size() && name.substr(0, start.size()) == start;
    });
    return found == table.end() ? nullptr : &*found;
}

std::string nearest_in(std::span<const keyword> table, std::string_view name) {
    std::vector<std::string_view> names;
    for (const auto& k : table) names.push_back(k.name);
    return nearest_word(name, names);
}

// The keyword that was meant, as far as one can tell; empty otherwise.
std::string report_unknown(builder& b, const statement& s, part now) {
    bool in_package = now == part::package;
    auto here = in_package ? package_keywords() : cluster_keywords();
    auto there = in_package ? cluster_keywords() : package_keywords();
    if (s.spoiled || report_serviceguard_keyword(b, s, in_package)) return {};
    if (s.keyword.find_first_of("[=(){};$") != std::string::npos) {
        b.error(s, "this looks like a line of a shell script", "`keyword value` lines");
        return {};
    }
    if (find(there, s.keyword) != nullptr) {
        b.error(s,
                in_package ? "belongs to the cluster, but stands in package " + b.package().name
                           : "belongs to a package, but stands in the cluster part",
                in_package ? "it after cluster_name" : "it after package_name");
        return {};
    }
    auto nearest = nearest_in(here, s.keyword);
    if (nearest.empty()) nearest = nearest_in(there, s.keyword);
    b.error(s, "unknown keyword", {}, nearest);
    return nearest.ends_with('*') ? std::string() : nearest;
}

// False when the keyword stood in its section before, which was reported.
bool note_line(builder& b, const statement& s, const keyword& k) {
    auto* lines = b.lines_of(k.of);
    if (lines == nullptr) return true;
    auto name = std::string(k.same_as.empty() ? k.name : k.same_as);
    if (k.repeats) {
        auto words = split_words(s.rest);
        name += ' ' + (words && !words->empty() ? words->front() : std::string());
    }
    auto [first, fresh] = lines->emplace(name, s.where);
    if (fresh || k.repeats || k.opens) return true;
    b.error(
        s,
        "given twice in this section, first in " + first->second.file + " line " + std::to_string(first->second.line),
        "one of the two lines");
    return false;
}

// What has to be open before the keyword may stand there; itself when nothing has to.
section needed_by(const keyword& k) {
    if (!k.opens) return k.of;
    switch (k.of) {
        case section::interface:
        case section::capacity:
            return section::node;
        case section::subnet:
        case section::resource:
        case section::service:
        case section::weight:
        case section::dependency:
        case section::generic_resource:
        case section::filesystem:
            return section::package;
        case section::package:
            return section::package;
        default:
            return section::cluster;
    }
}

bool starts_part(builder& b, const std::string& keyword, part& now) {
    if (keyword != "cluster_name" && keyword != "package_name") return false;
    b.close_subnet();
    b.close_names();
    now = keyword == "cluster_name" ? part::cluster : part::package;
    return true;
}

// Null when it means nothing here, which was reported. A misspelt keyword is read as the one that was meant (`said`):
// or what it opens, or gives a value, would be missed all over.
const keyword* keyword_of(builder& b, statement& s, part& now, bool& said) {
    if (!starts_part(b, s.keyword, now) && now == part::none &&
        (find(cluster_keywords(), s.keyword) != nullptr || find(package_keywords(), s.keyword) != nullptr)) {
        if (!s.spoiled) b.error(s, "stands before any section", "cluster_name or package_name first");
        return nullptr;
    }
    auto table = [&now] { return now == part::package ? package_keywords() : cluster_keywords(); };
    const auto* k = now == part::none ? nullptr : find(table(), s.keyword);
    if (k != nullptr) return k;
    auto meant = report_unknown(b, s, now);
    if (meant.empty() || (!starts_part(b, meant, now) && now == part::none)) return nullptr;
    said = true;
    s.keyword = meant;
    return find(table(), meant);
}

void read_known(builder& b, statement& s, const keyword& k, bool said) {
    // `generic_resource_up_criteria == 5` is no such mistake.
    bool condition = k.name == "dependency_condition";  // ... and `= UP` lacks its package
    if (!s.rest.empty() && s.rest.front() == '=' && s.rest.substr(0, 2) != "==" && !condition) {
        b.error(s, "there is no = between keyword and value", "`" + s.written + " value`");
        if (!k.opens) return;
        s.rest.clear();  // opened all the same, or all lines of the section would be errors too
    }
    auto needed = needed_by(k);
    bool first = k.opens && needed == k.of;
    if (!first && !b.is_open(needed)) {
        b.error(s, "stands before any " + std::string(opener_of(needed)), std::string(opener_of(needed)) + " above it");
        return;
    }
    if (k.opens) {
        k.set(b, s);
        note_line(b, s, k);
    } else if (said || note_line(b, s, k)) {
        k.set(b, s);
    }
}

void read_statement(builder& b, statement& s, part& now) {
    bool said = s.spoiled;
    const auto* k = keyword_of(b, s, now, said);
    if (k == nullptr || (s.spoiled && !k->opens)) return;
    auto before = b.out.found.size();
    read_known(b, s, *k, said);
    if (said) b.out.found.resize(std::min(before, b.out.found.size()));
}

bool file_is_readable(builder& b, const named_text& file) {
    if (file.unreadable.empty() && file.text.size() <= limits::file_bytes) return true;
    // What comes over the socket may be cut off just above.
    b.error_at({file.name, 0}, {},
               file.unreadable.empty() ? "the file has more than " + std::to_string(limits::file_bytes) + " bytes"
                                       : file.unreadable,
               file.unreadable.empty() ? "a configuration file" : "");
    return false;
}

std::string completed(const std::string& address, const std::vector<ip_subnet>& subnets) {
    auto parsed = parse_address(address);
    for (const auto& subnet : subnets) {
        if (parsed && contains(subnet, *parsed)) return to_string(ip_subnet{*parsed, subnet.prefix});
    }
    return {};
}

void complete_interface(builder& b, const node_config& node, std::vector<std::string>& addresses,
                        const char* keyword_name, std::vector<ip_subnet>& subnets) {
    for (auto& address : addresses) {
        if (address.find('/') != std::string::npos) continue;
        auto whole = completed(address, subnets);
        if (!whole.empty()) {
            address = whole;
            continue;
        }
        auto line = node.lines.find(std::string(keyword_name) + ' ' + address);
        b.error_at(line == node.lines.end() ? node.where : line->second, keyword_name,
                   address + " has no prefix and lies in no subnet of the cluster",
                   address + (address.find(':') == std::string::npos ? "/24" : "/64") +
                       " with the right prefix, or a `subnet` line that contains it");
    }
}

// Serviceguard names a subnet by its network address alone; the cluster knows the prefix.
void complete_package(builder& b, package_config& package, const std::vector<ip_subnet>& subnets, bool sure) {
    std::set<std::string> reported;
    auto complete = [&](std::string& text, const char* keyword_name, const source_position& otherwise) {
        if (text.empty() || text.find('/') != std::string::npos) return;
        auto network = parse_address(text);
        auto found = std::find_if(subnets.begin(), subnets.end(),
                                  [&network](const ip_subnet& s) { return network && s.network == *network; });
        if (found != subnets.end()) {
            text = to_string(*found);
        } else if (sure && reported.insert(text).second) {
            auto line = package.lines.find(std::string(keyword_name) + ' ' + text);
            b.error_at(line == package.lines.end() ? otherwise : line->second, keyword_name,
                       text + " has no prefix and is no subnet of the cluster",
                       text + (network && network->v6 ? "/64" : "/24") + " with the right prefix");
        }
    };
    for (auto& address : package.addresses) complete(address.subnet, "ip_subnet", address.where);
    for (auto& item : package.monitored_subnets) complete(item.subnet, "monitored_subnet", package.where);
}

}  // namespace

void complete_subnets(builder& b) {
    auto& cluster = b.cluster();
    std::vector<ip_subnet> subnets;
    auto add = [&subnets](std::string_view text) {
        auto parsed = parse_subnet(text);
        if (!parsed) return;
        auto network = network_of(*parsed);
        if (std::find(subnets.begin(), subnets.end(), network) == subnets.end()) subnets.push_back(network);
    };
    for (const auto& text : cluster.subnets) add(text);
    for (const auto& node : cluster.nodes) {
        for (const auto& interface : node.interfaces) {
            for (const auto& address : interface.heartbeat_ip) add(address);
            for (const auto& address : interface.stationary_ip) add(address);
        }
    }
    for (auto& node : cluster.nodes) {
        for (auto& interface : node.interfaces) {
            complete_interface(b, node, interface.heartbeat_ip, "heartbeat_ip", subnets);
            complete_interface(b, node, interface.stationary_ip, "stationary_ip", subnets);
        }
    }
    cluster.subnets.clear();
    for (const auto& subnet : subnets) cluster.subnets.push_back(to_string(subnet));

    // What a subnet lacks may stand in a line of the cluster that could not be read.
    bool sure = std::none_of(b.out.found.begin(), b.out.found.end(), [&cluster](const problem& item) {
        return item.severity == problem::level::error &&
               (item.where.line == 0 || item.where.file == cluster.where.file);
    });
    for (auto& package : b.out.config.packages) complete_package(b, package, subnets, sure);
}

}  // namespace parsing

parse_outcome parse_configuration(std::span<const named_text> files) {
    parsing::builder b;
    std::vector<std::string> order;
    if (files.size() > limits::files) {
        b.error_at({}, {}, std::to_string(files.size()) + " files", "at most " + std::to_string(limits::files));
        return std::move(b.out);
    }
    for (const auto& file : files) {
        order.push_back(file.name);
        if (!parsing::file_is_readable(b, file)) continue;
        auto now = parsing::part::none;
        for (auto& s : split_statements(file.name, file.text, b.out.found)) {
            if (b.out.found.size() > limits::problems) break;
            parsing::read_statement(b, s, now);
        }
        b.close_subnet();
        b.close_names();
    }
    parsing::complete_subnets(b);
    sort_by_position(b.out.found, order);
    if (b.out.found.size() > limits::problems) {
        b.out.found.resize(limits::problems);
        b.error_at({}, {}, "more than " + std::to_string(limits::problems) + " problems; the rest is not shown");
    }
    return std::move(b.out);
}

}  // namespace mainstay
