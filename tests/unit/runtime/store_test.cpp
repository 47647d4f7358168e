// The durable state in a real database in a directory of its own.
#include <sqlite3.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <fstream>
#include <mutex>

#include "runtime/store.hpp"
#include "temp_dir.hpp"

using namespace mainstay;

namespace {

using open_store = std::unique_ptr<runtime::store>;

open_store open(const temp_dir& dir, const std::string& kernel = "kernel-1") {
    auto made = runtime::store::open(dir.path, kernel);
    INFO((made ? "" : made.error().message));
    REQUIRE(made);
    return std::move(*made);
}

std::string refusal(const temp_dir& dir) {
    auto made = runtime::store::open(dir.path, "kernel-1");
    REQUIRE_FALSE(made);
    return made.error().message;
}

// Waits for the writer thread's word.
struct confirmed {
    std::mutex mutex;
    std::condition_variable wake;
    std::uint64_t count = 0;
    std::string broken;

    void watch(runtime::store& item) {
        item.start(
            [this](std::uint64_t done) {
                std::lock_guard lock(mutex);
                CHECK(done > count);
                count = done;
                wake.notify_all();
            },
            [this](std::string why) {
                std::lock_guard lock(mutex);
                broken = std::move(why);
                wake.notify_all();
            });
    }
    bool wait(std::uint64_t wanted) {
        std::unique_lock lock(mutex);
        return wake.wait_for(lock, std::chrono::seconds(30), [&] { return count >= wanted || !broken.empty(); }) &&
               broken.empty();
    }
};

node::store log_write(std::uint64_t round, std::uint64_t commit, std::uint64_t keep,
                      const std::vector<std::string>& texts) {
    consensus::write change;
    change.term = {round, node_id{1}};
    change.commit = log_index{commit};
    change.keep = log_index{keep};
    for (const auto& text : texts) change.append.push_back({change.term, consensus::payload{text}});
    node::store item;
    item.log = change;
    return item;
}

std::vector<std::string> texts(const consensus::durable_state& log) {
    std::vector<std::string> list;
    for (const auto& entry : log.log) list.push_back(std::get<consensus::payload>(entry.body).data);
    return list;
}

void sql(const temp_dir& dir, const std::string& text) {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open((dir.path + "/mainstay.db").c_str(), &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, text.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
}

}  // namespace

TEST_CASE("a fresh store: first life, a name of its own, nothing in it, nobody else may read it") {
    temp_dir dir, other;
    auto item = open(dir);
    CHECK(item->identity().boot == (boot_id{1, 1}));
    CHECK(item->identity().store);
    CHECK(item->identity().log.log.empty());
    CHECK(item->identity().local.empty());
    CHECK(open(other)->identity().store != item->identity().store);
    struct stat found {};
    REQUIRE(::stat((dir.path + "/mainstay.db").c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
}

TEST_CASE("two lives: each start counts, the machine only with another kernel boot") {
    temp_dir dir;
    store_id name = open(dir)->identity().store;
    struct row {
        const char* kernel;
        boot_id boot;
    };
    for (const auto& item : {row{"kernel-1", {1, 2}}, row{"kernel-1", {1, 3}}, row{"kernel-2", {2, 4}},
                             row{"kernel-2", {2, 5}}, row{"kernel-1", {3, 6}}}) {
        CAPTURE(item.kernel);
        auto opened = open(dir, item.kernel);
        CHECK(opened->identity().boot == item.boot);
        CHECK(opened->identity().store == name);
    }
}

TEST_CASE("log, term, commit and the local record are there after a restart") {
    temp_dir dir;
    {
        auto item = open(dir);
        confirmed done;
        done.watch(*item);
        item->write(log_write(1, 0, 0, {"a", "b", "c"}));
        item->write(log_write(2, 1, 3, {"d"}));
        node::store local;
        local.local = bytes("here\0too", 8);
        item->write(local);
        REQUIRE(done.wait(3));
        CHECK(done.count == 3);
    }
    auto back = open(dir);
    CHECK(texts(back->identity().log) == std::vector<std::string>{"a", "b", "c", "d"});
    CHECK(back->identity().log.term == (term{2, node_id{1}}));
    CHECK(back->identity().log.commit == log_index{1});
    CHECK(back->identity().log.log[0].term == (term{1, node_id{1}}));
    CHECK(back->identity().local == bytes("here\0too", 8));
}

TEST_CASE("a write may truncate before it appends") {
    temp_dir dir;
    {
        auto item = open(dir);
        confirmed done;
        done.watch(*item);
        item->write(log_write(1, 0, 0, {"a", "b", "c", "d"}));
        item->write(log_write(3, 1, 2, {"x"}));
        item->write(log_write(4, 1, 3, {}));
        REQUIRE(done.wait(3));
    }
    auto back = open(dir);
    CHECK(texts(back->identity().log) == std::vector<std::string>{"a", "b", "x"});
    CHECK(back->identity().log.term == (term{4, node_id{1}}));
}

TEST_CASE("what was handed over before the end is stored by the end") {
    temp_dir dir;
    {
        auto item = open(dir);
        confirmed done;
        done.watch(*item);
        for (std::uint64_t i = 0; i < 200; ++i) item->write(log_write(1, 0, i, {std::to_string(i)}));
    }
    CHECK(open(dir)->identity().log.log.size() == 200);
}

TEST_CASE("no second daemon: an open store can't be opened again, and says so") {
    temp_dir dir;
    {
        auto item = open(dir);
        auto why = refusal(dir);
        CHECK(why.find("mainstay.db") != std::string::npos);
        CHECK(why.find("lock") != std::string::npos);
    }
    CHECK(open(dir)->identity().boot.incarnation == 2);  // the refused one did not count
}

TEST_CASE("what can't be trusted is refused with the file's name") {
    temp_dir dir;
    {
        auto item = open(dir);
        confirmed done;
        done.watch(*item);
        item->write(log_write(1, 2, 0, {"a", "b", "c"}));
        REQUIRE(done.wait(1));
    }
    SECTION("a newer format") {
        sql(dir, "INSERT OR REPLACE INTO meta VALUES (CAST('format' AS BLOB), CAST('3' AS BLOB))");
        CHECK(refusal(dir).find("another version") != std::string::npos);
    }
    SECTION("a gap in the log") {
        sql(dir, "DELETE FROM log WHERE number = 2");
        CHECK(refusal(dir).find("log entry 2") != std::string::npos);
    }
    SECTION("an unreadable entry") {
        sql(dir, "UPDATE log SET entry = x'ffffff' WHERE number = 3");
        CHECK(refusal(dir).find("log entry 3") != std::string::npos);
    }
    SECTION("a commit mark beyond the log") {
        sql(dir, "DELETE FROM log WHERE number > 1");
        CHECK(refusal(dir).find("commit mark") != std::string::npos);
    }
    SECTION("an unreadable term") {
        sql(dir, "INSERT OR REPLACE INTO meta VALUES (CAST('term' AS BLOB), x'ff')");
        CHECK_FALSE(refusal(dir).empty());
    }
    SECTION("an unreadable boot counter") {
        sql(dir, "INSERT OR REPLACE INTO meta VALUES (CAST('boot' AS BLOB), x'ff')");
        CHECK_FALSE(refusal(dir).empty());
    }
    SECTION("no database at all") {
        std::ofstream(dir.path + "/mainstay.db", std::ios::trunc) << std::string(5'000, 'x');
        std::remove((dir.path + "/mainstay.db-wal").c_str());
        CHECK(refusal(dir).find("mainstay.db") != std::string::npos);
    }
}

TEST_CASE("a directory that is not there and can't be made") {
    auto made = runtime::store::open("/proc/nowhere/at/all", "kernel-1");
    REQUIRE_FALSE(made);
    CHECK(made.error().message.find("/proc/nowhere") != std::string::npos);
}
