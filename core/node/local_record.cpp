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

struct first_own {
    std::vector<own_parts::service> services;
    std::vector<own_parts::ip_address> addresses;
    static void fields(auto& self, auto&& visit) {
        visit("services", self.services);
        visit("addresses", self.addresses);
    }
};

struct later_parts {
    std::optional<std::vector<own_parts::script>> scripts;
    std::vector<package_step> only;
    static void fields(auto& self, auto&& visit) {
        visit("scripts", self.scripts);
        visit("only", self.only);
    }
};

using first_packages = std::map<std::string, first_active>;
using parts_of_packages = std::map<std::string, script_parts>;
using own_of_packages = std::map<std::string, first_own>;
using later_of_packages = std::map<std::string, later_parts>;
using storage_of_packages = std::map<std::string, std::vector<own_parts::storage>>;

}  // namespace

bytes stored_form(const local_record& record) {
    first_packages packages;
    parts_of_packages parts;
    own_of_packages own;
    later_of_packages later;
    storage_of_packages storage;
    for (const auto& [name, item] : record.packages) {
        packages[name] = {item.generation, item.machine, item.phase};
        if (!item.parts.empty()) parts[name] = item.parts;
        if (item.own) own[name] = {item.own->services, item.own->addresses};
        bool scripts = item.own && item.own->scripts;
        if (scripts) later[name].scripts = item.own->scripts;
        if (!item.only.empty()) later[name].only = item.only;
        if (item.own && item.own->stored) storage[name] = *item.own->stored;
    }
    bytes out;
    codec::writer writer(out);
    writer.put(packages);
    writer.put(record.joined);
    bool third = !storage.empty();
    bool second = third || !later.empty();
    bool first = second || !own.empty();
    if (first || !parts.empty()) writer.put(parts);
    if (first) writer.put(own);
    if (second) writer.put(later);
    if (third) writer.put(storage);
    return out;
}

std::optional<local_record> read_stored_form(std::string_view stored) {
    auto out = std::make_optional<local_record>();
    first_packages packages;
    parts_of_packages parts;
    own_of_packages own;
    later_of_packages later;
    storage_of_packages storage;
    codec::reader reader(stored);
    reader.get(packages);
    reader.get(out->joined);
    if (reader.ok() && !reader.at_end()) reader.get(parts);
    if (reader.ok() && !reader.at_end()) reader.get(own);
    if (reader.ok() && !reader.at_end()) reader.get(later);
    if (reader.ok() && !reader.at_end()) reader.get(storage);
    if (!reader.ok() || !reader.at_end()) {
        out.reset();
        return out;
    }
    for (const auto& [name, item] : packages) {
        auto& made = out->packages[name];
        made = {item.generation, item.machine, item.phase, std::move(parts[name]), {}, std::move(later[name].only)};
        if (auto found = own.find(name); found != own.end())
            made.own = own_parts{std::move(found->second.services),
                                 std::move(found->second.addresses),
                                 std::move(later[name].scripts),
                                 {}};
        if (auto found = storage.find(name); found != storage.end() && made.own)
            made.own->stored = std::move(found->second);
    }
    return out;
}

}  // namespace mainstay::node
