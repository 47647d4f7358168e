#include "cluster/plan_id.hpp"

#include <fmt/format.h>

#include <charconv>

namespace mainstay::cluster {

namespace {

// FNV-1a: nobody gains anything by a collision, the administrator's own command is all it guards.
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t value = 0xcbf29ce484222325U;
    for (char c : text) {
        value ^= static_cast<unsigned char>(c);
        value *= 0x100000001b3U;
    }
    return value;
}

void put_packages(codec::writer& out, const state& now) {
    for (const auto& [name, item] : now.packages) {
        out.put(name);
        out.put(item.phase);
        out.put(item.generation);
        out.put(item.owner);
        out.put(item.owner_boot.machine);
        out.put(item.switching);
        out.put(item.node_off.size());
        for (const auto& [node, by] : item.node_off) out.put(node);
        out.put(item.target);
        out.put(item.target_any);
        out.put(item.avoid);
        out.put(item.stop_asked_by.empty());
        out.put(item.failing);
        out.put(item.maintained.has_value());
        if (!item.maintained) continue;
        out.put(item.maintained->node);
        out.put(item.maintained->until);
        out.put(item.maintained->services_down);
    }
}

// Only when there are any: an id is the same on nodes of all versions.
void put_partial_starts(codec::writer& out, const state& now) {
    for (const auto& [name, item] : now.partial_starts) {
        out.put(name);
        out.put(item);
    }
}

std::string state_part(const state& now) {
    bytes basis;
    codec::writer out(basis);
    out.put(now.configuration_text);
    out.put(now.halted);
    for (const auto& [id, item] : now.nodes) {
        out.put(id);
        out.put(item.status);
        out.put(item.boot.machine);
        out.put(item.halted);
        out.put(item.power_away);
        out.put(item.watchdog);
        out.put(item.fence_asked_by.empty());
        if (now.is_detached(id)) out.put(now.detached.at(id).attach_asked_by.empty());
    }
    put_packages(out, now);
    for (const auto& [package, item] : now.pins) {
        out.put(package);
        out.put(item.node);
        out.put(item.until);
    }
    put_partial_starts(out, now);
    for (const auto& [source, item] : now.power) {
        out.put(source);
        out.put(item.on_battery);
        out.put(item.low);
    }
    for (const auto& [name, values] : now.resources)
        for (const auto& [node, item] : values) {
            out.put(name);
            out.put(node);
            out.put(item.value);
        }
    for (const auto& [node, subnets] : now.subnets)
        for (const auto& [subnet, item] : subnets) {
            out.put(node);
            out.put(subnet);
            out.put(item.up);
        }
    return fmt::format("{:012x}", hash_of(basis) & 0xffffffffffffU);
}

// `--until 2h` is another moment each time it is written.
std::string command_part(command_body asked) {
    if (auto* item = std::get_if<package_maintenance>(&asked)) item->until.reset();
    if (auto* item = std::get_if<package_pin>(&asked)) item->until.reset();
    return fmt::format("{:04x}", hash_of(encode(asked)) & 0xffffU);
}

}  // namespace

std::string plan_id_of(const state& now, const command_body& asked) {
    return fmt::format("{}-{}-{}", now.applied.value, state_part(now), command_part(asked));
}

plan_check check_plan(const state& now, const std::string& id, const command_body& asked) {
    constexpr std::size_t state_digits = 12;
    constexpr std::size_t command_digits = 4;
    auto first = id.find('-');
    auto second = first == std::string::npos ? first : id.find('-', first + 1);
    log_index entry;
    bool whole =
        second != std::string::npos && second - first == state_digits + 1 && id.size() - second == command_digits + 1;
    if (whole) {
        auto read = std::from_chars(id.data(), id.data() + first, entry.value);
        whole = read.ec == std::errc{} && read.ptr == id.data() + first;
    }
    if (!whole)
        return {"'" + id + "' is no id of a plan; expected what --plan shows, such as 412-9f3a77c01b2e-51d2", {}};
    if (id.substr(second + 1) != command_part(asked))
        return {"plan " + id + " is of another command: --plan shows the plan of this one", {}};
    if (id.substr(first + 1, state_digits) == state_part(now)) return {};
    return {"things have changed since plan " + id + " was made", entry};
}

command_body asked_of(const planned& body) {
    auto asked = decode<command_body>(body.asked);
    return asked ? std::move(*asked) : command_body{body};
}

command_body asked_of(const command_body& body) {
    const auto* item = std::get_if<planned>(&body);
    return item == nullptr ? body : asked_of(*item);
}

bool readable(const command_body& body) { return !std::holds_alternative<planned>(asked_of(body)); }

}  // namespace mainstay::cluster
