// The end of a generation: is it really over, who is told, and what its log says of it.
#include "node/how_it_ended.hpp"
#include "node/runner.hpp"

namespace mainstay::node {

using cluster::report;

namespace {

std::string in_a_row(const std::vector<std::string>& words) {
    constexpr std::size_t told_max = 8;
    std::string text;
    for (std::size_t i = 0; i < words.size() && i < told_max; ++i) text += (i == 0 ? "" : ", ") + words[i];
    if (words.size() > told_max) text += " and " + std::to_string(words.size() - told_max) + " more";
    return text;
}

}  // namespace

// A script may say that all is down while what it started lives: nobody else may run it before that is gone.
void runner::undone(effects& out) {
    // A failed halt keeps the package here as it is, for whoever looks into it.
    if (halt_failure_ && halt_failure_ != report::halt_exit_2) return tell_end(out);
    waiting_ = out.new_request();
    out.add(clear_package{waiting_, config_.name});
}

bool runner::cleared(const package_cleared& item, effects& out) {
    if (!waiting_ || item.request != waiting_) return false;
    waiting_ = request_id{};
    if (!item.ended.empty()) {
        auto text = "what it left behind was ended: " + in_a_row(item.ended);
        log_frame(text, out);
        tell("processes_left", std::move(text));
    }
    if (!item.living.empty()) {
        auto detail = "what it left behind goes on after SIGKILL: " + in_a_row(item.living);
        if (fails_fast(report::halt_timeout)) return fail_fast(std::move(detail), out), true;
        halt_failure_ = report::halt_timeout;
        failure_detail_ = failure_detail_.empty() ? detail : failure_detail_ + "; then " + detail;
    }
    tell_end(out);
    return true;
}

void runner::tell_end(effects& out) {
    phase_ = runner_phase::over;
    ended_ = true;
    auto how = start_failure_.value_or(report::halted);
    if (halt_failure_ && !(start_failure_ && halt_failure_ == report::halt_exit_2)) how = *halt_failure_;
    if (how == report::halted) {
        log_frame("package halt completed", out);
    } else {
        auto what = start_failure_ && how == *start_failure_ ? "package start failed: " : "package halt failed: ";
        log_frame(what + std::string(to_string(how)) + ": " + failure_detail_, out);
    }
    report(how, how == report::halted ? "" : failure_detail_);
}

// The node is reset: nothing more of this package is done here.
void runner::fail_fast(std::string detail, effects& out) {
    log_frame("this node is reset: " + detail, out);
    runner_news dead;
    dead.report = report::failing_fast;
    dead.detail = std::move(detail);
    dead.fail_fast = true;
    news_.push_back(std::move(dead));
}

// ---- the log of the package (SG 3.12) --------------------------------------------------------------

void runner::log_frame(const std::string& text, effects& out) const {
    out.add(write_log{config_.name, config_.script_log_file,
                      "######## Node \"" + own_node_ + "\": " + text + ", generation " +
                          std::to_string(generation_.value) + " ########"});
}

void runner::log_step(const std::string& text, effects& out) const {
    if (config_.log_level > 0) out.add(write_log{config_.name, config_.script_log_file, text});
}

}  // namespace mainstay::node
