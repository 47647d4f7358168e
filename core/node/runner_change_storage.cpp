// Volume groups and file systems that are added to a running package (SG 3.11), in the order of a start. Each is on
// record before it is called for: whoever starts here after a crash goes on with it, and a halt halts it. One that
// can't be added leaves the package as it is: what is there serves on, and the rest of the change waits for it.
#include <algorithm>

#include "model/online_change.hpp"
#include "node/how_it_ended.hpp"
#include "node/runner.hpp"

namespace mainstay::node {

namespace {

bool same(const own_parts::storage& one, const own_parts::storage& other) {
    return one.name == other.name && one.group == other.group;
}

// As name_of() has it.
std::string called(const own_parts::storage& item) { return (item.group ? "vg " : "filesystem ") + item.name; }

// The one of that name, or one of which only the name is known: the configuration that has it is still to come.
volume_group_config group_in(const std::vector<volume_group_config>& list, const std::string& name) {
    for (const auto& item : list)
        if (item.name == name) return item;
    volume_group_config made;
    made.name = name;
    return made;
}

filesystem_config mount_in(const std::vector<filesystem_config>& list, const std::string& directory) {
    for (const auto& item : list)
        if (item.directory == directory) return item;
    filesystem_config made;
    made.directory = directory;
    return made;
}

}  // namespace

// ---- what is wanted, and what has begun ----------------------------------------------------------

void runner::set_wanted_storage(const package_config& config) {
    wanted_groups_.clear();
    wanted_filesystems_.clear();
    if (takes(package_step::volume_group)) wanted_groups_ = config.volume_groups;
    if (takes(package_step::filesystem)) wanted_filesystems_ = config.filesystems;
}

std::vector<own_parts::storage> runner::wanted_storage() const {
    std::vector<own_parts::storage> list;
    for (const auto& item : wanted_groups_) list.push_back({item.name, true, true});
    for (const auto& item : wanted_filesystems_) list.push_back({item.directory, false, true});
    return list;
}

std::vector<own_parts::storage>::iterator runner::own_storage(const own_parts::storage& like) {
    return std::find_if(own_.stored->begin(), own_.stored->end(), [&](const auto& item) { return same(item, like); });
}

void runner::lay_over_storage() {
    config_.volume_groups.clear();
    config_.filesystems.clear();
    for (const auto& item : *own_.stored) {
        if (item.group) {
            config_.volume_groups.push_back(group_in(wanted_groups_, item.name));
        } else {
            config_.filesystems.push_back(mount_in(wanted_filesystems_, item.name));
        }
    }
}

// What has begun is known by its names alone: after a daemon restart the rest comes with the log. Whether it may change
// was for the cluster to say.
package_config runner::known_storage_as_in(const package_config& config) const {
    auto known = config_;
    known.storage = config.storage;
    for (auto& item : known.volume_groups) item = group_in(config.volume_groups, item.name);
    for (auto& item : known.filesystems) item = mount_in(config.filesystems, item.directory);
    return known;
}

bool runner::is_storage_up(const std::string& part) const {
    return std::none_of(own_.stored->begin(), own_.stored->end(),
                        [&](const auto& item) { return !item.up && called(item) == part; });
}

// ---- the change ----------------------------------------------------------------------------------

bool runner::lacks_storage() const {
    auto wanted = wanted_storage();
    return std::any_of(wanted.begin(), wanted.end(), [this](const auto& item) {
        return std::none_of(own_.stored->begin(), own_.stored->end(),
                            [&](const auto& own) { return own.up && same(own, item); });
    });
}

bool runner::pre_scripts_come() {
    return std::any_of(wanted_scripts_.begin(), wanted_scripts_.end(), [this](const auto& item) {
        auto own = own_script(item);
        return item.pre && (own == own_.scripts->end() || !own->up);
    });
}

// Before anything ends, so that nothing ends for a change that does not come about; not before the pre-scripts that it
// may rest on.
bool runner::add_storage_first(effects& out) { return pre_scripts_come() || add_storage(out); }

// True when all that is wanted is up.
bool runner::add_storage(effects& out) {
    if (!lacks_storage()) return true;
    if (condition_failed_ || enlist_storage()) return false;
    auto next = std::find_if(own_.stored->begin(), own_.stored->end(), [](const auto& item) { return !item.up; });
    // What comes after it may lie in it.
    if (next != own_.stored->end() && !is_stuck(called(*next))) start_storage(*next, out);
    return false;
}

// True when there is something to be put on record; it stands where a start has it, and what only the record knows is
// halted first.
bool runner::enlist_storage() {
    auto rest = *own_.stored;
    std::vector<own_parts::storage> list;
    for (const auto& wanted : wanted_storage()) {
        auto own = own_storage(wanted);
        bool fresh = own == own_.stored->end();
        list.push_back(fresh ? own_parts::storage{wanted.name, wanted.group, false} : *own);
        std::erase_if(rest, [&](const auto& item) { return same(item, wanted); });
        wants_record_ = wants_record_ || fresh;
    }
    if (!wants_record_) return false;
    list.insert(list.end(), rest.begin(), rest.end());
    own_.stored = std::move(list);
    lay_over();
    return true;
}

void runner::start_storage(const own_parts::storage& item, effects& out) {
    changing_ = part_change::adding_storage;
    changing_storage_ = item;
    step start;
    start.kind = item.group ? step::kind_type::volume_group : step::kind_type::file_system;
    start.index = static_cast<std::size_t>(std::count_if(own_.stored->begin(), own_storage(item),
                                                         [&](const auto& each) { return each.group == item.group; }));
    call(start, "start", out);
}

// As one that is mounted at a start it stays on record when it fails, and is taken away with the package.
void runner::storage_added(const plugin_answer& item, effects& out) {
    auto name = called(changing_storage_);
    log_step(name + " start: " + how_it_ended(item), out);
    auto own = own_storage(changing_storage_);
    if (item.outcome == call_outcome::ok && own != own_.stored->end()) {
        stuck_.erase(name);
        own->up = true;
        changed_.push_back(name + (own->group ? " activated" : " mounted"));
        return;
    }
    if (phase_ != runner_phase::running || halt_asked_) return;
    bool told = stuck_.contains(name);
    stuck_[name] = true;
    auto why = item.text.empty() ? std::string(to_string(item.outcome)) : item.text;
    if (!told) tell("storage_not_added", name + ": " + why);
}

}  // namespace mainstay::node
