"""How an application begins and ends: signals, down, --for, --detach, a killed daemon."""
import json
import os
import signal
import stat
import subprocess

import pytest

from conftest import AIRS, DEADLINE_S, child, seqs_have_no_gap, supervisor
from test_control import request


def test_sigterm_stops_cleanly(place):
    daemon = place.up(child("a", "echo"), child("b", "sleeper"),
                      child("f", "crasher", args=["exit", "1"], max_restarts=0))
    daemon.wait_event("failed", "/f")
    for path in ("/a", "/b"):
        daemon.wait_event("ready", path)
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    assert daemon.events[-1]["event"] == "application-stopped"
    assert seqs_have_no_gap(daemon.events)
    # Reverse order, and the actor was asked.
    stopped = [one["path"] for one in daemon.events if one["event"] == "stopped"]
    assert stopped.index("/b") < stopped.index("/a") or set(stopped) == {"/a", "/b"}
    assert daemon.of("/a", "exited")[-1]["reason"] == "shutdown"


def test_one_sigint_stops_cleanly(place):
    daemon = place.up(child("a", "echo"))
    daemon.signal(signal.SIGINT)
    assert daemon.wait() == 0
    assert daemon.events[-1]["event"] == "application-stopped"


def test_a_second_sigint_kills_at_once(place):
    daemon = place.up(child("a", "badstop", config="sleep", shutdown="infinity"))
    daemon.wait_event("ready", "/a")
    daemon.signal(signal.SIGINT)
    daemon.wait_event("stopping", "/a")
    daemon.signal(signal.SIGINT)
    assert daemon.wait() == 130


def test_sigint_while_everything_still_starts(place):
    daemon = place.up(child("a", "initfail", config="sleep", start_timeout="1h",
                            shutdown="100ms"), started=False)
    daemon.wait_event("starting", "/a")
    daemon.signal(signal.SIGINT)
    assert daemon.wait() == 0


@pytest.mark.parametrize("mode, reason", [("sleep", "timeout"), ("loop", "timeout"),
                                          ("trap", "trap")])
def test_a_bad_end_does_not_hold_up_the_end(place, mode, reason):
    daemon = place.up(child("good", "echo"), child("bad", "badstop", config=mode,
                                                   shutdown="200ms" if reason == "timeout"
                                                   else "1h"))
    for path in ("/good", "/bad"):
        daemon.wait_event("ready", path)
    assert daemon.stop() == 0
    assert daemon.of("/bad", "exited")[-1]["reason"] == reason
    assert daemon.of("/good", "exited")[-1]["reason"] == "shutdown"


def test_down_leaves_nothing(place):
    daemon = place.up(child("a", "echo"), child("b", "stopper"), child("c", "stdin", stdin="open"),
                      child("d", "spinner"), supervisor("s", child("e", "ticker")))
    for path in ("/b", "/c"):
        daemon.wait_event("ready", path)
    place.airs("down")
    # `down` ends after the process has.
    assert daemon.process.poll() == 0
    assert not place.left_behind()
    for path in ("/b", "/c"):
        assert daemon.of(path, "exited")[-1]["reason"] == "shutdown"


def test_down_of_what_does_not_stop_is_helped_by_kill(place):
    daemon = place.up(child("a", "badstop", config="sleep", shutdown="infinity"))
    daemon.wait_event("ready", "/a")
    down = subprocess.Popen([AIRS, "down"], env=place.env, cwd=place.work)
    daemon.wait_event("stopping", "/a")
    place.airs("kill", "/a")
    assert down.wait(DEADLINE_S) == 0
    assert daemon.wait() == 0


def test_for_ends_it(place):
    daemon = place.up(child("a", "sleeper"), child("f", "crasher", args=["trap"], max_restarts=0),
                      options=["--for", "300ms"])
    assert daemon.wait() == 0
    assert daemon.events[-1]["event"] == "application-stopped"


def test_it_ends_by_itself_when_nothing_is_left(place):
    daemon = place.up(child("a", "crasher", args=["return"], restart="transient"),
                      child("b", "crasher", args=["exit", "3"], restart="temporary"),
                      started=False)
    assert daemon.wait() == 0
    daemon = place.up(child("a", "crasher", args=["exit", "3"], max_restarts=1,
                            backoff=["1ms"]), started=False, file="second.yaml")
    assert daemon.wait() == 1
    assert daemon.of("/a", "failed")


def test_escalation_to_the_root_ends_it_with_1(place):
    daemon = place.up(child("a", "crasher", args=["trap"], max_restarts=1, backoff=["1ms"],
                            on_exhausted="escalate"), child("b", "sleeper"), started=False)
    assert daemon.wait() == 1
    assert daemon.of("/a", "escalated") or any(one["event"] == "escalated"
                                               for one in daemon.events)


def test_the_socket_is_the_user_s_own(place):
    place.up(child("a", "sleeper"))
    socket = place.runtime / "airs" / "app.sock"
    assert stat.S_IMODE(os.stat(socket).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(socket.parent).st_mode) == 0o700


def test_a_live_name_is_refused(place):
    daemon = place.up(child("a", "sleeper"))
    place.wait("/a", "running")
    second = place.airs("up", code=1)
    assert "running" in second.stderr
    place.airs("up", "--detach", code=1)
    assert place.status("/a")["generation"] == 1
    assert daemon.process.poll() is None


def test_a_killed_daemon_leaves_a_dead_socket_that_is_replaced(place):
    daemon = place.up(child("a", "sleeper"))
    daemon.signal(signal.SIGKILL)
    assert daemon.wait() == -signal.SIGKILL
    assert "is not running" in place.airs("ps", code=3).stderr
    assert "is not running" in place.airs("down", code=3).stderr
    place.up(child("a", "sleeper"))
    place.wait("/a", "running")
    place.airs("down")


def test_detach_returns_once_it_has_started(place):
    manifest = place.manifest(child("a", "echo"), child("b", "crasher", args=["trap"],
                                                        backoff=["1ms"], max_restarts=2))
    done = place.airs("up", "--detach")
    assert "airs down" in done.stdout
    follower = place.follow(manifest)
    assert place.airs("call", "/a", "hello").stdout == "hello"
    place.wait("/b", "failed")
    place.airs("down")
    assert follower.wait() == 0
    assert follower.events[-1]["event"] == "application-stopped"
    assert seqs_have_no_gap(follower.events)
    assert not place.processes()


def test_detach_says_why_it_could_not_start(place):
    (place.work / "airs.yaml").write_text("name: app\nchildren: 5\n")
    done = place.airs("up", "--detach", code=2)
    assert "children" in done.stderr
    assert not place.processes()


def test_nohup_and_a_closed_standard_output(place):
    manifest = place.manifest(child("a", "sleeper"))
    daemon = subprocess.Popen([AIRS, "up", "-f", str(manifest)], env=place.env, cwd=place.work,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert daemon.stdout.readline()
    daemon.stdout.close()
    place.wait("/a", "running")
    place.airs("kill", "/a")
    place.wait("/a", "running", "--generation", 2)
    place.follow(manifest)
    place.airs("down")
    assert daemon.wait(DEADLINE_S) == 0


def test_a_live_name_is_refused_with_what_to_do(place):
    daemon = place.up(child("a", "sleeper"))
    pid = daemon.process.pid
    for words in (["up"], ["up", "--detach"]):
        assert place.airs(*words, code=1).stderr == (
            f"airs up: application 'app' is already running as process {pid}; see: airs ps; "
            "stop it: airs down --app app\n")
    socket = place.runtime / "airs" / "app.sock"
    kept = socket.with_name("kept")
    socket.rename(kept)
    assert place.airs("ps", code=3)
    assert place.airs("up", code=1).stderr == (
        f"airs up: application 'app' is already running as process {pid}, but somebody has removed "
        f"its socket; stop it: kill {pid}\n")
    kept.rename(socket)


def test_a_detached_daemon_is_named_as_the_one_that_runs(place):
    file = place.manifest(child("a", "sleeper"))
    place.airs("up", "--detach")
    place.follow(file)
    pid = json.loads(request(place, "GET", "/v1/version")[1])["pid"]
    assert f"as process {pid};" in place.airs("up", code=1).stderr
    place.airs("down")


@pytest.mark.parametrize("variable", ["XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CACHE_HOME"])
def test_a_place_that_cannot_be_made_names_its_variable(place, variable):
    place.manifest(child("a", "sleeper"))
    done = place.airs("up", "--for", "1ms", env={**place.env, variable: "/etc/passwd"}, code=1)
    assert done.stderr.startswith("airs up: cannot make /etc/passwd/airs: Not a directory; "
                                  f"set {variable} to a directory of your own"), done.stderr
    assert done.stdout == ""
