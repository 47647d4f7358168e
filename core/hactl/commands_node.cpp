// node reset: this node forgets what it stored and comes back as a new one. Works without mainstayd, on files.
#include <unistd.h>

#include <climits>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "hactl/command.hpp"
#include "runtime/store_wipe.hpp"

namespace mainstay::hactl {

namespace {

// As mainstayd calls itself unless it is told otherwise.
std::string own_name() {
    char name[HOST_NAME_MAX + 1] = {};
    (void)::gethostname(name, HOST_NAME_MAX);
    std::string text(name);
    return text.substr(0, text.find('.'));
}

bool meant(const context& c, const std::string& name) {
    c.to.err(
        "This removes what " + name + " has stored in " + c.given.state_dir +
        ": its copy of the cluster's log, its votes,\n"
        "its record of what runs here. Given up for good: every entry that no other node has. The cluster goes on\n"
        "only if the others have a quorum without " +
        name +
        ", or were certified to go on (hactl cluster run --certify-down).\n"
        "Afterwards it is a new node under the old name: a learner, until it has caught up.\n");
    if (c.given.yes) return true;
    c.to.err("Type the name of this node (" + name + "): ");
    std::string typed;
    if (std::getline(std::cin, typed) && typed == name) return true;
    c.to.err("hactl: '" + typed + "' is not " + name + "; nothing was changed\n");
    return false;
}

}  // namespace

exit_code node_reset(context& c) {
    auto name = c.given.node.empty() ? own_name() : c.given.node;
    if (c.to.json && !c.given.yes)
        return report(c, {exit_code::usage, "with --json nobody can be asked; --yes says that you mean it", {}});
    if (!meant(c, name)) return exit_code::refused;
    auto run_dir = std::filesystem::path(c.given.socket).parent_path().string();
    auto done = runtime::wipe_store(c.given.state_dir, run_dir);
    if (!done) return report(c, {exit_code::refused, done.error().message, {}});
    if (c.to.json) {
        c.to.line(nlohmann::json{{"node", name}, {"state_dir", c.given.state_dir}}.dump());
    } else {
        c.to.err(c.given.state_dir + ": the store of " + name +
                 " is removed. Restart this machine before mainstay starts again: only a new\n"
                 "boot shows the others that nothing runs here from before, and until then they do not let it in.\n");
    }
    return exit_code::done;
}

}  // namespace mainstay::hactl
