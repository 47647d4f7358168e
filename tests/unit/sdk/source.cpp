// An event source that throws out of run(): its process has to end, not to go on in silence.
#include <mainstay/plugin.hpp>

#include <stdexcept>

namespace {

namespace sdk = mainstay::sdk;

class source {
public:
    static constexpr sdk::about about{"test-source", "1.0", "posts once and breaks"};
    static constexpr std::array<sdk::param, 0> parameters{};

    explicit source(const sdk::setup& setup) : host_(setup.host) {}
    void run() {
        host_.post(sdk::severity::info, "alive", {});
        throw std::runtime_error("broken");
    }
    void stop() {}

private:
    sdk::host host_;
};

}  // namespace

MAINSTAY_EVENT_SOURCE_PLUGIN(source)
