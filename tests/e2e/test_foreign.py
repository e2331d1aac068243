"""Guests of other toolchains, unchanged: Go, JavaScript, and components and modules by hand."""
import pytest

from conftest import GUESTS, child

# Two components, assembled from text. The first returns; the second imports wasi:cli/exit@0.2.0,
# exports wasi:cli/run@0.2.6 and exits as failed.
RETURNS = bytes.fromhex("""
    0061736d0d000100012f0061736d010000000105016000017f030201000707010372756e00000a0601040041000b
    0009046e616d650002016d0204010000000708026a000040000000060901000001000372756e0806010000000001
    050a010101000372756e01000b18010012776173693a636c692f72756e40302e322e30050000""")
EXITS = bytes.fromhex("""
    0061736d0d000100071d014203016a0000014001067374617475730001000400046578697401010a180100137761
    73693a636c692f6578697440302e322e300500060901010000046578697408050101000000014e0061736d010000
    0001090260017f006000017f020d01047761736904657869740000030201010707010372756e00010a0901070041
    011000000b0012046e616d650002016d010701000465786974021402010104657869740000000001047761736912
    000708026a000040000001060901000001010372756e0806010000010002050a010101000372756e01010b180100
    12776173693a636c692f72756e40302e322e36050100""")
CORE, COMPONENT = b"\0asm\1\0\0\0", b"\0asm\x0d\0\1\0"


def test_an_actor_in_javascript(place):
    """World runtime-host by componentize-js: calls, a crash, a new instance, a clean stop."""
    greeter = GUESTS / "greeter.wasm"
    if not greeter.exists():
        pytest.skip("greeter.wasm (JavaScript) was left out: no node, or no componentize-js")
    assert greeter.read_bytes().startswith(COMPONENT)
    daemon = place.up(child("js", "greeter", config="be nice", environment={"MODE": "test"},
                            backoff=["1ms"]))
    for word, answer in (("you", "hello, you"), ("count", "2"), ("config", "be nice"),
                         ("env MODE", "test"), ("self", "app:js:0"), ("sleep 20", "slept")):
        assert place.airs("call", "/js", word).stdout == answer
    assert "no luck" in place.airs("call", "/js", "err no luck", code=1).stderr
    place.airs("call", "/js", "crash", code=1)
    place.wait("/js", "running", "--generation", 2)
    assert place.airs("call", "/js", "count").stdout == "1"
    assert "greeter is up" in place.airs("logs", "/js").stdout
    place.airs("down")
    assert daemon.wait() == 0
    assert daemon.of("/js", "exited")[0]["reason"] == "trap"
    assert daemon.of("/js", "exited")[-1]["reason"] == "shutdown"


def test_a_command_in_go(place):
    """GOOS=wasip1: it prints, panics at its eighth line, and is an error with Go's code 2."""
    rates = GUESTS / "shop" / "rates.wasm"
    data = rates.read_bytes()
    if b"rates is written in Go" in data:
        pytest.skip("rates.wasm (Go) was left out: no Go from 1.21 on")
    assert data.startswith(CORE)
    daemon = place.up(child("go", str(rates), environment={"PAIR": "EUR/USD"}, backoff=["1ms"]))
    exited = daemon.wait_event("exited", "/go")
    assert (exited["reason"], "2" in exited["detail"]) == ("error", True)
    place.wait("/go", "running", "--generation", 2)
    lines = place.airs("logs", "/go").stdout
    assert lines.count("EUR/USD 1.") >= 8 and "assignment to entry in nil map" in lines


def test_modules_and_components_side_by_side(place):
    """A core module for wasip1 and components for wasip2 of several 0.2.x, by their exports."""
    for name, data in (("returns", RETURNS), ("exits", EXITS)):
        assert data.startswith(COMPONENT)
        (place.work / f"{name}.wasm").write_bytes(data)
    assert (GUESTS / "crasher.wasm").read_bytes().startswith(CORE)
    once = {"restart": "temporary"}
    daemon = place.up(child("returns", place.work / "returns.wasm", **once),
                      child("exits", place.work / "exits.wasm", **once),
                      child("module", "crasher", args=["exit", "3"], **once), started=False)
    assert daemon.wait() == 0
    assert daemon.of("/returns", "exited")[0]["reason"] == "normal"
    for path, code in (("/exits", "1"), ("/module", "3")):
        exited = daemon.of(path, "exited")[0]
        assert exited["reason"] == "error" and code in exited["detail"], exited
