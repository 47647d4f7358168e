// The records of mainstay-arbitrator on disk: one small file for each cluster, written anew and synced
// for every change, before anybody hears of it.
#pragma once

#include <map>
#include <string>

#include "arbitrator/message.hpp"

namespace mainstay::arbitrator {

struct kept_record {
    consensus::arbiter_record record;
    std::string key;  // id of the key that made it: no other may use it
    static void fields(auto& self, auto&& visit) {
        visit("record", self.record);
        visit("key", self.key);
    }
};

class records {
public:
    // Reads all of the directory. A file that is damaged is an error that names it and the remedy: what it
    // held can't be guessed.
    [[nodiscard]] static result<records> open(const std::string& directory);

    [[nodiscard]] const std::map<cluster_id, kept_record>& all() const { return all_; }
    // Durable when it returns; after an error nothing is known, the program has to end.
    [[nodiscard]] result<void> save(const kept_record& item);

private:
    std::string directory_;
    std::map<cluster_id, kept_record> all_;
};

}  // namespace mainstay::arbitrator
