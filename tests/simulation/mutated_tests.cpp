// The unit tests of the replicated log, run with the breakage that MAINSTAY_MUTATION names: some rules protect from
// what needs a dozen steps in one order, which a story tells at once and seeds find once in thousands.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "model/mutation.hpp"

int main(int argc, char** argv) {
    using namespace mainstay;
    const auto* wanted = std::getenv("MAINSTAY_MUTATION");
    for (int i = 1; wanted != nullptr && i < static_cast<int>(mutation::count_); ++i)
        if (std::string(wanted) == to_string(static_cast<mutation>(i))) mutate(static_cast<mutation>(i));
    return Catch::Session().run(argc, argv);
}
