// hactl node reset: a real database is removed, or not touched at all.
#include <sys/file.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "guard/unique_fd.hpp"
#include "runtime/store.hpp"
#include "runtime/store_wipe.hpp"
#include "temp_dir.hpp"

#include <fcntl.h>

using namespace mainstay;

namespace {

store_id made(const temp_dir& dir, boot_id wanted = {1, 1}) {
    auto item = runtime::store::open(dir.path, "kernel-1");
    REQUIRE(item);
    CHECK((*item)->identity().boot == wanted);
    return (*item)->identity().store;
}

std::string refusal(const temp_dir& state, const std::string& run_dir) {
    auto done = runtime::wipe_store(state.path, run_dir);
    REQUIRE_FALSE(done);
    return done.error().message;
}

}  // namespace

TEST_CASE("what was reset starts as a new store, with a name that was never used") {
    temp_dir state, run;
    auto former = made(state);
    REQUIRE(runtime::wipe_store(state.path, run.path));
    CHECK(made(state) != former);
    CHECK(made(state, {1, 2}) != former);
    REQUIRE(runtime::wipe_store(state.path, "/nonexistent/run"));
    CHECK(refusal(state, run.path).find("there is no store") != std::string::npos);
}

TEST_CASE("a log of changes without its database brings nothing back") {
    temp_dir state;
    auto former = made(state);
    {
        auto item = runtime::store::open(state.path, "kernel-1");
        REQUIRE(item);
        std::filesystem::copy_file(state.path + "/mainstay.db-wal", state.path + "/kept");
    }
    std::filesystem::remove(state.path + "/mainstay.db");
    std::filesystem::rename(state.path + "/kept", state.path + "/mainstay.db-wal");
    CHECK(made(state) != former);
}

TEST_CASE("what is in use stays") {
    temp_dir state, run;
    auto former = made(state);
    SECTION("by a daemon") {
        auto item = runtime::store::open(state.path, "kernel-1");
        REQUIRE(item);
        CHECK(refusal(state, run.path).find("mainstay runs on this node") == 0);
    }
    SECTION("by a guard whose daemon is just being started again") {
        auto path = run.path + "/guard.lock";
        guard::unique_fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
        REQUIRE(::flock(lock.get(), LOCK_EX | LOCK_NB) == 0);
        CHECK(refusal(state, run.path).find("mainstay runs on this node") == 0);
    }
    auto item = runtime::store::open(state.path, "kernel-1");
    REQUIRE(item);
    CHECK((*item)->identity().store == former);
}

TEST_CASE("a damaged database is removed like a good one") {
    temp_dir state, run;
    std::ofstream(state.path + "/mainstay.db") << std::string(20'000, 'x');
    CHECK_FALSE(runtime::store::open(state.path, "kernel-1"));
    REQUIRE(runtime::wipe_store(state.path, run.path));
    made(state);
}
