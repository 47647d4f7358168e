#include "runtime/store_wipe.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "guard/unique_fd.hpp"

namespace mainstay::runtime {

namespace {

constexpr const char* in_use = "mainstay runs on this node: stop it first (systemctl stop mainstay)";

// A daemon that crashed a moment ago is started again by its guard: the guard's own lock counts, and holding it
// keeps another guard from starting meanwhile.
result<guard::unique_fd> lock_out_guard(const std::string& run_dir) {
    auto path = run_dir + "/guard.lock";
    guard::unique_fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!lock && errno == ENOENT) return lock;
    if (!lock) return fail(path + ": " + std::strerror(errno));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return fail(in_use);
    return lock;
}

// A daemon keeps its database locked as long as it lives. What is damaged can't be asked, and may be removed all the
// same: that is what a reset is for.
bool is_locked(const std::string& path) {
    sqlite3* handle = nullptr;
    int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr);
    if (code == SQLITE_OK) code = sqlite3_exec(handle, "BEGIN EXCLUSIVE; ROLLBACK", nullptr, nullptr, nullptr);
    sqlite3_close(handle);
    return code == SQLITE_BUSY || code == SQLITE_LOCKED;
}

}  // namespace

result<void> wipe_store(const std::string& state_dir, const std::string& run_dir) {
    auto path = state_dir + "/mainstay.db";
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0)
        return fail(errno == ENOENT ? path + ": there is no store, nothing to reset"
                                    : path + ": " + std::strerror(errno));
    auto lock = lock_out_guard(run_dir);
    if (!lock) return tl::make_unexpected(lock.error());
    if (is_locked(path)) return fail(in_use);
    // The database first: without it SQLite passes over a log of changes that is left, so that a power cut in between
    // leaves the store whole or empty. The other way round would bring an older state, with forgotten votes, back.
    for (const char* ending : {"", "-wal", "-shm"}) {
        auto file = path + ending;
        if (::unlink(file.c_str()) != 0 && errno != ENOENT) return fail(file + ": " + std::strerror(errno));
        guard::unique_fd folder(::open(state_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!folder || ::fsync(folder.get()) != 0) return fail(state_dir + ": " + std::strerror(errno));
    }
    return {};
}

}  // namespace mainstay::runtime
