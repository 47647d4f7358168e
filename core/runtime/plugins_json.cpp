#include "runtime/plugins_json.hpp"

#include <nlohmann/json.hpp>

#include "runtime/json_text.hpp"

namespace mainstay::runtime {

namespace {

using json = nlohmann::ordered_json;

json used_by(const configuration& config, const std::string& plugin) {
    json out = json::array();
    auto look = [&](const plugin_instance& item) {
        if (item.plugin == plugin) out.push_back(item.name);
    };
    for (const auto& item : effective_links(config.cluster)) look(item);
    for (const auto& item : config.cluster.stonith) look(item);
    for (const auto& item : config.cluster.arbitrators) look(item);
    for (const auto& item : config.cluster.event_sources) look(item);
    for (const auto& item : config.cluster.notifiers) look(item);
    for (const auto& package : config.packages) {
        for (const auto& item : package.resources)
            if (item.plugin == plugin) out.push_back(package.name + "/" + item.name);
        if (plugin == "relocatable-ip" && !package.addresses.empty()) out.push_back(package.name);
    }
    return out;
}

json param_json(const plugin::param_info& item) {
    return {{"name", item.name},
            {"type", std::string(to_string(item.type))},
            {"scope", std::string(to_string(item.scope))},
            {"required", item.required},
            {"secret", item.secret},
            {"unit", item.unit},
            {"default", item.default_value},
            {"minimum", item.minimum},
            {"maximum", item.maximum},
            {"choices", item.choices},
            {"help", item.help}};
}

json summary(const plugin::listed_plugin& item, const configuration& config) {
    if (!item.info) return {{"file", item.file.filename().string()}, {"error", item.info.error().message}};
    return {{"name", item.info->name},       {"kind", std::string(to_string(item.info->kind))},
            {"version", item.info->version}, {"summary", item.info->summary},
            {"file", item.file.string()},    {"used_by", used_by(config, item.info->name)}};
}

}  // namespace

std::string plugins_json(const plugin_list& installed, const configuration& config, const std::string& directory) {
    json list = json::array();
    for (const auto& item : installed) list.push_back(summary(item, config));
    return dump({{"directory", directory}, {"plugins", std::move(list)}});
}

std::string plugin_json(const plugin_list& installed, const configuration& config, const std::string& name) {
    for (const auto& item : installed) {
        if (!item.info || item.info->name != name) continue;
        auto out = summary(item, config);
        out["params"] = json::array();
        for (const auto& param : item.info->params) out["params"].push_back(param_json(param));
        return dump(out);
    }
    return {};
}

}  // namespace mainstay::runtime
