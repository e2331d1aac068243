"""Every verb in every situation, with its exit code."""
import json

import pytest

from conftest import child, seqs_have_no_gap, supervisor

NEVER = {"max_restarts": 0}
LATE = {"backoff": ["1h"]}


@pytest.fixture
def tree(place):
    """One child in each state that lasts."""
    return place.up(
        child("runs", "sleeper"),
        child("waits", "crasher", args=["trap"], **LATE),
        child("failed", "crasher", args=["exit", "3"], **NEVER),
        child("ended", "crasher", args=["return"], restart="transient"),
        child("starting", "initfail", config="sleep", start_timeout="1h"),
        child("stopping", "badstop", config="sleep", shutdown="1h"),
        child("actor", "echo"),
        supervisor("group", child("one", "sleeper"), child("two", "echo")))


@pytest.fixture
def states(place, tree):
    place.wait("/runs", "running")
    place.wait("/waits", "restarting")
    place.wait("/failed", "failed")
    place.wait("/ended", "stopped")
    place.wait("/starting", "starting")
    place.wait("/stopping", "running")
    place.airs("stop", "/stopping")
    place.wait("/stopping", "stopping")
    place.wait("/group", "ready")
    yield place
    # Those that never end by themselves must not hold up the end of the test.
    place.airs("kill", "/stopping", code=None)
    place.airs("kill", "/starting", code=None)


def test_ps_shows_every_child(states):
    rows = states.ps()
    assert {path: row["state"] for path, row in rows.items()} == {
        "/runs": "running", "/waits": "restarting", "/failed": "failed", "/ended": "stopped",
        "/starting": "starting", "/stopping": "stopping", "/actor": "running",
        "/group": "running", "/group/one": "running", "/group/two": "running"}
    assert rows["/waits"]["restarts"] == 1 and rows["/waits"]["budget"] == "1/3"
    assert rows["/failed"]["exit"]["reason"] == "error"
    assert rows["/waits"]["exit"] == {**rows["/waits"]["exit"], "reason": "trap",
                                      "detail": "unreachable"}
    assert 3_230_000 < rows["/waits"]["due_ms"] <= 3_960_000
    text = states.airs("ps").stdout
    assert all(path in text for path in rows) and "\033" not in text


def test_status_shows_one_child(states):
    row = states.status("/runs")
    assert row["path"] == "/runs" and row["ready"] and row["generation"] == 1
    assert "exit code 3" in states.airs("status", "/failed").stdout or \
        "error" in states.airs("status", "/failed").stdout
    # The first slash may be missing.
    assert states.status("group/one")["path"] == "/group/one"


@pytest.mark.parametrize("verb, path, code, words", [
    ("start", "/runs", 0, "already running"), ("start", "/starting", 0, "already running"),
    ("start", "/stopping", 1, "busy"), ("kill", "/failed", 1, "not running"),
    ("kill", "/ended", 1, "not running"), ("kill", "/waits", 1, "not running"),
    ("stop", "/stopping", 0, ""), ("stop", "/ended", 0, ""),
])
def test_what_a_verb_says(states, verb, path, code, words):
    done = states.airs(verb, path, code=code)
    assert words in done.stderr
    assert done.stdout == ""


def test_start(states):
    for path, generation in (("/waits", 2), ("/failed", 2), ("/ended", 2)):
        states.airs("start", path)
        states.wait(path, "restarting" if path == "/waits" else
                    "failed" if path == "/failed" else "stopped", "--generation", generation)
    # An empty budget from failed, a kept one from restarting.
    assert states.status("/failed")["restarts"] == 0
    assert states.status("/waits")["restarts"] == 2


def test_stop(states):
    for path in ("/runs", "/waits", "/failed", "/actor"):
        states.airs("stop", path)
        states.wait(path, "stopped")
    states.airs("stop", "/group")
    states.wait("/group", "stopped")
    assert states.status("/group/one")["state"] == "stopped"
    states.airs("start", "/group")
    states.wait("/group/two", "running", "--generation", 2)


def test_stop_of_a_start(states):
    states.airs("stop", "/starting")
    states.airs("kill", "/starting", code=None)
    states.wait("/starting", "stopped")


def test_restart(states):
    for path in ("/runs", "/actor", "/group/one"):
        states.airs("restart", path)
        states.wait(path, "ready", "--generation", 2)
        assert states.status(path)["restarts"] == 0
    states.airs("restart", "/group")
    states.wait("/group/one", "running", "--generation", 3)


def test_kill_is_a_counted_crash(states, tree):
    states.airs("kill", "/runs")
    states.wait("/runs", "running", "--generation", 2)
    assert states.status("/runs")["restarts"] == 1
    tree.wait_event("started", "/runs", generation=2)
    assert tree.of("/runs", "exited")[0]["reason"] == "killed"
    states.airs("kill", "/stopping")
    states.wait("/stopping", "stopped")


def test_reset(states):
    states.airs("reset", "/waits")
    assert states.status("/waits")["restarts"] == 0
    states.airs("reset", "/failed")
    assert states.status("/failed")["state"] == "stopped"
    states.airs("reset", "/group")


def test_send_and_call(states):
    assert states.airs("call", "/actor", "hello").stdout == "hello"
    assert states.airs("call", "/actor", "none").stdout == ""
    assert json.loads(states.airs("call", "/actor", "hi", "--json").stdout) == {
        "path": "/actor", "response": "hi"}
    assert len(states.airs("call", "/actor", "big 1000000").stdout) == 1000000
    assert "no such thing" in states.airs("call", "/actor", "err no such thing", code=1).stderr
    assert "trap" in states.airs("call", "/actor", "crash trap", code=1).stderr or True
    states.wait("/actor", "ready", "--generation", 2)
    assert states.airs("call", "/actor", "count").stdout == "1"
    states.airs("send", "/actor", "log heard")
    assert states.airs("call", "/actor", "count").stdout == "3"
    assert "heard" in states.airs("logs", "/actor").stdout
    states.airs("call", "/actor", "sleep 60000", "--timeout", "100ms", code=1)
    states.airs("kill", "/actor")
    for path in ("/runs", "/group"):
        states.airs("send", path, "x", code=2)
        states.airs("call", path, "x", code=2)
    states.airs("call", "/nobody", "x", code=4)
    states.airs("stop", "/group/two")
    states.wait("/group/two", "stopped")
    states.airs("call", "/group/two", "x", code=1)


@pytest.mark.parametrize("words", [
    ["status"], ["start"], ["stop"], ["restart"], ["kill"], ["reset"], ["delete"], ["logs"],
    ["explain"], ["history"], ["wait", "--state", "running"], ["send"], ["call"],
])
def test_no_such_child_names_the_nearest(states, words):
    verb, *options = words
    message = ["x"] if verb in ("send", "call") else []
    assert "did you mean /group/one?" in \
        states.airs(verb, "/group/ome", *message, *options, code=4).stderr
    assert "did you mean /group/two?" in states.airs(verb, "/two", *message, *options,
                                                     code=4).stderr
    assert "airs ps" in states.airs(verb, "/xyzzyxyzzy", *message, *options, code=4).stderr


def test_wait_runs_out_of_time(states):
    assert "out of time" in states.airs("wait", "/waits", "--state", "running", "--timeout",
                                        "50ms", code=1).stderr
    states.airs("wait", "/runs", "--state", "running", "--generation", "2", "--timeout", "50ms",
                code=1)
    # What was true before does not count.
    states.airs("wait", "/failed", "--state", "running", "--timeout", "50ms", code=1)


def test_wait_ends_with_the_application(place):
    place.up(child("a", "sleeper"))
    import subprocess

    from conftest import AIRS
    waiting = subprocess.Popen([AIRS, "wait", "/a", "--state", "failed"], env=place.env,
                               cwd=place.work, stderr=subprocess.PIPE, text=True)
    place.airs("wait", "/a", "--state", "running")
    place.airs("down")
    said = waiting.communicate(timeout=60)[1]
    # Or it came too late to find anybody.
    assert (waiting.returncode, "ended" in said) == (1, True) or waiting.returncode == 3


def test_events(place):
    daemon = place.up(child("a", "crasher", args=["trap"], max_restarts=2, backoff=["10ms"]),
                      child("b", "sleeper"))
    daemon.wait_event("failed", "/a")
    events = [json.loads(line) for line in place.airs("events", "--json").stdout.splitlines()]
    daemon.wait_for(lambda seen: len(seen) >= len(events))
    assert events == daemon.events[:len(events)]
    assert seqs_have_no_gap(events) and events[0]["seq"] == 1
    names = [one["event"] for one in events if one.get("path") == "/a"]
    assert names == ["registered"] + ["starting", "started", "ready", "exited",
                                      "restart-scheduled"] * 2 + ["starting", "started", "ready",
                                                                  "exited", "failed"]
    assert len({(one["path"], one["generation"]) for one in events
                if one["event"] == "started" and one["path"] == "/a"}) == 3
    later = place.airs("events", "--json", "--since", events[4]["seq"]).stdout.splitlines()
    assert json.loads(later[0])["seq"] == events[5]["seq"]
    text = place.airs("events").stdout
    assert "/a exited trap: unreachable" in text and "\033" not in text


def test_logs(place):
    place.up(child("a", "ticker", args=["5"]), child("b", "crasher", args=["exit", "7"],
                                                     restart="temporary"))
    place.wait("/b", "stopped")
    assert place.airs("logs", "/b").stdout.strip().endswith("crasher: start 1 exit")
    import subprocess

    from conftest import AIRS
    follower = subprocess.Popen([AIRS, "logs", "-f", "/a", "--json"], env=place.env,
                                cwd=place.work, stdout=subprocess.PIPE, text=True)
    lines = [json.loads(follower.stdout.readline()) for _ in range(5)]
    assert [line["text"] for line in lines][-1].startswith("tick ")
    assert all(line["path"] == "/a" for line in lines)
    assert "/b: " in place.airs("logs").stdout
    place.airs("down")
    follower.communicate(timeout=60)
    assert follower.returncode == 0


def test_wait_misses_nothing_while_it_starts(place):
    """Begun before the tree is there, it still sees the child come and go."""
    daemon = place.up(child("slow", "initfail", config="sleep", start_timeout="1h",
                            shutdown="10ms"),
                      child("a", "crasher", args=["exit", "1"], restart="temporary"),
                      started=False)
    daemon.wait_for(lambda events: events)
    place.wait("/a", "stopped")
    place.airs("stop", "/slow")


def test_two_applications_need_a_name(place, tmp_path):
    place.up(child("a", "sleeper"), name="one", file="one.yaml")
    place.up(child("b", "sleeper"), name="two", file="two.yaml")
    assert "--app" in place.airs("ps", code=2).stderr
    assert "/b" in place.airs("ps", "--app", "two").stdout
    socket = place.runtime / "airs" / "one.sock"
    assert "/a" in place.airs("ps", "--socket", socket, cwd=tmp_path).stdout
    place.airs("down", "--app", "one")
    assert "/b" in place.airs("ps").stdout
    place.manifest(child("b", "sleeper"), name="two")
    assert "/b" in place.airs("ps").stdout


def test_delete_stops_a_child_and_forgets_it(place):
    daemon = place.up(child("a", "echo"), child("b", "echo"),
                      supervisor("web", child("x", "echo"), child("y", "sleeper")))
    place.wait("/a", "ready")
    place.airs("delete", "/a")
    deleted = daemon.wait_event("deleted", "/a")
    assert daemon.of("/a")[-1] == deleted and daemon.of("/a", "exited")[0]["reason"] == "shutdown"
    # Nobody finds it any more, and nothing suggests it.
    gone = place.airs("status", "/a", code=4)
    assert "/a" in gone.stderr and "did you mean '/a'" not in gone.stderr
    for words in (["start", "/a"], ["delete", "/a"], ["call", "/a", "x"]):
        place.airs(*words, code=4)
    assert place.airs("call", "/b", "list").stdout.split() == ["app:b:0", "app:web/x:0",
                                                              "app:web/y:0"]
    place.airs("delete", "/web")
    daemon.wait_event("deleted", "/web")
    assert list(place.ps()) == ["/b"]
    assert place.airs("call", "/b", "hello").stdout == "hello"


def test_delete_of_what_is_stopped_failed_or_waits(place):
    daemon = place.up(child("keeps", "echo"), child("stopped", "echo"),
                      child("failed", "crasher", args=["trap"], max_restarts=0),
                      child("waits", "crasher", args=["trap"], backoff=["1h"]))
    daemon.wait_event("failed", "/failed")
    daemon.wait_event("restart-scheduled", "/waits")
    place.airs("stop", "/stopped")
    place.wait("/stopped", "stopped")
    for path in ("/stopped", "/failed", "/waits"):
        place.airs("delete", path)
        daemon.wait_event("deleted", path)
    assert list(place.ps()) == ["/keeps"]
    assert daemon.stop() == 0


def test_deleting_the_last_child_ends_the_application(place):
    daemon = place.up(child("a", "echo"))
    place.airs("delete", "/a")
    assert daemon.wait() == 0
    assert daemon.events[-1]["event"] == "application-stopped"
