// Writes inputs to begin with: one of every kind of datagram, entry and command there is, every member filled in.
//     fuzz_seeds DIRECTORY
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "cluster/commands.hpp"
#include "cluster/state.hpp"
#include "node/wire.hpp"

namespace {

using namespace mainstay;

template <class T>
concept structure = codec::structure<T>;

struct filler {
    std::string name;  // of the member being filled

    void text(std::string& out) const {
        bool node = name.find("node") != std::string::npos;
        out = node ? "n2" : name == "package" ? "p1" : name == "data" ? "" : "text";
    }
    template <class T>
    void fill(T& out) {
        if constexpr (std::is_same_v<T, std::string>) {
            text(out);
        } else if constexpr (std::is_arithmetic_v<T>) {
            out = static_cast<T>(1);
        } else if constexpr (std::is_enum_v<T>) {
            out = static_cast<T>(0);
        } else if constexpr (structure<T>) {
            T::fields(out, [this](const char* member, auto& value) {
                filler inner{member};
                inner.fill(value);
            });
        } else {
            container(out);
        }
    }
    template <class T>
    void container(T& out) {
        if constexpr (requires { out.value; }) {
            fill(out.value);
        } else if constexpr (requires {
                                 out.first;
                                 out.second;
                             }) {
            fill(out.first);
            fill(out.second);
        } else if constexpr (requires { out.emplace_back(); }) {
            fill(out.emplace_back());
        } else if constexpr (requires { out.emplace().value_or(1); }) {
            fill(out.emplace());
        } else if constexpr (requires { out.has_value(); }) {
            fill(out.emplace());
        }
    }
};

std::filesystem::path folder;
int written = 0;

void write(const char* kind, const bytes& data) {
    std::filesystem::create_directories(folder / kind);
    std::ofstream(folder / kind / std::to_string(++written), std::ios::binary) << data;
}

template <class Variant, class Take>
void each_alternative(Take take) {
    [&]<std::size_t... i>(std::index_sequence<i...>) {
        (
            [&] {
                Variant value(std::in_place_index<i>);
                filler inner;
                inner.fill(std::get<i>(value));
                take(std::move(value));
            }(),
            ...);
    }
    (std::make_index_sequence<std::variant_size_v<Variant>>{});
}

void write_entry(const bytes& data) {
    if (data.size() < 256) write("entries", static_cast<char>(data.size()) + data);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    folder = argv[1];
    each_alternative<node::wire_body>([](node::wire_body body) {
        node::envelope whole{cluster_id{77}, node_id{2}, {1, 1}, 0, std::move(body)};
        auto data = encode(whole);
        write("datagram", data);
        node::append_send_time(data, time_point{duration{1'000'000}});
        write("datagram", data);
    });
    each_alternative<consensus::message>([](consensus::message body) {
        write("datagram", encode(node::envelope{cluster_id{77}, node_id{2}, {1, 1}, 0, std::move(body)}));
    });
    each_alternative<consensus::entry_body>([](consensus::entry_body body) {
        write_entry(encode(consensus::entry{{1, node_id{1}}, std::move(body)}));
    });
    each_alternative<cluster::command_body>([](cluster::command_body body) {
        cluster::command item;
        item.actor = "root@n1";
        item.body = std::move(body);
        write_entry(encode(item));
    });
    cluster::state state;
    write("snapshot", encode(state));
    return 0;
}
