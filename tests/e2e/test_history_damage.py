"""A history that cannot be read or written: supervision goes on, and what is lost is said once and
counted. In each case a real child dies and comes back meanwhile."""
import contextlib
import json
import signal
import sqlite3
import subprocess

import pytest

from conftest import DEADLINE_S, child

KEYS = {"max_restarts": 1000, "backoff": ["1ms"]}
KILLS = 5


@pytest.fixture
def folder(place):
    """Where the history is, of a run that has ended."""
    daemon = place.up(child("a", "echo", **KEYS))
    place.wait("/a", "ready")
    assert daemon.stop() == 0
    return place.state / "airs" / "app" / "history"


@contextlib.contextmanager
def small_disk(folder, size):
    """The same files on a disk of that size."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs",
                              str(folder)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    try:
        for name, content in files.items():
            (folder / name).write_bytes(content)
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def run(place):
    return place.run(place.work / "airs.yaml")


def goes_on(place, daemon):
    """/a dies and comes back, each time as a new instance that a grant allowed."""
    place.wait("/a", "ready")
    before = place.status("/a")
    first = before["generation"]
    for generation in range(first + 1, first + KILLS + 1):
        place.airs("call", "/a", "count")
        place.airs("kill", "/a")
        daemon.wait_event("ready", "/a", generation=generation)
        assert place.airs("call", "/a", "count").stdout == "1"
    status = place.status("/a")
    assert status["generation"] == first + KILLS
    assert status["restarts"] == before["restarts"] + KILLS
    return daemon


def lost(place):
    answer = subprocess.run(["curl", "-sS", "--unix-socket", place.runtime / "airs" / "app.sock",
                             "http://localhost/v1/version"], capture_output=True, text=True,
                            timeout=DEADLINE_S, check=True)
    return json.loads(answer.stdout)["events_lost"]


def said_once(daemon, words):
    daemon.wait_for(lambda _: words in daemon.stderr, words)
    assert daemon.stderr.count(words) == 1, daemon.stderr


def kept(place):
    """The seqs in the history."""
    lines = place.airs("history", "--json", "--events", "--count", "10000").stdout.splitlines()
    return [json.loads(line)["seq"] for line in lines]


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_database_cut_short(place, folder, part):
    database = folder / "history.db"
    content = database.read_bytes()
    database.write_bytes(content[:int(len(content) * part)])
    daemon = goes_on(place, run(place))
    assert lost(place) == 0
    assert set(one["seq"] for one in daemon.events) <= set(kept(place))


def test_a_locked_database(place, folder):
    with contextlib.closing(sqlite3.connect(folder / "history.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        daemon = goes_on(place, run(place))
        said_once(daemon, "locked")
        place.airs("history", code=1)
        other.rollback()
    assert lost(place) == 0
    daemon.stop()
    again = run(place)  # What waited in the journal is there.
    assert again.events[0]["seq"] == daemon.events[-1]["seq"] + 1
    assert set(one["seq"] for one in daemon.events) <= set(kept(place))


def test_a_newer_database(place, folder):
    with contextlib.closing(sqlite3.connect(folder / "history.db")) as other:
        other.execute("PRAGMA user_version = 99")
    daemon = goes_on(place, run(place))
    said_once(daemon, "newer version")
    assert lost(place) == 0  # It is in the journal.
    assert "newer version" in place.airs("history", code=1).stderr


def test_a_disk_that_is_read_only(place, folder):
    with small_disk(folder, "4m"):
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        daemon = goes_on(place, run(place))
        said_once(daemon, "could not be kept")
        before = lost(place)
        assert before >= KILLS
        place.airs("kill", "/a")
        daemon.wait_event("ready", "/a", generation=KILLS + 2)
        assert lost(place) > before
        said_once(daemon, "could not be kept")
        daemon.stop()


def test_a_full_disk(place, folder):
    with small_disk(folder, "1m"):
        daemon = goes_on(place, run(place))
        assert lost(place) == 0
        filler = folder / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        generation = 1 + KILLS
        while lost(place) == 0:  # The page in which the journal's file ends has room yet.
            place.airs("kill", "/a")
            generation += 1
            daemon.wait_event("ready", "/a", generation=generation)
        goes_on(place, daemon)
        said_once(daemon, "could not be kept")
        missing = lost(place)
        filler.unlink()
        daemon.wait_for(lambda _: place.airs("history", code=None).returncode == 0, "history")
        place.airs("kill", "/a")
        daemon.wait_event("ready", "/a", generation=generation + KILLS + 1)
        assert lost(place) == missing
        seqs = [one["seq"] for one in daemon.events]
        assert len(set(seqs) - set(kept(place))) == missing
        assert seqs[-1] in kept(place)
        daemon.stop()


def test_a_newer_journal(place, folder):
    daemon = run(place)
    place.wait("/a", "ready")
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    journal = max(folder.glob("journal-*"))
    content = bytearray(journal.read_bytes())
    content[8:12] = (99).to_bytes(4, "little")
    journal.write_bytes(content)
    daemon.is_lost = True
    daemon = goes_on(place, run(place))
    said_once(daemon, "newer version")
    assert lost(place) > 0


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_journal_cut_short(place, folder, cut):
    daemon = goes_on(place, run(place))
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    journal = max(folder.glob("journal-*"))
    content = journal.read_bytes()
    journal.write_bytes(content[:-cut])
    again = run(place)
    place.wait("/a", "ready")
    assert lost(place) == 0
    assert again.events[0]["seq"] > daemon.events[0]["seq"]
    seqs = kept(place)
    assert seqs == list(range(1, len(seqs) + 1))
    # What was granted before what is missing still counts.
    assert place.status("/a")["restarts"] >= KILLS - 1
    place.airs("kill", "/a")
    again.wait_for(lambda _: place.status("/a")["restarts"] > KILLS - 1, "grant")
