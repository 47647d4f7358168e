// Where the parts of a node leave what they want done. Ordered; nothing happens inside a step.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "node/io.hpp"

namespace mainstay::node {

class effects {
public:
    // Requests of different daemon lives never share a number: the guard may still know old ones.
    void start_life(boot_id boot) { next_ = (std::uint64_t{boot.incarnation} << 32) + 1; }

    template <class Output>
    void add(Output item) {
        if (out_.empty()) out_.reserve(4);  // a turn's usual few
        out_.emplace_back(std::move(item));
    }
    [[nodiscard]] request_id new_request() { return request_id{next_++}; }
    void say(std::string severity, std::string text) { add(trace{std::move(severity), std::move(text)}); }
    [[nodiscard]] std::vector<output> take() { return std::exchange(out_, {}); }

    static void fields(auto& self, auto&& visit) {
        visit("next", self.next_);
        visit("out", self.out_);
    }

private:
    std::uint64_t next_ = 1;
    std::vector<output> out_;
};

}  // namespace mainstay::node
