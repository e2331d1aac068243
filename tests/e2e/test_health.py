"""Health: probes of actors and heartbeats of commands, through the program; the oracle judges."""
import threading

from conftest import child, supervisor

# Whatever answers is in time, however busy the machine is; what does not answer is found out soon.
QUICK = {"interval": "40ms", "timeout": "30s", "failures": 3}
BRIEF = {"interval": "100ms", "timeout": "100ms", "failures": 3}


def sick(name, words, health=None, **keys):
    return child(name, "sick", config=words, health=health or QUICK, backoff=["1ms"], **keys)


def test_an_unhealthy_child_is_restarted_until_its_budget_is_used_up(place):
    daemon = place.up(sick("ill", "healthy unhealthy", max_restarts=2, within="1h"),
                      child("witness", "echo"))
    daemon.wait_event("failed", "/ill")
    exits = daemon.of("/ill", "exited")
    assert [one["reason"] for one in exits] == ["unhealthy"] * 3
    assert exits[0]["detail"] == "3 of 3: unhealthy"
    # Each time: ready, then the first failure takes that away, and two more end it.
    words = [one["event"] for one in daemon.of("/ill") if one.get("generation") == 2]
    assert words == ["starting", "started", "ready", "health-failed", "not-ready",
                     "health-failed", "health-failed", "exited", "restart-scheduled"]
    assert place.airs("call", "/witness", "hello").stdout == "hello"
    assert "unhealthy" in place.airs("status", "/ill").stdout


def test_a_child_is_waited_for_until_its_probe_passes(place):
    daemon = place.up(sick("late", "unknown unknown healthy"))
    place.wait("/late", "ready")
    assert place.status("/late")["ready"] is True
    assert not daemon.of("/late", "health-failed")


def test_a_supervisor_is_ready_with_its_children(place):
    daemon = place.up(supervisor("web", sick("a", "unhealthy healthy unhealthy healthy")))
    daemon.wait_event("ready", "/web")
    daemon.wait_event("not-ready", "/web")
    place.wait("/web", "ready")


def test_degraded_passes_and_is_reported(place):
    daemon = place.up(sick("half", "degraded"))
    place.wait("/half", "ready")
    assert daemon.wait_event("degraded", "/half")["state"] == "running"


def test_a_probe_that_hangs_and_one_that_traps(place):
    daemon = place.up(sick("hangs", "healthy hang", BRIEF), sick("traps", "healthy trap"),
                      sick("spins", "healthy spin", BRIEF))
    assert daemon.wait_event("exited", "/hangs")["reason"] == "unhealthy"
    assert daemon.wait_event("exited", "/spins")["reason"] == "unhealthy"
    trap = daemon.wait_event("exited", "/traps")
    assert trap["reason"] == "trap" and "unreachable" in trap["detail"]


def test_a_command_lives_by_its_lines(place):
    daemon = place.up(child("ticks", "ticker", args=["20"], health={"interval": "5s"}),
                      child("silent", "sleeper", health={"interval": "50ms"}, backoff=["1ms"]))
    place.wait("/ticks", "ready")
    silent = daemon.wait_event("exited", "/silent")
    assert (silent["reason"], silent["detail"]) == ("unhealthy", "3 of 3: no line on stdout for 50ms")
    assert not daemon.of("/ticks", "health-failed")


class Toucher:
    """Changes a file again and again, as a living program would, until it is told to stop."""

    def __init__(self, file, pause_s):
        self.file, self.pause_s, self.over = file, pause_s, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.over.wait(self.pause_s):
            self.file.touch()

    def stop(self):
        self.over.set()
        self.thread.join()


def test_a_command_lives_by_a_file_that_changes(place):
    beat = place.work / "beat"
    manifest = place.manifest(child("a", "sleeper", health={"interval": "1s", "heartbeat-file": "beat"},
                                    backoff=["1ms"], max_restarts=1))
    toucher = Toucher(beat, 0.02)  # A missing file is none; this one comes to be.
    daemon = place.run(manifest)
    place.wait("/a", "ready")
    assert not daemon.of("/a", "exited")
    toucher.stop()  # The file stays as it is.
    exited = daemon.wait_event("exited", "/a")
    assert exited["reason"] == "unhealthy"
    assert exited["detail"] == "3 of 3: heartbeat-file unchanged for 1s"
    # Of the next instance the file as it was left is no sign of life.
    daemon.wait_event("failed", "/a")
    assert not [one for one in daemon.of("/a", "ready") if one["generation"] == 2]


def test_a_heartbeat_file_that_is_missing_or_of_an_actor(place):
    daemon = place.up(child("gone", "sleeper", restart="temporary",
                            health={"interval": "50ms", "heartbeat-file": "no/such/file"}),
                      child("actor", "echo", health={"heartbeat-file": "beat"}), child("b", "sleeper"))
    assert daemon.wait_event("exited", "/gone")["reason"] == "unhealthy"
    refused = daemon.wait_event("exited", "/actor")
    assert refused["reason"] == "load-error" and "for commands" in refused["detail"]


def test_without_readiness_it_is_ready_when_it_runs(place):
    daemon = place.up(sick("a", "unhealthy", health={**QUICK, "readiness": False}))
    daemon.wait_event("ready", "/a")  # All is over in half a second.
    assert daemon.wait_event("exited", "/a")["reason"] == "unhealthy"
    assert not daemon.of("/a", "not-ready")
