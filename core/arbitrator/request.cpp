#include "arbitrator/request.hpp"

#include <charconv>

namespace mainstay::arbitrator {

namespace {

template <class Number>
bool read_number(std::string_view text, Number& out, int base) {
    auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    return code == std::errc{} && end == text.data() + text.size();
}

template <class Number>
bool read_field(const call_fields& given, std::string_view name, Number& out, int base = 10) {
    auto found = given.find(name);
    return found != given.end() && read_number(std::string_view(found->second), out, base);
}

}  // namespace

result<call_request> read_call(const call_fields& given) {
    call_request out;
    auto& request = out.request;
    auto bad = [](const char* name) { return fail("the request's field " + std::string(name) + " is no number"); };
    constexpr int hexadecimal = 16;
    if (!read_field(given, "cluster", request.cluster.value, hexadecimal)) return bad("cluster");
    if (!read_field(given, "store", request.store.value, hexadecimal)) return bad("store");
    if (!read_field(given, "version", request.version)) return bad("version");
    if (!read_field(given, "term_round", request.set_term.round)) return bad("term_round");
    if (!read_field(given, "term_node", request.set_term.node.value)) return bad("term_node");
    if (!read_field(given, "node", out.node.value)) return bad("node");
    auto half = given.find("half");
    std::string_view rest = half == given.end() ? std::string_view{} : std::string_view(half->second);
    while (!rest.empty()) {
        auto word = rest.substr(0, rest.find(' '));
        node_id node;
        if (!read_number(word, node.value, 10)) return bad("half");
        request.half.push_back(node);
        rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    }
    return out;
}

std::string told_text(const consensus::tie_told& told) {
    char store[20];
    std::snprintf(store, sizeof store, "%llx", static_cast<unsigned long long>(told.store.value));
    return std::string("store=") + store + " floor=" + std::to_string(told.floor) +
           " granted=" + (told.granted ? "1" : "0");
}

}  // namespace mainstay::arbitrator
