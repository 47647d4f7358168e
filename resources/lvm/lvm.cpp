// lvm: what start, stop and status of a volume group do. Its parameters come from vg and the keywords beside it. Whose
// the group is stands in a tag of its own, on its disks: see README.md.
#include <mainstay/plugin.hpp>

#include <algorithm>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "common/processes.hpp"
#include "mapped.hpp"
#include "owner.hpp"
#include "tools.hpp"

namespace {

namespace sdk = mainstay::sdk;
namespace kit = mainstay::kit;
namespace lvm = mainstay::lvm;
using namespace std::chrono_literals;

// vgchange -a y -> /sbin/vgchange -a y: no PATH decides which tools these are.
std::vector<std::string> activation_of(const std::string& command) {
    std::istringstream words(command);
    std::vector<std::string> list;
    for (std::string word; words >> word;) list.push_back(word);
    if (list.empty()) throw sdk::refused("activation is empty");
    if (list.front() == "vgchange") list.front() = "/sbin/vgchange";
    if (list.front().front() != '/')
        throw sdk::refused("'" + list.front() + "' is neither vgchange nor an absolute path");
    return list;
}

class volume_group {
public:
    static constexpr sdk::about about{"lvm", "1.0", "a volume group that moves with its package"};
    static constexpr auto parameters = std::array{
        sdk::param{.name = "group", .required = true, .help = "vg: name of the volume group"},
        sdk::param{
            .name = "cluster", .required = true, .help = "name of the cluster, for the tag that says whose it is"},
        sdk::param{.name = "activation",
                   .fallback = "vgchange -a y",
                   .help = "vgchange_cmd: how it is activated; the name of the group comes after it"},
        sdk::param{.name = "deactivation_retries",
                   .type = sdk::type::integer,
                   .fallback = "0",
                   .minimum = 0,
                   .maximum = 100,
                   .help = "deactivation_retry_count: how often a group in use is tried again, a second apart"},
        sdk::param{.name = "kill_openers",
                   .type = sdk::type::boolean,
                   .fallback = "no",
                   .help = "kill_processes_accessing_raw_devices: before each of these, end who has a volume open"},
        sdk::param{.name = "timeout",
                   .type = sdk::type::duration,
                   .fallback = "100s",
                   .minimum = 100,
                   .maximum = 110'000,
                   .help = "time for a whole start or stop; then the tool at work is killed and it has failed"}};

    explicit volume_group(const sdk::setup& setup)
        : params_(setup.params),
          group_(params_.text("group")),
          self_{params_.text("cluster"), setup.own_node},
          tools_(activation_of(params_.text("activation")), group_) {}

    sdk::answer start() {
        begin();
        auto now = tools_.group();
        if (!now.trouble.empty()) return failed(now.trouble);
        if (auto wrong = unusable(now.value); !wrong.empty()) return failed(wrong);
        bool ours = lvm::owners_of(now.value.tags) == std::vector{self_};
        auto before = inactive();
        if (ours && before.trouble.empty() && before.value.empty())
            return {sdk::outcome::ok, group_ + " was active already"};
        // What was activated here by somebody else may be as the group was before another node changed it.
        if (auto wrong = ours ? std::string() : deactivate(); !wrong.empty()) return failed(wrong);
        if (auto wrong = ours ? std::string() : take(now.value); !wrong.empty()) return failed(wrong);
        if (auto wrong = tools_.activate(); !wrong.empty()) return failed(wrong + lacks(now.value));
        auto said = tools_.said();
        auto after = inactive();
        if (!after.trouble.empty()) return failed(after.trouble);
        if (after.value.empty()) return {sdk::outcome::ok, {}};
        return failed(after.value + " of " + group_ + " is not active after `" + params_.text("activation") +
                      "`, which said: " + said + "; a volume_list in lvm.conf has to name the group or @" +
                      lvm::tag_of(self_) + lacks(now.value));
    }

    sdk::answer stop() {
        begin();
        auto now = tools_.group();
        if (auto wrong = deactivate(); !wrong.empty()) return failed(wrong);
        // What can't be told now was told before by the kernel: nothing of it is active here.
        if (!now.value.found) return {sdk::outcome::ok, now.trouble};
        auto owners = lvm::owners_of(now.value.tags);
        if (std::find(owners.begin(), owners.end(), self_) == owners.end()) return {sdk::outcome::ok, {}};
        auto wrong = tools_.tag({lvm::tag_of(self_)}, {});
        // It is free for whoever starts it: a tag that stays is replaced there.
        return {sdk::outcome::ok, wrong.empty() ? wrong : "its tag stays: " + wrong};
    }

    sdk::answer status() {
        begin();
        auto now = tools_.group();
        if (!now.trouble.empty()) return {sdk::outcome::unknown, now.trouble};
        if (!lvm::mapped_known()) return {sdk::outcome::unknown, "/sys/block can't be read"};
        auto here = lvm::mapped_volumes(group_);
        if (!now.value.found)
            return here.empty() ? sdk::answer{sdk::outcome::not_running, "there is no volume group " + group_}
                                : failed(group_ + " is gone, and still active: " + lvm::usage_of(here));
        auto owners = lvm::owners_of(now.value.tags);
        bool ours = owners == std::vector{self_};
        auto rest = inactive();
        if (!rest.trouble.empty()) return {sdk::outcome::unknown, rest.trouble};
        if (!ours && here.empty()) return {sdk::outcome::not_running, group_ + " is not active here"};
        if (!ours) return failed(group_ + " is active, and " + belongs_to(owners));
        if (!rest.value.empty()) return {sdk::outcome::not_running, rest.value + " of " + group_ + " is not active"};
        if (auto gone = lacks(now.value); !gone.empty()) return failed(group_ + " is active" + gone);
        return {sdk::outcome::ok, {}};
    }

private:
    void begin() { tools_.work_until(lvm::tools::clock::now() + params_.duration("timeout")); }

    static sdk::answer failed(std::string text) { return {sdk::outcome::failed, std::move(text)}; }

    static std::string lacks(const lvm::group_report& now) {
        if (now.missing.empty()) return {};
        return "; " + now.missing + " of its " + now.physical + " physical volumes are missing";
    }

    static std::string belongs_to(const std::vector<lvm::owner>& owners) {
        if (owners.empty()) return "belongs to nobody";
        std::string text;
        for (const auto& item : owners)
            text += (text.empty() ? "belongs to " : " and ") + item.node + " of cluster " + item.cluster;
        return text;
    }

    [[nodiscard]] std::string unusable(const lvm::group_report& now) const {
        if (!now.found) return "there is no volume group " + group_ + " on this node, as far as it sees the disks";
        if (now.exported) return group_ + " is exported; vgimport it first";
        if (now.shared) return group_ + " is a shared group of lvmlockd, which says itself where it is active";
        for (const auto& item : lvm::owners_of(now.tags)) {
            if (item.cluster == self_.cluster) continue;
            return group_ + " " + belongs_to({item}) + "; if that is no more: vgchange --deltag " + lvm::tag_of(item) +
                   " " + group_;
        }
        return {};
    }

    // That no other node of the cluster has it is why it is started here: its tag is what that one left.
    [[nodiscard]] std::string take(const lvm::group_report& now) {
        std::vector<std::string> away;
        for (const auto& item : lvm::owners_of(now.tags))
            if (item != self_) away.push_back(lvm::tag_of(item));
        auto wrong = tools_.tag(away, lvm::tag_of(self_));
        return wrong.empty() ? wrong : wrong + lacks(now);
    }

    // The names of the volumes that should be active with the group, and are not.
    [[nodiscard]] lvm::told<std::string> inactive() {
        auto all = tools_.volumes();
        lvm::told<std::string> out{{}, all.trouble};
        for (const auto& item : all.value)
            if (item.expected && !item.active) out.value += (out.value.empty() ? "" : ", ") + item.name;
        return out;
    }

    [[nodiscard]] std::string deactivate() {
        auto retries = params_.integer("deactivation_retries");
        if (!lvm::mapped_known()) return "/sys/block can't be read: what is active is unknown";
        for (std::int64_t tried = 0;; ++tried) {
            if (lvm::mapped_volumes(group_).empty()) return {};
            auto wrong = tools_.deactivate();
            auto left = lvm::mapped_volumes(group_);
            if (left.empty()) return {};
            if (wrong.empty()) wrong = group_ + " is active after it was deactivated: " + tools_.said();
            bool late = lvm::tools::clock::now() + 1s >= tools_.deadline();
            if (tried >= retries || late) return wrong + "; still active: " + lvm::usage_of(left);
            if (params_.boolean("kill_openers")) {
                kit::end_processes([&] { return lvm::openers_of(left); }, 1s);
            } else {
                std::this_thread::sleep_for(1s);
            }
        }
    }

    sdk::values params_;
    std::string group_;
    lvm::owner self_;
    lvm::tools tools_;
};

}  // namespace

MAINSTAY_RESOURCE_PLUGIN(volume_group)
