// The power switch of the lab, as a fencing device's command; called `reset` it cuts the own node's power, which comes
// back. A program of its own, small and static: the time that an interpreter takes to start would be measured as the
// cluster's. usage: power [--lab DIRECTORY] NODE off|on|status|cycle, reset [REASON]
//
// Exit code of off, on, cycle: 0 done, 1 not done. Of status: 0 on, 2 off, 1 unknown. Works inside any node and
// outside.
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int exit_failed = 1;
constexpr int exit_off = 2;
constexpr timeval patience{60, 0};

// The supervisor's one line for one line of ours; empty when it does not answer.
std::string ask(const std::string& lab, const std::string& question) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    auto path = lab + "/control.sock";
    if (fd < 0 || path.size() >= sizeof name.sun_path) return {};
    std::memcpy(name.sun_path, path.c_str(), path.size());
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string answer;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 &&
        ::send(fd, question.data(), question.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(question.size())) {
        std::array<char, 4096> buffer{};
        for (ssize_t got = 1; got > 0 && answer.find('\n') == std::string::npos;) {
            got = ::recv(fd, buffer.data(), buffer.size(), 0);
            if (got > 0) answer.append(buffer.data(), static_cast<std::size_t>(got));
        }
    }
    ::close(fd);
    return answer;
}

int act(const std::string& lab, const std::string& node, std::string_view action) {
    auto from = action == "cycle" ? "reset" : "power";
    auto answer =
        ask(lab, R"({"op": ")" + std::string(action) + R"(", "node": ")" + node + R"(", "from": ")" + from + "\"}\n");
    auto says = [&answer](std::string_view what) { return answer.find(what) != std::string::npos; };
    if (!says("\"error\"")) {
        if (action == "status" && says(R"("power": "on")")) return std::puts("on") < 0 ? exit_failed : 0;
        if (action == "status" && says(R"("power": "off")")) return std::puts("off") < 0 ? exit_failed : exit_off;
        if (action != "status" && says("\"ok\"")) return 0;
    }
    std::fprintf(stderr, "power: %s\n", answer.empty() ? "no answer" : answer.c_str());
    return exit_failed;
}

std::string own_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

}  // namespace

int main(int argc, char** argv) {
    std::string lab = "/run/lab";
    std::vector<std::string> words(argv, argv + argc);
    auto called = words.front().substr(words.front().rfind('/') + 1);
    words.erase(words.begin());
    if (called == "reset") return act(lab, own_name(), "cycle");
    if (words.size() > 2 && words.front() == "--lab") {
        lab = words[1];
        words.erase(words.begin(), words.begin() + 2);
    }
    bool known = words.size() == 2;
    known = known && (words[1] == "off" || words[1] == "on" || words[1] == "status" || words[1] == "cycle");
    if (known) return act(lab, words[0], words[1]);
    std::fputs("usage: power [--lab DIRECTORY] NODE off|on|status|cycle\n", stderr);
    return exit_failed;
}
