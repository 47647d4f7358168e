// The turn of a node: one input, then everything that follows from it.
#include "node/node.hpp"

#include <algorithm>

#include "cluster/configuration.hpp"
#include "cluster/newer_keywords.hpp"
#include "cluster/plan_id.hpp"
#include "model/assert.hpp"
#include "model/mutation.hpp"

namespace mainstay::node {

namespace {

constexpr std::size_t history_max = 4000;

}  // namespace

consensus::timing node::raft_timing(const timings& times) {
    return {times.member_timeout, times.rank_step, std::max(times.heartbeat_interval, duration{20'000}),
            times.tie_break_timeout};
}

node::node(const start_info& info, moment at)
    : name_(info.name),
      boot_(info.boot),
      store_(info.store),
      seed_(info.seed),
      watchdog_(info.watchdog),
      kernel_(info.kernel),
      snapshot_every_(std::max<std::uint64_t>(info.snapshot_every, 1)),
      feature_level_(info.feature_level),
      at_(at),
      started_at_(at.now),
      times_(timings_of(cluster_config{})),
      raft_({}, {}, raft_timing(times_), info.seed, at.now) {
    out_.start_life(boot_);
    last_turn_ = at.now;
    next_whole_ = info.seed >> 1U;
    auto record = read_stored_form(info.local);
    if (record) {
        for (const auto& [package, item] : record->packages)
            if (item.machine == boot_.machine) recovered_.emplace(package, item);
    }
    local_.packages = recovered_;
    if (record) local_.joined = record->joined;
    if (!info.log.empty()) {
        // The own id is in the log; read it before the log needs to know who we are.
        raft_ = consensus::raft({}, info.log, raft_timing(times_), info.seed, at.now);
        apply_committed(true);
        self_ = state_.find_node(name_);
        if (!self_ && local_.joined) self_ = local_.joined->self;
        raft_ = consensus::raft({self_, store_}, info.log, raft_timing(times_), info.seed, at.now);
        out_.add(configuration_changed{});
    } else if (local_.joined) {
        self_ = local_.joined->self;
        raft_ = consensus::raft({self_, store_}, {}, raft_timing(times_), info.seed, at.now);
        raft_.join();
    }
    finish_turn();
}

void node::step(const input& item, moment at) {
    at_ = at;
    begin_turn();
    check_lease();  // R6: after any pause this comes before anything else
    std::visit([this](const auto& body) { handle(body); }, item);
    finish_turn();
}

// A node that was itself late listens again before it judges others (architecture.md section 4).
void node::begin_turn() {
    auto late = at_.now - last_turn_;
    if (late > std::max(times_.member_timeout / 4, 2 * times_.heartbeat_interval)) {
        judge_after_ = at_.now + 2 * times_.heartbeat_interval;
        raft_.hold_judgement(judge_after_);
    }
    last_turn_ = at_.now;
}

void node::finish_turn() {
    raft_.set_settled(settled());
    raft_.set_mute(foreign_lineage_ != 0);
    raft_.set_barred(stopped_applying_, at_.now);
    raft_.tick(at_.now);
    judge_snapshot();
    pursue_ties();
    bool again = true;
    for (int round = 0; again; ++round) {
        MAINSTAY_ASSERT(round < 1000);
        again = apply_committed(false);
        begin_fences();
        tend_detachment();
        news_of_parts();
        lead();
        raft_.set_settled(settled());
        reconcile();
        news_of_parts();
        send_submissions();
        again = flush_stores() || again;
    }
    check_lease();
    keep_leaving();
    news_of_parts();
    send_submissions();
    for (auto& [name, item] : runners_) item.tick(at_.now, out_);
    // Who judges nobody yet shoots nobody again.
    if (at_.now >= judge_after_)
        fencer_.tick(
            state_, [this](const auto& request) { return still_to_fence(request); }, at_.now, out_);
    record_phases();
    for (auto serial : operations_.expire(at_.now, static_cast<bool>(raft_.leader()), out_))
        submissions_.withdraw(serial);
    if (forming_ && forming_->deadline <= at_.now) {
        out_.add(admin_done{forming_->admin, admin_result::failed, "not every node of the configuration answered"});
        forming_.reset();
    }
    answer_certifier();
    flush_stores();
    for (auto& item : raft_.take_messages()) transmit(name_of(item.to), std::move(item.body));
    publish();
}

time_point node::deadline() const {
    auto due = std::min({raft_.deadline(), operations_.deadline(), look_again_, look_at_arbitrators_, certify_until_,
                         std::max(fencer_.deadline(), judge_after_), last_turn_ + times_.heartbeat_interval});
    if (!submissions_.empty()) due = std::min(due, submit_again_);
    if (forming_) due = std::min(due, forming_->deadline);
    due = std::min(due, leave_deadline());
    if (guard_known_ && packages_here() && !lease_lost_ && !lease_endless() && !unbound())
        due = std::min(due, lease_.end());
    for (const auto& attempt : ties_)
        if (attempt.open.empty() && !attempt.fencing && !raft_.ties_wanted().empty())
            due = std::min(due, std::max(attempt.again, last_turn_ + duration{1'000}));
    for (const auto& [name, item] : runners_) due = std::min(due, item.deadline());
    return due;
}

bool node::settled() const {
    auto found = state_.nodes.find(self_);
    return found != state_.nodes.end() && found->second.boot == boot_;
}

// ---- store ---------------------------------------------------------------------------------------

bool node::flush_stores() {
    bool any = false;
    for (auto& item : raft_.take_writes()) {
        store next;
        next.log = std::move(item);
        out_.add(std::move(next));
        stores_open_.push_back(true);
        ++stores_made_;
        any = true;
    }
    return any;
}

void node::persist_local() {
    store next;
    next.local = stored_form(local_);
    out_.add(std::move(next));
    stores_open_.push_back(false);
    ++stores_made_;
}

void node::handle(const stored& item) {
    MAINSTAY_ASSERT(item.count <= stores_made_);
    while (stores_done_ < item.count) {
        if (stores_open_.front()) ++log_writes_done_;
        stores_open_.pop_front();
        ++stores_done_;
    }
    raft_.stored(log_writes_done_, at_.now);
    if (join_after_store_ != 0 && stores_done_ >= join_after_store_) joined();
    start_stored();
    reports_stored();
    scripts_stored();
    for (auto& [name, runner] : runners_) runner.stored(stores_done_, out_);
}

// ---- the log ---------------------------------------------------------------------------------------

bool node::apply_committed(bool replay) {
    bool any = load_snapshot();
    auto until = mutated(mutation::apply_uncommitted) ? raft_.last_index() : raft_.commit();
    while (!stopped_applying_ && state_.applied < until) {
        log_index next{state_.applied.value + 1};
        const auto& entry = raft_.at(next);
        auto outcome = cluster::apply(state_, next, entry);
        if (outcome.unknown) {
            stopped_applying_ = true;
            out_.say("error", outcome.refusal + ": this node stops applying; install the newer version");
            break;
        }
        any = true;
        auto copy = entry;  // a snapshot taken below drops it
        applied_entry(next, copy, outcome, replay);
        if (!replay && next.value % snapshot_every_ == 0) take_snapshot();
        stopped_applying_ = too_old_for(state_);
    }
    return any;
}

// D2: from here on there may be entries that this software does not know, or takes for something else.
bool node::too_old_for(const cluster::state& state) {
    if (state.feature_level <= feature_level_) return false;
    out_.say("error", "the cluster is at feature level " + std::to_string(state.feature_level) + ", this node reads " +
                          std::to_string(feature_level_) +
                          ": it stops applying and only has its vote; install the newer version");
    return true;
}

void node::applied_entry(log_index index, const consensus::entry& entry, const cluster::applied& outcome, bool replay) {
    if (outcome.configuration_changed) configuration_is_new();
    const auto* data = std::get_if<consensus::payload>(&entry.body);
    std::optional<cluster::command> item;
    if (data != nullptr) item = decode<cluster::command>(data->data);
    if (!outcome.duplicate) {
        auto what = cluster::describe(state_, entry, outcome);
        happened record{index,     {},           {},        what.event,        what.severity,
                        what.text, what.package, what.node, !outcome.accepted, what.details};
        if (item) {
            record.when = item->when;
            record.actor = item->actor;
        } else if (const auto* boot = std::get_if<consensus::boot_entry>(&entry.body)) {
            record.when = boot->when;
            record.actor = "cluster";
        }
        history_.push_back(record);
        if (history_.size() > history_max) history_.pop_front();
        if (!replay) {
            out_.add(record);
            operations_.applied(state_, record, out_);
        }
    }
    const auto* voters = std::get_if<consensus::voter_set>(&entry.body);
    if (voters != nullptr && voters->proof) fence_confirmed_[voters->proof->node] = at_.now;
    if (replay || !item) return;
    if (item->origin == self_ && item->origin_boot == boot_) {
        submissions_.counted(item->serial);
        std::erase_if(reports_open_, [&](const auto& open) { return open.second <= item->serial; });
        std::erase_if(subnets_told_, [&](const auto& open) { return open.second <= item->serial; });
        auto told = outcome;
        if (outcome.planned_at) told.refusal += changes_since(history_, outcome.planned_at);
        operations_.counted(item->serial, state_, told, out_);
    }
    if (outcome.accepted) consequences(*item, outcome);
}

void node::consequences(const cluster::command& item, const cluster::applied&) {
    auto asked = cluster::asked_of(item.body);
    if (const auto* reset = std::get_if<cluster::restarts_reset>(&asked)) {
        for (auto& [name, runner] : runners_)
            if (cluster::package_of(name) == reset->package && (reset->node.empty() || reset->node == name_))
                runner.reset_restarts(reset->service);
    }
    if (const auto* request = std::get_if<cluster::fence_request>(&item.body)) {
        probe_addresses(*request);
    } else if (const auto* result = std::get_if<cluster::fence_result>(&item.body)) {
        fence_ended(*result);
    }
}

// Takes up the fence requests that name this node. Judged by the whole known log under a fresh
// acknowledgement: a node that was paused must not shoot by a request that others settled long ago.
// R5: a node that is not settled executes no fence request found in its log.
void node::begin_fences() {
    if (!settled() || stopped_applying_ || !lease_.may_start(at_.now, times_.member_timeout, state_.applied)) return;
    for (const auto& [target, fence] : state_.fences) {
        const auto& request = fence.request;
        if (fence.done || request.executor != self_ || request.executor_boot != boot_) continue;
        auto& begun = fences_begun_[target];
        if (begun >= request.id) continue;
        const auto& victim = state_.nodes.at(target);
        if (cut_off() && victim.fence_asked_by.empty()) continue;
        begun = request.id;
        // Lost as far as the log goes: a request that was long on its way is applied before anybody could write down
        // that the node is back (invariant 5).
        bool heard = victim.status != cluster::node_status::lost || who_hears(target, {}).by_majority;
        if (heard && victim.fence_asked_by.empty()) {
            submit_command(cluster::fence_result{request.id, cluster::fence_outcome::cancelled, "", "heard again"},
                           name_);
        } else {
            fencer_.begin(state_, request, out_);
        }
    }
}

void node::configuration_is_new() {
    times_ = timings_of(state_.config.cluster);
    raft_.set_timing(raft_timing(times_));
    out_.add(configuration_changed{});
    for (auto& [name, item] : runners_) {
        auto config = config_of(name);
        if (config) item.take_config(*config, environment_of(*config, item.generation()), out_);
    }
    if (founding_admin_ == 0) return;
    out_.add(admin_done{founding_admin_, admin_result::done, "cluster " + state_.config.cluster.name + " formed"});
    founding_admin_ = 0;
}

// ---- what this node has to say -----------------------------------------------------------------------

std::uint64_t node::submit_command(cluster::command_body body, std::string actor) {
    cluster::command item;
    item.when = at_.wall;
    item.actor = std::move(actor);
    item.origin = self_;
    item.origin_boot = boot_;
    item.body = std::move(body);
    submit_again_ = at_.now;
    return submissions_.add(std::move(item));
}

void node::send_submissions() {
    if (submissions_.empty() || !state_.formed()) return;
    if (raft_.leads()) {
        accept(submissions_.oldest());
        submit_again_ = never;
        return;
    }
    auto leader = raft_.leader();
    if (!leader) {
        submit_again_ = never;
        submitted_to_ = leader;
        return;
    }
    if (leader == submitted_to_ && at_.now < submit_again_) return;
    submitted_to_ = leader;
    submit_again_ = at_.now + std::max(times_.heartbeat_interval, duration{50'000});
    transmit(name_of(leader), submit{submissions_.oldest()});
}

void node::news_of_parts() {
    for (auto& [name, item] : runners_) runner_says(name, item);
    for (auto& news : fencer_.take_news()) {
        if (news.result.id == 0 && !news.power_on) {
            tie_fence_ended(news);
        } else if (!news.power_on) {
            submit_command(std::move(news.result), name_);
        } else if (news.result.outcome == cluster::fence_outcome::failed) {
            cluster::cluster_event event;
            event.node = self_;
            event.event = "power_on_failed";
            event.severity = "alarm";
            event.details = {
                {"target", state_.node_name(news.node)}, {"device", news.result.device}, {"said", news.result.detail}};
            submit_command(std::move(event), name_);
        }
    }
}

void node::handle(const process_exited& item) {
    if (resets_itself()) return;
    for (auto& [name, runner] : runners_)
        if (runner.process_exited(item, at_.now, out_)) return;
    // Of one that nobody has taken over yet, or that is detached: by then it is not among the living.
    std::erase_if(living_, [&item](const auto& process) { return process.request == item.request; });
}

void node::handle(const package_cleared& item) {
    for (auto& [name, runner] : runners_)
        if (runner.cleared(item, out_)) return;
}

void node::handle(const plugin_answer& item) {
    for (auto& [name, runner] : runners_)
        if (runner.plugin_answered(item, out_)) return;
    auto wanted = [this](const auto& request) { return still_to_fence(request); };
    if (fencer_.answered(state_, item, wanted, at_.now, out_)) return;
    if (tie_answered(item) || arbitrator_answered(item)) return;
    auto probe = probes_.find(item.request);
    if (probe != probes_.end()) {
        if (item.outcome == call_outcome::failed) doubtful_.insert(probe->second);
        probes_.erase(probe);
        return;
    }
    auto notice = notices_open_.find(item.request);
    if (notice == notices_open_.end()) return;
    auto [entry, notifier] = notice->second;
    notices_open_.erase(notice);
    submit_command(cluster::notified{notifier, entry, item.outcome == call_outcome::ok, item.text}, name_);
}

void node::handle(const plugin_event& item) {
    // A source that talks without end while nobody leads must not fill the memory.
    constexpr std::size_t waiting_max = 1000;
    if (!state_.formed() || submissions_.size() >= waiting_max) {
        ++dropped_;
        return;
    }
    submit_command(cluster::cluster_event{self_, item.instance, item.event, item.severity, item.details}, name_);
}

void node::handle(const admin_call& item) {
    if (const auto* asked = std::get_if<form_cluster>(&item.body)) return form(item, *asked);
    if (!state_.formed()) {
        out_.add(admin_done{item.id, admin_result::refused,
                            "this node is in no cluster yet: hactl cluster apply on one node forms it"});
        return;
    }
    if (const auto* asked = std::get_if<certify_down>(&item.body)) return certify(item, *asked);
    if (const auto* asked = std::get_if<script_call>(&item.body)) return script_asks(item, *asked);
    if (says_nothing_new(item)) return;
    auto body = std::get<cluster::command_body>(item.body);
    if (auto wrong = cluster::against_newer_command(state_, cluster::asked_of(body)); !wrong.empty()) {
        out_.add(admin_done{item.id, admin_result::refused, std::move(wrong)});
        return;
    }
    auto serial = submit_command(body, item.actor);
    operations_.add(item.id, serial, cluster::asked_of(body), at_.now + item.patience);
}

void node::handle(const watchdog_armed& item) {
    watchdog_ = item.timeout;
    bool configured =
        std::any_of(state_.config.cluster.nodes.begin(), state_.config.cluster.nodes.end(),
                    [this](const auto& each) { return each.name == name_ && !each.watchdog_device.empty(); });
    if (!configured) return;
    // An alarm of the cluster: without it a lost node's packages wait for another proof.
    std::string alarm = "watchdog of " + name_;
    bool works = item.trouble.empty() && watchdog_.count() > 0;
    bool stands = state_.alarms.contains(alarm + " failed");
    if (works != stands) return;
    handle(
        plugin_event{alarm, "failed", works ? "info" : "alarm", {{"text", works ? "it works again" : item.trouble}}});
}

// Its own life is not in the log, or not as it is now.
bool node::life_to_tell() const {
    if (!settled()) return true;
    return state_.nodes.at(self_).watchdog != watchdog_;
}

void node::handle(const guard_hello& item) {
    guard_known_ = true;
    living_ = item.living;
    guard_detached_ = item.detached;
    // The guard was told the lease's end and the time to halt on top (check_lease).
    // One without end counted only while the voter sets make it so: as an end that is past.
    if (item.detached) {
        // None at all: what binds again is acknowledged first.
    } else if (item.lease_end >= lease_without_end) {
        lease_.inherited(at_.now);
    } else if (item.lease_end != time_point::min()) {
        lease_.inherited(item.lease_end - times_.halt_timeout);
    }
    adopt_recovered();
}

// Each event source has one reader: the first node, in the order of its list, that is up. When the
// reader is lost the reading moves (mission U1).
void node::keep_event_sources() {
    std::vector<std::string> mine;
    auto reads = [this](const std::string& candidate) {
        auto found = state_.nodes.find(state_.find_node(candidate));
        bool up = found != state_.nodes.end() && found->second.status == cluster::node_status::up &&
                  !state_.too_old(found->first);
        return up ? std::optional(found->first == self_) : std::nullopt;
    };
    for (const auto& source : state_.config.cluster.event_sources) {
        std::optional<bool> first;
        for (const auto& candidate : source.nodes)
            if (!first) first = reads(candidate);
        if (source.nodes.empty())
            for (const auto& item : state_.config.cluster.nodes)
                if (!first) first = reads(item.name);
        if (first.value_or(false)) mine.push_back(source.name);
    }
    if (!settled()) mine.clear();
    if (mine == event_sources_) return;
    event_sources_ = mine;
    out_.add(run_event_sources{std::move(mine)});
}

// ---- the whole state as bytes ---------------------------------------------------------------------------

bytes node::save() const { return encode(*this); }

std::optional<node> node::load(std::string_view saved, const cluster::state* former) {
    node value;
    codec::reader reader(saved);
    reader.get(value);
    if (!reader.ok() || !reader.at_end()) return std::nullopt;
    if (!cluster::complete(value.state_, former)) return std::nullopt;
    value.times_ = timings_of(value.state_.config.cluster);
    for (auto& [name, item] : value.runners_) {
        auto config = value.config_of(name);
        if (config) item.set_config(*config);
    }
    return value;
}

}  // namespace mainstay::node
