// A directory of the test's own, gone when the test is over.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace mainstay {

struct temp_dir {
    temp_dir() {
        std::string name = std::filesystem::temp_directory_path() / "mainstay-XXXXXX";
        path = ::mkdtemp(name.data()) == nullptr ? "" : name;
    }
    ~temp_dir() {
        std::error_code ignored;
        if (!path.empty()) std::filesystem::remove_all(path, ignored);
    }
    temp_dir(const temp_dir&) = delete;
    temp_dir& operator=(const temp_dir&) = delete;
    std::string path;
};

}  // namespace mainstay
