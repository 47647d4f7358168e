// Compares canonical texts line by line: what is not printed makes no difference.
#include "model/difference.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "model/print.hpp"

namespace mainstay {

namespace {

struct line {
    std::string under;  // the lines it is indented below, one after the other
    std::string keyword;
    std::string value;
    [[nodiscard]] std::string whole() const { return keyword + ' ' + value; }
    [[nodiscard]] std::string path() const { return under + whole() + '\n'; }
};

std::vector<line> lines_of(const std::string& text) {
    std::vector<line> out;
    std::vector<std::pair<std::size_t, std::string>> parents;  // indentation, line
    std::size_t begin = 0;
    while (begin < text.size()) {
        auto end = text.find('\n', begin);
        auto written = text.substr(begin, end - begin);
        begin = end == std::string::npos ? text.size() : end + 1;
        auto indent = written.find_first_not_of(' ');
        if (indent == std::string::npos) {
            parents.clear();
            continue;
        }
        auto blank = written.find(' ', indent);
        auto value = blank == std::string::npos ? blank : written.find_first_not_of(' ', blank);
        line item;
        item.keyword = written.substr(indent, blank - indent);
        if (value != std::string::npos) item.value = written.substr(value);
        while (!parents.empty() && parents.back().first >= indent) parents.pop_back();
        for (const auto& [column, parent] : parents) item.under += parent + '\n';
        parents.emplace_back(indent, item.whole());
        out.push_back(std::move(item));
    }
    return out;
}

// Of what one text has and the other has not: nothing below a line that is missing itself.
std::vector<line> missing(const std::vector<line>& from, const std::vector<line>& in) {
    std::map<std::string, int> there;
    for (const auto& item : in) ++there[item.path()];
    std::set<std::string> gone;
    std::vector<line> out;
    for (const auto& item : from) {
        if (there[item.path()]-- > 0) continue;
        gone.insert(item.path());
        bool below = std::any_of(gone.begin(), gone.end(),
                                 [&](const auto& parent) { return !parent.empty() && item.under.starts_with(parent); });
        if (!below) out.push_back(item);
    }
    return out;
}

// node_name n1 -> node n1
std::string without_name(const std::string& header) {
    auto blank = header.find(' ');
    auto keyword = header.substr(0, blank);
    constexpr std::string_view suffix = "_name";
    if (!keyword.ends_with(suffix)) return header;
    return keyword.substr(0, keyword.size() - suffix.size()) + header.substr(blank);
}

class comparison {
public:
    comparison(std::string subject, std::vector<std::string>& out) : subject_(std::move(subject)), out_(out) {}

    void run(const std::string& before, const std::string& after) {
        if (before == after) return;
        auto old = lines_of(before);
        auto fresh = lines_of(after);
        auto removed = missing(old, fresh);
        auto added = missing(fresh, old);
        if (removed.empty() && added.empty()) return out_.push_back(subject_ + ": the same lines in another order");
        for (const auto& item : removed) {
            auto pair = std::find_if(added.begin(), added.end(), [&](const auto& other) {
                return other.keyword == item.keyword && other.under == item.under && !is_header(item);
            });
            if (pair == added.end()) {
                say(item, " removed");
            } else {
                say(item, " -> " + pair->value);
                added.erase(pair);
            }
        }
        for (const auto& item : added) say(item, " added");
    }

private:
    // Names something of its own: another name is another thing.
    static bool is_header(const line& item) { return item.keyword.ends_with("_name"); }

    // `node n1: power_source ups added`; `package web: service probe: service_restart 1 -> 3`
    void say(const line& item, const std::string& what) {
        std::string text;
        std::size_t begin = 0;
        for (auto end = item.under.find('\n'); end != std::string::npos; end = item.under.find('\n', begin)) {
            text += without_name(item.under.substr(begin, end - begin)) + ": ";
            begin = end + 1;
        }
        bool own = subject_ == "cluster" && (!text.empty() || is_header(item));
        auto told = is_header(item) ? without_name(item.whole()) + (own && text.empty() ? ":" : "") : item.whole();
        out_.push_back((own ? "" : subject_ + ": ") + text + told + what);
    }

    std::string subject_;
    std::vector<std::string>& out_;
};

const package_config* find(const configuration& in, const std::string& name) {
    for (const auto& item : in.packages)
        if (item.name == name) return &item;
    return nullptr;
}

}  // namespace

std::vector<std::string> difference(const configuration& before, const configuration& after) {
    std::vector<std::string> out;
    comparison("cluster", out).run(print_cluster(before.cluster), print_cluster(after.cluster));
    std::vector<std::string> kept_before;
    std::vector<std::string> kept_after;
    for (const auto& item : after.packages) {
        const auto* known = find(before, item.name);
        if (known == nullptr) {
            out.push_back("package " + item.name + ": added");
            continue;
        }
        kept_after.push_back(item.name);
        comparison("package " + item.name, out).run(print_package(*known), print_package(item));
    }
    for (const auto& item : before.packages) {
        if (find(after, item.name) == nullptr) {
            out.push_back("package " + item.name + ": removed");
        } else {
            kept_before.push_back(item.name);
        }
    }
    if (kept_before != kept_after) out.emplace_back("packages: the same ones in another order");
    return out;
}

}  // namespace mainstay
