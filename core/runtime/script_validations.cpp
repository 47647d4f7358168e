#include <utility>

#include "runtime/script_validations.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <deque>

#include "node/how_it_ended.hpp"
#include "node/validation.hpp"
#include "runtime/clock.hpp"

namespace mainstay::runtime {

namespace asio = boost::asio;

namespace {

constexpr std::size_t under_way_max = 64;
constexpr std::size_t kept_answers_max = 256;

using key = std::pair<std::string, std::uint64_t>;  // who asks, and its number

}  // namespace

struct script_validations::body {
    struct running {
        node::validation_round round;
        handler done;
    };

    body(asio::io_context& on, std::uint64_t first, edge out)
        : loop(on), timer(on), next_id(first), around(std::move(out)) {}

    void pursue() {
        auto now = boot_now();
        for (auto& item : rounds)
            for (auto& question : item.round.due(now)) ask(std::move(question));
        // Ended ones leave before anybody is called: who is called may begin another.
        auto over =
            std::stable_partition(rounds.begin(), rounds.end(), [](const running& item) { return !item.round.over(); });
        std::vector<running> ended(std::make_move_iterator(over), std::make_move_iterator(rounds.end()));
        rounds.erase(over, rounds.end());
        for (auto& item : ended) item.done(item.round.result());
        arm();
    }

    void ask(node::validation_round::question question) {
        if (question.node == around.own_name)
            return run({question.node, question.id, question.package, question.path, std::move(question.environment)});
        around.feed(node::ask_validation{question.node, question.id, question.package, question.path,
                                         std::move(question.environment)});
    }

    // What is asked again is under way, or its answer was lost.
    void run(const node::validate_script& asked) {
        key from{asked.asker, asked.id};
        auto known = std::find_if(answers.begin(), answers.end(), [&](const auto& item) { return item.first == from; });
        if (known != answers.end()) return answer(from, known->second);
        bool open =
            std::any_of(processes.begin(), processes.end(), [&](const auto& item) { return item.second == from; });
        if (open || processes.size() >= under_way_max) return;
        node::run_process item;
        item.request = around.new_request();
        item.label = "validate:" + asked.package;
        item.argv = {asked.path, "validate"};
        item.environment = asked.environment;
        item.environment.emplace_back("MAINSTAY_NODE", around.own_name);
        item.timeout = node::validation_limit;
        item.service = true;  // nothing of it stays
        processes[item.request] = from;
        item.package = asked.package;
        around.run(std::move(item));
    }

    void answer(const key& to, const validation_seen& seen) {
        if (to.first == around.own_name) return told(around.own_name, to.second, seen);
        around.feed(node::tell_validation{to.first, to.second, seen});
    }

    void told(const std::string& node, std::uint64_t id, const validation_seen& seen) {
        bool ours = std::any_of(rounds.begin(), rounds.end(),
                                [&](running& item) { return item.round.answered(node, id, seen); });
        if (ours) asio::post(loop, [this] { pursue(); });
    }

    void arm() {
        auto due = never;
        for (const auto& item : rounds) due = std::min(due, item.round.deadline());
        if (due == never) return void(timer.cancel());
        auto wait = due == time_point::min() ? std::int64_t{0} : (due - boot_now()).count();
        timer.expires_after(std::chrono::microseconds(std::max<std::int64_t>(wait, 0)));
        timer.async_wait([this](const boost::system::error_code& error) {
            if (!error) pursue();
        });
    }

    asio::io_context& loop;
    asio::steady_timer timer;
    std::uint64_t next_id;
    edge around;
    std::vector<running> rounds;
    std::map<request_id, key> processes;                  // on this machine
    std::deque<std::pair<key, validation_seen>> answers;  // given lately
};

script_validations::script_validations(asio::io_context& loop, std::uint64_t first_id, edge around)
    : body_(std::make_unique<body>(loop, first_id, std::move(around))) {}

script_validations::~script_validations() = default;

void script_validations::begin(const std::vector<script_to_validate>& scripts,
                               const std::map<std::string, std::string>& left_out, handler done) {
    node::validation_round round(scripts, body_->next_id);
    body_->next_id += round.questions();
    for (const auto& [name, why] : left_out) round.leave_out(name, why);
    body_->rounds.push_back({std::move(round), std::move(done)});
    asio::post(body_->loop, [self = body_.get()] { self->pursue(); });
}

void script_validations::validate(const node::validate_script& asked) { body_->run(asked); }

void script_validations::told(const node::validation_told& item) { body_->told(item.node, item.id, item.seen); }

bool script_validations::ended(const node::process_exited& item) {
    auto found = body_->processes.find(item.request);
    if (found == body_->processes.end()) return false;
    auto from = found->second;
    body_->processes.erase(found);
    validation_seen seen{item.code, item.timed_out, node::last_line(item.tail)};
    body_->answers.emplace_back(from, seen);
    if (body_->answers.size() > kept_answers_max) body_->answers.pop_front();
    body_->answer(from, seen);
    return true;
}

}  // namespace mainstay::runtime
