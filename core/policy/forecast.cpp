#include "policy/forecast.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cluster/configuration.hpp"
#include "consensus/voters.hpp"
#include "policy/explain.hpp"
#include "policy/forecaster.hpp"

namespace mainstay::policy {

using cluster::node_status;

namespace {

// What only time brings later than this is no consequence that anybody asks about.
constexpr duration horizon{3'600'000'000};
constexpr int rounds_max = 20'000;

}  // namespace

std::string to_text(const span& item) {
    auto text = fmt::format("{:.2f} s", static_cast<double>(item.known.count()) / 1e6);
    for (const auto& term : item.unknown) text.append(" + ").append(term);
    return text;
}

result<forecast> foresee(const cluster::state& now, const outset& from, const std::vector<happening>& happenings) {
    if (!now.formed()) return mainstay::fail("there is no cluster yet");
    auto leader = now.nodes.find(from.leader);
    if (leader == now.nodes.end() || leader->second.status != node_status::up)
        return mainstay::fail("nobody leads the cluster now, so nothing would be decided: hactl status");
    return forecaster(now, from).run(happenings);
}

result<forecast> foresee_first(const std::string& canonical, const std::vector<happening>& then) {
    auto config = cluster::parse_canonical(canonical);
    if (!config) return tl::make_unexpected(config.error());
    cluster::state state;
    cluster::found_cluster founding{cluster_id{1}, {canonical, {}}};
    outset from;
    from.voters.kind = cluster::kind_of(tie_break_of(config->cluster));
    for (const auto& item : config->cluster.nodes) {
        auto id = node_id{static_cast<std::uint32_t>(founding.first.ids.size() + 1)};
        founding.first.ids.emplace_back(item.name, id);
        if (from.voters.voters.size() < consensus::voters_max) from.voters.voters.push_back({id, store_id{id.value}});
    }
    cluster::command item;
    item.actor = "founder";
    item.body = founding;
    auto outcome = cluster::apply(state, log_index{1}, {{}, consensus::payload{encode(item)}});
    if (!outcome.accepted) return mainstay::fail(outcome.refusal);
    from.leader = founding.first.ids.front().second;
    log_index index{1};
    auto write = [&](consensus::entry_body body) {
        index.value += 1;
        (void)cluster::apply(state, index, {{}, std::move(body)});
    };
    cluster::command level;
    level.body = cluster::feature_level{cluster::own_feature_level};
    write(consensus::payload{encode(level)});
    for (const auto& node : config->cluster.nodes) {
        auto id = state.find_node(node.name);
        consensus::boot_entry life;
        life.node = id;
        life.boot = {1, 1};
        life.store = store_id{id.value};
        life.feature_level = cluster::own_feature_level;
        if (!node.watchdog_device.empty()) life.watchdog = node.watchdog_timeout;
        write(life);
        for (const auto& subnet : state.monitored_subnets()) {
            cluster::command told;
            told.body = cluster::subnet_seen{id, life.boot, subnet, is_on(node, subnet)};
            write(consensus::payload{encode(told)});
        }
    }
    std::vector<happening> all{nothing_new{}};
    all.insert(all.end(), then.begin(), then.end());
    return forecaster(state, from).run(all);
}

forecaster::forecaster(const cluster::state& now, const outset& from)
    : state_(now), from_(from), times_(timings_of(now.config.cluster)), voters_(from.voters), origin_(from.now) {
    seen_.now = from.now;
    seen_.wall = from.wall;
    seen_.self = from.leader;
    for (const auto& [id, item] : state_.nodes) {
        if (item.status == node_status::up || state_.is_detached(id)) continue;
        dead_.insert(id);
        auto since = duration{std::max<std::int64_t>(from.wall.us - item.status_by.when.us, 0)};
        if (item.status == node_status::lost) set_lost_for_sure(id, from.now - since);
    }
    for (const auto& [name, item] : state_.packages) {
        before_[name] = item.active() ? item.owner : node_id{};
        gaps_[name].serving = serves(item);
    }
}

result<forecast> forecaster::run(const std::vector<happening>& happenings) {
    for (const auto& item : happenings) {
        origin_ = seen_.now;
        at_ = {};
        out_.happenings.emplace_back();
        auto wrong = stopped_ ? "nobody decides any more: " + out_.stopped : begin(item);
        if (!wrong.empty()) {
            bool several = happenings.size() > 1 && !out_.happenings.back().empty();
            return mainstay::fail(several ? out_.happenings.back() + ": " + wrong : wrong);
        }
        wrong = settle();
        if (!wrong.empty()) return mainstay::fail(wrong);
    }
    conclude();
    return std::move(out_);
}

std::string forecaster::begin(const happening& item) {
    if (const auto* node = std::get_if<node_fails>(&item)) return fail(node->node);
    if (const auto* node = std::get_if<node_returns>(&item)) return come_back(node->node);
    if (const auto* package = std::get_if<package_fails>(&item)) return fail(package->package);
    if (const auto* script = std::get_if<script_ends>(&item)) return end_script(*script);
    if (const auto* link = std::get_if<link_fails>(&item)) return fail_link(*link);
    if (std::holds_alternative<nothing_new>(item)) {
        out_.happenings.back() = "as things stand";
        return {};
    }
    const auto& wish = std::get<asked>(item);
    auto outcome = say(wish.body, wish.actor);
    auto title = out_.entries.back().text;
    auto refused = title.find(" - refused: ");
    out_.happenings.back() = title.substr(0, refused);
    return outcome.accepted ? std::string() : outcome.refusal;
}

std::string forecaster::settle() {
    for (int i = 0; i < rounds_max; ++i) {
        nodes_act();
        if (decide()) continue;
        if (go_on()) continue;
        tend_voters();
        return {};
    }
    return fmt::format("it does not come to rest within {} steps", rounds_max);
}

bool forecaster::decide() {
    look_again_ = never;
    if (stopped_ || !alive(seen_.self)) return false;
    auto found = policy::decide(planner_, state_, seen_);
    look_again_ = found.look_again;
    for (auto& item : found.decisions) say(std::move(item.body), "policy");
    return !found.decisions.empty();
}

bool forecaster::go_on() {
    auto due = queue_.empty() ? never : queue_.begin()->first.first;
    if (look_again_ < due) {
        if (look_again_ - origin_ > horizon) return false;
        to({std::max(look_again_ - origin_, at_.known), {}});
        return true;
    }
    if (queue_.empty()) return false;
    auto item = std::move(queue_.begin()->second);
    queue_.erase(queue_.begin());
    to(item.when);
    happens(item);
    return true;
}

void forecaster::to(span when) {
    at_ = std::move(when);
    seen_.now = origin_ + at_.known;
    seen_.wall = wall_time{from_.wall.us + (seen_.now - from_.now).count()};
}

span forecaster::later(duration known) const {
    auto out = at_;
    out.known += known;
    return out;
}

span forecaster::later(std::string unknown) const {
    auto out = at_;
    out.unknown.push_back(std::move(unknown));
    return out;
}

span forecaster::later(const std::optional<duration>& took, std::string otherwise) const {
    return took ? later(*took) : later(std::move(otherwise));
}

void forecaster::schedule(pending item) {
    auto due = origin_ + item.when.known;
    queue_.emplace(std::pair{due, queued_++}, std::move(item));
}

cluster::applied forecaster::say(cluster::command_body body, const std::string& actor) {
    cluster::command item;
    item.when = seen_.wall;
    item.actor = actor;
    item.body = std::move(body);
    return write(consensus::payload{encode(item)});
}

cluster::applied forecaster::write(consensus::entry_body body) {
    consensus::entry item{{}, std::move(body)};
    auto outcome = cluster::apply(state_, log_index{state_.applied.value + 1}, item);
    auto what = cluster::describe(state_, item, outcome);
    out_.entries.push_back(
        {out_.happenings.size() - 1, at_, what.event, what.severity, what.text, what.package, what.node});
    if (outcome.configuration_changed) times_ = timings_of(state_.config.cluster);
    follow_services();
    return outcome;
}

// What nobody writes down.
void forecaster::tell(std::string text, std::string event, std::string severity, node_id node) {
    auto name = node ? state_.node_name(node) : std::string();
    out_.entries.push_back(
        {out_.happenings.size() - 1, at_, std::move(event), std::move(severity), std::move(text), {}, name});
    follow_services();
}

// Who serves and who does not, after each step.
void forecaster::follow_services() {
    auto current = out_.happenings.size() - 1;
    for (const auto& [name, item] : state_.packages) {
        auto& own = gaps_[name];
        bool serving = serves(item);
        if (serving == own.serving) continue;
        own.serving = serving;
        if (!serving) {
            own.interrupted = true;
            own.since = at_;
            own.since_happening = current;
        } else if (own.interrupted && own.since_happening == current) {
            own.total.known += at_.known - own.since.known;
            for (const auto& term : at_.unknown)
                if (std::count(own.since.unknown.begin(), own.since.unknown.end(), term) == 0)
                    own.total.unknown.push_back(term);
        } else if (own.interrupted) {
            own.total.unknown.push_back("until " + out_.happenings.back());
        }
    }
}

void forecaster::conclude() {
    const auto made = planner_.look(state_);
    for (const auto& config : state_.config.packages) {
        for (const auto& name : state_.instances(config)) {
            auto found = state_.packages.find(name);
            if (found == state_.packages.end()) continue;
            const auto& own = gaps_[name];
            forecast_package item;
            item.name = name;
            item.before = before_[name];
            item.after = found->second.active() && !stopped_ ? found->second.owner : node_id{};
            item.interrupted = own.interrupted;
            if (own.interrupted && own.serving) item.outage = own.total;
            item.reason = stopped_ ? out_.stopped : headline(state_, made, name);
            out_.packages.push_back(std::move(item));
        }
    }
    out_.after = std::move(state_);
}

}  // namespace mainstay::policy
