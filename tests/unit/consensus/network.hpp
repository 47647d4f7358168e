// Rafts on an in-memory network: virtual time in steps of one millisecond, every message takes one
// step, every member beats as its owner would. Nothing is random; disks sync at once unless held.
// After each step the promises of Raft are checked: one leader a term, committed entries are final.
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "consensus/raft.hpp"

namespace mainstay::consensus {

inline constexpr duration ms{1'000};
inline constexpr timing test_timing{100 * ms, 20 * ms, 20 * ms, 1'000 * ms};
inline constexpr duration test_beat = 10 * ms;

inline voter voter_of(std::uint32_t id) { return {node_id{id}, store_id{100U + id}}; }

inline voter_set set_of(std::uint64_t version, const std::vector<std::uint32_t>& nodes) {
    voter_set set;
    set.version = version;
    for (auto node : nodes) set.voters.push_back(voter_of(node));
    return set;
}

inline durable_state durable(const term& newest, log_index commit, std::vector<entry> log) {
    durable_state state;
    state.term = newest;
    state.commit = commit;
    state.log = std::move(log);
    return state;
}

inline std::vector<entry> founding(const std::vector<std::uint32_t>& voters) {
    return {entry{term{}, set_of(1, voters)}, entry{term{}, payload{"founding"}}};
}

class network {
public:
    struct member {
        std::unique_ptr<consensus::raft> raft;
        durable_state disk;
        std::vector<write> unsynced;
        std::uint64_t synced = 0;
        bool hold_disk = false;
        bool paused = false;
        store_id store;
        std::map<std::uint32_t, time_point> heard;  // send time of each other's newest beat
    };
    struct flying {
        std::uint32_t from, to;
        message body;
    };

    // `members` all know the founding log of `voters`.
    network(const std::vector<std::uint32_t>& voters, const std::vector<std::uint32_t>& members) {
        for (auto id : members) {
            auto& item = members_[id];
            item.store = voter_of(id).store;
            item.raft = std::make_unique<raft>(voter_of(id), durable_state{}, test_timing, id, now_);
            item.raft->adopt(founding(voters), now_);
            drain(id);
        }
    }
    explicit network(const std::vector<std::uint32_t>& voters) : network(voters, voters) {}

    raft& at(std::uint32_t id) { return *members_.at(id).raft; }
    member& of(std::uint32_t id) { return members_.at(id); }
    [[nodiscard]] time_point now() const { return now_; }
    void cut(std::uint32_t from, std::uint32_t to) { cuts_.insert({from, to}); }
    void isolate(std::uint32_t id) {
        for (auto& [other, item] : members_) cut(id, other), cut(other, id);
    }
    void heal() { cuts_.clear(); }

    // The process dies and comes back with what was synced.
    void restart(std::uint32_t id) {
        auto& item = members_.at(id);
        item.unsynced.clear();
        item.synced = 0;
        item.heard.clear();
        item.raft = std::make_unique<raft>(voter{node_id{id}, item.store}, item.disk, test_timing, id + 7, now_);
        drain(id);
    }

    // A node with an empty store.
    void add_empty(std::uint32_t id) {
        auto& item = members_[id];
        item.store = voter_of(id).store;
        item.raft = std::make_unique<raft>(voter_of(id), durable_state{}, test_timing, id, now_);
    }
    // Its disk is replaced by an empty one.
    void lose_store(std::uint32_t id, store_id fresh) {
        auto& item = members_.at(id);
        item.disk = {};
        item.store = fresh;
        checked_[id] = 0;
        restart(id);
    }

    void run(duration how_long) {
        for (auto end = now_ + how_long; now_ < end;) step();
    }
    template <class Predicate>
    bool run_until(Predicate wanted, duration limit = 5'000 * ms) {
        for (auto end = now_ + limit; now_ < end; step())
            if (wanted()) return true;
        return wanted();
    }
    // The leader of the highest term, 0 = none.
    [[nodiscard]] std::uint32_t leader() const {
        std::uint32_t found = 0;
        for (const auto& [id, item] : members_)
            if (item.raft->leads() &&
                (found == 0 || members_.at(found).raft->current_term() < item.raft->current_term()))
                found = id;
        return found;
    }
    // As an owner that took over: an entry of the own term first.
    std::uint32_t elect() {
        REQUIRE(run_until([&] { return leader() != 0; }));
        auto id = leader();
        propose(id, "took over");
        REQUIRE(run_until([&] { return at(id).may_decide(); }));
        return id;
    }
    std::optional<log_index> propose(std::uint32_t id, const std::string& text) {
        auto index = at(id).propose(payload{text}, now_);
        drain(id);
        return index;
    }
    std::optional<log_index> propose(std::uint32_t id, const entry_body& body) {
        auto index = at(id).propose(body, now_);
        drain(id);
        return index;
    }
    void release_disk(std::uint32_t id) {
        members_.at(id).hold_disk = false;
        drain(id);
    }
    std::vector<flying> sent;  // everything that left a member, in order

    void drain(std::uint32_t id) {
        auto& item = members_.at(id);
        item.raft->accept_snapshot(true);
        for (bool again = true; again;) {
            again = false;
            for (auto& change : item.raft->take_writes()) item.unsynced.push_back(std::move(change));
            if (!item.hold_disk && !item.unsynced.empty()) {
                for (const auto& change : item.unsynced) apply_write(item.disk, change);
                item.synced += item.unsynced.size();
                item.unsynced.clear();
                item.raft->stored(item.synced, now_);
                again = true;
            }
        }
        for (auto& out : item.raft->take_messages()) {
            sent.push_back({id, out.to.value, out.body});
            flying_.push_back(sent.back());
        }
    }
    // Called with each member before it is driven in a step; for save and restore.
    std::function<void(raft&)> before_each;

private:
    [[nodiscard]] bool passes(std::uint32_t from, std::uint32_t to) const { return !cuts_.contains({from, to}); }

    void step() {
        now_ += ms;
        for (auto& item : std::exchange(flying_, {})) {
            auto found = members_.find(item.to);
            if (found == members_.end() || !passes(item.from, item.to)) continue;
            if (found->second.paused) {
                flying_.push_back(item);
                continue;
            }
            if (before_each) before_each(*found->second.raft);
            found->second.raft->receive(node_id{item.from}, item.body, now_);
            drain(item.to);
        }
        for (auto& [id, item] : members_) {
            if (item.paused) continue;
            if (before_each) before_each(*item.raft);
            item.raft->tick(now_);
            drain(id);
        }
        if (now_.time_since_epoch() % test_beat == duration{0})
            for (auto& [id, item] : members_)
                if (!item.paused) beat(id);
        check();
    }

    void beat(std::uint32_t id) {
        auto& from = *members_.at(id).raft;
        for (auto& [other, item] : members_) {
            if (other == id || item.paused || !passes(id, other)) continue;
            auto echo = members_.at(id).heard.find(other);
            bool leads = from.leads() && from.stable_term() == from.current_term();
            beat_view view{from.stable_term(), leads, from.commit(),
                           echo == members_.at(id).heard.end() ? time_point::min() : echo->second,
                           members_.at(id).store};
            item.heard[id] = now_;
            item.raft->beat_heard(node_id{id}, view, now_);
            drain(other);
        }
    }

    void check() {
        for (auto& [id, item] : members_) {
            if (item.raft->leads()) {
                auto [found, fresh] = leaders_.emplace(item.raft->current_term(), id);
                if (found->second != id) FAIL("two leaders in one term");
                if (item.raft->current_term().node != node_id{id}) FAIL("leads a term with another's id (R1)");
            }
            const auto& log = item.raft->log();
            for (auto i = std::max(checked_[id], log.before().value); i < item.raft->commit().value; ++i) {
                const auto& entry = log.at(log_index{i + 1});
                if (i == final_.size()) final_.push_back(entry);
                if (final_[i] != entry) FAIL("node " << id << " committed another entry " << i + 1);
            }
            if (item.raft->commit().value < checked_[id] && item.synced > 0 && !item.paused)
                checked_[id] = item.raft->commit().value;  // restarted: the mark is a lower bound
            checked_[id] = std::max(checked_[id], item.raft->commit().value);
            for (auto i = log.before().value; i < std::min(checked_[id], item.raft->commit().value); ++i)
                if (log.at(log_index{i + 1}).term != final_[i].term) FAIL("a committed entry has changed");
        }
    }

    std::map<std::uint32_t, member> members_;
    std::set<std::pair<std::uint32_t, std::uint32_t>> cuts_;
    std::vector<flying> flying_;
    time_point now_{};
    std::map<term, std::uint32_t> leaders_;
    std::map<std::uint32_t, std::uint64_t> checked_;
    std::vector<entry> final_;
};

// The answers of one kind that `raft` has to give now.
template <class Kind>
std::vector<Kind> answers(raft& from) {
    std::vector<Kind> found;
    for (auto& item : from.take_messages())
        if (auto* body = std::get_if<Kind>(&item.body)) found.push_back(*body);
    return found;
}

}  // namespace mainstay::consensus
