// arbitrator-disk: a shared block device that both halves of a cluster can reach. One thread does all
// I/O, one call after the other, so that nothing of an earlier call can overtake a later one; a call
// that takes too long is answered `unknown` while its I/O goes on.
#include <mainstay/plugin.hpp>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "arbitrator/disk_device.hpp"
#include "arbitrator/request.hpp"

namespace {

namespace sdk = mainstay::sdk;
namespace arb = mainstay::arbitrator;

// Shared by the calls and the thread, which may outlive the instance when the device hangs.
struct desk {
    std::mutex mutex;
    std::condition_variable changed;
    std::string device;
    bool over = false;
    bool tells = false;
    std::optional<arb::call_request> asked;
    bool working = false;
    std::optional<arb::disk_answer> answered;

    void work() {
        std::uint64_t sequence = 0;
        std::unique_lock lock(mutex);
        while (true) {
            changed.wait(lock, [this] { return over || asked; });
            if (over) return;
            auto request = *std::exchange(asked, std::nullopt);
            auto telling = tells;
            lock.unlock();
            auto answer = perform(request, telling, sequence);
            lock.lock();
            answered = std::move(answer);
            working = false;
            changed.notify_all();
        }
    }

    [[nodiscard]] arb::disk_answer perform(const arb::call_request& request, bool telling,
                                           std::uint64_t& sequence) const {
        // Opened for each question: a device that came back under its name is found again.
        auto opened = arb::disk_device::open(device);
        if (!opened) return {arb::disk_answer::outcome::unknown, opened.error().message, {}};
        const auto& ask = request.request;
        auto claim = telling ? arb::disk_claim(request.node, ask.cluster, ask.version, ask.store, sequence)
                             : arb::disk_claim(request.node, ask, sequence);
        arb::carry_out(claim, *opened);
        sequence = claim.sequence();
        return claim.answer();
    }
};

class disk_arbitrator {
public:
    static constexpr sdk::about about{"arbitrator-disk", "1.0", "a shared disk decides between two halves"};
    static constexpr auto parameters = std::array{
        sdk::param{.name = "device",
                   .type = sdk::type::path,
                   .scope = sdk::scope::either,
                   .required = true,
                   .help = "the shared device or file, made with hactl arbitrator format; a name that stays the same, "
                           "below /dev/disk/by-id for example"},
        sdk::param{.name = "io_timeout",
                   .type = sdk::type::duration,
                   .fallback = "1500ms",
                   .minimum = 50,
                   .maximum = 300'000,
                   .help = "a question that takes longer has no answer; below the arbitrator_timeout of the cluster"}};

    explicit disk_arbitrator(const sdk::setup& setup)
        : timeout_(setup.params.duration("io_timeout")), desk_(std::make_shared<desk>()) {
        const auto* own = setup.find(setup.own_node);
        const auto& params = own != nullptr ? own->params : setup.params;
        if (!params.has("device")) throw sdk::refused("parameter device is missing for node " + setup.own_node);
        desk_->device = params.text("device");
        std::thread([shared = desk_] { shared->work(); }).detach();
    }
    ~disk_arbitrator() {
        const std::scoped_lock lock(desk_->mutex);
        desk_->over = true;
        desk_->changed.notify_all();
    }
    disk_arbitrator(const disk_arbitrator&) = delete;
    disk_arbitrator& operator=(const disk_arbitrator&) = delete;

    sdk::answer grant(const sdk::field_map& given) { return ask(given, false); }
    sdk::answer told(const sdk::field_map& given) { return ask(given, true); }

private:
    sdk::answer ask(const sdk::field_map& given, bool tells) {
        auto request = arb::read_call(given);
        if (!request) return {sdk::outcome::failed, request.error().message};
        std::unique_lock lock(desk_->mutex);
        if (desk_->working) return {sdk::outcome::unknown, desk_->device + ": an earlier question hangs in the device"};
        desk_->answered.reset();
        desk_->asked = std::move(*request);
        desk_->tells = tells;
        desk_->working = true;
        desk_->changed.notify_all();
        bool in_time = desk_->changed.wait_for(lock, timeout_, [this] { return desk_->answered.has_value(); });
        if (!in_time) return {sdk::outcome::unknown, desk_->device + ": no answer within io_timeout"};
        const auto& answer = *desk_->answered;
        switch (answer.what) {
            case arb::disk_answer::outcome::granted:
                return {sdk::outcome::ok, {}};
            case arb::disk_answer::outcome::told:
                return {sdk::outcome::ok, arb::told_text(answer.told)};
            case arb::disk_answer::outcome::refused:
                return {sdk::outcome::failed, answer.reason};
            default:
                return {sdk::outcome::unknown, answer.reason};
        }
    }

    std::chrono::milliseconds timeout_;
    std::shared_ptr<desk> desk_;
};

}  // namespace

MAINSTAY_ARBITRATOR_PLUGIN(disk_arbitrator)
