#include "model/builder.hpp"

#include <algorithm>

#include "model/address.hpp"
#include "model/assert.hpp"

namespace mainstay::parsing {

void builder::error(const statement& s, std::string message, std::string expected, std::string nearest) {
    auto unseen = invisible_in(s.written + ' ' + s.rest);
    if (!unseen.empty())
        message += "; the line has " + unseen + ", which looks like a blank or like nothing: type it anew";
    out.found.push_back(
        {problem::level::error, s.where, s.keyword, std::move(message), std::move(expected), std::move(nearest)});
}

void builder::warning(const statement& s, std::string message) {
    out.found.push_back({problem::level::warning, s.where, s.keyword, std::move(message), {}, {}});
}

void builder::error_at(source_position where, std::string keyword, std::string message, std::string expected) {
    out.found.push_back(
        {problem::level::error, std::move(where), std::move(keyword), std::move(message), std::move(expected), {}});
}

std::string_view opener_of(section of) {
    switch (of) {
        case section::cluster:
            return "cluster_name";
        case section::node:
            return "node_name";
        case section::interface:
            return "network_interface";
        case section::heartbeat:
            return "heartbeat_name";
        case section::stonith:
            return "stonith_name";
        case section::arbitrator:
            return "arbitrator_name";
        case section::event:
            return "event_name";
        case section::notifier:
            return "notifier_name";
        case section::package:
            return "package_name";
        case section::subnet:
            return "ip_subnet";
        case section::resource:
            return "resource_name";
        case section::service:
            return "service_name";
        case section::capacity:
            return "capacity_name";
        case section::default_weight:
        case section::weight:
            return "weight_name";
        case section::dependency:
            return "dependency_name";
        case section::generic_resource:
            return "generic_resource_name";
        case section::filesystem:
            return "fs_name";
    }
    return {};
}

bool builder::is_open(section of) {
    auto& packages = out.config.packages;
    switch (of) {
        case section::cluster:
            return out.has_cluster;
        case section::node:
            return !cluster().nodes.empty();
        case section::interface:
            return !cluster().nodes.empty() && !node().interfaces.empty();
        case section::heartbeat:
            return !cluster().heartbeats.empty();
        case section::stonith:
            return !cluster().stonith.empty();
        case section::arbitrator:
            return !cluster().arbitrators.empty();
        case section::event:
            return !cluster().event_sources.empty();
        case section::notifier:
            return !cluster().notifiers.empty();
        case section::package:
            return !packages.empty();
        case section::subnet:
            return subnet.has_value();
        case section::resource:
            return !packages.empty() && !package().resources.empty();
        case section::service:
            return !packages.empty() && !package().services.empty();
        case section::capacity:
            return capacity_name.has_value();
        case section::default_weight:
            return default_weight_name.has_value();
        case section::weight:
            return weight_name.has_value();
        case section::dependency:
            return !packages.empty() && !package().dependencies.empty();
        case section::generic_resource:
            return !packages.empty() && !package().generic_resources.empty();
        case section::filesystem:
            return !packages.empty() && !package().filesystems.empty();
    }
    return false;
}

keyword_lines* builder::lines_of(section of) {
    if (!is_open(of)) return nullptr;
    switch (of) {
        case section::cluster:
            return &cluster().lines;
        case section::node:
        case section::interface:
            return &node().lines;
        case section::heartbeat:
            return &cluster().heartbeats.back().lines;
        case section::stonith:
            return &cluster().stonith.back().lines;
        case section::arbitrator:
            return &cluster().arbitrators.back().lines;
        case section::event:
            return &cluster().event_sources.back().lines;
        case section::notifier:
            return &cluster().notifiers.back().lines;
        case section::package:
        case section::subnet:
            return &package().lines;
        case section::resource:
            return &package().resources.back().lines;
        case section::service:
            return &service().lines;
        case section::capacity:
            return &node().lines;
        case section::default_weight:
            return &cluster().lines;
        case section::weight:
            return &package().lines;
        case section::dependency:
            return &dependency().lines;
        case section::generic_resource:
            return &generic_resource().lines;
        case section::filesystem:
            return &filesystem().lines;
    }
    return nullptr;
}

std::optional<std::string> builder::word(const statement& s, std::string_view expected) {
    auto words = split_words(s.rest);
    if (!words) {
        error(s, "a quote is left open", std::string(expected));
    } else if (words->empty() || words->front().empty()) {
        error(s, "has no value", std::string(expected));
    } else if (words->size() > 1) {
        error(s, "has " + std::to_string(words->size()) + " values", "only " + std::string(expected));
    } else {
        return words->front();
    }
    return std::nullopt;
}

std::optional<std::vector<std::string>> builder::words_and_rest(const statement& s, std::size_t count,
                                                                std::string_view expected) {
    MAINSTAY_ASSERT(count >= 2);
    std::vector<std::string> parts;
    std::string_view rest = s.rest;
    while (parts.size() + 1 < count && !rest.empty()) {
        auto end = std::min(rest.find_first_of(" \t"), rest.size());
        parts.emplace_back(rest.substr(0, end));
        rest.remove_prefix(end);
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    }
    if (rest.empty()) {
        error(s, s.rest.empty() ? "has no value" : "has too few values", std::string(expected));
        return std::nullopt;
    }
    if (leaves_quote_open(rest)) {
        error(s, "a quote is left open", std::string(expected));
        return std::nullopt;
    }
    parts.push_back(whole_value(rest));
    return parts;
}

std::optional<std::string> builder::name(const statement& s) {
    auto value = word(s, "a name");
    if (value && !is_valid_name(*value)) {
        error(s, "'" + *value + "' is no valid name", std::string(name_rule));
    }
    // The section is opened all the same: what follows must not become follow-up errors.
    return value ? value : std::optional<std::string>(std::in_place);
}

void builder::time(const statement& s, bare_number bare, duration min, duration max, duration& target) {
    std::string expected = "a time such as 250ms, 2s or 5m";
    if (bare == bare_number::microseconds) expected += ", or a number of microseconds";
    if (bare == bare_number::seconds) expected += ", or a number of seconds";
    auto value = word(s, expected);
    if (!value) return;
    auto parsed = parse_duration(*value, bare);
    if (!parsed) {
        bool number = parse_count(*value).has_value();
        error(s, number ? "'" + *value + "' has no unit" : "'" + *value + "' is no time", expected);
    } else if (*parsed < min || *parsed > max) {
        error(s, "'" + *value + "' is out of range", duration_text(min) + " to " + duration_text(max));
    } else {
        target = *parsed;
    }
}

void builder::optional_time(const statement& s, duration min, duration max, std::optional<duration>& target) {
    auto words = split_words(s.rest);
    if (words && words->size() == 1 && same_word(words->front(), "no_timeout")) {
        target.reset();
        return;
    }
    duration value{-1};
    time(s, bare_number::seconds, min, max, value);
    if (value.count() >= 0) target = value;
}

void builder::path(const statement& s, std::string& target) {
    auto value = word(s, "an absolute path");
    if (!value) return;
    if (value->front() != '/') {
        error(s, "'" + *value + "' is no absolute path", "a path that starts with /");
        return;
    }
    target = *value;
}

std::string builder::subnet_text(const statement& s) {
    constexpr std::string_view expected = "a subnet such as 10.77.0.0/24 or fd00:77::/64";
    auto value = word(s, expected);
    if (!value) return {};
    auto parsed = parse_subnet(*value);
    auto plain = parse_address(*value);
    if (!parsed && !plain) {
        error(s, "'" + *value + "' is no subnet", std::string(expected));
    } else if (parsed && network_of(*parsed) != *parsed) {
        error(s, "'" + *value + "' is an address in a subnet", to_string(network_of(*parsed)));
    }
    return parsed ? to_string(network_of(*parsed)) : plain ? to_string(*plain) : std::string();
}

void builder::count(const statement& s, std::uint32_t min, std::uint32_t max, std::uint32_t& target) {
    auto expected = "a number from " + std::to_string(min) + " to " + std::to_string(max);
    auto value = word(s, expected);
    if (!value) return;
    auto parsed = parse_count(*value);
    if (!parsed || *parsed < min || *parsed > max) {
        error(s, "'" + *value + "' is not possible here", expected);
    } else {
        target = static_cast<std::uint32_t>(*parsed);
    }
}

void builder::yes_no(const statement& s, bool& target) {
    auto value = word(s, "yes or no");
    if (!value) return;
    if (auto parsed = parse_yes_no(*value)) {
        target = *parsed;
    } else {
        error(s, "'" + *value + "' is neither yes nor no", "yes or no");
    }
}

void builder::text(const statement& s, std::string& target) {
    target = whole_value(s.rest);
    if (target.empty()) error(s, "has no value", "some text");
    if (leaves_quote_open(s.rest))
        error(s, "a quote is left open", "a closing quote, or \\\" for a quote that means itself");
}

std::optional<std::size_t> builder::choice_index(const statement& s, std::initializer_list<std::string_view> choices) {
    std::string expected;
    for (auto choice : choices) {
        if (!expected.empty()) expected += " or ";
        expected += choice;
    }
    auto value = word(s, expected);
    if (!value) return std::nullopt;
    std::size_t index = 0;
    for (auto choice : choices) {
        if (same_word(choice, *value)) return index;
        ++index;
    }
    error(s, "'" + *value + "' is not known", expected,
          nearest_word(*value, std::span(choices.begin(), choices.size())));
    return std::nullopt;
}

void builder::close_names() {
    auto close = [this](std::optional<open_name>& name, const char* missing) {
        if (name && !name->text.empty()) error(name->from, "no " + std::string(missing) + " follows", missing);
        name.reset();
    };
    close(capacity_name, "capacity_value");
    close(default_weight_name, "weight_default");
    close(weight_name, "weight_value");
}

void builder::close_subnet() {
    if (subnet && !subnet->used) warning(subnet->from, "no ip_address follows, so nothing is configured on it");
    subnet.reset();
}

}  // namespace mainstay::parsing
