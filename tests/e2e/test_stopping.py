"""While an application stops: what would have children run is refused, all else is answered."""
import subprocess

import pytest

from conftest import AIRS, DEADLINE_S, GUESTS, child, supervisor
from test_control import request

STOPPING = "the application is stopping"


@pytest.fixture
def stopping(place):
    """/slow is asked to stop, and never does."""
    place.daemon = place.up(
        child("idle", "echo"), child("slow", "badstop", config="sleep", shutdown="infinity"),
        child("back", "sleeper", count=2),
        supervisor("web", child("front", "badstop", config="sleep", shutdown="infinity")))
    for path in ("/idle", "/slow", "/web/front"):
        place.wait(path, "ready")
    down = subprocess.Popen([AIRS, "down"], env=place.env, cwd=place.work)
    for path in ("/slow", "/web/front"):
        place.daemon.wait_event("stopping", path)
    for path in ("/idle", "/back#1", "/back#2"):
        place.daemon.wait_event("stopped", path)
    yield place
    for path in ("/slow", "/web/front"):
        place.airs("kill", path)
    assert down.wait(DEADLINE_S) == 0
    assert place.daemon.wait() == 0


@pytest.mark.parametrize("words", [
    ["start", "/idle"], ["start", "/slow"], ["start", "/web"], ["restart", "/idle"],
    ["restart", "/slow"], ["restart", "/web/front"], ["reset", "/slow"], ["reset", "/idle"],
    ["add", "/new", "--component", GUESTS / "echo.wasm"],
    ["add", "/web/new", "--component", GUESTS / "echo.wasm"],
    ["scale", "/back", 4], ["scale", "/back", 1], ["reload"],
], ids=lambda words: " ".join(map(str, words[:2])))
def test_what_would_have_a_child_run_is_refused(stopping, words):
    seq = stopping.daemon.events[-1]["seq"]
    done = stopping.airs(*words, code=1)
    assert (done.stdout, done.stderr.splitlines()[0]) == ("", f"airs {words[0]}: {STOPPING}")
    assert "/new" not in done.stderr  # Nobody can explain a child that is not there.
    events = stopping.daemon.events
    assert not [one for one in events if one["seq"] > seq and one["event"] != "stopped"]


@pytest.mark.parametrize("target", ["/idle/start", "/slow/restart", "/slow/reset", "/add",
                                    "/back/scale?count=4"])
def test_the_refusal_is_a_conflict(stopping, target):
    body = b"{name: new, component: echo.wasm}" if target == "/add" else b""
    code, said = request(stopping, "POST", f"/v1/children{target}", body)
    assert (code, STOPPING in said.decode()) == (409, True)


def test_all_else_is_answered(stopping):
    assert stopping.ps()["/slow"]["state"] == "stopping"
    assert stopping.status("/idle")["state"] == "stopped"
    for words in (["logs"], ["events"], ["history"], ["explain", "/slow"], ["stop", "/slow"],
                  ["stop", "/idle"], ["graph"]):
        stopping.airs(*words)
    assert "takes no messages now" in stopping.airs("call", "/idle", "x", code=1).stderr
    stopping.airs("delete", "/idle")
    stopping.daemon.wait_event("deleted", "/idle")


def test_a_root_that_gives_up_is_stopping_too(place):
    """From the escalation on, though nobody has asked for it; its exit code stays."""
    daemon = place.up(
        child("idle", "echo"), child("slow", "badstop", config="sleep", shutdown="infinity"),
        supervisor("web", child("crash", "crasher", args=["trap"], max_restarts=0,
                                on_exhausted="escalate"),
                   on_exhausted="escalate", max_restarts=0, depends_on=["/idle", "/slow"]))
    daemon.wait_event("stopping", "/slow")
    place.airs("stop", "/idle")
    for words in (["start", "/idle"], ["restart", "/slow"], ["reload"],
                  ["add", "/new", "--component", GUESTS / "echo.wasm"]):
        assert place.airs(*words, code=1).stderr.splitlines()[0] == f"airs {words[0]}: {STOPPING}"
    place.airs("kill", "/slow")
    assert daemon.wait() == 1


def test_a_subtree_that_stops_alone_is_as_before(place):
    """Its parent runs on: what is said of a supervisor's path by hand holds."""
    daemon = place.up(supervisor("web", child("front", "badstop", config="sleep",
                                              shutdown="infinity")), child("other", "sleeper"))
    place.wait("/web/front", "ready")
    place.airs("stop", "/web")
    daemon.wait_event("stopping", "/web/front")
    for verb in ("start", "restart"):
        assert place.airs(verb, "/web", code=1).stderr.startswith(f"airs {verb}: busy\n")
    place.airs("reset", "/web")
    place.add("/web", child("new", "sleeper"))
    place.airs("kill", "/web/front")
    daemon.wait_event("stopped", "/web")
    place.airs("start", "/web")
    place.wait("/web/new", "running")
    place.wait("/web/front", "ready", "--generation", 2)
    place.airs("kill", "/web/front")
    place.wait("/web/front", "running", "--generation", 3)
    place.airs("stop", "/web")
    place.airs("kill", "/web/front")
