"""Clients of the control socket that hang, send garbage, or go away."""
import json
import os
import shutil
import socket
import subprocess
import threading

import pytest

from conftest import AIRS, DEADLINE_S, child


@pytest.fixture
def app(place):
    place.daemon = place.up(child("a", "echo"), child("busy", "crasher", args=["trap"],
                                                      backoff=["1ms"], max_restarts=1000,
                                                      within="1s"))
    return place


def connect(place):
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(DEADLINE_S)
    one.connect(str(place.runtime / "airs" / "app.sock"))
    return one


def answers(place):
    assert place.airs("call", "/a", "hello").stdout == "hello"


def request(place, method, target, body=b"", headers=""):
    with connect(place) as one:
        try:
            one.sendall(f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                        f"Content-Length: {len(body)}\r\n{headers}\r\n".encode() + body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It has answered already, and does not read the rest.
        data = b""
        try:
            while more := one.recv(65536):
                data += more
        except ConnectionResetError:
            pass
    head, _, rest = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), rest


def test_clients_that_hang(app):
    silent = [connect(app) for _ in range(20)]
    half = connect(app)
    half.sendall(b"GET /v1/children HTTP/1.1\r\nHost:")
    body = connect(app)
    body.sendall(b"POST /v1/children/a/send HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
    deaf = connect(app)
    deaf.sendall(b"GET /v1/events?follow=1&since=0 HTTP/1.1\r\nHost: x\r\n\r\n")
    answers(app)
    app.wait("/busy", "running", "--generation", 50)
    answers(app)
    app.airs("down")
    for one in [*silent, half, body, deaf]:
        one.close()


@pytest.mark.parametrize("garbage", [
    b"\x00" * 100, b"\xff\xfe\xfd" * 1000, b"GET\r\n\r\n", b"NONSENSE / HTTP/9.9\r\n\r\n",
    b"GET " + b"/a" * 100000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10000 + b"\r\n",
    b"POST /v1/children/a/send HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /v1/down HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /v1/children/a/send HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
], ids=range(9))
def test_clients_that_send_garbage(app, garbage):
    clients = [connect(app) for _ in range(5)]
    for one in clients:
        try:
            one.sendall(garbage)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It has heard enough.
    answers(app)
    for one in clients:
        one.close()
    answers(app)


@pytest.mark.parametrize("method, target, code", [
    ("GET", "/v1/children", 200), ("GET", "/v1/children/a", 200), ("GET", "/v1/children/%61", 200),
    ("GET", "/v1/children/nobody", 404), ("GET", "/v1/nothing", 404), ("GET", "/", 404),
    ("GET", "/v1/children/..%2f..%2fetc", 404), ("GET", "/v1/logs/..%2f..%2fetc%2fpasswd", 404),
    ("POST", "/v1/children/nobody/stop", 404), ("POST", "/v1/children/a/explode", 400),
    ("DELETE", "/v1/children/a", 405), ("POST", "/v1/children", 405), ("GET", "/v1/down", 405),
    ("GET", "/v1/events?since=first", 400), ("POST", "/v1/children/a/call?timeout=soon", 400),
    ("POST", "/v1/reload?dry_run=x", 400), ("POST", "/v1/reload?dry_run=", 400),
    ("POST", "/v1/reload?dry_run", 400), ("POST", "/v1/reload?dry_run=true", 200),
    ("POST", "/v1/down?kill=2", 400), ("GET", "/v1/children/a?tree=yes", 400),
    ("GET", "/v1/children/a?tree=0", 200), ("GET", "/v1/events?follow=no", 400),
    ("GET", "/v1/history?events=all", 400), ("GET", "/v1/history?exact=false", 200),
    ("GET", "/metrics", 404), ("POST", "/metrics", 405), ("GET", "/healthz", 200), ("GET", "/v1/version", 200),
])
def test_answers_have_their_code(app, method, target, code):
    status, body = request(app, method, target)
    assert status == code, body
    if code >= 400:
        said = json.loads(body)
        assert said["status"] == code and said["error"]
    answers(app)


def test_metrics_say_that_they_are_not_there(app):
    status, body = request(app, "GET", "/metrics")
    assert (status, "/metrics is not there in this version" in body.decode()) == (404, True)


@pytest.mark.parametrize("message, kind, words", [
    (b"err no luck", "error", "no luck"), (b"crash trap", "target-ended", "ended"),
])
def test_an_answer_that_failed_says_who_failed(app, message, kind, words):
    status, body = request(app, "POST", "/v1/children/a/call", message)
    said = json.loads(body)
    assert (status, said["status"], said["kind"]) == (502, 502, kind)
    assert words in said["error"]


def test_a_message_that_was_not_taken_says_so(app):
    app.airs("stop", "/a")
    app.wait("/a", "stopped")
    for verb in ("call", "send"):
        status, body = request(app, "POST", f"/v1/children/a/{verb}", b"x")
        assert (status, json.loads(body)["kind"]) == (502, "delivery-failed")
    assert "kind" not in json.loads(request(app, "POST", "/v1/children/a/kill")[1])


def test_call_says_where_to_look_when_its_target_has_ended(app):
    said = app.airs("call", "/a", "crash trap", code=1).stderr
    assert said.splitlines()[1:] == ["See: airs explain /a"]
    app.wait("/a", "running", "--generation", 2)
    assert app.airs("call", "/a", "err no luck", code=1).stderr == "airs call: runtime-error: no luck\n"


def test_a_message_that_is_too_large(app):
    status, _ = request(app, "POST", "/v1/children/a/send", b"x" * (64 << 20))
    assert status in (204, 200, 413)
    answers(app)


def test_bytes_go_through_as_they_are(app):
    every_byte = bytes(range(256))
    status, body = request(app, "POST", "/v1/children/a/call?timeout=10s", every_byte)
    assert (status, body) == (200, every_byte)


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
def test_curl_can_do_what_the_verbs_can(app):
    path = str(app.runtime / "airs" / "app.sock")
    done = subprocess.run(["curl", "-sS", "--unix-socket", path, "-X", "POST", "-d", "from curl",
                           "http://localhost/v1/children/a/call"], capture_output=True, text=True,
                          timeout=DEADLINE_S)
    assert done.stdout == "from curl", done.stderr


def test_followers_that_go_away(app):
    for _ in range(10):
        one = connect(app)
        one.sendall(b"GET /v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one.recv(100)
        one.close()
    answers(app)
    descriptors = f"/proc/{app.daemon.process.pid}/fd"
    answers(app)
    assert len(os.listdir(descriptors)) < 100


def test_more_clients_than_places(app):
    """Silent ones and followers, more than the daemon has places for: a verb gets through."""
    clients = []
    for index in range(300):
        clients.append(connect(app))
        if index % 2:
            clients[-1].sendall(b"GET /v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert clients[-1].recv(100)
    answers(app)
    for _ in range(150):
        clients.append(connect(app))
        clients[-1].sendall(b"GET /v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert clients[-1].recv(100)
    answers(app)
    app.airs("down")
    for one in clients:
        one.close()


def test_a_command_whose_application_hangs(place):
    """A socket that accepts and never answers: out of time, not for ever."""
    folder = place.runtime / "airs"
    folder.mkdir(mode=0o700)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "hang.sock"))
    listener.listen(8)
    done = place.airs("wait", "/a", "--state", "running", "--timeout", "200ms", "--app", "hang",
                      code=1)
    assert "in time" in done.stderr or "out of time" in done.stderr
    place.airs("call", "/a", "x", "--timeout", "1ms", "--app", "hang", code=1)
    listener.close()
    (folder / "hang.sock").unlink()


def test_a_slow_reader_misses_nothing(app):
    """`events -f` into a pipe that nobody reads for a while still has no gap."""
    follower = subprocess.Popen([AIRS, "events", "-f", "--json"], env=app.env, cwd=app.work,
                                stdout=subprocess.PIPE)
    app.wait("/busy", "running", "--generation", 100)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(follower.stdout))
    reader.start()
    app.airs("down")
    reader.join(DEADLINE_S)
    assert follower.wait(DEADLINE_S) == 0
    seqs = [json.loads(line)["seq"] for line in lines]
    assert seqs == list(range(1, len(seqs) + 1))
    assert json.loads(lines[-1])["event"] == "application-stopped"
