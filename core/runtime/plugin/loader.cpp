#define BOOST_DLL_USE_STD_FS
#include "runtime/plugin/loader.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <boost/dll/shared_library.hpp>
#include <fstream>
#include <string_view>

#include "mainstay/values.hpp"

namespace mainstay::plugin {

namespace {

namespace fs = std::filesystem;

// Refusals before the library is run: dlopen's own words for these are of little help.
std::string file_problem(const fs::path& file) {
    std::error_code code;
    auto status = fs::status(file, code);
    if (!fs::exists(status)) return "no such file";
    if (!fs::is_regular_file(status)) return "is not a file";
    std::array<char, 4> head{};
    std::ifstream in(file, std::ios::binary);
    in.read(head.data(), head.size());
    if (!in) return in.eof() ? "is not a shared library (too short)" : "can't be read";
    if (std::string_view(head.data(), head.size()) != "\177ELF") return "is not a shared library (no ELF header)";
    return {};
}

// Only what was there in every version of this ABI major may be read before the sizes are checked.
std::string head_problem(const mainstay_plugin* table) {
    if (table == nullptr) return "its entry returned no table";
    if (table->magic != MAINSTAY_PLUGIN_MAGIC)
        return fmt::format("its table has the magic number {:#x}, expected {:#x}: not a Mainstay plugin", table->magic,
                           MAINSTAY_PLUGIN_MAGIC);
    const bool same_minor = MAINSTAY_ABI_MAJOR != 0 || table->abi_minor == MAINSTAY_ABI_MINOR;
    if (table->abi_major != MAINSTAY_ABI_MAJOR || !same_minor)
        return fmt::format(
            "is built for plugin ABI {}.{}, this Mainstay has {}.{}: build it again with this version's headers",
            table->abi_major, table->abi_minor, MAINSTAY_ABI_MAJOR, MAINSTAY_ABI_MINOR);
    if (table->struct_size < sizeof(mainstay_plugin))
        return fmt::format("its table is {} bytes long, expected at least {}", table->struct_size,
                           sizeof(mainstay_plugin));
    if (table->param_size < sizeof(mainstay_param))
        return fmt::format("its parameter entries are {} bytes long, expected at least {}", table->param_size,
                           sizeof(mainstay_param));
    if (table->params == nullptr && table->param_count != 0) return "its parameter list is null";
    return {};
}

struct required_function {
    const char* name;
    bool there;
};

template <class Functions>
std::string functions_problem(const void* raw, auto&& list) {
    const auto* functions = static_cast<const Functions*>(raw);
    if (functions->struct_size < sizeof(Functions))
        return fmt::format("its function table is {} bytes long, expected at least {}", functions->struct_size,
                           sizeof(Functions));
    for (const required_function& item : list(*functions))
        if (!item.there) return fmt::format("its function {} is null", item.name);
    return {};
}

#define MAINSTAY_FUNCTION(name) \
    required_function { #name, f.name != nullptr }

std::string kind_problem(const mainstay_plugin& table) {
    if (table.create == nullptr) return "its function create is null";
    if (table.destroy == nullptr) return "its function destroy is null";
    if (table.functions == nullptr) return "its function table is null";
    switch (table.kind) {
        case MAINSTAY_KIND_HEARTBEAT:
            return functions_problem<mainstay_heartbeat_functions>(table.functions, [](const auto& f) {
                return std::array{MAINSTAY_FUNCTION(open),
                                  MAINSTAY_FUNCTION(close),
                                  MAINSTAY_FUNCTION(fd),
                                  MAINSTAY_FUNCTION(wants_write),
                                  MAINSTAY_FUNCTION(tick),
                                  MAINSTAY_FUNCTION(send),
                                  MAINSTAY_FUNCTION(receive),
                                  MAINSTAY_FUNCTION(mtu),
                                  MAINSTAY_FUNCTION(frame_time_us),
                                  MAINSTAY_FUNCTION(is_point_to_point),
                                  MAINSTAY_FUNCTION(link_state)};
            });
        case MAINSTAY_KIND_STONITH:
            return functions_problem<mainstay_stonith_functions>(table.functions, [](const auto& f) {
                return std::array{MAINSTAY_FUNCTION(off), MAINSTAY_FUNCTION(on), MAINSTAY_FUNCTION(status)};
            });
        case MAINSTAY_KIND_RESOURCE:
            return functions_problem<mainstay_resource_functions>(table.functions, [](const auto& f) {
                return std::array{MAINSTAY_FUNCTION(start), MAINSTAY_FUNCTION(stop), MAINSTAY_FUNCTION(status)};
            });
        case MAINSTAY_KIND_EVENT_SOURCE:
            return functions_problem<mainstay_event_source_functions>(table.functions, [](const auto& f) {
                return std::array{MAINSTAY_FUNCTION(run), MAINSTAY_FUNCTION(stop)};
            });
        case MAINSTAY_KIND_ARBITRATOR:
            return functions_problem<mainstay_arbitrator_functions>(table.functions, [](const auto& f) {
                return std::array{MAINSTAY_FUNCTION(grant), MAINSTAY_FUNCTION(told)};
            });
        case MAINSTAY_KIND_NOTIFIER:
            return functions_problem<mainstay_notifier_functions>(
                table.functions, [](const auto& f) { return std::array{MAINSTAY_FUNCTION(notify)}; });
        default:
            return fmt::format("unknown plugin kind number {}", table.kind);
    }
}

#undef MAINSTAY_FUNCTION

result<library> refuse(const fs::path& file, std::string_view why) {
    return fail(fmt::format("{}: {}", file.string(), why));
}

}  // namespace

result<library> load(const fs::path& file) {
    if (auto problem = file_problem(file); !problem.empty()) return refuse(file, problem);
    // Lazy binding would turn a missing symbol into an abort in the middle of a failover.
    constexpr auto mode = boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local;
    auto handle = std::make_shared<boost::dll::shared_library>();
    const mainstay_plugin* table = nullptr;
    try {
        handle->load(file, mode);
        if (!handle->has(MAINSTAY_ENTRY_SYMBOL))
            return refuse(file, "does not export " MAINSTAY_ENTRY_SYMBOL ": not a Mainstay plugin");
        table = handle->get<const mainstay_plugin*()>(MAINSTAY_ENTRY_SYMBOL)();
    } catch (const std::exception& problem) {
        return refuse(file, fmt::format("can't be loaded: {}", problem.what()));
    }
    if (auto problem = head_problem(table); !problem.empty()) return refuse(file, problem);
    if (auto problem = kind_problem(*table); !problem.empty()) return refuse(file, problem);
    auto info = read_info(*table);
    if (!info) return refuse(file, "bad parameter schema: " + info.error().message);
    if (info->name != file.stem().string())
        return refuse(file, fmt::format("calls itself '{}', which has to be its file name", info->name));
    info->file = file.string();
    return library(table, std::move(*info), std::move(handle));
}

}  // namespace mainstay::plugin
