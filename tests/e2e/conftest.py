"""What every test of the program starts with.

A test gets a `place`: directories of its own for sockets, state and temporary files, and the
program run in them. Tests watch events and wait with `airs wait`; none sleeps. After each test
nothing may be left (no process, socket or temporary file).

oracle.py judges every run of a daemon, and what goes on from one to the next: all events from the
first one on, without a gap. A test cannot leave one out: what the history of an application knows
of, somebody must have followed. Not judged are the last events of a run that was killed and that
none came after, for nobody has seen them, and test_example.py's program, which is a C program of
its own and no daemon: that test recounts what it prints.
"""
import contextlib
import copy
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

import pytest
import yaml

import oracle

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
AIRS = os.environ.get("AIRS", str(ROOT / "build" / "airs"))
GUESTS = pathlib.Path(os.environ.get("AIRS_GUESTS", ROOT / "build" / "guests"))
# Sanitizers make everything slower; deadlines are for what hangs, not for what is slow.
SLOW = 4 if os.environ.get("AIRS_SANITIZE") else 1
DEADLINE_S = 120 * SLOW


def child(name, guest, **keys):
    """A child of a manifest: keys as in the manifest, with _ for -."""
    component = guest if "/" in str(guest) else str(GUESTS / f"{guest}.wasm")
    return {"name": name, "component": str(component),
            **{key.replace("_", "-"): value for key, value in keys.items()}}


def supervisor(name, *children, **keys):
    return {"name": name, **{key.replace("_", "-"): value for key, value in keys.items()},
            "children": list(children)}


class Run:
    """One run of an application: the process that tells of it, and all that the oracle hears."""

    def __init__(self, place, manifest, *words):
        self.place = place
        self.manifest = manifest
        self.text = pathlib.Path(manifest).read_text()  # As it is now: it may change.
        self.reloads = []   # The manifests that it was reloaded with, parsed.
        self.added = {}     # Children by the path of the supervisor that they were added to.
        self.scaled = []    # Paths of a `count`.
        self.left_out = []  # What was added, and cannot be read any more by this run.
        self.is_lost = False  # A test has damaged what it left: the next one may know less of it.
        self.events = []
        self.complaints = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            [AIRS, *words], env=place.env, cwd=place.work, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True)
        self.readers = [threading.Thread(target=self._read, args=arguments, daemon=True)
                        for arguments in ((self.process.stdout, self.events, json.loads),
                                          (self.process.stderr, self.complaints, str))]
        for reader in self.readers:
            reader.start()

    def _read(self, file, lines, parse):
        for line in file:
            if not line.endswith(b"\n"):
                break  # Killed in the middle of it.
            with self.changed:
                lines.append(parse(line.decode()))
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def tree(self):
        """What the oracle takes for its manifest."""
        return {**yaml.safe_load(self.text), "added": self.added, "reloads": self.reloads,
                "scaled": self.scaled, "left-out": self.left_out}

    def as_far_as(self, seq):
        """The same run with its events before `seq`."""
        run = copy.copy(self)
        run.events = [one for one in self.events if one["seq"] < seq]
        return run

    def was_killed(self):
        """No end is told of it."""
        return self.process.returncode == -signal.SIGKILL

    @property
    def stderr(self):
        return "".join(self.complaints)

    def has_ended(self):
        return not any(reader.is_alive() for reader in self.readers)

    def wait_for(self, found, what="event"):
        """Waits until `found(events)` is true; its value."""
        end = time.monotonic() + DEADLINE_S
        with self.changed:
            while True:
                value = found(self.events)
                if value:
                    return value
                left = end - time.monotonic()
                if left <= 0 or (self.has_ended() and not found(self.events)):
                    raise AssertionError(f"no {what}; stderr: {self.stderr!r}; "
                                         f"last events: {self.events[-12:]}")
                # The end of the readers is no event of theirs: look again now and then.
                self.changed.wait(min(left, 0.2))

    def wait_event(self, event, path=None, **fields):
        """The first event with these fields."""
        def find(events):
            for one in events:
                if one["event"] == event and (path is None or one.get("path") == path) and \
                        all(one.get(key) == value for key, value in fields.items()):
                    return one
            return None
        return self.wait_for(find, f"{event} {path or ''} {fields}")

    def wait_said(self, words):
        """Until it has said these words on its standard error."""
        self.wait_for(lambda _: words in self.stderr, repr(words))

    def of(self, path, event=None):
        with self.changed:
            return [one for one in self.events if one.get("path") == path
                    and (event is None or one["event"] == event)]

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Its exit code."""
        code = self.process.wait(DEADLINE_S)
        for reader in self.readers:
            reader.join(DEADLINE_S)
        return code

    def stop(self):
        return self.wait()


class Daemon(Run):
    """One `airs up --json` in front."""

    def __init__(self, place, manifest, *options):
        super().__init__(place, manifest, "up", "-f", str(manifest), "--json", *options)

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return super().stop()


class Follower(Run):
    """`airs events -f` of a daemon that was started in another way; it ends with that."""

    def __init__(self, place, manifest, *options):
        super().__init__(place, manifest, "events", "-f", "--json", *options)


class Place:
    """Directories for one test, and the program in them."""

    def __init__(self, cache):
        # Short: a socket's path has 107 bytes.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="airs-e2e-", dir="/tmp"))
        self.work = self.root / "work"
        self.runtime = self.root / "run"
        self.state = self.root / "state"
        self.tmp = self.root / "tmp"
        self.cache = cache
        for folder in (self.work, self.runtime, self.state, self.tmp):
            folder.mkdir(mode=0o700)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.root), "TERM": "xterm",
                    "LANG": "C.UTF-8", "XDG_RUNTIME_DIR": str(self.runtime),
                    "XDG_STATE_HOME": str(self.state), "XDG_CACHE_HOME": str(cache),
                    "TMPDIR": str(self.tmp), "AIRS_E2E_PLACE": self.root.name}
        for name, value in os.environ.items():
            if name.endswith("SAN_OPTIONS"):
                self.env[name] = value
        self.runs = []  # In the order in which they began.

    # The program

    def airs(self, *words, code=0, **options):
        """Runs one verb; its exit code must be `code` (None: any)."""
        done = subprocess.run([AIRS, *map(str, words)], env=options.pop("env", self.env),
                              cwd=options.pop("cwd", self.work), text=options.pop("text", True),
                              capture_output=True, timeout=DEADLINE_S,
                              stdin=subprocess.DEVNULL, **options)
        assert code is None or done.returncode == code, \
            f"airs {' '.join(map(str, words))}: {done.returncode}, not {code}\n" \
            f"{done.stdout}\n{done.stderr}"
        if words[:1] == ("scale",) and done.returncode == 0 and "--help" not in words:
            self.runs[-1].scaled.append(words[1])
        return done

    def wait(self, path, state, *options, code=0):
        return self.airs("wait", path, "--state", state, "--timeout", f"{DEADLINE_S}s", *options,
                         code=code)

    def status(self, path):
        return json.loads(self.airs("status", path, "--json").stdout)

    def ps(self):
        lines = self.airs("ps", "--json").stdout.splitlines()
        return {row["path"]: row for row in map(json.loads, lines)}

    def add(self, parent, spec, code=0):
        """Adds a child as it would stand in a manifest; the oracle hears of it."""
        file = self.work / f"{spec['name']}.yaml"
        file.write_text(json.dumps(spec))
        self.runs[-1].added.setdefault(parent, []).append(spec)
        return self.airs("add", parent, "-f", file, code=code)

    def reload(self, *children, options=(), code=0, applied=True, **keys):
        """Writes another manifest and reloads; the oracle hears of it, if it was `applied`."""
        file = self.manifest(*children, **keys)
        if applied:
            self.runs[-1].reloads.append(yaml.safe_load(file.read_text()))
        return self.airs("reload", *options, code=code)

    def manifest(self, *children, name="app", file="airs.yaml", **keys):
        path = self.work / file
        keys = {"name": name, **keys, "children": list(children)}
        # JSON is YAML.
        path.write_text("".join(f"{key.replace('_', '-')}: {json.dumps(value)}\n"
                                for key, value in keys.items()))
        return path

    def up(self, *children, options=(), started=True, **keys):
        """Writes a manifest and runs it; returns once it has started."""
        return self.run(self.manifest(*children, **keys), *options, started=started)

    def run(self, manifest, *options, started=True):
        daemon = Daemon(self, manifest, *options)
        self.runs.append(daemon)
        if started:
            daemon.wait_event("application-started")
        return daemon

    def follow(self, manifest, *options):
        """The events of an application that was started by other means, as soon as it runs."""
        end = time.monotonic() + DEADLINE_S
        while True:
            follower = Follower(self, manifest, *options)
            try:
                follower.wait_for(lambda events: events)
                break
            except AssertionError:  # Nobody listens yet.
                if follower.wait() != 3 or time.monotonic() > end:
                    raise
        self.runs.append(follower)
        return follower

    # What must hold afterwards

    def processes(self):
        """Processes of this place that have not ended."""
        marker = f"AIRS_E2E_PLACE={self.root.name}\0".encode()
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                if marker in (entry / "environ").read_bytes():
                    found.append((int(entry.name), (entry / "cmdline").read_bytes()))
            except OSError:
                pass
        return found

    def left_behind(self):
        sockets = [path for path in self.runtime.rglob("*") if not path.is_dir()]
        temporary = list(self.tmp.iterdir())
        half_written = [path for path in self.cache.rglob("*") if ".tmp" in path.name]
        return sockets + temporary + half_written

    def runs_by_application(self):
        told = {}
        for run in self.runs:
            if run.events:
                told.setdefault(run.events[0]["app"], []).append(run)
        return told

    def kept_by_application(self):
        """The last seq in the history of each application that has one."""
        kept = {}
        for file in self.root.rglob("history.db"):
            try:
                with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as base:
                    seq = base.execute("SELECT max(seq) FROM events").fetchone()[0]
            except sqlite3.Error:
                continue  # A test has damaged it.
            if seq:
                kept[file.parent.parent.name] = seq
        return kept

    def add_untold(self, app, runs):
        """What a run that was killed had kept and told nobody: the history has it."""
        ends = [(one, one.events[-1]["seq"], other.events[0]["seq"])
                for one, other in zip(runs, runs[1:]) if one.was_killed()]
        if all(last + 1 == first for _, last, first in ends):
            return
        asked = Daemon(self, self.manifest(child("asked", "sleeper"), name=app, file="asked.yaml"))
        try:
            asked.wait_event("ready", "/asked")
            said = self.airs("history", "--app", app, "--events", "--json", "--count", "10000")
        finally:
            asked.stop()
        events = [json.loads(line) for line in said.stdout.splitlines()]
        for run, last, first in ends:
            run.events += [event for event in events if last < event["seq"] < first]

    def judge_runs(self, app, runs):
        self.add_untold(app, runs)
        wrong = oracle.judge_runs(
            [(run.tree(), map(json.dumps, run.events), f"run {number} of {app}")
             for number, run in enumerate(runs, 1)], runs[-1].was_killed())
        assert wrong is None, f"the oracle rejects this run:\n{wrong}"
        for run in runs:
            has_ended = run.events[-1]["event"] == "application-stopped"
            assert has_ended or run.was_killed(), f"a run of {app} has no end: {run.stderr!r}"

    def judge(self):
        told, kept = self.runs_by_application(), self.kept_by_application()
        for app, runs in told.items():
            for at, run in enumerate(runs):
                if run.is_lost:
                    self.judge_runs(app, runs[:at + 1])
                    runs[at] = run.as_far_as(runs[at + 1].events[0]["seq"])
            self.judge_runs(app, [run for run in runs if run.events])
            is_whole = runs[-1].was_killed() or runs[-1].events[-1]["seq"] >= kept.get(app, 0)
            assert is_whole, f"nobody has followed the last run of {app}"
        assert kept.keys() <= told.keys(), "nobody has followed an application"

    def close(self):
        for run in self.runs:
            run.stop()
        self.judge()
        assert not self.processes(), "processes are left"
        assert not self.left_behind(), "files are left"

    def remove(self):
        for pid, _ in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for run in self.runs:
            run.wait()
        shutil.rmtree(self.root, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_cache():
    """Compiled components, shared by all tests of a run but those about the cache."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="airs-e2e-cache-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def place(shared_cache):
    one = Place(shared_cache)
    try:
        yield one
        one.close()
    finally:
        one.remove()


def seqs_have_no_gap(events):
    return [one["seq"] for one in events] == list(range(events[0]["seq"],
                                                        events[0]["seq"] + len(events)))
