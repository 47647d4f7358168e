// SG 7.4: this guard ends and its packages go on, or it begins and takes over those of a former one.
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include <set>

#include "guard/guard.hpp"

namespace mainstay::guard {

namespace {

// The lock that says that a guard runs, the sockets of the daemon, the watchdog: all of it would live on in the keeper.
void close_all_but(const std::set<int>& kept) {
    std::vector<int> open;
    std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir("/proc/self/fd"), ::closedir);
    if (!list) return;
    while (const auto* entry = ::readdir(list.get())) {
        int fd = ::atoi(entry->d_name);
        bool own = fd == ::dirfd(list.get());
        if (entry->d_name[0] != '.' && fd > 2 && !own && kept.count(fd) == 0) open.push_back(fd);
    }
    list.reset();
    for (int fd : open) ::close(fd);
}

}  // namespace

// Whoever starts what runs already would run it twice: with a keeper that can't be understood there is no guard.
bool guard::take_over_detached() {
    auto found = take_over(options_.run_dir, options_.log_bytes_max);
    if (!found) {
        log(found.error().message);
        return false;
    }
    if (!*found) return true;
    auto& all = **found;
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
    return true;
}

void guard::leave_to_keeper() {
    auto door = keeper::open(options_.run_dir);
    if (!door) {
        // Without one they would lose what they write to, and end by it one after the other.
        log("can't leave detached packages to a keeper, this guard stays: " + door.error().message);
        shutdown_kill_us_ = now_us_ + 5'000'000;
        return;
    }
    kept all;
    all.identity = identity_;
    for (const auto& [request, process] : processes_) {
        all.processes.push_back(process->keep());
        all.outputs.push_back(process->take_kept());
    }
    for (auto& item : strays_) all.outputs.push_back(std::move(item));
    auto count = all.processes.size();
    int ends[2] = {-1, -1};
    (void)::pipe2(ends, O_CLOEXEC);
    unique_fd lets_go(ends[0]);
    unique_fd holds(ends[1]);
    auto child = ::fork();
    if (child == 0) {
        std::set<int> open{door->fd()};
        for (auto& item : all.outputs) {
            open.insert(item.pipe.get());
            item.log = std::make_shared<log_file>(item.log->path(), options_.log_bytes_max);
        }
        close_all_but(open);
        // Whoever reads what this guard wrote sees its end.
        if (int null = ::open("/dev/null", O_RDWR); null >= 0)
            for (int fd : {0, 1, 2}) ::dup2(null, fd);
        door->run(all);
        ::_exit(0);
    }
    // It has closed all that is this guard's: the next one finds the lock free as soon as this one has ended.
    holds.reset();
    char nothing = 0;
    if (child > 0 && lets_go) (void)!::read(lets_go.get(), &nothing, 1);
    if (child < 0) log("no keeper for detached packages: what they write is lost, and may end them");
    log("leaves " + std::to_string(count) + " processes of detached packages to process " + std::to_string(child));
    exit_code_ = 0;
}

}  // namespace mainstay::guard
