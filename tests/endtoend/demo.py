#!/usr/bin/python3
"""Three nodes, a web server, a client that fetches all the time: one node dies, and what happens is printed.

usage: demo.py [portal]
Exit code 0 only when the client was served before and after, and never by two nodes: the answers, the station that
answers for the address, and a file that all nodes can write are watched from outside.
"""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lab"))
from cluster import ADDRESS, BUILD, Cluster  # noqa: E402
from lab import HERE, PROGRAMS, ROOT, LabError, wait  # noqa: E402
from watchers import AddressWatch, Prober, prober_problems, shared_file_problems  # noqa: E402

URL = f"http://{ADDRESS}/"
NGINX_SITE = """server {
    listen 80 default_server;
    listen [::]:80 default_server;
    root /run/www;
    location / { try_files $uri $uri/index.html =404; }
}
"""


def say(text=""):
    print(text, flush=True)


def step(text):
    say(f"\n==> {text}")


def web_package(lab):
    """examples/web, plus the page that names its node and the service that writes the shared file."""
    with open(f"{ROOT}/examples/web/web.conf") as f:
        text = f.read()
    text += (f"\nrun_script {HERE}/web-page\nhalt_script {HERE}/web-page\n"
             f"service_name web_writer\n  service_cmd {PROGRAMS}/echo_service 7777 {lab.shared}\n"
             f"  service_halt_timeout 5\n")
    return text


def example_cluster():
    """examples/three-node, with the lab's power switch as its fencing command."""
    with open(f"{ROOT}/examples/three-node/cluster.conf") as f:
        text, count = re.subn(r"(stonith_param +command) \S+", rf"\1 {PROGRAMS}/power", f.read())
    if count != 1:
        raise LabError("examples/three-node/cluster.conf names no fencing command")
    return text


class Demo(Cluster):
    def __init__(self, **options):
        super().__init__(packages={"web": web_package}, **options)

    def prepare(self, name, disk):
        super().prepare(name, disk)
        for file in os.listdir(f"{ROOT}/examples/web"):
            if not file.endswith(".conf"):
                with open(f"{ROOT}/examples/web/{file}") as f:
                    self.write(name, f"/etc/mainstay/packages/{file}", f.read(), 0o755)
        # nginx as Debian installs it, with one site: the page of the package.
        site = f"{disk}/etc.changes/nginx/sites-enabled/default"
        os.makedirs(os.path.dirname(site), exist_ok=True)
        with open(site, "w") as f:
            f.write(NGINX_SITE)


def wall(moment):
    """A CLOCK_MONOTONIC moment on the clock of the cluster's history, microseconds."""
    return int((time.time() - time.monotonic() + moment) * 1e6)


def timeline(lab, cut, node, package, outage_ms):
    """The failover as the cluster recorded it, and as the client felt it."""
    zero = wall(cut)
    entries = [e for e in lab.history() if e["time"] >= zero - 1000]
    rows = []

    def first(kind, **wanted):
        return next((e for e in entries if e["kind"] == kind and all(e.get(k) == v for k, v in wanted.items())), None)
    marks = [("detect", first("node_lost", node=node)), ("decide", first("fence_requested", node=node)),
             ("fence", first("node_fenced", node=node)), ("start", first("package_starting", package=package)),
             ("served", first("package_running", package=package))]
    last = zero
    for word, entry in marks:
        if entry is None:
            rows.append(f"   {word:8} (not in the history)")
            continue
        at, took = (entry["time"] - zero) / 1000, (entry["time"] - last) / 1000
        rows.append(f"   {word:8} +{at:7.0f} ms   (took {took:6.0f} ms)   {entry['text']}")
        last = entry["time"]
    say(f"   power    +      0 ms                      {node} loses its power; nobody is told")
    say("\n".join(rows))
    say(f"   client   outage {outage_ms:.0f} ms, between two answers")
    return all(entry for _, entry in marks)


def show(lab, node, *arguments):
    say(f"$ hactl {' '.join(arguments)}")
    run = lab.hactl(node, *arguments, check=False)
    say("\n".join("   " + line for line in (run.stdout + run.stderr).rstrip().split("\n")))
    return run.returncode


def failover(lab):
    """True when all of it went as it should."""
    step("three nodes form a cluster and start the web server")
    lab.form()
    home = lab.wait_running("web")
    watch, prober = AddressWatch(lab, ADDRESS), Prober(lab, "http", URL)
    prober.wait_answer(home)
    wait("the switch to see the address", lambda: watch.owners())
    show(lab, home, "status")
    prober.wait_served(50)

    before = prober.answered_by()
    step(f"the power of {home}, where the web server runs, goes")
    cut = lab.power_off(home)
    after = prober.wait_move(before)
    survivor = next(n for n in lab.names if n != home)
    lab.wait("the history to hold the start",
             lambda: any(e["kind"] == "package_running" and e["time"] > wall(cut) for e in lab.history(survivor)))
    complete = timeline(lab, cut, home, "web", prober.outage_after(cut))
    say(f"   now served by {after[0]}, generation {after[1]}")
    prober.wait_served(50)

    step(f"{home} comes back (its fencing device switched it on again) and takes part")
    lab.power_on(home)  # nothing to do unless fence_action is off
    lab.wait_nodes({n: "running" for n in lab.names})

    step("the web server is moved back by command")
    moved = time.monotonic()
    code = show(lab, survivor, "package", "move", "web", home)
    prober.wait_answer(home)
    say(f"   client   outage {prober.outage_after(moved):.0f} ms")
    prober.wait_served(50)
    show(lab, home, "status")

    end = prober.stop()
    problems = watch.problems() + shared_file_problems(lab.shared) + prober_problems(prober)
    for problem in problems:
        say(f"   PROBLEM {problem}")
    served = bool(end and end["last"] and end["t"] - end["last"] < 1 and prober.answered_by()[0] == home)
    say()
    say(f"   {end['answered'] if end else 0} pages fetched; stations that answered for the address: "
        f"{', '.join(watch.owners())}; two at once: {'never' if not problems else 'YES'}")
    return complete and served and code == 0 and not problems


def main(arguments):
    if arguments == ["portal"]:
        import portal
        return portal.main()
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    begin = time.monotonic()
    lab = Demo(text=example_cluster())
    try:
        lab.up()
        good = failover(lab)
    except LabError as problem:
        say(f"\ndemo: {problem}")
        good = False
    if not good and os.path.isdir(lab.directory):
        lab.keep_logs(f"{BUILD}/lab-logs/demo")
        say(f"the nodes' logs: {BUILD}/lab-logs/demo")
    lab.down()
    say(f"\ndemo {'passed' if good else 'FAILED'} after {time.monotonic() - begin:.1f} s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
