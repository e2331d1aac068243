"""What survives the daemon: SIGKILL at any moment, and what the next `up` goes on with.

Judged from outside: by the events that were reported before each death, by the lines that
the guests wrote when they started, and by the history that is there at the end.
"""
import json
import random
import signal
import subprocess

import pytest

from conftest import AIRS, DEADLINE_S, child, supervisor

KILLS_EACH = 20
KILLS_RANDOM = 40
KILLS_MAX = 200
# Where a kill is placed: which child is to be in which state.
PLACED = {"grant": ("/loop", "restarting"), "delay": ("/wait", "restarting"),
          "start": ("/slow", "starting")}
TIGHT = 5     # max-restarts of /tight
WIDE = 100000


def killed(daemon):
    daemon.signal(signal.SIGKILL)
    assert daemon.wait() == -signal.SIGKILL
    return daemon.events


def history(place, *words):
    out = place.airs("history", "--json", "--count", "10000", *words).stdout
    return [json.loads(line) for line in out.splitlines()]


def start_lines(place):
    """(path, generation) of each start that a guest has told of, in any run."""
    found = set()
    for file in (place.state / "airs" / "app" / "logs").rglob("_log*"):
        for line in file.read_text().splitlines():
            record = json.loads(line)
            if "start 1" in record.get("text", ""):
                found.add((record["path"], record["generation"]))
    return found


# ---- The crash loop ----

def crash_loop(place):
    loop = dict(max_restarts=WIDE, within="10h")
    return place.manifest(
        child("loop", "crasher", args=["trap"], backoff=["30ms"], **loop),
        child("wait", "crasher", args=["exit", "3"], backoff=["400ms"], **loop),
        child("slow", "initfail", config="sleep", start_timeout="150ms", backoff=["10ms"], **loop),
        child("tight", "crasher", args=["trap"], backoff=["20ms"], max_restarts=TIGHT,
              within="10h"),
        supervisor("below", child("steady", "ticker"),
                   child("ended", "crasher", args=["return"], restart="transient")))


def is_at(event, path, name):
    return event.get("path") == path and event["event"] == name


def moment(kind, chance):
    """When to kill: what the events of a run must show."""
    if kind == "grant":
        return lambda events: events and is_at(events[-1], "/loop", "restart-scheduled")
    if kind == "delay":
        return lambda events: [one for one in events
                               if is_at(one, "/wait", "restart-scheduled")]
    if kind == "start":
        return lambda events: [one for one in events if is_at(one, "/slow", "starting")]
    count = chance.randint(1, 40)
    return lambda events: len(events) >= count


def runs_of(events):
    """The history cut where a new run begins: at the first child's registration."""
    runs = []
    for event in events:
        if is_at(event, "/loop", "registered"):
            runs.append([])
        runs[-1].append(event)
    return runs


def states_at_death(runs):
    states, deaths = {}, []
    for run in runs:
        for event in run:
            if "state" in event:
                states[event["path"]] = event["state"]
        deaths.append(dict(states))
    return deaths[:-1]


def check_starts(events):
    """Each start has its grant: the event before it says that it was to come."""
    last, generation = {}, {}
    for event in events:
        path, name = event.get("path"), event["event"]
        if name == "starting":
            before = last[path]
            assert before["event"] in ("registered", "restart-scheduled"), (before, event)
            assert event["generation"] == generation.get(path, 0) + 1, event
            generation[path] = event["generation"]
            if event["generation"] > 1:
                assert before["event"] == "restart-scheduled", (before, event)
        if path and name != "waiting":  # A start that was granted may wait for its turn.
            last[path] = event


def check_budgets(events):
    grants = {}
    for event in events:
        path = event.get("path")
        if path is None:
            continue
        before = grants.get(path, 0)
        # A grant adds one; nothing else does, and no death takes one back.
        is_grant = event["event"] == "restart-scheduled" and event["restarts"] == before + 1
        assert is_grant or event["restarts"] == before, (before, event)
        assert not is_grant or event["reason"] != "host-lost", event
        grants[path] = event["restarts"]
    assert grants["/tight"] == TIGHT
    assert grants["/below/steady"] == 0


def killed_at(place, manifest, found):
    """Events of a run that is killed once `found` is true of what a recorder, `events -f`, was shown:
    those that it was shown, and those that the run itself told."""
    daemon = place.run(manifest, started=False)
    daemon.wait_for(lambda events: events, "event")  # It can be asked.
    recorder = subprocess.Popen([AIRS, "events", "-f", "--json"], env=place.env, cwd=place.work,
                                stdout=subprocess.PIPE)
    shown = []
    for line in recorder.stdout:
        if not line.endswith(b"\n"):
            break  # Cut off with the program.
        shown.append(json.loads(line))
        if daemon.process.poll() is None and found(shown):
            killed(daemon)
    recorder.stdout.close()
    recorder.wait(DEADLINE_S)
    assert daemon.process.poll() == -signal.SIGKILL, shown[-5:]
    return shown, daemon.events


def died_as(events, path, state):
    states = [one["state"] for one in events if one.get("path") == path and "state" in one]
    return states[-1:] == [state]


def test_goes_on_after_sigkill_at_any_moment_of_a_crash_loop(place):
    chance = random.Random(4)
    manifest = crash_loop(place)
    kinds = [*PLACED] * KILLS_EACH + ["random"] * KILLS_RANDOM
    chance.shuffle(kinds)
    reported, kills = [], 0
    while kinds:
        kind = kinds.pop()
        shown, told = killed_at(place, manifest, moment(kind, chance))
        reported += shown + told
        kills += 1
        if kind in PLACED and not died_as(told, *PLACED[kind]):
            kinds.append(kind)  # It came too late: once more.
        assert kills < KILLS_MAX

    place.run(manifest)
    place.wait("/tight", "failed")
    place.wait("/below/ended", "stopped")
    lines = start_lines(place)  # Before the history: it goes on.
    events = history(place, "--events")
    assert len(events) < 10000 and events[0]["seq"] == 1
    assert [one["seq"] for one in events] == list(range(1, len(events) + 1)), "a gap"

    # No reported event is lost, and none is reported as another.
    kept = {one["seq"]: one for one in events}
    for one in reported:
        assert {key: kept[one["seq"]].get(key) for key in one} == one

    check_starts(events)
    check_budgets(events)
    started = {(one["path"], one["generation"]) for one in events if one["event"] == "starting"}
    assert lines and lines <= started, lines - started

    deaths = states_at_death(runs_of(events))
    assert len(deaths) == kills >= KILLS_EACH * len(PLACED) + KILLS_RANDOM
    for path, state in PLACED.values():
        assert sum(death.get(path) == state for death in deaths) >= KILLS_EACH, (path, state)
    assert place.status("/below/ended")["state"] == "stopped"
    # Cut off before its end it starts again; once it has ended, never.
    names = [one["event"] for one in events if one.get("path") == "/below/ended"]
    ends = [at for at, one in enumerate(events)
            if one.get("path") == "/below/ended" and one["event"] == "exited"
            and one["reason"] == "normal"]
    assert len(ends) == 1 and names.count("starting") == place.status("/below/ended")["generation"]
    assert not any(one.get("path") == "/below/ended" and one["event"] == "starting"
                   for one in events[ends[0]:])


# ---- One thing each ----

def test_what_ran_starts_again_uncounted(place):
    manifest = place.manifest(child("a", "sleeper"))
    daemon = place.run(manifest)
    daemon.wait_event("started", "/a")
    killed(daemon)
    daemon = place.run(manifest)
    place.wait("/a", "running")
    status = place.status("/a")
    assert (status["generation"], status["restarts"], status["budget"]) == (2, 0, "0/3")
    assert daemon.of("/a", "exited")[0]["reason"] == "host-lost"
    assert history(place, "/a")[0]["then"]["event"] == "restart-scheduled"


def test_budget_and_failed_go_on_and_a_start_by_hand_begins_anew(place):
    manifest = place.manifest(child("a", "crasher", args=["trap"], backoff=["1ms"]),
                              child("keep", "sleeper"))
    daemon = place.run(manifest)
    daemon.wait_event("failed", "/a")
    killed(daemon)
    daemon = place.run(manifest)
    status = place.status("/a")
    assert (status["state"], status["generation"], status["budget"]) == ("failed", 4, "3/3")
    assert status["exit"]["detail"] == "unreachable"
    assert not daemon.of("/a", "starting")
    place.airs("start", "/a")
    daemon.wait_event("failed", "/a", generation=8)


def test_a_delay_goes_on_with_what_is_left_of_it(place):
    manifest = place.manifest(child("a", "crasher", args=["trap"], backoff=["1h"]))
    daemon = place.run(manifest)
    first = daemon.wait_event("restart-scheduled", "/a")
    killed(daemon)
    daemon = place.run(manifest)
    again = daemon.wait_event("restart-scheduled", "/a")
    assert first["delay_ms"] - 60000 < again["delay_ms"] <= first["delay_ms"]
    assert again["restarts"] == first["restarts"] == 1
    status = place.status("/a")
    assert status["state"] == "restarting"
    assert status["due_ms"] <= again["delay_ms"]


def test_n_goes_on(place):
    manifest = place.manifest(
        child("a", "crasher", args=["trap"], max_restarts=10,
              backoff={"initial": "1ms", "factor": 1000, "max": "1h", "jitter": "0%"}))
    daemon = place.run(manifest)
    daemon.wait_event("restart-scheduled", "/a", delay_ms=1000)
    killed(daemon)
    daemon = place.run(manifest)
    place.airs("start", "/a")  # It waits no longer; n stays.
    daemon.wait_event("restart-scheduled", "/a", reason="trap", delay_ms=1000 * 1000)


def test_an_intensity_goes_on(place):
    manifest = place.manifest(
        child("a", "crasher", args=["trap"], backoff=["0s", "1h"], max_restarts=10),
        intensity={"max-restarts": 2, "within": "1h"})
    # Two grants in the first run, none is left for the next one: it gives up with the first exit.
    daemon = place.run(manifest, started=False)
    daemon.wait_event("restart-scheduled", "/a", restarts=2)
    killed(daemon)
    daemon = place.run(manifest)
    place.airs("start", "/a")
    assert daemon.wait() == 1
    assert daemon.events[-1]["reason"] == "escalated"


def test_an_intensity_of_a_supervisor_goes_on_until_that_starts_anew(place):
    manifest = place.manifest(
        supervisor("web", child("a", "crasher", args=["trap"], backoff=["1h"], max_restarts=10),
                   intensity={"max-restarts": 1, "within": "1h"}, backoff=["1h"]))
    daemon = place.run(manifest)
    daemon.wait_event("restart-scheduled", "/web/a")
    killed(daemon)
    daemon = place.run(manifest)
    place.airs("start", "/web/a")
    assert daemon.wait_event("exited", "/web", reason="escalated")["generation"] == 2
    # Started by hand it begins with an empty one.
    place.airs("start", "/web")
    daemon.wait_event("restart-scheduled", "/web/a", reason="trap", generation=3)


def test_a_group_goes_on_in_its_order(place):
    manifest = place.manifest(
        child("a", "sleeper"), child("b", "crasher", args=["trap"], backoff=["1h"]),
        child("c", "sleeper"), strategy="one-for-all")
    daemon = place.run(manifest, started=False)
    daemon.wait_event("restart-scheduled", "/a")
    killed(daemon)
    daemon = place.run(manifest, started=False)
    daemon.wait_event("waiting", "/c")
    assert not [one for one in daemon.events if one["event"] == "starting"]
    for path, restarts in (("/a", 0), ("/b", 1), ("/c", 0)):
        status = place.status(path)
        assert (status["state"], status["restarts"]) == ("restarting", restarts), path
    place.airs("start", "/b")
    daemon.wait_event("starting", "/a", generation=2)  # Nothing is left to wait for.
    daemon.wait_event("starting", "/b", generation=2)


def test_a_group_goes_on_after_sigkill_at_any_moment(place):
    chance = random.Random(5)
    loop = dict(max_restarts=WIDE, within="10h")
    manifest = place.manifest(
        child("a", "sleeper"), child("b", "crasher", args=["trap"], backoff=["5ms"], **loop),
        child("c", "sleeper"), child("once", "sleeper", restart="temporary"),
        strategy="one-for-all")
    for _ in range(15):
        daemon = place.run(manifest, started=False)
        count = chance.randint(1, 60)
        daemon.wait_for(lambda events: len(events) >= count, "event")
        killed(daemon)
    daemon = place.run(manifest, started=False)
    daemon.wait_for(lambda events: len(events) >= 60, "event")
    events = history(place, "--events")
    grants = sum(is_at(one, "/b", "restart-scheduled") and one["reason"] == "trap"
                 and one["from"] != "registered" for one in events)
    last = {one["path"]: one["restarts"] for one in events if "path" in one}
    assert last["/b"] >= grants - 1 > 0
    assert last["/a"] == last["/c"] == last["/once"] == 0


def test_after_a_clean_end_only_stops_by_request_history_and_seq_stay(place):
    manifest = place.manifest(child("a", "crasher", args=["trap"], backoff=["1ms"]),
                              child("b", "sleeper"), child("c", "sleeper"))
    daemon = place.run(manifest)
    daemon.wait_event("failed", "/a")
    place.airs("stop", "/b")
    place.wait("/b", "stopped")
    place.airs("down")
    daemon.wait()
    last = daemon.events[-1]
    daemon = place.run(manifest)
    assert daemon.events[0]["seq"] == last["seq"] + 1
    daemon.wait_event("failed", "/a", generation=4)
    place.wait("/c", "running")
    assert place.status("/b")["state"] == "stopped"
    assert place.status("/c")["generation"] == 1
    assert len(history(place, "/a")) == 8
    place.airs("start", "/b")
    place.wait("/b", "running")


def test_a_reader_resumes_behind_the_last_event_of_the_run_that_died(place):
    manifest = place.manifest(child("a", "sleeper"))
    daemon = place.run(manifest)
    daemon.wait_event("ready", "/a")
    seen = killed(daemon)
    place.run(manifest)
    out = place.airs("events", "--json", "--since", seen[1]["seq"]).stdout
    events = [json.loads(line) for line in out.splitlines()]
    assert events[:len(seen) - 2] == seen[2:]
    # Who asks for none gets this run's alone.
    out = place.airs("events", "--json").stdout
    assert json.loads(out.splitlines()[0])["seq"] > seen[-1]["seq"]


def test_an_exit_is_kept_with_all_that_is_known_of_it(place):
    place.up(child("a", "crasher", args=["trap"], max_restarts=0), child("keep", "sleeper"))
    place.wait("/a", "failed")
    report = history(place, "/a")[0]
    assert (report["reason"], report["detail"]) == ("trap", "unreachable")
    assert "wasm backtrace" in report["message"]
    assert report["log"] == ["crasher: start 1 trap"]
    assert report["memory_bytes"] >= 65536
    assert report["uptime_ms"] >= 0
    assert report["then"]["event"] == "failed"
    shown = place.airs("history", "/a", "--full").stdout
    assert "trap: unreachable" in shown and "crasher: start 1 trap" in shown
    assert "did you mean /a" in place.airs("history", "/aa", code=4).stderr.replace("'", "")
    place.airs("history", "/a", "--count", "x", code=2)


def test_status_shows_the_last_exit_of_an_earlier_run(place):
    manifest = place.manifest(child("a", "crasher", args=["trap"], restart="temporary"),
                              child("b", "sleeper"))
    daemon = place.run(manifest)
    daemon.wait_event("stopped", "/a")
    first = place.status("/a")["report"]
    place.airs("down")
    daemon.wait()
    # Of what runs for the first time in this run the last exit is that of the earlier one.
    daemon = place.run(manifest)
    daemon.wait_event("ready", "/b")
    assert "exit" not in place.status("/b") and place.status("/b")["report"]["reason"] == "shutdown"
    assert "last exit" in place.airs("status", "/b").stdout
    daemon.wait_event("stopped", "/a")
    second = place.status("/a")["report"]
    assert second["seq"] > first["seq"] and second["detail"] == first["detail"] == "unreachable"
    shown = place.airs("status", "/a").stdout
    assert "wasm backtrace" in shown and "crasher: start 1 trap" in shown
    assert "generation 1  trap: unreachable" in shown
    assert "report" not in place.ps()["/a"]


@pytest.mark.parametrize("damage", ["version", "garbage", "directory"])
def test_supervision_goes_on_without_a_history(place, damage):
    folder = place.state / "airs" / "app" / "history"
    daemon = place.up(child("a", "sleeper"))
    place.airs("down")
    daemon.wait()
    database = folder / "history.db"
    if damage == "version":
        bytes_ = bytearray(database.read_bytes())
        bytes_[60:64] = (99).to_bytes(4, "big")  # user_version
        database.write_bytes(bytes_)
    else:
        database.unlink()
        database.write_bytes(b"no database" * 100) if damage == "garbage" else database.mkdir()
    daemon = place.up(child("a", "sleeper"))
    place.wait("/a", "running")
    daemon.wait_for(lambda _: "history" in daemon.stderr, "complaint")
    assert place.status("/a")["ready"]
    if damage == "version":
        assert "newer version" in place.airs("history", "/a", code=1).stderr


def test_explain_says_what_decided_and_what_comes_next(place):
    place.up(child("a", "crasher", args=["trap"], backoff=["1h"]), child("b", "sleeper"))
    place.wait("/a", "restarting")
    text = place.airs("explain", "/a").stdout.splitlines()
    assert text[0] == "/a is restarting, generation 1"
    assert "ended as trap: unreachable on 20" in text[1]
    assert "permanent; 1 of 3 restarts are used within 1m00s" in text[2]
    assert text[3].startswith("  next      its delay ends and it starts in ")
    both = json.loads(place.airs("explain", "/a", "--json").stdout)
    assert both["child"]["path"] == both["report"]["path"] == "/a"
    place.airs("stop", "/b")
    place.wait("/b", "stopped")
    assert "asked to stop" in place.airs("explain", "/b").stdout
    place.airs("explain", "/c", code=4)
    place.airs("explain", code=2)


def test_graph_draws_the_tree(place):
    place.up(supervisor("web", child("a", "sleeper")), name="shop")
    place.wait("/web/a", "running")
    dot = place.airs("graph").stdout
    assert dot.startswith("digraph airs {") and "a\\nrunning" in dot and "n1 -> n2;" in dot
    assert "graph TD" in place.airs("graph", "--format", "mermaid").stdout
    place.airs("graph", "--format", "png", code=2)
