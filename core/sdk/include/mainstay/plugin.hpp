// Turns a small C++ class into the C table of plugin.h:
//
//     class lamp {
//     public:
//         static constexpr sdk::about about{"stonith-lamp", "1.0", "one line"};
//         static constexpr auto parameters = std::array{sdk::param{...}, ...};
//         explicit lamp(const sdk::setup&);            // throw sdk::refused("...") to refuse
//         sdk::answer off(std::string_view node);  ...
//     };
//     MAINSTAY_STONITH_PLUGIN(lamp)
//
// The functions of each kind are those of the thunks below. An exception out of the constructor
// refuses the instance; out of a call it is an `unknown` outcome (heartbeat: a failed call).
#pragma once

#include <mainstay/plugin.h>
#include <mainstay/setup.hpp>
#include <mainstay/values.hpp>

#include <array>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace mainstay::sdk {

struct about {
    std::string_view name;  // file name of the library without ".so"
    std::string_view version;
    std::string_view summary;
};

enum class outcome : std::uint32_t { ok = 1, failed, unknown, not_running, on, off, off_assumed };

struct answer {
    sdk::outcome outcome = sdk::outcome::unknown;
    std::string text{};
    field_map fields = {};
};

enum class link : std::uint32_t { ok = 1, local_fault };
struct link_report {
    sdk::link state = sdk::link::ok;
    std::string text;         // what is wrong
    field_map counters = {};  // frames_sent, crc_errors, ...
};

enum class send_kind : std::uint32_t { beat = 1, log };
inline constexpr std::uint32_t all_peers = MAINSTAY_PEER_ALL;

namespace detail {

inline void fill(const mainstay_sink* sink, std::string_view text, const field_map& fields = {}) noexcept {
    if (sink == nullptr) return;
    if (!text.empty()) sink->text(sink->context, to_c(text));
    for (const auto& [name, value] : fields) sink->field(sink->context, to_c(name), to_c(value));
}

// Runs a call that answers; nothing gets out but its status.
template <class Call>
std::uint32_t answered(const mainstay_sink* sink, Call call) noexcept {
    try {
        const answer result = call();
        fill(sink, result.text, result.fields);
        return static_cast<std::uint32_t>(result.outcome);
    } catch (const std::exception& problem) {
        fill(sink, problem.what());
    } catch (...) {
        fill(sink, "the plugin threw something that is no exception");
    }
    return MAINSTAY_UNKNOWN;
}

template <class T, class Call>
T guarded(T otherwise, Call call) noexcept {
    try {
        return call();
    } catch (...) {
        return otherwise;
    }
}

template <class Class>
Class& self(void* instance) {
    return *static_cast<Class*>(instance);
}

inline field_map to_map(mainstay_fields fields) {
    field_map result;
    for (const auto& item : std::span(fields.items, fields.count))
        result[std::string(from_c(item.name))] = from_c(item.value);
    return result;
}

template <class Class>
struct stonith_thunks {
    static constexpr std::uint32_t kind = MAINSTAY_KIND_STONITH;
    static std::uint32_t off(void* instance, mainstay_string node, const mainstay_sink* sink) {
        return answered(sink, [&] { return self<Class>(instance).off(from_c(node)); });
    }
    static std::uint32_t on(void* instance, mainstay_string node, const mainstay_sink* sink) {
        return answered(sink, [&] { return self<Class>(instance).on(from_c(node)); });
    }
    static std::uint32_t status(void* instance, mainstay_string node, const mainstay_sink* sink) {
        return answered(sink, [&] { return self<Class>(instance).status(from_c(node)); });
    }
    static constexpr mainstay_stonith_functions functions{sizeof(mainstay_stonith_functions), off, on, status};
};

template <class Class>
concept can_prepare = requires(Class& object) {
    object.prepare();
};

template <class Class>
struct resource_thunks {
    static constexpr std::uint32_t kind = MAINSTAY_KIND_RESOURCE;
    static std::uint32_t start(void* instance, const mainstay_sink* sink) {
        return answered(sink, [&] { return self<Class>(instance).start(); });
    }
    static std::uint32_t stop(void* instance, const mainstay_sink* sink) {
        return answered(sink, [&] { return self<Class>(instance).stop(); });
    }
    static std::uint32_t status(void* instance, const mainstay_sink* sink) {
        return answered(sink, [&] { return self<Class>(instance).status(); });
    }
    static std::uint32_t prepare(void* instance, const mainstay_sink* sink) {
        if constexpr (can_prepare<Class>) {
            return answered(sink, [&] { return self<Class>(instance).prepare(); });
        } else {
            return MAINSTAY_OK;
        }
    }
    static constexpr mainstay_resource_functions functions{sizeof(mainstay_resource_functions), start, stop, status,
                                                           can_prepare<Class> ? prepare : nullptr};
};

template <class Class>
struct event_source_thunks {
    static constexpr std::uint32_t kind = MAINSTAY_KIND_EVENT_SOURCE;
    static void run(void* instance) {
        guarded(0, [&] { return self<Class>(instance).run(), 0; });
    }
    static void stop(void* instance) {
        guarded(0, [&] { return self<Class>(instance).stop(), 0; });
    }
    static constexpr mainstay_event_source_functions functions{sizeof(mainstay_event_source_functions), run, stop};
};

template <class Class>
struct arbitrator_thunks {
    static constexpr std::uint32_t kind = MAINSTAY_KIND_ARBITRATOR;
    static std::uint32_t grant(void* instance, mainstay_fields request, const mainstay_sink* sink) {
        return answered(sink, [&] { return self<Class>(instance).grant(to_map(request)); });
    }
    static std::uint32_t told(void* instance, mainstay_fields request, const mainstay_sink* sink) {
        return answered(sink, [&] { return self<Class>(instance).told(to_map(request)); });
    }
    static constexpr mainstay_arbitrator_functions functions{sizeof(mainstay_arbitrator_functions), grant, told};
};

template <class Class>
struct notifier_thunks {
    static constexpr std::uint32_t kind = MAINSTAY_KIND_NOTIFIER;
    static std::uint32_t notify(void* instance, mainstay_string event, mainstay_fields fields,
                                const mainstay_sink* sink) {
        return answered(sink, [&] { return self<Class>(instance).notify(from_c(event), to_map(fields)); });
    }
    static constexpr mainstay_notifier_functions functions{sizeof(mainstay_notifier_functions), notify};
};

template <class Class>
struct heartbeat_thunks {
    static constexpr std::uint32_t kind = MAINSTAY_KIND_HEARTBEAT;
    static std::uint32_t open(void* instance, std::int64_t now, const mainstay_sink* sink) {
        return answered(sink, [&] { return self<Class>(instance).open(now); });
    }
    static void close(void* instance) {
        guarded(0, [&] { return self<Class>(instance).close(), 0; });
    }
    static std::int32_t fd(void* instance) {
        return guarded(-1, [&] { return self<Class>(instance).fd(); });
    }
    static std::uint32_t wants_write(void* instance) {
        return guarded(false, [&] { return self<Class>(instance).wants_write(); }) ? 1 : 0;
    }
    static std::int64_t tick(void* instance, std::int64_t now) {
        return guarded<std::int64_t>(now + 1'000'000, [&] { return self<Class>(instance).tick(now); });
    }
    static std::uint32_t send(void* instance, std::int64_t now, std::uint32_t peer, std::uint32_t what,
                              const std::uint8_t* data, std::size_t size) {
        return guarded(false,
                       [&] {
                           return self<Class>(instance).send(now, peer, static_cast<send_kind>(what),
                                                             std::span<const std::uint8_t>(data, size));
                       })
                   ? MAINSTAY_OK
                   : MAINSTAY_FAILED;
    }
    static std::size_t receive(void* instance, std::int64_t now, std::uint8_t* buffer, std::size_t capacity) {
        return guarded<std::size_t>(
            0, [&] { return self<Class>(instance).receive(now, std::span<std::uint8_t>(buffer, capacity)); });
    }
    static std::size_t mtu(void* instance) {
        return guarded<std::size_t>(0, [&] { return self<Class>(instance).mtu(); });
    }
    static std::int64_t frame_time_us(void* instance, std::size_t size) {
        return guarded<std::int64_t>(0, [&] { return self<Class>(instance).frame_time_us(size); });
    }
    static std::uint32_t is_point_to_point(void* instance) {
        return guarded(false, [&] { return self<Class>(instance).is_point_to_point(); }) ? 1 : 0;
    }
    static std::uint32_t link_state(void* instance, const mainstay_sink* sink) {
        return guarded<std::uint32_t>(MAINSTAY_LINK_LOCAL_FAULT, [&] {
            const link_report report = self<Class>(instance).link_state();
            fill(sink, report.text, report.counters);
            return static_cast<std::uint32_t>(report.state);
        });
    }
    static constexpr mainstay_heartbeat_functions functions{sizeof(mainstay_heartbeat_functions),
                                                            open,
                                                            close,
                                                            fd,
                                                            wants_write,
                                                            tick,
                                                            send,
                                                            receive,
                                                            mtu,
                                                            frame_time_us,
                                                            is_point_to_point,
                                                            link_state};
};

template <std::size_t Count>
constexpr std::array<mainstay_param, Count> to_c(const std::array<param, Count>& schema) {
    std::array<mainstay_param, Count> result{};
    for (std::size_t i = 0; i < Count; ++i) result[i] = sdk::to_c(schema[i]);
    return result;
}

template <class Class, template <class> class Thunks>
struct plugin_of {
    static constexpr auto params = detail::to_c(Class::parameters);

    static std::uint32_t create(const mainstay_config* config, const mainstay_host* host, const mainstay_sink* sink,
                                void** instance) {
        try {
            auto object = std::make_unique<Class>(make_setup(std::span<const param>(Class::parameters), *config, host));
            *instance = object.release();
            return MAINSTAY_OK;
        } catch (const std::exception& problem) {
            fill(sink, problem.what());
        } catch (...) {
            fill(sink, "the plugin threw something that is no exception");
        }
        return MAINSTAY_FAILED;
    }
    static void destroy(void* instance) { std::unique_ptr<Class> last(static_cast<Class*>(instance)); }

    static constexpr mainstay_plugin table{MAINSTAY_PLUGIN_MAGIC,
                                           MAINSTAY_ABI_MAJOR,
                                           MAINSTAY_ABI_MINOR,
                                           sizeof(mainstay_plugin),
                                           Thunks<Class>::kind,
                                           sizeof(mainstay_param),
                                           static_cast<std::uint32_t>(params.size()),
                                           params.data(),
                                           sdk::to_c(Class::about.name),
                                           sdk::to_c(Class::about.version),
                                           sdk::to_c(Class::about.summary),
                                           create,
                                           destroy,
                                           &Thunks<Class>::functions};
};

}  // namespace detail

}  // namespace mainstay::sdk

#define MAINSTAY_PLUGIN_ENTRY(Class, Thunks)                                                       \
    extern "C" MAINSTAY_EXPORT const mainstay_plugin* mainstay_plugin_entry(void) {                \
        return &::mainstay::sdk::detail::plugin_of<Class, ::mainstay::sdk::detail::Thunks>::table; \
    }
#define MAINSTAY_STONITH_PLUGIN(Class) MAINSTAY_PLUGIN_ENTRY(Class, stonith_thunks)
#define MAINSTAY_RESOURCE_PLUGIN(Class) MAINSTAY_PLUGIN_ENTRY(Class, resource_thunks)
#define MAINSTAY_EVENT_SOURCE_PLUGIN(Class) MAINSTAY_PLUGIN_ENTRY(Class, event_source_thunks)
#define MAINSTAY_ARBITRATOR_PLUGIN(Class) MAINSTAY_PLUGIN_ENTRY(Class, arbitrator_thunks)
#define MAINSTAY_NOTIFIER_PLUGIN(Class) MAINSTAY_PLUGIN_ENTRY(Class, notifier_thunks)
#define MAINSTAY_HEARTBEAT_PLUGIN(Class) MAINSTAY_PLUGIN_ENTRY(Class, heartbeat_thunks)
