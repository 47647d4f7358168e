#include "guard/process_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <set>

#include "guard/unique_fd.hpp"

namespace mainstay::guard {

namespace {

constexpr std::string_view mark_variable = "MAINSTAY_PROCESS=";
constexpr std::string_view call_variable = "MAINSTAY_CALL=";
constexpr int looks_max = 2;
constexpr std::size_t environment_bytes_max = 256U << 10U;

std::string read_whole(const std::string& path, std::size_t bytes_max) {
    unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string out;
    char buffer[8192];
    while (file && out.size() < bytes_max) {
        auto got = ::read(file.get(), buffer, sizeof buffer);
        if (got <= 0) break;
        out.append(buffer, static_cast<std::size_t>(got));
    }
    return out;
}

void read_marks(std::string_view environment, process_info& out) {
    std::string_view call;
    while (!environment.empty()) {
        auto entry = environment.substr(0, environment.find('\0'));
        if (entry.substr(0, mark_variable.size()) == mark_variable) out.mark = entry.substr(mark_variable.size());
        if (entry.substr(0, call_variable.size()) == call_variable) call = entry.substr(call_variable.size());
        environment.remove_prefix(std::min(entry.size() + 1, environment.size()));
    }
    if (!call.empty()) out.call = call_mark(out.mark.substr(0, out.mark.find('/')), call);
}

bool read_process(pid_t pid, process_info& out) {
    auto directory = "/proc/" + std::to_string(pid);
    return parse_stat(read_whole(directory + "/stat", 4096), out);
}

}  // namespace

bool parse_stat(std::string_view line, process_info& out) {
    // The command in parentheses may hold anything, parentheses and blanks included.
    auto open = line.find('(');
    auto close = line.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close + 2 >= line.size()) return false;
    auto pid = line.substr(0, open);
    if (std::from_chars(pid.data(), pid.data() + pid.size(), out.pid).ec != std::errc{}) return false;
    out.name = line.substr(open + 1, close - open - 1);
    auto rest = line.substr(close + 2);
    // Fields from 3 on: state ppid pgrp session ... starttime is field 22.
    constexpr int start_field = 22;
    int number = 3;
    std::uint64_t values[start_field + 1] = {};
    while (!rest.empty() && number <= start_field) {
        auto field = rest.substr(0, rest.find(' '));
        if (number == 3) out.zombie = field == "Z" || field == "X";
        // tpgid and others may be -1: they stay 0, nobody asks for them.
        if (number > 3) std::from_chars(field.data(), field.data() + field.size(), values[number]);
        rest.remove_prefix(std::min(field.size() + 1, rest.size()));
        ++number;
    }
    if (number <= start_field) return false;
    out.parent = static_cast<pid_t>(values[4]);
    out.group = static_cast<pid_t>(values[5]);
    out.session = static_cast<pid_t>(values[6]);
    out.start = values[start_field];
    return true;
}

std::uint64_t start_of(pid_t pid) {
    process_info now;
    return read_process(pid, now) ? now.start : 0;
}

std::vector<process_info> snapshot_processes(bool with_marks) {
    std::vector<process_info> out;
    std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
    if (!proc) return out;
    while (const auto* entry = ::readdir(proc.get())) {
        std::string_view name = entry->d_name;
        pid_t pid = 0;
        auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (code != std::errc{} || end != name.data() + name.size()) continue;
        process_info info;
        if (!read_process(pid, info)) continue;
        if (with_marks) read_marks(read_whole("/proc/" + std::string(name) + "/environ", environment_bytes_max), info);
        out.push_back(std::move(info));
    }
    return out;
}

std::string package_mark(std::string_view guard, std::string_view package) {
    return std::string(guard) + '/' + std::string(package) + '/';
}

std::string process_mark(std::string_view guard, std::string_view package, std::uint64_t request) {
    return package_mark(guard, package) + std::to_string(request);
}

std::string call_mark(std::string_view guard, std::string_view call) {
    return std::string(guard) + "/call/" + std::string(call);
}

bool is_package_mark(std::string_view guard, std::string_view mark) {
    auto head = std::string(guard) + '/';
    return mark.substr(0, head.size()) == head && mark.size() > head.size() && mark[head.size()] != '/';
}

std::vector<process_info> members_of(const std::vector<process_info>& all, pid_t root, std::string_view mark) {
    std::set<pid_t> members;
    for (bool grew = true; grew;) {
        grew = false;
        for (const auto& process : all) {
            bool led = root != 0 && (process.pid == root || process.group == root || process.session == root);
            bool own = led || (!mark.empty() && process.mark == mark) || members.count(process.parent) != 0;
            if (own && members.insert(process.pid).second) grew = true;
        }
    }
    std::vector<process_info> out;
    for (const auto& process : all) {
        if (members.count(process.pid) != 0 && !process.zombie) out.push_back(process);
    }
    return out;
}

std::vector<process_info> marked_members_of(const std::vector<process_info>& all, std::string_view mark_begin,
                                            const std::set<pid_t>& group) {
    std::set<pid_t> members;
    for (bool grew = true; grew;) {
        grew = false;
        for (const auto& process : all) {
            bool marked = process.mark.substr(0, mark_begin.size()) == mark_begin || group.count(process.pid) != 0;
            // Another mark is another one's, whoever started it.
            bool inherits = process.mark.empty() && members.count(process.parent) != 0;
            if (!process.zombie && (marked || inherits) && members.insert(process.pid).second) grew = true;
        }
    }
    std::vector<process_info> out;
    for (const auto& process : all)
        if (members.count(process.pid) != 0) out.push_back(process);
    return out;
}

std::vector<process_info> call_members_of(const std::vector<process_info>& all, pid_t root,
                                          const std::set<std::string>& calls) {
    std::set<pid_t> members;
    for (bool grew = true; grew;) {
        grew = false;
        for (const auto& process : all) {
            bool own = (root != 0 && process.parent == root) || calls.count(process.call) != 0 ||
                       members.count(process.parent) != 0 || members.count(process.group) != 0;
            if (own && process.pid != root && members.insert(process.pid).second) grew = true;
        }
    }
    std::vector<process_info> out;
    for (const auto& process : all) {
        if (members.count(process.pid) != 0 && !process.zombie) out.push_back(process);
    }
    return out;
}

bool ending_tree::is_gone(const std::vector<process_info>& all, std::vector<process_info> now, int signal) {
    // A dying process loses its environment and its parent before its files: who was a member stays
    // one until it is a zombie or gone.
    for (const auto& other : all) {
        auto same = [&other](const process_info& member) {
            return member.pid == other.pid && member.start == other.start;
        };
        bool known = std::any_of(members_.begin(), members_.end(), same);
        bool listed = std::any_of(now.begin(), now.end(), same);
        if (known && !listed && !other.zombie) now.push_back(other);
    }
    members_ = std::move(now);
    for (const auto& member : members_) {
        if (signal != 0) signal_process(member, signal);
    }
    if (!members_.empty()) return false;
    // In the middle of an exec a process shows no environment: an orphan without any mark gets a
    // second and third look before it counts as somebody else's.
    bool nameless = std::any_of(all.begin(), all.end(), [](const process_info& other) {
        return other.parent == ::getpid() && other.mark.empty() && !other.zombie;
    });
    return !nameless || ++looks_ > looks_max;
}

bool signal_process(const process_info& process, int signal) {
    unique_fd handle(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
    if (!handle) return false;
    process_info now;
    if (!read_process(process.pid, now) || now.start != process.start) return false;
    return ::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0) == 0;
}

}  // namespace mainstay::guard
