#include "runtime/plugin/schema.hpp"

#include <fmt/core.h>

#include <array>
#include <cstring>
#include <optional>
#include <set>

#include "mainstay/values.hpp"

namespace mainstay::plugin {

namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(kind::count_)> kind_names{
    "heartbeat", "stonith", "resource", "event_source", "arbitrator", "notifier"};
constexpr std::array<std::string_view, static_cast<std::size_t>(param_type::count_)> type_names{
    "text", "integer", "boolean", "duration", "choice", "address", "subnet", "path", "command"};
constexpr std::array<std::string_view, static_cast<std::size_t>(param_scope::count_)> scope_names{"instance", "node",
                                                                                                  "either"};

// The C numbers count from 1, so that a zeroed table is never valid.
template <class Enum>
std::optional<Enum> from_number(std::uint32_t number) {
    if (number == 0 || number > static_cast<std::uint32_t>(Enum::count_)) return std::nullopt;
    return static_cast<Enum>(number - 1);
}

bool is_word(std::string_view name) {
    return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

std::vector<std::string> split_choices(std::string_view choices) {
    std::vector<std::string> words;
    while (!choices.empty()) {
        auto bar = choices.find('|');
        words.emplace_back(choices.substr(0, bar));
        choices = bar == std::string_view::npos ? std::string_view{} : choices.substr(bar + 1);
    }
    return words;
}

result<param_info> read_param(const mainstay_param& raw) {
    param_info param;
    param.name = sdk::from_c(raw.name);
    if (!is_word(param.name))
        return fail(fmt::format("parameter name '{}': expected lower case letters, digits and '_'", param.name));
    auto type = from_number<param_type>(raw.type);
    auto scope = from_number<param_scope>(raw.scope);
    if (!type || !scope) return fail(fmt::format("parameter {}: unknown type or scope number", param.name));
    param.type = *type;
    param.scope = *scope;
    param.required = raw.required != 0;
    param.secret = raw.secret != 0;
    param.unit = sdk::from_c(raw.unit);
    param.default_value = sdk::from_c(raw.default_value);
    param.minimum = raw.minimum;
    param.maximum = raw.maximum;
    param.choices = split_choices(sdk::from_c(raw.choices));
    param.help = sdk::from_c(raw.help);
    if ((param.type == param_type::choice) != !param.choices.empty())
        return fail(fmt::format("parameter {}: choices belong to the type choice, and to no other", param.name));
    if (param.help.empty()) return fail(fmt::format("parameter {}: has no help text", param.name));
    if (!param.default_value.empty()) {
        const sdk::param rule{.name = param.name,
                              .type = static_cast<sdk::type>(raw.type),
                              .minimum = raw.minimum,
                              .maximum = raw.maximum,
                              .choices = sdk::from_c(raw.choices)};
        if (auto problem = sdk::value_problem(rule, param.default_value); !problem.empty())
            return fail(fmt::format("parameter {}: its default '{}' {}", param.name, param.default_value, problem));
    }
    return param;
}

}  // namespace

std::string_view to_string(kind value) { return kind_names.at(static_cast<std::size_t>(value)); }
std::string_view to_string(param_type value) { return type_names.at(static_cast<std::size_t>(value)); }
std::string_view to_string(param_scope value) { return scope_names.at(static_cast<std::size_t>(value)); }

result<plugin_info> read_info(const mainstay_plugin& table) {
    plugin_info info;
    info.name = sdk::from_c(table.name);
    info.version = sdk::from_c(table.version);
    info.summary = sdk::from_c(table.summary);
    auto number = from_number<kind>(table.kind);
    if (!number) return fail(fmt::format("unknown plugin kind number {}", table.kind));
    info.kind = *number;
    std::set<std::string> seen;
    for (std::uint32_t i = 0; i < table.param_count; ++i) {
        // A plugin of a newer minor version may have larger entries; its own size is the stride.
        mainstay_param raw{};
        std::memcpy(&raw, reinterpret_cast<const char*>(table.params) + std::size_t{i} * table.param_size, sizeof raw);
        auto param = read_param(raw);
        if (!param) return tl::make_unexpected(param.error());
        if (!seen.insert(param->name).second) return fail(fmt::format("parameter {} is there twice", param->name));
        info.params.push_back(std::move(*param));
    }
    return info;
}

plugin_schema to_schema(const plugin_info& info) {
    static_assert(static_cast<int>(kind::count_) == static_cast<int>(plugin_kind::count_));
    static_assert(static_cast<int>(param_type::count_) == static_cast<int>(value_type::count_));
    static_assert(static_cast<int>(param_type::command) == static_cast<int>(value_type::command));
    static_assert(static_cast<int>(param_scope::count_) == static_cast<int>(value_scope::count_));
    plugin_schema result{info.name, static_cast<plugin_kind>(info.kind), {}};
    for (const auto& param : info.params)
        result.params.push_back({param.name, static_cast<value_type>(param.type), static_cast<value_scope>(param.scope),
                                 param.required, param.unit, param.default_value, param.minimum, param.maximum,
                                 param.choices, param.help});
    return result;
}

}  // namespace mainstay::plugin
