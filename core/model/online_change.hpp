// What of a package may change while it runs (SG 3.11).
#pragma once

#include <string>
#include <vector>

#include "model/config.hpp"

namespace mainstay {

// What may come and go where a package runs, beside what never touches its steps.
struct changeable {
    bool parts = false;    // services with a service_cmd and addresses: the old ones are halted, the new ones started
    bool scripts = false;  // ... external scripts
    bool storage = false;  // volume groups and file systems come; they go with the package down
};

// Keywords that differ between the two and may change only while the package is down, each once, the first
// difference first: what was started has to be halted by the same steps. Empty: everything that differs may change at
// once.
[[nodiscard]] std::vector<std::string> needs_down(const package_config& from, const package_config& to, changeable may);

// The same service as far as its process goes. Another command is another service.
[[nodiscard]] bool same_process(const service_config& one, const service_config& other);

// `to` without the volume groups and file systems that it has more than `from`; as it is when it lacks some of those.
[[nodiscard]] package_config without_added_storage(package_config to, const package_config& from);

// An added file system whose directory would hide the one of another that is mounted already; nulls = there is none.
struct hiding_mount {
    const filesystem_config* added = nullptr;
    const filesystem_config* mounted = nullptr;
};
[[nodiscard]] hiding_mount hides_mounted(const package_config& from, const package_config& to);

// What the change from one to the other does to the parts of a running package, by name, address or path.
struct part_changes {
    std::vector<std::string> groups_added;
    std::vector<std::string> mounts_added;  // by directory
    std::vector<std::string> services_halted;
    std::vector<std::string> scripts_stopped;  // "external_script /p/x", in the order in which they are
    std::vector<std::string> addresses_removed;
    std::vector<std::string> scripts_started;  // as scripts_stopped
    std::vector<std::string> addresses_added;
    std::vector<std::string> services_started;
    [[nodiscard]] bool empty() const {
        return groups_added.empty() && mounts_added.empty() && services_halted.empty() && scripts_stopped.empty() &&
               addresses_removed.empty() && scripts_started.empty() && addresses_added.empty() &&
               services_started.empty();
    }
};
[[nodiscard]] part_changes changes_of_parts(const package_config& from, const package_config& to);

// Keywords that differ, each once, the first difference first.
[[nodiscard]] std::vector<std::string> differing(const package_config& from, const package_config& to);

}  // namespace mainstay
