// Whatever an administrator's editor leaves: problems with their lines, or a configuration that, printed, is read as
// the same one.
#include <cstdint>
#include <cstdlib>

#include "model/check.hpp"
#include "model/parse.hpp"
#include "model/print.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mainstay;
    std::vector<named_text> files{{"fuzz.conf", std::string(reinterpret_cast<const char*>(data), size)}};
    auto parsed = parse_configuration(files);
    if (!parsed.ok()) return 0;
    auto wrong = check_configuration(parsed.config);
    if (has_errors(wrong)) return 0;
    auto printed = print_configuration(parsed.config);
    std::vector<named_text> again{{"printed", printed}};
    auto second = parse_configuration(again);
    if (!second.ok() || print_configuration(second.config) != printed) std::abort();
    return 0;
}
