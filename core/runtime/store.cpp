#include "runtime/store.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "model/codec.hpp"

namespace mainstay::runtime {

namespace {

constexpr const char* format_now = "2";

class statement {
public:
    statement(sqlite3* db, const char* sql) { sqlite3_prepare_v2(db, sql, -1, &handle_, nullptr); }
    ~statement() { sqlite3_finalize(handle_); }
    statement(const statement&) = delete;
    statement& operator=(const statement&) = delete;

    statement& bind(int at, std::string_view value) {
        sqlite3_bind_blob(handle_, at, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
        return *this;
    }
    statement& bind(int at, std::uint64_t value) {
        sqlite3_bind_int64(handle_, at, static_cast<sqlite3_int64>(value));
        return *this;
    }
    // False at the end and on trouble; `ended` tells them apart.
    bool row() {
        code_ = sqlite3_step(handle_);
        return code_ == SQLITE_ROW;
    }
    [[nodiscard]] bool ended() const { return code_ == SQLITE_DONE; }
    bool done() {
        bool ok = sqlite3_step(handle_) == SQLITE_DONE;
        sqlite3_reset(handle_);
        return ok;
    }
    [[nodiscard]] bytes blob(int column) {
        const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
        auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_, column));
        return data == nullptr ? bytes() : bytes(data, size);
    }
    [[nodiscard]] std::uint64_t number(int column) {
        return static_cast<std::uint64_t>(sqlite3_column_int64(handle_, column));
    }

private:
    sqlite3_stmt* handle_ = nullptr;
    int code_ = SQLITE_OK;
};

}  // namespace

struct store::database {
    sqlite3* handle = nullptr;
    std::string unreadable;
    ~database() { sqlite3_close(handle); }
    database() = default;
    database(const database&) = delete;
    database& operator=(const database&) = delete;

    result<void> run(const char* sql) {
        char* text = nullptr;
        if (sqlite3_exec(handle, sql, nullptr, nullptr, &text) == SQLITE_OK) return {};
        std::string why = text == nullptr ? sqlite3_errmsg(handle) : text;
        sqlite3_free(text);
        return fail(why);
    }
    // What can't be read must never pass for what was never there: a node that forgets its term or its
    // name could vote twice. `unreadable` says what the first such key is.
    bytes get(const std::string& key) {
        statement read(handle, "SELECT value FROM meta WHERE key = ?");
        read.bind(1, key);
        if (read.row()) return read.blob(0);
        if (!read.ended() && unreadable.empty()) unreadable = key + ": " + sqlite3_errmsg(handle);
        return {};
    }
    template <class T>
    T value(const std::string& key) {
        auto stored = get(key);
        if (stored.empty()) return T{};
        auto found = decode<T>(stored);
        if (!found && unreadable.empty()) unreadable = key + ": damaged";
        return found.value_or(T{});
    }
    bool set(std::string_view key, std::string_view value) {
        statement write(handle, "INSERT OR REPLACE INTO meta VALUES (?, ?)");
        return write.bind(1, key).bind(2, value).done();
    }
};

result<std::unique_ptr<store>> store::open(const std::string& directory, const std::string& kernel_boot) {
    ::mkdir(directory.c_str(), 0700);
    auto path = directory + "/mainstay.db";
    std::unique_ptr<store> made(new store);
    made->database_ = std::make_unique<database>();
    auto& db = *made->database_;
    if (sqlite3_open(path.c_str(), &db.handle) != SQLITE_OK)
        return fail(path + ": " + sqlite3_errmsg(db.handle) + "; the state directory has to be writable");
    ::chmod(path.c_str(), 0600);
    // FULL: a commit is on the disk when it returns. EXCLUSIVE: no second daemon, no shared memory.
    auto ready = db.run(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
        "PRAGMA cache_size=-512;"
        "CREATE TABLE IF NOT EXISTS meta (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS log (number INTEGER PRIMARY KEY, entry BLOB);");
    if (!ready) return fail(path + ": " + ready.error().message);
    auto known = made->read_identity(kernel_boot);
    if (!known) return fail(path + ": " + known.error().message);
    // The directory's entry for a new file has to survive a power cut as well.
    int folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool kept = folder >= 0 && ::fsync(folder) == 0;
    int why = errno;
    if (folder >= 0) ::close(folder);
    if (!kept) return fail(directory + ": can't be written to the disk: " + std::strerror(why));
    return made;
}

result<void> store::read_identity(const std::string& kernel_boot) {
    auto& db = *database_;
    auto format = db.get("format");
    if (!format.empty() && format != format_now)
        return fail("written by another version (format " + format + ", this one reads " + format_now + ")");
    identity_.store = db.value<store_id>("store");
    identity_.boot = db.value<boot_id>("boot");
    identity_.log.term = db.value<mainstay::term>("term");
    identity_.log.commit = db.value<log_index>("commit");
    identity_.log.snapshot = db.value<consensus::snapshot>("snapshot");
    identity_.log.before = db.value<log_index>("before");
    identity_.log.before_term = db.value<mainstay::term>("before_term");
    identity_.local = db.get("local");
    auto former_kernel = db.get("kernel_boot");
    if (!db.unreadable.empty()) return fail("can't be read, " + db.unreadable);
    if (format.empty() && identity_.store) return fail("has no format number");
    if (!format.empty() && (!identity_.store || !identity_.boot)) return fail("has lost the node's identity");
    if (!identity_.store) {
        randombytes_buf(&identity_.store.value, sizeof identity_.store.value);
        identity_.store.value |= 1U;
    }
    if (former_kernel != kernel_boot) ++identity_.boot.machine;
    ++identity_.boot.incarnation;
    // The same for every build: two builds that name one life differently would take it for two.
    unsigned char hash[crypto_generichash_BYTES_MIN];
    crypto_generichash(hash, sizeof hash, reinterpret_cast<const unsigned char*>(kernel_boot.data()),
                       kernel_boot.size(), nullptr, 0);
    for (std::size_t i = 0; i < 8; ++i) identity_.kernel = identity_.kernel << 8 | hash[i];
    statement read(db.handle, "SELECT number, entry FROM log ORDER BY number");
    while (read.row()) {
        auto entry = decode<consensus::entry>(read.blob(1));
        auto wanted = identity_.log.last().value + 1;
        if (!entry || read.number(0) != wanted)
            return fail("log entry " + std::to_string(wanted) + " is missing or unreadable");
        identity_.log.log.push_back(std::move(*entry));
    }
    if (!read.ended()) return fail(std::string("the log can't be read to its end: ") + sqlite3_errmsg(db.handle));
    if (identity_.log.commit > identity_.log.last()) return fail("the commit mark is beyond the log");
    if (identity_.log.before > identity_.log.snapshot.index || identity_.log.snapshot.index > identity_.log.last())
        return fail("the snapshot and the log do not meet");
    // Boot counters are durable before the first packet.
    auto begin = db.run("BEGIN IMMEDIATE");
    bool ok = begin && db.set("format", format_now) && db.set("store", encode(identity_.store)) &&
              db.set("boot", encode(identity_.boot)) && db.set("kernel_boot", kernel_boot) && db.run("COMMIT");
    if (!ok) return fail(std::string("can't be written: ") + sqlite3_errmsg(db.handle));
    return {};
}

void store::start(std::function<void(std::uint64_t)> done, std::function<void(std::string)> broken) {
    done_ = std::move(done);
    broken_ = std::move(broken);
    thread_ = std::thread([this] { run(); });
}

store::~store() {
    {
        std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void store::write(node::store item) {
    {
        std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(item));
    }
    wake_.notify_one();
}

void store::run() {
    for (;;) {
        std::vector<node::store> batch;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            batch.swap(waiting_);
        }
        auto ok = commit(batch);
        if (!ok) return broken_(ok.error().message);
        count_ += batch.size();
        done_(count_);
    }
}

result<void> store::commit(const std::vector<node::store>& batch) {
    auto& db = *database_;
    auto begin = db.run("BEGIN IMMEDIATE");
    if (!begin) return begin;
    bool ok = true;
    const consensus::write* newest = nullptr;
    for (const auto& item : batch) {
        if (item.local) ok = ok && db.set("local", *item.local);
        if (item.boot) ok = ok && db.set("boot", encode(*item.boot));
        if (!item.log) continue;
        newest = &*item.log;
        statement cut(db.handle, "DELETE FROM log WHERE number > ?");
        ok = ok && cut.bind(1, newest->keep.value).done();
        statement add(db.handle, "INSERT INTO log VALUES (?, ?)");
        auto number = newest->keep.value;
        if (newest->snapshot) {
            statement drop(db.handle, "DELETE FROM log WHERE number <= ?");
            ok = ok && drop.bind(1, newest->before.value).done() && db.set("snapshot", encode(*newest->snapshot)) &&
                 db.set("before", encode(newest->before)) && db.set("before_term", encode(newest->before_term));
        }
        for (const auto& entry : newest->append) ok = ok && add.bind(1, ++number).bind(2, encode(entry)).done();
    }
    if (newest != nullptr) ok = ok && db.set("term", encode(newest->term)) && db.set("commit", encode(newest->commit));
    if (!ok) return fail(std::string("write failed: ") + sqlite3_errmsg(db.handle));
    return db.run("COMMIT");
}

}  // namespace mainstay::runtime
