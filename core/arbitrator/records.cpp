#include "arbitrator/records.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace mainstay::arbitrator {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t check_bytes = 16;

bytes check_of(std::string_view data) {
    bytes out(check_bytes, '\0');
    crypto_generichash(reinterpret_cast<unsigned char*>(out.data()), out.size(),
                       reinterpret_cast<const unsigned char*>(data.data()), data.size(), nullptr, 0);
    return out;
}

std::string file_of(const std::string& directory, cluster_id cluster) {
    char name[40];
    std::snprintf(name, sizeof name, "/%016llx.record", static_cast<unsigned long long>(cluster.value));
    return directory + name;
}

result<kept_record> read_record(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(path + ": " + std::strerror(errno));
    bytes data(std::istreambuf_iterator<char>(in), {});
    auto size = data.size() < check_bytes ? 0 : data.size() - check_bytes;
    auto body = std::string_view(data).substr(0, size);
    auto read = check_of(body) == std::string_view(data).substr(size) ? decode<kept_record>(body) : std::nullopt;
    if (!read || !is_sound(read->record))
        return fail(path +
                    ": damaged. Remove it: the cluster then takes this arbitrator for a new one, and up again with "
                    "its next change of voters");
    return std::move(*read);
}

}  // namespace

result<records> records::open(const std::string& directory) {
    records out;
    out.directory_ = directory;
    std::error_code code;
    fs::create_directories(directory, code);
    for (fs::directory_iterator entry(directory, code), end; !code && entry != end; entry.increment(code)) {
        if (entry->path().extension() != ".record") continue;
        auto read = read_record(entry->path().string());
        if (!read) return tl::make_unexpected(read.error());
        out.all_.insert_or_assign(read->record.cluster, std::move(*read));
    }
    if (code) return fail(directory + ": " + code.message());
    return out;
}

result<void> records::save(const kept_record& item) {
    auto path = file_of(directory_, item.record.cluster);
    auto fresh = path + ".new";
    auto problem = [](const std::string& where) { return fail(where + ": " + std::strerror(errno)); };
    auto data = encode(item);
    data += check_of(data);
    int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return problem(fresh);
    bool written = ::write(fd, data.data(), data.size()) == static_cast<ssize_t>(data.size()) && ::fsync(fd) == 0;
    ::close(fd);
    if (!written || ::rename(fresh.c_str(), path.c_str()) != 0) return problem(fresh);
    int folder = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = folder >= 0 && ::fsync(folder) == 0;
    if (folder >= 0) ::close(folder);
    if (!synced) return problem(directory_);
    all_.insert_or_assign(item.record.cluster, item);
    return {};
}

}  // namespace mainstay::arbitrator
