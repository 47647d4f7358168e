#include <utility>

#include "runtime/plugin_hosts.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>

#include "runtime/clock.hpp"
#include "runtime/plugin/host_client.hpp"

namespace mainstay::runtime {

namespace asio = boost::asio;

namespace {

constexpr duration restart_first{200'000};
constexpr duration restart_max{10'000'000};
constexpr duration end_patience{5'000'000};

node::call_outcome translate(plugin::outcome value) {
    switch (value) {
        case plugin::outcome::ok:
            return node::call_outcome::ok;
        case plugin::outcome::failed:
            return node::call_outcome::failed;
        case plugin::outcome::not_running:
            return node::call_outcome::not_running;
        case plugin::outcome::on:
            return node::call_outcome::on;
        case plugin::outcome::off:
            return node::call_outcome::off;
        case plugin::outcome::off_assumed:
            return node::call_outcome::off_assumed;
        default:
            return node::call_outcome::unknown;
    }
}

std::optional<plugin::verb> verb_of(const std::string& word) {
    for (int i = 0; i < static_cast<int>(plugin::verb::count_); ++i)
        if (to_string(static_cast<plugin::verb>(i)) == word) return static_cast<plugin::verb>(i);
    return std::nullopt;
}

// `nodes`: whose values it is given; its own node's always.
plugin::instance_config base(const host_setup& setup, const plugin_instance& from, const std::string& name,
                             const std::vector<node_config>& nodes) {
    plugin::instance_config out;
    out.file = setup.plugin_dir + "/" + from.plugin + ".so";
    out.instance = name;
    out.own_node = setup.own_node;
    for (const auto& param : from.params) out.params[param.name] = param.value;
    for (const auto& node : nodes) {
        bool serves = from.nodes.empty() || std::count(from.nodes.begin(), from.nodes.end(), node.name) > 0;
        if (!serves && node.name != setup.own_node) continue;
        plugin::node_values values{node.name, {}};
        auto found = from.node_params.find(node.name);
        if (found != from.node_params.end())
            for (const auto& param : found->second) values.params[param.name] = param.value;
        out.nodes.push_back(std::move(values));
    }
    return out;
}

}  // namespace

struct plugin_hosts::host {
    host(asio::io_context& loop, plugin::instance_config setup)
        : config(std::move(setup)), client(config), stream(loop), deadline(loop), restart(loop) {}
    plugin::instance_config config;
    plugin::host_client client;
    request_id process;  // 0 = not started
    asio::posix::stream_descriptor stream;
    asio::steady_timer deadline;
    asio::steady_timer restart;
    std::optional<request_id> ending_call;  // it is gone; what this call started is being killed
    std::string ended_by;
    duration back_off = restart_first;
    std::array<char, 16384> buffer{};
    bytes writing;
    bool keep = false;                     // an event source that has to run
    bool outdated = false;                 // the configuration has changed or lost it; ends when its calls are answered
    std::vector<node::call_plugin> later;  // asked while it was ending
    std::uint64_t life = 0;                // handlers of an older one do nothing
};

plugin_hosts::plugin_hosts(asio::io_context& loop, host_setup setup, processes& guard,
                           std::function<request_id()> new_request, std::function<void(node::plugin_answer)> answered,
                           std::function<void(node::plugin_event)> event,
                           std::function<void(std::string, std::string)> log)
    : loop_(loop),
      setup_(std::move(setup)),
      guard_(guard),
      new_request_(std::move(new_request)),
      answered_(std::move(answered)),
      event_(std::move(event)),
      log_(std::move(log)) {}

plugin_hosts::~plugin_hosts() = default;

void plugin_hosts::configure(const configuration& config) {
    std::map<std::string, plugin::instance_config> wanted;
    auto nodes = config.cluster.nodes;
    auto add = [&](const plugin_instance& from, const std::string& name) {
        wanted[name] = base(setup_, from, name, nodes);
    };
    for (const auto& item : config.cluster.stonith) add(item, item.name);
    for (const auto& item : config.cluster.arbitrators) add(item, item.name);
    for (const auto& item : config.cluster.event_sources) add(item, item.name);
    for (const auto& item : config.cluster.notifiers) add(item, item.name);
    // A package's parts act on this node: others may come and go without ending a host.
    std::erase_if(nodes, [&](const auto& node) { return node.name != setup_.own_node; });
    for (const auto& package : config.packages) {
        auto instance = cluster::instance_name(package, setup_.own_node);
        for (const auto& item : package.volume_groups) {
            auto from = volume_group_instance(config.cluster, package, item);
            add(from, instance + "/" + from.name);
        }
        for (const auto& item : package.filesystems) {
            auto from = filesystem_instance(package, item);
            add(from, instance + "/" + from.name);
        }
        for (const auto& item : package.resources) add(item, instance + "/" + item.name);
        for (const auto& item : package.addresses) {
            plugin_instance address;
            address.plugin = "relocatable-ip";
            address.params = {{"address", item.address, {}}, {"subnet", item.subnet, {}}};
            add(address, package.name + "/address " + item.address);
        }
    }
    wanted.insert(script_addresses_.begin(), script_addresses_.end());
    instances_ = std::move(wanted);
    std::vector<std::string> names;
    for (const auto& [name, item] : hosts_) {
        auto found = instances_.find(name);
        item->outdated = found == instances_.end() || encode(found->second) != encode(item->config);
        names.push_back(name);
    }
    for (const auto& name : names) go_on(name);
    run_event_sources(event_sources_);  // those that were new or changed
}

// With nothing left to answer, a host of an older configuration ends; then what has waited is asked.
void plugin_hosts::go_on(const std::string& name) {
    auto found = hosts_.find(name);
    if (found == hosts_.end() || found->second->ending_call) return;
    auto waiting = std::exchange(found->second->later, {});
    if (found->second->outdated) {
        if (!found->second->client.idle()) return void(found->second->later = std::move(waiting));
        auto old = std::move(found->second);
        hosts_.erase(found);
        if (old->process) guard_.kill_host(old->process);
        run_event_sources(event_sources_);
    }
    for (const auto& item : waiting) call(item);
}

plugin_hosts::host* plugin_hosts::find(request_id process) {
    for (auto& [name, item] : hosts_)
        if (item->process == process) return item.get();
    return nullptr;
}

// An address that a control script adds with cmmodnet stands in no configuration: the call says what it is.
void plugin_hosts::take_script_address(const node::call_plugin& item) {
    if (instances_.contains(item.instance) && !script_addresses_.contains(item.instance)) return;
    plugin_instance address;
    address.plugin = "relocatable-ip";
    for (const auto& [name, value] : item.arguments)
        if (name == "address" || name == "subnet") address.params.push_back({name, value, {}});
    if (address.params.size() != 2) return;
    node_config own;
    own.name = setup_.own_node;
    auto made = base(setup_, address, item.instance, {own});
    auto former = hosts_.find(item.instance);
    bool changed = former != hosts_.end() && encode(former->second->config) != encode(made);
    script_addresses_[item.instance] = made;
    instances_[item.instance] = std::move(made);
    if (!changed) return;
    former->second->outdated = true;
    go_on(item.instance);
}

void plugin_hosts::call(const node::call_plugin& item) {
    take_script_address(item);
    auto wanted = instances_.find(item.instance);
    auto verb = verb_of(item.verb);
    if (wanted == instances_.end() || !verb)
        return answered_({item.request, node::call_outcome::failed,
                          !verb ? item.verb + " is no verb of a plugin" : "there is no instance " + item.instance});
    auto& slot = hosts_[item.instance];
    if (!slot) slot = std::make_unique<host>(loop_, wanted->second);
    if (slot->outdated || slot->ending_call) return slot->later.push_back(item);
    plugin::call request;
    request.id = item.request.value;
    request.verb = *verb;
    for (const auto& [name, value] : item.arguments) {
        if (name == "node" && item.verb != "notify") request.subject = value;
        if (name == "event" && item.verb == "notify") request.subject = value;
        request.args[name] = value;
    }
    bool dead = slot->client.current() == plugin::host_client::state::ended ||
                slot->client.current() == plugin::host_client::state::refused;
    if (dead && !slot->process) slot->client = plugin::host_client(slot->config);
    slot->client.request(std::move(request), boot_now() + item.timeout);
    if (!slot->process) start(*slot);
    write(*slot);
    arm(*slot);
    pump(*slot);
}

void plugin_hosts::run_event_sources(std::set<std::string> instances) {
    event_sources_ = std::move(instances);
    for (auto& [name, item] : hosts_) {
        if (!item->keep || event_sources_.contains(name)) continue;
        item->keep = false;
        if (item->process) guard_.kill_host(item->process);
    }
    for (const auto& name : event_sources_) {
        auto wanted = instances_.find(name);
        if (wanted == instances_.end()) continue;
        auto& slot = hosts_[name];
        if (!slot) slot = std::make_unique<host>(loop_, wanted->second);
        slot->keep = true;
        if (!slot->process) start(*slot);
    }
}

void plugin_hosts::start(host& item) {
    item.process = new_request_();
    std::string file = item.config.instance;
    for (char& c : file)
        if (c == '/' || c == ' ' || c == ':') c = '_';
    guard_.run_host(item.process, item.config.instance, {setup_.host_program, "--fd", "3"},
                    setup_.log_dir + "/plugin-" + file + ".log");
}

void plugin_hosts::host_started(request_id request, guard::unique_fd socket) {
    auto* item = find(request);
    if (item == nullptr) return;
    boost::system::error_code error;
    item->stream.assign(socket.release(), error);
    item->stream.non_blocking(true, error);
    item->life = ++lives_;
    read(*item);
    write(*item);
}

void plugin_hosts::host_ended(request_id request, const std::string& why) {
    auto* item = find(request);
    if (item == nullptr) return;
    item->ended_by = why.empty() ? "its process ended" : why;
    // An init script that is still starting its server must not outlive the answer to its call.
    item->ending_call = item->client.under_way();
    if (item->ending_call) {
        guard_.end_call(*item->ending_call);
    } else {
        drop(*item, item->ended_by);
    }
}

void plugin_hosts::call_ended(request_id call) {
    for (auto& [name, item] : hosts_) {
        if (item->ending_call != call) continue;
        return drop(*item, item->ended_by);
    }
}

// The socket is gone, or has to go: open calls are answered unknown; who is needed starts again.
void plugin_hosts::drop(host& item, const std::string& why) {
    boost::system::error_code ignored;
    item.stream.close(ignored);
    item.life = ++lives_;
    item.process = request_id{};
    item.ending_call.reset();
    item.writing.clear();
    bool refused = item.client.current() == plugin::host_client::state::refused;
    item.client.closed(why);
    pump(item);
    if (!item.keep) return;
    item.client = plugin::host_client(item.config);
    auto wait = refused ? restart_max : item.back_off;
    item.back_off = std::min(item.back_off * 2, restart_max);
    item.restart.expires_after(std::chrono::microseconds(wait.count()));
    item.restart.async_wait([this, name = item.config.instance](const boost::system::error_code& error) {
        auto found = hosts_.find(name);
        if (error || found == hosts_.end() || !found->second->keep || found->second->process) return;
        start(*found->second);
    });
}

void plugin_hosts::read(host& item) {
    item.stream.async_read_some(asio::buffer(item.buffer),
                                [this, &item, name = item.config.instance, life = item.life](
                                    const boost::system::error_code& error, std::size_t size) {
                                    auto found = hosts_.find(name);
                                    if (found == hosts_.end() || found->second.get() != &item || item.life != life)
                                        return;
                                    if (error) return;  // its end is told by the guard
                                    item.client.feed({item.buffer.data(), size});
                                    pump(item);
                                    if (item.client.current() == plugin::host_client::state::ended) {
                                        guard_.kill_host(item.process);
                                    } else {
                                        read(item);
                                    }
                                });
}

void plugin_hosts::write(host& item) {
    if (!item.stream.is_open() || !item.writing.empty()) return;
    item.writing = item.client.take_output();
    if (item.writing.empty()) return;
    asio::async_write(item.stream, asio::buffer(item.writing),
                      [this, &item, name = item.config.instance, life = item.life](
                          const boost::system::error_code& error, std::size_t) {
                          auto found = hosts_.find(name);
                          bool stale = found == hosts_.end() || found->second.get() != &item || item.life != life;
                          if (stale || error) return;
                          item.writing.clear();
                          write(item);
                      });
}

void plugin_hosts::pump(host& item) {
    while (auto message = item.client.next()) {
        if (const auto* answer = std::get_if<plugin::answer>(&*message)) {
            answered_({request_id{answer->id}, translate(answer->outcome), answer->text});
        } else if (const auto* event = std::get_if<plugin::event>(&*message)) {
            node::string_pairs details(event->args.begin(), event->args.end());
            event_({item.config.instance, event->name, std::string(to_string(event->severity)), std::move(details)});
        } else if (const auto* line = std::get_if<plugin::log_line>(&*message)) {
            log_(std::string(to_string(line->severity)), item.config.instance + ": " + line->text);
        } else if (const auto* refused = std::get_if<plugin::refused>(&*message)) {
            log_("error", item.config.instance + ": " + refused->text);
        } else {
            item.back_off = restart_first;
        }
    }
    // Not from here: who pumps it still uses it.
    bool over = item.outdated && item.client.idle();
    if (over || !item.later.empty()) asio::post(loop_, [this, name = item.config.instance] { go_on(name); });
}

void plugin_hosts::arm(host& item) {
    auto due = item.client.next_deadline();
    if (due == never) return;
    item.deadline.expires_after(
        std::chrono::microseconds(std::max<std::int64_t>((due - boot_now()).count(), 0) + 1000));
    item.deadline.async_wait([this, &item, name = item.config.instance](const boost::system::error_code& error) {
        auto found = hosts_.find(name);
        if (error || found == hosts_.end() || found->second.get() != &item) return;
        item.client.expire(boot_now());
        // Calls run one after another: a hung one has to go with its process.
        if (item.client.hung() && item.process) {
            guard_.kill_host(item.process);
            await_end(item);
        } else {
            arm(item);
        }
    });
}

// A process that waits for a broken device inside the kernel can't be killed. Another fencing device
// must not wait for that; the steps of a package must, or its start might end after its stop.
void plugin_hosts::await_end(host& item) {
    if (item.config.instance.find('/') != std::string::npos) return;
    item.deadline.expires_after(std::chrono::microseconds(end_patience.count()));
    item.deadline.async_wait([this, &item, name = item.config.instance](const boost::system::error_code& error) {
        auto found = hosts_.find(name);
        if (error || found == hosts_.end() || found->second.get() != &item || !item.process) return;
        log_("error", name + ": its plugin host can't be ended");
        item.client.closed("its process can't be ended");
        pump(item);
    });
}

}  // namespace mainstay::runtime
