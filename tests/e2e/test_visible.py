"""How soon an event is seen by whoever follows: within 50 ms. Run alone on the machine (CMakeLists.txt)."""
import datetime
import json
import subprocess
import time

from conftest import AIRS, SLOW, child

VISIBLE_S = 0.05 * SLOW
VISIBLE_EVENTS = 500
VISIBLE_TRIES = 5  # On a busy machine it is the reader that comes late; a late event always does.


def lags(place):
    """Seconds from each event's time to its line out of `events -f`, sorted."""
    recorder = subprocess.Popen([AIRS, "events", "-f", "--json"], env=place.env, cwd=place.work,
                                stdout=subprocess.PIPE)
    try:
        follows_from = None  # What happened before it had its first line is what was kept.
        found = []
        for line in recorder.stdout:
            seen = time.time()
            follows_from = follows_from or seen
            at = datetime.datetime.fromisoformat(
                json.loads(line)["time"].replace("Z", "+00:00")).timestamp()
            if at > follows_from:
                found.append(seen - at)
            if len(found) == VISIBLE_EVENTS:
                return sorted(found)
        raise AssertionError("the events have ended")
    finally:
        recorder.kill()
        recorder.wait()
        recorder.stdout.close()


def test_an_event_is_visible_within_50_ms(place):
    place.up(child("loop", "crasher", args=["trap"], count=4, max_restarts=100000, within="10h",
                   backoff=["40ms"]))
    worst = []
    for _ in range(VISIBLE_TRIES):
        found = lags(place)
        worst.append(found[len(found) * 99 // 100])
        if worst[-1] <= VISIBLE_S:
            break
    assert min(worst) <= VISIBLE_S, worst
    # One clock: an event is not seen before its time (the wall clock may be set by a hair).
    assert found[0] > -VISIBLE_S
