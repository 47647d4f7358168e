// mainstay-guard: options, locks and priorities; guard.cpp does the work.
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "guard/directories.hpp"
#include "guard/guard.hpp"

namespace {

using mainstay::guard::guard_options;
using mainstay::guard::unique_fd;

constexpr const char* usage =
    "usage: mainstay-guard [options]\n"
    "  --daemon PATH         mainstayd (default: beside this program)\n"
    "  --config-dir DIR      /etc/mainstay\n"
    "  --state-dir DIR       /var/lib/mainstay\n"
    "  --run-dir DIR         /run/mainstay\n"
    "  --log-dir DIR         /var/log/mainstay\n"
    "  --plugin-dir DIR      where plugins are (default: mainstayd's)\n"
    "  --node NAME           name of this node (default: host name)\n"
    "  --reset-command PATH  how this node is reset, instead of reboot(2); gets the reason\n"
    "  --allow-reboot        reboot(2) may reset this machine\n"
    "  --foreground          stay in the foreground and log to standard error\n";

std::string daemon_beside_us() {
    char path[PATH_MAX];
    auto size = ::readlink("/proc/self/exe", path, sizeof path);
    std::string own(path, size > 0 ? static_cast<std::size_t>(size) : 0);
    return own.substr(0, own.rfind('/') + 1) + "mainstayd";
}

std::string host_name() {
    char name[HOST_NAME_MAX + 1] = {};
    (void)::gethostname(name, HOST_NAME_MAX);
    std::string out(name);
    return out.substr(0, out.find('.'));  // as Serviceguard: the first part alone
}

// 0 go on, otherwise the exit code plus one.
int read_options(int argc, char** argv, guard_options& options) {
    bool help = false;
    const std::pair<const char*, std::string*> texts[] = {
        {"daemon", &options.daemon},       {"config-dir", &options.config_dir},
        {"state-dir", &options.state_dir}, {"run-dir", &options.run_dir},
        {"log-dir", &options.log_dir},     {"plugin-dir", &options.plugin_dir},
        {"node", &options.node},           {"reset-command", &options.reset.command}};
    const std::pair<const char*, bool*> switches[] = {
        {"allow-reboot", &options.reset.allow_reboot}, {"foreground", &options.foreground}, {"help", &help}};
    std::vector<option> table;
    for (const auto& [name, target] : texts) table.push_back({name, required_argument, nullptr, 0});
    for (const auto& [name, target] : switches) table.push_back({name, no_argument, nullptr, 0});
    table.push_back({nullptr, 0, nullptr, 0});
    int index = 0;
    for (int found = 0; (found = ::getopt_long(argc, argv, "", table.data(), &index)) != -1;) {
        if (found != 0) {
            std::fputs(usage, stderr);
            return 3;
        }
        auto at = static_cast<std::size_t>(index);
        if (at < std::size(texts)) {
            *texts[at].second = optarg;
        } else {
            *switches[at - std::size(texts)].second = true;
        }
    }
    if (help) {
        std::fputs(usage, stdout);
        return 1;
    }
    if (optind < argc) {
        std::fprintf(stderr, "mainstay-guard: what is '%s'?\n%s", argv[optind], usage);
        return 3;
    }
    return 0;
}

// Two guards on one node would each start a daemon.
bool take_lock(const guard_options& options, unique_fd& lock) {
    auto path = options.run_dir + "/guard.lock";
    if (mainstay::guard::make_directories(options.run_dir))
        lock.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return true;
    std::fprintf(stderr, "mainstay-guard: %s: %s\n", path.c_str(),
                 lock ? "another guard runs on this node" : std::strerror(errno));
    return false;
}

// Best effort, each: a lease has to end in time on a machine that swaps and thrashes, too.
void be_punctual() {
    (void)::mlockall(MCL_CURRENT | MCL_FUTURE);
    sched_param priority{};
    priority.sched_priority = 1;
    (void)::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &priority);
    unique_fd score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
    if (score) (void)!::write(score.get(), "-1000", 5);
}

}  // namespace

int main(int argc, char** argv) {
    guard_options options;
    options.daemon = daemon_beside_us();
    options.node = host_name();
    if (int code = read_options(argc, argv, options); code != 0) return code - 1;
    unique_fd lock;
    if (!take_lock(options, lock)) return 1;
    // flock belongs to the open file, so it stays with us through the fork.
    if (!options.foreground && ::daemon(1, 0) != 0) {
        std::perror("mainstay-guard: daemon");
        return 1;
    }
    be_punctual();
    return mainstay::guard::guard(std::move(options)).run();
}
