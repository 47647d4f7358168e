#include "model/mount_path.hpp"

#include <algorithm>

namespace mainstay {

std::string plain_path(std::string_view path) {
    std::string out;
    for (std::size_t at = 0; at < path.size();) {
        auto end = std::min(path.find('/', at), path.size());
        auto part = path.substr(at, end - at);
        if (!part.empty() && part != ".") out.append("/").append(part);
        at = end + 1;
    }
    return out.empty() ? "/" : out;
}

bool lies_in(const std::string& inner, const std::string& outer) { return inner.starts_with(outer + '/'); }

}  // namespace mainstay
