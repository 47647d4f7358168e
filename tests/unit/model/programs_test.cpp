// The files that packages run: which are looked at where, and what is said of what was seen.
#include "model/programs.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "model/parse.hpp"

using namespace mainstay;

namespace {

configuration parsed(const std::string& packages) {
    std::string cluster = "cluster_name c\n";
    for (const char* node : {"n1", "n2", "n3"})
        cluster += std::string("node_name ") + node + "\n  network_interface eth0\n    heartbeat_ip 10.77.0." +
                   std::string(1, node[1]) + "/24\n";
    std::vector<named_text> files{{"cluster.conf", cluster}, {"p.conf", packages}};
    auto out = parse_configuration(files);
    for (const auto& item : out.found) UNSCOPED_INFO(to_text(item));
    REQUIRE(out.ok());
    return out.config;
}

program_seen good(const bytes& digest, bool script = true) { return {program_seen::kind::good, 0, script, digest}; }

program_seen wrong(program_seen::kind what, int error = 0) { return {what, error, false, {}}; }

// What is said when all nodes tell `everywhere` of every path, but for `except`.
struct lab {
    explicit lab(const std::string& packages)
        : config(parsed(packages)), programs(programs_of(config)), where(where_to_look(programs)) {
        for (const auto& [node, paths] : where)
            for (const auto& path : paths) looks[node].seen[path] = good("one");
    }
    std::vector<std::string> judged() const {
        std::vector<std::string> out;
        for (const auto& item : judge_programs(config, programs, looks)) out.push_back(to_text(item));
        return out;
    }
    configuration config;
    std::vector<named_program> programs;
    std::map<std::string, std::vector<std::string>> where;
    program_looks looks;
};

using texts = std::vector<std::string>;
using kind = program_seen::kind;

const std::string web = "package_name web\nnode_name n1\nnode_name n2\nrun_script /s/run\nhalt_script /s/halt\n";

}  // namespace

TEST_CASE("every file that a package names is looked at where the package may run, and once") {
    lab all(
        "package_name web\nnode_name n2\nnode_name n1\nrun_script /s/main\nhalt_script /s/main\n"
        "external_pre_script /s/pre\nexternal_script /s/ext\n"
        "resource_name nginx\n  resource_plugin init-script\n  resource_param script nginx\n"
        "resource_name own\n  resource_plugin init-script\n  resource_param script /s/own\n"
        "resource_name address\n  resource_plugin relocatable-ip\n  resource_param address 10.77.0.9\n"
        "service_name probe\n  service_cmd /s/probe --fast \"a b\"\n"
        "service_name line\n  service_cmd exec sleep 5\n"
        "service_name guess\n  service_cmd /opt/$VERSION/run\n"
        "package_name everywhere\nrun_script /s/main\n");
    texts paths{"/etc/init.d/nginx", "/s/ext", "/s/main", "/s/own", "/s/pre", "/s/probe"};
    CHECK(all.where == std::map<std::string, texts>{{"n1", paths}, {"n2", paths}, {"n3", {"/s/main"}}});
    std::map<std::string, std::uint32_t> lines;
    for (const auto& item : all.programs) lines.emplace(item.path, item.where.line);
    CHECK(
        lines ==
        std::map<std::string, std::uint32_t>{
            {"/s/pre", 6}, {"/s/main", 4}, {"/s/ext", 7}, {"/etc/init.d/nginx", 10}, {"/s/own", 13}, {"/s/probe", 18}});
    CHECK(all.judged().empty());
}

TEST_CASE("what lies on a file system of a package is there only while that runs") {
    lab all(
        "package_name db\nnode_name n1\nrun_script /data/db/run\n"
        "fs_name /dev/vg/db\n  fs_directory /data/db\n  fs_type ext4\n"
        "service_name db\n  service_cmd /data/db/bin/server\n"
        "package_name near\nnode_name n1\nrun_script /data/dbx/run\nexternal_script /data/db/near\n");
    CHECK(all.where == std::map<std::string, texts>{{"n1", {"/data/dbx/run"}}});
}

TEST_CASE("the LVM tools of a package with volume groups are looked at; they are installed, not copied") {
    lab all("package_name db\nnode_name n1\nnode_name n2\nvg vg01\nvg vg02\n");
    texts paths{"/sbin/lvs", "/sbin/vgchange", "/sbin/vgs"};
    CHECK(all.where == std::map<std::string, texts>{{"n1", paths}, {"n2", paths}});
    all.looks["n1"].seen["/sbin/vgs"] = good("another release");
    CHECK(all.judged().empty());
    all.looks["n2"].seen["/sbin/vgchange"] = wrong(kind::missing);
    CHECK(all.judged() == texts{"p.conf:4: error: vg: /sbin/vgchange is missing on n2; install the LVM tools there "
                                "(lvm2), or name the vgchange to use in vgchange_cmd"});
    lab own("package_name db\nnode_name n3\nvg vg01\nvgchange_cmd /opt/lvm/vgchange -a y\n");
    CHECK(own.where == std::map<std::string, texts>{{"n3", {"/opt/lvm/lvs", "/opt/lvm/vgchange", "/opt/lvm/vgs"}}});
}

TEST_CASE("a script that can't run is an error with its line, the nodes and a remedy") {
    lab all(web);
    all.looks["n2"].seen["/s/run"] = wrong(kind::missing);
    all.looks["n1"].seen["/s/halt"] = wrong(kind::not_executable);
    all.looks["n2"].seen["/s/halt"] = wrong(kind::not_executable);
    CHECK(all.judged() == texts{"p.conf:4: error: run_script: /s/run is missing on n2; copy it there from n1",
                                "p.conf:5: error: halt_script: /s/halt is not executable on n1 and n2; chmod 755 it "
                                "there, on a file system that is not mounted noexec"});
    all.looks["n1"].seen["/s/run"] = wrong(kind::missing);
    all.looks["n1"].seen["/s/halt"] = wrong(kind::no_file);
    all.looks["n2"].seen["/s/halt"] = good("one");
    CHECK(
        all.judged() ==
        texts{"p.conf:4: error: run_script: /s/run is missing on n1 and n2; put it there",
              "p.conf:5: error: halt_script: /s/halt is not a regular file on n1; a program or a script is expected"});
}

TEST_CASE("what could not be read, and the program of a service that is not there yet, are warnings") {
    lab all(web + "service_name probe\n  service_cmd /s/probe\n");
    all.looks["n1"].seen["/s/run"] = wrong(kind::unreadable, EACCES);
    all.looks["n2"].seen["/s/probe"] = wrong(kind::missing);
    CHECK(all.judged() ==
          texts{"p.conf:4: warning: run_script: /s/run can't be looked at (Permission denied) on n1",
                "p.conf:7: warning: service_cmd: /s/probe is missing on n2; copy it there from n1, unless a script or "
                "resource of the package brings it"});
}

TEST_CASE("contents that differ are a warning that names the nodes; binaries of services and large files may differ") {
    lab all(
        "package_name web\nrun_script /s/run\nhalt_script /s/large\nservice_name probe\n  service_cmd /s/probe\n"
        "service_name sh\n  service_cmd /bin/sh -c 'exec /s/x'\n");
    all.looks["n2"].seen["/s/run"] = good("two");
    all.looks["n3"].seen["/s/probe"] = good("three");
    all.looks["n3"].seen["/bin/sh"] = good("three", false);
    all.looks["n3"].seen["/s/large"] = good("");
    CHECK(all.judged() ==
          texts{"p.conf:2: warning: run_script: /s/run is not the same on all nodes: one on n1 and n3, another on n2; "
                "copy the right one to the others",
                "p.conf:5: warning: service_cmd: /s/probe is not the same on all nodes: one on n1 and n2, another on "
                "n3; copy the right one to the others"});
}

TEST_CASE("a node that told nothing is one warning; one that was not asked is none") {
    lab all(web);
    all.looks["n2"] = {"it is not heard", {}};
    CHECK(all.judged() == texts{"cluster.conf:5: warning: node_name: could not look at the programs of packages on n2: "
                                "it is not heard"});
    all.looks.erase("n2");
    CHECK(all.judged().empty());
}

TEST_CASE("more problems than anybody reads are counted, errors come first") {
    std::string text;
    for (int i = 0; i < 150; ++i) {
        auto number = std::to_string(i);
        for (const char* line : {"package_name p", "\nrun_script /s/r", "\nhalt_script /s/h"})
            text.append(line).append(number);
        text += '\n';
    }
    lab all(text);
    for (int i = 0; i < 150; ++i) {
        auto number = std::to_string(i);
        all.looks["n2"].seen["/s/r" + number] = good("two");
        all.looks["n2"].seen["/s/h" + number] = wrong(kind::missing);
    }
    auto found = judge_programs(all.config, all.programs, all.looks);
    REQUIRE(found.size() == 201);
    CHECK(found[149].severity == problem::level::error);
    CHECK(found[150].severity == problem::level::warning);
    CHECK(found.back().message == "100 more problems of programs are not shown");
}

TEST_CASE("what has gone from a package that stays as it is holds up no other's change") {
    const std::string db = "package_name db\nnode_name n1\nrun_script /s/db\nhalt_script /s/db\n";
    lab all(web + db);
    all.looks["n1"].seen["/s/run"] = wrong(kind::missing);
    all.looks["n1"].seen["/s/db"] = wrong(kind::missing);
    auto errors = [&] {
        auto found = judge_programs(all.config, all.programs, all.looks);
        return std::count_if(found.begin(), found.end(),
                             [](const auto& item) { return item.severity == problem::level::error; });
    };
    CHECK(errors() == 2);
    spare_unchanged(all.programs, parsed(web), all.config);
    CHECK(errors() == 1);
    CHECK(all.judged().size() == 2);  // said all the same
    spare_unchanged(all.programs, parsed(web + db), all.config);
    CHECK(errors() == 0);
}
