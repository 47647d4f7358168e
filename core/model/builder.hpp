// Inside of parse_configuration: the configuration so far, and the helpers with which keywords
// read their values and report what is wrong. Not for other folders.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/lexer.hpp"
#include "model/parse.hpp"
#include "model/value.hpp"

namespace mainstay::parsing {

// Where a keyword belongs. The keyword that opens a section stands before all others of it.
enum class section {
    cluster,
    node,
    interface,
    heartbeat,
    stonith,
    arbitrator,
    event,
    notifier,
    package,
    subnet,
    resource,
    service,
    capacity,
    default_weight,
    dependency,
    weight,
    generic_resource,
    filesystem
};

class builder;

struct keyword {
    std::string_view name;  // a trailing * stands for any ending
    section of;
    bool opens;    // starts a new section of its kind
    bool repeats;  // may stand more than once in its section
    void (*set)(builder&, const statement&);
    std::string_view same_as = {};  // another spelling of that keyword
};

// Everything that may stand in the cluster part, and in a package.
[[nodiscard]] std::span<const keyword> cluster_keywords();
[[nodiscard]] std::span<const keyword> package_keywords();
// The parts of package_keywords(): dependencies, weights and what else says where; file systems.
[[nodiscard]] std::span<const keyword> placement_keywords();
[[nodiscard]] std::span<const keyword> storage_keywords();

// The keyword that opens a section.
[[nodiscard]] std::string_view opener_of(section of);

// True when the keyword is one of Serviceguard's that we do not read; what it means for the
// administrator was reported.
bool report_serviceguard_keyword(builder& b, const statement& s, bool in_package);

// Fills in what other lines say: prefixes of addresses, subnets of interfaces.
void complete_subnets(builder& b);

class builder {
public:
    parse_outcome out;

    void error(const statement& s, std::string message, std::string expected = {}, std::string nearest = {});
    void warning(const statement& s, std::string message);
    void error_at(source_position where, std::string keyword, std::string message, std::string expected = {});

    cluster_config& cluster() { return out.config.cluster; }
    // The section read last; call only when is_open().
    node_config& node() { return cluster().nodes.back(); }
    network_interface& interface() { return node().interfaces.back(); }
    package_config& package() { return out.config.packages.back(); }
    service_config& service() { return package().services.back(); }
    dependency_config& dependency() { return package().dependencies.back(); }
    generic_resource_config& generic_resource() { return package().generic_resources.back(); }
    filesystem_config& filesystem() { return package().filesystems.back(); }

    [[nodiscard]] bool is_open(section of);
    // Where the keywords of the open section are noted; null where all of them repeat.
    [[nodiscard]] keyword_lines* lines_of(section of);

    // Exactly one word.
    std::optional<std::string> word(const statement& s, std::string_view expected);
    // At least `count` words, the last one being the rest of the line.
    std::optional<std::vector<std::string>> words_and_rest(const statement& s, std::size_t count,
                                                           std::string_view expected);
    std::optional<std::string> name(const statement& s);
    // A duration within [min, max]; reports and leaves `target` alone otherwise.
    void time(const statement& s, bare_number bare, duration min, duration max, duration& target);
    // The same in seconds, or no_timeout.
    void optional_time(const statement& s, duration min, duration max, std::optional<duration>& target);
    void path(const statement& s, std::string& target);
    // A subnet of a package: as its canonical text, without a prefix when none was given; empty when wrong.
    std::string subnet_text(const statement& s);
    void count(const statement& s, std::uint32_t min, std::uint32_t max, std::uint32_t& target);
    void yes_no(const statement& s, bool& target);
    void text(const statement& s, std::string& target);
    // `choices` in the order of the enumeration.
    template <class Enum>
    void choice(const statement& s, std::initializer_list<std::string_view> choices, Enum& target) {
        if (auto index = choice_index(s, choices)) target = static_cast<Enum>(*index);
    }

    // ip_subnet has no object of its own until an address follows.
    struct open_subnet {
        std::string text;
        statement from;
        bool used = false;
    };
    std::optional<open_subnet> subnet;
    void close_subnet();
    // Reports what was opened and waits for its second line.
    void close_names();
    // capacity_name and weight_name: their value follows on the next line.
    struct open_name {
        std::string text;
        statement from;
    };
    std::optional<open_name> capacity_name, default_weight_name, weight_name;

private:
    std::optional<std::size_t> choice_index(const statement& s, std::initializer_list<std::string_view> choices);
};

}  // namespace mainstay::parsing
