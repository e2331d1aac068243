"""What one can type wrongly, and what the program says to it."""
import socket

import pytest

from conftest import child

VERBS = ["up", "down", "check", "schema", "ps", "status", "start", "stop", "restart", "kill",
         "reload", "reset", "delete", "add", "scale", "logs", "events", "explain", "graph",
         "history", "wait", "send", "call", "version"]
CLIENTS = {"down": [], "ps": [], "status": ["/a"], "start": ["/a"], "stop": ["/a"],
           "restart": ["/a"], "kill": ["/a"], "reload": [], "reset": ["/a"], "delete": ["/a"],
           "add": ["/a", "--component", "a.wasm"], "scale": ["/a", "2"], "logs": [], "events": [],
           "explain": ["/a"], "graph": [], "history": [], "wait": ["/a", "--state", "running"],
           "send": ["/a", "x"], "call": ["/a", "x"]}
NEED_PATH = ["status", "start", "stop", "restart", "kill", "reset", "delete", "add", "scale",
             "explain", "wait", "send", "call"]


def test_lists_its_verbs(place):
    for words in ([], ["--help"], ["help"], ["help", "--help"], ["help", "help"]):
        text = place.airs(*words).stdout
        for verb in VERBS:
            assert f"\n  {verb} " in text


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(place, verb):
    text = place.airs(verb, "--help").stdout
    assert text.startswith(f"Usage: airs {verb}")
    assert f"Example:\n  airs {verb}" in text
    assert place.airs("help", verb).stdout == text


@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_option_is_wrong_use(place, verb):
    done = place.airs(verb, "--hepl", code=2)
    assert "did you mean --help?" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("verb", NEED_PATH)
def test_a_missing_operand_is_wrong_use(place, verb):
    assert "needs PATH" in place.airs(verb, code=2).stderr


@pytest.mark.parametrize("words", [
    ["wait", "/a"], ["wait", "/a", "--state", "runing"], ["wait", "/a", "--state"],
    ["wait", "/a", "--state", "running", "--generation", "two"],
    ["wait", "/a", "--state", "running", "--generation", "-1"],
    ["wait", "/a", "--state", "running", "--timeout", "5"],
    ["call", "/a", "x", "--timeout", "soon"], ["call", "/a"], ["send", "/a"],
    ["send", "/a", "b", "c"], ["up", "--for", "10"], ["up", "--for", "0s"], ["up", "extra"],
    ["events", "--since", "first"], ["ps", "extra"], ["ps", "--app", "../x"], ["ps", "--app"],
    ["status", "/"], ["status", ""], ["status", "//a"], ["status", "/a/"], ["version", "x"],
    ["status", "/a", "/b"], ["--app", "x", "ps"], ["ps", "--socket", "x" * 200],
])
def test_wrong_values_are_wrong_use(place, words):
    assert place.airs(*words, code=2).stderr.startswith("airs")


def test_unknown_verbs_name_the_nearest(place):
    assert "did you mean restart?" in place.airs("restrat", code=2).stderr
    assert "unknown verb 'zzzzzz'" in place.airs("zzzzzz", code=2).stderr
    for later in ("top", "completion"):
        assert "does not have" in place.airs(later, code=2).stderr


def test_says_its_version(place):
    assert place.airs("version").stdout.startswith("airs ")
    assert '"version":"' in place.airs("version", "--json").stdout


@pytest.mark.parametrize("verb", CLIENTS)
def test_nothing_runs_and_none_is_named(place, verb):
    assert "airs up" in place.airs(verb, *CLIENTS[verb], code=2).stderr


@pytest.mark.parametrize("verb", CLIENTS)
def test_the_named_one_does_not_run(place, verb):
    assert "is not running" in place.airs(verb, *CLIENTS[verb], "--app", "app", code=3).stderr
    place.manifest(child("a", "sleeper"))
    assert "is not running" in place.airs(verb, *CLIENTS[verb], code=3).stderr
    place.airs(verb, *CLIENTS[verb], "--socket", "/nowhere/x.sock", code=3)


@pytest.mark.parametrize("verb", CLIENTS)
def test_a_dead_socket_is_not_running(place, verb):
    folder = place.runtime / "airs"
    folder.mkdir(mode=0o700)
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(folder / "app.sock"))
    dead.listen(1)
    dead.close()
    place.airs(verb, *CLIENTS[verb], "--app", "app", code=3)
    (folder / "app.sock").unlink()


def test_a_full_disk_behind_stdout_is_no_success(place):
    with open("/dev/full", "wb") as full:
        import subprocess

        from conftest import AIRS
        done = subprocess.run([AIRS, "version"], stdout=full, stderr=subprocess.PIPE,
                              env=place.env, cwd=place.work)
    assert done.returncode == 1
    assert b"standard output" in done.stderr


def test_closed_standard_files_are_not_taken_by_others(place):
    """What is printed must not end in a socket that got number 1."""
    import subprocess

    from conftest import AIRS
    done = subprocess.run(["sh", "-c", f"exec {AIRS} version <&- >&-"], env=place.env,
                          cwd=place.work, stderr=subprocess.PIPE)
    assert done.returncode == 1
    manifest = place.manifest(child("a", "echo"))
    daemon = subprocess.Popen(["sh", "-c", f"exec {AIRS} up -f {manifest} <&- >&- 2>&-"],
                              env=place.env, cwd=place.work)
    place.follow(manifest)
    place.airs("down")
    assert daemon.wait(60) == 0
