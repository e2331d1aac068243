"""Health: probes of actors and heartbeats of commands, through the program; the oracle judges."""
from conftest import child, supervisor

QUICK = {"interval": "40ms", "timeout": "20ms", "failures": 3}


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
    daemon = place.up(sick("hangs", "healthy hang"), sick("traps", "healthy trap"),
                      sick("spins", "healthy spin"))
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


def test_without_readiness_it_is_ready_when_it_runs(place):
    daemon = place.up(sick("a", "unhealthy", health={**QUICK, "readiness": False}))
    daemon.wait_event("ready", "/a")  # All is over in half a second.
    assert daemon.wait_event("exited", "/a")["reason"] == "unhealthy"
    assert not daemon.of("/a", "not-ready")
