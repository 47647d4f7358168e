// The protocol between daemon and mainstay-plugin-host over one stream socket: a 4-byte little
// endian length, then the byte form (model/codec.hpp) of to_host or from_host. Both ends come from
// the same build. The daemon still treats what a host sends as hostile: a plugin may have
// scribbled over the host's memory.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/codec.hpp"
#include "model/result.hpp"
#include "runtime/plugin/schema.hpp"

namespace mainstay::plugin {

using field_map = std::map<std::string, std::string>;

enum class verb { off, on, status, start, stop, prepare, notify, grant, told, count_ };
[[nodiscard]] std::string_view to_string(verb value);

// A default answer is unknown, and unknown means: not fenced, not stopped, not granted.
enum class outcome { unknown, ok, failed, not_running, on, off, off_assumed, count_ };
[[nodiscard]] std::string_view to_string(outcome value);

enum class severity { debug, info, warning, alarm, count_ };
[[nodiscard]] std::string_view to_string(severity value);

struct node_values {
    std::string name;
    field_map params;
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name);
        visit("params", self.params);
    }
};

// Everything a plugin instance is made from. `nodes` are the nodes that the instance serves; a
// heartbeat link names its peers by their place in it, own node included.
struct instance_config {
    std::string file;
    std::string instance;
    std::string own_node;
    field_map params;
    std::vector<node_values> nodes;
    static void fields(auto& self, auto&& visit) {
        visit("file", self.file);
        visit("instance", self.instance);
        visit("own_node", self.own_node);
        visit("params", self.params);
        visit("nodes", self.nodes);
    }
};

struct call {
    std::uint64_t id = 0;
    plugin::verb verb = verb::status;
    std::string subject;  // stonith: the node; notifier: the event
    field_map args;       // notifier, arbitrator
    static void fields(auto& self, auto&& visit) {
        visit("id", self.id);
        visit("verb", self.verb);
        visit("subject", self.subject);
        visit("args", self.args);
    }
};

struct ready {
    plugin_info info;
    static void fields(auto& self, auto&& visit) { visit("info", self.info); }
};

// The library does not load or the instance does not want its parameters; the host exits.
struct refused {
    std::string text;
    static void fields(auto& self, auto&& visit) { visit("text", self.text); }
};

struct answer {
    std::uint64_t id = 0;
    plugin::outcome outcome = outcome::unknown;
    std::string text;
    field_map extra;
    static void fields(auto& self, auto&& visit) {
        visit("id", self.id);
        visit("outcome", self.outcome);
        visit("text", self.text);
        visit("extra", self.extra);
    }
};

struct event {
    plugin::severity severity = severity::info;
    std::string name;
    field_map args;
    static void fields(auto& self, auto&& visit) {
        visit("severity", self.severity);
        visit("name", self.name);
        visit("args", self.args);
    }
};

struct log_line {
    plugin::severity severity = severity::info;
    std::string text;
    static void fields(auto& self, auto&& visit) {
        visit("severity", self.severity);
        visit("text", self.text);
    }
};

using to_host = std::variant<instance_config, call>;
using from_host = std::variant<ready, refused, answer, event, log_line>;

inline constexpr std::size_t frame_limit = std::size_t{1} << 20;

// Length and body. Text that would not fit is cut by the sender (instance.cpp).
[[nodiscard]] bytes framed(const to_host& message);
[[nodiscard]] bytes framed(const from_host& message);

// Cuts a stream back into messages. After the first error nothing more comes out: the stream can't
// be trusted, the other end has to be given up.
template <class Message>
class frame_reader {
public:
    void feed(std::string_view data) { buffer_.append(data); }
    // The next message, nothing while it is incomplete, an error when the bytes are no message.
    [[nodiscard]] result<std::optional<Message>> next();

private:
    bytes buffer_;
    bool broken_ = false;
};

extern template class frame_reader<to_host>;
extern template class frame_reader<from_host>;

}  // namespace mainstay::plugin
