// The disk arbitrator in its real plugin host, on a real file.
#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "arbitrator/disk_device.hpp"
#include "host_process.hpp"

using namespace mainstay;
using Catch::Matchers::Contains;
using plugin::outcome;
using plugin::verb;

namespace {

plugin::instance_config on(const std::string& device) {
    return {.file = "arbitrator-disk", .instance = "tie", .params = {{"device", device}, {"io_timeout", "30s"}}};
}

plugin::field_map question(const char* version, const char* half, const char* node, const char* store = "5") {
    return {{"cluster", "abcdef0123456789"},
            {"store", store},
            {"version", version},
            {"term_round", "3"},
            {"term_node", "1"},
            {"half", half},
            {"node", node}};
}

}  // namespace

TEST_CASE("arbitrator-disk: two nodes, one device, one grant") {
    const test::scratch dir;
    REQUIRE(arbitrator::format_device({dir / "tie", store_id{5}}));
    test::host_process one(on(dir / "tie"));
    test::host_process two(on(dir / "tie"));
    CHECK(one.call(verb::told, {}, question("1", "", "1", "0")).text == "store=5 floor=0 granted=0");
    auto early = one.call(verb::grant, {}, question("1", "1", "1"));
    CHECK(early.outcome == outcome::failed);
    CHECK_THAT(early.text, Contains("no cluster has told"));
    CHECK(one.call(verb::told, {}, question("2", "", "1")).text == "store=5 floor=2 granted=0");
    CHECK(two.call(verb::grant, {}, question("2", "2", "2")).outcome == outcome::ok);
    auto other = one.call(verb::grant, {}, question("2", "1", "1"));
    CHECK(other.outcome == outcome::failed);
    CHECK(other.text == "voter set 2 was granted to the half with the nodes 2");
    CHECK(one.call(verb::told, {}, question("2", "", "1")).text == "store=5 floor=2 granted=1");
    CHECK(one.call(verb::told, {}, question("3", "", "1")).text == "store=5 floor=3 granted=0");
    CHECK(two.call(verb::grant, {}, question("2", "2", "2")).outcome == outcome::failed);
    CHECK(two.call(verb::grant, {}, {{"cluster", "x"}}).text == "the request's field cluster is no number");
}

TEST_CASE("arbitrator-disk: a device that is not one, or is broken, has no answer") {
    const test::scratch dir;
    test::host_process host(on(dir / "tie"));
    auto gone = host.call(verb::grant, {}, question("1", "1", "1"));
    CHECK(gone.outcome == outcome::unknown);
    CHECK_THAT(gone.text, Contains("No such file"));
    test::write_file(dir / "tie", std::string(1 << 20, 'x'));
    CHECK_THAT(host.call(verb::grant, {}, question("1", "1", "1")).text, Contains("does not start as it should"));

    // What looks used is not made new by accident.
    auto refused = arbitrator::format_device({dir / "tie", store_id{5}});
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, Contains("--force"));
    REQUIRE(arbitrator::format_device({.path = dir / "tie", .store = store_id{5}, .force = true}));
    CHECK_FALSE(arbitrator::format_device({dir / "tie", store_id{6}}));
    test::write_file(dir / "small", "");
    CHECK_THAT(arbitrator::format_device({dir / "small", store_id{5}}).error().message, Contains("are needed"));
    CHECK_THAT(arbitrator::format_device({dir.path(), store_id{5}}).error().message, Contains("neither"));

    CHECK(host.call(verb::told, {}, question("1", "", "1")).outcome == outcome::ok);
    int fd = ::open((dir / "tie").c_str(), O_WRONLY | O_CLOEXEC);
    REQUIRE(::pwrite(fd, "?", 1, static_cast<off_t>(arbitrator::slot_offset(40)) + 12) == 1);
    ::close(fd);
    auto damaged = host.call(verb::grant, {}, question("1", "1", "1"));
    CHECK(damaged.outcome == outcome::unknown);
    CHECK_THAT(damaged.text, Contains("slot 40") && Contains("wrong checksum"));
}
