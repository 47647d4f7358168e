#include "node/local_record.hpp"

namespace mainstay::node {

namespace {

struct first_active {
    mainstay::generation generation;
    std::uint32_t machine = 0;
    runner_phase phase = runner_phase::starting;
    static void fields(auto& self, auto&& visit) {
        visit("generation", self.generation);
        visit("machine", self.machine);
        visit("phase", self.phase);
    }
};

using first_packages = std::map<std::string, first_active>;
using parts_of_packages = std::map<std::string, script_parts>;

}  // namespace

bytes stored_form(const local_record& record) {
    first_packages packages;
    parts_of_packages parts;
    for (const auto& [name, item] : record.packages) {
        packages[name] = {item.generation, item.machine, item.phase};
        if (!item.parts.empty()) parts[name] = item.parts;
    }
    bytes out;
    codec::writer writer(out);
    writer.put(packages);
    writer.put(record.joined);
    if (!parts.empty()) writer.put(parts);
    return out;
}

std::optional<local_record> read_stored_form(std::string_view stored) {
    auto out = std::make_optional<local_record>();
    first_packages packages;
    parts_of_packages parts;
    codec::reader reader(stored);
    reader.get(packages);
    reader.get(out->joined);
    if (reader.ok() && !reader.at_end()) reader.get(parts);
    if (!reader.ok() || !reader.at_end()) {
        out.reset();
        return out;
    }
    for (const auto& [name, item] : packages)
        out->packages[name] = {item.generation, item.machine, item.phase, std::move(parts[name])};
    return out;
}

}  // namespace mainstay::node
