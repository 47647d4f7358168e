// Entries of any content are applied or refused: the state stays one that can be written, read and decided about.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cluster/apply.hpp"
#include "policy/decide.hpp"
#include "policy/explain.hpp"

namespace {

using namespace mainstay;

constexpr const char* configuration_text = R"(cluster_name fuzz
tie_break proof
node_name n1
 network_interface eth0
 heartbeat_ip 10.0.0.1/24
 capacity_name cpu
 capacity_value 3
node_name n2
 network_interface eth0
 heartbeat_ip 10.0.0.2/24
node_name n3
 network_interface eth0
 heartbeat_ip 10.0.0.3/24
stonith_name power
 stonith_plugin stonith-exec
package_name p1
 node_name n1
 node_name n2
 service_name s1
 service_cmd /p/serve
package_name p2
 package_type multi_node
 node_name *
 service_name s2
 service_cmd /p/serve
package_name p3
 priority 5
 dependency_name need
 dependency_condition p1 = UP
 dependency_location same_node
 weight_name cpu
 weight_value 2
 node_name n2
 node_name n1
 service_name s3
 service_cmd /p/serve
)";

const cluster::state& formed() {
    static const auto made = [] {
        cluster::state fresh;
        cluster::found_cluster founding;
        founding.cluster = cluster_id{77};
        founding.first.text = configuration_text;
        std::uint32_t id = 1;
        for (const char* name : {"n1", "n2", "n3"}) founding.first.ids.emplace_back(name, node_id{id++});
        cluster::command item;
        item.body = founding;
        auto done = cluster::apply(fresh, log_index{1}, {{1, node_id{1}}, consensus::payload{encode(item)}});
        if (!done.accepted) std::abort();
        for (std::uint64_t i = 1; i <= 3; ++i) {
            consensus::boot_entry boot;
            boot.node = node_id{static_cast<std::uint32_t>(i)};
            boot.boot = {1, 1};
            boot.store = store_id{i};
            boot.feature_level = 1;
            cluster::apply(fresh, log_index{1 + i}, {{1, node_id{1}}, boot});
        }
        return fresh;
    }();
    return made;
}

void must_be_whole(const cluster::state& state) {
    auto bytes_of = encode(state);
    auto again = cluster::decode_state(bytes_of);
    if (!again || encode(*again) != bytes_of) std::abort();
    policy::view seen;
    seen.self = node_id{1};
    for (const auto& [id, item] : state.nodes) seen.silent[id] = id.value == 3;
    static_cast<void>(policy::decide(state, seen));
    for (const auto& [name, item] : state.packages) static_cast<void>(policy::explain(state, name));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto state = formed();
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    for (int applied = 0; !rest.empty() && applied < 16; ++applied) {
        // A byte that says how long the entry is, or the whole rest.
        auto length = std::min<std::size_t>(static_cast<unsigned char>(rest.front()), rest.size() - 1);
        auto piece = rest.substr(1, length);
        rest.remove_prefix(1 + length);
        consensus::entry item;
        item.term = {1, node_id{1}};
        if (auto whole = decode<consensus::entry>(piece)) {
            item = *whole;
        } else {
            item.body = consensus::payload{bytes(piece)};
        }
        auto before = encode(state);
        auto outcome = cluster::apply(state, log_index{state.applied.value + 1}, item);
        if (outcome.unknown) {
            if (encode(state) != before) std::abort();
            break;
        }
        static_cast<void>(cluster::describe(state, item, outcome));
        must_be_whole(state);
    }
    return 0;
}
