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
#include <string>

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
    enum {
        config_dir = 256,
        state_dir,
        run_dir,
        log_dir,
        plugin_dir,
        node,
        daemon_path,
        reset_command,
        allow_reboot,
        foreground,
        help
    };
    const option table[] = {{"daemon", required_argument, nullptr, daemon_path},
                            {"config-dir", required_argument, nullptr, config_dir},
                            {"state-dir", required_argument, nullptr, state_dir},
                            {"run-dir", required_argument, nullptr, run_dir},
                            {"log-dir", required_argument, nullptr, log_dir},
                            {"plugin-dir", required_argument, nullptr, plugin_dir},
                            {"node", required_argument, nullptr, node},
                            {"reset-command", required_argument, nullptr, reset_command},
                            {"allow-reboot", no_argument, nullptr, allow_reboot},
                            {"foreground", no_argument, nullptr, foreground},
                            {"help", no_argument, nullptr, help},
                            {nullptr, 0, nullptr, 0}};
    for (int found = 0; (found = ::getopt_long(argc, argv, "", table, nullptr)) != -1;) {
        switch (found) {
            case daemon_path:
                options.daemon = optarg;
                break;
            case config_dir:
                options.config_dir = optarg;
                break;
            case state_dir:
                options.state_dir = optarg;
                break;
            case run_dir:
                options.run_dir = optarg;
                break;
            case log_dir:
                options.log_dir = optarg;
                break;
            case plugin_dir:
                options.plugin_dir = optarg;
                break;
            case node:
                options.node = optarg;
                break;
            case reset_command:
                options.reset.command = optarg;
                break;
            case allow_reboot:
                options.reset.allow_reboot = true;
                break;
            case foreground:
                options.foreground = true;
                break;
            case help:
                std::fputs(usage, stdout);
                return 1;
            default:
                std::fputs(usage, stderr);
                return 3;
        }
    }
    if (optind < argc) {
        std::fprintf(stderr, "mainstay-guard: what is '%s'?\n%s", argv[optind], usage);
        return 3;
    }
    return 0;
}

// Two guards on one node would each start a daemon.
bool take_lock(const guard_options& options, unique_fd& lock) {
    ::mkdir(options.run_dir.c_str(), 0755);
    auto path = options.run_dir + "/guard.lock";
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
