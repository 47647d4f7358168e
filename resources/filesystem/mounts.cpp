#include "mounts.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace mainstay::filesystem {

namespace {

// The kernel writes blanks and the like as \040.
std::string plain(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        bool escape = text[i] == '\\' && i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '3';
        if (!escape) {
            out += text[i];
            continue;
        }
        out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
        i += 3;
    }
    return out;
}

}  // namespace

// 36 35 98:0 /root /mount/point rw,noatime master:1 - ext3 /dev/root rw
std::optional<mount_entry> mounted_at(const std::string& directory) {
    std::optional<mount_entry> found;
    std::ifstream in("/proc/self/mountinfo");
    // Not having looked is not "nothing is mounted": an exception is answered as unknown.
    if (!in) throw std::runtime_error(std::string("/proc/self/mountinfo can't be read: ") + std::strerror(errno));
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::vector<std::string> list;
        for (std::string word; words >> word;) list.push_back(word);
        std::size_t dash = 6;
        while (dash < list.size() && list[dash] != "-") ++dash;
        if (dash + 2 >= list.size() || plain(list[4]) != directory) continue;
        found = mount_entry{plain(list[dash + 2]), list[dash + 1]};
    }
    return found;
}

}  // namespace mainstay::filesystem
