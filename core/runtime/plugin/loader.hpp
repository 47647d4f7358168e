// Loads a plugin's shared library and refuses what does not fit, with a message of its own for
// each reason. Loading runs the library's initialisers: load only from the plugin directory.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "mainstay/plugin.h"
#include "model/result.hpp"
#include "runtime/plugin/schema.hpp"

namespace mainstay::plugin {

// A loaded library. Copies share it; it stays loaded until the last copy is gone, which has to
// outlive every instance made from it.
class library {
public:
    library(const mainstay_plugin* table, plugin_info info, std::shared_ptr<const void> handle)
        : table_(table), info_(std::move(info)), handle_(std::move(handle)) {}

    [[nodiscard]] const mainstay_plugin& table() const { return *table_; }
    [[nodiscard]] const plugin_info& info() const { return info_; }

private:
    const mainstay_plugin* table_;
    plugin_info info_;
    std::shared_ptr<const void> handle_;
};

// The error starts with the file's path. Checked in this order: there, a regular file, ELF, can be
// loaded (all symbols resolve), exports the entry, magic, ABI, sizes, functions, schema, name.
[[nodiscard]] result<library> load(const std::filesystem::path& file);

// A library of a directory, with its schema or the reason why it does not load (describe.hpp).
struct listed_plugin {
    std::filesystem::path file;
    result<plugin_info> info;
};

}  // namespace mainstay::plugin
