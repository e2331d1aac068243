"""Children that are added, scaled and deleted while the application runs; the oracle judges."""
import json
import signal

from conftest import GUESTS, child, supervisor


def test_add_makes_a_child_that_runs_and_is_restarted(place):
    daemon = place.up(child("echo", "echo"))
    spec = child("x", "echo", restart="transient", backoff=["1ms"])
    assert place.add("/", spec).stdout == "added /x\n"
    daemon.wait_event("ready", "/x")
    assert place.airs("call", "/x", "hello").stdout
    place.airs("kill", "/x")
    daemon.wait_event("ready", "/x", generation=2)
    status = place.status("/x")
    assert (status["restarts"], status["kind"]) == (1, "actor")
    assert daemon.of("/x")[0]["event"] == "added"
    place.airs("delete", "/x")
    daemon.wait_event("deleted", "/x")
    assert place.airs("status", "/x", code=4)
    assert daemon.stop() == 0


def test_add_of_a_component_takes_its_policy_from_the_command_line(place):
    daemon = place.up(supervisor("web", child("a", "echo")))
    daemon.added["/web"] = [child("job", "sleeper", restart="temporary", max_restarts=1)]
    done = place.airs("add", "/web/job", "--component", GUESTS / "sleeper.wasm", "--restart",
                      "temporary", "--max-restarts", "1", "--shutdown", "1s", "--memory", "1MiB",
                      "--json")
    assert json.loads(done.stdout) == {"path": "/web/job", "verb": "add", "status": "added"}
    daemon.wait_event("started", "/web/job")
    assert place.ps()["/web/job"]["budget"] == "0/1"
    place.airs("kill", "/web/job")
    assert daemon.wait_event("deleted", "/web/job")["reason"] == "killed"


def test_add_of_a_name_that_exists_says_its_state(place):
    daemon = place.up(child("echo", "echo"))
    place.wait("/echo", "ready")
    refused = place.airs("add", "/echo", "--component", GUESTS / "echo.wasm", code=1)
    assert "'/echo' exists; it is running" in refused.stderr
    place.airs("stop", "/echo")
    daemon.wait_event("stopped", "/echo")
    refused = place.airs("add", "/echo", "--component", GUESTS / "echo.wasm", code=1)
    assert "'/echo' exists; it is stopped" in refused.stderr


def test_add_takes_a_whole_supervisor_which_never_runs_without_its_children(place):
    daemon = place.up(child("echo", "echo"))
    place.add("/", supervisor("web", child("a", "echo"), child("b", "sleeper", count=2),
                              strategy="one-for-all"))
    daemon.wait_event("ready", "/web")
    order = [(one.get("path"), one["event"]) for one in daemon.events]
    assert order.index(("/web/b#2", "registered")) < order.index(("/web", "starting"))
    assert order.index(("/web/a", "ready")) < order.index(("/web/b#1", "starting"))
    place.add("/web", child("c", "echo"))
    daemon.wait_event("ready", "/web/c")
    place.airs("kill", "/web/c")
    daemon.wait_event("ready", "/web/c", generation=2)
    assert place.status("/web/a")["generation"] == 2
    place.airs("delete", "/web")
    daemon.wait_event("deleted", "/web")
    assert list(place.ps()) == ["/echo"]


def test_what_is_wrong_with_a_child_is_said_with_its_place(place):
    place.up(child("echo", "echo"))
    file = place.work / "job.yaml"
    file.write_text("name: job\ncomponent: nowhere.wasm\nrestrat: temporary\n")
    refused = place.airs("add", "/", "-f", file, code=2)
    assert f"{file}:2:12: component 'nowhere.wasm': no such file" in refused.stderr
    assert f"{file}:3:1: unknown key 'restrat'; did you mean 'restart'?" in refused.stderr
    assert "     3 | restrat: temporary\n" in refused.stderr
    refused = place.airs("add", "/job", "--component", GUESTS / "echo.wasm", "--restart", "always!",
                         code=2)
    assert "airs add: 'restart' cannot be 'always!'; did you mean 'always'?" in refused.stderr
    assert "did you mean /echo?" in place.airs("add", "/ecko/x", "--component",
                                               GUESTS / "echo.wasm", code=4).stderr
    refused = place.airs("add", "/echo/x", "--component", GUESTS / "echo.wasm", code=2)
    assert "'/echo' is a component" in refused.stderr
    assert list(place.ps()) == ["/echo"]


def test_add_is_refused_where_it_means_nothing(place):
    place.up(child("echo", "echo"))
    place.airs("add", "/x", code=2)
    place.airs("add", "/x", "-f", "x.yaml", "--component", "x.wasm", code=2)
    assert "no such file" in place.airs("add", "/", "-f", "x.yaml", code=2).stderr.lower()
    assert "Example:" in place.airs("add", "--help").stdout
    assert "Example:" in place.airs("scale", "--help").stdout


def test_files_of_a_child_are_relative_to_where_it_is_written(place):
    daemon = place.up(child("echo", "echo"))
    folder = place.work / "jobs"
    folder.mkdir()
    (folder / "job.wasm").write_bytes((GUESTS / "hello.wasm").read_bytes())
    (folder / "job.yaml").write_text("{ name: job, component: job.wasm, restart: temporary }")
    daemon.added["/"] = [{"name": "job", "component": "job.wasm", "restart": "temporary"}]
    place.airs("add", "/", "-f", "jobs/job.yaml")
    daemon.wait_event("deleted", "/job")
    place.airs("add", "/job", "--component", "job.wasm", "--restart", "temporary", cwd=folder)
    daemon.wait_for(lambda events: [one for one in events if one.get("path") == "/job" and
                                    one["event"] == "deleted"][1:])


def test_scale_adds_the_next_numbers_and_deletes_the_highest(place):
    daemon = place.up(child("echo", "echo"), supervisor("web", child("back", "sleeper", count=2)))
    assert place.airs("scale", "/web/back", 4).stdout == "added /web/back#3\nadded /web/back#4\n"
    daemon.wait_event("started", "/web/back#4")
    done = place.airs("scale", "/web/back", 1, "--json").stdout.splitlines()
    assert [json.loads(line)["path"] for line in done] == [f"/web/back#{n}" for n in (4, 3, 2)]
    daemon.wait_event("deleted", "/web/back#2")
    assert place.airs("scale", "/web/back", 1).stdout == ""
    said = place.airs("status", "/web/back", code=4).stderr
    assert "'/web/back' has a count: there are 1 of it, the first is /web/back#1" in said
    place.airs("scale", "/web/back", 0)
    daemon.wait_event("deleted", "/web/back#1")
    assert place.airs("scale", "/web/back", 1).stdout == "added /web/back#1\n"
    assert "did you mean /web/back#1?" in place.airs("scale", "/web/bakc", 2, code=4).stderr
    assert "has no 'count'" in place.airs("scale", "/echo", 2, code=2).stderr
    place.airs("scale", "/web/back", "many", code=2)


def test_max_children_is_named_where_it_holds(place):
    place.up(supervisor("web", child("back", "sleeper", count=2), max_children=3))
    place.airs("scale", "/web/back", 3)
    refused = place.airs("scale", "/web/back", 5, code=1)
    assert "'/web' has 3 children, and its 'max-children' is 3" in refused.stderr
    refused = place.airs("add", "/web/x", "--component", GUESTS / "echo.wasm", code=1)
    assert "its 'max-children' is 3" in refused.stderr
    assert len(place.ps()) == 4


def test_more_instances_than_there_are_wait_visibly(place):
    daemon = place.up(child("echo", "echo"), max_instances=1)
    place.wait("/echo", "ready")
    place.add("/", child("x", "echo"))
    assert daemon.wait_event("waiting", "/x")["waits_for"] == "pool"
    place.airs("delete", "/echo")
    daemon.wait_event("ready", "/x")


def test_it_goes_on_while_a_child_that_is_added_is_compiled(place, tmp_path):
    place.env["XDG_CACHE_HOME"] = str(tmp_path)  # Nothing is compiled yet.
    place.cache = tmp_path
    daemon = place.up(child("echo", "echo"))
    place.add("/", child("x", "files"))
    daemon.wait_said("files.wasm")  # What it compiles.
    daemon.wait_event("started", "/x")


def test_down_begins_fresh(place):
    manifest = place.manifest(child("echo", "echo"), child("back", "sleeper", count=1))
    daemon = place.run(manifest)
    place.add("/", child("x", "echo"))
    place.airs("scale", "/back", 3)
    daemon.wait_event("started", "/back#3")
    assert daemon.stop() == 0
    daemon = place.run(manifest)
    assert sorted(place.ps()) == ["/back#1", "/echo"]


def test_a_child_that_is_added_waits_for_what_it_depends_on(place):
    daemon = place.up(child("db", "echo"), child("back", "echo", count=2))
    place.airs("stop", "/db")
    daemon.wait_event("stopped", "/db")
    place.add("/", child("x", "echo", depends_on=["/db", "/back"]))
    assert daemon.wait_event("waiting", "/x")["waits_for"] == "/db"
    place.airs("start", "/db")
    daemon.wait_event("ready", "/x")


def test_a_cycle_through_a_child_that_is_added_is_refused(place):
    daemon = place.up(child("a", "echo"), child("b", "echo", depends_on=["/a"]))
    place.airs("delete", "/a")
    daemon.wait_event("deleted", "/a")
    file = place.work / "a.yaml"
    file.write_text(json.dumps(child("a", "echo", depends_on=["/b"])))
    refused = place.airs("add", "/", "-f", file, code=2)
    assert "/a" in refused.stderr and "/b" in refused.stderr and "cycle" in refused.stderr
    file.write_text(json.dumps(child("a", "echo", depends_on=["/c"])))
    assert "there is no child '/c'" in place.airs("add", "/", "-f", file, code=2).stderr


def kill(place, daemon):
    daemon.signal(signal.SIGKILL)
    daemon.wait()


def test_what_was_added_and_scaled_comes_back_after_a_crash(place):
    """What survives: "The daemon killed with SIGKILL … goes on where it stood." """
    manifest = place.manifest(child("echo", "echo"), child("back", "sleeper", count=2),
                              supervisor("web", child("a", "echo")))
    daemon = place.run(manifest)
    place.add("/", child("x", "echo", backoff=["1ms"]))
    place.add("/web", supervisor("deep", child("b", "echo", count=2)))
    place.add("/", child("gone", "echo"))
    place.add("/", child("job", "sleeper", restart="temporary"))
    place.airs("scale", "/back", 4)
    place.airs("scale", "/web/deep/b", 1)
    place.airs("delete", "/gone")
    place.airs("delete", "/back#1")
    daemon.wait_event("started", "/x", generation=1)
    place.airs("kill", "/x")
    for path, generation in (("/x", 2), ("/job", 1), ("/back#4", 1), ("/web/deep/b#1", 1)):
        daemon.wait_event("started", path, generation=generation)
    for path in ("/gone", "/back#1", "/web/deep/b#2"):
        daemon.wait_event("deleted", path)
    before = sorted(place.ps())
    kill(place, daemon)

    daemon = place.run(manifest)
    daemon.wait_event("started", "/x", generation=3)
    assert place.status("/x")["restarts"] == 1
    assert sorted(place.ps()) == before
    place.airs("scale", "/back", 2)
    daemon.wait_event("deleted", "/back#4")
    before = sorted(place.ps())
    kill(place, daemon)

    daemon = place.run(manifest)  # And again: it was kept anew.
    daemon.wait_event("started", "/x", generation=4)
    assert sorted(place.ps()) == before
    assert daemon.stop() == 0
    daemon = place.run(manifest)
    assert sorted(place.ps()) == ["/back#1", "/back#2", "/echo", "/web", "/web/a"]


def test_what_cannot_be_read_any_more_is_left_out_and_said(place):
    manifest = place.manifest(child("echo", "echo"))
    daemon = place.run(manifest)
    (place.work / "x.wasm").write_bytes((GUESTS / "echo.wasm").read_bytes())
    place.add("/", {"name": "x", "component": "x.wasm"})
    daemon.wait_event("ready", "/x")
    kill(place, daemon)
    (place.work / "x.wasm").unlink()
    daemon = place.run(manifest)
    daemon.left_out = ["/x"]
    assert sorted(place.ps()) == ["/echo"]
    daemon.wait_said("x.wasm")


def test_a_crowd_is_listed_and_counted(place):
    place.up(child("echo", "echo"), supervisor("web", child("back", "sleeper", count=2000)),
             max_instances=3)
    rows = place.ps()
    assert len(rows) == 2002
    assert rows["/web/back#2000"]["state"] in ("registered", "running")
    place.airs("scale", "/web/back", 1000)
    place.wait("/web/back#1000", "registered")
    assert "children    1000" in place.airs("status", "/web").stdout
