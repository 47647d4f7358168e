// Snapshots: taken, judged, loaded; and the past that they and the log still hold.
#include "node/snapshots.hpp"

#include "cluster/apply.hpp"
#include "cluster/configuration.hpp"
#include "model/mutation.hpp"
#include "node/node.hpp"

namespace mainstay::node {

namespace {

constexpr std::size_t snapshot_history = 300;

// Founding entries have no time of their own.
std::optional<wall_time> time_of(const consensus::entry& entry) {
    if (const auto* boot = std::get_if<consensus::boot_entry>(&entry.body)) return boot->when;
    const auto* data = std::get_if<consensus::payload>(&entry.body);
    auto item = data != nullptr ? decode<cluster::command>(data->data) : std::nullopt;
    if (!item || item->when == wall_time{}) return std::nullopt;
    return item->when;
}

}  // namespace

// At the same entries on every node: equal logs give equal snapshots, byte for byte.
void node::take_snapshot() {
    snapshot_body body;
    body.state = state_;
    if (mutated(mutation::snapshot_without_last)) body.state.packages.begin()->second.generation.value -= 1;
    auto from = history_.size() - std::min(history_.size(), snapshot_history);
    body.history.assign(history_.begin() + static_cast<std::ptrdiff_t>(from), history_.end());
    raft_.compact(state_.applied, encode(body), std::max<std::uint64_t>(snapshot_every_ / 4, 1));
}

// What can't be read is refused before it replaces anything.
void node::judge_snapshot() {
    const auto* offered = raft_.offered_snapshot();
    if (offered == nullptr) return;
    auto body = decode<snapshot_body>(offered->data);
    bool readable = body && body->state.applied == offered->index && body->state.feature_level <= feature_level_ &&
                    cluster::complete(body->state, &state_);
    if (!readable) out_.say("error", "the leader's snapshot can't be read here: install the newer version");
    raft_.accept_snapshot(readable);
}

bool node::load_snapshot() {
    const auto& taken = raft_.snapshot();
    if (stopped_applying_ || taken.index <= state_.applied) return false;
    auto body = decode<snapshot_body>(taken.data);
    if (!body || body->state.feature_level > feature_level_ || !cluster::complete(body->state, &state_)) {
        stopped_applying_ = true;
        out_.say("error", "the snapshot at entry " + std::to_string(taken.index.value) +
                              " can't be read: this node stops applying; install the newer version");
        return false;
    }
    state_ = std::move(body->state);
    history_.assign(body->history.begin(), body->history.end());
    configuration_is_new();
    // What this life had submitted and the snapshot counts.
    auto mark = state_.submissions.find(self_);
    if (self_ && mark != state_.submissions.end() && mark->second.boot == boot_) {
        submissions_.counted(mark->second.serial);
        operations_.overtaken(mark->second.serial, out_);
        std::erase_if(reports_open_, [&](const auto& open) { return open.second <= mark->second.serial; });
        std::erase_if(subnets_told_, [&](const auto& open) { return open.second <= mark->second.serial; });
    }
    return true;
}

// Clocks of two leaders differ: the first entry that is later ends it, whatever follows.
tl::expected<cluster::state, wall_time> state_at(const consensus::raft& log, log_index applied, wall_time when) {
    cluster::state now;
    const auto& taken = log.snapshot();
    if (taken.index.value > 0) {
        auto body = decode<snapshot_body>(taken.data);
        bool whole = body && cluster::complete(body->state, nullptr);
        auto oldest = body && !body->history.empty() ? body->history.back().when : wall_time{};
        if (!whole || when < oldest) return tl::unexpected(oldest);
        now = std::move(body->state);
    }
    while (now.applied < applied) {
        log_index next{now.applied.value + 1};
        const auto& entry = log.at(next);
        auto said = time_of(entry);
        if (said && when < *said) {
            if (!now.formed()) return tl::unexpected(*said);
            break;
        }
        cluster::apply(now, next, entry);
    }
    return now;
}

}  // namespace mainstay::node
