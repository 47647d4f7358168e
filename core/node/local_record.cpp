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
using own_of_packages = std::map<std::string, own_parts>;

}  // namespace

bytes stored_form(const local_record& record) {
    first_packages packages;
    parts_of_packages parts;
    own_of_packages own;
    for (const auto& [name, item] : record.packages) {
        packages[name] = {item.generation, item.machine, item.phase};
        if (!item.parts.empty()) parts[name] = item.parts;
        if (item.own) own[name] = *item.own;
    }
    bytes out;
    codec::writer writer(out);
    writer.put(packages);
    writer.put(record.joined);
    if (!parts.empty() || !own.empty()) writer.put(parts);
    if (!own.empty()) writer.put(own);
    return out;
}

std::optional<local_record> read_stored_form(std::string_view stored) {
    auto out = std::make_optional<local_record>();
    first_packages packages;
    parts_of_packages parts;
    own_of_packages own;
    codec::reader reader(stored);
    reader.get(packages);
    reader.get(out->joined);
    if (reader.ok() && !reader.at_end()) reader.get(parts);
    if (reader.ok() && !reader.at_end()) reader.get(own);
    if (!reader.ok() || !reader.at_end()) {
        out.reset();
        return out;
    }
    for (const auto& [name, item] : packages) {
        auto& made = out->packages[name];
        made = {item.generation, item.machine, item.phase, std::move(parts[name]), {}};
        if (auto found = own.find(name); found != own.end()) made.own = std::move(found->second);
    }
    return out;
}

}  // namespace mainstay::node
