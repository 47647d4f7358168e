#include <sched.h>
#include <sys/mount.h>

#include <catch2/catch.hpp>

#include "host_process.hpp"

using namespace mainstay;
using Catch::Matchers::Contains;
using plugin::outcome;
using plugin::verb;

namespace {

std::string make_script(const test::scratch& dir, const std::string& body) {
    test::write_file(dir / "service", "#!/bin/sh\nstate=" + (dir / "state") + "\n" + body, true);
    return dir / "service";
}

plugin::instance_config service(const std::string& script, plugin::field_map more = {}) {
    more["script"] = script;
    return {.file = "init-script", .instance = "web", .params = std::move(more)};
}

}  // namespace

TEST_CASE("init-script: drives the real nginx script") {
    const test::net_namespace net;
    // nginx keeps its pid file and logs in /run and /var/log: both are the test's own.
    const test::scratch dir;
    test::write_file(dir / "in", R"(#!/bin/sh
mount --make-rprivate / && mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/log && mkdir /var/log/nginx || exit 9
exec "$@"
)",
                     true);
    // The plugin's own host can't be wrapped, so the namespaces are made around the script's calls:
    // one process holds them, each call enters.
    test::child holder({"unshare", "-m", "-p", "--fork", "--mount-proc", "--kill-child", dir / "in", "sh", "-c",
                        "echo ready > " + (dir / "ready") + "; while :; do sleep 1000; done"},
                       [&] { net.enter(); });
    REQUIRE(test::eventually([&] { return test::read_file(dir / "ready") == "ready\n"; }));
    const auto inner = test::shell("pgrep -P " + std::to_string(holder.pid()));
    test::write_file(
        dir / "nginx",
        "#!/bin/sh\nexec nsenter -m -p -n -t " + inner.substr(0, inner.size() - 1) + " /etc/init.d/nginx \"$@\"\n",
        true);
    test::host_process host(service(dir / "nginx"));
    CHECK(host.call(verb::status).outcome == outcome::not_running);
    auto started = host.call(verb::start);
    INFO(started.text);
    CHECK(started.outcome == outcome::ok);
    CHECK(host.call(verb::status).outcome == outcome::ok);
    CHECK(net.shell("ss -Hltn sport = :80").find(":80") != std::string::npos);
    CHECK_THAT(host.call(verb::start).text, Contains("already running"));
    CHECK(host.call(verb::stop).outcome == outcome::ok);
    CHECK(host.call(verb::status).outcome == outcome::not_running);
    CHECK(host.call(verb::stop).outcome == outcome::ok);
}

TEST_CASE("init-script: status codes are normalised") {
    const test::scratch dir;
    test::host_process host(service(make_script(dir, "exit $(cat $state)")));
    using pair = std::pair<int, outcome>;
    for (auto [code, wanted] :
         {pair{0, outcome::ok}, pair{1, outcome::not_running}, pair{2, outcome::not_running},
          pair{3, outcome::not_running}, pair{4, outcome::unknown}, pair{127, outcome::unknown}}) {
        test::write_file(dir / "state", std::to_string(code));
        CHECK(host.call(verb::status).outcome == wanted);
    }
}

TEST_CASE("init-script: scripts that lie are found out") {
    const test::scratch dir;
    // start claims success, nothing runs.
    test::host_process dud(service(make_script(dir, "case $1 in status) exit 3;; esac"), {{"settle_time", "100ms"}}));
    auto started = dud.call(verb::start);
    CHECK(started.outcome == outcome::failed);
    CHECK_THAT(started.text, Contains("start succeeded, but its status says"));

    // stop claims success, it still runs.
    test::host_process stuck(service(make_script(dir, "exit 0"), {{"stop_timeout", "300ms"}}));
    CHECK(stuck.call(verb::stop).outcome == outcome::failed);

    // stop fails, but nothing runs: that is what counts.
    test::host_process grumpy(service(make_script(dir, "case $1 in stop) exit 1;; status) exit 1;; esac")));
    CHECK(grumpy.call(verb::stop).outcome == outcome::ok);

    // nobody can tell.
    test::host_process mute(service(make_script(dir, "case $1 in status) exit 4;; esac")));
    CHECK(mute.call(verb::stop).outcome == outcome::unknown);
    CHECK(mute.call(verb::start).outcome == outcome::ok);

    test::host_process failing(service(make_script(dir, "case $1 in status) exit 3;; esac\necho no port >&2; exit 7")));
    CHECK_THAT(failing.call(verb::start).text, Contains("start: exit code 7: no port"));
}

TEST_CASE("init-script: hanging scripts are killed, what they left running is not") {
    const test::scratch dir;
    test::host_process hanging(
        service(make_script(dir, "case $1 in status) exit 3;; esac\nsleep 1000"), {{"start_timeout", "200ms"}}));
    CHECK_THAT(hanging.call(verb::start).text, Contains("not finished in time"));

    // A daemon in a session of its own that keeps the script's output open.
    test::host_process daemon(service(make_script(dir, R"(
case $1 in
start) setsid sh -c 'echo $$ > "$0"; exec sleep 1000' $state & while [ ! -s $state ]; do :; done ;;
stop) kill $(cat $state) && rm $state ;;
status) [ -s $state ] && kill -0 $(cat $state) && exit 0; exit 3 ;;
esac
)")));
    auto started = daemon.call(verb::start);
    INFO(started.text);
    CHECK(started.outcome == outcome::ok);
    daemon.close_socket();
    CHECK(daemon.process().wait() == 0);
    test::host_process next(service(dir / "service"));
    CHECK(next.call(verb::status).outcome == outcome::ok);
    CHECK(next.call(verb::stop).outcome == outcome::ok);
}

TEST_CASE("init-script: a missing script begins nothing and leaves the stop unknown") {
    test::host_process host(service("no-such-service"));
    auto start = host.call(verb::start);
    CHECK(start.outcome == outcome::not_running);
    CHECK_THAT(start.text, Contains("/etc/init.d/no-such-service: No such file"));
    CHECK(host.call(verb::stop).outcome == outcome::unknown);
    CHECK(host.call(verb::status).outcome == outcome::unknown);
    CHECK_THAT(test::host_process(service("a/b")).refusal(), Contains("neither an absolute path nor a name"));
}
