#include "runtime/plugin/host_client.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "model/assert.hpp"

namespace mainstay::plugin {

host_client::host_client(instance_config config) : name_(config.instance) {
    output_ = framed(to_host{std::move(config)});
}

void host_client::request(call asked, time_point deadline) {
    if (state_ == state::ended || state_ == state::refused || hung_) {
        messages_.emplace_back(answer{asked.id, outcome::unknown, name_ + ": its plugin host is not running", {}});
        return;
    }
    auto inserted = open_.emplace(asked.id, open_call{asked.verb, deadline, false}).second;
    MAINSTAY_ASSERT(inserted);
    output_ += framed(to_host{std::move(asked)});
}

bytes host_client::take_output() { return std::exchange(output_, {}); }

void host_client::feed(std::string_view data) {
    if (state_ == state::ended) return;
    reader_.feed(data);
    while (true) {
        auto message = reader_.next();
        if (!message) {
            broken_ = message.error().message;
            state_ = state::ended;
            return;
        }
        if (!*message) return;
        take(std::move(**message));
    }
}

void host_client::take(from_host message) {
    if (const auto* reply = std::get_if<answer>(&message)) {
        // Invented, or too late: what is killed already may have said anything.
        auto asked = open_.find(reply->id);
        if (asked == open_.end() || asked->second.late) return;
        open_.erase(asked);
    } else if (std::holds_alternative<ready>(message)) {
        if (state_ != state::starting) return;
        state_ = state::ready;
        was_ready_ = true;
    } else if (const auto* refusal = std::get_if<refused>(&message)) {
        if (state_ != state::starting) return;
        state_ = state::refused;
        auto why = refusal->text;
        messages_.push_back(std::move(message));
        give_up(why);
        return;
    }
    messages_.push_back(std::move(message));
}

void host_client::give_up(std::string_view why) {
    for (const auto& [id, asked] : std::exchange(open_, {})) {
        auto text = asked.late ? fmt::format("{}: no answer to '{}' in time", name_, to_string(asked.verb))
                               : fmt::format("{}: no answer to '{}': {}", name_, to_string(asked.verb), why);
        messages_.emplace_back(answer{id, outcome::unknown, std::move(text), {}});
    }
}

void host_client::expire(time_point now) {
    for (auto& [id, asked] : open_) {
        if (asked.deadline > now) continue;
        asked.late = true;
        asked.deadline = never;
        hung_ = true;
    }
}

std::optional<request_id> host_client::under_way() const {
    if (!was_ready_ || open_.empty()) return std::nullopt;
    return request_id{open_.begin()->first};
}

void host_client::closed(std::string_view why) {
    if (state_ != state::refused) state_ = state::ended;
    give_up(broken_.empty() ? why : broken_);
}

std::optional<from_host> host_client::next() {
    if (messages_.empty()) return std::nullopt;
    auto message = std::move(messages_.front());
    messages_.pop_front();
    return message;
}

time_point host_client::next_deadline() const {
    auto soonest = never;
    for (const auto& [id, asked] : open_) soonest = std::min(soonest, asked.deadline);
    return soonest;
}

}  // namespace mainstay::plugin
