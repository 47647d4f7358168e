// What the administration API needs from the daemon. One thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "model/programs.hpp"
#include "model/validations.hpp"
#include "node/node.hpp"
#include "runtime/links.hpp"
#include "runtime/plugin_catalog.hpp"

namespace mainstay::runtime {

class admin_backend {
public:
    using progress_handler = std::function<void(const std::string& text)>;
    using done_handler = std::function<void(const node::admin_done&)>;

    using validations_handler = std::function<void(const validation_results&)>;
    using looks_handler = std::function<void(const program_looks&)>;

    virtual ~admin_backend() = default;
    [[nodiscard]] virtual const node::node& core() const = 0;
    [[nodiscard]] virtual std::vector<link_status> links() const = 0;
    [[nodiscard]] virtual const std::string& plugin_dir() const = 0;
    virtual void list_plugins(plugin_catalog::handler done) = 0;
    // By node: paths of programs. `done` comes later, some seconds at most.
    virtual void look_at_programs(const std::map<std::string, std::vector<std::string>>& where, looks_handler done) = 0;
    // Calls external scripts with `validate` where they may run. `done` comes later, within minutes.
    virtual void validate_scripts(const std::vector<script_to_validate>& scripts, validations_handler done) = 0;
    [[nodiscard]] virtual std::string initial_problem() const = 0;  // why an unformed node has no links
    virtual void ask(node::admin_body body, const std::string& actor, duration patience, progress_handler progress,
                     done_handler done) = 0;
};

}  // namespace mainstay::runtime
