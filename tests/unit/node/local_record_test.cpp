// The form of the local record on disk, as this version and feature level 1 write it.
#include "node/local_record.hpp"

#include <catch2/catch.hpp>

using namespace mainstay;
using namespace mainstay::node;

namespace {

// As feature level 1 had it.
struct old_record {
    struct active {
        mainstay::generation generation;
        std::uint32_t machine = 0;
        runner_phase phase = runner_phase::starting;
        static void fields(auto& self, auto&& visit) {
            visit("generation", self.generation);
            visit("machine", self.machine);
            visit("phase", self.phase);
        }
    };
    std::map<std::string, active> packages;
    std::optional<cluster_membership> joined;
    static void fields(auto& self, auto&& visit) {
        visit("packages", self.packages);
        visit("joined", self.joined);
    }
};

old_record old() {
    old_record out;
    out.packages["db"] = {generation{7}, 2, runner_phase::running};
    out.packages["web"] = {generation{3}, 2, runner_phase::halting};
    out.joined = cluster_membership{cluster_id{99}, node_id{2}, {{node_id{1}, "n1"}}};
    return out;
}

}  // namespace

TEST_CASE("a record of feature level 1 is read as it was meant") {
    auto back = read_stored_form(encode(old()));
    REQUIRE(back);
    REQUIRE(back->packages.size() == 2);
    CHECK(back->packages.at("db").generation == generation{7});
    CHECK(back->packages.at("db").machine == 2);
    CHECK(back->packages.at("db").phase == runner_phase::running);
    CHECK(back->packages.at("db").parts.empty());
    CHECK(back->packages.at("web").phase == runner_phase::halting);
    REQUIRE(back->joined);
    CHECK(back->joined->names.at(0).second == "n1");
}

TEST_CASE("without anything of scripts the bytes are those of feature level 1") {
    auto record = read_stored_form(encode(old()));
    REQUIRE(record);
    CHECK(stored_form(*record) == encode(old()));
    CHECK(stored_form({}) == encode(old_record{}));
}

TEST_CASE("what scripts have begun comes back") {
    auto record = read_stored_form(encode(old()));
    REQUIRE(record);
    record->packages["db"].parts.services["db_s"] = {"/bin/db -x", std::nullopt, 0};
    record->packages["db"].parts.services["db_t"] = {"/bin/t", 3, 2};
    record->packages["db"].parts.addresses["10.0.0.9"] = "10.0.0.0/24";
    auto bytes = stored_form(*record);
    auto back = read_stored_form(bytes);
    REQUIRE(back);
    CHECK(back->packages.at("db").parts == record->packages.at("db").parts);
    CHECK(back->packages.at("web").parts.empty());
    for (std::size_t size = encode(old()).size() + 1; size < bytes.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(read_stored_form(bytes.substr(0, size)));
    }
    CHECK_FALSE(read_stored_form(bytes + "x"));
}

TEST_CASE("what of its configuration a generation has begun comes back, an empty list too") {
    auto record = read_stored_form(encode(old()));
    REQUIRE(record);
    CHECK_FALSE(record->packages["db"].own);
    record->packages["db"].own = own_parts{};
    record->packages["web"].own = own_parts{{{"web_s", "/bin/web", duration{2'000'000}, true}},
                                            {{"10.0.0.9", "10.0.0.0/24", true}, {"10.0.0.8", "10.0.0.0/24", false}}};
    auto bytes = stored_form(*record);
    auto back = read_stored_form(bytes);
    REQUIRE(back);
    CHECK(back->packages.at("db").own == own_parts{});
    CHECK(back->packages.at("web").own == record->packages.at("web").own);
    record->packages["db"].own.reset();
    record->packages["db"].parts.addresses["10.0.0.7"] = "10.0.0.0/24";
    back = read_stored_form(stored_form(*record));
    REQUIRE(back);
    CHECK_FALSE(back->packages.at("db").own);
    CHECK(back->packages.at("db").parts == record->packages.at("db").parts);
}

TEST_CASE("scripts of a generation and what it was started without come back; before, the bytes are those of level 3") {
    auto record = read_stored_form(encode(old()));
    REQUIRE(record);
    record->packages["web"].own = own_parts{{}, {{"10.0.0.9", "10.0.0.0/24", true}}, std::nullopt};
    auto before = stored_form(*record);
    record->packages["web"].own->scripts = {{"/p/a", false, true}, {"/p/b", true, false}};
    record->packages["db"].only = {package_step::address, package_step::service};
    auto bytes = stored_form(*record);
    CHECK(bytes.starts_with(before));
    auto back = read_stored_form(bytes);
    REQUIRE(back);
    CHECK(back->packages.at("web").own == record->packages.at("web").own);
    CHECK(back->packages.at("web").only.empty());
    CHECK(back->packages.at("db").only == record->packages.at("db").only);
    CHECK_FALSE(back->packages.at("db").own);
    for (std::size_t size = before.size() + 1; size < bytes.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(read_stored_form(bytes.substr(0, size)));
    }
}

TEST_CASE("storage of a generation comes back, an empty list too, behind all that was there before") {
    auto record = read_stored_form(encode(old()));
    REQUIRE(record);
    record->packages["web"].own = own_parts{{}, {{"10.0.0.9", "10.0.0.0/24", true}}, std::nullopt, std::nullopt};
    auto before = stored_form(*record);
    record->packages["web"].own->stored = {{"vg01", true, true}, {"/srv", false, false}};
    record->packages["db"].own = own_parts{};
    record->packages["db"].own->stored.emplace();
    auto bytes = stored_form(*record);
    auto back = read_stored_form(bytes);
    REQUIRE(back);
    CHECK(back->packages.at("web").own == record->packages.at("web").own);
    CHECK(back->packages.at("db").own == record->packages.at("db").own);
    record->packages["web"].own->stored.reset();
    record->packages["db"].own.reset();
    CHECK(stored_form(*record) == before);
    back = read_stored_form(before);
    REQUIRE(back);
    CHECK_FALSE(back->packages.at("web").own->stored);
    CHECK_FALSE(read_stored_form(bytes.substr(0, bytes.size() - 1)));
}
