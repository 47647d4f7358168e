// filesystem: what start, stop and status of a file system do. Its parameters come from the fs_*
// keywords of the package.
#include <mainstay/plugin.hpp>

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/run_command.hpp"
#include "common/text.hpp"
#include "holders.hpp"
#include "mounts.hpp"

namespace {

namespace sdk = mainstay::sdk;
namespace kit = mainstay::kit;
namespace fs = mainstay::filesystem;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds never_killed = 7 * 24h;  // the package's time limit ends it before

class filesystem {
public:
    static constexpr sdk::about about{"filesystem", "1.0", "a file system that moves with its package"};
    static constexpr auto parameters = std::array{
        sdk::param{.name = "device", .required = true, .help = "fs_name: what is mounted; for nfs the exported path"},
        sdk::param{.name = "server", .help = "fs_server: of an nfs file system"},
        sdk::param{.name = "directory", .type = sdk::type::path, .required = true, .help = "fs_directory: where"},
        sdk::param{.name = "type", .required = true, .help = "fs_type: ext4, xfs, nfs, tmpfs, ..."},
        sdk::param{.name = "mount_options", .help = "fs_mount_opt: options for mount, such as -o noatime"},
        sdk::param{.name = "umount_options", .help = "fs_umount_opt: options for umount"},
        sdk::param{.name = "fsck_options", .help = "fs_fsck_opt: options for fsck, beside -a"},
        sdk::param{.name = "mount_retries",
                   .type = sdk::type::integer,
                   .fallback = "0",
                   .minimum = 0,
                   .maximum = 1000,
                   .help = "fs_mount_retry_count: how often a busy mount point is cleared and tried again"},
        sdk::param{.name = "umount_retries",
                   .type = sdk::type::integer,
                   .fallback = "1",
                   .minimum = 1,
                   .maximum = 1000,
                   .help = "fs_umount_retry_count: how often whoever keeps it busy is ended and umount tried again"},
        sdk::param{.name = "timeout",
                   .type = sdk::type::duration,
                   .fallback = "600s",
                   .minimum = 100,
                   .maximum = 604'800'000,
                   .help = "time for one mount or umount; then it is killed and has failed: a server that does not "
                           "answer must not keep a package from its other nodes. An fsck is bounded by "
                           "run_script_timeout alone"}};

    explicit filesystem(const sdk::setup& setup)
        : params_(setup.params), directory_(params_.text("directory")), type_(params_.text("type")) {
        source_ = params_.text("device");
        if (auto server = params_.text("server"); !server.empty()) source_ = server + ":" + source_;
        if (directory_.front() != '/') throw sdk::refused("directory '" + directory_ + "' is no absolute path");
        directory_ = std::filesystem::path(directory_).lexically_normal();
        while (directory_.size() > 1 && directory_.back() == '/') directory_.pop_back();
        if (directory_ == "/") throw sdk::refused("a package can't mount something on /");
    }

    // The check before the mount, of all file systems of a package before the first is mounted. What is still to come
    // into sight, as an image in another of them, is checked when it is mounted.
    sdk::answer prepare() {
        checked_ = false;
        std::error_code wrong;
        if (mounted() || (source_.front() == '/' && !std::filesystem::exists(source_, wrong)))
            return {sdk::outcome::ok, {}};
        if (auto text = check(); !text.empty()) return {sdk::outcome::failed, text};
        checked_ = true;
        return {sdk::outcome::ok, {}};
    }

    sdk::answer start() {
        bool checked = std::exchange(checked_, false);
        if (auto now = mounted()) {
            if (is_ours(*now) == fs::same_source::yes) return {sdk::outcome::ok, source_ + " was mounted already"};
            return {sdk::outcome::failed, now->source + " is mounted on " + directory_ + " already"};
        }
        struct stat info {};
        if (::stat(directory_.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
            return {sdk::outcome::failed, directory_ + " is no directory: make it on every node of the package"};
        if (auto wrong = checked ? std::string() : check(); !wrong.empty()) return {sdk::outcome::failed, wrong};
        auto retries = params_.integer("mount_retries");
        for (std::int64_t tried = 0;; ++tried) {
            // The kernel mounts over whoever works here: he would go on with what nobody sees any more.
            if (auto busy = fs::holders_of(real_directory()); !busy.empty()) {
                if (tried >= retries) return {sdk::outcome::failed, directory_ + " is in use" + kept_busy_by(busy)};
                kit::end_processes([this] { return fs::holders_of(real_directory()); }, 1s);
                continue;
            }
            auto end = run("mount", params_.text("mount_options"), {"-t", type_}, {source_, directory_},
                           params_.duration("timeout"));
            if (end.exited_with(0)) return {sdk::outcome::ok, {}};
            auto busy = fs::holders_of(real_directory());
            bool again = tried < retries && !busy.empty();
            if (!again) return {sdk::outcome::failed, "mount of " + source_ + ": " + end.text() + kept_busy_by(busy)};
        }
    }

    sdk::answer stop() {
        auto retries = params_.integer("umount_retries");
        for (std::int64_t tried = 0;; ++tried) {
            auto now = mounted();
            if (!now) return {sdk::outcome::ok, {}};
            // Where a start found it in its way: that is nobody's to take away, nor whoever works there to end.
            if (is_ours(*now) == fs::same_source::no)
                return {sdk::outcome::not_running, now->source + " is mounted on " + directory_ + ", and stays"};
            auto end = run("umount", params_.text("umount_options"), {}, {directory_}, params_.duration("timeout"));
            if (end.exited_with(0)) continue;  // something may be mounted below it still
            auto busy = fs::holders_of(directory_);
            if (tried >= retries)
                return {sdk::outcome::failed, "umount of " + directory_ + ": " + end.text() + kept_busy_by(busy)};
            kit::end_processes([this] { return fs::holders_of(directory_); }, 1s);
        }
    }

    sdk::answer status() {
        auto now = mounted();
        if (!now) return {sdk::outcome::not_running, directory_ + " is no mount point"};
        if (is_ours(*now) != fs::same_source::yes && now->type != type_)
            return {sdk::outcome::not_running, now->source + " is mounted on " + directory_};
        return {sdk::outcome::ok, {}};
    }

private:
    [[nodiscard]] fs::same_source is_ours(const fs::mount_entry& entry) const {
        return fs::mounted_from(source_, type_, entry, directory_);
    }

    // The kernel lists the place without symbolic links. What it lists as it is written is not touched: a dead
    // server would hold whoever does.
    [[nodiscard]] std::optional<fs::mount_entry> mounted() const {
        if (auto found = fs::mounted_at(directory_)) return found;
        std::error_code wrong;
        auto real = std::filesystem::canonical(directory_, wrong);
        if (wrong == std::errc::no_such_file_or_directory) return std::nullopt;
        if (wrong) throw std::runtime_error(directory_ + ": " + wrong.message());
        return fs::mounted_at(real);
    }

    // /proc names what processes hold without symbolic links. Asked only while nothing is mounted there.
    [[nodiscard]] std::string real_directory() const {
        std::error_code wrong;
        auto real = std::filesystem::canonical(directory_, wrong);
        return wrong ? directory_ : real.string();
    }

    static std::string kept_busy_by(const std::vector<kit::process>& list) {
        return list.empty() ? std::string() : "; kept busy by " + kit::list_of(list);
    }

    [[nodiscard]] kit::command_end run(const std::string& program, const std::string& options,
                                       const std::vector<std::string>& before, const std::vector<std::string>& after,
                                       std::chrono::milliseconds limit) const {
        std::vector<std::string> argv{"/usr/bin/env", program};
        argv.insert(argv.end(), before.begin(), before.end());
        std::istringstream words(options);
        for (std::string word; words >> word;) argv.push_back(word);
        argv.insert(argv.end(), after.begin(), after.end());
        return kit::run_command(
            {.argv = std::move(argv),
             .environment = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, {"LC_ALL", "C"}},
             .timeout = limit});
    }

    // Only what lives on a local device and has a checker that repairs without asking.
    [[nodiscard]] std::string check() const {
        bool wanted = type_ == "ext2" || type_ == "ext3" || type_ == "ext4" || type_ == "vfat";
        if (!wanted && params_.text("fsck_options").empty()) return {};
        auto end = run("fsck", params_.text("fsck_options"), {"-a", "-t", type_}, {source_}, never_killed);
        // 1: errors were corrected. 2 wants a reboot, 4 and more were not corrected.
        if (end.exited_with(0) || end.exited_with(1)) return {};
        return "fsck of " + source_ + ": " + end.text();
    }

    sdk::values params_;
    std::string directory_;
    std::string type_;
    std::string source_;
    bool checked_ = false;  // by prepare(), for the start that comes next
};

}  // namespace

MAINSTAY_RESOURCE_PLUGIN(filesystem)
