// What the programs of packages are like on another node: asked and told between the edges of two nodes, nothing is
// decided by it here. Before there is a cluster too, so that a first configuration can be checked.
#include "node/node.hpp"
#include "node/survey.hpp"

namespace mainstay::node {

void node::handle(const ask_programs& item) { transmit(item.to, program_question{name_, item.id, item.paths}); }

void node::handle(const tell_programs& item) { transmit(item.to, program_answer{name_, item.id, item.seen}); }

void node::handle(const ask_validation& item) {
    transmit(item.to, validation_question{name_, item.id, item.package, item.path, item.environment});
}

void node::handle(const tell_validation& item) { transmit(item.to, validation_answer{name_, item.id, item.seen}); }

bool node::about_programs(const wire_body& body) {
    if (const auto* asked = std::get_if<program_question>(&body)) {
        if (asked->paths.empty() || asked->paths.size() > survey_paths_max) {
            ++dropped_;
        } else {
            out_.add(look_at_programs{asked->asker, asked->id, asked->paths});
        }
    } else if (const auto* told = std::get_if<program_answer>(&body)) {
        out_.add(programs_told{told->node, told->id, told->seen});
    } else if (const auto* call = std::get_if<validation_question>(&body)) {
        if (call->path.empty() || call->path.front() != '/') {
            ++dropped_;
        } else {
            out_.add(validate_script{call->asker, call->id, call->package, call->path, call->environment});
        }
    } else if (const auto* said = std::get_if<validation_answer>(&body)) {
        out_.add(validation_told{said->node, said->id, said->seen});
    } else {
        return false;
    }
    return true;
}

bool node::hears(const std::string& name, time_point now) const {
    if (!state_.formed() || name == name_) return true;
    const auto* known = peers_.find(state_.find_node(name));
    return known != nullptr && now - known->heard <= times_.member_timeout;
}

}  // namespace mainstay::node
