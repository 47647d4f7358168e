// In a guest with a real watchdog device: what core/guard/watchdog makes of it, one line each for run.py.
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "guard/watchdog.hpp"

namespace {

constexpr int fed_s = 8;        // twice the timeout and more
constexpr int unwatched_s = 8;  // the same once it was stopped
constexpr mainstay::duration wanted{4'000'000};

void say(const char* text) {
    std::printf("probe: %s\n", text);
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    auto dog = mainstay::guard::open_watchdog("/dev/watchdog", wanted);
    if (!dog) {
        say(dog.error().message.c_str());
        return 1;
    }
    say(("armed " + std::to_string((*dog)->timeout().count())).c_str());
    for (int second = 0; second < fed_s; ++second) {
        ::sleep(1);  // pace: of feeding
        if (auto fed = (*dog)->feed(); !fed) say(fed.error().message.c_str());
    }
    say("fed");
    if (argc > 1 && std::strcmp(argv[1], "disarm") == 0) {
        auto done = (*dog)->disarm();
        say(done ? "disarmed" : done.error().message.c_str());
        ::sleep(unwatched_s);  // pace: nothing may happen meanwhile
        say("alive");
        return 0;
    }
    say("left");
    ::_exit(0);  // without a word, as a guard that is killed
}
