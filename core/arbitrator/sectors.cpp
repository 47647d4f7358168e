#include "arbitrator/sectors.hpp"

#include <algorithm>
#include <map>

namespace mainstay::arbitrator {

namespace {

constexpr std::string_view head_magic = "MSARBHD1";
constexpr std::string_view slot_magic = "MSARBSL1";
constexpr std::size_t magic_bytes = 8;
constexpr std::size_t size_bytes = 2;
constexpr std::size_t crc_bytes = 4;
constexpr std::size_t payload_max = atomic_bytes - magic_bytes - size_bytes - crc_bytes;

std::uint32_t crc32(std::string_view data) {
    std::uint32_t crc = 0xffffffffU;
    for (char c : data) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
    }
    return ~crc;
}

void put_little(bytes& out, std::uint32_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

std::uint32_t get_little(std::string_view data) {
    std::uint32_t value = 0;
    for (std::size_t i = data.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(data[i]);
    return value;
}

// magic | size of the payload, 2 bytes | payload | CRC-32 of all before | zeros
std::optional<bytes> block_of(std::string_view magic, const bytes& payload) {
    if (payload.size() > payload_max) return std::nullopt;
    bytes out(magic);
    put_little(out, static_cast<std::uint32_t>(payload.size()), size_bytes);
    out += payload;
    put_little(out, crc32(out), crc_bytes);
    out.resize(block_bytes, '\0');
    return out;
}

result<std::string_view> payload_of(std::string_view magic, std::string_view block) {
    if (block.size() != block_bytes) return fail("is not a whole block");
    if (block.substr(0, magic_bytes) != magic) {
        bool blank = block.find_first_not_of('\0') == std::string_view::npos;
        return fail(blank ? "is blank" : "does not start as it should");
    }
    std::size_t size = get_little(block.substr(magic_bytes, size_bytes));
    if (size > payload_max) return fail("gives an impossible length");
    auto before = magic_bytes + size_bytes + size;
    if (get_little(block.substr(before, crc_bytes)) != crc32(block.substr(0, before)))
        return fail("has a wrong checksum");
    return block.substr(magic_bytes + size_bytes, size);
}

bool is_sound(const disk_slot& slot) {
    std::uint64_t before = 0;
    for (const auto& item : slot.entries) {
        const auto& proposal = item.proposal;
        bool accepted = item.accepted != ballot{};
        consensus::arbiter_record one{{}, store_id{1}, 0, {proposal}};
        bool whole = proposal.version > before && proposal.version >= slot.floor && item.promised >= item.accepted &&
                     item.promised != ballot{} && (!accepted || consensus::is_sound(one));
        if (!whole) return false;
        before = proposal.version;
    }
    return true;
}

}  // namespace

bytes head_block(const disk_head& head) { return block_of(head_magic, encode(head)).value_or(bytes{}); }

std::optional<bytes> slot_block(const disk_slot& slot) { return block_of(slot_magic, encode(slot)); }

result<disk_head> read_head(std::string_view block) {
    auto payload = payload_of(head_magic, block);
    if (!payload) return tl::make_unexpected(payload.error());
    auto head = decode<disk_head>(*payload);
    if (!head || !head->store || head->slots == 0 || head->slots > slots_max) return fail("makes no sense");
    return *head;
}

result<disk_slot> read_slot(std::string_view block, const disk_head& head, std::uint32_t slot) {
    auto payload = payload_of(slot_magic, block);
    if (!payload) return tl::make_unexpected(payload.error());
    auto read = decode<disk_slot>(*payload);
    if (!read || !is_sound(*read)) return fail("makes no sense");
    if (read->store != head.store) return fail("is from before the device was formatted");
    if (read->owner.value != slot) return fail("belongs into another place");
    return *read;
}

result<consensus::arbiter_record> read_record(std::string_view device) {
    auto head = read_head(device.substr(0, block_bytes));
    if (!head) return fail("the head " + head.error().message);
    consensus::arbiter_record out{head->cluster, head->store, 0, {}};
    std::map<std::uint64_t, const disk_entry*> newest;
    std::vector<disk_slot> slots;
    slots.reserve(head->slots);
    for (std::uint32_t i = 0; i < head->slots; ++i) {
        auto block =
            device.size() < device_bytes(head->slots) ? std::string_view{} : device.substr(slot_offset(i), block_bytes);
        auto slot = read_slot(block, *head, i);
        if (!slot) return fail("slot " + std::to_string(i) + " " + slot.error().message);
        out.floor = std::max(out.floor, slot->floor);
        slots.push_back(std::move(*slot));
    }
    for (const auto& slot : slots) {
        for (const auto& item : slot.entries) {
            if (item.accepted == ballot{} || item.proposal.version < out.floor) continue;
            auto& best = newest[item.proposal.version];
            if (best == nullptr || best->accepted < item.accepted) best = &item;
        }
    }
    for (const auto& [version, item] : newest) out.grants.push_back(item->proposal);
    return out;
}

bytes format_image(const disk_head& head) {
    bytes out = head_block(head);
    for (std::uint32_t i = 0; i < head.slots; ++i) {
        disk_slot slot;
        slot.store = head.store;
        slot.owner = node_id{i};
        out += slot_block(slot).value_or(bytes{});
    }
    return out;
}

}  // namespace mainstay::arbitrator
