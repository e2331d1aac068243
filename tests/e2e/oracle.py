#!/usr/bin/env python3
"""Judges a run from outside: a manifest and what `airs events --json` said, by semantics.md.

    oracle.py [--cut] MANIFEST EVENTS...   exit 0, or 1 with the line and the rule that it breaks
With --cut the runs were killed: they have no end.
Verbs by hand show as: `stopping`, `registered` out of stopped or failed, `reset`, `restart-scheduled`
from stopping (uncounted), `waiting` with delay_ms 0 (a start by hand cut a delay short).
A child that an earlier run left is registered with its generation; then `exited` host-lost, the rest
of a delay, or the rest that it was in. Its budget and n are not known here, until they are cleared.
MANIFEST may have a key `added`: lists of children by the path of the supervisor they were added to, and
`reloads`: the manifests that it was reloaded with. What a reload changes it says: `reloaded` of each
child, and of the application when all is done.
"""
import bisect, datetime, json, math, re, sys, yaml

TICK = 2          # µs: a delay is rounded down, and printed in milliseconds.
SLACK = 1000      # µs of lived time around the edge of a window, where either answer is right.
LATE = 2_000_000  # µs that a kill may take on a busy machine.
LAG = 500_000     # µs until the supervisor of a dependant hears that a dependency is lost.
UNITS = {"us": 1, "ms": 1000, "s": 10**6, "m": 60 * 10**6, "h": 3600 * 10**6}
ALIASES = {"always": "permanent", "on-failure": "transient", "no": "temporary", "False": "temporary"}
NORMAL, INFINITE = ("normal", "shutdown"), float("inf")
WORDS = {"infinity": INFINITE, "never": INFINITE, "unlimited": INFINITE, "kill": 0}
EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
ALIVE, DUE, REST = {"starting", "running", "stopping"}, {"registered", "restarting"}, {"stopped", "failed"}
POLICY = ("rules success significant restart health probed max_restarts within escalates shutdown delays strategy "
          "factor initial max upward jitter reset_after follows").split()
FOLLOWS_EXIT = {"restart-scheduled", "stopped", "failed", "deleted"}
OTHER = {"denied", "dead-letter", "added", "application-started", "application-stopped"}
LEGAL = {  # event: states from which it may come, state to which it leads (None: stays)
    "registered": (REST, "registered"), "waiting": (DUE, None), "starting": (DUE, "starting"),
    "started": ({"starting"}, "running"), "ready": ({"running"}, None),
    "not-ready": ({"running"}, None), "degraded": ({"running"}, None),
    "health-failed": ({"running"}, None), "exited": (ALIVE | DUE, None),
    "restart-scheduled": (ALIVE | DUE | {"stopped"}, "restarting"), "stopping": ({"starting", "running"}, "stopping"),
    "stopped": (ALIVE | DUE | {"failed"}, "stopped"), "escalated": ({"failed"}, None),
    "failed": ({"starting", "running"} | DUE, "failed"), "reset": (ALIVE | DUE | REST, None),
    "deleted": (ALIVE | DUE | REST, "deleted"), "reloaded": (ALIVE | DUE | REST, None)}

def require(condition, rule):
    if not condition:
        raise ValueError(rule)

def duration(text):
    number = re.fullmatch(r"(\d+)(us|ms|s|m|h)", text)
    return int(number[1]) * UNITS[number[2]] if number else WORDS[text]

def code_fits(code, detail):  # code: None, a name, a number or "64-78"; detail: of the event.
    if code is None or isinstance(code, str) and not re.fullmatch(r"\d+-\d+", code):
        return code is None or code == detail
    first, last = (code, code) if isinstance(code, int) else map(int, code.split("-"))
    return bool(re.fullmatch(r"\d+", detail or "")) and first <= int(detail) <= last

class Node:  # A supervisor, or the application itself: what it wants of its children.
    def __init__(self, spec):
        self.strategy, self.auto_shutdown = spec.get("strategy", "one-for-one"), spec.get("auto-shutdown", "never")
        intensity = spec.get("intensity")
        self.max_restarts = intensity["max-restarts"] if intensity else INFINITE
        self.within = duration(intensity["within"]) if intensity else 0
        self.former = set()  # Strategies before a reload: an order that began is finished.
        self.grants, self.forgotten = [], 0  # How many of them a start or a reset may have cleared.

    def used(self, now, slack, surely=True):
        return sum(now - grant <= self.within + slack for grant in self.grants[self.forgotten if surely else 0:])

    def takes(self, failed, other):  # The predicate of a user may take anything.
        takes = {"one-for-one": False, "rest-for-one": other.place > failed.place}
        return failed is not other and any(takes.get(one, True) for one in {self.strategy} | self.former)

    def become(self, fresh):
        self.former.add(self.strategy)
        for key in ("strategy", "auto_shutdown", "max_restarts", "within"):
            setattr(self, key, getattr(fresh, key))

class Child:  # Its policy out of the manifest, and what its events made of it.
    def __init__(self, spec, parent, place, node):
        self.node, self.rules, self.success = node, spec.get("on-exit", []), spec.get("success-codes", [])
        self.significant, self.ignores = spec.get("significant", False), spec.get("ignores", False)  # A native child.
        self.own = Node(spec) if "children" in spec else None  # As a supervisor.
        self.parent, self.place, self.is_supervisor = parent, place, "children" in spec
        restart, limit = str(spec.get("restart", "permanent")), spec.get("max-restarts", 3)
        self.health = None if self.is_supervisor else spec.get("health")
        self.probed = self.health is not None and self.health.get("readiness", True)
        self.restart, self.max_restarts = ALIASES.get(restart, restart), WORDS.get(limit, limit)
        self.within, self.escalates = duration(spec.get("within", "60s")), spec.get("on-exhausted", (
            "fail" if node.strategy == "one-for-one" else "escalate")) == "escalate"
        self.shutdown = duration(spec.get("shutdown", "infinity" if self.is_supervisor else "5s"))
        backoff = spec.get("backoff", {})
        self.delays = [duration(d) for d in backoff] if isinstance(backoff, list) else None
        backoff = {} if self.delays else backoff
        self.strategy, self.factor = backoff.get("strategy", "exponential"), float(backoff.get("factor", 1.5))
        self.initial, self.max = duration(backoff.get("initial", "100ms")), duration(backoff.get("max", "30s"))
        jitter = backoff.get("jitter", "10%")
        self.upward, self.jitter = jitter[0] == "+", float(jitter.strip("+%")) / 100
        self.reset_after = duration(backoff.get("reset-after", spec.get("within", "60s")))
        self.state = self.ready_since = self.exit = self.due = None  # due: first, grant or by hand
        self.escalated = self.after_started = self.waited = self.restored = False
        self.dynamic = self.trial = False  # Added by hand while it ran; changed, and not ready since.
        self.stop_time = self.shutdown  # Of the stop under way.
        self.written, self.on = spec.get("depends-on", []), []
        self.follows = spec.get("when-dependency-restarts", "leave") == "restart"
        self.changes = spec.get("depends-on-changes", False)  # While it ran: the simulator says so.
        self.met = self.ended_well = self.is_needed = False
        self.lost = -INFINITE
        self.taken = self.in_group = False  # By a sibling's restart; in the order of siblings.
        self.detail = self.cause = self.gave_up = None
        self.generation = self.time = self.lived = self.born = self.not_before = self.registered_at = 0
        self.clear()

    def clear(self):
        self.restored = False
        self.grants, self.ns = [], {0}  # ns: what n may be; more than one at the edge of reset-after

    def used(self, slack):
        return len(self.grants) - bisect.bisect_left(self.grants, self.lived - self.within - slack)

    def action(self):  # What its exit leads to: the first rule, or else its policy.
        for rule in self.rules:
            if rule["reason"] == self.exit and code_fits(rule.get("code"), self.detail):
                return rule["do"]
        if self.exit == "load-error":
            return "fail"
        asks = self.restart == "permanent" or (self.restart == "transient" and self.exit not in NORMAL)
        return "restart" if asks else "stop"

    def asks_for_restart(self):
        return self.action() == "restart"

    def delay_fits(self, delay, n):
        if self.delays:
            base = self.delays[min(n, len(self.delays)) - 1]
        elif self.strategy == "exponential":
            exponent = min(n - 1, 650 / max(math.log(self.factor), 1e-9))  # No overflow.
            base = min(self.initial * self.factor ** exponent, self.max)
        else:
            base = min(n * self.initial, self.max) if self.strategy == "linear" else 0
        low = base if self.upward else base * (1 - self.jitter)
        return low - TICK <= delay <= base * (1 + self.jitter) + TICK

def children_of(spec, path, found, node):
    for child in spec["children"]:
        for suffix in [f"#{i + 1}" for i in range(child["count"])] if "count" in child else [""]:
            key = f"{path}/{child['name']}{suffix}"
            found[key] = Child(child, path, len(found), node)
            children_of(child, key, found, found[key].own) if found[key].is_supervisor else None
    return found

class Oracle:
    def __init__(self, manifest):
        self.spec, self.root, self.later = manifest, Node(manifest), manifest.get("reloads", [])
        self.added = manifest.get("added", {})
        self.children = children_of(manifest, "", {}, self.root)
        self.places = len(self.children)
        for path in self.children:
            self.depend(path)
        self.put_in_order()
        self.seq, self.last_stop, self.ended, self.started = None, {}, False, False

    def depend(self, path):  # The name of several means all that there are by now.
        for name in self.children[path].written:
            members = [other for other in self.children if other.startswith(name + "#")]
            self.children[path].on += members if members and name not in self.children else [name]

    def lifted(self):  # Pairs of siblings: one, or something below it, depends on what is below the other.
        for path, child in self.children.items():
            for one, two in ((path.split("/"), other.split("/")) for other in child.on if other in self.children):
                depth = next(i for i, step in enumerate(one) if two[i:i + 1] != [step])
                yield "/".join(one[:depth + 1]), "/".join(two[:depth + 1])

    def put_in_order(self):  # What an entry depends on comes before it; else the order of the file.
        places, edges = {}, {}
        for path, child in self.children.items():
            places.setdefault(path.split("#")[0], child.place)
        for after, before in self.lifted():
            self.children[before].is_needed = True
            edges.setdefault(after.split("#")[0], set()).add(before.split("#")[0])
        order = {}
        def put(entry):
            if entry not in order:
                order[entry] = None
                for before in sorted(edges.get(entry, ()), key=places.get):
                    put(before)
                order[entry] = sum(place is not None for place in order.values())
        for entry in places:
            put(entry)
        by_order = sorted(self.children.items(), key=lambda item: (order[item[0].split("#")[0]], item[1].place))
        for place, (_path, child) in enumerate(by_order):
            child.place = place

    def find_in(self, spec, path):
        above = ""
        for step in path.split("/")[1:]:
            among = spec.get("children", []) + self.added.get(above or "/", [])
            fitting = [child for child in among if child["name"] == step.split("#")[0]]
            if not fitting:
                return None
            spec, above = fitting[-1], f"{above}/{step}"
        return spec

    def spec_of(self, path):  # Of the manifest, or added; one of several by its name without the number.
        found = self.find_in(self.later[0], path) if self.later else None
        found = found or self.find_in(self.spec, path)
        require(found, f"unknown path {path}")
        return found

    def enter(self, path, dynamic):  # What comes while it runs; what is below a supervisor comes before it.
        parent = path.rpartition("/")[0]
        if parent and (parent not in self.children or self.children[parent].state == "deleted"):
            self.enter(parent, dynamic)
        if path in self.children and self.children[path].state is None:
            return
        self.places += 1
        node = self.children[parent].own if parent else self.root
        self.children[path] = Child(self.spec_of(path), parent, self.places, node)
        self.children[path].dynamic = dynamic
        self.depend(path)
        for _after, before in self.lifted():
            self.children[before].is_needed = True

    def reload(self):  # It is done: who stands where, and what the application wants of its children.
        require(self.later, "reloaded, and nobody asked for it")
        self.spec, self.later = self.later[0], self.later[1:]
        places = Oracle(self.spec).children
        for path, child in self.children.items():
            child.place = places[path].place if path in places else len(places) + child.place
        self.places = 2 * len(places) + self.places
        self.root.become(Node(self.spec))

    def take(self, event):
        name, path = event["event"], event.get("path")
        require(self.seq in (None, event["seq"] - 1), f"seq {event['seq']} after {self.seq}")
        self.seq, self.ended = event["seq"], self.ended or name == "application-stopped"
        known = path in self.children and self.children[path].state != "deleted"
        self.started = self.started or name == "application-started"
        if name == "added" or (name == "registered" and not known):
            self.enter(path, name == "added")
        if name == "reloaded" and path is None:
            return self.reload()
        if name in OTHER:
            return
        require(name in LEGAL and path in self.children, f"unknown event {name} or path {path}")
        child, at = self.children[path], datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
        now, before = (at - EPOCH) // datetime.timedelta(microseconds=1), child.state
        require(now >= child.time, "time goes back")
        child.time = now
        self.move(child, name, event)
        require(not name.endswith("ready") or (child.ready_since is None) == (name == "ready"), f"{name} twice")
        if name in ("not-ready", "stopping", "exited") and child.ready_since is not None:
            child.lived, child.ready_since = child.lived + now - child.ready_since, None
        elif name in ("registered", "reset"):
            child.clear()
            if before is None and child.generation:
                child.restored, child.grants = True, [0] * event.get("restarts", 0)
            nodes = [child.own] if child.own else []
            for node in nodes + ([] if child.parent else [child.node]):  # Those of the root have no event.
                node.forgotten = len(node.grants)
        child.ready_since = now if name == "ready" else child.ready_since
        getattr(self, "on_" + name.replace("-", "_"), lambda *_: None)(child, event, now, before)
        child.exit = None if name in FOLLOWS_EXIT else child.exit
        if name in ("starting", "registered", "stopped", "failed", "deleted"):
            child.taken = False
        if name in ("ready", "registered", "stopped", "failed", "deleted", "waiting", "restart-scheduled"):
            child.in_group = event.get("waits_for") == "turn"
        if event.get("cause") in self.children and name != "escalated" and child.exit != "escalated":
            cause = self.children[event["cause"]]
            follows = child.follows and (child.changes or event["cause"] in child.on)
            require(cause.parent != child.parent or cause.escalated or follows or child.node.takes(cause, child),
                    f"{name} because of {event['cause']}, which does not take it along")
        waits_for = event.get("waits_for", "")
        require(waits_for[:1] != "/" or child.changes or waits_for in child.on, "waits for no dependency")
        met = child.ready_since is not None or (child.state == "stopped" and child.ended_well)
        child.lost = now if child.met and not met else child.lost
        child.met = met
        child.escalated, child.waited = child.escalated or name == "escalated", child.waited or name == "waiting"
        child.not_before = now if name == "waiting" and event.get("delay_ms") == 0 else child.not_before
        require(event.get("restarts", len(child.grants)) == len(child.grants), f"not {len(child.grants)} restarts")

    def move(self, child, name, event):
        require(child.state is not None or name == "registered", f"{name} before registered")
        if child.state is None and event.get("generation", 0) > 0:
            child.generation = event["generation"]
        require(child.state is None or child.state in LEGAL[name][0], f"{name} in {child.state}")
        state = child.state or "registered"
        require(event.get("from", state) == state, f"from {event.get('from')} in {state}")
        require(child.exit is None or name in FOLLOWS_EXIT, f"{name} after exited")
        require(child.exit or name not in FOLLOWS_EXIT or child.state not in ALIVE, f"{name} without exited")
        require(not child.after_started or name == "ready", f"{name} after started, not ready")
        require(child.escalates or name != "escalated" or child.gave_up, "escalated without being told to")
        require(child.health is not None or name not in ("degraded", "health-failed"), f"{name} without probes")
        child.after_started = name == "started" and not child.is_supervisor and not child.probed
        child.state = LEGAL[name][1] or child.state
        require(name == "deleted" or event.get("state", child.state) == child.state, f"{name} leads elsewhere")
        require(event.get("generation", 0) == child.generation + (name == "starting"),
                f"generation {event.get('generation')} after {child.generation}")

    def on_registered(self, child, _event, now, _before):
        child.due, child.not_before, child.waited = "first", now, False
        child.registered_at = now if child.generation else 0

    def on_starting(self, child, event, now, _before):
        require(child.due and now >= child.not_before - TICK, "started before its delay was over")
        require(self.children.get(child.parent, child).state in ALIVE, "started below what is down")
        for path in [] if child.changes else child.on:
            other = self.children.get(path)
            require(other and (other.met or now - other.lost <= LAG), f"started while {path} was not met")
        for other in self.children.values():
            same = other.parent == child.parent and other.is_supervisor == child.is_supervisor
            if same and child.due == "first" and other.place < child.place and not (child.waited or other.waited):
                require(other.state != "registered" or other.registered_at != child.registered_at,
                        "started before an earlier sibling")
            other.escalated = other.escalated and other.parent != event["path"]
            before = same and other.place < child.place and child.in_group and child.node.strategy != "predicate"
            require(not (before and other.in_group), "started in a group before an earlier sibling was ready")
        child.due, child.generation, child.born = None, child.generation + 1, child.lived
        if child.own:  # Started again, it begins with an empty intensity.
            child.own.forgotten = len(child.own.grants)

    def on_started(self, child, _event, now, _before):
        child.started_at = now

    def on_ready(self, child, _event, now, _before):
        by_report = child.is_supervisor or child.probed
        require(by_report or now == child.started_at, "not ready when it was started")
        child.trial = False

    def on_reloaded(self, child, event, now, before):
        fresh = Child(self.spec_of(event["path"]), child.parent, child.place, child.node)
        child.started_at = now if child.probed and not fresh.probed else getattr(child, "started_at", None)
        for key in POLICY:
            setattr(child, key, getattr(fresh, key))
        if child.own:
            child.own.become(fresh.own)
        if child.written != fresh.written:
            child.written, child.on, child.changes = fresh.written, [], True
            self.depend(event["path"])
        child.trial = "restarts:" in event.get("detail", "") and before in ("starting", "running")

    def on_not_ready(self, child, _event, _now, _before):
        require(child.is_supervisor or child.probed, "not ready without a readiness probe")

    def on_stopping(self, child, event, now, _before):  # All that stops in one instant: in reverse order.
        child.stopping_since, child.cause, child.stop_time = now, event.get("cause"), child.shutdown
        if child.cause and child.node.strategy in ("one-for-all", "rest-for-one") and not child.node.former:
            later = [c for c in self.children.values() if c.parent == child.parent and c.place > child.place]
            require(not any(c.state == "stopping" and c.cause == child.cause for c in later),
                    "stopped in a group before a later sibling had ended")
        if child.is_needed:  # Its stop may wait for those that depend on it.
            return
        last = self.last_stop.get(child.parent, (None, 0))
        require(last[0] != now or child.place < last[1], "stopped before a later sibling")
        self.last_stop[child.parent] = (now, child.place)

    def on_exited(self, child, event, now, before):
        child.exit, child.detail = event["reason"], event.get("detail")
        require(child.exit != "error" or not any(code_fits(c, child.detail) for c in child.success),
                "an exit code of success-codes is an error")
        require(before in ALIVE or child.exit in ("load-error", "host-lost"), f"{child.exit} without an instance")
        require(child.exit != "unhealthy" or child.health is not None, "unhealthy without probes")
        edge = child.lived - child.born - child.reset_after
        child.ns = child.ns | {0} if abs(edge) <= SLACK else {0} if edge > 0 else child.ns
        if before == "stopping":
            limit = INFINITE if child.is_supervisor else child.stopping_since + child.stop_time + LATE
            require(child.exit != "normal" and now <= limit, "stopped too late, or normal")
        if child.is_supervisor:
            below = [c for path, c in self.children.items() if path.startswith(event["path"] + "/")]
            require(not any(c.state in ALIVE for c in below), "left children behind")
            gave_up = any(c.escalated for c in below if c.parent == event["path"])
            require((child.exit == "escalated") == gave_up, f"{child.exit}, but escalated: {gave_up}")
            require(child.exit != "normal" or child.own.auto_shutdown != "never", "a supervisor ended by itself")

    def on_restart_scheduled(self, child, event, now, before):
        delay, counted = round(event["delay_ms"] * 1000), event["restarts"] > len(child.grants)
        child.due, child.not_before, child.waited = "grant" if counted else "hand", now + delay, False
        if before == "registered" and (child.restored or not self.started) and not counted:
            return  # As an earlier run left it, maybe before it was ever started.
        if not counted and child.trial and before in ("starting", "running"):
            child.trial = False
            return require(any(child.delay_fits(delay, max(n, 1)) for n in child.ns), f"a trial's delay of {delay} µs")
        if not counted:
            require(before == "stopping" or child.taken, f"restarted after {child.exit}, not counted")
            return require(delay == 0, "a restart by hand, or by a sibling, waits")
        require(child.asks_for_restart(), f"restarted after {child.exit}")
        require(child.restored or child.used(-SLACK) < child.max_restarts, "restarted beyond its budget")
        require(child.node.used(now, -SLACK) < child.node.max_restarts, "restarted beyond the intensity")
        child.grants.append(child.lived)
        child.node.grants.append(now)
        for other in self.children.values():
            other.taken = other.taken or other.parent == child.parent and child.node.takes(child, other)
        child.taken = False
        ns, child.ns = child.ns, {n + 1 for n in child.ns if child.delay_fits(delay, n + 1)}
        require(child.restored or child.ns, f"delay of {delay} µs after n in {ns}")

    def on_deleted(self, child, _event, _now, before):
        at_its_end = child.dynamic and child.restart == "temporary" and child.action() == "stop"
        require(before not in ("starting", "running") or at_its_end, "deleted without being asked to stop")

    def on_stopped(self, child, event, now, before):
        child.trial = False
        by_itself = before in ("starting", "running") or (child.restored and before == "registered")
        child.ended_well = by_itself and event.get("reason") == "normal" and child.restart != "permanent"
        if child.restored and before == "registered":
            return
        require(before not in ("starting", "running") or not child.dynamic or child.restart != "temporary",
                "a temporary child that was added stays at its end")
        in_order = child.node.strategy != "one-for-one" or child.is_needed  # It may end while its stop waits for its turn.
        in_order = in_order or (child.ignores and before == "starting" and child.exit == "normal")
        require(before not in ("starting", "running") or in_order or not child.asks_for_restart(), "not restarted")
        self.on_stopping(child, event, now, before) if before in DUE and not in_order else None

    def on_failed(self, child, _event, now, _before):
        used_up = child.asks_for_restart() and child.used(SLACK) >= child.max_restarts
        too_many = child.asks_for_restart() and child.node.used(now, SLACK, False) >= child.node.max_restarts
        child.gave_up = too_many or child.action() == "escalate"
        told = child.action() in ("fail", "escalate") or child.exit == "load-error"
        require(told or used_up or too_many or child.restored, f"failed after {child.exit} with budget left")

    def finish(self):
        for path, child in self.children.items():
            restless = self.ended and child.state in ALIVE | {"restarting"}
            require(child.exit is None and not restless, f"{path} is {child.state} at the end")

def judge(manifest, lines, name, cut=False):
    oracle = Oracle(manifest)  # A parsed document. The answer is None, or what is wrong.
    for number, line in enumerate([*lines, *([] if cut else [None])], 1):
        try:
            oracle.take(json.loads(line)) if line else oracle.finish()
        except (KeyError, ValueError) as error:
            return f"{name}:{number}: {error}\n  {line or '(end)'}".rstrip()
    return None

if __name__ == "__main__":
    cut = sys.argv[1] == "--cut"
    tree = yaml.safe_load(open(sys.argv[1 + cut], encoding="utf-8"))
    verdicts = [judge(tree, open(name, encoding="utf-8"), name, cut) for name in sys.argv[2 + cut:]]
    sys.exit("\n".join(filter(None, verdicts)) or 0)
