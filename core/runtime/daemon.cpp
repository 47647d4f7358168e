#include <utility>

#include "runtime/daemon.hpp"

#include <sodium.h>
#include <sys/mman.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>

#include "guard/reset.hpp"
#include "model/text.hpp"
#include "runtime/admin_server.hpp"
#include "runtime/clock.hpp"
#include "runtime/configuration_files.hpp"
#include "runtime/links.hpp"
#include "runtime/plugin_hosts.hpp"
#include "runtime/processes.hpp"
#include "runtime/program_surveys.hpp"
#include "runtime/script_validations.hpp"
#include "runtime/store.hpp"
#include "runtime/subnet_watch.hpp"

namespace mainstay::runtime {

namespace asio = boost::asio;

namespace {

// One line per event on standard error; the guard writes it to the daemon's log.
void log_line(const std::string& severity, const std::string& text) {
    auto now = wall_now().us;
    auto seconds = static_cast<std::time_t>(now / 1'000'000);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    char stamp[40];
    auto size = std::strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &parts);
    std::fprintf(stderr, "%.*s.%03d %s: %s\n", static_cast<int>(size), stamp, static_cast<int>(now / 1000 % 1000),
                 severity.c_str(), text.c_str());
}

result<std::string> read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(path + ": " + std::strerror(errno));
    return std::string(std::istreambuf_iterator<char>(in), {});
}

class daemon final : public admin_backend {
public:
    explicit daemon(options chosen)
        : options_(std::move(chosen)), timer_(loop_), guard_socket_(loop_), signals_(loop_) {}

    int run() {
        auto ready = prepare();
        if (!ready) {
            log_line("error", ready.error().message);
            return 1;
        }
        loop_.run();
        admin_.reset();
        links_.reset();
        store_.reset();
        return exit_code_;
    }

    // ---- for the administration API ----
    [[nodiscard]] const node::node& core() const override { return *node_; }
    [[nodiscard]] std::vector<link_status> links() const override { return links_->status(); }
    [[nodiscard]] const std::string& plugin_dir() const override { return options_.plugin_dir; }
    void list_plugins(plugin_catalog::handler done) override { catalog_->list(std::move(done)); }
    void look_at_programs(const std::map<std::string, std::vector<std::string>>& where, looks_handler done) override {
        std::vector<std::string> silent;
        for (const auto& [name, paths] : where)
            if (!node_->hears(name, boot_now())) silent.push_back(name);
        surveys_->begin(where, silent, std::move(done));
    }
    void validate_scripts(const std::vector<script_to_validate>& scripts, validations_handler done) override {
        std::map<std::string, std::string> left_out;
        for (const auto& script : scripts)
            for (const auto& name : script.nodes)
                if (auto why = against_validation_on(name); !why.empty()) left_out[name] = why;
        validations_->begin(scripts, left_out, std::move(done));
    }
    [[nodiscard]] std::string initial_problem() const override { return initial_problem_; }
    void ask(node::admin_body body, const std::string& actor, duration patience, progress_handler progress,
             done_handler done) override {
        auto id = next_admin_++;
        waiting_[id] = {std::move(progress), std::move(done)};
        feed(node::admin_call{id, actor, patience, std::move(body)});
    }

private:
    // D2: an older version does not know the question.
    [[nodiscard]] std::string against_validation_on(const std::string& name) const {
        if (!node_->hears(name, boot_now())) return "it is not heard";
        const auto& state = node_->state();
        auto found = state.nodes.find(state.find_node(name));
        bool old = found != state.nodes.end() && found->second.boot &&
                   found->second.feature_level < cluster::validations_level;
        return old && name != node_->name() ? "its version can't do that yet" : "";
    }

    result<void> prepare() {
        if (sodium_init() < 0) return fail("libsodium does not start");
        if (options_.guard_fd < 0) return fail("mainstayd is started by mainstay-guard, which gives it --guard-fd");
        auto key = secret::read_key_file(options_.config_dir + "/key");
        if (!key) return tl::make_unexpected(key.error());
        auto kernel = read_file("/proc/sys/kernel/random/boot_id");
        if (!kernel) return tl::make_unexpected(kernel.error());
        auto opened = store::open(options_.state_dir, *kernel);
        if (!opened) return tl::make_unexpected(opened.error());
        store_ = std::move(*opened);
        // Pages are locked as they are touched: a small daemon stays small.
        if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
            log_line("warning",
                     std::string("memory is not locked, swapping may delay this node: ") + std::strerror(errno));
        start_guard();
        start_links(*key);
        start_store();
        start_subnets();
        start_surveys();
        start_node();
        auto admin = admin_server::open(loop_, admin_socket(), *this);
        if (!admin) return tl::make_unexpected(admin.error());
        admin_ = std::move(*admin);
        watch_signals();
        return {};
    }

    [[nodiscard]] std::string admin_socket() const { return options_.run_dir + "/admin.sock"; }

    void start_guard() {
        processes::events calls;
        calls.hello = [this](const guard::guard_hello& item) {
            node::guard_hello out;
            out.lease_end = item.lease_end;
            out.detached = item.detached;
            for (const auto& living : item.living) out.living.push_back({living.request, living.package, living.label});
            feed(std::move(out));
        };
        calls.exited = [this](node::process_exited item) {
            if (!validations_->ended(item)) feed(std::move(item));
        };
        calls.host_started = [this](request_id id, guard::unique_fd socket) {
            if (!catalog_->is_of(id)) return hosts_->host_started(id, std::move(socket));
            catalog_->host_started(std::move(socket));
        };
        calls.host_ended = [this](request_id id, const std::string& why) {
            catalog_->is_of(id) ? catalog_->host_ended() : hosts_->host_ended(id, why);
        };
        calls.call_ended = [this](request_id call) { hosts_->call_ended(call); };
        calls.cleared = [this](node::package_cleared item) { feed(std::move(item)); };
        calls.watchdog = [this](const guard::watchdog_is& item) {
            if (!item.trouble.empty()) log_line("error", "watchdog: " + item.trouble);
            feed(node::watchdog_armed{item.timeout, item.trouble});
        };
        calls.lost = [this] {
            log_line("error", "the guard is gone");
            fail_node();
            stop(3);
        };
        guard_ = std::make_unique<processes>(options_.guard_fd, std::move(calls));
        // The client owns the descriptor; Asio watches a copy of it.
        guard_socket_.assign(::dup(guard_->fd()));
        watch_guard();
        auto new_request = [this] { return new_host_request(); };
        catalog_ = std::make_unique<plugin_catalog>(loop_, options_.plugin_host, options_.plugin_dir,
                                                    options_.log_dir + "/plugin-describe.log", *guard_, new_request);
        hosts_ = std::make_unique<plugin_hosts>(
            loop_, host_setup{options_.node, options_.plugin_dir, options_.plugin_host, options_.log_dir}, *guard_,
            new_request, [this](node::plugin_answer item) { feed(std::move(item)); },
            [this](node::plugin_event item) { feed(std::move(item)); }, log_line);
    }

    // Of processes that the core does not know.
    request_id new_host_request() {
        return request_id{(std::uint64_t{store_->identity().boot.incarnation} << 32) + (1U << 31) + next_host_++};
    }

    // D9: without its guard nobody ends in time what runs here; the node fails on purpose.
    void fail_node() const {
        if (!node_ || node_->runners().empty()) return;
        guard::node_resetter resetter({options_.reset_command, options_.allow_reboot});
        auto done = resetter.reset("the guard is gone", boot_now().time_since_epoch().count());
        log_line("error", done ? *done : done.error().message);
    }

    void watch_guard() {
        guard_socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                                 [this](const boost::system::error_code& error) {
                                     if (error) return;
                                     guard_->readable();
                                     if (!loop_.stopped()) watch_guard();
                                 });
    }

    void flush_guard() {
        if (!guard_->wants_write() || flushing_) return;
        flushing_ = true;
        guard_socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                                 [this](const boost::system::error_code& error) {
                                     flushing_ = false;
                                     if (error) return;
                                     guard_->writable();
                                     flush_guard();
                                 });
    }

    void start_links(const seal_key& key) {
        auto received = [this](std::vector<node::datagram> list) {
            asio::post(loop_, [this, list = std::move(list)]() mutable {
                for (auto& item : list) feed(std::move(item));
            });
        };
        auto log = [this](const std::string& severity, const std::string& text) {
            asio::post(loop_, [severity, text] { log_line(severity, text); });
        };
        auto seen = [this](node::links_seen item) {
            asio::post(loop_, [this, item = std::move(item)]() mutable { feed(std::move(item)); });
        };
        links_ = std::make_unique<runtime::links>(options_.node, key, options_.plugin_dir, received, seen, log);
    }

    void start_store() {
        store_->start([this](std::uint64_t count) { asio::post(loop_, [this, count] { feed(node::stored{count}); }); },
                      [this](const std::string& why) {
                          asio::post(loop_, [this, why] {
                              // A failed sync is never tried again: what the page cache holds may not be on the disk.
                              log_line("error", "the store failed: " + why);
                              // SG 7.4: what is detached needs no store, and the next daemon finds out whether it
                              // works.
                              if (!node_ || !node_->unbound()) guard_->reset("the store failed: " + why);
                              stop(4);
                          });
                      });
    }

    // Posted: what the kernel says may come while a turn's outputs are being carried out.
    void start_subnets() {
        auto changed = [this](const subnet_view& seen) {
            asio::post(loop_, [this, seen] { feed(node::subnets_seen{seen}); });
        };
        subnets_ = std::make_unique<subnet_watch>(loop_, changed, log_line);
    }

    void start_surveys() {
        auto first = (std::uint64_t{store_->identity().boot.incarnation} << 32U) + 1;
        auto feeds = [this](node::input item) { feed(std::move(item)); };
        surveys_ = std::make_unique<program_surveys>(loop_, options_.node, first, feeds);
        auto run = [this](node::run_process item) { run_validation(std::move(item)); };
        script_validations::edge around{options_.node, feeds, run, [this] { return new_host_request(); }};
        validations_ = std::make_unique<script_validations>(loop_, first, std::move(around));
    }

    // It belongs to no package that runs here: its lease does not end it, and nobody takes it for a part of one.
    void run_validation(node::run_process item) {
        item.log_file = options_.log_dir + "/" + item.package + ".log";
        item.environment.emplace_back("SG_SCRIPT_LOG_FILE", item.log_file);
        item.package.clear();
        guard_->run(item);
        flush_guard();
    }

    void start_node() {
        const auto& known = store_->identity();
        node::start_info info;
        info.name = options_.node;
        info.boot = known.boot;
        info.store = known.store;
        randombytes_buf(&info.seed, sizeof info.seed);
        info.kernel = known.kernel;
        info.log = known.log;
        info.local = known.local;
        log_line("info", "mainstayd on " + info.name + ", boot " + to_text(info.boot) + ", " + "log up to entry " +
                             std::to_string(info.log.last().value));
        node_ = std::make_unique<node::node>(info, moment());
        if (info.log.empty()) {
            auto initial = read_initial(options_.config_dir);
            if (initial) {
                links_->configure(initial->cluster);
            } else {
                initial_problem_ = initial.error().message;
                log_line("error", initial_problem_);
            }
        }
        perform_outputs();
        arm();
    }

    void watch_signals() {
        signals_.add(SIGTERM);
        signals_.add(SIGINT);
        wait_for_signal();
    }

    void wait_for_signal() {
        signals_.async_wait([this](const boost::system::error_code& error, int) {
            if (error) return;
            std::string waits;
            for (const auto& name : node_->active_packages()) waits += (waits.empty() ? ": " : ", ") + name;
            log_line("info", "asked to end" + (waits.empty() ? waits : "; packages here" + waits));
            wait_for_signal();
            feed(node::leave{});
        });
    }

    void end_for_good() {
        guard_->shut_down();
        stop(0);
    }

    void stop(int code) {
        exit_code_ = code;
        loop_.stop();
    }

    // ---- the turn ----
    [[nodiscard]] static node::moment moment() { return {boot_now(), wall_now()}; }

    void feed(node::input item) {
        inputs_.push_back(std::move(item));
        if (turning_ || !node_) return;
        turning_ = true;
        while (!inputs_.empty()) {
            auto next = std::move(inputs_.front());
            inputs_.pop_front();
            node_->step(next, moment());
            perform_outputs();
        }
        turning_ = false;
        arm();
    }

    void arm() {
        auto due = node_->deadline();
        auto wait = due == never ? std::int64_t{1'000'000} : std::max<std::int64_t>((due - boot_now()).count(), 0);
        timer_.expires_after(std::chrono::microseconds(wait));
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error) feed(node::tick{});
        });
    }

    void perform_outputs() {
        for (auto& item : node_->take_outputs()) std::visit([this](auto& body) { act(std::move(body)); }, item);
        flush_guard();
    }

    void act(node::send item) { links_->send(std::move(item)); }
    void act(node::publish_beat item) { links_->publish(std::move(item)); }
    void act(node::store item) { store_->write(std::move(item)); }
    [[nodiscard]] std::string log_of(const std::string& package) const {
        return options_.log_dir + "/" + cluster::package_of(package) + ".log";
    }
    void act(node::run_process item) {
        if (item.log_file.empty()) item.log_file = log_of(item.package);
        // Serviceguard's scripts write to it themselves; where logs are is not known further in.
        for (auto& [name, value] : item.environment)
            if (name == "SG_SCRIPT_LOG_FILE") value = item.log_file;
        // For hactl, cmrunserv and the others in it.
        item.environment.emplace_back("MAINSTAY_SOCKET", admin_socket());
        guard_->run(item);
    }
    void act(const node::kill_process& item) { guard_->kill(item); }
    void act(const node::clear_package& item) { guard_->clear(item); }
    void act(node::write_log item) {
        if (item.log_file.empty()) item.log_file = log_of(item.package);
        guard_->write_log(item);
    }
    void act(const node::call_plugin& item) { hosts_->call(item); }
    void act(const node::run_event_sources& item) {
        hosts_->run_event_sources({item.instances.begin(), item.instances.end()});
    }
    void act(const node::set_lease& item) { guard_->lease(item); }
    void act(const node::reset_node& item) {
        log_line("error", "this node resets itself: " + item.reason);
        guard_->reset(item.reason);
    }
    void act(const node::admin_progress& item) {
        auto found = waiting_.find(item.id);
        if (found != waiting_.end()) found->second.progress(item.text);
    }
    void act(const node::admin_done& item) {
        auto found = waiting_.find(item.id);
        if (found == waiting_.end()) return;
        auto handlers = std::move(found->second);
        waiting_.erase(found);
        handlers.done(item);
    }
    void act(const node::happened& item) {
        log_line(item.severity, "log " + std::to_string(item.index.value) + ": " + item.text);
        if (admin_) admin_->happened(item);
    }
    void act(const node::configuration_changed&) {
        links_->configure(node_->state().config.cluster);
        hosts_->configure(node_->state().config);
        for (const auto& item : node_->state().config.cluster.nodes)
            if (item.name == options_.node && !item.watchdog_device.empty())
                guard_->arm_watchdog(item.watchdog_device, item.watchdog_timeout);
        subnets_->watch(node_->state().monitored_subnets());
    }
    void act(const node::left& item) {
        log_line(item.clean ? "info" : "error", "this node leaves: " + item.text);
        end_for_good();
    }
    void act(const node::look_at_programs& item) { surveys_->look(item); }
    void act(const node::programs_told& item) { surveys_->told(item); }
    void act(const node::validate_script& item) { validations_->validate(item); }
    void act(const node::validation_told& item) { validations_->told(item); }
    void act(const node::trace& item) { log_line(item.severity, item.text); }

    struct waiting {
        progress_handler progress;
        done_handler done;
    };

    options options_;
    asio::io_context loop_;
    asio::steady_timer timer_;
    asio::posix::stream_descriptor guard_socket_;
    asio::signal_set signals_;
    bool flushing_ = false;
    std::unique_ptr<store> store_;
    std::unique_ptr<processes> guard_;
    std::unique_ptr<plugin_catalog> catalog_;
    std::unique_ptr<program_surveys> surveys_;
    std::unique_ptr<script_validations> validations_;
    std::unique_ptr<plugin_hosts> hosts_;
    std::unique_ptr<runtime::links> links_;
    std::unique_ptr<admin_server> admin_;
    std::unique_ptr<subnet_watch> subnets_;
    std::unique_ptr<node::node> node_;
    std::deque<node::input> inputs_;
    bool turning_ = false;
    std::string initial_problem_;
    std::uint64_t next_admin_ = 1;
    std::uint64_t next_host_ = 1;
    std::map<std::uint64_t, waiting> waiting_;
    int exit_code_ = 0;
};

}  // namespace

int run_daemon(const options& chosen) {
    // Whoever reads what the daemon writes may die at any moment: an error where it is written, not the daemon's end.
    ::signal(SIGPIPE, SIG_IGN);
    try {
        return daemon(chosen).run();
    } catch (const std::exception& error) {
        // Asio and the standard library throw; what reaches this point leaves no way to go on.
        log_line("error", std::string("mainstayd ends: ") + error.what());
        return 5;
    }
}

}  // namespace mainstay::runtime
