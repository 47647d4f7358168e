// The node's durable state in SQLite (D10): WAL, synchronous=FULL, one writer thread of its own.
// Everything waiting is one transaction (group commit). A write that fails is never tried again:
// the node has to stop.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "consensus/types.hpp"
#include "model/result.hpp"
#include "node/io.hpp"

namespace mainstay::runtime {

// What is read once at start, and made when it is not there.
struct stored_identity {
    boot_id boot;  // of this start; already durable
    store_id store;
    std::uint64_t kernel = 0;  // names the machine's life; from its kernel's boot_id
    consensus::durable_state log;
    bytes local;
};

class store {
public:
    // Opens or makes the database; counts the start: the incarnation always, the machine when
    // `kernel_boot` differs from the stored one ("Two lives").
    [[nodiscard]] static result<std::unique_ptr<store>> open(const std::string& directory,
                                                             const std::string& kernel_boot);
    ~store();
    store(const store&) = delete;
    store& operator=(const store&) = delete;

    [[nodiscard]] const stored_identity& identity() const { return identity_; }

    // From the writer thread: so many writes of this start are durable, or the store is broken.
    void start(std::function<void(std::uint64_t)> done, std::function<void(std::string)> broken);
    // From the core's thread, in order.
    void write(node::store item);

private:
    store() = default;
    struct database;
    void run();
    [[nodiscard]] result<void> commit(const std::vector<node::store>& batch);
    [[nodiscard]] result<void> read_identity(const std::string& kernel_boot);

    std::unique_ptr<database> database_;
    stored_identity identity_;
    std::function<void(std::uint64_t)> done_;
    std::function<void(std::string)> broken_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<node::store> waiting_;
    bool stop_ = false;
    std::uint64_t count_ = 0;
    std::thread thread_;
};

}  // namespace mainstay::runtime
