#include "runtime/admin_methods.hpp"
#include "runtime/explain_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cluster/change_effects.hpp"
#include "cluster/change_refusals.hpp"
#include "cluster/newer_keywords.hpp"
#include "cluster/plan_id.hpp"
#include "model/difference.hpp"
#include "model/timing.hpp"
#include "runtime/clock.hpp"
#include "runtime/configuration_files.hpp"
#include "runtime/forecast_json.hpp"
#include "runtime/history_json.hpp"
#include "runtime/host_addresses.hpp"
#include "runtime/json_text.hpp"
#include "runtime/plugins_json.hpp"
#include "runtime/problem_json.hpp"
#include "runtime/quorum_json.hpp"
#include "runtime/resource_json.hpp"
#include "runtime/script_calls.hpp"
#include "runtime/status_json.hpp"

namespace mainstay::runtime {

namespace {

using json = nlohmann::ordered_json;

enum code : int {
    no_json = -32700,
    no_request = -32600,
    no_method = -32601,
    bad_params = -32602,
    refused = 1,
    failed = 2,
    no_leader = 3,
    unconfirmed = 4,
    not_formed = 5,
    not_found = 6,
    invalid = 8,
};

// Writing JSON recurses: what came from outside is written only when it is known to be flat enough.
bool deeper_than(const json& item, int levels) {
    if (!item.is_structured()) return false;
    return levels == 0 ||
           std::any_of(item.begin(), item.end(), [levels](const json& each) { return deeper_than(each, levels - 1); });
}

json error_object(const json& id, std::int64_t number, const std::string& message, json data = nullptr) {
    json error{{"code", number}, {"message", message}};
    if (!data.is_null()) error["data"] = std::move(data);
    return {{"jsonrpc", "2.0"}, {"id", id}, {"error", std::move(error)}};
}

// One request being answered.
class request {
public:
    request(admin_backend& backend, std::string actor, admin_methods::send_line send)
        : backend_(backend), actor_(std::move(actor)), send_(std::move(send)) {}

    std::optional<watch_filter> run(const std::string& line) {
        auto message = json::parse(line, nullptr, false);
        if (message.is_discarded()) {
            error(no_json, "that is no JSON; one request per line was expected");
            return std::nullopt;
        }
        bool whole = message.is_object() && message.contains("method") && message["method"].is_string();
        if (message.is_object() && message.contains("id") && (message["id"].is_number() || message["id"].is_string()))
            id_ = message["id"];
        if (!whole || id_.is_null()) {
            error(no_request, "a JSON-RPC 2.0 request with method and id was expected");
            return std::nullopt;
        }
        // Moved: a copy of what nests a million deep would be as deep on the stack.
        if (message.contains("params")) params_ = std::move(message["params"]);
        if (params_.is_null()) params_ = json::object();
        if (!params_.is_object()) {
            error(bad_params, "params has to be an object");
            return std::nullopt;
        }
        return dispatch(message["method"].get<std::string>());
    }

private:
    void answer(json value) { send_(dump({{"jsonrpc", "2.0"}, {"id", id_}, {"result", std::move(value)}})); }
    void error(std::int64_t number, const std::string& message, json data = nullptr) {
        send_(dump(error_object(id_, number, message, std::move(data))));
    }
    [[nodiscard]] std::string text(const char* name) const {
        auto found = params_.find(name);
        return found != params_.end() && found->is_string() ? found->get<std::string>() : std::string();
    }
    [[nodiscard]] std::int64_t number(const char* name, std::int64_t otherwise) const {
        auto found = params_.find(name);
        return found != params_.end() && found->is_number_integer() ? found->get<std::int64_t>() : otherwise;
    }
    [[nodiscard]] const cluster::state& state() const { return backend_.core().state(); }

    std::optional<watch_filter> dispatch(const std::string& method) {
        if (method == "status") {
            answer(json::parse(status_json(backend_)));
        } else if (method.starts_with("package.")) {
            package(method.substr(8));
        } else if (method.starts_with("resource.")) {
            resource(method.substr(9));
        } else if (method.starts_with("script.")) {
            script(method.substr(7));
        } else if (method == "node.run" || method == "node.halt") {
            if (need("node")) submit(cluster::node_admin{text("node"), method == "node.run"});
        } else if (method == "node.detach" || method == "node.attach") {
            if (need("node")) detach(text("node"), method == "node.detach");
        } else if (method == "cluster.detach" || method == "cluster.attach") {
            detach("", method == "cluster.detach");
        } else if (method == "node.fence") {
            if (need("node")) submit(cluster::fence_node{text("node")});
        } else if (method == "cluster.certify") {
            certify();
        } else if (method == "proof") {
            proof();
        } else if (method == "timing") {
            answer(json::parse(timing_json(backend_.core())));
        } else if (method == "cluster.run" || method == "cluster.halt") {
            submit(cluster::cluster_admin{method == "cluster.run"});
        } else if (method == "cluster.check" || method == "cluster.apply") {
            configuration_files(method == "cluster.apply");
        } else if (method == "cluster.get") {
            cluster_get();
        } else if (method == "explain") {
            explain();
        } else if (method == "simulate") {
            simulate();
        } else if (method == "history") {
            history();
        } else if (method == "watch") {
            return watch();
        } else if (method == "plugins.list" || method == "plugins.info") {
            plugins(method == "plugins.info");
        } else {
            error(no_method, "there is no method " + method + "; docs/reference/admin-api.md lists them");
        }
        return std::nullopt;
    }

    bool need(const char* name) {
        if (!text(name).empty()) return true;
        error(bad_params, std::string(name) + " is missing", {{"expected", name}});
        return false;
    }

    void package(const std::string& what) {
        if (!need("package")) return;
        auto name = text("package");
        auto node = text("node");
        if (state().formed() && state().find_package(name) == nullptr) {
            std::vector<std::string_view> words;
            for (const auto& known : state().config.packages) words.push_back(known.name);
            return error(not_found, "there is no package " + name, {{"nearest", nearest_word(name, words)}});
        }
        if (what == "start") {
            start(name, node);
        } else if (what == "reset_restarts") {
            submit(cluster::restarts_reset{name, node, text("service")});
        } else if (what == "halt") {
            if (is_true("partial")) {
                if (node.empty()) return submit(cluster::package_stop_partly{name});
                return error(bad_params, "what was started partly runs on one node", {{"expected", "no node"}});
            }
            if (node.empty()) return submit(cluster::package_stop{name});
            submit(cluster::package_stop_on{name, node});
        } else if (what == "move") {
            submit(cluster::package_move{name, node});
        } else if (what == "enable" || what == "disable") {
            submit(cluster::package_switching{name, node, what == "enable"});
        } else if (what == "maintenance") {
            maintenance(name, node);
        } else if (what == "pin") {
            if (need("node")) submit(cluster::package_pin{name, node, text("reason"), until()});
        } else if (what == "unpin") {
            submit(cluster::package_pin{name, "", "", {}});
        } else {
            error(no_method, "there is no method package." + what);
        }
    }

    void detach(const std::string& node, bool on) {
        if (on) return submit(cluster::node_detach{node, text("reason")});
        submit(cluster::node_attach{node});
    }

    void start(const std::string& name, const std::string& node) {
        auto without = params_.find("without");
        bool given = without != params_.end();
        if (text("to").empty() && !given) return submit(cluster::package_run{name, node});
        cluster::package_run_partly asked{name, node, text("to"), {}};
        bool names = !given || (without->is_array() && std::all_of(without->begin(), without->end(),
                                                                   [](const json& item) { return item.is_string(); }));
        if (!names) return error(bad_params, "without is a list of steps", {{"expected", "[\"service\"]"}});
        for (std::size_t i = 0; given && i < without->size(); ++i)
            asked.without.push_back((*without)[i].get<std::string>());
        submit(std::move(asked));
    }

    void maintenance(const std::string& name, const std::string& node) {
        auto on = params_.find("on");
        if (on == params_.end() || !on->is_boolean())
            return error(bad_params, "on is missing", {{"expected", "true or false"}});
        submit(cluster::package_maintenance{name, node, on->get<bool>(), text("reason"), until()});
    }

    [[nodiscard]] std::optional<wall_time> until() const {
        auto when = number("until", 0);
        return when > 0 ? std::optional(wall_time{when}) : std::nullopt;
    }

    // Without a node: this one, whose monitor it is.
    void resource(const std::string& what) {
        if (!state().formed()) return error(not_formed, "this node is in no cluster yet");
        if (what == "list") return answer(json::parse(resources_json(state())));
        if (what != "get" && what != "set") return error(no_method, "there is no method resource." + what);
        if (!need("resource")) return;
        auto name = text("resource");
        auto node = text("node").empty() ? backend_.core().name() : text("node");
        if (state().find_resource(name) == nullptr) {
            std::vector<std::string_view> words;
            for (const auto& package : state().config.packages)
                for (const auto& item : package.generic_resources) words.push_back(item.name);
            return error(not_found, "no package has a generic resource " + name,
                         {{"nearest", nearest_word(name, words)}});
        }
        if (!state().find_node(node)) return error(not_found, "there is no node " + node);
        if (what == "get") return answer(json::parse(resource_json(state(), name, node)));
        if (need("value")) submit(cluster::resource_set{name, node, text("value")});
    }

    void script(const std::string& what) {
        if (deeper_than(params_, 1)) return error(bad_params, "params has to be a flat object");
        auto asked = read_script_call(what, dump(params_));
        if (!asked) return error(bad_params, asked.error().message);
        auto wrong = against_host_address(*asked, host_addresses(), backend_.core().runners());
        if (!wrong.empty()) return error(refused, wrong);
        ask(std::move(*asked), json::object());
    }

    void submit(cluster::command_body body) { ask(node::admin_body{std::move(body)}, json::object()); }

    // `if_refused` goes with a refusal: where in the files it stands.
    void ask(node::admin_body body, const json& more, const json& if_refused = json()) {
        if (!state().formed() && !std::holds_alternative<node::form_cluster>(body))
            return error(not_formed, "this node is in no cluster yet: hactl cluster apply on one node forms it");
        if (is_true("plan")) return plan(body, more);
        if (auto id = text("plan_id"); !id.empty()) {
            const auto* asked = std::get_if<cluster::command_body>(&body);
            if (asked == nullptr) return error(bad_params, "there is no plan of this", {{"expected", "no plan_id"}});
            body = cluster::command_body{cluster::planned{std::move(id), encode(*asked)}};
        }
        duration patience{std::clamp<std::int64_t>(number("wait_ms", 30'000), 1, 3'600'000) * 1000};
        auto send = send_;
        auto id = id_;
        auto progress = [send, id](const std::string& line) {
            send(dump({{"jsonrpc", "2.0"},
                       {"method", "progress"},
                       {"params", {{"id", id}, {"time", wall_now().us}, {"text", line}}}}));
        };
        auto done = [send, id, more, if_refused](const node::admin_done& item) {
            if (item.result == node::admin_result::done) {
                json value = more;
                value["text"] = item.text;
                send(dump({{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(value)}}));
                return;
            }
            int number = item.result == node::admin_result::refused     ? refused
                         : item.result == node::admin_result::failed    ? failed
                         : item.result == node::admin_result::no_leader ? no_leader
                                                                        : unconfirmed;
            send(dump(error_object(id, number, item.text, number == refused ? if_refused : json())));
        };
        backend_.ask(std::move(body), actor_, patience, progress, done);
    }

    // Of a list of names; what is no text in it is none.
    [[nodiscard]] std::vector<std::string> names_in(const char* list) const {
        std::vector<std::string> names;
        auto found = params_.find(list);
        if (found == params_.end() || !found->is_array()) return names;
        for (const auto& item : *found)
            if (item.is_string()) names.push_back(item.get<std::string>());
        return names;
    }

    [[nodiscard]] bool is_true(const char* name) const {
        auto found = params_.find(name);
        return found != params_.end() && *found == true;
    }

    // What would come of it; nothing is changed. A refusal is the one that the command itself would get.
    void plan(const node::admin_body& body, json more) {
        const auto* asked = std::get_if<cluster::command_body>(&body);
        const auto* first = std::get_if<node::form_cluster>(&body);
        if (first != nullptr) return foreseen(policy::foresee_first(first->text), std::move(more));
        if (asked == nullptr) return error(bad_params, "there is no plan of this", {{"expected", "no plan"}});
        if (auto wrong = cluster::against_newer_command(state(), *asked); !wrong.empty()) return error(refused, wrong);
        more["plan_id"] = cluster::plan_id_of(state(), *asked);
        foreseen(policy::foresee(state(), outset(), {policy::asked{actor_, *asked}}), std::move(more));
    }

    [[nodiscard]] policy::outset outset() const { return outset_of(backend_.core(), boot_now(), wall_now()); }

    void foreseen(const result<policy::forecast>& seen, json more) {
        if (!seen) return error(outset().leader || !state().formed() ? refused : no_leader, seen.error().message);
        more.update(json::parse(forecast_json(state(), *seen)));
        answer(std::move(more));
    }

    void simulate() {
        constexpr int levels = 5;
        if (deeper_than(params_, levels)) return error(bad_params, "params is nested too deep");
        if (!state().formed()) return error(not_formed, "this node is in no cluster yet");
        auto found = params_.find("happenings");
        bool files = found != params_.end() && found->is_array() &&
                     std::any_of(found->begin(), found->end(), [](const json& item) {
                         return item.is_object() && item.value("kind", json()) == "apply";
                     });
        if (!files) return simulate(std::vector<std::string>());
        backend_.list_plugins([self = std::make_shared<request>(std::move(*this))](
                                  const result<plugin_list>& installed) { self->simulate(installed); });
    }

    void simulate(const result<plugin_list>& installed) {
        if (!installed) return error(failed, installed.error().message);
        std::vector<std::string> texts;
        for (const auto& item : params_["happenings"]) {
            if (!item.is_object() || item.value("kind", json()) != "apply") continue;
            auto files = files_of(item);
            if (files.empty()) return;
            auto checked = check_files(files, *installed, backend_.plugin_dir());
            if (!checked.ok())
                return error(invalid, "the configuration has errors",
                             {{"problems", json::parse(problems_json(checked.found))}});
            texts.push_back(checked.canonical);
        }
        simulate(texts);
    }

    void simulate(const std::vector<std::string>& texts) {
        auto asked = params_.contains("happenings") ? params_["happenings"] : json::array();
        auto list = read_happenings(state(), dump(asked), texts, actor_);
        if (list) return foreseen(policy::foresee(state(), outset(), *list), json::object());
        bool nonsense = list.error().what == forecast_refusal::kind::nonsense;
        error(nonsense ? bad_params : not_found, list.error().message,
              {{nonsense ? "expected" : "nearest", list.error().hint}});
    }

    // Empty when it has been answered with what is wrong.
    std::vector<named_text> files_of(const json& from) {
        std::vector<named_text> files;
        auto found = from.find("files");
        if (found == from.end() || !found->is_array() || found->empty()) {
            error(bad_params, "files is missing", {{"expected", "[{\"name\":..., \"text\":...}]"}});
            return {};
        }
        for (const auto& item : *found) {
            bool whole = item.is_object() && item.contains("name") && item["name"].is_string() &&
                         item.contains("text") && item["text"].is_string();
            if (!whole) {
                error(bad_params, "every file needs name and text");
                return {};
            }
            files.push_back({item["name"].get<std::string>(), item["text"].get<std::string>()});
            auto unreadable = item.find("unreadable");
            if (unreadable != item.end() && unreadable->is_string())
                files.back().unreadable = unreadable->get<std::string>();
        }
        return files;
    }

    void configuration_files(bool apply) {
        auto files = files_of(params_);
        if (files.empty()) return;
        // Later: this object goes on living in the copy.
        backend_.list_plugins([self = std::make_shared<request>(std::move(*this)), files = std::move(files),
                               apply](const result<plugin_list>& installed) { self->check(files, installed, apply); });
    }

    void check(const std::vector<named_text>& files, const result<plugin_list>& installed, bool apply) {
        if (!installed) return error(failed, installed.error().message);
        auto checked = check_files(files, *installed, backend_.plugin_dir());
        auto programs = programs_of(checked.config);
        spare_unchanged(programs, state().config, checked.config);
        auto where = where_to_look(programs);
        auto go_on = [self = std::make_shared<request>(std::move(*this)), files, checked = std::move(checked),
                      programs = std::move(programs), apply](const program_looks& looks) mutable {
            add_programs(checked, files, programs, looks);
            self->validate(std::move(checked), files, looks, apply);
        };
        if (where.empty()) return go_on({});
        backend_.look_at_programs(where, std::move(go_on));
    }

    // Not when it can't be applied anyhow: scripts are not run for nothing.
    void validate(checked_files checked, std::vector<named_text> files, const program_looks& looks, bool apply) {
        auto scripts = checked.ok() ? scripts_to_validate(state().config, checked.config, looks)
                                    : std::vector<script_to_validate>();
        if (scripts.empty()) return this->checked(checked, files, apply);
        auto go_on = [self = std::make_shared<request>(std::move(*this)), checked = std::move(checked),
                      files = std::move(files), scripts, apply](const validation_results& results) mutable {
            add_validations(checked, files, scripts, results);
            self->checked(checked, files, apply);
        };
        backend_.validate_scripts(scripts, std::move(go_on));
    }

    void checked(const checked_files& checked, const std::vector<named_text>& files, bool apply) {
        bool changes_it = state().formed() && checked.ok();
        auto wrong_now = changes_it ? cluster::against_now(state(), checked.config) : problems{};
        auto gone = changes_it ? cluster::left_out(state(), checked.config, names_in("remove")) : problems{};
        auto changes = checked.ok() ? changes_to(checked.config) : json::array();
        if (!apply) {
            auto told = checked;
            add_problems(told, files, wrong_now);
            add_problems(told, files, gone);
            answer({{"ok", told.ok()},
                    {"problems", json::parse(problems_json(told.found))},
                    {"changes", std::move(changes)},
                    {"timing", checked.ok() ? mainstay::explain(timings_of(checked.config.cluster)) : ""}});
            return;
        }
        auto found = json::parse(problems_json(checked.found));
        if (!checked.ok())
            return error(invalid, "the configuration has errors; nothing was applied", {{"problems", found}});
        for (auto& item : gone) item.severity = problem::level::error;
        if (!gone.empty())
            return error(refused, "packages are removed by name; nothing was applied",
                         {{"problems", json::parse(problems_json(gone))}});
        if (auto wrong = cluster::against_newer_keywords(state(), checked.config); !wrong.empty())
            return error(refused, wrong);
        json more{{"problems", found}, {"changes", std::move(changes)}};
        if (state().formed())
            return ask(cluster::command_body{cluster::configure{checked.canonical, {}}}, more,
                       {{"problems", json::parse(problems_json(wrong_now))}});
        ask(node::form_cluster{checked.canonical}, more);
    }

    [[nodiscard]] json changes_to(const configuration& wanted) const {
        if (!state().formed()) return json::array();
        auto list = difference(state().config, wanted);
        for (auto& line : cluster::effects_on_packages(state(), wanted)) list.push_back(std::move(line));
        return json(list);
    }

    // Without `confirm` only what has to be seen first (R5).
    void certify() {
        auto confirm = params_.find("confirm");
        if (confirm == params_.end() || *confirm != true)
            return answer(json::parse(certify_json(backend_.core(), boot_now())));
        node::certify_down asked;
        auto nodes = params_.find("nodes");
        bool named = nodes != params_.end() && nodes->is_array() && !nodes->empty();
        for (std::size_t i = 0; named && i < nodes->size(); ++i) {
            named = (*nodes)[i].is_string();
            if (named) asked.nodes.push_back((*nodes)[i].get<std::string>());
        }
        if (!named) return error(bad_params, "nodes is missing", {{"expected", "[\"node2\"]"}});
        auto abandon = params_.find("abandon");
        asked.abandon = abandon != params_.end() && *abandon == true;
        ask(std::move(asked), json::object());
    }

    void proof() {
        if (!need("package")) return;
        auto told = proof_json(backend_.core(), text("package"));
        if (told.empty()) return error(not_found, "there is no package " + text("package"));
        answer(json::parse(told));
    }

    void cluster_get() {
        if (!state().formed()) return error(not_formed, "this node is in no cluster yet");
        json out{{"text", state().configuration_text}};
        for (const auto& item : backend_.core().history()) {
            bool applied = (item.event == "configuration_applied" || item.event == "cluster_formed") && !item.refused;
            if (!applied) continue;
            out["index"] = item.index.value;
            out["time"] = item.when.us;
            out["actor"] = item.actor;
        }
        answer(std::move(out));
    }

    void explain() {
        if (!need("package")) return;
        if (!state().formed()) return error(not_formed, "this node is in no cluster yet");
        explain_question asked{text("package"), text("node"), std::nullopt};
        if (auto at = number("at", -1); at >= 0) asked.at = wall_time{at};
        auto told = explain_json(backend_, asked);
        if (!told) return error(not_found, told.error().message);
        answer(json::parse(*told));
    }

    void history() {
        history_question asked{text("package"), text("node"), {}, {}};
        if (auto before = number("before", -1); before >= 0)
            asked.before = log_index{static_cast<std::uint64_t>(before)};
        asked.limit = static_cast<std::size_t>(std::clamp<std::int64_t>(number("limit", 50), 1, 1000));
        answer(json::parse(history_json(backend_.core().history(), asked)));
    }

    std::optional<watch_filter> watch() {
        watch_filter filter{text("package"), text("node")};
        answer({{"index", state().applied.value}});
        auto since = number("since", -1);
        if (since >= 0)
            for (const auto& item : backend_.core().history())
                if (static_cast<std::int64_t>(item.index.value) > since)
                    if (auto line = admin_methods::event_line(item, filter)) send_(std::move(*line));
        return filter;
    }

    void plugins(bool one) {
        if (one && !need("name")) return;
        backend_.list_plugins([self = std::make_shared<request>(std::move(*this)),
                               one](const result<plugin_list>& installed) { self->plugins(one, installed); });
    }

    void plugins(bool one, const result<plugin_list>& installed) {
        if (!installed) return error(failed, installed.error().message);
        const auto& config = state().config;
        const auto& dir = backend_.plugin_dir();
        if (!one) return answer(json::parse(plugins_json(*installed, config, dir)));
        auto told = plugin_json(*installed, config, text("name"));
        if (!told.empty()) return answer(json::parse(told));
        std::vector<std::string_view> words;
        for (const auto& item : *installed)
            if (item.info) words.push_back(item.info->name);
        error(not_found, "there is no plugin " + text("name") + " in " + dir,
              {{"nearest", nearest_word(text("name"), words)}});
    }

    admin_backend& backend_;
    std::string actor_;
    admin_methods::send_line send_;
    json id_ = nullptr;
    json params_ = json::object();
};

}  // namespace

std::optional<watch_filter> admin_methods::handle(const std::string& line, const std::string& actor, send_line send) {
    return request(backend_, actor, std::move(send)).run(line);
}

std::optional<std::string> admin_methods::event_line(const node::happened& item, const watch_filter& filter) {
    if (!is_about(item, filter.package, filter.node)) return std::nullopt;
    return dump({{"jsonrpc", "2.0"}, {"method", "event"}, {"params", json::parse(entry_json(item))}});
}

std::string admin_methods::lagged_line(std::uint64_t since) {
    json params{{"index", since},
                {"time", wall_now().us},
                {"kind", "stream_lagged"},
                {"severity", "warning"},
                {"text", "read too slowly: what came after " + std::to_string(since) + " was left out"}};
    return dump({{"jsonrpc", "2.0"}, {"method", "event"}, {"params", std::move(params)}});
}

std::string admin_methods::error_line(std::int64_t number, const std::string& message) {
    return dump(error_object(nullptr, number, message));
}

}  // namespace mainstay::runtime
