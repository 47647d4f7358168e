#include "runtime/script_calls.hpp"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

namespace mainstay::runtime {

namespace {

using json = nlohmann::json;

constexpr std::array<std::pair<std::string_view, node::script_verb>, 4> verbs{{
    {"run_service", node::script_verb::run_service},
    {"halt_service", node::script_verb::halt_service},
    {"add_address", node::script_verb::add_address},
    {"remove_address", node::script_verb::remove_address},
}};
constexpr std::int64_t restarts_max = 1'000'000;

std::string text(const json& params, const char* name) {
    auto found = params.find(name);
    return found != params.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// GUARD/PACKAGE/REQUEST, as the guard marks whatever it starts; a package's name has no slash in it.
bool read_mark(const std::string& mark, node::script_call& out) {
    auto first = mark.find('/');
    auto last = mark.rfind('/');
    if (first == std::string::npos || last <= first + 1) return false;
    out.package = mark.substr(first + 1, last - first - 1);
    const auto* end = mark.data() + mark.size();
    auto [rest, code] = std::from_chars(mark.data() + last + 1, end, out.script.value);
    return code == std::errc{} && rest == end && out.script;
}

}  // namespace

result<node::script_call> read_script_call(std::string_view verb, const std::string& params) {
    node::script_call out;
    bool known = false;
    for (const auto& [word, meaning] : verbs) {
        if (word != verb) continue;
        out.verb = meaning;
        known = true;
    }
    if (!known) return fail("there is no method script." + std::string(verb));
    auto given = json::parse(params, nullptr, false);
    if (!given.is_object()) return fail("params has to be an object");
    if (!read_mark(text(given, "process"), out)) return fail("only a script of a package can ask for this");
    bool service = out.verb == node::script_verb::run_service || out.verb == node::script_verb::halt_service;
    out.name = text(given, service ? "service" : "address");
    out.text = text(given, service ? "command" : "subnet");
    if (out.name.empty()) return fail(service ? "service is missing" : "address is missing");
    auto restarts = given.find("restarts");
    if (restarts == given.end()) return out;
    if (*restarts == "unlimited") {
        out.restart_max.reset();
    } else if (restarts->is_number_integer() && *restarts >= 0 && *restarts <= restarts_max) {
        out.restart_max = restarts->get<std::uint32_t>();
    } else {
        return fail("restarts is unlimited or a number from 0 to " + std::to_string(restarts_max));
    }
    return out;
}

}  // namespace mainstay::runtime
