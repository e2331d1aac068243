"""Strategies, intensity, rules on exits and auto-shutdown as a user writes and sees them."""
from conftest import child, supervisor


def order_of(daemon, *wanted):
    """The places of (path, event, generation) in the stream."""
    names = [(one.get("path"), one["event"], one.get("generation")) for one in daemon.events]
    return [names.index(one) for one in wanted]


def test_one_for_all_restarts_all_in_order_and_says_because_of_whom(place):
    daemon = place.up(child("a", "echo"), child("b", "echo", backoff=["1ms"]), child("c", "echo"),
                      strategy="one-for-all")
    daemon.wait_event("ready", "/c")
    place.airs("kill", "/b")
    daemon.wait_event("ready", "/c", generation=2)
    places = order_of(daemon, ("/c", "stopping", 1), ("/c", "exited", 1), ("/a", "stopping", 1),
                      ("/a", "exited", 1), ("/a", "starting", 2), ("/a", "ready", 2),
                      ("/b", "starting", 2), ("/b", "ready", 2), ("/c", "starting", 2))
    assert places == sorted(places)
    assert daemon.of("/a", "stopping")[0]["cause"] == "/b"
    assert daemon.of("/a", "restart-scheduled")[0]["waits_for"] == "turn"
    assert place.status("/a")["restarts"] == 0
    assert place.status("/b")["restarts"] == 1


def test_rest_for_one_leaves_what_stands_before(place):
    daemon = place.up(supervisor("s", child("a", "echo"), child("b", "echo", backoff=["1ms"]),
                                 child("c", "echo"), strategy="rest-for-one"))
    daemon.wait_event("ready", "/s/c")
    place.airs("kill", "/s/b")
    daemon.wait_event("ready", "/s/c", generation=2)
    assert place.status("/s/a")["generation"] == 1
    assert place.status("/s")["strategy"] == "rest-for-one"
    assert daemon.stop() == 0


def test_intensity_of_the_root_ends_the_application_with_1(place):
    daemon = place.up(child("a", "crasher", args=["trap"], max_restarts=100, backoff=["1ms"]),
                      child("b", "sleeper"), started=False,
                      intensity={"max-restarts": 3, "within": "1h"})
    assert daemon.wait() == 1
    assert len(daemon.of("/a", "restart-scheduled")) == 3
    assert daemon.of("/a", "escalated")
    assert daemon.of("/b", "stopped")[-1]["cause"] == "/a"
    assert daemon.events[-1]["event"] == "application-stopped"
    assert daemon.events[-1]["reason"] == "escalated"
    assert daemon.events[-1]["cause"] == "/a"


def test_escalate_is_the_default_under_a_group_strategy(place):
    daemon = place.up(child("a", "crasher", args=["trap"], max_restarts=1, backoff=["1ms"]),
                      child("b", "sleeper"), started=False, strategy="one-for-all")
    assert daemon.wait() == 1
    assert daemon.of("/a", "escalated")


def test_rules_and_success_codes_decide_before_the_policy(place):
    rules = [{"reason": "trap", "code": "unreachable", "do": "stop"},
             {"reason": "error", "code": "64-78", "do": "fail"}]
    daemon = place.up(child("stops", "crasher", args=["trap"], on_exit=rules),
                      child("fails", "crasher", args=["exit", "70"], on_exit=rules),
                      child("done", "crasher", args=["exit", "3"], restart="transient",
                            success_codes=[0, 3]), started=False)
    assert daemon.wait() == 1
    assert daemon.of("/stops", "stopped") and not daemon.of("/stops", "restart-scheduled")
    assert daemon.of("/fails", "failed")[0]["detail"] == "70"
    assert daemon.of("/done", "exited")[0]["reason"] == "normal"
    assert daemon.of("/done", "stopped")


def test_auto_shutdown_of_the_root_ends_the_application_with_0(place):
    daemon = place.up(child("job", "crasher", args=["return"], restart="transient",
                            significant=True), child("helper", "sleeper"), started=False,
                      auto_shutdown="any")
    assert daemon.wait() == 0
    assert daemon.of("/helper", "exited")[-1]["reason"] == "shutdown"
