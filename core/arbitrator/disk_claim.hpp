// One node's question to an arbitrator on a shared disk: a Disk Paxos over blocks that each have one
// writer, without any I/O. The owner does what next() says, in order, each write durable before the
// next step; what it could not do it reports with failed().
//
// Which half gets a version is decided per version. A node promises a ballot in its own slot, reads all
// others, takes over a half that somebody accepted already or else proposes its own, accepts it in its
// own slot, reads all others again: if nobody promised a higher ballot meanwhile, it is decided. The
// floor is the highest told by anybody; it is looked at with every reading, the last one included.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arbitrator/sectors.hpp"

namespace mainstay::arbitrator {

struct disk_answer {
    enum class outcome : std::uint8_t { granted, refused, told, unknown, count_ } what = outcome::unknown;
    std::string reason;        // of refused and unknown
    consensus::tie_told told;  // of told
    static void fields(auto& self, auto&& visit) {
        visit("what", self.what);
        visit("reason", self.reason);
        visit("told", self.told);
    }
};

// What is to be done now. `read_all` reads head and slots; `write` puts `block` at `offset`.
struct disk_step {
    enum class kind : std::uint8_t { read_all, write, done, count_ } what = kind::done;
    std::uint64_t offset = 0;
    bytes block;
    static void fields(auto& self, auto&& visit) {
        visit("what", self.what);
        visit("offset", self.offset);
        visit("block", self.block);
    }
};

class disk_claim {
public:
    // `slot` of node N is N. `last_sequence`: of the own slot as this process wrote it last, 0 = never:
    // a device that shows an older one has lost what it had acknowledged.
    disk_claim(node_id self, consensus::tie_request request, std::uint64_t last_sequence);
    // The same for "this version is committed".
    disk_claim(node_id self, cluster_id cluster, std::uint64_t version, store_id store, std::uint64_t last_sequence);

    // Two nodes that outbid each other give up after so many tries, and ask again after a while of their
    // own.
    static constexpr std::uint32_t rounds_default = 8;
    void limit_rounds(std::uint32_t most) { rounds_max_ = most; }

    [[nodiscard]] const disk_step& next() const { return step_; }
    // The whole device from block 0 on, as far as the head says; it may be longer.
    void was_read(std::string_view device);
    void was_written();
    void failed(const std::string& why);

    [[nodiscard]] const disk_answer& answer() const { return answer_; }  // when next() is done
    [[nodiscard]] std::uint64_t sequence() const { return sequence_; }   // of the own slot now

    static void fields(auto& self, auto&& visit) {
        visit("self", self.self_);
        visit("tells", self.tells_);
        visit("request", self.request_);
        visit("sequence", self.sequence_);
        visit("stage", self.stage_);
        visit("step", self.step_);
        visit("answer", self.answer_);
        visit("head", self.head_);
        visit("slots", self.slots_);
        visit("ballot", self.ballot_);
        visit("rounds", self.rounds_);
    }

private:
    enum class stage : std::uint8_t { look, promise, promised, accept, accepted, note, bind, done, count_ };

    [[nodiscard]] bool take_in(std::string_view device);
    void looked();
    void tell();
    void promise();
    void choose();
    void accept();
    void decide();
    void write_slot(stage now);
    void read(stage now);
    void finish(disk_answer::outcome what, std::string reason = {});
    [[nodiscard]] std::uint64_t floor() const;
    [[nodiscard]] bool is_out_of_date();
    [[nodiscard]] bool is_outbid();
    [[nodiscard]] disk_entry& own_entry();
    [[nodiscard]] const disk_entry* entry_of(const disk_slot& slot) const;

    node_id self_;
    bool tells_ = false;
    consensus::tie_request request_;
    std::uint64_t sequence_ = 0;
    stage stage_ = stage::look;
    disk_step step_;
    disk_answer answer_;
    disk_head head_;
    std::vector<disk_slot> slots_;
    ballot ballot_;
    std::uint32_t rounds_ = 0;
    std::uint32_t rounds_max_ = rounds_default;
};

}  // namespace mainstay::arbitrator
