"""Each state of a child, and each reason to be stopped, over the death of the daemon."""
import signal

from conftest import child, supervisor

FAST = {"backoff": ["1ms"]}


def test_each_state_goes_on_after_the_death_of_the_daemon(place):
    daemon = place.up(
        child("runs", "echo", max_restarts=5, **FAST),
        child("waits", "crasher", args=["trap"], backoff=["0s", "1h"]),
        child("failed", "crasher", args=["trap"], max_restarts=1, **FAST),
        child("asked", "sleeper"),
        child("ended", "crasher", args=["return"], restart="transient"),
        child("once", "crasher", args=["trap"], restart="temporary"),
        child("ruled", "crasher", args=["exit", "7"], on_exit=[{"reason": "error", "do": "fail"}]),
        child("hangs", "initfail", config="sleep", start_timeout="1h", shutdown="kill"),
        supervisor("off", child("below", "sleeper"), child("asked", "sleeper")),
        supervisor("on", child("below", "echo", **FAST), child("asked", "sleeper")),
        child("follows", "sleeper", depends_on=["/ended"]))
    place.wait("/on", "ready")
    for generation in (2, 3):
        place.airs("kill", "/runs")
        daemon.wait_event("ready", "/runs", generation=generation)
    for path in ("/asked", "/off/asked", "/on/asked", "/off"):
        place.airs("stop", path)
        daemon.wait_event("stopped", path)
    daemon.wait_event("restart-scheduled", "/waits", restarts=2)
    for path, event in (("/failed", "failed"), ("/ruled", "failed"), ("/ended", "stopped"),
                        ("/once", "stopped"), ("/hangs", "starting"), ("/follows", "ready")):
        daemon.wait_event(event, path)
    before = place.ps()
    daemon.signal(signal.SIGKILL)
    daemon.wait()

    again = place.run(daemon.manifest, started=False)
    for path in ("/runs", "/on/below", "/follows"):
        again.wait_event("ready", path)
    again.wait_event("starting", "/hangs")
    after = place.ps()
    assert list(after) == list(before)
    states = {path: (row["state"], row["generation"] - before[path]["generation"])
              for path, row in after.items()}
    assert states == {
        "/runs": ("running", 1), "/waits": ("restarting", 0), "/failed": ("failed", 0),
        "/asked": ("stopped", 0), "/ended": ("stopped", 0), "/once": ("stopped", 0),
        "/ruled": ("failed", 0), "/hangs": ("starting", 1), "/off": ("stopped", 0),
        "/off/below": ("stopped", 0), "/off/asked": ("stopped", 0), "/on": ("running", 1),
        "/on/below": ("running", 1), "/on/asked": ("stopped", 0), "/follows": ("running", 1)}
    # Nothing was counted, and nothing forgotten.
    for path, row in after.items():
        assert (row["restarts"], row["budget"]) == (before[path]["restarts"], before[path]["budget"])
    assert after["/runs"]["budget"] == "2/5" and after["/waits"]["budget"] == "2/3"
    stopped = {path: place.status(path)["stopped"] for path, row in after.items()
               if row["state"] == "stopped"}
    assert stopped == {"/asked": "request", "/ended": "ended", "/once": "temporary",
                       "/off": "request", "/off/below": "supervisor", "/off/asked": "request",
                       "/on/asked": "request"}
    # What runs is a new instance, which dies and comes back as ever.
    assert place.airs("call", "/runs", "count").stdout == "1"
    place.airs("kill", "/runs")
    again.wait_event("ready", "/runs", generation=5)
    assert place.status("/runs")["budget"] == "3/5"
    # A supervisor that is started takes along all below it.
    place.airs("start", "/off")
    again.wait_event("ready", "/off/asked")
    again.wait_event("ready", "/off/below")
