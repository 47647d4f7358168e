// Keywords that Serviceguard has and we do not read: never "unknown". What changes where or whether
// a package runs is refused; what only tunes a part we do differently is passed over.
#include <algorithm>
#include <array>

#include "model/builder.hpp"

namespace mainstay::parsing {

namespace {

enum class verdict {
    refused,   // leaving it out would change what the cluster does
    replaced,  // the same, and there are other words for it
    ignored,   // a warning: it has no effect here
    silent,    // every generated file has it and it says nothing
};

struct foreign {
    std::string_view name;  // a trailing * stands for any ending
    verdict what;
    std::string_view reason;
    std::string_view harmless = {};  // with this value it says nothing
};

constexpr std::string_view owned = "a tag says which node has a volume group; name it with vg in its package";
constexpr std::string_view shared_volumes = "a volume group that is active on several nodes at once is not handled";
constexpr std::string_view veritas = "HP-UX and Veritas only; activate the group in an external_pre_script";
constexpr std::string_view hpux = "HP-UX only";
constexpr std::string_view ems =
    "EMS is HP-UX only; use generic_resource_name, and a service that sets it with hactl resource set";
constexpr std::string_view lock_disk =
    "a lock disk is an arbitrator here: format it with `hactl arbitrator format DEVICE`, then write arbitrator_name "
    "NAME, arbitrator_plugin arbitrator-disk, arbitrator_param device DEVICE";
constexpr std::string_view quorum_server =
    "a quorum server is an arbitrator here: run mainstay-arbitrator on that host, then write arbitrator_name NAME, "
    "arbitrator_plugin arbitrator-server, arbitrator_param host HOST";
constexpr std::string_view quorum_time = "arbitrator_timeout says how long an arbitrator may take to answer";
constexpr std::string_view access = "only root may use hactl on this version";

constexpr std::array cluster_table{
    foreign{"hostname_address_family", verdict::silent, {}},
    foreign{"first_cluster_lock_vg", verdict::replaced, lock_disk},
    foreign{"second_cluster_lock_vg", verdict::replaced, lock_disk},
    foreign{"first_cluster_lock_pv", verdict::replaced, lock_disk},
    foreign{"second_cluster_lock_pv", verdict::replaced, lock_disk},
    foreign{"cluster_lock_lun", verdict::replaced, lock_disk},
    foreign{"qs_host", verdict::replaced, quorum_server},
    foreign{"qs_addr", verdict::replaced, quorum_server},
    foreign{"qs_polling_interval", verdict::ignored, quorum_time},
    foreign{"qs_timeout_extension", verdict::ignored, quorum_time},
    foreign{"node_timeout", verdict::ignored, "member_timeout says when a silent node is lost"},
    foreign{"network_polling_interval", verdict::ignored, "interfaces are watched, not polled"},
    foreign{"configured_io_timeout_extension", verdict::refused, "no extra wait for pending I/O yet", "0"},
    foreign{"network_failure_detection", verdict::ignored, "interfaces are watched, not polled"},
    foreign{"network_auto_failback", verdict::ignored, "there are no standby interfaces; use a bond"},
    foreign{"ip_monitor", verdict::refused, "addresses outside the cluster are not polled yet", "off"},
    foreign{"polling_target", verdict::refused, "addresses outside the cluster are not polled yet"},
    foreign{"max_configured_packages", verdict::silent, {}},
    foreign{"user_name", verdict::ignored, access},
    foreign{"user_host", verdict::ignored, access},
    foreign{"user_role", verdict::ignored, access},
    foreign{"volume_group", verdict::ignored, owned},
    foreign{"ops_volume_group", verdict::refused, shared_volumes},
    foreign{"failover_optimization", verdict::ignored, "set member_timeout for a fast failover", "none"},
};

constexpr std::array package_table{
    foreign{"module_name", verdict::silent, {}},
    foreign{"module_version", verdict::silent, {}},
    foreign{"operation_sequence", verdict::silent, {}},
    foreign{"cluster_interconnect_subnet", verdict::refused, "HP-UX and Oracle RAC only; use monitored_subnet"},
    foreign{
        "ip_subnet_node", verdict::refused,
        "an ip_address is for every node of the package; limit node_name to the nodes on that ip_subnet, or make one "
        "package for each subnet"},
    foreign{"resource_polling_interval", verdict::refused, ems},
    foreign{"resource_start", verdict::refused, ems},
    foreign{"resource_up_value", verdict::refused, ems},
    foreign{"enable_threaded_vgchange", verdict::ignored, hpux, "0"},
    foreign{"cvm_activation_cmd", verdict::ignored, veritas},
    foreign{"vxvol_cmd", verdict::ignored, veritas},
    foreign{"vxvm_dg_retry", verdict::ignored, veritas, "no"},
    foreign{"cvm_dg", verdict::refused, veritas},
    foreign{"vxvm_dg", verdict::refused, veritas},
    foreign{"storage_group", verdict::refused, veritas},
    foreign{"user_name", verdict::ignored, access},
    foreign{"user_host", verdict::ignored, access},
    foreign{"user_role", verdict::ignored, access},
    foreign{"email_id", verdict::ignored, "name a notifier in the cluster file instead"},
};

bool matches(std::string_view pattern, std::string_view word) {
    if (pattern.back() != '*') return pattern == word;
    pattern.remove_suffix(1);
    return word.size() > pattern.size() && word.substr(0, pattern.size()) == pattern;
}

const foreign* find(std::span<const foreign> table, std::string_view word) {
    auto found = std::find_if(table.begin(), table.end(), [word](const foreign& f) { return matches(f.name, word); });
    return found == table.end() ? nullptr : &*found;
}

}  // namespace

bool report_serviceguard_keyword(builder& b, const statement& s, bool in_package) {
    const auto* known = find(in_package ? std::span<const foreign>(package_table) : cluster_table, s.keyword);
    if (known == nullptr) return false;
    // SG 3.10: the other roles are of the cluster.
    if (in_package && s.keyword == "user_role" && !same_word(s.rest, "package_admin"))
        return b.error(s, "'" + s.rest + "' is no role in a package",
                       "package_admin, or user_name, user_host and user_role " + s.rest + " in the cluster file"),
               true;
    if (known->what == verdict::silent || (!known->harmless.empty() && same_word(s.rest, known->harmless))) return true;
    if (known->what == verdict::ignored) {
        b.warning(s, "known from Serviceguard, has no effect here: " + std::string(known->reason));
    } else {
        bool replaced = known->what == verdict::replaced;
        b.error(s,
                (replaced ? "known from Serviceguard, written differently here: "
                          : "known from Serviceguard, not supported yet: ") +
                    std::string(known->reason),
                std::string(known->harmless));
    }
    return true;
}

}  // namespace mainstay::parsing
