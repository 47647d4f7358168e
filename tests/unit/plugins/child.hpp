// A process that a test started, and that does not outlive it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "common/unique_fd.hpp"

namespace mainstay::test {

class child {
public:
    child() = default;
    // Runs `before` in the new process (namespaces, descriptors), then the program. Its
    // standard output is thrown away, its standard error is ours.
    explicit child(std::vector<std::string> argv, const std::function<void()>& before = {});
    ~child();
    child(child&& other) noexcept;
    child& operator=(child&& other) noexcept;
    child(const child&) = delete;
    child& operator=(const child&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    void kill(int signal) const;
    int wait();  // exit code, or 128 + signal

private:
    pid_t pid_ = -1;
};

// A new directory in the temporary folder that goes with the object.
class scratch {
public:
    scratch();
    ~scratch();
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

[[nodiscard]] std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text, bool executable = false);

// Output and exit code of a shell line; the test fails when the code is not 0.
std::string shell(const std::string& line);

// Asks again and again, for at most 20 s. False when it never became true.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);

}  // namespace mainstay::test
