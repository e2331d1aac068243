"""`up` in a terminal: the tree, small sizes, what is left of the terminal, and nobody reading.

A terminal is tmux with a server of the test's own, so that what is seen is what a real one
shows. Its output goes through a pipe too, which tells when to look again.
"""
import contextlib
import datetime
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import termios
import time

import pytest

from conftest import AIRS, DEADLINE_S, ROOT, SLOW, child, supervisor

CRASHES = child("crashes", "crasher", args=["trap", "20"], max_restarts=1000, within="1h",
                backoff=["50ms"])
FAILS = child("fails", "crasher", args=["exit", "3"], max_restarts=0)


class Terminal:
    """A tmux of its own with one shell."""

    def __init__(self, place, lines, columns):
        self.place = place
        self.socket = place.root / "tmux"
        self.pipe = place.root / "tmux-output"
        os.mkfifo(self.pipe)
        self.output = os.open(self.pipe, os.O_RDWR | os.O_NONBLOCK)
        env = {**place.env, "PS1": "prompt> ", "ENV": "", "HISTFILE": "/dev/null"}
        env.pop("TMUX", None)
        self._env = env
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines),
                  "sh", "-i")
        self.tmux("set", "-g", "status", "off")
        self.tmux("resize-window", "-x", str(columns), "-y", str(lines))
        self.tmux("pipe-pane", f"cat > {self.pipe}")
        # What is typed before the prompt is there stands before it.
        self.wait_for(lambda screen: "prompt>" in screen)

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", str(self.socket), *words], env=self._env,
                              cwd=self.place.work, capture_output=True, text=True,
                              timeout=DEADLINE_S, check=True).stdout

    def type(self, text):
        self.tmux("send-keys", text, "Enter")

    def press(self, key):
        self.tmux("send-keys", key)

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def mode(self, name):
        return self.tmux("display-message", "-p", f"#{{{name}}}").strip()

    def wait_for(self, found):
        """Waits for output until `found(screen)`; the screen."""
        end = time.monotonic() + DEADLINE_S
        while True:
            screen = self.screen()
            if found(screen):
                return screen
            assert time.monotonic() < end, f"not seen:\n{screen}"
            # tmux may draw a little after its pipe has told us: look again now and then.
            if select.select([self.output], [], [], 0.1)[0]:
                os.read(self.output, 1 << 20)

    def close(self):
        processes = []
        for pid, _ in self.place.processes():
            with contextlib.suppress(ProcessLookupError):  # It has ended meanwhile.
                processes.append(os.pidfd_open(pid))
        self.tmux("kill-server")
        for process in processes:
            assert select.select([process], [], [], DEADLINE_S)[0], "tmux leaves a process"
            os.close(process)
        os.close(self.output)


@pytest.fixture
def terminal(place):
    if not shutil.which("tmux"):
        pytest.fail("tmux is missing: run scripts/setup")
    opened = []

    def open_terminal(lines, columns):
        opened.append(Terminal(place, lines, columns))
        return opened[-1]
    yield open_terminal
    for one in opened:
        one.close()


@pytest.mark.parametrize("lines, columns", [(24, 80), (12, 40)])
def test_the_tree_is_seen_and_the_terminal_given_back(place, terminal, lines, columns):
    manifest = place.manifest(child("store", "echo"), CRASHES, FAILS,
                              supervisor("web", child("front", "sleeper"),
                                         child("back", "ticker")))
    one = terminal(lines, columns)
    one.type("stty -g > before; echo ready")
    one.wait_for(lambda screen: "\nready" in screen)
    one.type(f"{AIRS} up")
    screen = one.wait_for(lambda text: "├─ front" in text and "failed" in text and
                          restarts_of(text) >= 2)
    assert one.mode("alternate_on") == "1" and one.mode("cursor_flag") == "0"
    rows = screen.rstrip().splitlines()
    assert len(rows) <= lines and all(len(row) <= columns for row in rows)
    assert rows[0].startswith("app ") and "1 fail" in rows[0].lower()
    assert "/crashes" in rows[-1], screen
    follower = place.follow(manifest)
    one.press("C-c")
    one.wait_for(lambda text: "app: up" in text and text.rstrip().endswith("prompt>"))
    follower.wait()
    one.type("stty -g > after; echo done")
    one.wait_for(lambda text: "\ndone" in text)
    assert one.mode("alternate_on") == "0" and one.mode("cursor_flag") == "1"
    assert one.mode("wrap_flag") == "1"
    assert (place.work / "before").read_text() == (place.work / "after").read_text()


def restarts_of(screen):
    for row in screen.splitlines():
        if "─ crashes" in row:
            return next((int(word) for word in row.split() if word.isdigit()), 0)
    return 0


def test_more_children_than_lines(place, terminal):
    manifest = place.manifest(*[child(f"sleeper{i}", "sleeper") for i in range(40)], FAILS)
    one = terminal(12, 40)
    one.type(f"{AIRS} up")
    screen = one.wait_for(lambda text: "more:" in text and "/fails" in text and "40 run" in text)
    assert "failed" in screen
    place.follow(manifest)
    one.tmux("resize-window", "-x", "100", "-y", "60")
    one.wait_for(lambda text: "└─ fails" in text and "sleeper39" in text)
    one.press("C-c")
    one.wait_for(lambda text: "app: up" in text)


def test_a_second_interrupt_gives_the_terminal_back_too(place, terminal):
    manifest = place.manifest(child("a", "badstop", config="sleep", shutdown="infinity"))
    one = terminal(24, 80)
    one.type(f"stty -g > before; {AIRS} up; echo code $?; stty -g > after; echo done")
    one.wait_for(lambda text: "running" in text)
    place.follow(manifest)
    one.press("C-c")
    one.wait_for(lambda text: "stopping" in text)
    one.press("C-c")
    one.wait_for(lambda text: "code 130" in text and "\ndone" in text)
    assert one.mode("alternate_on") == "0" and one.mode("cursor_flag") == "1"
    assert (place.work / "before").read_text() == (place.work / "after").read_text()


def test_no_colour_when_it_is_not_wanted(place):
    """The bytes themselves: with NO_COLOR no colour, without it some."""
    manifest = place.manifest(child("a", "sleeper"), FAILS)
    for no_colour in (False, True):
        env = {**place.env, **({"NO_COLOR": "1"} if no_colour else {})}
        process, master = in_a_terminal([AIRS, "up", "-f", str(manifest)], place, env)
        seen = read_until(master, lambda data: b"failed" in data and b"running" in data)
        place.follow(manifest)
        process.send_signal(signal.SIGTERM)
        seen += read_to_the_end(master, process)
        assert (b"\x1b[32m" not in seen) == no_colour
        assert b"\x1b[?1049h" in seen and b"\x1b[?1049l" in seen
        assert process.wait(DEADLINE_S) == 0


def test_ps_draws_a_tree_on_a_terminal(place):
    place.up(child("a", "echo"), supervisor("web", child("front", "sleeper"), FAILS))
    place.wait("/web/fails", "failed")
    process, master = in_a_terminal([AIRS, "ps"], place)
    seen = read_to_the_end(master, process).decode()
    assert process.wait(DEADLINE_S) == 0
    assert "└─ web" in seen and "   └─ fails" in seen and "\x1b[1;31mfailed" in seen
    plain = [part.split("m", 1)[-1] for part in seen.split("\x1b[")]
    assert all(len(line) <= 80 for line in "".join(plain).splitlines())
    process, master = in_a_terminal([AIRS, "ps"], place, {**place.env, "LANG": "C"})
    assert "`- web" in read_to_the_end(master, process).decode()


def test_a_pipe_gets_event_lines_without_colour(place):
    manifest = place.manifest(child("a", "crasher", args=["return"], restart="transient"),
                              child("b", "sleeper"))
    process = subprocess.Popen([AIRS, "up", "-f", manifest], env=place.env, cwd=place.work,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    place.follow(manifest)
    place.wait("/a", "stopped")
    place.airs("down")
    said = process.communicate(timeout=DEADLINE_S)[0]
    assert process.returncode == 0
    assert "/a exited normal" in said and "application-stopped" in said
    assert "\033" not in said


def in_a_terminal(words, place, env=None):
    """Runs a program on a pseudo-terminal of 80 × 24; the process and our end."""
    master, slave = pty.openpty()
    import fcntl
    import struct
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def take_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, cwd=place.work,
                               env=env or place.env, preexec_fn=take_terminal)
    os.close(slave)
    return process, master


def read_until(master, found):
    data = b""
    end = time.monotonic() + DEADLINE_S
    while not found(data):
        assert time.monotonic() < end, data[-2000:]
        if select.select([master], [], [], 1)[0]:
            data += os.read(master, 65536)
    return data


def read_to_the_end(master, process):
    data = b""
    while True:
        try:
            more = os.read(master, 65536)
        except OSError:
            more = b""
        if not more:
            os.close(master)
            return data
        data += more


def test_a_terminal_that_goes_away_stops_the_application(place):
    manifest = place.manifest(child("a", "echo"), CRASHES)
    process, master = in_a_terminal([AIRS, "up", "-f", str(manifest)], place)
    read_until(master, lambda data: b"running" in data)
    place.follow(manifest)
    os.close(master)
    assert process.wait(DEADLINE_S) == 0


def lateness(place, path):
    """Seconds from when a restart was due to when it was there: the least of the later half."""
    late = []
    due = None
    for line in place.airs("events", "--json").stdout.splitlines():
        event = json.loads(line)
        now = datetime.datetime.fromisoformat(event["time"]).timestamp()
        if event.get("path") == path and event["event"] == "restart-scheduled":
            due = now + event["delay_ms"] / 1000
        elif event.get("path") == path and event["event"] == "started" and due:
            late.append(now - due)
    return min(late[len(late) // 2:])


def test_a_terminal_that_nobody_reads_delays_no_restart(place):
    manifest = place.manifest(*[child(f"crashes{i}", "crasher", args=["trap"], backoff=["5ms"],
                                      max_restarts=1_000_000, within="1s") for i in range(4)],
                              child("a", "echo"))
    process, master = in_a_terminal([AIRS, "up", "-f", str(manifest)], place)
    # Not one byte is read. A full terminal takes some kilobytes; this is far more.
    place.airs("wait", "/a", "--state", "running", "--timeout", "30s", code=None)
    read_until(master, lambda data: b"crashes3" in data)
    place.follow(manifest)
    place.wait("/crashes0", "running", "--generation", 1000)
    assert lateness(place, "/crashes0") < 0.05 * SLOW
    assert place.airs("call", "/a", "hello").stdout == "hello"
    began = time.monotonic()
    place.airs("down")
    assert process.wait(DEADLINE_S) == 0
    assert time.monotonic() - began < 40
    os.close(master)


def test_a_pipe_that_nobody_reads_delays_no_restart(place):
    manifest = place.manifest(child("crashes", "crasher", args=["trap"], backoff=["1ms"],
                                    max_restarts=1_000_000, within="1s"), child("a", "echo"))
    process = subprocess.Popen([AIRS, "up", "-f", str(manifest), "--json"], env=place.env,
                               cwd=place.work, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline()
    place.follow(manifest)
    place.wait("/crashes", "running", "--generation", 2000)
    place.airs("down")
    assert process.wait(DEADLINE_S) == 0


def test_the_shop_in_a_terminal(place, terminal):
    one = terminal(24, 80)
    one.type(f"{AIRS} up -f {ROOT}/examples/shop/airs.yaml")
    one.wait_for(lambda text: "failed" in text and "checkout" in text and "pricer" in text)
    place.follow(f"{ROOT}/examples/shop/airs.yaml")
    one.press("C-c")
    one.wait_for(lambda text: "shop: up" in text)
