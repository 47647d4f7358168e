// Network namespaces without names: they end with the test, whatever happens to it.
#pragma once

#include <functional>
#include <string>

#include "common/unique_fd.hpp"

namespace mainstay::test {

class net_namespace {
public:
    net_namespace();  // a new one, loopback up

    // Runs it on a thread inside the namespace and waits.
    void run(const std::function<void()>& work) const;
    std::string shell(const std::string& line) const;
    void enter() const;                      // for a child process before exec
    [[nodiscard]] std::string path() const;  // for `ip link set ... netns PATH`

private:
    kit::unique_fd fd_;
};

// Joins two namespaces by a veth pair called `name` in both, up on both sides.
void join(const net_namespace& a, const net_namespace& b, const std::string& name);

}  // namespace mainstay::test
