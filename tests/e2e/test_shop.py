"""The example that everybody sees first."""
import pytest

from conftest import ROOT, seqs_have_no_gap


@pytest.fixture
def shop():
    return ROOT / "examples" / "shop" / "airs.yaml"


def test_the_first_ten_seconds(place, shop):
    daemon = place.run(shop, "--for", "10s")
    assert daemon.wait() == 0, daemon.stderr
    events = daemon.events
    assert seqs_have_no_gap(events) and events[0]["seq"] == 1
    assert events[-1]["event"] == "application-stopped"
    scheduled = next(one for one in events if one["event"] == "restart-scheduled")
    assert any(one["event"] == "started" and one["path"] == scheduled["path"]
               and one["generation"] == scheduled["generation"] + 1
               and one["seq"] > scheduled["seq"] for one in events)
    assert any(one["event"] == "failed" for one in events)


def test_what_its_comments_say(place, shop):
    daemon = place.run(shop)
    assert place.airs("call", "/cart", "a lamp", "--app", "shop").stdout
    place.airs("send", "/cart", "drop", "--app", "shop")
    place.wait("/cart", "running", "--generation", 2, "--app", "shop")
    place.wait("/coupons", "failed", "--app", "shop")
    daemon.wait_event("restart-scheduled", "/shipping")
    place.airs("down", "--app", "shop")
    assert daemon.wait() == 0
