// One living instance of a plugin, seen from C++: the calls of all kinds but heartbeat, which has
// heartbeat_link.hpp. Calls block as long as the plugin does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "model/result.hpp"
#include "runtime/plugin/loader.hpp"
#include "runtime/plugin/wire.hpp"

namespace mainstay::plugin {

// Called from any thread, until the instance is destroyed. Must not block for long.
struct host_callbacks {
    std::function<void(severity, std::string_view)> log;
    std::function<void(severity, std::string_view, const field_map&)> post;
};

// Collects what a call leaves in its sink; bounded, so that a mad plugin can't fill the memory.
class sink {
public:
    [[nodiscard]] const mainstay_sink& table() const { return table_; }
    std::string text;
    field_map fields;

    sink();
    sink(const sink&) = delete;
    sink& operator=(const sink&) = delete;

private:
    mainstay_sink table_;
};

class instance {
public:
    // Text of a failed `create`, prefixed with the instance's name.
    [[nodiscard]] static result<instance> create(library from, const instance_config& config, host_callbacks callbacks);

    // One call. `failed` when this kind of plugin has no such verb.
    [[nodiscard]] answer perform(const call& request);

    // event_source: returns after stop() from another thread. False when it is no event source.
    bool run();
    void stop();

    [[nodiscard]] const plugin_info& info() const;
    [[nodiscard]] const mainstay_plugin& table() const;
    [[nodiscard]] void* raw() const;

private:
    struct body;
    explicit instance(std::shared_ptr<body> made) : body_(std::move(made)) {}
    std::shared_ptr<body> body_;
};

}  // namespace mainstay::plugin
