"""Files that are not what they should be: manifests, components, the cache."""
import os
import pathlib
import subprocess

import pytest

from conftest import AIRS, DEADLINE_S, GUESTS, Place, child

CUTS = 64


def write(place, text, file="airs.yaml"):
    path = place.work / file
    path.write_text(text)
    return path


@pytest.mark.parametrize("text, words", [
    ("name: app\nchildren: [\n", "airs.yaml:"),
    ("name: app\nchildren:\n  - name: a\n   component: x\n", "airs.yaml:"),
    ("\tname: app\n", "airs.yaml:"),
    ("\x00\x01\x02", "airs.yaml"),
    ("", "airs.yaml"),
    ("name: app\nchildren: 5\n", "children"),
    ("name: app\nchildern: []\n", "children"),
    ("name: app\nchildren:\n  - {name: a, component: x.wasm, restrat: permanent}\n", "restart"),
    ("name: app\nchildren:\n  - {name: a, component: x.wasm, shutdown: 5}\n", "shutdown"),
    ("name: ../app\nchildren: []\n", "name"),
    ("name: /tmp/app\nchildren: []\n", "name"),
    ("name: app\nchildren:\n  - {name: a, component: nowhere.wasm}\n", "nowhere.wasm"),
    ("name: app\nchildren:\n  - {name: a/b, component: x.wasm}\n", "a/b"),
])
def test_a_wrong_manifest_is_named_with_its_place(place, text, words):
    (place.work / "x.wasm").write_bytes((GUESTS / "sleeper.wasm").read_bytes())
    write(place, text)
    for verb in (["check", "airs.yaml"], ["up"], ["up", "--detach"]):
        done = place.airs(*verb, code=2)
        assert words in done.stderr, done.stderr


def test_duplicate_names(place):
    place.manifest(child("a", "sleeper"), child("a", "sleeper"))
    for verb in (["check", "airs.yaml"], ["up"]):
        assert "'a'" in place.airs(*verb, code=2).stderr


def test_no_such_manifest(place):
    for verb in (["check", "none.yaml"], ["up", "-f", "none.yaml"], ["up"]):
        assert ".yaml" in place.airs(*verb, code=2).stderr
    (place.work / "folder.yaml").mkdir()
    place.airs("up", "-f", "folder.yaml", code=2)


def bad_component(place, data, name="bad.wasm"):
    path = place.work / name
    path.write_bytes(data)
    return path


def fails_to_load(place, path, *words, witness=True):
    """The child fails with load-error; its sibling runs."""
    children = [child("bad", str(path))]
    if witness:
        children.append(child("witness", "echo"))
    daemon = place.up(*children, started=False)
    place_of_failure = daemon.wait_event("failed", "/bad")
    if witness:
        daemon.wait_event("ready", "/witness")
        assert place.airs("call", "/witness", "hello").stdout == "hello"
    assert place_of_failure["reason"] == "load-error"
    said = place_of_failure.get("detail", "") + place.airs("status", "/bad").stdout
    for word in words:
        assert word in said, said
    place.airs("down") if witness else None
    daemon.wait()
    return daemon


def test_not_wasm(place):
    fails_to_load(place, bad_component(place, b"#!/bin/sh\necho hello\n"), "bad.wasm")


def test_an_empty_file(place):
    fails_to_load(place, bad_component(place, b""))


def leb(number):
    out = bytearray()
    while True:
        byte = number & 0x7f
        number >>= 7
        out.append(byte | (0x80 if number else 0))
        if not number:
            return bytes(out)


def section(number, data):
    return bytes([number]) + leb(len(data)) + data


def text(word):
    return leb(len(word)) + word.encode()


def core_module(imports, exports=b"\x01" + text("_start") + b"\x00\x01"):
    """A core module with functions () -> () imported, and _start."""
    return (b"\0asm\1\0\0\0" + section(1, b"\x01\x60\x00\x00")
            + section(2, leb(len(imports)) + b"".join(text(module) + text(name) + b"\x00\x00"
                                                      for module, name in imports))
            + section(3, b"\x01\x00") + section(5, b"\x01\x00\x01")
            + section(7, b"\x02" + text("_start") + b"\x00" + leb(len(imports))
                      + text("memory") + b"\x02\x00")
            + section(10, b"\x01\x02\x00\x0b"))


def test_a_missing_import_is_named(place):
    fails_to_load(place, bad_component(place, core_module([("acme:robot/arm", "grab-it")])),
                  "acme:robot/arm")


def test_a_component_that_is_neither_actor_nor_command(place):
    fails_to_load(place, bad_component(place, b"\0asm\x0d\0\1\0"))


def test_cut_short_anywhere(place):
    """One run with a child for every place: each fails, the sibling lives."""
    whole = (GUESTS / "echo.wasm").read_bytes()
    children = []
    for index in range(CUTS):
        size = len(whole) * index // CUTS
        path = bad_component(place, whole[:size], f"cut{index}.wasm")
        children.append(child(f"cut{index}", str(path)))
    daemon = place.up(*children, child("witness", "echo"), started=False)
    daemon.wait_event("ready", "/witness")
    daemon.wait_for(lambda events: sum(one["event"] == "failed" for one in events) == CUTS,
                    f"{CUTS} failed")
    assert {one["reason"] for one in daemon.events if one["event"] == "failed"} == {"load-error"}
    assert place.airs("call", "/witness", "hello").stdout == "hello"


def test_a_file_that_goes_missing_after_the_manifest_was_read(place):
    # The manifest is an error when the file is missing at once.
    path = bad_component(place, (GUESTS / "sleeper.wasm").read_bytes())
    manifest = place.manifest(child("a", str(path)))
    path.unlink()
    assert "bad.wasm" in place.airs("up", "-f", manifest, code=2).stderr


def test_a_component_that_cannot_be_read(place):
    path = place.work / "folder.wasm"
    path.mkdir()
    place.manifest(child("a", str(path)))
    done = place.airs("up", "--for", "100ms", code=None)
    assert done.returncode in (1, 2)


# The cache

@pytest.fixture
def own_cache(tmp_path):
    place = Place(tmp_path / "cache")
    place.env["XDG_CACHE_HOME"] = str(place.cache)
    place.cache.mkdir(mode=0o700)
    try:
        yield place
        place.close()
    finally:
        place.remove()


def cache_files(place):
    return [path for path in place.cache.rglob("*") if path.is_file()]


def runs(place):
    daemon = place.up(child("a", "echo"))
    assert place.airs("call", "/a", "hello").stdout == "hello"
    place.airs("down")
    assert daemon.wait() == 0
    return daemon


def test_the_cache_is_owner_only_and_used_again(own_cache):
    runs(own_cache)
    files = cache_files(own_cache)
    assert files
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    assert (own_cache.cache / "airs").stat().st_mode & 0o077 == 0
    before = {path: path.stat().st_mtime_ns for path in files}
    runs(own_cache)
    assert {path: path.stat().st_mtime_ns for path in cache_files(own_cache)} == before


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "foreign"])
def test_a_damaged_cache_entry_is_compiled_again(own_cache, damage):
    runs(own_cache)
    for path in cache_files(own_cache):
        data = bytearray(path.read_bytes())
        if damage == "flip" and data:
            data[len(data) // 2] ^= 0x40
        elif damage == "cut":
            data = data[:len(data) // 2]
        elif damage == "empty":
            data = b""
        elif damage == "foreign":
            data = b"\x7fELF" + bytes(data[4:])
        path.chmod(0o600)
        path.write_bytes(bytes(data))
    runs(own_cache)


def test_no_cache_directory_can_be_made(own_cache):
    own_cache.env["XDG_CACHE_HOME"] = "/proc/nowhere"
    daemon = own_cache.up(child("a", "echo"), started=False)
    assert daemon.wait() == 1
    assert "/proc/nowhere" in daemon.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="a full disk needs a mount, and that needs root")
def test_a_full_disk_for_the_cache(own_cache):
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs",
                              str(own_cache.cache)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    try:
        daemon = own_cache.up(child("a", "echo"), started=False)
        assert daemon.wait() == 1
        said = daemon.stderr + str(daemon.events)
        assert "No space left" in said or "load-error" in said, said
        assert not [path for path in own_cache.cache.rglob("*")
                    if path.is_file() and ".tmp" in path.name]
    finally:
        subprocess.run(["umount", str(own_cache.cache)], check=True)


def test_xdg_directories_default_to_the_home(place):
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        place.env.pop(name)
    # Its socket then lies under /tmp, one directory a user: the name must be its own.
    name = place.root.name
    place.up(child("a", "sleeper"), name=name)
    place.airs("ps", "--app", name)
    place.airs("down", "--app", name)
    assert (pathlib.Path(place.root) / ".local" / "state" / "airs" / name).is_dir()
    assert not list(pathlib.Path("/tmp").glob(f"airs-*/{name}.sock"))
