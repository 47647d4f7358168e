#include <utility>

#include "runtime/program_surveys.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>

#include "node/survey.hpp"
#include "runtime/clock.hpp"

namespace mainstay::runtime {

namespace asio = boost::asio;

struct program_surveys::body {
    struct running {
        node::survey survey;
        handler done;
    };

    body(asio::io_context& on, std::string name, std::uint64_t first_id, feed_handler out)
        : loop(on), timer(on), files(on), own_name(std::move(name)), next_id(first_id), feed(std::move(out)) {}

    void pursue() {
        auto now = boot_now();
        for (auto& item : surveys) {
            for (auto& question : item.survey.due(now)) ask(std::move(question));
        }
        // Ended ones leave before anybody is called: who is called may begin another.
        auto over = std::stable_partition(surveys.begin(), surveys.end(),
                                          [](const running& item) { return !item.survey.over(); });
        std::vector<running> ended(std::make_move_iterator(over), std::make_move_iterator(surveys.end()));
        surveys.erase(over, surveys.end());
        for (auto& item : ended) item.done(item.survey.result());
        arm();
    }

    void ask(node::survey::question question) {
        if (question.node != own_name)
            return feed(node::ask_programs{question.node, question.id, std::move(question.paths)});
        look(question.node, question.id, std::move(question.paths),
             [this](auto id, auto seen) { answered(own_name, id, seen); });
    }

    // What is asked again while it is under way is under way.
    template <class Done>
    void look(const std::string& asker, std::uint64_t id, std::vector<std::string> paths, Done done) {
        if (!under_way.insert({asker, id}).second) return;
        bool taken = files.look(std::move(paths), [this, asker, id, done = std::move(done)](auto seen) {
            under_way.erase({asker, id});
            done(id, std::move(seen));
        });
        if (!taken) under_way.erase({asker, id});
    }

    void answered(const std::string& node, std::uint64_t id, const std::vector<program_seen>& seen) {
        bool ours = std::any_of(surveys.begin(), surveys.end(),
                                [&](running& item) { return item.survey.answered(node, id, seen); });
        if (ours) pursue();
    }

    void arm() {
        auto due = never;
        for (const auto& item : surveys) due = std::min(due, item.survey.deadline());
        if (due == never) return void(timer.cancel());
        timer.expires_after(std::chrono::microseconds(std::max<std::int64_t>((due - boot_now()).count(), 0)));
        timer.async_wait([this](const boost::system::error_code& error) {
            if (!error) pursue();
        });
    }

    asio::io_context& loop;
    asio::steady_timer timer;
    program_files files;
    std::string own_name;
    std::uint64_t next_id;
    feed_handler feed;
    std::vector<running> surveys;
    std::set<std::pair<std::string, std::uint64_t>> under_way;  // looks on this machine
};

program_surveys::program_surveys(asio::io_context& loop, std::string own_name, std::uint64_t first_id,
                                 feed_handler feed)
    : body_(std::make_unique<body>(loop, std::move(own_name), first_id, std::move(feed))) {}

program_surveys::~program_surveys() = default;

void program_surveys::begin(const std::map<std::string, std::vector<std::string>>& paths_by_node,
                            const std::vector<std::string>& out_of_reach, handler done) {
    node::survey survey(paths_by_node, body_->next_id);
    // Room for its questions.
    for (const auto& [name, paths] : paths_by_node) body_->next_id += paths.size();
    for (const auto& name : out_of_reach) survey.leave_out(name, "it is not heard");
    body_->surveys.push_back({std::move(survey), std::move(done)});
    asio::post(body_->loop, [self = body_.get()] { self->pursue(); });
}

void program_surveys::look(const node::look_at_programs& asked) {
    body_->look(asked.asker, asked.id, asked.paths, [self = body_.get(), asker = asked.asker](auto id, auto seen) {
        self->feed(node::tell_programs{asker, id, std::move(seen)});
    });
}

void program_surveys::told(const node::programs_told& item) { body_->answered(item.node, item.id, item.seen); }

}  // namespace mainstay::runtime
