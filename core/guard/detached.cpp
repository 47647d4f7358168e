// SG 7.4: this guard ends and its packages go on, or it begins and takes over those of a former one.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>
#include <set>

#include "guard/guard.hpp"
#include "guard/record.hpp"

namespace mainstay::guard {

namespace {

// The lock that says that a guard runs, the sockets of the daemon, the watchdog: all of it would live on in the keeper.
void close_all_but(const std::set<int>& keep) {
    std::vector<int> open;
    std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir("/proc/self/fd"), ::closedir);
    if (!list) return;
    while (const auto* entry = ::readdir(list.get())) {
        int fd = ::atoi(entry->d_name);
        bool own = fd == ::dirfd(list.get());
        if (entry->d_name[0] != '.' && fd > 2 && !own && keep.count(fd) == 0) open.push_back(fd);
    }
    list.reset();
    for (int fd : open) ::close(fd);
}

}  // namespace

// Whoever starts what runs already would run it twice: with a keeper that can't be understood there is no guard.
bool guard::take_over_former() {
    auto found = take_over(options_.run_dir, [this](const std::string& path) { return log_of(path); });
    if (!found) {
        log(found.error().message);
        return false;
    }
    auto record = read_record(options_.run_dir);
    if (*found) {
        take_over_kept(**found);
    } else if (record && record->detached) {
        // Its keeper, or itself, was killed. What prints loses its reader with it; what lives on is taken over.
        kept all{record->identity, std::move(record->processes), {}};
        for (const auto& item : all.processes) all.outputs.push_back({{}, log_of(item.log_path)});
        log("the guard before this one ended without a keeper");
        take_over_kept(all);
    } else if (record && !end_leftovers(record->identity)) {
        log("processes of the guard before this one do not end: what they belong to can't be started");
        return false;
    }
    if (record && record->identity != identity_) {
        groups_.open(record->identity);
        groups_.tidy();
    }
    keep_record();
    return true;
}

void guard::take_over_kept(kept& all) {
    identity_ = all.identity;
    detached_ = true;
    for (std::size_t i = 0; i < all.outputs.size(); ++i) {
        if (i >= all.processes.size()) {
            strays_.push_back(std::move(all.outputs[i]));
            continue;
        }
        const auto& item = all.processes[i];
        processes_[item.request] = std::make_unique<process>(item, std::move(all.outputs[i]));
    }
    log("took over " + std::to_string(processes_.size()) + " processes of detached packages");
}

// While packages are detached none of their processes begins.
void guard::keep_record() {
    guard_record record{identity_, detached_, {}};
    for (const auto& [request, process] : processes_)
        if (detached_ && !process->what().package.empty()) record.processes.push_back(process->keep());
    if (auto done = write_record(options_.run_dir, record); !done) log(done.error().message);
}

void guard::leave_to_keeper() {
    if (now_us_ < keeper_again_us_) return;
    keeper_again_us_ = now_us_ + 5 * 1'000'000;
    shutdown_kill_us_ = keeper_again_us_;
    auto door = keeper::open(options_.run_dir);
    int ends[2] = {-1, -1};
    bool piped = ::pipe2(ends, O_CLOEXEC) == 0;
    unique_fd lets_go(ends[0]);
    unique_fd holds(ends[1]);
    auto child = door && piped ? ::fork() : -1;
    if (child == 0) be_keeper(*door);
    if (child < 0) {
        // Without one they would lose what they write to, and end by it one after the other.
        log("can't leave detached packages to a keeper, this guard stays: " +
            (door ? std::string(std::strerror(errno)) : door.error().message));
        return;
    }
    // It has closed all that is this guard's: the next one finds the lock free as soon as this one has ended.
    holds.reset();
    char nothing = 0;
    (void)!::read(lets_go.get(), &nothing, 1);
    log("leaves " + std::to_string(processes_.size()) + " processes of detached packages to process " +
        std::to_string(child));
    exit_code_ = 0;
}

void guard::be_keeper(keeper& door) {
    ::prctl(PR_SET_NAME, "mainstay-keeper");
    kept all;
    all.identity = identity_;
    for (const auto& [request, process] : processes_) {
        all.processes.push_back(process->keep());
        all.outputs.push_back(process->take_kept());
    }
    for (auto& item : strays_) all.outputs.push_back(std::move(item));
    std::set<int> open{door.fd()};
    std::map<std::string, std::shared_ptr<log_file>> logs;
    for (auto& item : all.outputs) {
        open.insert(item.pipe.get());
        // Anew: what the guard has open is closed below.
        auto& log = logs[item.log->path()];
        if (!log) log = std::make_shared<log_file>(item.log->path(), options_.log_bytes_max);
        item.log = log;
    }
    close_all_but(open);
    // Whoever reads what this guard wrote sees its end.
    if (int null = ::open("/dev/null", O_RDWR); null >= 0)
        for (int fd : {0, 1, 2}) ::dup2(null, fd);
    // It ends as any process does when the machine is shut down.
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    door.run(all);
    ::_exit(0);
}

}  // namespace mainstay::guard
