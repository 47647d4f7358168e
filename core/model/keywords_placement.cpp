// The keywords of a package that say where it may run and beside what: policies, dependencies,
// weights, subnets and resources it needs (SG 3.4, 3.5, 3.7).
#include <algorithm>
#include <array>

#include "model/builder.hpp"
#include "model/keywords_plugin.hpp"
#include "model/limits.hpp"

namespace mainstay::parsing {

namespace {

void set_failover_policy(builder& b, const statement& s) {
    b.choice(s, {"configured_node", "min_package_node", "site_preferred", "site_preferred_manual"},
             b.package().failover_policy);
}

void set_priority(builder& b, const statement& s) {
    if (same_word(s.rest, "no_priority")) {
        b.package().priority.reset();
        return;
    }
    std::uint32_t value = 0;
    b.count(s, 1, limits::priority_max, value);
    if (value != 0) b.package().priority = value;
}

void open_dependency(builder& b, const statement& s) {
    b.package().dependencies.push_back({.name = b.name(s).value_or(""), .where = s.where});
}

// `db = UP`, with or without blanks, in any case.
void set_condition(builder& b, const statement& s) {
    constexpr std::string_view expected = "PACKAGE = UP or PACKAGE = DOWN";
    auto text = whole_value(s.rest);
    auto equals = text.find('=');
    auto words = split_words(text.substr(0, equals));
    auto state =
        split_words(equals == std::string::npos ? std::string_view() : std::string_view(text).substr(equals + 1));
    bool whole = words && words->size() == 1 && state && state->size() == 1;
    bool up = whole && same_word(state->front(), "up");
    if (equals != std::string::npos && words && words->empty())
        return b.error(s, "the name of the package is missing before the =", std::string(expected));
    if (!whole || (!up && !same_word(state->front(), "down"))) {
        b.error(s, "'" + text + "' is no condition", std::string(expected));
        return;
    }
    if (!is_valid_name(words->front())) {
        b.error(s, "'" + words->front() + "' is no name of a package", std::string(expected));
        return;
    }
    b.dependency().package = words->front();
    b.dependency().up = up;
}

void add_monitored(builder& b, const statement& s) {
    auto text = b.subnet_text(s);
    if (text.empty()) return;
    auto& list = b.package().monitored_subnets;
    if (std::any_of(list.begin(), list.end(), [&text](const auto& item) { return item.subnet == text; })) {
        b.error(s, text + " stands twice");
        return;
    }
    list.push_back({text, false});
}

void open_generic(builder& b, const statement& s) {
    b.package().generic_resources.push_back({.name = b.name(s).value_or(""), .where = s.where});
}

void set_evaluation(builder& b, const statement& s) {
    enum class moment { during, before } when = moment::during;
    b.choice(s, {"during_package_start", "before_package_start"}, when);
    b.generic_resource().before_start = when == moment::before;
}

// `>= 5`. One that is always true, or never, is a mistake (SG 3.7).
void set_criterion(builder& b, const statement& s) {
    using comparison = generic_resource_config::comparison;
    constexpr std::string_view expected = "== != > < >= or <= and a number from 1 to 2147483647";
    auto text = whole_value(s.rest);
    auto end = text.find_first_not_of("=!<>");
    auto sign = std::string_view(text).substr(0, end);
    auto words = split_words(end == std::string::npos ? std::string_view() : std::string_view(text).substr(end));
    std::uint64_t number = words && words->size() == 1 ? parse_count(words->front()).value_or(0) : 0;
    constexpr std::uint64_t max = 2'147'483'647;
    std::optional<comparison> how;
    for (int i = 0; i < static_cast<int>(comparison::count_); ++i)
        if (sign == to_string(static_cast<comparison>(i))) how = static_cast<comparison>(i);
    if (!how || number < 1 || number > max) {
        b.error(s, "'" + text + "' is no criterion", std::string(expected));
        return;
    }
    bool never = (*how == comparison::less && number == 1) || (*how == comparison::greater && number == max);
    bool always =
        (*how == comparison::greater_equal && number == 1) || (*how == comparison::less_equal && number == max);
    if (never || always) {
        b.error(s, "'" + text + "' is " + (never ? "never" : "always") + " true", std::string(expected));
        return;
    }
    b.generic_resource().up_when = {*how, static_cast<std::int32_t>(number)};
}

void set_lan_failover(builder& b, const statement& s) {
    bool ignored = false;
    b.yes_no(s, ignored);
}

// Of the subnet above it; a Serviceguard template may have the line without one.
void set_access(builder& b, const statement& s) {
    enum class access { full, partial } chosen = access::full;
    b.choice(s, {"full", "partial"}, chosen);
    if (chosen == access::full) return;
    if (b.package().monitored_subnets.empty())
        return b.error(s, "stands above every monitored_subnet", "a monitored_subnet line above it");
    b.package().monitored_subnets.back().partial = true;
}

using sec = section;

constexpr std::array placement_table{
    keyword{"failover_policy", sec::package, false, false, set_failover_policy},
    keyword{"failback_policy", sec::package, false, false,
            [](builder& b, const statement& s) {
                b.choice(s, {"manual", "automatic"}, b.package().failback_policy);
            }},
    keyword{"failover_limit", sec::package, false, false,
            [](builder& b, const statement& s) { b.count(s, 0, 100, b.package().failover_limit); }},
    keyword{"failover_limit_time", sec::package, false, false,
            [](builder& b, const statement& s) {
                b.time(s, bare_number::refused, duration{1'000'000}, duration{604'800'000'000},
                       b.package().failover_limit_time);
            }},
    keyword{"priority", sec::package, false, false, set_priority},

    keyword{"dependency_name", sec::dependency, true, false, open_dependency},
    keyword{"dependency_condition", sec::dependency, false, false, set_condition},
    keyword{"dependency_location", sec::dependency, false, false,
            [](builder& b, const statement& s) {
                b.choice(s, {"same_node", "any_node", "different_node", "all_nodes"}, b.dependency().location);
            }},

    keyword{"weight_name", sec::weight, true, true,
            [](builder& b, const statement& s) { open_weight(b, s, b.weight_name); }},
    keyword{"weight_value", sec::weight, false, true,
            [](builder& b, const statement& s) { set_weight(b, s, b.weight_name, b.package().weight); }},

    keyword{"monitored_subnet", sec::package, false, true, add_monitored},
    keyword{"subnet", sec::package, false, true, add_monitored, "monitored_subnet"},
    keyword{"monitored_subnet_access", sec::package, false, true, set_access},
    keyword{"local_lan_failover_allowed", sec::package, false, false, set_lan_failover},

    keyword{"generic_resource_name", sec::generic_resource, true, false, open_generic},
    keyword{"generic_resource_evaluation_type", sec::generic_resource, false, false, set_evaluation},
    keyword{"generic_resource_up_criteria", sec::generic_resource, false, false, set_criterion},
};

}  // namespace

std::span<const keyword> placement_keywords() { return placement_table; }

}  // namespace mainstay::parsing
