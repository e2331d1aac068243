"""What goes wrong around a verb: each error says what to do next, and nothing is dropped unsaid."""
import json
import os
import pty
import socket
import subprocess
import threading

import pytest

from conftest import AIRS, DEADLINE_S, GUESTS, child, supervisor

ECHO = GUESTS / "echo.wasm"


@pytest.fixture
def running(place):
    place.up(child("runs", "sleeper"), child("actor", "echo"), child("back", "echo", count=1),
             child("failed", "crasher", args=["exit", "3"], max_restarts=0),
             supervisor("group", child("two", "echo")))
    place.wait("/failed", "failed")
    place.wait("/group/two", "ready")
    return place


class FakeDaemon:
    """A control socket that answers each connection with scripted bytes, then closes it."""

    def __init__(self, path, *answers):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(8)
        self.thread = threading.Thread(target=self._serve, args=(answers,), daemon=True)
        self.thread.start()

    def _serve(self, answers):
        for answer in answers:
            connection = self.listener.accept()[0]
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(65536)
            connection.sendall(answer)
            connection.close()

    def close(self):
        self.thread.join(DEADLINE_S)
        self.listener.close()
        self.path.unlink()


@pytest.fixture
def fake(place):
    opened = []

    def open_fake(*answers):
        opened.append(FakeDaemon(place.root / "fake.sock", *answers))
        return opened[-1].path
    yield open_fake
    for one in opened:
        one.close()


def lines_of(*records):
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"".join(
        json.dumps(one).encode() + b"\n" for one in records)


def in_a_terminal(place, *words):
    """What a verb shows on a terminal, without colours."""
    master, slave = pty.openpty()
    process = subprocess.Popen([AIRS, *map(str, words)], stdin=slave, stdout=slave, stderr=slave,
                               env={**place.env, "NO_COLOR": "1"}, cwd=place.work)
    assert process.wait(DEADLINE_S) == 0
    os.close(slave)
    shown = os.read(master, 65536)
    os.close(master)
    return shown


def down_while_followed(place, manifest):
    follower = place.follow(manifest)
    place.airs("down")
    follower.wait()


# ---- Nothing is dropped unsaid ----

@pytest.mark.parametrize("words, name", [
    ([b"/n", "--component", ECHO, "--config", b"a\xff"], "--config"),
    ([b"/n", "--component", b"\xff.wasm"], "--component"),
    ([b"/n\xff", "--component", ECHO], "PATH"),
])
def test_add_refuses_what_is_not_utf8(running, words, name):
    done = subprocess.run([AIRS, "add", *words], env=running.env, cwd=running.work,
                          capture_output=True, text=True)
    assert done.returncode == 2
    assert f"{name} is not UTF-8 text" in done.stderr
    assert "/n" not in running.ps()


def test_logs_show_a_line_with_a_nul(place, fake):
    record = {"time": "2026-01-02T03:04:05.678901Z", "path": "/a", "generation": 1,
              "stream": "stdout", "text": "a\0b\x1b[31m"}
    path = fake(*[lines_of(record, {**record, "text": "next"})] * 2)
    assert place.airs("logs", "/a", "--socket", path).stdout == \
        "03:04:05.678 a\0b\x1b[31m\n03:04:05.678 next\n"
    assert in_a_terminal(place, "logs", "/a", "--socket", path) == \
        b"03:04:05.678 a?b?[31m\r\n03:04:05.678 next\r\n"


def test_last_lines_show_a_nul(place, fake):
    exit_ = {"time": "2026-01-02T03:04:05.678901Z", "path": "/a", "generation": 1,
             "event": "exited", "reason": "error", "detail": "3", "log": ["a\0b", "next"]}
    shown = place.airs("history", "/a", "--full", "--socket", fake(lines_of(exit_))).stdout
    assert "    a?b\n    next\n" in shown


def test_up_says_when_the_disk_behind_stdout_is_full(place):
    manifest = place.manifest(child("a", "sleeper"))
    for words in ([], ["--json"]):
        with open("/dev/full", "wb") as full:
            process = subprocess.Popen([AIRS, "up", "-f", manifest, *words], env=place.env,
                                       cwd=place.work, stdout=full, stderr=subprocess.PIPE, text=True)
        down_while_followed(place, manifest)
        said = process.communicate(timeout=DEADLINE_S)[1]
        assert process.returncode == 1
        assert "cannot write to standard output" in said


def test_up_is_fine_without_a_reader(place):
    manifest = place.manifest(child("a", "sleeper"))
    process = subprocess.Popen([AIRS, "up", "-f", manifest], env=place.env, cwd=place.work,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    down_while_followed(place, manifest)
    assert process.wait(DEADLINE_S) == 0
    assert process.stderr.read() == b""


@pytest.mark.parametrize("text, name", [
    ('{"name": "json", "children": [CHILD]}', "json"),
    ("name: block\nchildren: [CHILD]", "block"),
])
def test_detached_it_is_named(place, text, name):
    manifest = place.work / "airs.yaml"
    manifest.write_text(text.replace("CHILD", json.dumps(child("a", "sleeper"))))
    assert f"airs down --app {name}" in place.airs("up", "--detach").stdout
    down_while_followed(place, manifest)
    assert json.loads(place.airs("up", "--detach", "--json").stdout)["app"] == name
    down_while_followed(place, manifest)
    # Its name stands in ./airs.yaml, so that it is that one which does not run.
    assert f"{name} is not running" in place.airs("ps", code=3).stderr


def test_detached_a_name_that_is_hard_to_find_is_not_guessed(place):
    spec = json.dumps(child("a", "sleeper"))
    manifest = place.work / "airs.yaml"
    manifest.write_text(f"{{ name: flow, children: [{spec}] }}\n")
    assert place.airs("up", "--detach").stdout == \
        "it is running; see: airs ps; stop it: airs down\n"
    down_while_followed(place, manifest)
    assert json.loads(place.airs("up", "--detach", "--json").stdout) == {"status": "started"}
    down_while_followed(place, manifest)


# ---- What to do next ----

HINTS = [
    (["kill", "/failed"], 1, "See: airs explain /failed"),
    (["call", "/actor", "sleep 500", "--timeout", "10ms"], 1, "See: airs explain /actor"),
    (["call", "/actor", "-1"], 2, "put '--' before it"),
    (["send", "/actor", "-é"], 2, "unknown option '-é'"),
    (["status", "/tow"], 4, "did you mean /group/two?"),
    (["status", "/back"], 4, "there are 1 of it, the first is /back#1"),
    (["scale", "/back", "99999999999"], 2, "is no number up to 4294967295"),
    (["wait", "/runs", "--state", "running", "--generation", "99999999999"], 2,
     "is no number up to 4294967295"),
    (["add", "/n", "--component", ECHO, "--max-restarts", "-1"], 2,
     "--max-restarts '-1' is no number and not unlimited"),
    (["add", "/n", "--component", ECHO, "--count", "two"], 2, "--count 'two' is no number"),
    (["add", "/group/", "--component", ECHO], 2, "as in /web/extra"),
    (["ps", "--socket", ""], 2, "--socket: the path is empty"),
    (["ps", "--socket", "/nowhere/x.sock"], 3, "start an application with: airs up -f FILE"),
    (["ps", "--app", "a/b"], 2, "letters, digits"),
]


def test_an_error_says_what_to_do_next(running):
    for words, code, hint in HINTS:
        assert hint in running.airs(*words, code=code).stderr


def test_without_a_manifest_it_says_how_to_name_one(place):
    assert "name a manifest: airs up -f FILE" in place.airs("up", code=2).stderr
    assert "name a manifest: airs check FILE" in place.airs("check", code=2).stderr
    assert "name a manifest: airs up -f FILE" in place.airs("up", "-f", "", code=2).stderr
    assert "name a manifest: airs check FILE" in place.airs("check", "", code=2).stderr


def test_nothing_else_is_taken_for_a_number(running):
    running.airs("add", "/n", "--component", ECHO, "--max-restarts", "unlimited", "--count", "1")
    running.runs[-1].added["/"] = [child("n", "echo", max_restarts="unlimited", count=1)]
    assert running.status("/n#1")["budget"] == "0/unlimited"


def test_another_users_application_is_not_said_to_be_down(place):
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    place.up(child("a", "sleeper"))
    path = place.runtime / "airs" / "app.sock"
    program = place.root / "airs-of-anybody"
    program.write_bytes(open(AIRS, "rb").read())
    for folder, mode in ((place.root, 0o755), (program, 0o755)):
        folder.chmod(mode)
    for words in (["ps"], ["down"]):
        done = subprocess.run([program, *words, "--socket", path], env=place.env, user=65534,
                              group=65534, extra_groups=[], cwd="/", capture_output=True, text=True)
        assert done.returncode == 1
        assert "another user's" in done.stderr
    place.root.chmod(0o700)


@pytest.mark.parametrize("words, code", [
    (["ps"], 3), (["events", "-f"], 3), (["logs"], 3),
    (["stop", "/a"], 1), (["call", "/a", "x"], 1),
])
def test_an_application_that_ends_meanwhile(place, fake, words, code):
    said = place.airs(*words, "--socket", fake(b""), code=code).stderr
    assert ("airs up -f FILE" if code == 3 else "ended before it answered; see: airs ps") in said
    assert "peer" not in said and "headers" not in said


def test_down_of_an_application_that_is_killed_meanwhile(place):
    daemon = place.up(child("a", "badstop", config="sleep", shutdown="infinity"))
    place.wait("/a", "ready")
    down = subprocess.Popen([AIRS, "down"], env=place.env, cwd=place.work, stderr=subprocess.PIPE,
                            text=True)
    place.wait("/a", "stopping")
    daemon.process.kill()
    said = down.communicate(timeout=DEADLINE_S)[1]
    assert down.returncode == 1 and "ended before it answered" in said
    for left in (place.runtime / "airs").iterdir():
        left.unlink()  # As the next `up` would.


# ---- What is shown ----

def test_history_of_events_shows_one_time_each(running):
    for line in running.airs("history", "--events").stdout.splitlines():
        day, time, rest = line.split(" ", 2)
        assert len(day) == 10 and len(time) == 12
        assert rest.startswith(("/", "application-started"))


def test_a_response_ends_its_line_on_a_terminal_alone(running):
    assert running.airs("call", "/actor", "hello").stdout == "hello"
    assert in_a_terminal(running, "call", "/actor", "hello") == b"hello\r\n"


def test_explain_says_that_no_restart_is_allowed(running):
    assert "max-restarts is 0" in running.airs("explain", "/failed").stdout
