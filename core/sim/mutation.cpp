// Only of the mutated simulator: which breakage this thread runs with.
#include "model/mutation.hpp"

#ifdef MAINSTAY_MUTATED
namespace mainstay {

namespace {
thread_local mutation chosen = mutation::none;
}

bool mutated(mutation what) { return chosen == what; }
void mutate(mutation what) { chosen = what; }

const char* to_string(mutation what) {
    switch (what) {
#define MAINSTAY_MUTATION_NAME(name) \
    case mutation::name:             \
        return #name;
        MAINSTAY_MUTATIONS(MAINSTAY_MUTATION_NAME)
#undef MAINSTAY_MUTATION_NAME
        default:
            return "none";
    }
}

}  // namespace mainstay
#endif
