"""What a client, or a file of the daemon's own, should not say: it is refused, and the rest goes on."""
import json
import socket
import sqlite3

from conftest import DEADLINE_S, child


def test_a_history_that_is_too_long_for_one_answer_is_refused(place):
    manifest = place.manifest(child("echo", "echo"))
    daemon = place.run(manifest)
    daemon.wait_event("ready", "/echo")
    place.airs("kill", "/echo")
    daemon.wait_event("ready", "/echo", generation=2)
    assert daemon.stop() == 0
    with sqlite3.connect(place.state / "airs" / "app" / "history" / "history.db") as database:
        row = database.execute("SELECT time_us, path, event, body FROM events WHERE event='exited'").fetchone()
        database.executemany("INSERT INTO events VALUES(?, ?, ?, ?, ?)",
                             [(-number, *row) for number in range(1, 500)])
        database.executemany("INSERT INTO logs VALUES(?, ?)",
                             [(-number, "x" * 80000) for number in range(1, 500)])
    database.close()
    daemon = place.run(manifest)
    daemon.wait_event("ready", "/echo")
    refused = place.airs("history", "/echo", "--count", 1000, code=1)
    assert "more than 32 MiB of history: ask for fewer with 'count'" in refused.stderr
    lines = place.airs("history", "/echo", "--count", 300, "--json").stdout.splitlines()
    assert len(lines) == 300 and all(json.loads(line)["path"] == "/echo" for line in lines)


def test_a_request_that_does_not_fit_is_cut_off_at_once(place):
    """CONTROL_MEMORY_BYTES_MAX: not with the time that any request has to arrive."""
    place.up(child("echo", "echo"))
    for size in (500, 550, 600, 650, 700):
        query = "&".join(f"a{number}=1" for number in range(size))
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(DEADLINE_S / 3)
            client.connect(str(place.runtime / "airs" / "app.sock"))
            client.sendall(f"GET /v1/version?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            answer = client.recv(100)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 431")
