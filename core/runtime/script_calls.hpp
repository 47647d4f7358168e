// cmrunserv, cmhaltserv and cmmodnet as they arrive at the administration API.
#pragma once

#include <string>
#include <string_view>

#include "model/result.hpp"
#include "node/io.hpp"

namespace mainstay::runtime {

// `verb`: run_service, halt_service, add_address or remove_address; `params`: JSON text of a flat object. Who asks is
// in `process`: what MAINSTAY_PROCESS says to the processes of a script, and of nothing else. The error is for people.
[[nodiscard]] result<node::script_call> read_script_call(std::string_view verb, const std::string& params);

}  // namespace mainstay::runtime
