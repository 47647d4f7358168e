// arbitrator status, format: what breaks ties, asked and made from here, without mainstayd.
#include <fmt/core.h>
#include <sodium.h>

#include <nlohmann/json.hpp>

#include "arbitrator/client.hpp"
#include "arbitrator/disk_device.hpp"
#include "hactl/command.hpp"

namespace mainstay::hactl {

namespace {

using json = nlohmann::json;

constexpr std::chrono::milliseconds patience{3'000};

json grant_json(const consensus::arbiter_grant& item) {
    json half = json::array();
    for (auto node : item.half) half.push_back(node.value);
    return {{"version", item.version}, {"half", std::move(half)}};
}

json record_json(const consensus::arbiter_record& record) {
    json out{{"cluster", fmt::format("{:x}", record.cluster.value)},
             {"store", fmt::format("{:x}", record.store.value)},
             {"floor", record.floor},
             {"grants", json::array()}};
    for (const auto& item : record.grants) out["grants"].push_back(grant_json(item));
    return out;
}

std::string grants_text(const consensus::arbiter_record& record) {
    std::string text;
    for (const auto& item : record.grants) {
        text += (text.empty() ? "" : ", ") + fmt::format("{} to", item.version);
        for (auto node : item.half) text += fmt::format(" {}", node.value);
    }
    return text.empty() ? "-" : text;
}

table record_table() { return table({"CLUSTER", "STORE", "COMMITTED", "GRANTED", "LAST ASKED"}); }

void add_record(table& out, const consensus::arbiter_record& record, const std::string& last) {
    auto cell = [](std::string text) { return table::cell{{std::move(text), tone::plain}}; };
    out.add({cell(record.cluster ? fmt::format("{:x}", record.cluster.value) : "none yet"),
             cell(fmt::format("{:x}", record.store.value)), cell(std::to_string(record.floor)),
             cell(grants_text(record)), cell(last)});
}

// The device as one record: who was granted what, by anybody.
result<consensus::arbiter_record> read_device(const std::string& path) {
    auto device = arbitrator::disk_device::open(path);
    if (!device) return tl::make_unexpected(device.error());
    auto all = device->read_all();
    if (!all) return tl::make_unexpected(all.error());
    return arbitrator::read_record(*all);
}

exit_code disk_status(context& c, const std::string& path) {
    auto record = read_device(path);
    if (!record) return report(c, {exit_code::refused, path + ": " + record.error().message, {}});
    if (c.to.json) {
        c.to.line(record_json(*record).dump());
        return exit_code::done;
    }
    auto out = record_table();
    add_record(out, *record, "-");
    c.to.out(out.text(c.to));
    return exit_code::done;
}

json reply_json(const arbitrator::reply& answer) {
    const auto& counts = answer.counts;
    json out{{"clusters", json::array()},
             {"left_out", answer.left_out},
             {"counts",
              {{"received", counts.received},
               {"unknown_key", counts.unknown_key},
               {"forged", counts.forged},
               {"senseless", counts.senseless},
               {"granted", counts.granted},
               {"refused", counts.refused}}}};
    for (const auto& view : answer.clusters) {
        auto item = record_json(view.record);
        if (view.last_node) item["last"] = {{"node", view.last_node.value}, {"age_s", view.last_age_s}};
        out["clusters"].push_back(std::move(item));
    }
    return out;
}

exit_code server_status(context& c, const std::string& host) {
    auto refuse = [&](const std::string& why) { return report(c, {exit_code::refused, why, {}}); };
    if (sodium_init() < 0) return refuse("libsodium does not start");
    auto given = std::find(c.given.options.begin(), c.given.options.end(), "file") != c.given.options.end();
    auto key = secret::read_key_file(given ? c.given.file : c.around.config_dir + "/arbitrator.key");
    if (!key) return refuse(key.error().message);
    arbitrator::server_place where{host, c.given.port, *key};
    auto answer = arbitrator::ask(where, {}, patience);
    if (!answer) return report(c, {exit_code::unreachable, answer.error().message, {}});
    if (c.to.json) {
        c.to.line(reply_json(*answer).dump());
        return exit_code::done;
    }
    auto out = record_table();
    for (const auto& view : answer->clusters)
        add_record(out, view.record,
                   view.last_node
                       ? fmt::format("{} ago by node {}", age_text(std::int64_t{view.last_age_s} * 1'000'000),
                                     view.last_node.value)
                       : "not since its start");
    if (!out.empty()) c.to.out(out.text(c.to));
    if (answer->left_out > 0) c.to.line(fmt::format("and {} more", answer->left_out));
    if (out.empty()) c.to.line("no cluster has asked with this key yet");
    const auto& counts = answer->counts;
    c.to.line(fmt::format("{} questions: {} granted, {} refused; {} with an unknown key, {} forged, {} senseless",
                          counts.received, counts.granted, counts.refused, counts.unknown_key, counts.forged,
                          counts.senseless));
    return exit_code::done;
}

}  // namespace

exit_code arbitrator_status(context& c) {
    const auto& where = c.given.words.at(0);
    return where.front() == '/' ? disk_status(c, where) : server_status(c, where);
}

exit_code arbitrator_format(context& c) {
    const auto& path = c.given.words.at(0);
    auto refuse = [&](const std::string& why) { return report(c, {exit_code::refused, why, {}}); };
    if (sodium_init() < 0) return refuse("libsodium does not start");
    arbitrator::format_wish wish;
    wish.path = path;
    while (!wish.store) randombytes_buf(&wish.store.value, sizeof wish.store.value);
    wish.force = c.given.force;
    auto made = arbitrator::format_device(wish);
    if (!made) return refuse(made.error().message);
    if (c.to.json) {
        c.to.line(
            json{{"device", path}, {"store", fmt::format("{:x}", wish.store.value)}, {"slots", wish.slots}}.dump());
    } else {
        c.to.line(
            fmt::format("{} is an arbitrator's device now, store {:x}. Name it on every node: arbitrator_plugin "
                        "arbitrator-disk, arbitrator_param device {}",
                        path, wish.store.value, path));
    }
    return exit_code::done;
}

}  // namespace mainstay::hactl
