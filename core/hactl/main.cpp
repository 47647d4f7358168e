// hactl: what an administrator types. cli.cpp does the work.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "hactl/cli.hpp"
#include "hactl/script_commands.hpp"
#include "runtime/plugin_catalog.hpp"

namespace {

void write_to(std::FILE* stream, std::string_view text) {
    // Shown as it happens, also through a pipe.
    std::fwrite(text.data(), 1, text.size(), stream);
    std::fflush(stream);
}

std::string from_environment(const char* name, const char* otherwise) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : otherwise;
}

// As mainstayd calls itself when nobody tells it otherwise.
std::string host_name() {
    std::array<char, HOST_NAME_MAX + 1> name{};
    (void)::gethostname(name.data(), HOST_NAME_MAX);
    std::string text(name.data());
    return text.substr(0, text.find('.'));
}

}  // namespace

int main(int argc, char** argv) {
    // `hactl history | head` ends quietly.
    ::signal(SIGPIPE, SIG_DFL);
    mainstay::hactl::surroundings around;
    around.to.out = [](std::string_view text) { write_to(stdout, text); };
    around.to.err = [](std::string_view text) { write_to(stderr, text); };
    around.to.color = ::isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
    around.connect = mainstay::hactl::connection::open;
    around.default_socket = from_environment("MAINSTAY_SOCKET", "/run/mainstay/admin.sock");
    around.node = host_name();
    around.plugin_dir = MAINSTAY_PLUGIN_DIR;
    around.plugin_host = mainstay::runtime::usual_plugin_host();
    around.version = MAINSTAY_VERSION;
    around.process = from_environment("MAINSTAY_PROCESS", "");
    for (char** item = environ; *item != nullptr; ++item) around.environment.emplace_back(*item);
    std::string name = argc > 0 ? argv[0] : "hactl";
    name = name.substr(name.rfind('/') + 1);
    if (mainstay::hactl::is_script_command(name))
        return mainstay::hactl::run_script_command(name, {argv + 1, argv + argc}, around);
    return static_cast<int>(mainstay::hactl::run({argv + 1, argv + argc}, around));
}
