"""Children with a `count` that come and go: who depends on them, and what is left of them."""
import json
import os
import signal

from conftest import child, supervisor
from test_reload import lines_of, replace


def test_the_history_of_a_child_outlives_it(place):
    daemon = place.up(child("echo", "echo"))
    place.add("/", supervisor("web", child("a", "echo")))
    daemon.wait_event("ready", "/web/a")
    place.airs("kill", "/web/a")
    daemon.wait_event("started", "/web/a", generation=2)
    place.airs("delete", "/web")
    daemon.wait_event("deleted", "/web")
    assert place.airs("status", "/web/a", code=4)
    exits = [json.loads(line) for line in place.airs("history", "/web/a", "--json").stdout.splitlines()]
    assert [(one["generation"], one["reason"]) for one in exits][:1] == [(1, "killed")]
    events = place.airs("history", "/web", "--json", "--events").stdout.splitlines()
    assert {json.loads(line)["path"] for line in events} == {"/web", "/web/a"}
    assert "did you mean /echo?" in place.airs("history", "/ecko", code=4).stderr


# ---- Who depends on the name of a `count` depends on the members that there are ----

def on_back(place):
    return " ".join(place.ps()["/web"].get("depends_on", []))


def wait_for_reloaded(daemon, times, path="/web"):
    return daemon.wait_for(lambda _: daemon.of(path, "reloaded")[times - 1:])[0]


def test_a_dependant_waits_for_a_member_that_was_scaled_up(place):
    daemon = place.up(child("back", "echo", count=1), child("web", "echo", depends_on=["/back"]))
    place.wait("/web", "ready")
    place.airs("scale", "/back", 2)
    assert wait_for_reloaded(daemon, 1)["detail"] == "live: depends-on"
    assert on_back(place) == "/back#1 /back#2"
    place.wait("/back#2", "ready")
    assert not daemon.of("/web", "stopping")
    place.airs("stop", "/back#2")
    place.airs("restart", "/web")
    assert daemon.wait_event("waiting", "/web", waits_for="/back#2")
    place.airs("start", "/back#2")
    place.wait("/web", "ready", "--generation", "2")


def test_a_dependant_follows_the_exit_of_a_member_that_was_scaled_up(place):
    daemon = place.up(child("back", "echo", count=1),
                      child("web", "echo", depends_on=["/back"], when_dependency_restarts="restart"))
    place.wait("/web", "ready")
    place.airs("scale", "/back", 2)
    place.wait("/back#2", "ready")
    place.airs("kill", "/back#2")
    assert daemon.wait_event("stopping", "/web")["cause"] == "/back#2"
    daemon.wait_event("ready", "/web", generation=2)


def test_a_dependant_does_not_wait_for_a_member_that_was_scaled_away(place):
    daemon = place.up(child("back", "echo", count=3),
                      child("web", "echo", depends_on=["/back"], when_dependency_restarts="restart"))
    place.wait("/web", "ready")
    place.airs("scale", "/back", 2)
    daemon.wait_event("deleted", "/back#3")
    assert not daemon.of("/web", "stopping")  # Its exit is nobody's any more.
    place.airs("stop", "/back#2")
    daemon.wait_event("waiting", "/web", waits_for="/back#2")
    place.airs("scale", "/back", 1)
    daemon.wait_event("ready", "/web", generation=2)
    place.airs("scale", "/back", 0)
    daemon.wait_event("deleted", "/back#1")
    assert on_back(place) == ""
    place.airs("restart", "/web")
    daemon.wait_event("ready", "/web", generation=3)


def test_a_dependant_does_not_wait_for_a_member_that_was_deleted_by_hand(place):
    daemon = place.up(child("back", "echo", count=2), child("web", "echo", depends_on=["/back"]))
    place.wait("/web", "ready")
    place.airs("stop", "/back#2")
    place.airs("restart", "/web")
    daemon.wait_event("waiting", "/web", waits_for="/back#2")
    place.airs("delete", "/back#2")
    daemon.wait_event("ready", "/web", generation=2)


def test_a_dependant_does_not_wait_for_a_member_that_is_gone_at_its_end(place):
    daemon = place.up(child("echo", "echo"))
    place.add("/", child("job", "sleeper", count=2, restart="temporary"))
    place.add("/", child("web", "echo", depends_on=["/job"]))
    place.wait("/web", "ready")
    place.airs("kill", "/job#1")
    daemon.wait_event("deleted", "/job#1")
    wait_for_reloaded(daemon, 1)
    assert on_back(place) == "/job#2"
    place.airs("restart", "/web")
    daemon.wait_event("ready", "/web", generation=2)


def test_a_child_may_depend_on_a_name_of_which_there_is_nobody(place):
    daemon = place.up(child("echo", "echo"), child("back", "echo", count=1))
    place.airs("scale", "/back", 0)
    daemon.wait_event("deleted", "/back#1")
    place.add("/", child("web", "echo", depends_on=["/back"]))
    place.wait("/web", "ready")
    place.airs("scale", "/back", 1)
    wait_for_reloaded(daemon, 1)
    assert on_back(place) == "/back#1"


def test_members_of_a_dependant_follow_too(place):
    daemon = place.up(child("back", "echo", count=1),
                      supervisor("s", child("web", "echo", count=2, depends_on=["/back"])))
    place.wait("/s/web#2", "ready")
    place.airs("scale", "/s/web", 3)
    place.airs("scale", "/back", 2)
    for number in (1, 2, 3):
        wait_for_reloaded(daemon, 1, f"/s/web#{number}")
    place.airs("scale", "/s/web", 4)
    place.wait("/s/web#4", "ready")
    rows = place.ps()
    assert all(rows[f"/s/web#{number}"]["depends_on"] == ["/back#1", "/back#2"] for number in (1, 2, 3, 4))


def test_a_reload_keeps_members_of_both_and_their_dependants(place):
    children = [child("back", "echo", count=2),
                child("web", "echo", depends_on=["/back"]), child("x", "echo")]
    daemon = place.up(*children)
    place.wait("/web", "ready")
    place.airs("scale", "/back", 3)
    wait_for_reloaded(daemon, 1)
    children[2] = child("x", "echo", max_restarts=7)
    place.reload(*children)
    assert on_back(place) == "/back#1 /back#2 /back#3"
    assert len(daemon.of("/web", "reloaded")) == 1  # Nothing has changed for it.
    children[1] = child("web", "echo", depends_on=["/back"], max_restarts=5)
    place.reload(*children)
    assert on_back(place) == "/back#1 /back#2 /back#3"
    place.airs("stop", "/back#3")
    place.airs("restart", "/web")
    daemon.wait_event("waiting", "/web", waits_for="/back#3")
    place.airs("delete", "/back#3")
    daemon.wait_event("ready", "/web", generation=2)


def test_a_reload_brings_members_back_that_were_deleted_by_hand(place):
    children = [child("back", "echo", count=2), child("web", "echo", depends_on=["/back"])]
    daemon = place.up(*children)
    place.wait("/web", "ready")
    place.airs("delete", "/back#1")
    daemon.wait_event("deleted", "/back#1")
    wait_for_reloaded(daemon, 1)
    assert on_back(place) == "/back#2"
    assert "+ /back#1" in place.reload(*children).stdout
    assert on_back(place) == "/back#1 /back#2"
    assert place.airs("scale", "/back", 3).stdout == "added /back#3\n"
    place.airs("scale", "/back", 0)
    for number in (1, 2, 3):
        daemon.wait_event("deleted", f"/back#{number}")
    children[0] = child("back", "echo", count=2, max_restarts=9)
    assert "+ /back#1" in place.reload(*children).stdout
    assert place.airs("scale", "/back", 3).stdout == "added /back#3\n"
    assert place.ps()["/back#3"]["budget"] == "0/9"  # As the manifest says by now.
    assert on_back(place) == "/back#1 /back#2 /back#3"


def test_dependants_know_after_a_crash_who_was_scaled(place):
    manifest = place.manifest(child("back", "echo", count=2),
                              child("web", "echo", depends_on=["/back"]))
    daemon = place.run(manifest)
    place.wait("/web", "ready")
    place.airs("scale", "/back", 3)
    place.airs("delete", "/back#1")
    daemon.wait_event("deleted", "/back#1")
    wait_for_reloaded(daemon, 2)
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    daemon = place.run(manifest)
    daemon.wait_event("ready", "/web", generation=2)
    assert on_back(place) == "/back#2 /back#3"
    place.airs("delete", "/back#3")
    wait_for_reloaded(daemon, 1)
    assert on_back(place) == "/back#2"


# ---- Deleted as a whole ----

def test_the_name_of_a_count_is_deleted_with_all_its_members(place):
    daemon = place.up(child("echo", "echo"), child("back", "sleeper", count=2),
                      child("web", "echo", depends_on=["/back"]))
    place.wait("/web", "ready")
    assert place.airs("delete", "/back").stdout == ""
    for number in (1, 2):
        daemon.wait_event("deleted", f"/back#{number}")
    assert "no child '/back'" in place.airs("scale", "/back", 1, code=4).stderr
    place.airs("restart", "/web")
    daemon.wait_event("waiting", "/web", waits_for="/back")
    place.add("/", child("back", "echo"))  # The name is free, for something else as well.
    daemon.wait_event("ready", "/web", generation=2)
    assert on_back(place) == "/back"
    place.airs("delete", "/back")
    place.add("/", child("back", "echo", count=1))
    place.airs("scale", "/back", 0)
    place.airs("delete", "/back")
    place.airs("delete", "/back", code=4)
    answer = place.airs("delete", "/echo", "--json").stdout
    assert json.loads(answer) == {"path": "/echo", "verb": "delete", "status": "done"}


def test_what_was_deleted_as_a_whole_stays_away_after_a_crash(place):
    manifest = place.manifest(child("echo", "echo"), child("back", "sleeper", count=2))
    daemon = place.run(manifest)
    place.add("/", child("job", "sleeper", count=2))
    place.airs("scale", "/job", 3)
    for path in ("/job", "/back"):
        place.airs("delete", path)
    for path in ("/job#1", "/job#2", "/job#3", "/back#1", "/back#2"):
        daemon.wait_event("deleted", path)
    place.add("/", child("back", "echo", count=1))  # Another one of that name.
    daemon.wait_event("ready", "/back#1")
    for generation in (2, 3):
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        daemon = place.run(manifest)
        daemon.wait_event("ready", "/back#1", generation=generation)
        assert sorted(place.ps()) == ["/back#1", "/echo"]
        assert place.ps()["/back#1"]["kind"] == "actor"
        place.airs("scale", "/job", 1, code=4)


def test_a_reload_brings_back_what_was_deleted_as_a_whole(place):
    children = [child("echo", "echo"), child("back", "sleeper", count=2)]
    daemon = place.up(*children)
    place.airs("delete", "/back")
    assert "+ /back#1" in place.reload(*children).stdout
    daemon.wait_for(lambda _: daemon.of("/back#2", "registered")[1:])
    assert place.airs("scale", "/back", 3).stdout == "added /back#3\n"


# ---- Circles ----

def test_a_circle_through_a_name_that_comes_back_is_refused(place):
    daemon = place.up(child("back", "sleeper", count=1), child("x", "echo", depends_on=["/back"]))
    place.airs("delete", "/back")
    daemon.wait_event("deleted", "/back#1")
    refused = place.add("/", child("back", "echo", count=2, depends_on=["/x"]), code=2)
    assert "a cycle of dependencies: " in refused.stderr
    assert "/back" in refused.stderr and "/x" in refused.stderr


def test_a_circle_through_a_member_that_is_still_to_come_is_refused(place):
    daemon = place.up(child("back", "sleeper", count=3), child("x", "echo", depends_on=["/back#3"]))
    place.airs("delete", "/back")
    for number in (1, 2, 3):
        daemon.wait_event("deleted", f"/back#{number}")
    refused = place.add("/", child("back", "echo", count=1, depends_on=["/x"]), code=2)
    assert "a cycle of dependencies: " in refused.stderr


def test_a_circle_through_two_that_are_added_together_is_refused(place):
    daemon = place.up(child("echo", "echo"),
                      supervisor("s", child("a", "echo"), child("b", "echo")),
                      child("x", "echo", depends_on=["/s/a"]))
    place.airs("delete", "/s")
    daemon.wait_event("deleted", "/s")
    again = supervisor("s", child("a", "echo", depends_on=["/s/b"]),
                       child("b", "echo", depends_on=["/x"]))
    assert "a cycle of dependencies: " in place.add("/", again, code=2).stderr
    assert sorted(place.ps()) == ["/echo", "/x"]
    place.add("/", supervisor("s", child("a", "echo", depends_on=["/s/b"]), child("b", "echo")))
    place.wait("/s/a", "ready")


def test_an_add_of_what_exists_is_no_circle(place):
    place.up(child("db", "echo"), child("x", "echo", depends_on=["/db"]))
    refused = place.add("/", child("db", "echo", depends_on=["/x"]), code=1)
    assert "'/db' exists" in refused.stderr


def test_who_depends_on_what_is_gone_comes_back_after_a_crash_and_waits(place):
    manifest = place.manifest(child("echo", "echo"))
    daemon = place.run(manifest)
    place.add("/", child("db", "echo"))
    place.add("/", child("x", "echo", depends_on=["/db"]))
    daemon.wait_event("ready", "/x")
    place.airs("delete", "/db")
    daemon.wait_event("deleted", "/db")
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    daemon = place.run(manifest)
    daemon.wait_event("waiting", "/x", waits_for="/db")
    place.add("/", child("db", "echo"))
    daemon.wait_event("ready", "/x", generation=2)


def test_a_damaged_list_of_what_was_added_holds_nothing_up(place):
    manifest = place.manifest(child("echo", "echo"), child("back", "sleeper", count=1))
    kept = place.state / "airs" / "app" / "history" / "additions"
    daemon = place.run(manifest)
    place.airs("scale", "/back", 2)
    daemon.wait_event("started", "/back#2")
    lines = kept.read_text()
    wrong = ['{"path":"/back#","numbers":4294967295}', '{"path":"/back#","numbers":-1}', "[]", "7",
             '{"path":5,"parent":[],"text":{}}', '{"path":"/x","parent":"/no","text":"{ name: x }"}',
             '{"path":"/x","parent":"/","text":"\\u0000{{{{["}', '{"path":"/#","numbers":1}',
             '{"text":""}', '{"path":"#","numbers":0}', "[" * 100000]
    for damage in ("".join(f"{line}\n" for line in wrong), None):
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        kept.unlink()
        if damage:
            kept.write_text(lines + damage)
        else:
            os.mkfifo(kept)  # Whoever opens it waits for a writer.
        daemon = place.run(manifest)
        daemon.left_out = [] if damage else ["/back#2"]
        assert sorted(place.ps()) == ["/back#1", "/back#2", "/echo"] if damage else ["/back#1", "/echo"]
        if damage:
            daemon.wait_event("started", "/back#2")


def test_members_scaled_up_change_with_their_entry_and_go_with_it(place):
    code, other = replace(place, "code.wasm", "echo"), child("other", "sleeper")
    daemon = place.up(child("back", code, count=1), other)
    place.airs("scale", "/back", 3)
    members = ["/back#1", "/back#2", "/back#3"]
    for path in members:
        daemon.wait_event("ready", path)
    entry = child("back", code, count=1, config="err", environment={"M": "x"}, max_restarts=7)
    assert lines_of(place.reload(entry, other)) == [
        f"~ {path} restarts: environment, config; live: max-restarts" for path in members]
    for path in members:
        place.wait(path, "ready", "--generation", 2)
        assert place.airs("call", path, "env M").stdout == "x"
        assert place.status(path)["budget"] == "0/7"
    # Other code: the first of it fails, and all keep what they have.
    replace(place, "code.wasm", "initfail")
    told = place.reload(entry, other, code=1).stdout
    assert "! /back#1: its new code did not get ready" in told
    assert "! /back#3: keeps its old code, as /back#1" in told
    # It is swapped where it works.
    entry["config"] = "hello"
    assert len(lines_of(place.reload(entry, other))) == 3
    for path in members:
        place.wait(path, "ready")
        assert place.airs("call", path, "x").stdout == "hello"  # The new code.
    place.airs("scale", "/back", 4)
    daemon.wait_event("ready", "/back#4")
    assert place.airs("call", "/back#4", "x").stdout == "hello"
    assert set(lines_of(place.reload(other))) == {f"- /back#{n}" for n in (1, 2, 3, 4)}
    for n in (1, 2, 3, 4):
        daemon.wait_event("deleted", f"/back#{n}")
    assert list(place.ps()) == ["/other"]
    # The name is free.
    place.reload(child("back", "sleeper"), other)
    place.wait("/back", "running")
