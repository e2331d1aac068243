"""The oracle accepts what semantics.md allows, and rejects each kind of break of it.

The corrupted runs are made out of good ones by one change each, so that nothing but that
change can be what the oracle objects to.
"""
import copy
import json
import os
import subprocess
import sys

import pytest
import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import oracle  # noqa: E402

MANIFEST = yaml.safe_load("""
name: shop
children:
  - { name: store, component: a.wasm }
  - { name: worker, component: a.wasm, restart: transient, max-restarts: 2, within: 10s,
      shutdown: 1s, backoff: { strategy: exponential, initial: 100ms, factor: 2, jitter: +20%,
                               reset-after: 1s } }
  - name: web
    max-restarts: 1
    backoff: [50ms]
    children:
      - { name: front, component: a.wasm, on-exhausted: escalate, max-restarts: 0 }
      - { name: back, component: a.wasm, count: 2, restart: temporary }
""")

STATES = {"registered": "registered", "starting": "starting", "started": "running",
          "restart-scheduled": "restarting", "stopping": "stopping", "stopped": "stopped",
          "failed": "failed", "deleted": "deleted"}


class Run:
    """Writes events as the program does: from and state, generation, restarts, seq and time."""

    def __init__(self):
        self.events, self.children, self.ms = [], {}, 0.0

    def at(self, ms):
        self.ms = float(ms)
        return self

    def app(self, event):
        self.write({"event": event})
        return self

    def write(self, fields):
        us = round(self.ms * 1000)
        time = f"2026-01-02T03:{us // 60_000_000:02}:{us // 1_000_000 % 60:02}.{us % 1_000_000:06}Z"
        self.events.append({"time": time, "seq": len(self.events) + 1, "app": "shop", **fields})

    def add(self, path, *names, **fields):
        for name in names:
            child = self.children.setdefault(
                path, {"state": "registered", "generation": 0, "restarts": 0})
            before = child["state"]
            if name == "registered" and before != "registered" or name == "reset":
                child["restarts"] = 0
            if name == "restart-scheduled" and before not in ("stopping", "registered"):
                child["restarts"] += 1
            child["generation"] += name == "starting"
            child["state"] = STATES.get(name, before)
            event = {"path": path, "generation": child["generation"], "event": name, "from": before,
                     "state": child["state"], **fields, "restarts": child["restarts"]}
            self.write({key: value for key, value in event.items()
                        if key != "generation" or value})
        return self

    def start(self, path):
        ready = ["ready"] if path != "/web" else []
        return self.add(path, "starting", "started", *ready)

    def exits(self, path, reason, follows, **fields):
        self.add(path, "exited", reason=reason)
        return self.add(path, follows, reason=reason, **fields)


PATHS = ["/store", "/worker", "/web", "/web/front", "/web/back#1", "/web/back#2"]


def up():
    run = Run().at(0)
    for path in PATHS:
        run.add(path, "registered")
    run.at(1)
    for path in ["/store", "/worker", "/web", "/web/front", "/web/back#1", "/web/back#2"]:
        run.start(path)
    return run.add("/web", "ready").app("application-started")


def down(run, ms):
    run.at(ms)
    run.add("/web", "stopping").add("/worker", "stopping").add("/store", "stopping").at(ms + 1)
    below = [path for path in reversed(PATHS) if path.startswith("/web/")
             and run.children[path]["state"] == "running"]
    for path in below:
        run.add(path, "stopping")
    for path in [*below, "/web", "/worker", "/store"]:
        run.exits(path, "shutdown", "stopped")
    return run.app("application-stopped")


def crashes():
    """Two crashes of worker, a stable run, another one, then one too many."""
    run = up()
    run.at(10).exits("/worker", "trap", "restart-scheduled", delay_ms=110.0)
    run.at(120).start("/worker")
    run.at(130).exits("/worker", "error", "restart-scheduled", delay_ms=240.0)
    run.at(370).start("/worker")
    run.at(11_000).exits("/worker", "trap", "restart-scheduled", delay_ms=100.5)
    run.at(11_101).start("/worker")
    run.at(11_200).exits("/worker", "trap", "restart-scheduled", delay_ms=210.0)
    run.at(11_500).start("/worker")
    run.at(11_600).exits("/worker", "trap", "failed")
    run.at(12_000).exits("/store", "out-of-memory", "restart-scheduled", delay_ms=95.0)
    run.at(12_095).start("/store")
    return run


def escalation():
    """front gives up, web with it, and its parent brings web back; a temporary one ends."""
    run = up()
    run.at(15).exits("/web/back#1", "trap", "stopped")
    run.at(20).exits("/web/front", "trap", "failed").add("/web/front", "escalated", reason="trap")
    run.add("/web", "not-ready").add("/web/back#2", "stopping")
    run.at(25).exits("/web/back#2", "shutdown", "stopped")
    run.exits("/web", "escalated", "restart-scheduled", delay_ms=52.0)
    run.at(80).start("/web")
    run.add("/web/front", "registered").add("/web/back#2", "registered")
    run.at(81).start("/web/front").start("/web/back#2").add("/web", "ready")
    return down(run, 100)


def by_hand():
    """Each verb, as far as events show it."""
    run = up()
    run.at(10).add("/store", "stopping")                                     # stop
    run.at(12).exits("/store", "shutdown", "stopped")
    run.at(20).add("/store", "registered").start("/store")                   # start
    run.at(30).add("/worker", "stopping")                                    # restart
    run.at(35).exits("/worker", "trap", "restart-scheduled", delay_ms=0.0).start("/worker")
    run.at(40).exits("/worker", "killed", "restart-scheduled", delay_ms=100.0)  # kill
    run.at(50).add("/worker", "waiting", delay_ms=0.0).start("/worker")      # start in restarting
    run.at(60).add("/worker", "reset")
    run.at(70).exits("/worker", "trap", "restart-scheduled", delay_ms=100.0)
    run.at(75).add("/worker", "stopped")                                     # stop disarms
    run.at(80).add("/worker", "registered").start("/worker")
    run.at(85).exits("/web/back#1", "load-error", "failed")
    run.at(90).add("/web/back#1", "reset", "stopped").add("/web/back#1", "deleted")
    return run


def verdict(events):
    return oracle.judge(MANIFEST, [json.dumps(event) for event in events], "run")


@pytest.mark.parametrize("run", [up, crashes, escalation, by_hand, lambda: down(up(), 50)])
def test_accepts_what_the_contract_allows(run):
    assert verdict(run().events) is None


def test_accepts_a_start_that_waited_for_the_pool_out_of_order():
    run = Run().at(0)
    run.add("/store", "registered").add("/worker", "registered").at(1)
    run.add("/store", "waiting", waits_for="pool").start("/worker").at(9).start("/store")
    assert verdict(run.events) is None


def the(events, path, name, number=0):
    """The place of an event."""
    return [i for i, event in enumerate(events)
            if event.get("path") == path and event["event"] == name][number]


def shift(event, ms):
    minutes, seconds = event["time"][14:-1].split(":")
    us = round(int(minutes) * 60e6 + float(seconds) * 1e6 + ms * 1000)
    event["time"] = f"2026-01-02T03:{us // 60_000_000:02}:{us // 1_000_000 % 60:02}.{us % 1_000_000:06}Z"


def renumber(events):
    for seq, event in enumerate(events, 1):
        event["seq"] = seq


def drop(at_path, name, number=0):
    def change(events):
        del events[the(events, at_path, name, number)]
        renumber(events)
    return change


def put(at_path, name, number=0, **fields):
    def change(events):
        events[the(events, at_path, name, number)].update(fields)
    return change


def left_behind(events):
    """web exits while a child of it runs."""
    for name in ("stopping", "exited", "stopped"):
        drop("/web/back#2", name)(events)


def running_at_the_end(events):
    del events[the(events, "/store", "exited"):-1]
    renumber(events)


def swap(path, name, other_path, other_name, number=0):
    def change(events):
        one, other = the(events, path, name, number), the(events, other_path, other_name, number)
        for key in events[one].keys() - {"seq", "time"} | events[other].keys() - {"seq", "time"}:
            events[one][key], events[other][key] = events[other].get(key), events[one].get(key)
        for place in (one, other):
            events[place] = {key: value for key, value in events[place].items() if value is not None}
    return change


def earlier(path, names, number, ms):
    def change(events):
        for name in names:
            shift(events[the(events, path, name, number)], -ms)
    return change


def a_gap(events):
    for event in events[10:]:
        event["seq"] += 1


def one_restart_more(events):
    """worker is given a third grant in its window instead of failed."""
    place = the(events, "/worker", "failed")
    events[place].update(event="restart-scheduled", state="restarting", delay_ms=420.0,
                         restarts=events[place]["restarts"] + 1)


def cut_off(events):
    del events[the(events, "/worker", "failed"):]


CORRUPTIONS = [
    ("seq", up, a_gap, "seq"),
    ("generation", crashes, put("/worker", "starting", 1, generation=3), "generation"),
    ("generation of a report", crashes, put("/worker", "exited", 1, generation=1), "generation"),
    ("started is missing", crashes, drop("/worker", "started", 1), "ready in starting"),
    ("ready is missing", crashes, drop("/worker", "ready", 1), "not ready"),
    ("starting is missing", crashes, drop("/worker", "starting", 1), "started in restarting"),
    ("exited is missing", crashes, drop("/worker", "exited", 1), "without exited"),
    ("nothing follows an exit", crashes, cut_off, "at the end"),
    ("another event after exited", crashes, put("/worker", "failed", event="stopping"), ""),
    ("wrong from", crashes, put("/worker", "exited", 0, **{"from": "starting"}), "from"),
    ("wrong state", crashes, put("/worker", "started", 0, state="starting"), "leads"),
    ("delay too long", crashes, put("/worker", "restart-scheduled", 0, delay_ms=120.1), "delay"),
    ("delay too short", crashes, put("/worker", "restart-scheduled", 0, delay_ms=99.9), "delay"),
    ("n does not grow", crashes, put("/worker", "restart-scheduled", 1, delay_ms=110.0), "delay"),
    ("n is not reset", crashes, put("/worker", "restart-scheduled", 2, delay_ms=410.0), "delay"),
    ("start before its delay", crashes, earlier("/worker", ["starting"], 1, 0.1), "delay"),
    ("too many restarts", crashes, one_restart_more, "budget"),
    ("restarts miscounted", crashes, put("/worker", "restart-scheduled", 1, restarts=3), "restarts"),
    ("transient restarted after a normal end", crashes,
     put("/worker", "exited", 0, reason="normal"), "restarted after normal"),
    ("temporary restarted", escalation,
     put("/web/back#1", "stopped", event="restart-scheduled", state="restarting", delay_ms=100.0),
     "restarted after"),
    ("permanent not restarted", crashes,
     put("/store", "restart-scheduled", event="stopped", state="stopped"), "not restarted"),
    ("failed with budget left", crashes,
     put("/store", "restart-scheduled", event="failed", state="failed"), "budget left"),
    ("start order", up, swap("/store", "starting", "/worker", "starting"), "earlier sibling"),
    ("stop order", escalation, swap("/worker", "stopping", "/store", "stopping"), "later sibling"),
    ("escalated is missing", escalation, drop("/web/front", "escalated"), "escalated"),
    ("escalated unasked", escalation, put("/web", "exited", 1, reason="escalated"), "escalated"),
    ("orphan", escalation, drop("/web/back#2", "exited"), "without exited"),
    ("left behind", escalation, left_behind, "left children behind"),
    ("normal end of what was asked to stop", escalation,
     put("/worker", "exited", 0, reason="normal"), "normal"),
    ("restart by hand with a delay", by_hand,
     put("/worker", "restart-scheduled", 0, delay_ms=5.0), "by hand"),
    ("unknown path", up, put("/store", "started", path="/stores"), "path"),
    ("unknown event", up, put("/store", "started", event="begun"), "unknown"),
    ("running at the end", escalation, running_at_the_end, "at the end"),
]


@pytest.mark.parametrize("run, change, rule", [row[1:] for row in CORRUPTIONS],
                         ids=[row[0] for row in CORRUPTIONS])
def test_rejects(run, change, rule):
    events = copy.deepcopy(run().events)
    change(events)
    said = verdict(events)
    assert said is not None
    assert rule in said.split("\n")[0]


def test_rejects_a_stop_past_its_time():
    run = up()
    run.at(10).add("/worker", "stopping").at(11_011).exits("/worker", "timeout", "stopped")
    assert "too late" in verdict(run.events)


def test_rejects_giving_up_when_the_window_has_slid():
    run = up()
    for delay in (110.0, 210.0):
        run.at(run.ms + 5).exits("/worker", "trap", "restart-scheduled", delay_ms=delay)
        run.at(run.ms + 300).start("/worker")
    run.at(run.ms + 11_000).exits("/worker", "trap", "failed")
    assert "budget left" in verdict(run.events)


def test_time_that_is_not_lived_does_not_slide_the_window():
    run = up()
    for delay in (110.0, 210.0):
        run.at(run.ms + 5).exits("/worker", "trap", "restart-scheduled", delay_ms=delay)
        run.at(run.ms + 20_000).add("/worker", "starting").at(run.ms + 9000)
        run.add("/worker", "started", "ready")
    run.at(run.ms + 5).exits("/worker", "trap", "restart-scheduled", delay_ms=410.0)
    assert "beyond its budget" in verdict(run.events)


def test_tells_line_and_rule_and_exits_with_1(tmp_path):
    manifest, good, bad = (tmp_path / name for name in ("airs.yaml", "good", "bad"))
    manifest.write_text(yaml.safe_dump(MANIFEST))
    events = up().events
    good.write_text("".join(json.dumps(event) + "\n" for event in events))
    del events[3]
    bad.write_text("".join(json.dumps(event) + "\n" for event in events))
    command = [sys.executable, os.path.join(HERE, "oracle.py"), str(manifest)]
    assert subprocess.run([*command, str(good)], check=False).returncode == 0
    judged = subprocess.run([*command, str(bad)], capture_output=True, text=True, check=False)
    assert judged.returncode == 1
    assert "bad:4: seq" in judged.stderr


def ill():
    """store has probes: ready by them, not ready by them, ended by them."""
    run = Run().at(0)
    for path in PATHS:
        run.add(path, "registered")
    run.at(1).add("/store", "starting", "started")
    for path in PATHS[1:]:
        run.start(path)
    run.add("/web", "ready").at(50).add("/store", "ready", "degraded")
    run.at(60).add("/store", "health-failed", "not-ready").at(70).add("/store", "health-failed")
    return run.exits("/store", "unhealthy", "restart-scheduled", delay_ms=100.0)


def verdict_with_probes(events, **health):
    manifest = copy.deepcopy(MANIFEST)
    manifest["children"][0]["health"] = health
    return oracle.judge(manifest, [json.dumps(event) for event in events], "run")


def test_a_child_with_probes_is_ready_by_them():
    assert verdict_with_probes(ill().events) is None
    # Without readiness it would have been ready when it was started.
    assert "not ready" in verdict_with_probes(ill().events, readiness=False)


def test_rejects_what_only_probes_can_say_of_a_child_without():
    assert "not ready when" in verdict(ill().events)
    assert "without a readiness probe" in verdict(up().add("/store", "not-ready").events)
    for event in ("degraded", "health-failed"):
        assert "without probes" in verdict(up().add("/store", event).events)
    events = up().exits("/store", "unhealthy", "restart-scheduled", delay_ms=100.0).events
    assert "without probes" in verdict(events)
    assert verdict_with_probes(events, readiness=False) is None


def verdict_with_dependencies(events, **keys):
    manifest = copy.deepcopy(MANIFEST)
    for child in manifest["children"]:
        child.update({"depends-on": keys[child["name"]]} if child["name"] in keys else {})
        child["when-dependency-restarts"] = "restart"
    return oracle.judge(manifest, [json.dumps(event) for event in events], "run")


def follows():
    """worker goes down with store, and comes up with it."""
    run = up()
    run.at(10).exits("/store", "trap", "restart-scheduled", delay_ms=100.0)
    run.add("/worker", "stopping", cause="/store").at(11)
    run.exits("/worker", "shutdown", "restart-scheduled", delay_ms=0.0, cause="/store")
    run.add("/worker", "waiting", waits_for="/store").at(1200).start("/store").start("/worker")
    return run


def test_a_dependant_starts_when_what_it_depends_on_is_met():
    assert verdict_with_dependencies(follows().events, worker=["/store"]) is None
    events = follows().events
    place, ready = the(events, "/worker", "starting", 1), the(events, "/store", "starting", 1)
    events[ready:] = events[place:] + events[ready:place]
    renumber(events)
    assert "started while /store was not met" in verdict_with_dependencies(events, worker=["/store"])


def test_rejects_to_wait_for_or_to_follow_what_is_no_dependency():
    assert "waits for no dependency" in verdict(up().add("/store", "stopping").add(
        "/store", "exited", reason="shutdown").add("/store", "restart-scheduled", delay_ms=0.0).add(
            "/store", "waiting", waits_for="/worker").events)
    events = [event for event in follows().events if event["event"] != "waiting"]
    renumber(events)
    assert "does not take it along" in verdict(events)


def test_a_job_that_ended_as_normal_is_met():
    run = Run().at(0)
    for path in PATHS:
        run.add(path, "registered")
    run.at(1).start("/worker").at(5).exits("/worker", "normal", "stopped").at(2000).start("/store")
    assert verdict_with_dependencies(run.events, store=["/worker"]) is None
    for event in run.events:
        if event.get("reason"):
            event["reason"] = "killed"
    run.events[-4].update(state="stopped")
    assert verdict_with_dependencies(run.events, store=["/worker"]) is not None


def test_the_order_is_the_corrected_one():
    run = Run().at(0)
    for path in ("/worker", "/store"):
        run.add(path, "registered")
    run.at(1).start("/worker").start("/store")
    assert verdict_with_dependencies(run.events, store=["/worker"]) is None
    assert "earlier sibling" in verdict(run.events)
