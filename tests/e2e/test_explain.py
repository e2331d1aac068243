"""What `airs explain` says of children that really die: the exit, what decided, and whose doing it was."""
import re

import pytest

from conftest import child, supervisor


def explained(place, path):
    """The lines of `airs explain` by their label; "" is the head. No moment and no duration in it."""
    lines = place.airs("explain", path).stdout.splitlines()
    said = {line[:12].strip(): line[12:] for line in lines[1:]}
    said["exit"] = re.sub(r" on \d{4}-\d\d-\d\d at .*", "", said.get("exit", ""))
    return {"": lines[0], **said}


def rule_of(place, path):
    """The line on what decided, without when the budget frees."""
    return re.sub(r" of being ready; one comes free after \S+ more of it", "",
                  explained(place, path)["rule"])


ANEW = "nothing by itself; airs start {} begins anew"


def test_a_rule_is_named_with_what_it_makes_of_the_exit(place):
    daemon = place.up(
        child("fails", "crasher", args=["trap"],
              on_exit=[{"reason": "error", "do": "stop"},
                       {"reason": "trap", "code": "unreachable", "do": "fail"}]),
        child("stops", "crasher", args=["trap"], on_exit=[{"reason": "trap", "do": "stop"}]),
        child("coded", "crasher", args=["exit", "70"],
              on_exit=[{"reason": "error", "code": "64-78", "do": "stop"}]),
        child("one", "crasher", args=["exit", "70"],
              on_exit=[{"reason": "error", "code": 70, "do": "fail"}]),
        child("again", "crasher", args=["trap"], restart="temporary", backoff=["1h"],
              on_exit=[{"reason": "trap", "do": "restart"}]),
        child("keeps", "sleeper"))
    daemon.wait_event("failed", "/fails")
    daemon.wait_event("stopped", "/stops")
    daemon.wait_event("stopped", "/coded")
    daemon.wait_event("failed", "/one")
    daemon.wait_event("restart-scheduled", "/again")
    assert explained(place, "/fails") == {
        "": "/fails is failed, generation 1",
        "exit": "generation 1 ended as trap: unreachable",
        "rule": "on-exit { reason: trap, code: unreachable, do: fail }",
        "next": ANEW.format("/fails")}
    assert explained(place, "/stops") == {
        "": "/stops is stopped, generation 1",
        "exit": "generation 1 ended as trap: unreachable",
        "rule": "on-exit { reason: trap, do: stop }",
        "next": ANEW.format("/stops")}
    assert rule_of(place, "/coded") == "on-exit { reason: error, code: 64-78, do: stop }"
    assert rule_of(place, "/one") == "on-exit { reason: error, code: 70, do: fail }"
    again = explained(place, "/again")
    assert re.fullmatch(r"on-exit { reason: trap, do: restart }; 1 of 3 restarts are used within "
                        r"1m00s of being ready; one comes free after (1m00s|\d+s) more of it",
                        again["rule"])
    assert again["next"].startswith("its delay ends and it starts in ")
    row = place.status("/fails")
    assert row["decided_by"] == "on-exit"
    assert row["on_exit"] == "{ reason: trap, code: unreachable, do: fail }"
    assert "decided_by" not in place.status("/keeps")
    assert daemon.stop() == 0


def test_policy_and_budget_are_told_apart(place):
    daemon = place.up(
        child("used", "crasher", args=["trap"], max_restarts=2, backoff=["1ms"]),
        child("never", "crasher", args=["trap"], max_restarts=0),
        child("once", "crasher", args=["trap"], restart="temporary"),
        child("done", "crasher", args=["return"], restart="transient"),
        child("waits", "crasher", args=["trap"], restart="transient", backoff=["1h"]),
        child("keeps", "sleeper"))
    daemon.wait_event("failed", "/used")
    daemon.wait_event("failed", "/never")
    daemon.wait_event("stopped", "/once")
    daemon.wait_event("stopped", "/done")
    daemon.wait_event("restart-scheduled", "/waits")
    assert rule_of(place, "/used") == \
        "permanent, but its budget is used up: 2 of 2 restarts are used within 1m00s"
    assert rule_of(place, "/never") == \
        "permanent, but its budget is used up: max-restarts is 0"
    assert rule_of(place, "/once") == "temporary: it is never restarted"
    assert rule_of(place, "/done") == "transient: it ended normally, so it is not restarted"
    assert rule_of(place, "/waits") == "transient; 1 of 3 restarts are used within 1m00s"
    assert rule_of(place, "/keeps") == \
        "permanent; 0 of 3 restarts are used within 1m00s of being ready"
    assert daemon.stop() == 0


def test_a_group_restart_names_the_sibling_that_ended(place):
    daemon = place.up(
        supervisor("s", child("a", "echo"), child("b", "echo", backoff=["1ms"]),
                   child("once", "sleeper", restart="temporary"), strategy="one-for-all"))
    place.wait("/s", "ready")
    place.airs("kill", "/s/b")
    daemon.wait_event("ready", "/s/b", generation=2)
    said = explained(place, "/s/a")
    assert said["exit"] == "generation 1 ended as shutdown"
    assert said["rule"] == "the restart of /s/b takes it along, uncounted; 0 of 3 restarts are " \
                           "used within 1m00s of being ready"
    assert rule_of(place, "/s/b") == "permanent; 1 of 3 restarts are used within 1m00s"
    assert rule_of(place, "/s/once") == \
        "the restart of /s/b takes it along, uncounted"
    assert place.status("/s/a")["decided_by"] == "group"
    assert daemon.stop() == 0


def test_a_group_restart_under_way_names_the_sibling_and_when_it_kills(place):
    daemon = place.up(
        supervisor("s", child("a", "echo", backoff=["1ms"]), child("b", "echo"),
                   child("deaf", "stopper", args=["deaf"], shutdown="1h"), strategy="one-for-all"))
    place.wait("/s", "ready")
    place.airs("kill", "/s/a")
    daemon.wait_event("stopping", "/s/deaf")
    said = explained(place, "/s/deaf")
    assert said[""] == "/s/deaf is stopping, generation 1"
    assert said["rule"] == "the restart of /s/a takes it along, uncounted"
    assert re.fullmatch(r"it ends by itself, or is killed in (1h00m|59m\d\ds), at \d\d:\d\d:\d\d",
                        said["next"])
    row = place.status("/s/deaf")
    assert (row["decided_by"], row["cause"], row["stopped"]) == ("group", "/s/a", "restart")
    assert explained(place, "/s/a")["next"] == "it starts when the siblings before it are ready"
    place.airs("kill", "/s/deaf")
    daemon.wait_event("ready", "/s/deaf", generation=2)
    assert explained(place, "/s/deaf")["exit"] == "generation 1 ended as killed"
    assert rule_of(place, "/s/deaf") == "the restart of /s/a takes it along, uncounted; " \
                                        "0 of 3 restarts are used within 1m00s of being ready"
    daemon.signal(15)
    daemon.wait_event("stopping", "/s/deaf", generation=2)
    place.airs("kill", "/s/deaf")
    assert daemon.stop() == 0


def test_a_start_that_hangs_says_when_it_is_given_up(place):
    daemon = place.up(child("hangs", "initfail", config="sleep", start_timeout="1h", shutdown="kill"))
    daemon.wait_event("starting", "/hangs")
    said = explained(place, "/hangs")
    assert said["rule"] == "permanent; 0 of 3 restarts are used within 1m00s of being ready"
    assert re.fullmatch(r"it answers its start, or is ended as timeout in (1h00m|59m\d\ds), "
                        r"at \d\d:\d\d:\d\d", said["next"])
    assert daemon.stop() == 0


def test_a_follower_names_the_dependency_that_ended(place):
    daemon = place.up(
        child("store", "echo", backoff=["1ms"]),
        child("web", "sleeper", depends_on=["/store"], when_dependency_restarts="restart"))
    daemon.wait_event("ready", "/web")
    place.airs("kill", "/store")
    daemon.wait_event("ready", "/web", generation=2)
    said = explained(place, "/web")
    assert said["exit"] == "generation 1 ended as shutdown"
    assert said["rule"] == "when-dependency-restarts: it follows /store, uncounted; 0 of 3 " \
                           "restarts are used within 1m00s of being ready"
    row = place.status("/web")
    assert (row["decided_by"], row["cause"]) == ("dependency", "/store")
    assert daemon.stop() == 0


@pytest.mark.parametrize("limit, keys, above, rule, said", [
    ("intensity", {"max_restarts": 100}, {"intensity": {"max-restarts": 1, "within": "1h"}},
     "permanent, but the intensity of its supervisor is used up: 1 of 1 restarts within 1h00m",
     "intensity of /web used up: 1 within 1h"),
    ("budget", {"max_restarts": 1, "on_exhausted": "escalate"}, {},
     "permanent, but its budget is used up: 1 of 1 restarts are used within 1m00s",
     "budget of /web/a used up: 1 within 1m"),
    ("on-exit", {"on_exit": [{"reason": "trap", "do": "escalate"}]}, {},
     "on-exit { reason: trap, do: escalate }",
     "on-exit of /web/a: escalate"),
])
def test_a_supervisor_that_gave_up_says_what_was_used_up(place, limit, keys, above, rule, said):
    daemon = place.up(
        supervisor("web", child("a", "crasher", args=["trap"], backoff=["1ms"], **keys),
                   child("b", "sleeper"), restart="temporary", **above),
        child("keeps", "sleeper"))
    daemon.wait_event("stopped", "/web")
    a = explained(place, "/web/a")
    assert rule_of(place, "/web/a") == rule + "; that ended its supervisor"
    assert a["next"] == "it starts with its supervisor"
    assert place.status("/web/a")["decided_by"] == limit
    assert place.status("/web/a")["escalated"] is True
    assert rule_of(place, "/web/b") == \
        "its supervisor stopped, and takes it along, because of /web/a"
    web = explained(place, "/web")
    assert web["exit"] == f"generation 1 ended as escalated: /web/a: trap, unreachable; {said}"
    assert web["rule"] == "temporary: it is never restarted"
    assert daemon.of("/web/a", "escalated")[0]["detail"] == f"/web/a: trap, unreachable; {said}"
    assert daemon.stop() == 0


def test_an_escalation_through_two_supervisors_names_each_limit(place):
    daemon = place.up(
        supervisor("top",
                   supervisor("web", child("a", "crasher", args=["trap"], backoff=["1ms"]),
                              intensity={"max-restarts": 0, "within": "1h"},
                              on_exit=[{"reason": "escalated", "do": "escalate"}]),
                   restart="temporary"),
        child("keeps", "sleeper"))
    daemon.wait_event("stopped", "/top")
    assert explained(place, "/top")["exit"] == \
        "generation 1 ended as escalated: /top/web/a: trap, unreachable; " \
        "intensity of /top/web used up: 0 within 1h; on-exit of /top/web: escalate"
    assert daemon.stop() == 0


def test_the_last_event_of_an_application_that_escalated_says_what_was_used_up(place):
    daemon = place.up(child("a", "crasher", args=["trap"], max_restarts=9, backoff=["1ms"]),
                      started=False, intensity={"max-restarts": 2, "within": "1m"})
    assert daemon.wait() == 1
    last = daemon.events[-1]
    assert (last["event"], last["reason"], last["cause"]) == \
        ("application-stopped", "escalated", "/a")
    assert last["detail"] == "/a: trap, unreachable; intensity of / used up: 2 within 1m"


def test_what_was_started_again_by_hand_does_not_name_an_old_exit_as_its_reason(place):
    daemon = place.up(child("fell", "echo", max_restarts=0), child("asked", "sleeper"))
    daemon.wait_event("ready", "/fell")
    place.airs("kill", "/fell")
    daemon.wait_event("failed", "/fell")
    place.airs("start", "/fell")
    daemon.wait_event("ready", "/fell", generation=2)
    said = explained(place, "/fell")
    assert said["exit"] == "generation 1 ended as killed"
    assert said["rule"] == "permanent; after that exit it was started anew, or reset; " \
                           "max-restarts is 0"
    daemon.wait_event("ready", "/asked")
    place.airs("restart", "/asked")
    daemon.wait_event("ready", "/asked", generation=2)
    assert rule_of(place, "/asked") == "started again by hand or by a reload, uncounted; " \
                                       "0 of 3 restarts are used within 1m00s of being ready"
    place.airs("stop", "/asked")
    place.wait("/asked", "stopped")
    assert rule_of(place, "/asked") == \
        "it was asked to stop, and stays so until it is started"
    place.airs("start", "/asked")
    place.wait("/asked", "ready")
    assert rule_of(place, "/asked") == \
        "permanent; after that exit it was started anew, or reset; " \
        "0 of 3 restarts are used within 1m00s of being ready"
    assert daemon.stop() == 0
