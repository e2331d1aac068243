"""Children with a `count` that come and go: who depends on them, and what is left of them."""
import json

from conftest import child, supervisor


def test_the_history_of_a_child_outlives_it(place):
    daemon = place.up(child("echo", "echo"))
    place.add("/", supervisor("web", child("a", "echo")))
    daemon.wait_event("ready", "/web/a")
    place.airs("kill", "/web/a")
    daemon.wait_event("started", "/web/a", generation=2)
    place.airs("delete", "/web")
    daemon.wait_event("deleted", "/web")
    assert place.airs("status", "/web/a", code=4)
    exits = [json.loads(line) for line in place.airs("history", "/web/a", "--json").stdout.splitlines()]
    assert [(one["generation"], one["reason"]) for one in exits][:1] == [(1, "killed")]
    events = place.airs("history", "/web", "--json", "--events").stdout.splitlines()
    assert {json.loads(line)["path"] for line in events} == {"/web", "/web/a"}
    assert "did you mean /echo?" in place.airs("history", "/ecko", code=4).stderr
