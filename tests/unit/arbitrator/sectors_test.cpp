// The blocks of an arbitrator's device: what is written is read, and whatever is damaged is refused.
#include "arbitrator/sectors.hpp"

#include <catch2/catch.hpp>

using namespace mainstay;
using namespace mainstay::arbitrator;

namespace {

disk_slot busy_slot() {
    disk_slot slot{store_id{5}, cluster_id{7}, node_id{2}, 9, 3, {}};
    slot.entries.push_back({{4, node_id{2}}, {3, node_id{1}}, {3, {8, node_id{1}}, {node_id{1}, node_id{2}}}});
    slot.entries.push_back({{1, node_id{2}}, {}, {4, {}, {}}});
    return slot;
}

const disk_head head{cluster_id{7}, store_id{5}, 4};

}  // namespace

TEST_CASE("head and slots are read as they were written, and fit into one sector") {
    auto block = head_block(head);
    CHECK(block.size() == block_bytes);
    CHECK(read_head(block).value() == head);
    auto slot = slot_block(busy_slot());
    REQUIRE(slot);
    CHECK(slot->size() == block_bytes);
    CHECK(slot->find_last_not_of('\0') < atomic_bytes);
    CHECK(read_slot(*slot, head, 2).value() == busy_slot());
}

TEST_CASE("the largest slot there can be fits") {
    disk_slot slot{store_id{~0ULL}, cluster_id{~0ULL}, node_id{127}, ~0ULL, 1'000'000, {}};
    for (std::uint64_t i = 0; i < consensus::arbiter_record::grants_max; ++i) {
        // Seven voters at most: halves of three.
        std::vector<node_id> half{node_id{125}, node_id{126}, node_id{127}};
        slot.entries.push_back(
            {{1'000'000, node_id{127}}, {1'000'000, node_id{127}}, {1'000'000 + i, {1'000'000, node_id{127}}, half}});
    }
    CHECK(slot_block(slot));
    for (auto& item : slot.entries) item.proposal.half.resize(16, node_id{4'000'000'000});
    CHECK_FALSE(slot_block(slot));
}

TEST_CASE("every flipped bit and every cut is found") {
    auto block = *slot_block(busy_slot());
    auto used = block.find_last_not_of('\0') + 1;
    for (std::size_t i = 0; i < used * 8; ++i) {
        auto bad = block;
        bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
        CHECK_FALSE(read_slot(bad, head, 2));
    }
    CHECK_FALSE(read_slot(block.substr(0, 512), head, 2));
    CHECK_FALSE(read_slot({}, head, 2));
    auto head_bytes = head_block(head);
    for (std::size_t i = 0; i < head_bytes.find_last_not_of('\0') * 8; ++i) {
        auto bad = head_bytes;
        bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
        CHECK_FALSE(read_head(bad));
    }
}

TEST_CASE("a write that was torn is the former one, the new one, or refused") {
    auto former = busy_slot();
    auto longer = former;
    ++longer.sequence;
    longer.entries.push_back({{5, node_id{2}}, {5, node_id{2}}, {6, {9, node_id{2}}, {node_id{2}}}});
    auto shorter = former;
    ++shorter.sequence;
    shorter.entries.pop_back();
    for (const auto& next : {longer, shorter}) {
        auto before = *slot_block(former);
        auto after = *slot_block(next);
        // The power went when so many bytes had arrived, from the front or, as some disks do, from the back.
        for (std::size_t cut = 0; cut <= atomic_bytes; ++cut) {
            for (const auto& torn :
                 {after.substr(0, cut) + before.substr(cut), before.substr(0, cut) + after.substr(cut)}) {
                auto seen = read_slot(torn, head, 2);
                if (seen) CHECK((*seen == former || *seen == next));
            }
        }
    }
}

TEST_CASE("a bad block says what is wrong with it") {
    auto why = [](std::string_view block, const disk_head& of, std::uint32_t slot) {
        auto read = read_slot(block, of, slot);
        return read ? std::string() : read.error().message;
    };
    auto block = *slot_block(busy_slot());
    CHECK(why(bytes(block_bytes, '\0'), head, 2) == "is blank");
    CHECK(why(bytes(block_bytes, 'x'), head, 2) == "does not start as it should");
    CHECK(why(block, head, 3) == "belongs into another place");
    CHECK(why(block, {cluster_id{7}, store_id{6}, 4}, 2) == "is from before the device was formatted");
    block[20] = static_cast<char>(block[20] + 1);
    CHECK(why(block, head, 2) == "has a wrong checksum");
    auto odd = busy_slot();
    std::swap(odd.entries[0], odd.entries[1]);
    CHECK(why(*slot_block(odd), head, 2) == "makes no sense");
    CHECK(read_head(head_block({cluster_id{}, store_id{}, 4})).error().message == "makes no sense");
}

TEST_CASE("a formatted device is readable from end to end") {
    disk_head fresh{cluster_id{}, store_id{5}, 8};
    auto image = format_image(fresh);
    REQUIRE(image.size() == device_bytes(8));
    CHECK(read_head(std::string_view(image).substr(0, block_bytes)).value() == fresh);
    for (std::uint32_t i = 0; i < 8; ++i) {
        auto slot = read_slot(std::string_view(image).substr(slot_offset(i), block_bytes), fresh, i);
        REQUIRE(slot);
        CHECK(slot->sequence == 0);
        CHECK_FALSE(slot->cluster);
    }
}
