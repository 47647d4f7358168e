#include "runtime/problem_json.hpp"

#include <nlohmann/json.hpp>

#include "runtime/json_text.hpp"

namespace mainstay::runtime {

std::string problems_json(const problems& list) {
    auto out = nlohmann::ordered_json::array();
    for (const auto& item : list) {
        nlohmann::ordered_json one{{"severity", item.severity == problem::level::error ? "error" : "warning"},
                                   {"file", item.where.file},
                                   {"line", item.where.line},
                                   {"keyword", item.keyword},
                                   {"message", item.message}};
        if (!item.expected.empty()) one["expected"] = item.expected;
        if (!item.nearest.empty()) one["nearest"] = item.nearest;
        out.push_back(std::move(one));
    }
    return dump(out);
}

}  // namespace mainstay::runtime
