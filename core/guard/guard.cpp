#include "guard/guard.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <set>

#include "guard/directories.hpp"
#include "guard/record.hpp"

namespace mainstay::guard {

namespace {

constexpr std::int64_t never_us = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t back_off_first_us = 100'000;
constexpr std::int64_t back_off_max_us = 5 * second_us;
constexpr std::int64_t healthy_after_us = 60 * second_us;
constexpr std::int64_t collect_after_us = second_us / 2;
constexpr std::int64_t look_again_us = 20'000;
constexpr std::int64_t deaf_grace_us = 2 * second_us;
constexpr std::int64_t shutdown_grace_us = 10 * second_us;
constexpr std::size_t processes_max = 4096;
constexpr std::size_t unacknowledged_max = 4096;
constexpr std::size_t messages_per_turn = 256;

std::int64_t to_us(time_point at) { return at.time_since_epoch().count(); }

std::string marked_identity() {
    process_info self;
    for (const auto& process : snapshot_processes(false)) {
        if (process.pid == ::getpid()) self = process;
    }
    return std::to_string(::getpid()) + '.' + std::to_string(self.start);
}

// Labels become file names: nothing in them may climb out of the log directory.
std::string file_name(std::string label) {
    for (char& c : label) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!plain) c = '_';
    }
    return label.empty() ? "process" : label;
}

std::string dated(const std::string& text) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    tm parts{};
    ::localtime_r(&now.tv_sec, &parts);
    char stamp[40];
    auto size = std::strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &parts);
    return std::string(stamp, size) + "  " + text + '\n';
}

}  // namespace

guard::guard(guard_options options) : options_(std::move(options)), resetter_(options_.reset), collect_us_(never_us) {}

int guard::run() {
    now_us_ = boot_time_us();
    if (!prepare()) return 1;
    log("guard started on " + options_.node);
    while (exit_code_ < 0) {
        turn();
        if (exit_code_ < 0) wait_for_something();
    }
    let_go_of_watchdog();
    // With a keeper it stands for the case that the keeper is killed.
    if (exit_code_ == 0 && !detached_) forget_record(options_.run_dir);
    groups_.tidy();
    log("guard ends");
    return exit_code_;
}

bool guard::prepare() {
    identity_ = marked_identity();
    bool directories = make_directories(options_.log_dir) && make_directories(options_.run_dir);
    if (!directories) {
        std::fprintf(stderr, "mainstay-guard: can't make %s and %s: %s\n", options_.log_dir.c_str(),
                     options_.run_dir.c_str(), std::strerror(errno));
        return false;
    }
    if (!options_.foreground) {
        own_log_ = std::make_unique<log_file>(options_.log_dir + "/guard.log", options_.log_bytes_max);
    }
    sigset_t wanted;
    sigemptyset(&wanted);
    for (int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&wanted, number);
    ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    signals_.reset(::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC));
    // Deadlines are in CLOCK_BOOTTIME: after a suspend they have passed, and the timer says so.
    timer_.reset(::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC));
    // What double-forks away from us comes back to us.
    bool reaper = ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
    if (!signals_ || !timer_ || !reaper) log(std::string("can't set up: ") + std::strerror(errno));
    if (!signals_ || !timer_ || !reaper || !take_over_former()) return false;
    groups_.open(identity_);
    return true;
}

std::int64_t guard::next_due_us() const {
    auto due = std::min(collect_us_, never_us);
    if (!daemon_.running && !shutting_down_ && ending_.empty()) due = std::min(due, daemon_.start_again_us);
    if (daemon_.running) due = std::min({due, daemon_.running->next_due_us(), daemon_.kill_us});
    for (const auto& [request, process] : processes_) due = std::min(due, process->next_due_us());
    if (!calls_ending_.empty()) due = std::min(due, calls_due_us_);
    for (const auto& [request, item] : clearings_) due = std::min(due, item.next_due_us());
    if (lease_packages_ && ending_.empty()) due = std::min(due, to_us(lease_end_));
    // While the reset command runs its end wakes us; looking all the time would take the processor from it.
    if (!ending_.empty()) due = std::min(due, resetter_.pid() != 0 ? resetter_.give_up_us() : reset_again_us_);
    due = std::min(due, watchdog_.next_due_us(may_live()));
    if (shutting_down_) due = std::min(due, shutdown_kill_us_);
    return due;
}

void guard::wait_for_something() {
    std::vector<pollfd> polls{{signals_.get(), POLLIN, 0}, {timer_.get(), POLLIN, 0}};
    if (daemon_.channel && !daemon_.channel->closed()) {
        short wanted = daemon_.channel->wants_write() ? POLLIN | POLLOUT : POLLIN;
        polls.push_back({daemon_.channel->fd(), wanted, 0});
    }
    if (daemon_.running) daemon_.running->add_polls(polls);
    for (const auto& [request, process] : processes_) process->add_polls(polls);
    for (const auto& stray : strays_) polls.push_back({stray.pipe.get(), POLLIN, 0});
    resetter_.add_polls(polls);

    auto due = next_due_us();
    itimerspec when{};
    // Zero would switch the timer off.
    auto at = std::max<std::int64_t>(due, 1);
    if (due != never_us) when.it_value = {at / second_us, at % second_us * 1000};
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
    (void)::poll(polls.data(), polls.size(), -1);
    std::uint64_t expirations = 0;
    (void)!::read(timer_.get(), &expirations, sizeof expirations);
}

void guard::turn() {
    now_us_ = boot_time_us();
    read_signals();
    if (daemon_.running) watch_daemon();
    step_processes();
    end_calls();
    clear_packages();
    read_strays();
    if (now_us_ >= collect_us_) collect_orphans();
    // After the messages: a renewal that is already here counts.
    if (ending_.empty() && lease_has_ended()) end_node("the lease ended and nobody renewed it");
    step_watchdog();
    if (!ending_.empty()) {
        try_reset();
    } else if (shutting_down_) {
        step_shutdown();
    } else if (!daemon_.running && now_us_ >= daemon_.start_again_us) {
        start_daemon();
    }
}

// ---- the daemon --------------------------------------------------------------------------------

void guard::start_daemon() {
    daemon_.back_off_us = std::clamp(daemon_.back_off_us * 2, back_off_first_us, back_off_max_us);
    daemon_.start_again_us = now_us_ + daemon_.back_off_us;
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        log(std::string("no socket for the daemon: ") + std::strerror(errno));
        return;
    }
    unique_fd ours(ends[0]);
    unique_fd theirs(ends[1]);
    start_process what{.label = "mainstayd"};
    what.argv = {options_.daemon,
                 "--config-dir",
                 options_.config_dir,
                 "--state-dir",
                 options_.state_dir,
                 "--run-dir",
                 options_.run_dir,
                 "--log-dir",
                 options_.log_dir,
                 "--node",
                 options_.node,
                 "--guard-fd",
                 "3"};
    if (!options_.plugin_dir.empty()) what.argv.insert(what.argv.end(), {"--plugin-dir", options_.plugin_dir});
    // Should we die, it has to fail the node itself (D9).
    if (!options_.reset.command.empty()) what.argv.insert(what.argv.end(), {"--reset-command", options_.reset.command});
    if (options_.reset.allow_reboot) what.argv.emplace_back("--allow-reboot");
    auto child = launch({.argv = what.argv,
                         .environment = {{"MAINSTAY_PROCESS", process_mark(identity_, {}, 0)}},
                         .give = theirs.get()});
    if (!child) {
        log("mainstayd: " + child.error().message);
        return;
    }
    ++daemon_.starts;
    daemon_.started_us = now_us_;
    daemon_.said_hello = false;
    daemon_.kill_us = never_us;
    daemon_.channel = std::make_unique<daemon_channel>(std::move(ours));
    log("mainstayd started, process " + std::to_string(child->pid));
    daemon_.running = std::make_unique<process>(std::move(what), std::move(*child), std::string(),
                                                log_of(options_.log_dir + "/mainstayd.log"), now_us_);
}

void guard::watch_daemon() {
    auto news = daemon_.running->step(now_us_);
    if (news == process::news::started) news = daemon_.running->step(now_us_);
    // What it said before it died still counts, all of it: nothing comes after that.
    bool over = news == process::news::exited;
    read_messages(over ? std::numeric_limits<std::size_t>::max() : messages_per_turn);
    if (news == process::news::start_failed) {
        log("mainstayd can't be started: " + daemon_.running->failure());
        daemon_died();
    } else if (news == process::news::exited) {
        auto result = daemon_.running->result();
        log("mainstayd ended " +
            (result.signal != 0 ? "by signal " + std::to_string(result.signal)
                                : "with exit code " + std::to_string(result.exit_code)) +
            (shutting_down_ ? "" : ", " + std::to_string(processes_.size()) + " processes go on"));
        daemon_died();
    } else if (daemon_.channel && daemon_.channel->closed()) {
        // Dying, which takes its time with a core dump, or alive but deaf: then it has to go.
        daemon_.kill_us = now_us_ + deaf_grace_us;
        daemon_.channel.reset();
        daemon_.said_hello = false;
    } else if (now_us_ >= daemon_.kill_us) {
        log("mainstayd closed its socket or spoke nonsense; it is ended");
        daemon_.kill_us = never_us;
        daemon_.running->kill_now(now_us_);
    }
}

void guard::daemon_died() {
    daemon_.running->collect();
    daemon_.running.reset();
    daemon_.channel.reset();
    daemon_.said_hello = false;
    if (now_us_ - daemon_.started_us >= healthy_after_us) daemon_.back_off_us = 0;
    auto wait = daemon_.back_off_us == 0 ? 0 : daemon_.back_off_us;
    daemon_.start_again_us = std::max(now_us_, daemon_.started_us + wait);
    if (shutting_down_) shutdown_kill_us_ = std::min(shutdown_kill_us_, now_us_ + shutdown_grace_us);
}

void guard::read_messages(std::size_t limit) {
    if (!daemon_.channel) return;
    daemon_.channel->flush();
    for (std::size_t i = 0; i < limit && daemon_.channel; ++i) {
        daemon_channel::arrived arrived;
        if (!daemon_.channel->receive(arrived)) return;
        std::visit([this](const auto& message) { handle(message); }, arrived.message);
    }
}

void guard::tell(const from_guard& message, unique_fd attached) {
    if (daemon_.channel && daemon_.said_hello) daemon_.channel->send(message, std::move(attached));
}

void guard::handle(const daemon_hello& message) {
    if (message.version != protocol_version) {
        log("mainstayd speaks protocol " + std::to_string(message.version) + ", this guard " +
            std::to_string(protocol_version) + ": install both from one package");
        daemon_.running->kill_now(now_us_);
        return;
    }
    guard_hello answer{.lease_end = lease_end_, .daemon_starts = daemon_.starts, .detached = detached_};
    for (const auto& [request, process] : processes_) {
        const auto& what = process->what();
        answer.living.push_back({request, what.label, what.package, process->pid()});
    }
    daemon_.said_hello = true;
    tell(answer);
    for (const auto& [request, result] : unacknowledged_) tell(result);
    if (watchdog_.timeout().count() > 0) tell(watchdog_is{watchdog_.timeout(), watchdog_.trouble()});
}

void guard::handle(const got_exit& message) { unacknowledged_.erase(message.request); }

void guard::handle(const start_process& message) {
    auto refuse = [&](std::string reason) { tell(start_failed{message.request, std::move(reason)}); };
    if (!ending_.empty()) return refuse("this node is being reset: " + ending_);
    if (processes_.size() >= processes_max)
        return refuse("the guard keeps " + std::to_string(processes_max) + " processes already");
    if (processes_.count(message.request) != 0) return refuse("request number used twice");
    auto mark = process_mark(identity_, message.package, message.request.value);
    launch_request request{message.argv, message.environment, message.directory, message.wants_socket};
    request.environment.emplace_back("MAINSTAY_PROCESS", mark);
    if (!is_validation(message)) request.group = groups_.join(message.package);
    auto child = launch(request);
    if (!child) return refuse(child.error().message);
    auto path =
        message.log_file.empty() ? options_.log_dir + '/' + file_name(message.label) + ".log" : message.log_file;
    processes_[message.request] =
        std::make_unique<process>(message, std::move(*child), std::move(mark), log_of(path), now_us_);
}

void guard::handle(const kill_process& message) {
    auto found = processes_.find(message.request);
    if (found != processes_.end()) found->second->end(now_us_, message.grace, message.whole_tree);
}

void guard::handle(const set_lease& message) {
    lease_end_ = message.end;
    lease_packages_ = message.packages;
    if (std::exchange(detached_, message.detached) != message.detached) keep_record();
}

void guard::handle(const arm_watchdog& message) {
    watchdog_.want(message.path, message.timeout);
    tell(watchdog_is{watchdog_.timeout(), watchdog_.trouble()});
}

void guard::handle(const end_call& message) {
    calls_ending_.emplace(message.call, ending_tree{});
    calls_due_us_ = now_us_;
}

void guard::end_calls() {
    if (calls_ending_.empty() || now_us_ < calls_due_us_) return;
    calls_due_us_ = now_us_ + look_again_us;
    auto all = snapshot_processes();
    for (auto entry = calls_ending_.begin(); entry != calls_ending_.end();) {
        auto members = call_members_of(all, 0, {call_mark(identity_, std::to_string(entry->first.value))});
        bool gone = entry->second.is_gone(all, std::move(members), SIGKILL);
        if (gone) {
            // A script that asks with kill -0 takes a zombie for alive.
            collect_orphans();
            tell(call_ended{entry->first});
        }
        entry = gone ? calls_ending_.erase(entry) : std::next(entry);
    }
}

void guard::handle(const reset_node& message) { end_node("mainstayd asked: " + message.reason); }

void guard::handle(const shut_down& message) {
    (void)message;
    shutting_down_ = true;
    shutdown_kill_us_ = never_us;
}

// ---- processes ---------------------------------------------------------------------------------

void guard::step_processes() {
    for (auto entry = processes_.begin(); entry != processes_.end();) {
        auto& process = *entry->second;
        auto news = process.step(now_us_);
        if (news == process::news::started) {
            tell(started{entry->first, process.pid()}, process.take_socket());
            news = process.step(now_us_);
        }
        if (news == process::news::start_failed) tell(start_failed{entry->first, process.failure()});
        if (news == process::news::exited) finish(process);
        bool over = news == process::news::start_failed || news == process::news::exited;
        if (over) process.collect();
        entry = over ? processes_.erase(entry) : std::next(entry);
    }
}

void guard::finish(process& ended) {
    auto result = ended.result();
    tell(result);
    unacknowledged_[result.request] = std::move(result);
    // Requests are numbered upwards, so the first one is the oldest.
    if (unacknowledged_.size() > unacknowledged_max) unacknowledged_.erase(unacknowledged_.begin());
    if (!ended.log()->trouble().empty()) log("output of " + ended.what().label + " is lost: " + ended.log()->trouble());
    // A server that a script left behind keeps its log.
    if (auto pipe = ended.take_output()) strays_.push_back({std::move(pipe), ended.log()});
}

void guard::read_strays() {
    std::erase_if(strays_, [](kept_output& stray) { return !drain(stray.pipe.get(), *stray.log, nullptr); });
}

// Orphans of our processes are our children now; somebody has to collect them.
void guard::collect_orphans() {
    collect_us_ = never_us;
    std::set<pid_t> own{resetter_.pid()};
    if (daemon_.running) own.insert(daemon_.running->pid());
    for (const auto& [request, process] : processes_) own.insert(process->pid());
    for (const auto& process : snapshot_processes(false)) {
        bool orphan = process.zombie && process.parent == ::getpid() && own.count(process.pid) == 0;
        if (orphan) ::waitpid(process.pid, nullptr, WNOHANG);
    }
}

void guard::read_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        if (info.ssi_signo == SIGCHLD) {
            collect_us_ = std::min(collect_us_, now_us_ + collect_after_us);
        } else if (info.ssi_signo != SIGHUP) {
            log("told to end by signal " + std::to_string(info.ssi_signo));
            if (shutting_down_) shutdown_kill_us_ = now_us_;
            if (!shutting_down_) shutdown_kill_us_ = never_us;
            shutting_down_ = true;
            if (daemon_.running) ::kill(daemon_.running->pid(), SIGTERM);
        }
    }
}

// ---- the end -----------------------------------------------------------------------------------

bool guard::lease_has_ended() const { return lease_packages_ && now_us_ >= to_us(lease_end_); }

// Not once this node ends, and not past the lease: should killing and resetting fail, the watchdog does not.
bool guard::may_live() const { return ending_.empty() && (!lease_packages_ || boot_time_us() < to_us(lease_end_)); }

void guard::step_watchdog() {
    auto may_feed = [](void* who) { return static_cast<const guard*>(who)->may_live(); };
    if (!watchdog_.step(now_us_, may_feed, this)) return;
    const auto& trouble = watchdog_.trouble();
    log(trouble.empty() ? "watchdog armed, it fires after " + std::to_string(watchdog_.timeout().count() / 1000) + " ms"
                        : "watchdog: " + trouble);
    tell(watchdog_is{watchdog_.timeout(), trouble});
}

// Where something of a package may be left, the node has to end as its lease has.
void guard::let_go_of_watchdog() {
    if (watchdog_.timeout().count() == 0) return;
    if (lease_packages_ || !ending_.empty()) return log("the watchdog stays armed: packages may be left here");
    auto trouble = watchdog_.disarm();
    log(trouble.empty() ? "watchdog disarmed" : "watchdog: " + trouble);
}

void guard::end_node(const std::string& reason) {
    if (!ending_.empty()) return;
    ending_ = reason;
    log("this node ends: " + reason);
    (void)kill_packages();
    reset_again_us_ = now_us_;
}

void guard::try_reset() {
    if (shutting_down_ && now_us_ >= shutdown_kill_us_) {
        // An administrator insists. The packages are dead already, the daemon must not look alive.
        if (daemon_.running) daemon_.running->kill_now(now_us_);
        exit_code_ = 1;
        return;
    }
    if (!resetter_.is_over(now_us_) || now_us_ < reset_again_us_) return;
    if (!resetter_.outcome().empty()) log(resetter_.outcome());
    reset_again_us_ = now_us_ + second_us;
    bool alive = kill_packages();
    auto tried = resetter_.reset(ending_, now_us_);
    if (tried) {
        log(*tried);
        return;
    }
    // Nothing of this node may pass for alive, and the guard stays until the packages are dead.
    if (daemon_.running) daemon_.running->kill_now(now_us_);
    reset_again_us_ = now_us_ + look_again_us;
    if (alive) return;
    log(tried.error().message);
    exit_code_ = 1;
}

void guard::step_shutdown() {
    bool impatient = now_us_ >= shutdown_kill_us_;
    if (impatient) shutdown_kill_us_ = now_us_ + look_again_us;  // what hangs in the kernel is not gone at once
    if (daemon_.running) {
        if (impatient) daemon_.running->kill_now(now_us_);
        return;
    }
    bool only_detached = detached_ && std::all_of(processes_.begin(), processes_.end(), [](const auto& item) {
                             return !item.second->what().package.empty();
                         });
    if (only_detached) return leave_to_keeper();
    if (processes_.empty()) {
        // The next look is due at once; nothing else goes on any more.
        if (!kill_packages()) exit_code_ = 0;
        shutdown_kill_us_ = now_us_ + look_again_us;
        return;
    }
    if (shutdown_kill_us_ == never_us) shutdown_kill_us_ = now_us_ + shutdown_grace_us;
    for (auto& [request, process] : processes_) {
        if (detached_ && !process->what().package.empty()) continue;
        if (impatient) process->kill_now(now_us_);
        // Again and again is the same as once: the earliest end counts.
        if (!impatient) process->end(now_us_, duration{shutdown_kill_us_ - now_us_}, !process->what().package.empty());
    }
}

// ---- logs --------------------------------------------------------------------------------------

std::shared_ptr<log_file> guard::log_of(const std::string& path) {
    std::erase_if(logs_, [](const auto& entry) { return entry.second.expired(); });
    auto& known = logs_[path];
    auto log = known.lock();
    if (!log) {
        log = std::make_shared<log_file>(path, options_.log_bytes_max);
        known = log;
    }
    return log;
}

void guard::handle(const write_log& message) { log_of(message.path)->write(dated(message.text)); }

void guard::log(const std::string& text) {
    auto line = dated(text);
    if (own_log_) {
        own_log_->write(line);
    } else {
        (void)!::write(STDERR_FILENO, line.data(), line.size());
    }
}

}  // namespace mainstay::guard
