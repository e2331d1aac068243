"""Dependencies as a user writes and sees them: order, waiting, following, cycles, what explain says."""
import json

import pytest

from conftest import child, supervisor

FAST = {"backoff": ["1ms"], "max_restarts": 100}


def place_of(daemon, path, event, generation=None):
    names = [(one.get("path"), one["event"], one.get("generation")) for one in daemon.events]
    return next(i for i, one in enumerate(names)
                if one[:2] == (path, event) and generation in (None, one[2]))


def test_what_is_depended_on_starts_first_and_stops_last(place):
    daemon = place.up(
        supervisor("front", child("web", "sleeper", depends_on=["/data/store"])),
        child("alone", "sleeper"),
        supervisor("data", child("store", "echo")))
    daemon.wait_event("ready", "/front/web")
    assert list(place.ps()) == ["/data", "/data/store", "/front", "/front/web", "/alone"]
    assert place_of(daemon, "/front/web", "starting") > place_of(daemon, "/data/store", "ready")
    assert daemon.stop() == 0
    assert place_of(daemon, "/data", "stopping") > place_of(daemon, "/front", "stopped")
    assert place_of(daemon, "/data", "stopping") > place_of(daemon, "/alone", "stopping")


def test_an_instance_that_died_waits_for_a_dependency_that_is_stopped(place):
    daemon = place.up(child("store", "echo"),
                      child("web", "sleeper", depends_on=["/store"], **FAST))
    daemon.wait_event("ready", "/web")
    place.airs("stop", "/store")
    place.wait("/store", "stopped")
    assert place.status("/web")["state"] == "running"  # It is up, and minds nothing.
    place.airs("kill", "/web")
    waiting = daemon.wait_event("waiting", "/web", generation=1)
    assert waiting["waits_for"] == "/store"
    place.airs("start", "/web")  # Does not override it.
    row = place.ps()["/web"]
    assert (row["state"], row["waits_for"], row["depends_on"]) == ("restarting", "/store", ["/store"])
    assert "waits for /store" in place.airs("ps").stdout
    place.airs("start", "/store")
    daemon.wait_event("ready", "/web", generation=2)
    assert place.status("/web")["restarts"] == 1


def test_a_follower_restarts_uncounted_with_its_dependency(place):
    daemon = place.up(
        supervisor("data", child("store", "sleeper", **FAST)),
        child("web", "sleeper", depends_on=["/data/store"], when_dependency_restarts="restart",
              max_restarts=0),
        child("stays", "sleeper", depends_on=["/data/store"]))
    for generation in (1, 2, 3):
        daemon.wait_event("ready", "/web", generation=generation)
        place.airs("kill", "/data/store")
    daemon.wait_event("ready", "/web", generation=4)
    first = daemon.of("/web", "stopping")[0]
    assert first["cause"] == "/data/store"
    assert daemon.of("/web", "exited")[0]["reason"] == "shutdown"
    row = place.status("/web")
    assert (row["restarts"], row["budget"]) == (0, "0/0")
    assert place.status("/stays")["generation"] == 1


def test_a_job_that_ended_well_is_met_and_one_that_did_not_is_waited_for(place):
    daemon = place.up(
        child("good", "crasher", args=["return"], restart="transient"),
        child("bad", "crasher", args=["trap"], restart="temporary"),
        child("after-good", "sleeper", depends_on=["/good"]),
        child("after-bad", "sleeper", depends_on=["/good", "/bad"]))
    daemon.wait_event("stopped", "/good")
    daemon.wait_event("stopped", "/bad")
    daemon.wait_event("ready", "/after-good")
    place.airs("kill", "/after-good")
    daemon.wait_event("ready", "/after-good", generation=2)
    place.airs("restart", "/after-bad")
    daemon.wait_event("waiting", "/after-bad", waits_for="/bad")
    # Somebody waits: the application is not over.
    said = place.airs("explain", "/after-bad").stdout
    assert "next      it starts when /bad is ready, or has ended well\n" in said
    assert "which     /bad is stopped after trap: unreachable; next: nothing by itself; " \
           "airs start /bad begins anew\n" in said
    assert daemon.stop() == 0


def test_a_dependency_that_never_becomes_ready_leaves_the_rest_alone(place):
    daemon = place.up(
        child("sick", "sick", config="unknown", health={"interval": "10ms", "liveness": False}),
        child("web", "sleeper", depends_on=["/sick"]),
        child("other", "sleeper"))
    daemon.wait_event("waiting", "/web", waits_for="/sick")
    daemon.wait_event("ready", "/other")
    place.wait("/web", "ready", "--timeout", "100ms", code=1)
    assert "which     /sick is running and not ready" in place.airs("explain", "/web").stdout
    place.airs("stop", "/web")
    place.wait("/web", "stopped")
    place.airs("delete", "/sick")
    place.airs("start", "/web")
    daemon.wait_event("deleted", "/sick")
    assert "which     there is no /sick" in place.airs("explain", "/web").stdout
    assert daemon.stop() == 0


def test_all_of_a_count_are_waited_for(place):
    daemon = place.up(child("back", "echo", count=3),
                      child("web", "sleeper", count=2, depends_on=["/back"]))
    daemon.wait_event("ready", "/web#1")
    daemon.wait_event("ready", "/web#2")
    ready = [place_of(daemon, f"/back#{i}", "ready") for i in (1, 2, 3)]
    assert place_of(daemon, "/web#1", "starting") > max(ready)
    assert place.status("/web#2")["depends_on"] == ["/back#1", "/back#2", "/back#3"]


def test_a_group_waits_with_whom_waits(place):
    daemon = place.up(
        supervisor("group", child("a", "echo"), child("b", "echo", depends_on=["/store"]),
                   child("c", "echo"), strategy="one-for-all"),
        child("store", "echo", health={"interval": "1h"}))
    daemon.wait_event("ready", "/group/c")
    places = [place_of(daemon, *one) for one in (("/store", "ready"), ("/group/b", "starting"),
                                                 ("/group/b", "ready"), ("/group/c", "starting"))]
    assert places == sorted(places)


def test_a_cycle_is_shown_with_the_place_of_each_step(place):
    place.manifest(
        supervisor("one", child("a", "echo", depends_on=["/two/c"]), child("b", "echo")),
        supervisor("two", child("c", "echo"), child("d", "echo", depends_on=["/one/b"])))
    said = place.airs("check", code=2).stderr
    assert "a cycle of dependencies: /one → /two → /one; /one/a on /two/c (2:" in said
    assert "/two/d on /one/b (2:" in said
    assert "^" in said  # The line, with a mark under the place.
    assert place.airs("up", code=2).stderr == said


@pytest.mark.parametrize("path, words", [
    ("/stroe", "there is no child '/stroe'; did you mean '/store'?"),
    ("store", "a path begins with '/', as in /store"),
    ("/web", "'/web' cannot depend on itself")])
def test_a_dependency_that_cannot_be_is_refused_with_its_place(place, path, words):
    place.manifest(child("store", "echo"), child("web", "echo", depends_on=[path]))
    said = place.airs("check", code=2).stderr
    assert words in said and said.startswith("airs.yaml:2:")


def test_effective_values_show_the_corrected_order(place):
    place.manifest(child("web", "echo", depends_on=["/store"]), child("store", "echo"))
    lines = place.airs("check", "--effective").stdout.splitlines()
    assert [line.split()[-1] for line in lines if "- name:" in line] == ["store", "web"]
    assert "    depends-on: [/store]" in lines
    assert "    when-dependency-restarts: leave" in lines


def test_graph_draws_dependencies(place):
    place.up(child("web", "echo", depends_on=["/store"]), child("store", "echo"))
    assert "  n2 -> n1 [style=dashed, constraint=false];" in place.airs("graph").stdout
    assert "  n2 -.-> n1" in place.airs("graph", "--format", "mermaid").stdout


def test_a_child_added_while_it_runs_waits_too_and_cannot_close_a_circle(place):
    daemon = place.up(supervisor("one", child("a", "sleeper", depends_on=["/two/c"])),
                      supervisor("two", child("c", "sleeper")))
    place.add("/one", child("late", "sleeper", depends_on=["/two/c"]))
    daemon.wait_event("ready", "/one/late")
    place.add("/two", child("late", "sleeper", depends_on=["/two/c"]))
    daemon.wait_event("ready", "/two/late")
    (place.work / "bad.yaml").write_text(json.dumps(child("bad", "sleeper", depends_on=["/one/a"])))
    said = place.airs("add", "/two", "-f", place.work / "bad.yaml", code=2).stderr
    assert "a cycle of dependencies: /one → /two → /one" in said


def test_what_waits_goes_on_waiting_after_the_death_of_the_daemon(place):
    daemon = place.up(child("bad", "crasher", args=["trap"], restart="temporary"),
                      child("web", "sleeper", depends_on=["/bad"]), child("on", "sleeper"))
    daemon.wait_event("ready", "/on")
    daemon.wait_event("stopped", "/bad")
    place.airs("restart", "/web")
    daemon.wait_event("waiting", "/web")
    daemon.process.kill()
    daemon.wait()
    again = place.run(daemon.manifest)
    again.wait_event("waiting", "/web", waits_for="/bad")
    again.wait_event("ready", "/on")
    assert place.status("/web")["waits_for"] == "/bad"
    assert again.stop() == 0
