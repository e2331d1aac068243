"""The oracle over runs that go on from one another: accepted as semantics.md has it ("What
survives"), rejected when the later run breaks what the earlier one left by one change.
"""
import copy
import json
import os
import signal
import subprocess
import sys

import pytest
import yaml

import oracle
from conftest import Place, child
from test_oracle import HERE, MANIFEST, PATHS, Run, down, drop, earlier, put, renumber, the, up

DEATH_MS, AGAIN_MS = 200, 1000  # When the first run's last event was, and the second one's first.


class Later(Run):
    """A run that goes on from one that was killed."""

    def __init__(self, before, ms=AGAIN_MS):
        super().__init__()
        self.at(ms)
        self.children = copy.deepcopy(before.children)
        self.first_seq = before.events[-1]["seq"]
        self.left = {path: child["state"] for path, child in self.children.items()}
        for child in self.children.values():
            child["state"] = "registered"

    def write(self, fields):
        super().write(fields)
        self.events[-1]["seq"] += self.first_seq

    def take_up(self, path, delay_ms=0.0):
        """What a child was left in, and what comes of it."""
        self.add(path, "registered")
        if self.left[path] in ("starting", "running", "stopping"):
            self.add(path, "exited", reason="host-lost")
            return self.add(path, "restart-scheduled", reason="host-lost", delay_ms=delay_ms)
        if self.left[path] == "restarting":
            return self.add(path, "restart-scheduled", delay_ms=delay_ms)
        return self.add(path, self.left[path])


def first():
    """worker has one grant left of two, front has given up by itself, back#1 was stopped."""
    run = up()
    run.at(10).exits("/worker", "trap", "restart-scheduled", delay_ms=110.0)
    run.at(120).start("/worker")
    run.at(130).exits("/store", "trap", "restart-scheduled", delay_ms=1000.0)
    run.at(140).add("/web/back#1", "stopping").at(DEATH_MS)
    return run.exits("/web/back#1", "shutdown", "stopped")


def second(before):
    """All goes on; then worker uses the grant that is left, and gives up."""
    run = Later(before)
    for path in PATHS:  # store's delay was 1000 ms from 130 on.
        run.take_up(path, 900.0 if path == "/store" else 0.0)
    run.app("application-started").at(AGAIN_MS + 1)
    for path in ("/worker", "/web", "/web/front", "/web/back#2"):
        run.start(path)
    run.at(1010).exits("/worker", "error", "restart-scheduled", delay_ms=240.0)
    run.at(1250).start("/worker").at(1260).exits("/worker", "trap", "failed")
    run.at(1900).start("/store").add("/web", "ready")
    return run


TREE = copy.deepcopy(MANIFEST)
TREE["children"][0]["backoff"] = ["1s"]


def verdict(*runs, trees=(), cut=False):
    """Of runs, all but the last killed (`cut`: that, too); with a manifest each, or one for all."""
    trees = trees or [TREE] * len(runs)
    return oracle.judge_runs([(tree, [json.dumps(event) for event in run], f"run {number}")
                              for number, (tree, run) in enumerate(zip(trees, runs), 1)], cut)


def test_accepts_what_goes_on():
    one = first()
    assert verdict(one.events, second(one).events) is None


def one_grant_too_many(events):
    """worker is given a third grant; two were the budget, and one was the earlier run's."""
    place = the(events, "/worker", "failed")
    events[place].update(event="restart-scheduled", state="restarting", delay_ms=430.0, restarts=3)


def forgets(path):
    """Its budget begins anew."""
    def change(events):
        for event in events:
            if event.get("path") == path:
                event["restarts"] = max(event["restarts"] - 1, 0)
    return change


def renumbered(change):
    """The numbers have no gap after the change."""
    def renumbering(events):
        first_seq = events[0]["seq"]
        change(events)
        for seq, event in enumerate(events, first_seq):
            event["seq"] = seq
    return renumbering


def without(path):
    def change(events):
        events[:] = [event for event in events if event.get("path") != path]
    return renumbered(change)


@renumbered
def with_another_member(events):
    member = {**events[the(events, "/web/back#2", "registered")], "path": "/web/back#3"}
    member.pop("generation")
    events.insert(the(events, "/web/back#2", "registered"), member)


def with_a_gap(events):
    for event in events:
        event["seq"] += 1


CORRUPTIONS = [
    ("one grant too many", one_grant_too_many, "beyond its budget"),
    ("a budget that is forgotten", forgets("/worker"), "not 1 restarts"),
    ("a generation that is forgotten", put("/worker", "registered", generation=1), "generation 1"),
    ("n that is forgotten", put("/worker", "restart-scheduled", 1, delay_ms=110.0), "delay of"),
    ("a delay that begins anew", put("/store", "restart-scheduled", delay_ms=1000.0), "µs left of"),
    ("a delay that is forgotten", put("/store", "restart-scheduled", delay_ms=0.0), "µs left of"),
    ("a delay that is cut short", earlier("/store", ["starting"], 0, 100), "before its delay"),
    ("what ran and did not end", renumbered(drop("/worker", "exited")), "lost with the host"),
    ("another end than the host's", put("/worker", "exited", reason="killed"), "with the host"),
    ("a wait after the host's end", put("/worker", "restart-scheduled", delay_ms=5.0), "left of"),
    ("what ran and rests", put("/worker", "restart-scheduled", event="failed", state="failed"),
     "failed of what was running"),
    ("what was stopped and starts", put("/web/back#1", "stopped", event="starting",
                                        state="starting", generation=2), "of what was stopped"),
    ("what was stopped and has failed",
     put("/web/back#1", "stopped", event="failed", state="failed"), "failed of what was stopped"),
    ("a member that is missing", without("/web/back#2"), "started without ['/web/back#2']"),
    ("a child that is missing", without("/store"), "started without ['/store']"),
    ("a member too many", with_another_member, "neither in the manifest nor left"),
    ("a gap between the runs", with_a_gap, "seq"),
    ("numbers that begin anew", renumber, "seq 1 after"),
]


@pytest.mark.parametrize("change, rule", [row[1:] for row in CORRUPTIONS],
                         ids=[row[0] for row in CORRUPTIONS])
def test_rejects(change, rule):
    one = first()
    events = copy.deepcopy(second(one).events)
    change(events)
    said = verdict(one.events, events)
    assert said is not None and said.startswith("run 2:")
    assert rule in said.split("\n")[0]


# ---- Budgets and intensities ----

def test_each_run_has_its_own_manifest():
    more = copy.deepcopy(TREE)
    more["children"][1]["max-restarts"] = 3
    one = first()
    events = second(one).events
    assert "budget left" in verdict(one.events, events, trees=[TREE, more])
    one_grant_too_many(events)
    assert verdict(one.events, events, trees=[TREE, more]) is None


def limited(**intensity):
    tree = copy.deepcopy(TREE)
    tree["children"][1]["max-restarts"] = 9
    tree.update(intensity)
    return tree


@pytest.mark.parametrize("allowed, rule", [(4, None), (3, None), (2, "beyond the intensity")])
def test_an_intensity_goes_on(allowed, rule):
    tree = limited(intensity={"max-restarts": allowed, "within": "1h"})
    one = first()
    run = second(one)
    events = run.events[:the(run.events, "/worker", "failed") - 1]
    said = verdict(one.events, events, trees=[tree, tree])
    assert said is None if rule is None else rule in said


def test_an_intensity_whose_window_has_slid_before_the_death_is_over():
    tree = limited(intensity={"max-restarts": 2, "within": "50ms"})
    one = first()
    run = Later(one, DEATH_MS + 1)  # It cannot have lived much longer.
    for path in PATHS:
        run.take_up(path, 929.0 if path == "/store" else 0.0)
    run.app("application-started").start("/worker").at(210)
    given = copy.deepcopy(run).exits("/worker", "trap", "restart-scheduled", delay_ms=220.0)
    assert verdict(one.events, given.events, trees=[tree, tree]) is None
    refused = run.exits("/worker", "trap", "failed")
    assert "budget left" in verdict(one.events, refused.events, trees=[tree, tree])


def crashes_below_web(by_hand=False, killed_again=False):
    """back#2 uses web's one grant; the next run brings it back, and it crashes once more."""
    tree = copy.deepcopy(TREE)
    tree["children"][2]["intensity"] = {"max-restarts": 1, "within": "1h"}
    tree["children"][2]["children"][1].update({"restart": "permanent", "backoff": ["0s"]})
    one = up().at(DEATH_MS).exits("/web/back#2", "trap", "restart-scheduled", delay_ms=0.0)
    runs = [one, Later(one)]
    for path in PATHS:
        runs[-1].take_up(path)
    if killed_again:  # Before anything could start.
        runs.append(Later(runs[-1], 1001))
        for path in PATHS:
            runs[-1].take_up(path)
    run = runs[-1].app("application-started").at(1001)
    for path in PATHS:
        run.start(path)
    run.add("/web", "ready").at(1010)
    if by_hand:
        run.add("/web", "stopping")
        for path in ("/web/back#2", "/web/back#1", "/web/front"):
            run.add(path, "stopping")
        for path in ("/web/back#2", "/web/back#1", "/web/front"):
            run.exits(path, "shutdown", "stopped")
        run.exits("/web", "shutdown", "stopped")
        run.add("/web", "registered").start("/web")
        for path in ("/web/front", "/web/back#1", "/web/back#2"):
            run.add(path, "registered").start(path)
        run.add("/web", "ready").at(1020)
    run.exits("/web/back#2", "trap", "restart-scheduled", delay_ms=0.0)
    return verdict(*[run.events for run in runs], trees=[tree] * len(runs))


def test_an_intensity_of_a_supervisor_goes_on_until_that_starts_anew():
    assert "beyond the intensity" in crashes_below_web()
    assert "beyond the intensity" in crashes_below_web(killed_again=True)
    assert crashes_below_web(by_hand=True) is None


@pytest.mark.parametrize("lived_ms, delay_ms, rule", [
    (2000, 110.0, None), (2000, 230.0, "delay of"), (500, 110.0, "delay of"), (500, 230.0, None)])
def test_a_run_that_the_host_ended_was_stable_or_not(lived_ms, delay_ms, rule):
    one = up().at(10).exits("/worker", "trap", "restart-scheduled", delay_ms=110.0)
    one.at(120).start("/worker").at(120 + lived_ms).add("/store", "reset")
    run = Later(one, one.ms + 10)
    for path in PATHS:
        run.take_up(path)
    run.app("application-started").start("/worker").at(run.ms + 5)
    run.exits("/worker", "trap", "restart-scheduled", delay_ms=delay_ms)
    said = verdict(one.events, run.events)
    assert said is None if rule is None else rule in said


# ---- Children that came and went ----

ADDED = {**TREE, "added": {"/": [{"name": "x", "component": "a.wasm", "max-restarts": 0}]}}


def with_addition(follows):
    """x was added; the next run brings it back, and it crashes."""
    one = up().add("/x", "added").add("/x", "registered").start("/x")
    run = Later(one)
    for path in [*PATHS, "/x"]:
        run.take_up(path)
    run.app("application-started").at(1001)
    for path in [*PATHS, "/x"]:
        run.start(path)
    return one, run.at(1010).exits("/x", "trap", follows, **(
        {"delay_ms": 100.0} if follows == "restart-scheduled" else {}))


def test_what_was_added_comes_back_with_its_policy():
    one, run = with_addition("failed")
    trees = [ADDED, TREE]
    assert verdict(one.events, run.events, trees=trees) is None
    events = copy.deepcopy(run.events)
    without("/x")(events)
    assert "started without ['/x']" in verdict(one.events, events, trees=trees)
    assert verdict(one.events, events, trees=[ADDED, {**TREE, "left-out": ["/x"]}]) is None
    one, run = with_addition("restart-scheduled")
    assert "beyond its budget" in verdict(one.events, run.events, trees=trees)


def scaled_and_deleted(*members):
    """back#3 came and back#2 went; the members that the next run registers."""
    one = up().add("/web/back#3", "added").add("/web/back#3", "registered").start("/web/back#3")
    one.at(DEATH_MS).add("/web/back#2", "stopping")
    one.exits("/web/back#2", "shutdown", "deleted")
    run = Later(one)
    for path in ("/store", "/worker", "/web", "/web/front"):
        run.take_up(path)
    for path in members:
        if path == "/web/back#2":
            run.children.pop(path)
            run.add(path, "registered")
        else:
            run.take_up(path)
    return one.events, run.app("application-started").events


def test_the_members_of_what_was_scaled_are_those_that_were_there():
    one, two, three = "/web/back#1", "/web/back#2", "/web/back#3"
    trees = [{**TREE, "scaled": ["/web/back"]}, TREE]
    assert verdict(*scaled_and_deleted(one, three), trees=trees) is None
    said = verdict(*scaled_and_deleted(one), trees=trees)
    assert "started without ['/web/back#3']" in said
    said = verdict(*scaled_and_deleted(one, two, three), trees=trees)
    assert "/web/back#2 is neither in the manifest nor left" in said
    # Deleted and not scaled: the manifest has it.
    assert verdict(*scaled_and_deleted(one, two, three)) is None


def test_nothing_goes_on_after_a_clean_end():
    one = down(up().at(10).exits("/worker", "trap", "restart-scheduled", delay_ms=110.0).at(120)
               .start("/worker"), 300)
    fresh = Later(one)
    fresh.children = {}
    for path in PATHS:
        fresh.add(path, "registered")
    assert verdict(one.events, fresh.events) is None
    kept = Later(one).add("/worker", "registered")
    assert "generation" in verdict(one.events, kept.events)
    counted = Later(one)
    counted.children["/worker"]["generation"] = 0
    assert "not 0 restarts" in verdict(one.events, counted.add("/worker", "registered").events)


# ---- Who depends on the name of a `count` ----

TIED = yaml.safe_load("""
name: shop
children:
  - { name: back, component: a.wasm, count: 2 }
  - { name: user, component: a.wasm, depends-on: [/back], when-dependency-restarts: restart }
""")
SCALED = {**TIED, "scaled": ["/back"]}
BACK = ["/back#1", "/back#2"]


def tied():
    """Two of back, and user, which depends on them all."""
    run = Run().at(0)
    for path in [*BACK, "/user"]:
        run.add(path, "registered")
    run.app("application-started").at(1)
    for path in [*BACK, "/user"]:
        run.start(path)
    return run.at(10)


def came(run, path):
    return run.add(path, "added").add(path, "registered")


def told(run):
    return run.add("/user", "reloaded", detail="live: depends-on")


def restart(run, path="/user", **because):
    """By hand, or with a dependency."""
    run.add(path, "stopping", **because)
    return run.exits(path, "shutdown", "restart-scheduled", delay_ms=0.0, **because)


def ended(run):
    """All have stopped, the last one first."""
    run.at(run.ms + 1000)
    paths = [path for path in reversed(run.children) if run.children[path]["state"] == "running"]
    for path in sorted(paths, reverse=True):
        run.add(path, "stopping").exits(path, "shutdown", "stopped")
    return run.app("application-stopped")


def test_a_dependant_waits_for_a_member_that_has_joined():
    joined = told(came(tied(), "/back#3"))
    waits = restart(copy.deepcopy(joined)).add("/user", "waiting", waits_for="/back#3")
    waits.start("/back#3").start("/user")
    assert verdict(ended(waits).events, trees=[SCALED]) is None
    early = restart(copy.deepcopy(joined)).start("/user").start("/back#3")
    assert "/back#3 was not waited for, and stays" in verdict(early.events, trees=[SCALED])
    never = ended(restart(copy.deepcopy(joined)).start("/user").add("/back#3", "stopped"))
    assert "/back#3 was not waited for, and stays" in verdict(never.events, trees=[SCALED])


def test_a_dependant_must_hear_who_has_joined():
    joined = came(tied(), "/back#3").start("/back#3")
    heard, unheard = told(copy.deepcopy(joined)), joined
    assert verdict(ended(heard).events, trees=[SCALED]) is None
    said = verdict(ended(unheard).events, trees=[SCALED])
    assert "/user has not heard of all that it depends on" in said


def test_a_dependant_may_start_without_a_member_that_is_scaled_away():
    run = tied().add("/back#2", "stopping").exits("/back#2", "shutdown", "stopped").at(1000)
    restart(run).add("/user", "waiting", waits_for="/back#2")
    gone = told(copy.deepcopy(run)).start("/user").add("/back#2", "deleted")
    assert verdict(ended(gone).events, trees=[SCALED]) is None
    stays = told(copy.deepcopy(run)).start("/user")
    assert "/back#2 was not waited for, and stays" in verdict(ended(stays).events, trees=[SCALED])
    again = gone.events[:the(gone.events, "/back#2", "deleted")]
    assert verdict(again, trees=[SCALED], cut=True) is None  # Cut before it was said.


@pytest.mark.parametrize("is_gone, rule", [(False, None), (True, "waits for no dependency")])
def test_a_dependant_does_not_wait_for_a_member_that_is_gone(is_gone, rule):
    run = tied().add("/back#2", "stopping").exits("/back#2", "shutdown",
                                                  "deleted" if is_gone else "stopped")
    told(run) if is_gone else None
    restart(run.at(1000)).add("/user", "waiting", waits_for="/back#2")
    said = verdict(run.events, trees=[SCALED])
    assert said is None if rule is None else rule in said


@pytest.mark.parametrize("cause, rule", [("/back#3", None), ("/other#1", "does not take it along")])
def test_a_dependant_follows_members_alone(cause, rule):
    tree = copy.deepcopy(SCALED)
    tree["children"].append({"name": "other", "component": "a.wasm", "count": 1})
    run = Run().at(0)
    for path in [*BACK, "/user", "/other#1"]:
        run.add(path, "registered")
    run.app("application-started").at(1)
    for path in [*BACK, "/user", "/other#1"]:
        run.start(path)
    told(came(run, "/back#3")).start("/back#3").at(10).add(cause, "exited", reason="killed")
    run.add(cause, "restart-scheduled", reason="killed", delay_ms=100.0)
    said = verdict(restart(run, cause=cause).events, trees=[tree])
    assert said is None if rule is None else rule in said


def test_a_name_that_was_deleted_is_waited_for_until_it_is_there_again():
    run = tied()
    for path in reversed(BACK):
        run.add(path, "stopping").exits(path, "shutdown", "deleted")
    restart(told(run).at(1000)).add("/user", "waiting", waits_for="/back")
    tree = {**TIED, "added": {"/": [{"name": "back", "component": "a.wasm"}]}}
    again = came(copy.deepcopy(run), "/back").start("/back").start("/user")
    assert verdict(again.events, trees=[tree]) is None
    early = came(copy.deepcopy(run), "/back").start("/user")
    assert "started while /back was not met" in verdict(early.events, trees=[tree])
    assert "started while /back was not met" in verdict(run.start("/user").events, trees=[tree])


def after_a_kill(*started):
    """back#3 came and back#1 went; the next run starts these, and then user."""
    one = told(came(tied(), "/back#3").start("/back#3"))
    one.add("/back#1", "stopping").exits("/back#1", "shutdown", "deleted")
    run = Later(told(one))
    left = ["/back#2", "/back#3", "/user"]
    for path in left:
        run.take_up(path)
    run.app("application-started").at(AGAIN_MS + 1)
    for path in started:
        run.start(path)
    run.start("/user")
    for path in left:
        run.start(path) if run.children[path]["state"] == "restarting" else None
    return one.events, run.events


def test_after_a_kill_a_dependant_waits_for_the_members_that_were_there():
    trees = [SCALED, TIED]
    assert verdict(*after_a_kill("/back#2", "/back#3"), trees=trees) is None
    said = verdict(*after_a_kill("/back#2"), trees=trees)
    assert said.startswith("run 2:") and "/back#3 was not waited for, and stays" in said
    one, two = after_a_kill("/back#2", "/back#3")
    without("/back#3")(two)
    assert "started without ['/back#3']" in verdict(one, two, trees=trees)


def killed_at_once(before, *paths, ended=()):
    """A run that is killed before it has said what came of all, and the next one."""
    run = Later(before)
    for path in paths:
        run.add(path, "registered")
    for path in ended:
        run.add(path, "exited", reason="host-lost")
    again = Later(before, AGAIN_MS + 100)
    again.first_seq = run.events[-1]["seq"]
    return run.events, again


def test_what_was_left_is_left_until_it_is_said_what_came_of_it():
    one = first()
    two, again = killed_at_once(one, "/store", "/worker", ended=["/worker"])
    for path in PATHS:
        again.take_up(path, 900.0 if path == "/store" else 0.0)
    again.app("application-started")
    assert verdict(one.events, two, again.events) is None
    events = copy.deepcopy(again.events)
    put("/store", "restart-scheduled", delay_ms=0.0)(events)
    assert "left of" in verdict(one.events, two, events)
    events = copy.deepcopy(again.events)
    without("/web/back#2")(events)
    assert "started without ['/web/back#2']" in verdict(one.events, two, events)


def test_the_command_line_takes_a_manifest_and_the_events_of_each_run(tmp_path):
    one = first()
    words = []
    for number, run in enumerate((one, second(one)), 1):
        tree, events = tmp_path / f"{number}.yaml", tmp_path / f"{number}.jsonl"
        tree.write_text(yaml.safe_dump(TREE))
        events.write_text("".join(json.dumps(event) + "\n" for event in run.events))
        words += [str(tree), str(events)]
    command = [sys.executable, os.path.join(HERE, "oracle.py")]
    assert subprocess.run([*command, *words], check=False).returncode == 0
    lines = (tmp_path / "1.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "1.jsonl").write_text("".join(lines[:-1]))  # Killed between an exit and its end.
    assert subprocess.run([*command, "--cut", *words[:2]], check=False).returncode == 0
    for wrong in (words[:2], words):
        judged = subprocess.run([*command, *wrong], capture_output=True, text=True, check=False)
        assert judged.returncode == 1 and ".jsonl:" in judged.stderr


# ---- The fixture, with the real program ----

@pytest.fixture
def place_alone(shared_cache):
    """Its test says when it is judged."""
    one = Place(shared_cache)
    yield one
    one.remove()


def test_a_run_that_nobody_has_followed_is_found(place_alone):
    manifest = place_alone.manifest(child("a", "echo"))
    place_alone.airs("up", "--for", "10ms")
    with pytest.raises(AssertionError, match="nobody has followed an application"):
        place_alone.close()
    daemon = place_alone.run(manifest)
    daemon.stop()
    with pytest.raises(AssertionError, match=f"seq {daemon.events[0]['seq']} after 0"):
        place_alone.close()  # The first one is missing.


def test_a_last_run_that_nobody_has_followed_is_found(place_alone):
    place_alone.up(child("a", "echo")).stop()
    place_alone.airs("up", "--for", "10ms")
    with pytest.raises(AssertionError, match="nobody has followed the last run"):
        place_alone.close()


def test_what_a_killed_run_told_nobody_is_asked_of_the_history(place_alone):
    daemon = place_alone.up(child("a", "echo"), child("b", "crasher", args=["trap"],
                                                      max_restarts=1, backoff=["1ms"]))
    place_alone.wait("/a", "ready")
    daemon.wait_event("failed", "/b")
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    told = [event["seq"] for event in daemon.events]
    del daemon.events[6:]
    place_alone.run(daemon.manifest)
    place_alone.close()
    assert [event["seq"] for event in daemon.events][:len(told)] == told
