#include "guard/directories.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace mainstay::guard {

bool make_directories(const std::string& path) {
    for (std::size_t end = 0; end != std::string::npos;) {
        end = path.find('/', end + 1);
        if (::mkdir(path.substr(0, end).c_str(), 0755) != 0 && errno != EEXIST) return false;
    }
    return true;
}

}  // namespace mainstay::guard
