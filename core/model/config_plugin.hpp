// What configured things have in common: where they stood, and what an instance of a plugin is.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mainstay {

// Where a value stood in a file, for error messages.
struct source_position {
    std::string file;
    std::uint32_t line = 0;
};

// Where each keyword of a section stood, for error messages: "member_timeout", or "node_name web2"
// when the keyword may repeat. Takes no part in comparisons or canonical text.
using keyword_lines = std::map<std::string, source_position>;

struct parameter {
    std::string name;
    std::string value;
    source_position where;
};

// One configured instance of a plugin: a heartbeat link, stonith device, event source, notifier,
// or resource of a package. `heartbeat_name ring0` + `heartbeat_plugin heartbeat-udp` + params.
struct plugin_instance {
    std::string name;
    std::string plugin;                                         // library name without ".so"
    std::vector<parameter> params;                              // <kind>_param NAME VALUE
    std::map<std::string, std::vector<parameter>> node_params;  // <kind>_node_param NODE NAME VALUE
    std::vector<std::string> nodes;                             // <kind>_node NODE; empty = all nodes
    // What it shares its fate with, as far as the administrator tells; empty = nothing.
    std::string network_switch;  // it is reached over this one
    std::string power_source;    // of a fencing device or arbitrator: the event source that feeds it
    source_position where;
    keyword_lines lines;
};

}  // namespace mainstay
