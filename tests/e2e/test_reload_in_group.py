"""A reload while a group restarts: in the middle of its stops, of its delay, and of its starts,
whatever the reload changes. The group comes up whole, as the new manifest has it."""
import pytest

from conftest import child, supervisor

KEYS = dict(max_restarts=9, backoff=["500ms"])


def group(*changed, without=(), strategy="one-for-all", **keys):
    """/w with a, slow (to stop) and z."""
    members = [child("a", "echo", **{**KEYS, **keys}),
               child("slow", "badstop", config="slow 200"),
               child("z", "echo", **({"environment": {"M": "x"}} if "z" in changed else {}))]
    return supervisor("w", *[one for one in members if one["name"] not in without],
                      *[child(name, "echo") for name in changed if name == "new"],
                      strategy=strategy)


CHANGES = {
    "policy": (dict(max_restarts=5, backoff=["1ms"]), ["/w/a", "/w/slow", "/w/z"]),
    "strategy": (dict(strategy="rest-for-one"), ["/w/a", "/w/slow", "/w/z"]),
    "another instance": ("z", ["/w/a", "/w/slow", "/w/z"]),
    "one more": ("new", ["/w/a", "/w/slow", "/w/z", "/w/new"]),
    "one less": (dict(without=("slow",)), ["/w/a", "/w/z"]),
    "without the one that failed": (dict(without=("a",)), ["/w/slow", "/w/z"]),
}
PHASES = {
    "stops": ("stopping", "/w/slow"),
    "delay": ("restart-scheduled", "/w/slow"),  # It is down, last but the one that failed.
    "starts": ("starting", "/w/a"),
}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("change", CHANGES)
def test_a_group_comes_up_as_the_new_manifest_has_it(place, phase, change):
    daemon = place.up(group())
    place.wait("/w", "ready")
    place.airs("kill", "/w/a")
    event, path = PHASES[phase]
    daemon.wait_event(event, path, generation=2 if phase == "starts" else 1)
    what, expected = CHANGES[change]
    place.reload(group(what) if isinstance(what, str) else group(**what))
    if isinstance(what, dict):
        for name in what.get("without", ()):
            daemon.wait_event("deleted", f"/w/{name}")
    place.wait("/w", "ready")
    for path in expected:
        place.wait(path, "ready")
    rows = place.ps()
    assert list(rows) == ["/w", *expected]
    assert all(rows[path]["state"] == "running" for path in expected)
    # One grant, whatever the reload did; nobody else pays.
    paid = {path: row["restarts"] for path, row in rows.items() if row["restarts"]}
    assert paid == ({"/w/a": 1} if "/w/a" in expected else {})
    assert place.airs("call", "/w/z", "count").stdout == "1"  # A new instance.
    assert rows["/w"]["generation"] == 1
    # And it restarts as before, by the strategy that it has now.
    if "/w/a" in expected and phase == "stops":
        generation = rows["/w/z"]["generation"]
        place.airs("kill", "/w/a")
        daemon.wait_event("ready", "/w/z", generation=generation + 1)
        place.wait("/w", "ready")
