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
    auto inserted = open_.emplace(asked.id, open_call{asked.verb, deadline}).second;
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
            closed(message.error().message);
            return;
        }
        if (!*message) return;
        take(std::move(**message));
    }
}

void host_client::take(from_host message) {
    if (const auto* reply = std::get_if<answer>(&message)) {
        // Late (already answered here) or invented: nobody waits for it.
        if (open_.erase(reply->id) == 0) return;
    } else if (std::holds_alternative<ready>(message)) {
        if (state_ != state::starting) return;
        state_ = state::ready;
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
    for (const auto& [id, asked] : std::exchange(open_, {}))
        messages_.emplace_back(answer{
            id, outcome::unknown, fmt::format("{}: no answer to '{}': {}", name_, to_string(asked.verb), why), {}});
}

void host_client::expire(time_point now) {
    for (auto item = open_.begin(); item != open_.end();) {
        if (item->second.deadline > now) {
            ++item;
            continue;
        }
        hung_ = true;
        messages_.emplace_back(answer{item->first,
                                      outcome::unknown,
                                      fmt::format("{}: no answer to '{}' in time", name_, to_string(item->second.verb)),
                                      {}});
        item = open_.erase(item);
    }
}

void host_client::closed(std::string_view why) {
    if (state_ != state::refused) state_ = state::ended;
    give_up(why);
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
