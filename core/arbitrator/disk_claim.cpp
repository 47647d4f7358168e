#include "arbitrator/disk_claim.hpp"

#include <algorithm>

namespace mainstay::arbitrator {

namespace {

std::string list_of(const std::vector<node_id>& nodes) {
    std::string text;
    for (auto node : nodes) text += (text.empty() ? "" : " ") + std::to_string(node.value);
    return text;
}

}  // namespace

disk_claim::disk_claim(node_id self, consensus::tie_request request, std::uint64_t last_sequence)
    : self_(self), request_(std::move(request)), sequence_(last_sequence) {
    std::sort(request_.half.begin(), request_.half.end());
    request_.half.erase(std::unique(request_.half.begin(), request_.half.end()), request_.half.end());
    consensus::arbiter_record one{{}, store_id{1}, 0, {{request_.version, request_.set_term, request_.half}}};
    if (self_ && request_.cluster && consensus::is_sound(one)) {
        read(stage::look);
    } else {
        finish(disk_answer::outcome::refused, "the request names no cluster, version or nodes");
    }
}

disk_claim::disk_claim(node_id self, cluster_id cluster, std::uint64_t version, store_id store,
                       std::uint64_t last_sequence)
    : self_(self), tells_(true), sequence_(last_sequence) {
    request_.cluster = cluster;
    request_.version = version;
    request_.store = store;
    if (self_ && cluster) {
        read(stage::look);
    } else {
        finish(disk_answer::outcome::refused, "the request names no cluster");
    }
}

void disk_claim::read(stage now) {
    stage_ = now;
    step_ = {disk_step::kind::read_all, 0, {}};
}

void disk_claim::finish(disk_answer::outcome what, std::string reason) {
    stage_ = stage::done;
    step_ = {};
    answer_.what = what;
    answer_.reason = std::move(reason);
}

void disk_claim::failed(const std::string& why) {
    if (stage_ != stage::done) finish(disk_answer::outcome::unknown, why);
}

std::uint64_t disk_claim::floor() const {
    std::uint64_t highest = 0;
    for (const auto& slot : slots_) highest = std::max(highest, slot.floor);
    return highest;
}

const disk_entry* disk_claim::entry_of(const disk_slot& slot) const {
    for (const auto& item : slot.entries)
        if (item.proposal.version == request_.version) return &item;
    return nullptr;
}

disk_entry& disk_claim::own_entry() {
    auto& list = slots_[self_.value].entries;
    auto at = std::find_if(list.begin(), list.end(),
                           [this](const auto& item) { return item.proposal.version >= request_.version; });
    if (at == list.end() || at->proposal.version != request_.version) {
        disk_entry fresh;
        fresh.proposal.version = request_.version;
        at = list.insert(at, fresh);
    }
    return *at;
}

// ---- reading -----------------------------------------------------------------------------------

// One block that can't be trusted may have held a promise or the only copy of a decision: nothing is
// decided without it.
bool disk_claim::take_in(std::string_view device) {
    auto bad = [this](const std::string& where, const std::string& why) {
        finish(disk_answer::outcome::unknown, where + " of the arbitrator's device " + why +
                                                  "; if the device is sound, hactl arbitrator format --force makes it "
                                                  "new, and the cluster takes that up");
        return false;
    };
    if (device.size() < block_bytes) return bad("the head", "can't be read");
    auto head = read_head(device.substr(0, block_bytes));
    if (!head) return bad("the head", head.error().message);
    head_ = *head;
    if (head_.cluster && head_.cluster != request_.cluster) {
        finish(disk_answer::outcome::refused, "the arbitrator's device belongs to another cluster");
        return false;
    }
    if (self_.value >= head_.slots) {
        finish(disk_answer::outcome::refused, "the arbitrator's device has no slot for node number " +
                                                  std::to_string(self_.value) + "; it has " +
                                                  std::to_string(head_.slots) + ", format it with more");
        return false;
    }
    if (device.size() < device_bytes(head_.slots)) return bad("the end", "is missing");
    slots_.clear();
    for (std::uint32_t i = 0; i < head_.slots; ++i) {
        auto slot = read_slot(device.substr(slot_offset(i), block_bytes), head_, i);
        if (!slot) return bad("slot " + std::to_string(i), slot.error().message);
        if (slot->cluster && slot->cluster != request_.cluster) {
            finish(disk_answer::outcome::refused, "another cluster has written to the arbitrator's device");
            return false;
        }
        slots_.push_back(std::move(*slot));
    }
    auto& own = slots_[self_.value];
    if (own.sequence < sequence_)
        return bad("slot " + std::to_string(self_.value), "has lost what it had acknowledged");
    sequence_ = own.sequence;
    return true;
}

void disk_claim::was_read(std::string_view device) {
    if (step_.what != disk_step::kind::read_all || !take_in(device)) return;
    switch (stage_) {
        case stage::look:
            return looked();
        case stage::promised:
            return choose();
        case stage::accepted:
            return decide();
        default:
            return failed("read out of turn");
    }
}

bool disk_claim::is_out_of_date() {
    if (request_.version >= floor()) return false;
    finish(disk_answer::outcome::refused, "voter set " + std::to_string(request_.version) +
                                              " is out of date: voter set " + std::to_string(floor()) +
                                              " is committed");
    return true;
}

void disk_claim::looked() {
    if (tells_) return tell();
    if (request_.store != head_.store)
        return finish(disk_answer::outcome::refused,
                      "the voter set names another store of the arbitrator: the device was formatted or replaced; the "
                      "next committed voter set names the present one");
    if (!head_.cluster)
        return finish(disk_answer::outcome::refused, "no cluster has told the arbitrator of a voter set yet");
    if (is_out_of_date()) return;
    promise();
}

// ---- a grant -------------------------------------------------------------------------------------

void disk_claim::promise() {
    if (++rounds_ > rounds_max_)
        return finish(disk_answer::outcome::unknown, "the other half asks at the same time, again and again");
    std::uint64_t highest = 0;
    for (const auto& slot : slots_)
        if (const auto* entry = entry_of(slot)) highest = std::max(highest, entry->promised.counter);
    ballot_ = {highest + 1, self_};
    own_entry().promised = ballot_;
    write_slot(stage::promise);
}

bool disk_claim::is_outbid() {
    for (const auto& slot : slots_) {
        const auto* entry = entry_of(slot);
        if (entry != nullptr && entry->promised > ballot_) return true;
    }
    return false;
}

void disk_claim::choose() {
    if (is_out_of_date()) return;
    if (is_outbid()) return promise();
    const disk_entry* newest = nullptr;
    for (const auto& slot : slots_) {
        const auto* entry = entry_of(slot);
        if (entry != nullptr && entry->accepted != ballot{} &&
            (newest == nullptr || entry->accepted > newest->accepted))
            newest = entry;
    }
    auto proposal = newest != nullptr ? newest->proposal
                                      : consensus::arbiter_grant{request_.version, request_.set_term, request_.half};
    auto& own = own_entry();
    own.accepted = ballot_;
    own.proposal = std::move(proposal);
    write_slot(stage::accept);
}

void disk_claim::decide() {
    if (is_out_of_date()) return;
    if (is_outbid()) return promise();
    const auto& half = own_entry().proposal.half;
    if (half == request_.half) return finish(disk_answer::outcome::granted);
    finish(disk_answer::outcome::refused, "voter set " + std::to_string(request_.version) +
                                              " was granted to the half with the nodes " + list_of(half));
}

// ---- telling -------------------------------------------------------------------------------------

void disk_claim::tell() {
    answer_.told.store = head_.store;
    answer_.told.floor = floor();
    for (const auto& slot : slots_) {
        const auto* entry = entry_of(slot);
        if (entry != nullptr && entry->accepted != ballot{}) answer_.told.granted = true;
    }
    bool noted = request_.store != head_.store || (head_.cluster && request_.version <= floor());
    if (noted) return finish(disk_answer::outcome::told);
    answer_.told.changed = true;
    answer_.told.floor = std::max(answer_.told.floor, request_.version);
    slots_[self_.value].floor = answer_.told.floor;
    write_slot(stage::note);
}

// ---- writing -------------------------------------------------------------------------------------

void disk_claim::write_slot(stage now) {
    auto& own = slots_[self_.value];
    own.cluster = request_.cluster;
    own.sequence = sequence_ + 1;  // acknowledged by the device only when it is written
    auto lowest = floor();
    std::erase_if(own.entries, [lowest](const auto& item) { return item.proposal.version < lowest; });
    auto block = slot_block(own);
    if (!block || own.entries.size() > consensus::arbiter_record::grants_max)
        return finish(disk_answer::outcome::refused, "too many voter sets are open on the arbitrator's device");
    stage_ = now;
    step_ = {disk_step::kind::write, slot_offset(self_.value), std::move(*block)};
}

void disk_claim::was_written() {
    if (stage_ != stage::bind) sequence_ = slots_[self_.value].sequence;
    switch (stage_) {
        case stage::promise:
            return read(stage::promised);
        case stage::accept:
            return read(stage::accepted);
        case stage::note:
            if (head_.cluster) return finish(disk_answer::outcome::told);
            head_.cluster = request_.cluster;
            stage_ = stage::bind;
            step_ = {disk_step::kind::write, 0, head_block(head_)};
            return;
        case stage::bind:
            return finish(disk_answer::outcome::told);
        default:
            return failed("written out of turn");
    }
}

}  // namespace mainstay::arbitrator
