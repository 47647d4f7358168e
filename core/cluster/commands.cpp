// The byte forms of commands, made once for all who read and write them.
#include "cluster/commands.hpp"

namespace mainstay {

template bytes encode(const cluster::command&);
template bytes encode(const cluster::command_body&);
template std::optional<cluster::command> decode(std::string_view);
template std::optional<cluster::command_body> decode(std::string_view);

}  // namespace mainstay
