#include "consensus/entry_log.hpp"

#include <algorithm>
#include <utility>

#include "model/assert.hpp"

namespace mainstay::consensus {

entry_log::entry_log(const durable_state& durable)
    : snapshot_(durable.snapshot), before_(durable.before), before_term_(durable.before_term) {
    MAINSTAY_ASSERT(before_ <= snapshot_.index || (before_.value == 0 && snapshot_.index.value == 0));
    if (snapshot_.index.value > 0) sets_.push_back(snapshot_.base);
    append(durable.log);
    MAINSTAY_ASSERT(snapshot_.index <= last());
}

const entry& entry_log::at(log_index index) const {
    MAINSTAY_ASSERT(holds(index));
    return entries_[index.value - before_.value - 1];
}

std::optional<mainstay::term> entry_log::term_at(log_index index) const {
    if (index == before_) return before_term_;
    if (holds(index)) return at(index).term;
    if (index.value > 0 && index == snapshot_.index) return snapshot_.term;
    return std::nullopt;
}

std::vector<active_set> entry_log::active(log_index commit) const {
    std::size_t first = 0;
    for (std::size_t i = 0; i < sets_.size(); ++i)
        if (sets_[i].index <= commit) first = i;
    return {sets_.begin() + static_cast<std::ptrdiff_t>(std::min(first, sets_.size())), sets_.end()};
}

boot_id entry_log::newest_boot(node_id node) const {
    boot_id newest;
    auto found = snapshot_.boots.find(node);
    if (found != snapshot_.boots.end()) newest = found->second;
    for (const auto& item : entries_) {
        const auto* boot = std::get_if<boot_entry>(&item.body);
        if (boot != nullptr && boot->node == node) newest = std::max(newest, boot->boot);
    }
    return newest;
}

std::map<node_id, boot_id> entry_log::boots_until(log_index index) const {
    auto boots = snapshot_.boots;
    for (auto i = before_.value + 1; i <= std::min(index, last()).value; ++i) {
        const auto* boot = std::get_if<boot_entry>(&at(log_index{i}).body);
        if (boot != nullptr) boots[boot->node] = std::max(boots[boot->node], boot->boot);
    }
    return boots;
}

void entry_log::truncate(log_index keep) {
    if (keep >= last()) return;
    MAINSTAY_ASSERT(keep >= before_ && keep >= snapshot_.index);
    entries_.resize(keep.value - before_.value);
    std::erase_if(sets_, [keep](const auto& item) { return item.index > keep; });
}

void entry_log::append(std::span<const entry> added) {
    for (const auto& item : added) {
        entries_.push_back(item);
        const auto* set = std::get_if<voter_set>(&item.body);
        bool known = !sets_.empty() && last() <= sets_.back().index;
        if (set != nullptr && !known) sets_.push_back({*set, item.term, last()});
    }
}

void entry_log::drop(log_index before, const mainstay::term& term) {
    auto count = std::min<std::uint64_t>(before.value - before_.value, entries_.size());
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(count));
    before_ = before;
    before_term_ = term;
}

void entry_log::compact(consensus::snapshot taken, log_index before) {
    MAINSTAY_ASSERT(taken.index > snapshot_.index && taken.index <= last() && before <= taken.index);
    auto term = term_at(before);
    MAINSTAY_ASSERT(term.has_value());
    std::erase_if(sets_, [&taken](const auto& item) { return item.index < taken.base.index; });
    snapshot_ = std::move(taken);
    if (before > before_) drop(before, *term);
}

void entry_log::install(consensus::snapshot taken) {
    MAINSTAY_ASSERT(taken.index > snapshot_.index);
    bool same = term_at(taken.index) == taken.term && taken.index <= last();
    if (!same) {
        entries_.clear();
        sets_.clear();
    } else {
        std::erase_if(sets_, [&taken](const auto& item) { return item.index <= taken.base.index; });
    }
    sets_.insert(sets_.begin(), taken.base);
    if (!same) before_ = log_index{};
    drop(taken.index, taken.term);
    snapshot_ = std::move(taken);
}

}  // namespace mainstay::consensus
