#include "runtime/links.hpp"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sodium.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "model/print.hpp"
#include "model/timing.hpp"
#include "node/wire.hpp"
#include "runtime/clock.hpp"
#include "runtime/plugin/heartbeat_link.hpp"

namespace mainstay::runtime {

namespace {

constexpr std::size_t datagram_max = 65536;
constexpr duration ping_period{1'000'000};
constexpr duration challenge_again{50'000};
constexpr std::size_t loss_seconds = 10;
constexpr std::size_t sends_max = 4096;
constexpr unsigned long_form_every = 16;

// Beats of one peer on one link over the last seconds.
struct loss_window {
    std::deque<std::pair<std::int64_t, unsigned>> seconds;
    void count(time_point now) {
        auto second = now.time_since_epoch().count() / 1'000'000;
        if (seconds.empty() || seconds.back().first != second) seconds.emplace_back(second, 0);
        ++seconds.back().second;
        while (seconds.size() > loss_seconds + 1) seconds.pop_front();
    }
    [[nodiscard]] double percent(time_point now, duration period) const {
        auto current = now.time_since_epoch().count() / 1'000'000;
        double got = 0;
        std::int64_t first = current;
        for (const auto& [second, number] : seconds) {
            bool first_one = second == seconds.front().first;  // began somewhere in it
            if (first_one || second == current || current - second > static_cast<std::int64_t>(loss_seconds)) continue;
            got += number;
            first = std::min(first, second);
        }
        double wanted = static_cast<double>(current - first) * 1e6 / static_cast<double>(period.count());
        return wanted < 1 ? 0 : std::clamp(100 * (1 - got / wanted), 0.0, 100.0);
    }
};

struct peer_record {
    time_point heard = time_point::min();
    duration round_trip{0};
    loss_window beats;
};

bytes with_time(time_point at) {
    bytes out;
    node::append_send_time(out, at);
    return out;
}

time_point time_from(std::string_view data) {
    std::uint64_t us = 0;
    for (std::size_t i = 0; i < node::send_time_size && i < data.size(); ++i)
        us |= static_cast<std::uint64_t>(static_cast<unsigned char>(data[i])) << (8 * i);
    return time_point{duration{static_cast<std::int64_t>(us)}};
}

}  // namespace

struct links::link {
    plugin_instance config;
    std::vector<std::string> names;  // nodes of the link, in the plugin's order
    plugin::heartbeat_link transport;
    duration beat_period{0};
    bool slow = false;  // short forms
    unsigned sent = 0;
    time_point next_beat = time_point::min();
    time_point next_tick = time_point::min();
    time_point next_ping = time_point::min();
    std::optional<session_id> session;  // newest one heard in long form
    std::map<std::string, peer_record> peers;
};

// What both threads touch, under the mutex.
struct links::shared {
    mutable std::mutex mutex;
    std::optional<cluster_config> wanted;
    node::publish_beat beat;
    time_point published = time_point::min();
    bool urgent = false;
    std::vector<node::send> sends;
    bool stop = false;
    std::vector<link_status> status;
    std::uint64_t refused = 0;
};

// Everything of the heartbeat thread alone.
struct links::worker {
    std::string name;
    std::string plugin_dir;
    sealer out;
    unsealer in;
    std::vector<std::unique_ptr<link>> list;
    std::string configured;  // text of the links in force
    duration beat_period{125'000};
    time_point next_beat = time_point::min();
    time_point next_status = time_point::min();
    time_point next_look = time_point::min();
    std::map<session_id, time_point> challenged;
    std::vector<char> buffer = std::vector<char>(datagram_max);
    std::vector<node::datagram> arrived;
    std::map<std::string, std::string> unusable;  // links whose plugin could not be made, and why
    node::string_pairs told;                      // as last seen by the core
    std::function<void(std::vector<node::datagram>)> received;
    std::function<void(node::links_seen)> seen;
    std::function<void(std::string, std::string)> log;

    worker(const seal_key& key, const session_id& session, const std::string& own)
        : name(own), out(key, session, own), in(key) {}

    void configure(const cluster_config& cluster);
    void add(const cluster_config& cluster, const plugin_instance& config);
    void put(link& on, std::uint32_t peer, plugin::heartbeat_link::send_kind kind, const bytes& sealed);
    void everywhere(const std::string& to, plugin::heartbeat_link::send_kind kind, frame_kind frame, bytes body);
    void send_beat(const bytes& published, duration waited, time_point now, bool all);
    void read(link& from, time_point now);
    void take(link& from, const unsealer::opened& item, time_point now);
    void control(link& from, const unsealer::opened& item, time_point now);
    void ping(time_point now);
    void tell_faults();
    [[nodiscard]] std::vector<link_status> status(time_point now) const;
};

links::links(const std::string& own_name, const seal_key& key, std::string plugin_dir,
             std::function<void(std::vector<node::datagram>)> received, std::function<void(node::links_seen)> seen,
             std::function<void(std::string, std::string)> log)
    : shared_(std::make_unique<shared>()) {
    session_id session{};
    randombytes_buf(session.data(), session.size());
    worker_ = std::make_unique<worker>(key, session, own_name);
    worker_->plugin_dir = std::move(plugin_dir);
    worker_->received = std::move(received);
    worker_->seen = std::move(seen);
    worker_->log = std::move(log);
    event_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    thread_ = std::thread([this] { run(); });
}

links::~links() {
    {
        std::lock_guard lock(shared_->mutex);
        shared_->stop = true;
    }
    nudge();
    thread_.join();
    ::close(event_fd_);
}

void links::nudge() const {
    std::uint64_t one = 1;
    (void)!::write(event_fd_, &one, sizeof one);
}

void links::configure(const cluster_config& cluster) {
    {
        std::lock_guard lock(shared_->mutex);
        shared_->wanted = cluster;
    }
    nudge();
}

void links::publish(node::publish_beat item) {
    bool urgent = item.urgent;
    {
        std::lock_guard lock(shared_->mutex);
        shared_->beat = std::move(item);
        shared_->published = boot_now();
        shared_->urgent = shared_->urgent || urgent;
    }
    if (urgent) nudge();
}

void links::send(node::send item) {
    {
        std::lock_guard lock(shared_->mutex);
        if (shared_->sends.size() >= sends_max) return;  // as if the network had lost it
        shared_->sends.push_back(std::move(item));
    }
    nudge();
}

std::vector<link_status> links::status() const {
    std::lock_guard lock(shared_->mutex);
    return shared_->status;
}

std::uint64_t links::refused_frames() const {
    std::lock_guard lock(shared_->mutex);
    return shared_->refused;
}

void links::run() {
    pthread_setname_np(pthread_self(), "heartbeat");
    sched_param priority{};
    priority.sched_priority = 2;
    (void)pthread_setschedparam(pthread_self(), SCHED_RR, &priority);  // best effort
    auto& me = *worker_;
    for (;;) {
        auto now = boot_now();
        std::vector<node::send> sends;
        std::optional<cluster_config> wanted;
        node::publish_beat beat;
        duration waited{0};
        bool urgent = false;
        bool alive = false;
        {
            std::lock_guard lock(shared_->mutex);
            if (shared_->stop) return;
            sends.swap(shared_->sends);
            wanted.swap(shared_->wanted);
            urgent = std::exchange(shared_->urgent, false);
            beat = shared_->beat;
            if (!beat.data.empty()) waited = now - shared_->published;
            alive = !beat.data.empty() && waited < beat.stale_after;
            if (now >= me.next_status) {
                shared_->status = me.status(now);
                shared_->refused = me.in.failures();
                me.next_status = now + duration{200'000};
            }
        }
        bool look = now >= me.next_look || wanted;
        if (wanted) me.configure(*wanted);
        if (beat.period.count() > 0) me.beat_period = beat.period;
        for (auto& item : sends)
            me.everywhere(item.to, plugin::heartbeat_link::send_kind::log, frame_kind::data, std::move(item.data));
        if (alive && (urgent || now >= me.next_beat)) {
            me.send_beat(beat.data, waited, now, urgent);
            if (now >= me.next_beat) me.next_beat = std::max(me.next_beat + me.beat_period, now + me.beat_period / 2);
        }
        me.ping(now);
        auto due = std::min(now + me.beat_period, std::max(me.next_beat, now + duration{1'000}));
        std::vector<pollfd> fds{{event_fd_, POLLIN, 0}};
        for (auto& item : me.list) {
            if (now >= item->next_tick || item->transport.wants_write()) item->next_tick = item->transport.tick(now);
            due = std::min(due, item->next_tick);
            short events = static_cast<short>(POLLIN | (item->transport.wants_write() ? POLLOUT : 0));
            fds.push_back({item->transport.fd(), events, 0});
        }
        // After the links have noticed what became of the beat.
        if (look) {
            me.tell_faults();
            me.next_look = now + me.beat_period / 2;
        }
        auto wait = std::clamp<std::int64_t>((due - boot_now()).count(), 0, 1'000'000);
        timespec limit{0, static_cast<long>(wait % 1'000'000) * 1000};
        if (wait >= 1'000'000) limit = {1, 0};
        ::ppoll(fds.data(), fds.size(), &limit, nullptr);
        if ((fds[0].revents & POLLIN) != 0) {
            std::uint64_t sink = 0;
            (void)!::read(event_fd_, &sink, sizeof sink);
        }
        now = boot_now();
        for (std::size_t i = 0; i < me.list.size(); ++i)
            if (fds[i + 1].revents != 0) me.read(*me.list[i], now);
        if (!me.arrived.empty()) me.received(std::exchange(me.arrived, {}));
    }
}

// ---- the heartbeat thread's work ---------------------------------------------------------------------

void links::worker::configure(const cluster_config& cluster) {
    auto wanted = effective_links(cluster);
    // What a link's period follows from as well: the interval, and the nodes that a beat on a slow line tells of.
    std::string text = std::to_string(cluster.member_timeout.count()) + " " +
                       std::to_string(timings_of(cluster).heartbeat_interval.count()) + " " +
                       std::to_string(cluster.nodes.size());
    for (const auto& item : wanted) {
        text += "\n" + item.name + " " + item.plugin;
        for (const auto& param : item.params) text += " " + param.name + "=" + param.value;
        for (const auto& node : item.nodes) text += " " + node;
        for (const auto& [node, params] : item.node_params)
            for (const auto& param : params) text += " " + node + ":" + param.name + "=" + param.value;
    }
    if (text == configured) return;
    configured = text;
    list.clear();
    unusable.clear();
    for (const auto& item : wanted) add(cluster, item);
}

void links::worker::add(const cluster_config& cluster, const plugin_instance& config) {
    auto refuse = [&](const std::string& why) {
        log("error", "link " + config.name + ": " + why);
        unusable[config.name] = why;
    };
    plugin::instance_config setup;
    setup.instance = config.name;
    setup.own_node = name;
    for (const auto& param : config.params) setup.params[param.name] = param.value;
    std::vector<std::string> names = config.nodes;
    if (names.empty())
        for (const auto& item : cluster.nodes) names.push_back(item.name);
    if (std::find(names.begin(), names.end(), name) == names.end()) return;  // a link of others
    auto library = plugin::load(plugin_dir + "/" + config.plugin + ".so");
    if (!library) return refuse(library.error().message);
    for (const auto& item : names) {
        plugin::node_values values{item, {}};
        auto found = config.node_params.find(item);
        if (found != config.node_params.end())
            for (const auto& param : found->second) values.params[param.name] = param.value;
        setup.nodes.push_back(std::move(values));
    }
    plugin::host_callbacks callbacks;
    callbacks.log = [this, link = config.name](plugin::severity level, std::string_view text) {
        log(std::string(to_string(level)), "link " + link + ": " + std::string(text));
    };
    callbacks.post = [](plugin::severity, std::string_view, const plugin::field_map&) {};
    auto made = plugin::heartbeat_link::create(std::move(*library), setup, callbacks);
    if (!made) return refuse(made.error().message);
    auto timing = timing_of(cluster, config);
    auto fresh = std::make_unique<link>(link{config, std::move(names), std::move(*made)});
    fresh->beat_period = timing.beat_period;
    fresh->slow = timing.frame.count() > 0;
    auto opened = fresh->transport.open(boot_now());
    if (!opened) log("warning", "link " + config.name + ": " + opened.error().message);
    list.push_back(std::move(fresh));
}

void links::worker::put(link& on, std::uint32_t peer, plugin::heartbeat_link::send_kind kind, const bytes& sealed) {
    bool whole = !on.slow || on.sent++ % long_form_every == 0;
    auto data = whole ? sealer::long_form(sealed) : sealer::short_form(sealed);
    if (data.size() > on.transport.mtu()) return;
    on.transport.send(boot_now(), peer, kind, data);
    // What a busy line has queued is sent by tick, which must be asked again when it had nothing to do.
    on.next_tick = time_point::min();
}

void links::worker::everywhere(const std::string& to, plugin::heartbeat_link::send_kind kind, frame_kind frame,
                               bytes body) {
    auto sealed = out.seal(frame, std::move(body));
    for (auto& item : list) {
        std::uint32_t peer = plugin::heartbeat_link::all_peers;
        if (!to.empty()) {
            auto found = std::find(item->names.begin(), item->names.end(), to);
            if (found == item->names.end()) continue;
            peer = static_cast<std::uint32_t>(found - item->names.begin());
        }
        put(*item, peer, kind, sealed);
    }
}

// One beat, the same bytes on every link that is due.
void links::worker::send_beat(const bytes& published, duration waited, time_point now, bool all) {
    auto sealed = out.seal(frame_kind::beat, node::beat_to_send(published, waited, boot_now()));
    for (auto& item : list) {
        bool due = now + beat_period / 4 >= item->next_beat;
        if (!due && !(all && !item->slow)) continue;
        if (due) item->next_beat = now + item->beat_period;
        put(*item, plugin::heartbeat_link::all_peers, plugin::heartbeat_link::send_kind::beat, sealed);
    }
}

void links::worker::ping(time_point now) {
    for (auto& item : list) {
        if (now < item->next_ping) continue;
        item->next_ping = now + std::max(ping_period, 16 * item->beat_period / (item->slow ? 1 : 16));
        auto sealed = out.seal(frame_kind::ping, with_time(boot_now()));
        put(*item, plugin::heartbeat_link::all_peers, plugin::heartbeat_link::send_kind::log, sealed);
    }
}

void links::worker::read(link& from, time_point now) {
    constexpr int datagrams_per_turn = 256;
    for (int i = 0; i < datagrams_per_turn; ++i) {
        auto data = from.transport.receive(now, buffer);
        if (data.empty()) return;
        auto opened = in.open(data, from.session);
        if (!opened || opened->session == out.session()) continue;
        take(from, *opened, now);
    }
}

void links::worker::take(link& from, const unsealer::opened& item, time_point now) {
    if (!item.trusted) {
        if (item.content.kind == frame_kind::echo && in.echoed(item)) return;
        if (item.content.kind == frame_kind::challenge) return control(from, item, now);
        auto& again = challenged[item.session];
        if (now < again) return;
        if (challenged.size() > 256) challenged.clear();
        challenged[item.session] = now + challenge_again;
        std::array<unsigned char, 8> random{};
        randombytes_buf(random.data(), random.size());
        everywhere(item.content.sender, plugin::heartbeat_link::send_kind::log, frame_kind::challenge,
                   in.challenge_for(item.session, random));
        return;
    }
    auto& peer = from.peers[item.content.sender];
    peer.heard = now;
    if (item.content.kind == frame_kind::beat) peer.beats.count(now);
    bool data = item.content.kind == frame_kind::beat || item.content.kind == frame_kind::data;
    if (!data) return control(from, item, now);
    if (item.first_copy) arrived.push_back({from.config.name, item.content.body});
}

void links::worker::control(link& from, const unsealer::opened& item, time_point now) {
    const auto& body = item.content.body;
    std::string_view own(reinterpret_cast<const char*>(out.session().data()), session_bytes);
    auto found = std::find(from.names.begin(), from.names.end(), item.content.sender);
    if (found == from.names.end()) return;
    auto peer = static_cast<std::uint32_t>(found - from.names.begin());
    if (item.content.kind == frame_kind::challenge && body.starts_with(own)) {
        everywhere(item.content.sender, plugin::heartbeat_link::send_kind::log, frame_kind::echo,
                   body.substr(session_bytes));
    } else if (item.content.kind == frame_kind::ping) {
        bytes answer(reinterpret_cast<const char*>(item.session.data()), item.session.size());
        put(from, peer, plugin::heartbeat_link::send_kind::log, out.seal(frame_kind::pong, answer + body));
    } else if (item.content.kind == frame_kind::pong && body.starts_with(own)) {
        auto sent = time_from(std::string_view(body).substr(session_bytes));
        if (sent <= now) from.peers[item.content.sender].round_trip = now - sent;
    }
}

// Before the silence that follows from it lasts for T: the core must not blame the others (D5).
void links::worker::tell_faults() {
    node::string_pairs now(unusable.begin(), unusable.end());
    for (const auto& item : list) {
        auto state = item->transport.link_state();
        auto text = state.text.empty() ? std::string("down") : std::move(state.text);
        now.emplace_back(item->config.name, state.local_fault ? std::move(text) : std::string());
    }
    if (now == told) return;
    told = now;
    seen({std::move(now)});
}

std::vector<link_status> links::worker::status(time_point now) const {
    std::vector<link_status> out_list;
    for (const auto& item : list) {
        auto state = item->transport.link_state();
        link_status one{item->config.name, item->config.plugin, state.local_fault, state.text, item->beat_period, {}};
        for (const auto& peer : item->names) {
            if (peer == name) continue;
            auto found = item->peers.find(peer);
            peer_status status{peer, time_point::min(), duration{0}, 100};
            if (found != item->peers.end()) {
                status.heard = found->second.heard;
                status.round_trip = found->second.round_trip;
                status.loss_percent = found->second.beats.percent(now, item->beat_period);
            }
            one.peers.push_back(std::move(status));
        }
        out_list.push_back(std::move(one));
    }
    return out_list;
}

}  // namespace mainstay::runtime
