// mainstayd: options; everything else is in runtime/. Started by mainstay-guard.
#include <unistd.h>

#include <boost/program_options.hpp>

#include <array>
#include <climits>
#include <cstdio>
#include <iostream>
#include <string>

#include "runtime/daemon.hpp"
#include "runtime/plugin_catalog.hpp"

namespace {

namespace po = boost::program_options;

std::string host_name() {
    std::array<char, HOST_NAME_MAX + 1> name{};
    (void)::gethostname(name.data(), HOST_NAME_MAX);
    std::string text(name.data());
    return text.substr(0, text.find('.'));
}

int run(int argc, char** argv) {
    mainstay::runtime::options chosen;
    po::options_description all("mainstayd, the cluster daemon; mainstay-guard starts it");
    all.add_options()("help", "this text");
    auto add = [&](const char* name, std::string& value, const char* help) {
        all.add_options()(name, po::value(&value)->default_value(value), help);
    };
    chosen.node = host_name();
    chosen.plugin_dir = MAINSTAY_PLUGIN_DIR;
    chosen.plugin_host = mainstay::runtime::usual_plugin_host();
    add("config-dir", chosen.config_dir, "key, cluster.conf");
    add("state-dir", chosen.state_dir, "log and identity");
    add("run-dir", chosen.run_dir, "admin.sock");
    add("log-dir", chosen.log_dir, "output of packages and plugins");
    add("plugin-dir", chosen.plugin_dir, "shared libraries");
    add("plugin-host", chosen.plugin_host, "program that plugins run in");
    add("node", chosen.node, "name of this node");
    add("reset-command", chosen.reset_command, "how this node is reset when the guard is gone");
    all.add_options()("allow-reboot", po::bool_switch(&chosen.allow_reboot), "reboot(2) may do it");
    all.add_options()("guard-fd", po::value(&chosen.guard_fd), "socket to mainstay-guard");
    po::variables_map given;
    po::store(po::parse_command_line(argc, argv, all), given);
    po::notify(given);
    if (given.count("help") > 0) {
        std::cout << all;
        return 0;
    }
    return mainstay::runtime::run_daemon(chosen);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "mainstayd: %s\n", error.what());
        return 2;
    }
}
