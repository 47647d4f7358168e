#include "secret/key.hpp"

#include <sodium.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace mainstay::secret {

result<key> parse_key(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
    key out{};
    std::size_t size = 0;
    if (text.size() == 2 * out.size() &&
        sodium_hex2bin(out.data(), out.size(), text.data(), text.size(), nullptr, &size, nullptr) == 0 &&
        size == out.size())
        return out;
    if (sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr, &size, nullptr,
                          sodium_base64_VARIANT_ORIGINAL) == 0 &&
        size == out.size())
        return out;
    return fail("is no key: 64 hexadecimal digits were expected; hactl key new makes one");
}

result<key> read_key_file(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0)
        return fail(path + ": " + std::strerror(errno) + "; hactl key new " + path +
                    " makes one, the same on all machines that have to understand each other");
    if ((info.st_mode & 077) != 0) return fail(path + ": readable by others; chmod 600 " + path);
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(path + ": " + std::strerror(errno));
    auto read = parse_key(std::string(std::istreambuf_iterator<char>(in), {}));
    if (!read) return fail(path + ": " + read.error().message);
    return read;
}

std::string new_key_text() {
    key fresh{};
    randombytes_buf(fresh.data(), fresh.size());
    std::string text(2 * fresh.size() + 1, '\0');
    sodium_bin2hex(text.data(), text.size(), fresh.data(), fresh.size());
    sodium_memzero(fresh.data(), fresh.size());
    text.back() = '\n';
    return text;
}

}  // namespace mainstay::secret
