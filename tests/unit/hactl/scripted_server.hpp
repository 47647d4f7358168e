// The other end of hactl's socket, playing a script: for each expected request it checks the method
// and sends the given bytes, piece by piece.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "hactl/cli.hpp"

namespace mainstay::hactl::testing {

struct exchange {
    std::string method;               // expected; empty = read nothing
    std::vector<std::string> pieces;  // sent one after the other; "@ID" becomes the request's id
};

class scripted_server {
public:
    explicit scripted_server(std::vector<exchange> script);
    ~scripted_server();
    scripted_server(const scripted_server&) = delete;
    scripted_server& operator=(const scripted_server&) = delete;

    // hactl's end; once.
    [[nodiscard]] connection connect();
    // What was asked, one JSON text each; call after the command has ended.
    [[nodiscard]] std::vector<std::string> requests();

private:
    void play(std::vector<exchange> script);

    int client_ = -1;
    int server_ = -1;
    std::vector<std::string> requests_;
    std::thread thread_;
};

// A whole command against a script. `out` and `err` are what it printed.
struct outcome {
    exit_code code;
    std::string out;
    std::string err;
    std::vector<std::string> requests;
};
[[nodiscard]] outcome run_command(const std::vector<std::string>& arguments, std::vector<exchange> script = {},
                                  const std::string& config_dir = "/nonexistent");

}  // namespace mainstay::hactl::testing
