#include "net_namespace.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <exception>
#include <thread>

#include "child.hpp"

namespace mainstay::test {

net_namespace::net_namespace() {
    std::thread([this] {
        if (::unshare(CLONE_NEWNET) == 0) fd_.reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    }).join();
    INFO("network namespaces need root");
    REQUIRE(fd_);
    shell("ip link set lo up");
}

void net_namespace::run(const std::function<void()>& work) const {
    std::exception_ptr thrown;
    std::thread([&] {
        enter();
        try {
            work();
        } catch (...) {
            thrown = std::current_exception();
        }
    }).join();
    if (thrown) std::rethrow_exception(thrown);
}

std::string net_namespace::shell(const std::string& line) const {
    std::string output;
    run([&] { output = test::shell(line); });
    return output;
}

void net_namespace::enter() const {
    if (::setns(fd_.get(), CLONE_NEWNET) != 0) ::_exit(125);
}

std::string net_namespace::path() const {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_.get());
}

void join(const net_namespace& a, const net_namespace& b, const std::string& name) {
    a.shell("ip link add " + name + " type veth peer name " + name + " netns " + b.path());
    a.shell("ip link set " + name + " up");
    b.shell("ip link set " + name + " up");
    // Addresses given right after this must not be tentative.
    for (const auto* side : {&a, &b}) side->shell("sysctl -qw net.ipv6.conf." + name + ".accept_dad=0");
}

}  // namespace mainstay::test
