// What of a package may change while it runs (SG 3.11).
#pragma once

#include <string>
#include <vector>

#include "model/config.hpp"

namespace mainstay {

// Keywords that differ between the two and may change only while the package is down, each once, the first
// difference first: what was started has to be halted by the same steps. Empty: everything that differs may change at
// once. With `parts_change` services with a service_cmd and addresses may come and go: the old ones are halted where
// the package runs, and the new ones started; with `scripts_change` external scripts.
[[nodiscard]] std::vector<std::string> needs_down(const package_config& from, const package_config& to,
                                                  bool parts_change, bool scripts_change = false);

// The same service as far as its process goes. Another command is another service.
[[nodiscard]] bool same_process(const service_config& one, const service_config& other);

// What the change from one to the other does to the parts of a running package, by name, address or path.
struct part_changes {
    std::vector<std::string> services_halted;
    std::vector<std::string> scripts_stopped;  // "external_script /p/x", in the order in which they are
    std::vector<std::string> addresses_removed;
    std::vector<std::string> scripts_started;  // as scripts_stopped
    std::vector<std::string> addresses_added;
    std::vector<std::string> services_started;
    [[nodiscard]] bool empty() const {
        return services_halted.empty() && scripts_stopped.empty() && addresses_removed.empty() &&
               scripts_started.empty() && addresses_added.empty() && services_started.empty();
    }
};
[[nodiscard]] part_changes changes_of_parts(const package_config& from, const package_config& to);

// Keywords that differ, each once, the first difference first.
[[nodiscard]] std::vector<std::string> differing(const package_config& from, const package_config& to);

}  // namespace mainstay
