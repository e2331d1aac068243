"""The example that everybody sees first."""
import json
import subprocess

import pytest

from conftest import AIRS, DEADLINE_S, ROOT, seqs_have_no_gap


@pytest.fixture
def shop():
    return ROOT / "examples" / "shop" / "airs.yaml"


def test_the_first_ten_seconds(place, shop):
    done = subprocess.run([AIRS, "up", "-f", shop, "--for", "10s", "--json"], env=place.env,
                          cwd=place.work, capture_output=True, text=True, timeout=5 * DEADLINE_S)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert seqs_have_no_gap(events) and events[0]["seq"] == 1
    assert events[-1]["event"] == "application-stopped"
    scheduled = next(one for one in events if one["event"] == "restart-scheduled")
    assert any(one["event"] == "started" and one["path"] == scheduled["path"]
               and one["generation"] == scheduled["generation"] + 1
               and one["seq"] > scheduled["seq"] for one in events)
    assert any(one["event"] == "failed" for one in events)
    file = place.root / "shop.jsonl"
    file.write_text(done.stdout)
    place.judge(shop, file)


def test_what_its_comments_say(place, shop):
    daemon = place.run(shop)
    assert place.airs("call", "/cart", "a lamp", "--app", "shop").stdout
    place.airs("send", "/cart", "drop", "--app", "shop")
    place.wait("/cart", "running", "--generation", 2, "--app", "shop")
    place.wait("/coupons", "failed", "--app", "shop")
    daemon.wait_event("restart-scheduled", "/shipping")
    place.airs("down", "--app", "shop")
    assert daemon.wait() == 0
