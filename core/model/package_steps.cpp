#include "model/package_steps.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "model/problem.hpp"

namespace mainstay {

namespace {

// Serviceguard's names of modules (SG 3.2, 3.10), and what else they may be called by. sg/resource is none of them: it
// is about EMS, not about what a plugin runs.
constexpr std::array<std::pair<std::string_view, package_step>, 16> other_names{{
    {"external_pre", package_step::external_pre_script},
    {"sg/external_pre", package_step::external_pre_script},
    {"sg/external_pre_script", package_step::external_pre_script},
    {"sg/volume_group", package_step::volume_group},
    {"vg", package_step::volume_group},
    {"sg/filesystem", package_step::filesystem},
    {"sg/package_ip", package_step::address},
    {"package_ip", package_step::address},
    {"ip_address", package_step::address},
    {"external", package_step::external_script},
    {"sg/external", package_step::external_script},
    {"sg/external_script", package_step::external_script},
    {"sg/service", package_step::service},
    {"sg/generic_resource", package_step::generic_resource},
    {"control_script", package_step::run_script},
    {"resource_name", package_step::resource},
}};

std::vector<std::string_view> plain_names() {
    std::vector<std::string_view> names;
    names.reserve(static_cast<std::size_t>(package_step::count_));
    for (int i = 0; i < static_cast<int>(package_step::count_); ++i)
        names.push_back(to_string(static_cast<package_step>(i)));
    return names;
}

std::optional<package_step> step_called(const std::string& name) {
    for (int i = 0; i < static_cast<int>(package_step::count_); ++i)
        if (name == to_string(static_cast<package_step>(i))) return static_cast<package_step>(i);
    for (const auto& [other, step] : other_names)
        if (name == other) return step;
    return std::nullopt;
}

bool has(const std::vector<package_step>& list, package_step step) {
    return std::find(list.begin(), list.end(), step) != list.end();
}

// The step of the package that is called so.
result<package_step> step_of(const package_config& package, const std::vector<package_step>& all,
                             const std::string& name) {
    auto step = step_called(name);
    auto steps = "; the steps of package " + package.name + " are " + listed(all);
    if (!step) {
        auto nearest = nearest_word(name, plain_names());
        return fail("'" + name + "' is no step of a start" +
                    (nearest.empty() ? "" : ", did you mean " + std::string(nearest) + "?") + steps);
    }
    if (!has(all, *step)) return fail("package " + package.name + " has no " + std::string(to_string(*step)) + steps);
    return *step;
}

}  // namespace

std::string_view to_string(package_step value) {
    switch (value) {
        case package_step::external_pre_script:
            return "external_pre_script";
        case package_step::volume_group:
            return "volume_group";
        case package_step::filesystem:
            return "filesystem";
        case package_step::address:
            return "address";
        case package_step::resource:
            return "resource";
        case package_step::run_script:
            return "run_script";
        case package_step::external_script:
            return "external_script";
        case package_step::service:
            return "service";
        default:
            return "generic_resource";
    }
}

std::vector<package_step> steps_of(const package_config& package) {
    std::vector<package_step> list;
    auto add = [&list](package_step step, bool there) {
        if (there) list.push_back(step);
    };
    bool own = std::any_of(package.services.begin(), package.services.end(),
                           [](const auto& item) { return !item.by_script(); });
    bool waits = std::any_of(package.generic_resources.begin(), package.generic_resources.end(),
                             [](const auto& item) { return !item.before_start; });
    add(package_step::external_pre_script, !package.external_pre_scripts.empty());
    add(package_step::volume_group, !package.volume_groups.empty());
    add(package_step::filesystem, !package.filesystems.empty());
    add(package_step::address, !package.addresses.empty());
    add(package_step::resource, !package.resources.empty());
    add(package_step::run_script, !package.run_script.empty() || !package.halt_script.empty());
    add(package_step::external_script, !package.external_scripts.empty());
    add(package_step::service, own);
    add(package_step::generic_resource, waits);
    return list;
}

std::string listed(const std::vector<package_step>& steps) {
    std::string text;
    for (auto step : steps) text.append(text.empty() ? "" : ", ").append(to_string(step));
    return text.empty() ? "none" : text;
}

std::vector<package_step> steps_left_out(const package_config& package, const std::vector<package_step>& taken) {
    auto list = steps_of(package);
    std::erase_if(list, [&taken](package_step step) { return has(taken, step); });
    return list;
}

result<std::vector<package_step>> chosen_steps(const package_config& package, const std::string& last,
                                               const std::vector<std::string>& without) {
    auto all = steps_of(package);
    auto list = all;
    if (!last.empty()) {
        auto step = step_of(package, all, last);
        if (!step) return tl::make_unexpected(step.error());
        list.erase(std::find(list.begin(), list.end(), *step) + 1, list.end());
    }
    auto reached = list;
    for (const auto& name : without) {
        auto step = step_of(package, all, name);
        if (!step) return tl::make_unexpected(step.error());
        bool counts = has(reached, *step) && (last.empty() || *step != reached.back());
        if (!counts)
            return fail(std::string(to_string(*step)) + " does not come before " +
                        std::string(to_string(reached.back())) + ", the last step to be taken; the steps of package " +
                        package.name + " are " + listed(all));
        std::erase(list, *step);
    }
    if (list.empty()) return fail("nothing of package " + package.name + " would be started");
    if (list.size() == all.size())
        return fail("that is all of package " + package.name + ": hactl package start " + package.name);
    return list;
}

}  // namespace mainstay
