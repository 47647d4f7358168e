// Which logical volumes of a group the kernel has mapped, and who holds them: from /sys and /proc, without the LVM
// tools, so that it is known even where the disks are gone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/processes.hpp"

namespace mainstay::lvm {

struct mapped_volume {
    std::string name;    // of the logical volume; hidden parts too, such as data_rimage_0
    std::string kernel;  // dm-3
    std::string number;  // 254:3
};

// The group of a device-mapper name: `a--b-data` is data of a-b. Empty when it is none of LVM's.
[[nodiscard]] std::string group_of(std::string_view mapper_name);

[[nodiscard]] std::vector<mapped_volume> mapped_volumes(const std::string& group, const std::string& sys = "/sys");

// That none is listed means that there is none.
[[nodiscard]] bool mapped_known(const std::string& sys = "/sys");

// Processes that have one of them open as a device.
[[nodiscard]] std::vector<kit::process> openers_of(const std::vector<mapped_volume>& volumes);

// "data, mounted on /srv; log, open in dd (pid 4711); sys, under crypt-sys"; what is not used by anybody by its name.
[[nodiscard]] std::string usage_of(const std::vector<mapped_volume>& volumes, const std::string& sys = "/sys");

}  // namespace mainstay::lvm
