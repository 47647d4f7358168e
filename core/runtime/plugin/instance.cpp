#include "runtime/plugin/instance.hpp"

#include <fmt/core.h>

#include <span>
#include <utility>
#include <vector>

#include "mainstay/values.hpp"

namespace mainstay::plugin {

namespace {

// Together far below wire.hpp's frame_limit.
constexpr std::size_t text_limit = 16 * 1024;
constexpr std::size_t value_limit = 2048;
constexpr std::size_t field_limit = 256;

using sdk::from_c;
using sdk::to_c;

std::string cut(std::string_view text, std::size_t limit = text_limit) { return std::string(text.substr(0, limit)); }

severity to_severity(std::uint32_t number) {
    return number >= MAINSTAY_SEVERITY_DEBUG && number <= MAINSTAY_SEVERITY_ALARM ? static_cast<severity>(number - 1)
                                                                                  : severity::warning;
}

outcome to_outcome(std::uint32_t number) {
    switch (number) {
        case MAINSTAY_OK:
            return outcome::ok;
        case MAINSTAY_FAILED:
            return outcome::failed;
        case MAINSTAY_NOT_RUNNING:
            return outcome::not_running;
        case MAINSTAY_ON:
            return outcome::on;
        case MAINSTAY_OFF:
            return outcome::off;
        case MAINSTAY_OFF_ASSUMED:
            return outcome::off_assumed;
        default:
            return outcome::unknown;
    }
}

// A C list over a map; valid as long as the map is.
class c_fields {
public:
    explicit c_fields(const field_map& map) {
        items_.reserve(map.size());
        for (const auto& [name, value] : map) items_.push_back({to_c(name), to_c(value)});
    }
    [[nodiscard]] mainstay_fields list() const { return {items_.data(), items_.size()}; }

private:
    std::vector<mainstay_field> items_;
};

void add_field(field_map& fields, mainstay_string name, mainstay_string value) {
    if (fields.size() < field_limit)
        fields.insert_or_assign(cut(from_c(name), value_limit), cut(from_c(value), value_limit));
}

void host_log(void* context, std::uint32_t level, mainstay_string text) {
    const auto& callbacks = *static_cast<const host_callbacks*>(context);
    if (callbacks.log) callbacks.log(to_severity(level), cut(from_c(text)));
}

void host_post(void* context, std::uint32_t level, mainstay_string name, mainstay_fields raw) {
    const auto& callbacks = *static_cast<const host_callbacks*>(context);
    if (!callbacks.post) return;
    field_map fields;
    for (const auto& item : std::span(raw.items, raw.count)) add_field(fields, item.name, item.value);
    callbacks.post(to_severity(level), cut(from_c(name)), fields);
}

using sink_call = std::function<std::uint32_t(const mainstay_sink*)>;

// The function that a verb means for this kind, or nothing.
sink_call stonith_call(const mainstay_stonith_functions& f, void* self, const call& request) {
    auto with = [&](auto function) {
        return [=, node = request.subject](auto s) { return function(self, to_c(node), s); };
    };
    switch (request.verb) {
        case verb::off:
            return with(f.off);
        case verb::on:
            return with(f.on);
        case verb::status:
            return with(f.status);
        default:
            return {};
    }
}

sink_call resource_call(const mainstay_resource_functions& f, void* self, const call& request) {
    auto with = [&](auto function) { return [=](auto s) { return function(self, s); }; };
    switch (request.verb) {
        case verb::start:
            return with(f.start);
        case verb::stop:
            return with(f.stop);
        case verb::status:
            return with(f.status);
        case verb::prepare:
            if (f.prepare == nullptr) return [](auto) -> std::uint32_t { return MAINSTAY_OK; };
            return with(f.prepare);
        default:
            return {};
    }
}

sink_call request_call(const mainstay_plugin& table, void* self, const call& request) {
    if (table.kind == MAINSTAY_KIND_NOTIFIER && request.verb == verb::notify) {
        const auto* f = static_cast<const mainstay_notifier_functions*>(table.functions);
        return [=](auto s) { return f->notify(self, to_c(request.subject), c_fields(request.args).list(), s); };
    }
    if (table.kind == MAINSTAY_KIND_ARBITRATOR && (request.verb == verb::grant || request.verb == verb::told)) {
        const auto* f = static_cast<const mainstay_arbitrator_functions*>(table.functions);
        auto function = request.verb == verb::grant ? f->grant : f->told;
        return [=](auto s) { return function(self, c_fields(request.args).list(), s); };
    }
    return {};
}

sink_call find_call(const mainstay_plugin& table, void* self, const call& request) {
    switch (table.kind) {
        case MAINSTAY_KIND_STONITH:
            return stonith_call(*static_cast<const mainstay_stonith_functions*>(table.functions), self, request);
        case MAINSTAY_KIND_RESOURCE:
            return resource_call(*static_cast<const mainstay_resource_functions*>(table.functions), self, request);
        default:
            return request_call(table, self, request);
    }
}

}  // namespace

sink::sink()
    : table_{sizeof(mainstay_sink), this,
             [](void* context, mainstay_string said) { static_cast<sink*>(context)->text = cut(from_c(said)); },
             [](void* context, mainstay_string name, mainstay_string value) {
                 add_field(static_cast<sink*>(context)->fields, name, value);
             }} {}

// On the heap and shared: the plugin keeps the address of `host`.
struct instance::body {
    body(library from, host_callbacks given)
        : code(std::move(from)),
          callbacks(std::move(given)),
          host{sizeof(mainstay_host), &callbacks, host_log, host_post} {}
    body(const body&) = delete;
    body& operator=(const body&) = delete;
    ~body() {
        if (self != nullptr) code.table().destroy(self);
    }

    library code;
    host_callbacks callbacks;
    mainstay_host host;
    void* self = nullptr;
};

result<instance> instance::create(library from, const instance_config& config, host_callbacks callbacks) {
    auto made = std::make_shared<body>(std::move(from), std::move(callbacks));
    const c_fields params(config.params);
    std::vector<c_fields> node_params;
    node_params.reserve(config.nodes.size());
    std::vector<mainstay_node> nodes;
    for (const auto& node : config.nodes) {
        node_params.emplace_back(node.params);
        nodes.push_back({to_c(node.name), node_params.back().list()});
    }
    const mainstay_config raw{sizeof(mainstay_config), to_c(config.instance), to_c(config.own_node),
                              params.list(),           nodes.data(),          nodes.size()};
    const sink out;
    const auto& table = made->code.table();
    if (table.create(&raw, &made->host, &out.table(), &made->self) != MAINSTAY_OK || made->self == nullptr) {
        made->self = nullptr;
        return fail(fmt::format("{} ({}): {}", config.instance, made->code.info().name,
                                out.text.empty() ? "the plugin refused without a reason" : out.text));
    }
    return instance(std::move(made));
}

answer instance::perform(const call& request) {
    auto function = find_call(table(), raw(), request);
    if (!function)
        return {request.id,
                outcome::failed,
                fmt::format("{} is a {} plugin, it has no '{}'", info().name, to_string(info().kind),
                            to_string(request.verb)),
                {}};
    sink out;
    auto code = to_outcome(function(&out.table()));
    return {request.id, code, std::move(out.text), std::move(out.fields)};
}

bool instance::run() {
    if (table().kind != MAINSTAY_KIND_EVENT_SOURCE) return false;
    static_cast<const mainstay_event_source_functions*>(table().functions)->run(raw());
    return true;
}

void instance::stop() {
    if (table().kind == MAINSTAY_KIND_EVENT_SOURCE)
        static_cast<const mainstay_event_source_functions*>(table().functions)->stop(raw());
}

const plugin_info& instance::info() const { return body_->code.info(); }
const mainstay_plugin& instance::table() const { return body_->code.table(); }
void* instance::raw() const { return body_->self; }

}  // namespace mainstay::plugin
