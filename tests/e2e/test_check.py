"""airs check and airs schema: what the reader accepts is what the schema allows."""
import json
import re

import pytest
import yaml

from conftest import ROOT


class Words(yaml.SafeLoader):
    """YAML 1.2 as far as manifests need it: `no` and `on` are words."""


Words.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:bool"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Words.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))

TYPES = {"boolean": bool, "object": dict, "array": list, "string": str, "integer": int, "number": (int, float)}


def allows(schema, value, root):
    """Whether a JSON Schema allows a value: the keywords that ours uses."""
    fits = True
    for keyword, rule in schema.items():
        if keyword == "$ref":
            fits = allows(root["$defs"][rule.rsplit("/", 1)[1]], value, root)
        elif keyword == "type":
            fits = isinstance(value, TYPES[rule])
        elif keyword == "enum":
            fits = value in rule
        elif keyword == "pattern":
            fits = not isinstance(value, str) or re.search(rule, value)
        elif keyword == "minimum":
            fits = not isinstance(value, (int, float)) or value >= rule
        elif keyword == "maximum":
            fits = not isinstance(value, (int, float)) or value <= rule
        elif keyword in ("minItems", "minLength"):
            fits = not isinstance(value, (list, str)) or len(value) >= rule
        elif keyword in ("maxItems", "maxProperties"):
            fits = not isinstance(value, (list, dict)) or len(value) <= rule
        elif keyword == "anyOf":
            fits = any(allows(one, value, root) for one in rule)
        elif keyword == "not":
            fits = not allows(rule, value, root)
        elif keyword == "if":
            fits = allows(schema["then" if allows(rule, value, root) else "else"], value, root)
        elif keyword == "items":
            fits = not isinstance(value, list) or all(allows(rule, one, root) for one in value)
        elif keyword == "required":
            fits = not isinstance(value, dict) or all(key in value for key in rule)
        elif keyword == "properties":
            fits = not isinstance(value, dict) or all(
                allows(rule[key], one, root) for key, one in value.items() if key in rule)
        elif keyword == "propertyNames":
            fits = not isinstance(value, dict) or all(allows(rule, key, root) for key in value)
        elif keyword == "additionalProperties":
            known = schema.get("properties", {})
            others = [one for key, one in value.items() if key not in known] \
                if isinstance(value, dict) else []
            fits = not others or (rule and all(allows(rule, one, root) for one in others))
        else:
            assert keyword in ("$schema", "$defs", "title", "description", "default", "then",
                               "else"), keyword
        if not fits:
            return False
    return True


@pytest.fixture
def schema(place):
    return json.loads(place.airs("schema").stdout)


def write(place, text):
    (place.work / "a.wasm").write_bytes(b"")
    (place.work / "airs.yaml").write_text(text)


def entry(keys):
    return "name: s\nchildren: [{ name: a, component: a.wasm, %s }]\n" % keys


GOOD = [
    "name: s\nchildren: [{ name: a, component: a.wasm }]\n",
    "name: s\nmax-instances: 3\nmax-concurrent-starts: 1\nstrategy: one-for-one\n"
    "children: [{ name: a, component: a.wasm, count: 2 }]\n",
    "name: s\nchildren: [{ name: w, shutdown: 5s, restart: no, children: "
    "[{ name: a, component: a.wasm }] }]\n",
    entry("restart: on-failure, max-restarts: unlimited, within: 5m, on-exhausted: escalate"),
    entry("backoff: [0s, 1ms, 7h], shutdown: kill, start-timeout: infinity, stdin: open"),
    entry("backoff: { strategy: linear, initial: 0s, max: 1s, jitter: +20%, reset-after: never }"),
    entry("limits: { memory: 64KiB, cpu-timeout: infinity, mailbox: 1, on-full: drop-oldest }"),
    "name: s\nchildren: [{ name: a, component: a.wasm, depends-on: [/b] },"
    " { name: b, component: a.wasm, depends-on: [], when-dependency-restarts: restart }]\n",
    entry("health: {}"),
    entry("health: { interval: 1s, timeout: 20ms, failures: 1, start-period: 0s, liveness: false }"),
    "name: s\nstrategy: one-for-all\nintensity: { max-restarts: 0, within: 1s }\n"
    "auto-shutdown: any\nchildren: [{ name: a, component: a.wasm, restart: transient, "
    "significant: true }]\n",
    entry("on-exit: [{ reason: trap, code: unreachable, do: fail }, { reason: error, code: 64-78,"
          " do: stop }, { reason: error, code: 3, do: escalate }, { reason: killed, do: restart }]"),
    entry("success-codes: [0, 40-49], significant: false"),
    entry('args: [a, "1"], environment: { A: b, "odd name": "" }, config: "x y"'),
]
BAD = [
    "[]\n", "name: s\n", "children: [{ name: a, component: a.wasm }]\n",
    "name: s\nchildren: []\n", "name: s\nchildren: [5]\n", "name: s\nchildren: [{ name: a }]\n",
    "name: a/b\nchildren: [{ name: a, component: a.wasm }]\n",
    "name: s\nrestart: no\nchildren: [{ name: a, component: a.wasm }]\n",
    "name: s\nchildren: [{ name: w, count: 2, children: [{ name: a, component: a.wasm }] }]\n",
    entry("restrat: no"), entry("restart: sometimes"), entry("max-restarts: -1"),
    entry("max-restarts: 1000001"), entry("max-restarts: many"), entry('max-restarts: "3"'),
    entry("within: 60"), entry("within: 1.5s"), entry("within: never"), entry("count: 0"),
    entry("backoff: linear"), entry("backoff: []"), entry("backoff: { factor: 0.5 }"),
    entry("backoff: { jitter: 101% }"), entry("backoff: { factr: 2 }"),
    entry("limits: { memory: 64MB }"), entry("limits: { memory: 64 }"), entry("args: [80]"),
    entry("args: x"), entry("environment: { A: 1 }"), entry("environment: { A=B: x }"),
    entry("config: 5"), entry("stdin: closed"), entry("depends-on: /b"), entry("depends-on: [b]"), entry("depends-on: [5]"),
    entry("when-dependency-restarts: stop"),
    entry("health: 5"), entry("health: { readiness: 1 }"), entry("health: { liveness: no }"),
    entry("health: { failures: 0 }"), entry("health: { interval: 5 }"), entry("health: { port: 80 }"),
    entry("limits: { on-full: block }"), entry("limits: { redeliver: 1 }"),
    "name: s\nintensity: {}\nchildren: [{ name: a, component: a.wasm }]\n",
    "name: s\nstrategy: one-for-some\nchildren: [{ name: a, component: a.wasm }]\n",
    entry("on-exit: trap"), entry("on-exit: [{ reason: trap }]"),
    entry("on-exit: [{ reason: tarp, do: fail }]"), entry("on-exit: [{ reason: trap, do: die }]"),
    entry("success-codes: 3"), entry("success-codes: [256]"), entry("success-codes: [a]"),
    entry("significant: 1"),
]


def test_the_schema_allows_what_the_reader_accepts(place, schema):
    for text in GOOD:
        write(place, text)
        place.airs("check")
        assert allows(schema, yaml.load(text, Words), schema), text


def test_the_schema_refuses_what_the_reader_refuses(place, schema):
    for text in BAD:
        write(place, text)
        assert place.airs("check", code=2).stderr.startswith("airs.yaml:"), text
        assert not allows(schema, yaml.load(text, Words), schema), text


def test_the_example_is_good(place, schema):
    text = (ROOT / "examples" / "shop" / "airs.yaml").read_text()
    assert allows(schema, yaml.load(text, Words), schema)


def test_effective_values_are_a_manifest_that_says_the_same(place, schema):
    for text in GOOD:
        write(place, text)
        once = place.airs("check", "--effective").stdout
        as_json = json.loads(place.airs("check", "--effective", "--json").stdout)
        assert yaml.load(once, Words) == as_json
        assert allows(schema, as_json, schema), once
        write(place, once)
        assert place.airs("check", "--effective").stdout == once


def test_a_good_manifest_is_told_in_one_line(place):
    write(place, GOOD[2])
    assert place.airs("check", "airs.yaml").stdout == "airs.yaml: ok, 2 children\n"
    told = json.loads(place.airs("check", "--json").stdout)
    assert (told["name"], told["children"], told["components"], told["supervisors"]) == \
        ("s", 2, 1, 1)


def test_errors_are_told_with_place_and_line(place):
    write(place, "name: s\nchildren:\n  - name: a\n    component: a.wasm\n    restrat: no\n"
                 "    within: 5\n")
    done = place.airs("check", code=2)
    assert done.stdout == ""
    assert done.stderr == (
        "airs.yaml:5:5: unknown key 'restrat'; did you mean 'restart'?\n"
        "     5 |     restrat: no\n"
        "       |     ^~~~~~~\n"
        "airs.yaml:6:13: 'within': 5 has no unit; write 5s for seconds\n"
        "     6 |     within: 5\n"
        "       |             ^\n")
    lines = place.airs("check", "--json", code=2).stderr.splitlines()
    assert [(json.loads(line)["line"], json.loads(line)["column"]) for line in lines] == \
        [(5, 5), (6, 13)]


def test_the_schema_lists_trap_codes_and_exit_reasons(schema):
    assert "unreachable" in schema["$defs"]["trap-code"]["enum"]
    assert "out-of-memory" in schema["$defs"]["exit-reason"]["enum"]
