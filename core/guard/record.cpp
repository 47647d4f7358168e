#include "guard/record.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "guard/process_tree.hpp"
#include "model/codec.hpp"

namespace mainstay::guard {

namespace {

std::string path_in(const std::string& run_dir) { return run_dir + "/guard.record"; }

}  // namespace

result<void> write_record(const std::string& run_dir, const guard_record& record) {
    auto path = path_in(run_dir);
    auto fresh = path + ".new";
    std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
    auto text = encode(record);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    file.close();
    if (!file || std::rename(fresh.c_str(), path.c_str()) != 0) return fail(path + ": " + std::strerror(errno));
    return {};
}

std::optional<guard_record> read_record(const std::string& run_dir) {
    std::ifstream file(path_in(run_dir), std::ios::binary);
    if (!file) return std::nullopt;
    std::string text{std::istreambuf_iterator<char>(file), {}};
    return decode<guard_record>(text);
}

void forget_record(const std::string& run_dir) { (void)std::remove(path_in(run_dir).c_str()); }

bool end_leftovers(const std::string& identity) {
    constexpr int looks_max = 500;
    constexpr int pace_ms = 20;  // of looking again: who is being killed tells nobody that is not its parent
    for (int look = 0; look < looks_max; ++look) {
        bool alive = false;
        for (const auto& process : snapshot_processes()) {
            if (process.zombie || !is_package_mark(identity, process.mark)) continue;
            signal_process(process, SIGKILL);
            alive = true;
        }
        if (!alive) return true;
        (void)::poll(nullptr, 0, pace_ms);
    }
    return false;
}

}  // namespace mainstay::guard
