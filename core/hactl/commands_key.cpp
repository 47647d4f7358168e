// key new: the secret that seals everything between the nodes.
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "hactl/command.hpp"
#include "hactl/fields.hpp"
#include "secret/key.hpp"

namespace mainstay::hactl {

namespace {

bool write_whole(int fd, const std::string& text) {
    return ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
}

}  // namespace

exit_code key_new(context& c) {
    auto path = c.given.words.empty() ? c.given.file : c.given.words.front();
    auto refuse = [&](const std::string& why) { return report(c, {exit_code::refused, path + ": " + why, {}}); };
    if (sodium_init() < 0) return refuse("libsodium does not start");
    int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EEXIST) {
        return refuse(
            "there is a key already; a new one would cut this node off from the others. Remove it first if "
            "you mean it");
    }
    if (fd < 0) return refuse(std::strerror(errno));
    bool written = ::fchmod(fd, 0600) == 0 && write_whole(fd, secret::new_key_text());
    int code = errno;
    ::close(fd);
    if (!written) {
        ::unlink(path.c_str());
        return refuse(std::strerror(code));
    }
    if (c.to.json) {
        c.to.line(nlohmann::json{{"file", path}}.dump());
    } else {
        c.to.line(path + " written. Copy it to the same place on every node; only root may read it.");
    }
    return exit_code::done;
}

}  // namespace mainstay::hactl
