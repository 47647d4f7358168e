// The fields of a plugin call (plugin.h, arbitrator) as values, and the text of an answer. Pure.
#pragma once

#include <map>
#include <string>

#include "consensus/arbiter.hpp"
#include "model/result.hpp"

namespace mainstay::arbitrator {

using call_fields = std::map<std::string, std::string, std::less<>>;

struct call_request {
    node_id node;                    // who asks
    consensus::tie_request request;  // of `told` without half
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("request", self.request);
    }
};

// The error names the field.
[[nodiscard]] result<call_request> read_call(const call_fields& given);

// store=HEX floor=VERSION granted=0|1
[[nodiscard]] std::string told_text(const consensus::tie_told& told);

}  // namespace mainstay::arbitrator
