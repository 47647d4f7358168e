#include "runtime/plugin/heartbeat_link.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace mainstay::plugin {

namespace {
std::int64_t to_us(time_point now) { return now.time_since_epoch().count(); }
}  // namespace

result<heartbeat_link> heartbeat_link::create(library from, const instance_config& config, host_callbacks callbacks) {
    if (from.info().kind != kind::heartbeat)
        return fail(fmt::format("{}: {} is a {} plugin, a heartbeat plugin is needed here", config.instance,
                                from.info().name, to_string(from.info().kind)));
    auto made = instance::create(std::move(from), config, std::move(callbacks));
    if (!made) return tl::make_unexpected(made.error());
    return heartbeat_link(std::move(*made));
}

result<void> heartbeat_link::open(time_point now) {
    const sink out;
    if (functions().open(instance_.raw(), to_us(now), &out.table()) == MAINSTAY_OK) return {};
    return fail(out.text);
}

void heartbeat_link::close() { functions().close(instance_.raw()); }
int heartbeat_link::fd() const { return functions().fd(instance_.raw()); }
bool heartbeat_link::wants_write() const { return functions().wants_write(instance_.raw()) != 0; }

time_point heartbeat_link::tick(time_point now) {
    return time_point{duration{functions().tick(instance_.raw(), to_us(now))}};
}

bool heartbeat_link::send(time_point now, std::uint32_t peer, send_kind kind, std::string_view datagram) {
    return functions().send(instance_.raw(), to_us(now), peer,
                            kind == send_kind::beat ? MAINSTAY_SEND_BEAT : MAINSTAY_SEND_LOG,
                            reinterpret_cast<const std::uint8_t*>(datagram.data()), datagram.size()) == MAINSTAY_OK;
}

std::string_view heartbeat_link::receive(time_point now, std::span<char> buffer) {
    auto size =
        functions().receive(instance_.raw(), to_us(now), reinterpret_cast<std::uint8_t*>(buffer.data()), buffer.size());
    return {buffer.data(), std::min(size, buffer.size())};
}

std::size_t heartbeat_link::mtu() const { return functions().mtu(instance_.raw()); }
duration heartbeat_link::frame_time(std::size_t size) const {
    return duration{functions().frame_time_us(instance_.raw(), size)};
}
bool heartbeat_link::is_point_to_point() const { return functions().is_point_to_point(instance_.raw()) != 0; }

heartbeat_link::state heartbeat_link::link_state() const {
    sink out;
    auto code = functions().link_state(instance_.raw(), &out.table());
    return {code != MAINSTAY_LINK_OK, std::move(out.text), std::move(out.fields)};
}

const mainstay_heartbeat_functions& heartbeat_link::functions() const {
    return *static_cast<const mainstay_heartbeat_functions*>(instance_.table().functions);
}

}  // namespace mainstay::plugin
