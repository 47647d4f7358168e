// What is read and understood but nothing acts on yet. Refused by name: a cluster that silently
// passes over a dependency is worse than one that does not start.
#include "model/check.hpp"

namespace mainstay::checking {

namespace {

class refusals {
public:
    refusals(const package_config& package, problems& found) : package_(package), found_(found) {}
    void when(bool used, const char* keyword, const source_position& where, const char* instead) {
        if (used)
            add_error(found_, position(package_.lines, keyword, where), keyword, "not supported by this version yet",
                      instead);
    }

private:
    const package_config& package_;
    problems& found_;
};

template <class Items>
source_position first_of(const Items& items, const source_position& otherwise) {
    return items.empty() ? otherwise : items.front().where;
}

}  // namespace

void check_not_yet(const configuration& config, problems& found) {
    for (const auto& package : config.packages) {
        refusals refuse(package, found);
        const auto& here = package.where;
        refuse.when(!package.monitored_subnets.empty(), "monitored_subnet", here, "the line taken out");
        refuse.when(!package.generic_resources.empty(), "generic_resource_name",
                    first_of(package.generic_resources, here), "a service that ends when the resource is down");
    }
}

}  // namespace mainstay::checking
