"""examples/supervisor_node_integration: what it says is what happened."""
import collections
import os
import pathlib
import re
import subprocess

import pytest

from conftest import DEADLINE_S, ROOT

BUILD = pathlib.Path(os.environ.get("AIRS_BUILD", ROOT / "build"))
PROGRAM = BUILD / "examples" / "supervisor_node_integration" / "supervisor_node_integration"

Event = collections.namedtuple("Event", "seq path name generation state reason")


@pytest.fixture
def said(place):
    done = subprocess.run([PROGRAM], env=place.env, cwd=place.work, capture_output=True, text=True,
                          timeout=2 * DEADLINE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def events_of(said):
    lines = re.findall(r"^event (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)$", said, re.M)
    return [Event(int(seq), path, name, int(generation), state, reason)
            for seq, path, name, generation, state, reason in lines]


def statistics_of(said):
    """The number of events that were counted, and what was counted in them."""
    text = said.split("Statistics of ", 1)[1]
    events = int(text.split(" ", 1)[0])
    figures = re.findall(r"^  ([a-z -]+) (\d+)$", text, re.M)
    return events, {name: int(figure) for name, figure in figures}


def recounted(events):
    """The same figures, counted here."""
    states = {one.path: one.state for one in events if one.path != "-" and one.state != "-"}
    names = collections.Counter(one.name for one in events)
    figures = {"supervised": names["registered"], "restarts": names["restart-scheduled"],
               "failed probes": names["health-failed"], "exits": names["exited"]}
    for state in ("running", "stopped", "failed"):
        figures[state] = list(states.values()).count(state)
    for reason, count in collections.Counter(
            one.reason for one in events if one.name == "exited").items():
        figures[f"exits by {reason}"] = count
    return figures


def test_its_statistics_are_counted_from_the_events(said):
    events = events_of(said)
    assert [one.seq for one in events] == list(range(1, len(events) + 1))
    counted, figures = statistics_of(said)
    assert figures == recounted(events[:counted])
    # Not one by which nothing would have happened.
    assert figures["supervised"] == 6 and figures["failed"] == 1 and figures["restarts"] == 6


def test_each_policy_does_what_it_says(said):
    """semantics.md: "`permanent` always, `transient` after an abnormal exit, `temporary` never"."""
    counted, _ = statistics_of(said)
    then = collections.defaultdict(list)
    for one in events_of(said)[:counted]:
        if one.name in ("restart-scheduled", "stopped", "failed"):
            then[one.path].append((one.reason, one.name))
    assert then["/permanent"] == [("trap", "restart-scheduled"), ("normal", "restart-scheduled")]
    assert then["/transient"] == [("error", "restart-scheduled"), ("normal", "stopped")]
    assert then["/temporary"] == [("trap", "stopped")]
    assert then["/group/member"] == [("trap", "restart-scheduled")]
    assert [name for _, name in then["/health"]] == ["restart-scheduled"] * 2 + ["failed"]
    assert "/group" not in then


def test_the_tree_is_printed_as_it_is(said):
    first, last = (text.split("\n\n", 1)[0].splitlines()
                   for text in re.split(r"The tree (?:at first|in the end)\n", said)[1:])
    names = ["permanent", "transient", "temporary", "health", "group", "member"]
    assert [line.split()[0] for line in first] == names == [line.split()[0] for line in last]
    assert all("generation 1, restarts 0" in line for line in first)
    states = [line.split()[2] for line in last]
    assert states == ["running", "stopped", "stopped", "failed", "running", "running"]
    assert last[5].startswith("    member") and last[4].startswith("  group")
