// Snapshots: taken here, sent in pieces to a follower that is too far behind, installed once durable.
#include <algorithm>

#include "consensus/raft.hpp"
#include "model/assert.hpp"

namespace mainstay::consensus {

namespace {

constexpr std::size_t piece_bytes = 16 * 1024;
// A claim of more than this is not believed: no state of any size we support comes near it.
constexpr std::uint64_t snapshot_bytes_max = 256U << 20;

}  // namespace

void raft::compact(log_index index, bytes data, std::uint64_t keep) {
    if (index <= log_.snapshot().index || (incoming_ && incoming_->write > 0)) return;
    MAINSTAY_ASSERT(index <= commit_);
    consensus::snapshot taken;
    taken.index = index;
    taken.term = log_.term_at(index).value_or(mainstay::term{});
    taken.base = log_.active(index).front();
    taken.boots = log_.boots_until(index);
    taken.data = std::move(data);
    auto last = last_index().value;
    log_index before{std::min(index.value, last > keep ? last - keep : 0)};
    before = std::max(before, log_.before());
    auto before_term = log_.term_at(before).value_or(mainstay::term{});
    log_.compact(taken, before);
    push_write(
        write{term_, std::max(stored_commit_, commit_), last_index(), {}, std::move(taken), before, before_term});
}

void raft::send_snapshot(node_id to, progress& known, time_point now) {
    const auto& whole = log_.snapshot();
    MAINSTAY_ASSERT(whole.index.value > 0);
    if (known.snapshot != whole.index) {
        known.snapshot = whole.index;
        known.offset = 0;
    }
    snapshot_request request;
    request.term = term_;
    request.about = whole;
    request.about.data.clear();
    request.total = whole.data.size();
    request.offset = std::min<std::uint64_t>(known.offset, whole.data.size());
    request.piece = whole.data.substr(request.offset, piece_bytes);
    request.sent = now;
    known.sent = now;
    send_now(to, std::move(request));
}

void raft::handle(node_id from, const snapshot_request& request, time_point now) {
    if (request.term.node != from) return;
    const auto& about = request.about;
    snapshot_answer answer{term_, about.index, 0, false, request.sent, self_.store};
    if (request.term < term_) return send(from, answer);
    MAINSTAY_ASSERT(!(request.term == term_ && role_ == role::leader));
    follow(from, request.term, now);
    answer.term = term_;
    if (about.index <= commit_) {
        answer.installed = true;
        return send(from, answer);
    }
    bool plausible = request.total <= snapshot_bytes_max && request.offset <= request.total &&
                     request.piece.size() <= request.total - request.offset && !about.base.set.voters.empty() &&
                     about.base.index <= about.index && about.data.empty();
    if (!plausible || (incoming_ && incoming_->write > 0)) return;
    if (!incoming_ || incoming_->about.index != about.index || incoming_->about.term != about.term ||
        incoming_->total != request.total)
        incoming_ = incoming_snapshot{about, request.total, 0, from, request.sent};
    incoming_->from = from;
    incoming_->sent = request.sent;
    auto& data = incoming_->about.data;
    if (request.offset == data.size()) data += request.piece;
    answer.next = data.size();
    if (data.size() < request.total) send(from, answer);
}

const snapshot* raft::offered_snapshot() const {
    bool whole = incoming_ && incoming_->write == 0 && incoming_->about.data.size() == incoming_->total;
    return whole ? &incoming_->about : nullptr;
}

void raft::accept_snapshot(bool readable) {
    if (offered_snapshot() == nullptr) return;
    const auto& about = incoming_->about;
    if (!readable || about.index <= commit_) {
        incoming_.reset();
        return;
    }
    snapshot_answer answer{term_, about.index, incoming_->total, true, incoming_->sent, self_.store};
    auto keep = log_.term_at(about.index) == about.term ? std::max(last_index(), about.index) : about.index;
    push_write(write{term_, std::max(stored_commit_, about.index), keep, {}, about, about.index, about.term});
    incoming_->write = writes_made_;
    send(incoming_->from, answer);  // leaves when it is durable
}

// The disk has it: now it is our log.
void raft::install_stored() {
    if (!incoming_ || incoming_->write == 0 || writes_stored_ < incoming_->write) return;
    auto about = std::move(incoming_->about);
    incoming_.reset();
    log_.install(std::move(about));
    commit_ = std::max(commit_, log_.snapshot().index);
    wanted_commit_ = std::max(wanted_commit_, commit_);
    verified_ = std::max(verified_, commit_);
    stable_index_ = std::min(stable_index_, last_index());
    refresh_active();
}

void raft::handle(node_id from, const snapshot_answer& answer, time_point now) {
    if (answer.term > term_) {
        become_follower(answer.term, node_id{}, now);
        return;
    }
    if (role_ != role::leader || answer.term != term_) return;
    touched(from, answer.store, answer.sent, now);
    auto& known = progress_[from];
    if (known.store != answer.store) {
        known = progress{};
        known.store = answer.store;
    }
    if (answer.installed && answer.index <= last_index()) {
        known.snapshot = log_index{};
        if (answer.index <= known.match) return;
        known.match = answer.index;
        known.next = log_index{answer.index.value + 1};
        known.tries = 0;
        advance_commit(now);
        if (role_ == role::leader) replicate(from, now);
        return;
    }
    if (answer.index != known.snapshot || answer.next == known.offset) return;
    known.offset = answer.next;
    known.tries = 0;
    replicate(from, now);
}

}  // namespace mainstay::consensus
