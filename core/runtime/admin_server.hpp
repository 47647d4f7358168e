// The administration socket (D13): JSON-RPC 2.0, one text per line, on RUN_DIR/admin.sock. Framing,
// limits, who may; the methods are in admin_methods.hpp. docs/reference/admin-api.md is the contract.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "model/result.hpp"
#include "runtime/admin_backend.hpp"

namespace boost::asio {
class io_context;
}

namespace mainstay::runtime {

class admin_server {
public:
    // Makes the socket anew; only the daemon's own user and root may talk to it.
    [[nodiscard]] static result<std::unique_ptr<admin_server>> open(boost::asio::io_context& loop,
                                                                    const std::string& path, admin_backend& backend);
    ~admin_server();
    // An applied entry, for everyone who watches.
    void happened(const node::happened& item);

private:
    struct body;
    explicit admin_server(std::unique_ptr<body> made);
    std::unique_ptr<body> body_;
};

}  // namespace mainstay::runtime
