// SG 7.4: a guard that ends while packages are detached leaves a keeper behind. It holds what they write to, so that
// nothing they print ends them, writes their logs, and hands all of it to the next guard. It watches and ends nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guard/log_file.hpp"
#include "guard/protocol.hpp"
#include "guard/unique_fd.hpp"
#include "model/result.hpp"

namespace mainstay::guard {

// A process of a detached package, as far as another guard has to know it.
struct kept_process {
    request_id request;
    std::string label;
    std::string package;
    std::string command;  // its first word
    std::string log_path;
    bool ends_whole = false;
    std::int32_t pid = 0;
    std::uint64_t start = 0;  // clock ticks since boot; with pid it names the process for good
    std::string mark;
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("label", self.label);
        visit("package", self.package);
        visit("command", self.command);
        visit("log_path", self.log_path);
        visit("ends_whole", self.ends_whole);
        visit("pid", self.pid);
        visit("start", self.start);
        visit("mark", self.mark);
    }
};

// What somebody writes to, and where that goes.
struct kept_output {
    unique_fd pipe;
    std::shared_ptr<log_file> log;
};

struct kept {
    std::string identity;  // of the guard that started them: first part of all their marks
    std::vector<kept_process> processes;
    std::vector<kept_output> outputs;  // as many as processes, then those that processes long gone left behind
};

// The door at which the next guard asks; there is one per RUN_DIR.
class keeper {
public:
    // Opens it, or says why not. The next guard may come from then on, and is answered by run().
    [[nodiscard]] static result<keeper> open(const std::string& run_dir);
    // In a process of its own, which has nothing else open. Returns when somebody has taken everything over.
    void run(kept& what);
    [[nodiscard]] int fd() const { return door_.get(); }

private:
    keeper(unique_fd door, std::string path) : door_(std::move(door)), path_(std::move(path)) {}

    unique_fd door_;
    std::string path_;
};

// One for each path, however many write to it.
using open_log = std::function<std::shared_ptr<log_file>(const std::string& path)>;

// What a keeper holds; nothing when there is none. An error: there is one, and it can't be understood or does not
// answer, so what it holds must not be started again.
[[nodiscard]] result<std::optional<kept>> take_over(const std::string& run_dir, const open_log& log_of);

}  // namespace mainstay::guard
