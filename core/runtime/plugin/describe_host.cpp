#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "runtime/plugin/describe.hpp"

namespace mainstay::plugin {

namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;

// Everything up to the end; false when that did not come in time.
bool read_all(int fd, clock::time_point deadline, bytes& out) {
    while (true) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
        pollfd readable{fd, POLLIN, 0};
        auto ready = left <= 0 ? 0 : ::poll(&readable, 1, static_cast<int>(left));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        std::array<char, 16384> buffer{};
        auto size = ::read(fd, buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return true;
        out.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

[[noreturn]] void be_child(const fs::path& file, int out) {
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    auto loaded = load(file);
    result<plugin_info> info = loaded ? result<plugin_info>(loaded->info()) : tl::make_unexpected(loaded.error());
    auto data = encode_descriptions({{file, std::move(info)}});
    std::string_view rest = data;
    while (!rest.empty()) {
        auto sent = ::write(out, rest.data(), rest.size());
        if (sent <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    ::_exit(0);  // the library's own last wishes are none of ours
}

listed_plugin describe_file(const fs::path& file, std::chrono::milliseconds limit) {
    auto failed = [&file](const std::string& why) { return listed_plugin{file, fail(file.string() + ": " + why)}; };
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return failed(std::strerror(errno));
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close(ends[0]);
        be_child(file, ends[1]);
    }
    ::close(ends[1]);
    bytes said;
    bool in_time = pid > 0 && read_all(ends[0], clock::now() + limit, said);
    ::close(ends[0]);
    if (pid < 0) return failed("no new process");
    if (!in_time) ::kill(pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    auto list = decode_descriptions(said);
    if (list && list->size() == 1) return std::move(list->front());
    if (!in_time) return failed("hangs when it is loaded");
    if (WIFSIGNALED(status))
        return failed(std::string("crashes when it is loaded (") + ::strsignal(WTERMSIG(status)) + ")");
    return failed("ends the process that loads it");
}

}  // namespace

std::vector<listed_plugin> describe_directory(const std::string& directory, std::chrono::milliseconds limit) {
    std::vector<fs::path> files;
    std::error_code code;
    for (fs::directory_iterator entry(directory, code), end; !code && entry != end; entry.increment(code))
        if (entry->path().extension() == ".so") files.push_back(entry->path());
    std::sort(files.begin(), files.end());
    std::vector<listed_plugin> list;
    list.reserve(files.size());
    for (const auto& file : files) list.push_back(describe_file(file, limit));
    return list;
}

}  // namespace mainstay::plugin
