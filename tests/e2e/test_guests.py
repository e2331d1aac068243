"""Guests that do everything wrong: each has a defined outcome, and the others are unharmed."""
import datetime
import json
import socket
import time

import pytest

from conftest import SLOW, child, supervisor

RESTARTS = {"max_restarts": 2, "within": "1h", "backoff": ["1ms"]}


def witness():
    return child("witness", "echo")


def is_unharmed(place):
    assert place.airs("call", "/witness", "hello").stdout == "hello"
    assert place.status("/witness")["generation"] == 1


@pytest.mark.parametrize("mode, reason, detail", [
    (["trap"], "trap", "unreachable"), (["abort"], "trap", "unreachable"),
    (["oob"], "trap", "memory-out-of-bounds"),
    (["divzero"], "trap", "integer-division-by-zero"),
    (["stackoverflow"], "trap", "stack-overflow"), (["exit", "3"], "error", "3"),
    (["oom"], "out-of-memory", ""),
])
def test_a_guest_that_crashes_is_restarted_until_its_budget_is_used_up(place, mode, reason,
                                                                      detail):
    # A stack overflow may be told from memory out of bounds only by the engine.
    daemon = place.up(witness(), child("bad", "crasher", args=mode, **RESTARTS,
                                       limits={"memory": "32MiB"}))
    daemon.wait_event("failed", "/bad")
    exits = daemon.of("/bad", "exited")
    assert [one["generation"] for one in exits] == [1, 2, 3]
    assert all(one["reason"] == reason and detail in one.get("detail", "") for one in exits)
    # Each is a new instance: the guest's own counter begins at 1.
    starts = [line for line in place.airs("logs", "/bad").stdout.splitlines() if "start" in line]
    assert len(starts) == 3 and all("crasher: start 1 " in line for line in starts)
    is_unharmed(place)


@pytest.mark.parametrize("mode", ["trap", "err"])
def test_a_guest_that_fails_in_initialize(place, mode):
    daemon = place.up(witness(), child("bad", "initfail", config=mode, **RESTARTS))
    daemon.wait_event("failed", "/bad")
    assert len(daemon.of("/bad", "exited")) == 3
    assert not daemon.of("/bad", "started")
    assert daemon.of("/bad", "exited")[0]["reason"] == ("trap" if mode == "trap" else "error")
    is_unharmed(place)


@pytest.mark.parametrize("mode", ["loop", "sleep"])
def test_a_guest_that_never_ends_its_initialize(place, mode):
    daemon = place.up(witness(), child("bad", "initfail", config=mode, start_timeout="100ms",
                                       **RESTARTS),
                      child("sibling", "crasher", args=["trap", "50"], backoff=["1ms"],
                            max_restarts=1_000_000, within="1s"))
    place.wait("/sibling", "running", "--generation", 2)
    daemon.wait_event("failed", "/bad")
    assert [one["reason"] for one in daemon.of("/bad", "exited")] == ["timeout"] * 3
    is_unharmed(place)


def test_hanging_starts_disturb_nobody(place):
    """`status` answers at once, a crash is restarted on time, the end keeps its times."""
    daemon = place.up(child("loops", "initfail", config="loop", start_timeout="1h",
                            shutdown="200ms"),
                      child("sleeps", "initfail", config="sleep", start_timeout="1h",
                            shutdown="200ms"),
                      child("crashes", "crasher", args=["trap"], max_restarts=10,
                            backoff=["50ms"]), witness())
    daemon.wait_event("failed", "/crashes")
    late = [time_of(after) - time_of(before) - before["delay_ms"] / 1000
            for before, after in zip(daemon.of("/crashes", "restart-scheduled"),
                                     daemon.of("/crashes", "started")[1:])]
    # On a busy machine some come late; what hangs would hold up each of them.
    assert len(late) == 10 and 0 <= min(late) < 0.1 * SLOW
    times = []
    for _ in range(50):
        began = time.monotonic()
        assert b'"state":"starting"' in get(place, "/v1/children/loops")
        times.append(time.monotonic() - began)
    assert min(times) < 0.010 * SLOW
    is_unharmed(place)
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 30  # 200 ms each, not an hour.


def time_of(event):
    return datetime.datetime.fromisoformat(event["time"]).timestamp()


def get(place, target):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(str(place.runtime / "airs" / "app.sock"))
        one.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: one.recv(65536), b""))


@pytest.mark.parametrize("bad", [
    child("bad", "crasher", args=["trap"]), child("bad", "initfail", config="trap"),
    child("bad", "initfail", config="sleep", start_timeout="20ms"),
], ids=["dies at once", "dies in its start", "always times out in its start"])
def test_delays_longer_than_the_window_do_not_help(place, bad):
    """Lived time stands still while a child waits: exactly max-restarts, then failed."""
    bad.update({"max-restarts": 2, "within": "2s",
                "backoff": {"strategy": "linear", "initial": "3s", "max": "3s"}})
    daemon = place.up(witness(), bad)
    daemon.wait_event("failed", "/bad")
    assert len(daemon.of("/bad", "restart-scheduled")) == 2
    assert [one["generation"] for one in daemon.of("/bad", "exited")] == [1, 2, 3]
    is_unharmed(place)


def test_a_guest_that_traps_at_every_message(place):
    place.up(witness(), child("bad", "echo", max_restarts=100, backoff=["1ms"]))
    for generation in range(1, 6):
        place.wait("/bad", "running", "--generation", generation)
        place.airs("call", "/bad", "crash trap", code=1)
        place.wait("/bad", "running", "--generation", generation + 1)
        assert place.airs("call", "/bad", "count").stdout == "1"
    is_unharmed(place)


def test_mail_sent_before_the_crash_is_answered_by_the_next_instance(place):
    place.up(child("a", "echo", backoff=["300ms"]))
    place.airs("send", "/a", "crash trap")
    for word in ("one", "two"):
        place.airs("send", "/a", f"log {word}")
    place.wait("/a", "running", "--generation", 2)
    assert place.airs("call", "/a", "count").stdout == "3"
    text = place.airs("logs", "/a").stdout
    assert text.index("one") < text.index("two")


@pytest.mark.parametrize("message", ["loop", "sleep 3600000"])
def test_a_guest_that_never_returns_from_a_message(place, message):
    limits = {"cpu-timeout": "200ms", "call-timeout": "400ms"}
    daemon = place.up(witness(), child("bad", "echo", limits=limits, backoff=["1ms"]))
    place.airs("call", "/bad", message, code=1)
    daemon.wait_event("started", "/bad", generation=2)
    assert daemon.of("/bad", "exited")[0]["reason"] == "timeout"
    is_unharmed(place)


@pytest.mark.parametrize("mode", ["newline", "nonewline", "both"])
def test_a_guest_that_prints_without_end(place, mode):
    place.up(witness(), child("bad", "chatter", args=[mode]))
    place.wait("/bad", "running")
    is_unharmed(place)
    place.airs("stop", "/bad")
    place.wait("/bad", "stopped")
    files = [path for path in place.state.rglob("*") if path.is_file() and "logs" in path.parts]
    assert sum(path.stat().st_size for path in files) <= 17 << 20
    longest = max((len(line) for path in files for line in path.read_bytes().splitlines()),
                  default=0)
    assert longest <= 8192 + 256


def test_one_that_computes_does_not_disturb_the_rest(place):
    place.up(witness(), *[child(f"busy{i}", "spinner") for i in range(4)])
    for _ in range(5):
        is_unharmed(place)
    place.airs("kill", "/busy1")
    place.wait("/busy1", "running", "--generation", 2)


def test_commands_are_asked_to_stop_in_their_own_way(place):
    daemon = place.up(child("told", "stopper"), child("polls", "stopper", args=["poll"]),
                      child("reads", "stdin", stdin="open"), child("deaf", "stopper",
                                                                   args=["deaf"],
                                                                   shutdown="200ms"),
                      child("unasked", "sleeper"))
    for name in ("told", "polls", "reads", "deaf", "unasked"):
        place.wait(f"/{name}", "running")
    place.airs("down")
    daemon.wait()
    reasons = {path: daemon.of(path, "exited")[-1]["reason"]
               for path in ("/told", "/polls", "/reads", "/deaf", "/unasked")}
    assert reasons == {"/told": "shutdown", "/polls": "shutdown", "/reads": "shutdown",
                       "/deaf": "timeout", "/unasked": "shutdown"}


def test_an_empty_stdin_is_at_its_end(place):
    place.up(child("a", "stdin", restart="transient"), child("b", "sleeper"))
    place.wait("/a", "stopped")
    assert "end after 0 bytes" in place.airs("logs", "/a").stdout


def test_environment_config_and_capabilities(place):
    place.env["HOME_TOWN"] = "Cambridge"
    place.up(child("a", "echo", environment={"MODE": "test"}, config="some text"),
             child("f", "files", restart="temporary"))
    assert place.airs("call", "/a", "env MODE").stdout == "test"
    assert place.airs("call", "/a", "config").stdout == "some text"
    assert "not permitted" in place.airs("call", "/a", "send").stdout
    place.wait("/f", "stopped")
    assert place.status("/f")["exit"]["reason"] == "normal"


def test_too_many_children_for_the_pool(place):
    """The rest waits, visibly, and takes the place of one that ends."""
    daemon = place.up(child("a", "sleeper"), child("b", "sleeper"), max_instances=1)
    daemon.wait_event("waiting", "/b", waits_for="pool")
    assert place.status("/b")["state"] == "registered"
    assert place.status("/b")["waits_for"] == "pool"
    place.airs("stop", "/a")
    place.wait("/b", "running")


@pytest.mark.skipif(int(open("/proc/sys/vm/max_map_count").read()) > 4_000_000,
                    reason="this machine can hold it")
def test_a_pool_that_the_machine_cannot_hold(place):
    manifest = place.manifest(child("a", "sleeper"), max_instances=1_000_000)
    assert "max-instances" in place.airs("up", "-f", manifest, code=1).stderr


def test_a_nested_supervisor_escalates_and_comes_back(place):
    daemon = place.up(witness(), supervisor(
        "group", child("bad", "crasher", args=["trap"], max_restarts=1, backoff=["1ms"],
                       on_exhausted="escalate", depends_on=["/group/good"]), child("good", "sleeper"),
        max_restarts=1, backoff=["1ms"]))
    daemon.wait_event("failed", "/group")
    assert [one["reason"] for one in daemon.of("/group", "exited")] == ["escalated"] * 2
    assert max(one["generation"] for one in daemon.of("/group/good", "started")) == 2
    is_unharmed(place)


def test_a_restart_keeps_its_delay(place):
    daemon = place.up(child("a", "crasher", args=["trap"], max_restarts=3,
                            backoff={"strategy": "exponential", "initial": "100ms",
                                     "factor": 2, "jitter": "0%"}))
    daemon.wait_event("failed", "/a")
    assert [one["delay_ms"] for one in daemon.of("/a", "restart-scheduled")] == [100, 200, 400]


def test_last_lines_go_on_behind_a_nul(place):
    place.up(child("w", "crasher", args=["nul"], max_restarts=0), child("keep", "sleeper"))
    place.wait("/w", "failed")
    lines = ["crasher: start 1 nul", "a\0b", "last"]
    told = [json.loads(line)["text"]
            for line in place.airs("logs", "/w", "--json").stdout.splitlines()]
    assert told == lines
    exits = place.airs("history", "/w", "--json").stdout.splitlines()
    assert [json.loads(line)["log"] for line in exits] == [lines]
    assert place.status("/w")["report"]["log"] == lines
    assert "    last\n" in place.airs("history", "/w", "--full").stdout
