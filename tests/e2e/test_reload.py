"""airs reload: the running tree becomes what its manifest says; the oracle judges every run."""
import json
import os
import shutil
import signal
import subprocess

import yaml

from conftest import AIRS, DEADLINE_S, GUESTS, child, supervisor


def lines_of(done):
    return done.stdout.splitlines()


def replace(place, name, guest):
    """The component file NAME has the contents of a guest from now on, all at once."""
    new = place.work / (name + ".new")
    shutil.copy(GUESTS / f"{guest}.wasm", new)
    os.replace(new, place.work / name)
    return place.work / name


def generations(place):
    return {path: row["generation"] for path, row in place.ps().items()}


def test_the_difference_is_printed_and_a_dry_run_changes_nothing(place):
    daemon = place.up(child("a", "echo"), child("b", "echo"), supervisor("w", child("f", "echo")))
    place.wait("/w/f", "ready")
    expected = ["- /b", "~ /w live: shutdown", "~ /a restarts: environment; live: max-restarts", "+ /c",
                "= order of /"]
    new = [supervisor("w", child("f", "echo"), shutdown="9s"),
           child("a", "echo", environment={"M": "x"}, max_restarts=5), child("c", "echo")]
    before = place.airs("ps").stdout.splitlines()[0], generations(place)
    assert lines_of(place.reload(*new, options=["--dry-run"], applied=False)) == expected
    assert generations(place) == before[1]
    assert not [one for one in daemon.events if one["event"] == "reloaded"]
    done = place.reload(*new, options=["--json"])
    assert [json.loads(line)["text"] for line in lines_of(done)] == expected
    whole = daemon.wait_for(lambda all: [e for e in all if e["event"] == "reloaded" and "path" not in e])
    assert whole[0]["detail"] == "1 added, 1 deleted, 1 restarted, 2 changed"
    place.wait("/c", "ready")
    assert list(place.ps()) == ["/w", "/w/f", "/a", "/c"]
    assert lines_of(place.reload(*new, applied=False)) == ["nothing has changed"]


def test_what_has_not_changed_keeps_its_instance_and_what_has_restarts_uncounted(place):
    place.up(child("same", "echo"), child("live", "echo"), child("changed", "echo"))
    for path in ("/same", "/live", "/changed"):
        place.wait(path, "ready")
        place.airs("call", path, "x")
    place.reload(child("same", "echo"), child("live", "echo", max_restarts=7, shutdown="1s"),
                 child("changed", "echo", environment={"M": "new"}))
    place.wait("/changed", "ready", "--generation", "2")
    assert place.airs("call", "/same", "count").stdout == "2"  # The same instance.
    assert place.airs("call", "/live", "count").stdout == "2"
    assert place.airs("call", "/changed", "count").stdout == "1"
    assert place.airs("call", "/changed", "env M").stdout == "new"
    rows = place.ps()
    assert [rows[path]["generation"] for path in ("/same", "/live", "/changed")] == [1, 1, 2]
    assert (rows["/changed"]["restarts"], rows["/changed"]["budget"]) == (0, "0/3")
    assert rows["/live"]["budget"] == "0/7"


def test_a_budget_stays_and_the_new_limit_holds_at_once(place):
    daemon = place.up(child("a", "echo", max_restarts=5, backoff=["1ms"]))
    daemon.wait_event("ready", "/a")
    for generation in (2, 3):
        place.airs("kill", "/a")
        daemon.wait_event("ready", "/a", generation=generation)
    place.reload(child("a", "echo", max_restarts=2, backoff=["1ms"], environment={"M": "x"}))
    daemon.wait_event("ready", "/a", generation=4)
    assert place.status("/a")["budget"] == "2/2"
    place.airs("kill", "/a")
    daemon.wait_event("failed", "/a")


def test_a_wrong_manifest_changes_nothing_and_names_the_place(place):
    daemon = place.up(child("a", "echo"))
    daemon.wait_event("ready", "/a")
    file = place.work / "airs.yaml"
    good = file.read_text()
    component = GUESTS / "echo.wasm"

    def refused(text, code, *words):
        file.write_text(text)
        said = place.airs("reload", "--app", "app", code=code).stderr
        assert all(word in said for word in words), said

    refused(f"name: app\nchildren:\n  - {{ name: a, component: {component}, restrat: no }}\n", 2,
            "airs.yaml:3:", "restart")
    refused(f"name: other\nchildren:\n  - {{ name: a, component: {component} }}\n", 2,
            "airs.yaml:1:", "'app'")
    refused(f"name: app\nchildren:\n  - name: a\n    component: {component}\n"
            "    limits: { memory: 128MiB }\n", 1, "airs.yaml:3:", "128MiB", "64MiB")
    refused(f"name: app\nchildren:\n  - {{ name: a, component: {component}, count: 500 }}\n", 1, "500")
    refused(f"name: app\nchildren:\n  - {{ name: a, component: {component}, args: [x] }}\n", 1, "actor")
    (place.work / "bad.wasm").write_bytes(b"no wasm")
    refused(good.replace(str(component), "bad.wasm"), 1, "airs.yaml:2:", "bad.wasm")
    refused("name: app\nchildren: [{ name: a, component: gone.wasm }]\n", 2, "gone.wasm")
    file.unlink()
    assert "airs.yaml" in place.airs("reload", "--app", "app", code=2).stderr
    file.write_text(good)
    assert generations(place) == {"/a": 1}
    assert not [one for one in daemon.events if one["event"] == "reloaded"]


def test_what_needs_a_new_start_is_said(place):
    place.up(child("a", "echo"), max_concurrent_starts=2)
    done = place.reload(child("a", "echo"), max_concurrent_starts=3, max_instances=9)
    assert len(lines_of(done)) == 2 and all("airs up" in line for line in lines_of(done))
    assert "max-instances" in done.stdout and "max-concurrent-starts" in done.stdout


def test_a_file_that_was_replaced_is_swapped(place):
    file = replace(place, "code.wasm", "echo")
    daemon = place.up(child("a", file, config="hello"), child("b", file, config="hello"),
                      child("other", "echo"))
    place.wait("/b", "ready")
    replace(place, "code.wasm", "initfail")
    done = place.reload(child("a", file, config="hello"), child("b", file, config="hello"),
                        child("other", "echo"))
    assert lines_of(done) == ["~ /a restarts: component file changed",
                              "~ /b restarts: component file changed"]
    assert place.airs("call", "/a", "x").stdout == "hello"  # The new code.
    assert place.airs("call", "/b", "x").stdout == "hello"
    # One after the other.
    order = [(e.get("path"), e["event"]) for e in daemon.events]
    assert order.index(("/a", "ready"), order.index(("/a", "reloaded"))) < order.index(("/b", "reloaded"))
    assert lines_of(place.airs("reload")) == ["nothing has changed"]


def test_new_code_that_does_not_start_is_rolled_back(place):
    file = replace(place, "code.wasm", "echo")
    keys = dict(max_restarts=0)  # Nothing of it may count.
    daemon = place.up(child("a", file, config="ok", **keys), child("b", file, config="err", **keys),
                      child("c", file, config="ok", **keys))
    place.wait("/c", "ready")
    replace(place, "code.wasm", "initfail")
    done = place.reload(child("a", file, config="ok", **keys), child("b", file, config="err", **keys),
                        child("c", file, config="ok", **keys), code=1)
    assert "! /b: its new code did not get ready" in done.stdout
    assert "! /a: rolled back, as /b" in done.stdout and "! /c: keeps its old code" in done.stdout
    for path in ("/a", "/b", "/c"):
        place.wait(path, "ready")
        assert place.airs("call", path, "x").stdout == "x"  # echo's answer.
        assert place.status(path)["restarts"] == 0
    whole = [e for e in daemon.events if e["event"] == "reloaded" and "path" not in e]
    assert "rolled back" in whole[0]["detail"]
    assert generations(place)["/c"] == 1
    # The file still is another one: the next reload tries again.
    again = place.airs("reload", "--dry-run")
    assert len(lines_of(again)) == 3


def test_new_code_that_hangs_in_its_start_is_rolled_back(place):
    file = replace(place, "code.wasm", "echo")
    keys = dict(config="sleep", start_timeout="5s", max_restarts=0)
    daemon = place.up(child("a", file, **keys))
    place.wait("/a", "ready")
    replace(place, "code.wasm", "initfail")
    done = place.reload(child("a", file, **keys), code=1)
    assert "timeout" in done.stdout
    daemon.wait_event("ready", "/a", generation=3)
    assert place.airs("call", "/a", "x").stdout == "x"


def test_a_second_reload_is_answered_busy(place):
    file = replace(place, "code.wasm", "echo")
    keys = dict(config="sleep", start_timeout="1h")
    daemon = place.up(child("a", file, **keys))
    place.wait("/a", "ready")
    replace(place, "code.wasm", "initfail")
    daemon.reloads.append(yaml.safe_load(daemon.text))
    first = subprocess.Popen([AIRS, "reload"], env=place.env, cwd=place.work,
                             stdout=subprocess.PIPE, text=True)
    daemon.wait_event("starting", "/a", generation=2)
    assert "busy" in place.airs("reload", code=1).stderr
    place.airs("kill", "/a")  # Only now does its start end.
    assert first.wait(DEADLINE_S) == 1
    first.stdout.close()
    daemon.wait_event("ready", "/a", generation=3)


def test_a_reload_while_it_stops_is_refused(place):
    daemon = place.up(child("a", "badstop", shutdown="2s", config="sleep"))
    place.wait("/a", "ready")
    daemon.signal(signal.SIGTERM)
    daemon.wait_event("stopping", "/a")
    done = place.airs("reload", code=None)
    assert done.returncode in (1, 3)  # It may have gone meanwhile.
    assert daemon.wait() == 0


def test_what_waits_is_failed_or_stopped(place):
    daemon = place.up(child("waits", "echo", backoff=["1h"]), child("failed", "echo", max_restarts=0),
                      child("stopped", "echo"))
    for path in ("/waits", "/failed", "/stopped"):
        place.wait(path, "ready")
    place.airs("kill", "/waits")
    place.airs("kill", "/failed")
    place.airs("stop", "/stopped")
    daemon.wait_event("failed", "/failed")
    daemon.wait_event("stopped", "/stopped")
    keys = dict(environment={"M": "new"})
    place.reload(child("waits", "echo", backoff=["1h"], **keys),
                 child("failed", "echo", max_restarts=0, **keys), child("stopped", "echo", **keys))
    place.wait("/failed", "ready", "--generation", "2")
    assert place.airs("call", "/failed", "env M").stdout == "new"
    assert place.status("/waits")["state"] == "restarting" and place.status("/waits")["due_ms"] > 1e6
    assert place.status("/stopped")["state"] == "stopped"
    for path in ("/waits", "/stopped"):
        place.airs("start", path)
        place.wait(path, "ready")
        assert place.airs("call", path, "env M").stdout == "new"


def test_strategy_and_auto_shutdown_of_a_nested_supervisor_change_live(place):
    daemon = place.up(supervisor("w", child("a", "echo", backoff=["1ms"], on_exhausted="fail"),
                                 child("b", "echo", on_exhausted="fail")))
    place.wait("/w/b", "ready")
    place.reload(supervisor("w", child("a", "echo", backoff=["1ms"], on_exhausted="fail"),
                            child("b", "echo", on_exhausted="fail"), strategy="one-for-all"))
    assert generations(place) == {"/w": 1, "/w/a": 1, "/w/b": 1}
    place.airs("kill", "/w/a")
    daemon.wait_event("ready", "/w/b", generation=2)
    assert place.ps()["/w"]["strategy"] == "one-for-all"


def test_a_reload_in_the_middle_of_a_group_restart(place):
    children = [child("a", "echo", backoff=["400ms"], max_restarts=9), child("b", "badstop", config="slow 300"),
                child("c", "badstop", config="slow 300")]
    daemon = place.up(supervisor("w", *children, strategy="one-for-all"))
    place.wait("/w/c", "ready")
    place.airs("kill", "/w/a")
    daemon.wait_event("stopping", "/w/c")
    children[1] = child("b", "badstop", config="slow 300", environment={"M": "x"})
    place.reload(supervisor("w", children[0], children[1], child("d", "echo"), children[2]))
    for path in ("/w/a", "/w/b", "/w/c", "/w/d"):
        place.wait(path, "ready")
    assert [path for path in place.ps() if path != "/w"] == ["/w/a", "/w/b", "/w/d", "/w/c"]
    before = generations(place)
    place.airs("kill", "/w/a")  # One for one, now.
    daemon.wait_event("ready", "/w/a", generation=before["/w/a"] + 1)
    after = generations(place)
    assert after["/w/c"] == before["/w/c"] and after["/w/d"] == before["/w/d"]


def test_children_that_were_added_by_hand_stay_unless_the_manifest_has_their_name(place):
    daemon = place.up(child("a", "echo"), child("many", "echo", count=2))
    place.add("/", child("mine", "echo"))
    place.add("/", child("theirs", "echo"))
    place.airs("scale", "/many", "3")
    place.wait("/theirs", "ready")
    place.wait("/many#3", "ready")
    done = place.reload(child("a", "echo"), child("many", "echo", count=2),
                        child("theirs", "echo", environment={"M": "manifest"}))
    assert lines_of(done) == ["+ /theirs, in place of what was added by hand"]
    daemon.wait_event("deleted", "/theirs")
    place.wait("/theirs", "ready")
    assert place.airs("call", "/theirs", "env M").stdout == "manifest"
    assert generations(place) == {"/a": 1, "/many#1": 1, "/many#2": 1, "/mine": 1, "/many#3": 1,
                                  "/theirs": 1}


def test_a_whole_new_tree_in_place_of_the_old_one_does_not_end_the_application(place):
    daemon = place.up(child("a", "echo"), child("b", "echo"))
    place.wait("/b", "ready")
    place.reload(supervisor("w", child("x", "echo"), child("y", "echo", count=2)))
    place.wait("/w/y#2", "ready")
    assert list(place.ps()) == ["/w", "/w/x", "/w/y#1", "/w/y#2"]
    place.reload(child("w", "echo"))  # A component where a supervisor was.
    place.wait("/w", "ready")
    assert list(place.ps()) == ["/w"]
    assert daemon.process.poll() is None


def test_a_count_becomes_one_child_and_one_child_a_count(place):
    place.up(child("a", "echo", count=2))
    place.wait("/a#2", "ready")
    place.reload(child("a", "echo"))
    place.wait("/a", "ready")
    assert list(place.ps()) == ["/a"]
    place.reload(child("a", "echo", count=3))
    place.wait("/a#3", "ready")
    assert list(place.ps()) == ["/a#1", "/a#2", "/a#3"]


def test_a_child_whose_file_was_repaired_is_started(place):
    file = place.work / "code.wasm"
    file.write_bytes(b"broken")
    daemon = place.up(child("a", file), child("other", "echo"))
    daemon.wait_event("failed", "/a", reason="load-error")
    place.reload(child("a", file), child("other", "echo", max_restarts=8))  # Still broken: no matter.
    assert place.status("/a")["state"] == "failed"
    replace(place, "code.wasm", "echo")
    done = place.reload(child("a", file), child("other", "echo", max_restarts=8))
    assert lines_of(done) == ["~ /a restarts: component file changed"]
    place.wait("/a", "ready")
    assert place.status("/a")["kind"] == "actor"


def test_a_start_by_hand_opens_a_repaired_file_anew(place):
    file = place.work / "code.wasm"
    file.write_bytes(b"broken")
    daemon = place.up(child("a", file), child("b", file), child("other", "echo"))
    daemon.wait_event("failed", "/a", reason="load-error")
    daemon.wait_event("failed", "/b", reason="load-error")
    for fails, contents in (2, b"broken"), (3, b"otherwise"):
        file.write_bytes(contents)
        place.airs("start", "/a")  # It fails again, with what is wrong now.
        daemon.wait_for(lambda events: len([one for one in events if one["event"] == "failed"
                                            and one["path"] == "/a"]) == fails)
    replace(place, "code.wasm", "echo")
    for path in "/a", "/b":
        place.airs("start", path)
        place.wait(path, "ready")
        assert place.airs("call", path, "x").stdout == "x"
    assert "nothing has changed" in place.airs("reload").stdout
    assert place.status("/other")["generation"] == 1


def test_health_is_turned_on_and_off_while_it_runs(place):
    health = {"interval": "50ms", "timeout": "50ms", "failures": 1000}
    daemon = place.up(child("a", "sick", config="healthy", max_restarts=0))
    place.wait("/a", "ready")
    place.reload(child("a", "sick", config="healthy", max_restarts=0, health=health))
    place.airs("send", "/a", "be unhealthy")
    daemon.wait_event("not-ready", "/a")
    place.reload(child("a", "sick", config="healthy", max_restarts=0))
    place.wait("/a", "ready")


def test_a_daemon_that_dies_after_a_reload_goes_on_with_the_new_manifest(place):
    keys = dict(max_restarts=5, backoff=["1ms"])
    daemon = place.up(child("a", "echo", **keys), child("gone", "echo"))
    daemon.wait_event("ready", "/a")
    for generation in (2, 3):
        place.airs("kill", "/a")
        daemon.wait_event("ready", "/a", generation=generation)
    new = [child("a", "echo", environment={"M": "x"}, **{**keys, "max_restarts": 3}),
           child("b", "echo")]
    place.reload(*new)
    daemon.wait_event("ready", "/a", generation=4)
    place.wait("/b", "ready")
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    again = place.run(place.work / "airs.yaml")
    place.wait("/a", "ready", "--generation", "5")
    rows = place.ps()
    assert rows["/a"]["budget"] == "2/3" and rows["/b"]["restarts"] == 0 and "/gone" not in rows
    assert place.airs("call", "/a", "env M").stdout == "x"
    assert again.of("/a", "exited")[0]["reason"] == "host-lost"


def test_a_circle_with_what_was_added_by_hand_is_refused(place):
    daemon = place.up(child("web", "sleeper"), supervisor("s", child("a", "sleeper")))
    place.add("/s", child("late", "sleeper", depends_on=["/web"]))
    for path in ("/web", "/s/late"):
        daemon.wait_event("ready", path)
    for dependency in ("/s", "/s/a"):
        done = place.reload(child("web", "sleeper", depends_on=[dependency]),
                            supervisor("s", child("a", "sleeper")), applied=False, code=2)
        assert "with what was added by hand, a cycle of dependencies: /" in done.stderr
        assert "/s → /web" in done.stderr and "/web → /s" in done.stderr
    # What makes way for a child of the manifest closes none.
    place.reload(child("web", "sleeper", depends_on=["/s"]),
                 supervisor("s", child("a", "sleeper"), child("late", "sleeper")))
    place.wait("/web", "ready")
    assert "depends_on" not in place.status("/s/late")
    # Nor what goes with its supervisor.
    place.reload(child("web", "sleeper"), supervisor("s", child("a", "sleeper")))
    place.add("/s", supervisor("by", child("hand", "sleeper", depends_on=["/web"])))
    daemon.wait_event("ready", "/s/by/hand")
    place.reload(child("web", "sleeper", depends_on=["/t"]), supervisor("t", child("a", "sleeper")))
    place.wait("/t/a", "ready")
    daemon.wait_event("deleted", "/s")
