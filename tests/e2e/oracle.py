#!/usr/bin/env python3
"""Judges an application from outside: its manifest and what `airs events --json` said, by semantics.md.

    oracle.py [--cut] MANIFEST EVENTS [MANIFEST EVENTS]...
Exit 0, or 1 with the line and the rule that it breaks. Each pair is a run that goes on from the one before, if that
was killed: it has no `application-stopped`. With --cut the last one was, too. No event may be missing: what a run had
kept and told nobody, `airs history --events` of a later one has. Verbs by hand show as: `stopping`, `registered` out
of stopped or failed, `reset`, `restart-scheduled` from stopping (uncounted), `waiting` with delay_ms 0 (a start by
hand cut a delay short). What an earlier run left is registered with its generation; then comes `exited` host-lost and
a restart, the rest of its delay, or the rest that it was in.
MANIFEST is that of the start, and may have more keys: `added`, lists of children by the path of the supervisor they
were added to; `reloads`, the manifests that it was reloaded with; `scaled`, the paths of a `count` that were scaled;
`left-out`, what was added and this run cannot read any more. What a reload changes it says: `reloaded` of each child,
and of the application when all is done. The name of a `count` in `depends-on` is all members that there are;
`reloaded` of the dependant says that it has heard who came or went.
"""
import bisect, datetime, json, math, re, sys, yaml

TICK = 2          # µs: a delay is rounded down, and printed in milliseconds.
SLACK = 1000      # µs of lived time around the edge of a window, where either answer is right.
LATE = 10_000_000  # µs that a kill may take on a busy machine.
LAG = 500_000      # µs until the supervisor of a dependant hears that a dependency is lost.
UNITS = {"us": 1, "ms": 1000, "s": 10**6, "m": 60 * 10**6, "h": 3600 * 10**6}
ALIASES = {"always": "permanent", "on-failure": "transient", "no": "temporary", "False": "temporary"}
NORMAL, INFINITE = ("normal", "shutdown"), float("inf")
WORDS = {"infinity": INFINITE, "never": INFINITE, "unlimited": INFINITE, "kill": 0}
EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
ALIVE, DUE, REST = {"starting", "running", "stopping"}, {"registered", "restarting"}, {"stopped", "failed"}
POLICY = ("rules success restart health probed max_restarts within escalates shutdown delays strategy "
          "factor initial max upward jitter reset_after follows written").split()
GONE, FOLLOWS_EXIT = {None, "deleted"}, {"restart-scheduled", "stopped", "failed", "deleted"}
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
        intensity = spec.get("intensity") or {"max-restarts": INFINITE, "within": "0s"}
        self.max_restarts, self.within = intensity["max-restarts"], duration(intensity["within"])
        self.former = set()  # Strategies before a reload: an order that began is finished.
        self.grants, self.forgotten = [], 0  # How many of them a start or a reset may have cleared.

    def used(self, now, slack, surely=True):
        return sum(now - grant <= self.within + slack for grant in self.grants[self.forgotten if surely else 0:])

    def takes(self, failed, other):  # The predicate of a user may take anything.
        takes = {"one-for-one": False, "rest-for-one": other.place > failed.place}
        takes["rest-for-one"] &= other.template != failed.template
        return failed is not other and any(takes.get(one, True) for one in {self.strategy} | self.former)

    def become(self, fresh):
        self.former.add(self.strategy)
        for key in ("strategy", "auto_shutdown", "max_restarts", "within"):
            setattr(self, key, getattr(fresh, key))

class Child:  # Its policy out of the manifest, and what its events made of it.
    def __init__(self, spec, path, place, node):
        self.node, self.rules, self.success = node, spec.get("on-exit", []), spec.get("success-codes", [])
        self.ignores = spec.get("ignores", False)  # A native child.
        self.own = Node(spec) if "children" in spec else None  # As a supervisor.
        self.parent, self.place, self.is_supervisor = path.rpartition("/")[0], place, "children" in spec
        self.template = re.sub(r"#\d+$", "", path)
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
        self.state = self.started_at = self.ready_since = self.exit = self.detail = self.cause = None
        self.due = self.gave_up = None  # due: its reason
        self.escalated = self.after_started = self.waited = self.met = self.ended_well = self.is_needed = False
        self.left, self.left_due, self.left_delay = None, None, 0  # By an earlier run: its state, as below.
        self.dynamic = self.trial = False  # Added by hand while it ran; changed, and not ready since.
        self.lost, self.stop_time = -INFINITE, self.shutdown  # stop_time: of the stop under way.
        self.written, self.on = spec.get("depends-on", []), set()  # on: by its last `reloaded`, if there is one.
        self.passed = False  # A dependant has started without it: it must be about to go.
        self.follows = spec.get("when-dependency-restarts", "leave") == "restart"
        self.changes = spec.get("depends-on-changes", False)  # While it ran: the simulator says so.
        self.taken = self.in_group = False  # By a sibling's restart; in the order of siblings.
        self.generation = self.time = self.lived = self.born = self.not_before = self.registered_at = 0
        self.clear()

    def clear(self):
        self.grants, self.ns = [], {0}  # ns: what n may be; more than one at the edge of reset-after

    def remember(self, old, now):  # What survives of it.
        for key in ("generation", "born", "grants", "ns", "ended_well", "left", "left_due", "left_delay"):
            setattr(self, key, getattr(old, key))
        self.lived = old.lived + (now - old.ready_since if old.ready_since is not None else 0)
        if not old.left:
            self.left, self.left_due, self.left_delay = old.state, old.due, max(old.not_before - now, 0)
        if self.own and old.own:
            self.own.grants, self.own.forgotten = old.own.grants, old.own.forgotten

    def end_life(self, slack):  # n begins anew after a stable run.
        edge = self.lived - self.born - self.reset_after
        self.ns = self.ns | {0} if abs(edge) <= slack else {0} if edge > 0 else self.ns

    def used(self, slack):
        return len(self.grants) - bisect.bisect_left(self.grants, self.lived - self.within - slack)

    def action(self):  # What its exit leads to: the first rule, or else its policy.
        for rule in self.rules:
            if rule["reason"] == self.exit and code_fits(rule.get("code"), self.detail):
                return rule["do"]
        asks = self.restart == "permanent" or (self.restart == "transient" and self.exit not in NORMAL)
        return "fail" if self.exit == "load-error" else "restart" if asks else "stop"

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
            found[key] = Child(child, key, len(found), node)
            children_of(child, key, found, found[key].own) if found[key].is_supervisor else None
    return found

class Oracle:
    def __init__(self, manifest, earlier=None):  # earlier: of the run before.
        self.spec, self.root, self.later = manifest, Node(manifest), []
        self.added, self.scaled = dict(manifest.get("added", {})), set(manifest.get("scaled", []))
        self.by_hand, self.left = set(), []  # Children that came by hand; that an earlier run left.
        self.children = children_of(manifest, "", {}, self.root)
        self.places = len(self.children)
        self.several = {child.template for path, child in self.children.items() if child.template != path}
        self.put_in_order()
        self.seq, self.last_stop, self.now, self.slack = earlier.seq if earlier else 0, {}, 0, SLACK
        self.ended = self.started = self.goes_on = False
        if earlier and not earlier.ended:
            self.go_on(earlier, manifest.get("left-out", []))
        for child in self.children.values():
            child.on = self.means(child)
        self.later = manifest.get("reloads", [])

    def go_on(self, earlier, left_out):
        self.now, self.slack, self.goes_on = earlier.now, earlier.slack, True
        self.root.grants, self.root.forgotten = earlier.root.grants, earlier.root.forgotten
        self.scaled, self.several = self.scaled | earlier.scaled, self.several | earlier.several
        for path, specs in earlier.added.items():
            self.added[path] = specs + self.added.get(path, [])
        there = {path: old for path, old in earlier.children.items() if (old.state or old.left) not in GONE}
        self.children = {path: child for path, child in self.children.items()
                         if path in there or child.template not in self.scaled}
        for path, old in there.items():
            if path not in self.children and path in earlier.by_hand and path not in left_out:
                self.enter(path, old.dynamic)
            if path in self.children:
                self.children[path].remember(old, self.now)
                self.left.append(path)

    def means(self, child):  # By its depends-on: the name of several is all of them that there are by now.
        several = self.several.intersection(child.written)
        among = self.children.items() if several else ()
        members = {path for path, other in among if other.template in several and other.state != "deleted"}
        return members.union(child.written) - several

    def may_mean(self, child, path):  # Also until it has heard who has come or gone.
        return child.changes or path in child.on or path in self.means(child)

    def lifted(self):  # Pairs of siblings: one, or something below it, depends on what is below the other.
        for path, child in self.children.items():
            for other in self.means(child) & self.children.keys():
                one, two = path.split("/"), other.split("/")
                depth = next(i for i, step in enumerate(one) if two[i:i + 1] != [step])
                yield "/".join(one[:depth + 1]), "/".join(two[:depth + 1])

    def put_in_order(self):  # What an entry depends on comes before it; else the order of the file.
        places, edges = {}, {}
        for child in self.children.values():
            places.setdefault(child.template, child.place)
        for after, before in self.lifted():
            self.children[before].is_needed = True
            edges.setdefault(self.children[after].template, set()).add(self.children[before].template)
        order = {}
        def put(entry):
            if entry not in order:
                order[entry] = None
                for before in sorted(edges.get(entry, ()), key=places.get):
                    put(before)
                order[entry] = sum(place is not None for place in order.values())
        for entry in places:
            put(entry)
        for place, child in enumerate(sorted(self.children.values(), key=lambda one: (order[one.template], one.place))):
            child.place = place

    def find_in(self, spec, path):
        above = ""
        for step in path.split("/")[1:]:
            among = spec.get("children", []) + self.added.get(above or "/", [])
            fitting = [child for child in among if child["name"] in (step, step.split("#")[0])]
            if not fitting:
                return None
            spec, above = fitting[-1], f"{above}/{step}"
        return spec

    def spec_of(self, path):  # Of the manifest, or added; one of several by its name without the number.
        found = self.later and self.find_in(self.later[0], path) or self.find_in(self.spec, path)
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
        child = self.children[path] = Child(self.spec_of(path), path, self.places, node)
        (self.several.discard if child.template == path else self.several.add)(child.template)
        (self.by_hand.discard if self.later else self.by_hand.add)(path)
        child.dynamic, child.on = dynamic, self.means(child)
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
        require(self.seq == event["seq"] - 1, f"seq {event['seq']} after {self.seq}")
        self.seq, self.ended = event["seq"], self.ended or name == "application-stopped"
        now = self.at(event["time"])
        known = path in self.children and self.children[path].state != "deleted"
        if name == "application-started":
            self.started, missing = True, [path for path in self.left if not self.children[path].state]
            require(not missing, f"started without {missing}")
        if name == "added" or (name == "registered" and not known):
            require(name == "added" or self.started, f"{path} is neither in the manifest nor left")
            self.enter(path, name == "added")
        if name == "reloaded" and path is None:
            return self.reload()
        if name in OTHER:
            return
        require(name in LEGAL and path in self.children, f"unknown event {name} or path {path}")
        child, before = self.children[path], self.children[path].state
        require(now >= child.time, "time goes back")
        child.time = now
        require(not child.passed or name not in ("registered", "starting"), f"{path} was not waited for, and stays")
        self.move(child, name, event)
        require(not name.endswith("ready") or (child.ready_since is None) == (name == "ready"), f"{name} twice")
        if name in ("not-ready", "stopping", "exited") and child.ready_since is not None:
            child.lived, child.ready_since = child.lived + now - child.ready_since, None
        elif before and name in ("registered", "reset"):
            child.clear()
            for node in filter(None, (child.own, not child.parent and child.node)):  # The root has no event.
                node.forgotten = len(node.grants)
        child.ready_since = now if name == "ready" else child.ready_since
        child.started_at = now if name == "started" else child.started_at
        take = self.take_up if child.left and before else getattr(self, "on_" + name.replace("-", "_"), None)
        take(child, event, now, before) if take else None
        child.exit = None if name in FOLLOWS_EXIT else child.exit
        if name in ("starting", "registered", "stopped", "failed", "deleted"):
            child.taken = False
        if name in ("ready", "registered", "stopped", "failed", "deleted", "waiting", "restart-scheduled"):
            child.in_group = event.get("waits_for") == "turn"
        if event.get("cause") in self.children and name != "escalated" and child.exit != "escalated":
            cause = self.children[event["cause"]]
            follows = child.follows and self.may_mean(child, event["cause"])
            require(cause.parent != child.parent or cause.escalated or follows or child.node.takes(cause, child),
                    f"{name} because of {event['cause']}, which does not take it along")
        waits_for = event.get("waits_for", "")
        if waits_for in child.written:  # If it was the name of several, it is free again.
            self.several.discard(waits_for)
            child.on.add(waits_for)
        require(waits_for[:1] != "/" or self.may_mean(child, waits_for), "waits for no dependency")
        met = child.ready_since is not None or (child.state == "stopped" and child.ended_well)
        child.lost = now if child.met and not met else child.lost
        child.met = met
        child.escalated, child.waited = child.escalated or name == "escalated", child.waited or name == "waiting"
        child.not_before = now if name == "waiting" and event.get("delay_ms") == 0 else child.not_before
        require(event.get("restarts", len(child.grants)) == len(child.grants), f"not {len(child.grants)} restarts")

    def at(self, text):
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        now = (moment - EPOCH) // datetime.timedelta(microseconds=1)
        if self.goes_on:  # How long the run before had lived after its last event, nobody knows.
            self.slack, self.goes_on = self.slack + max(now - self.now, 0), False
        self.now = max(self.now, now)
        return now

    def move(self, child, name, event):
        require(child.state in LEGAL[name][0] if child.state else name == "registered", f"{name} in {child.state}")
        state = child.state or "registered"
        require(event.get("from", state) == state, f"from {event.get('from')} in {state}")
        require(child.exit is None or name in FOLLOWS_EXIT, f"{name} after exited")
        require(child.exit or name not in FOLLOWS_EXIT or child.state not in ALIVE, f"{name} without exited")
        require(not child.after_started or name == "ready", f"{name} after started, not ready")
        require(child.escalates or name != "escalated" or child.gave_up, "escalated without being told to")
        require(child.health is not None or name not in ("degraded", "health-failed"), f"{name} without probes")
        require(child.is_supervisor or child.probed or name != "not-ready", "not ready without a readiness probe")
        child.after_started = name == "started" and not child.is_supervisor and not child.probed
        child.state = LEGAL[name][1] or child.state
        require(name == "deleted" or event.get("state", child.state) == child.state, f"{name} leads elsewhere")
        require(event.get("generation", 0) == child.generation + (name == "starting"),
                f"generation {event.get('generation')} after {child.generation}")

    def take_up(self, child, event, now, _before):  # What came of what an earlier run left.
        name, ran = event["event"], child.left in ALIVE
        if ran and child.exit is None:
            child.exit = event.get("reason")
            require(name == "exited" and child.exit == "host-lost", f"{name} of what was lost with the host")
            return child.end_life(self.slack)
        then = child.left if child.left in REST else "restart-scheduled"
        require(name == then or (name, child.left) == ("stopped", "stopping"), f"{name} of what was {child.left}")
        if name == "restart-scheduled":
            delay, rest = round(event["delay_ms"] * 1000), 0 if ran else child.left_delay
            require(rest - self.slack <= delay <= rest + TICK, f"{delay} µs left of {rest}")
            child.not_before, child.due = now + delay, "go-on" if ran or child.left_due == "go-on" else "hand"
        child.left = None

    def on_registered(self, child, _event, now, before):
        above = self.children.get(child.parent)
        if child.left not in REST and (child.left == "registered" or above and above.due != "go-on"):
            child.left = child.clear()  # Its supervisor was down: started again, it begins anew.
        child.due, child.not_before, child.waited, child.registered_at = "first", now, False, now if before else 0

    def on_starting(self, child, event, now, _before):
        require(child.due and now >= child.not_before - TICK, "started before its delay was over")
        require(self.children.get(child.parent, child).state in ALIVE, "started below what is down")
        for path in set() if child.changes else child.on & self.means(child):
            other = self.children.get(path)
            met = other and (other.met or now - other.lost <= LAG)
            require(met or path not in child.written, f"started while {path} was not met")
            other.passed = other.passed or not met  # It was scaled away, which it says behind its dependants.
        for other in self.children.values():
            before = other.parent == child.parent and other.is_supervisor == child.is_supervisor
            before = before and other.place < child.place
            if before and child.due == "first" and not (child.waited or other.waited):
                require(other.state != "registered" or other.registered_at != child.registered_at,
                        "started before an earlier sibling")
            other.escalated = other.escalated and other.parent != event["path"]
            waits = child.in_group and child.node.strategy != "predicate" and other.template != child.template
            require(not (before and waits and other.in_group), "started in a group before an earlier sibling was ready")
        if child.own and child.due != "go-on":  # Started again, it begins with an empty intensity.
            child.own.forgotten = len(child.own.grants)
        child.due, child.generation, child.born = None, child.generation + 1, child.lived

    def on_ready(self, child, _event, now, _before):
        require(child.is_supervisor or child.probed or now == child.started_at, "not ready when it was started")
        child.trial = False

    def on_reloaded(self, child, event, now, before):
        fresh = Child(self.spec_of(event["path"]), event["path"], child.place, child.node)
        child.started_at = now if child.probed and not fresh.probed else child.started_at
        for key in POLICY:
            setattr(child, key, getattr(fresh, key))
        if child.own:
            child.own.become(fresh.own)
        child.on = self.means(child) if "depends-on" in event.get("detail", "") else child.on
        child.trial = "restarts:" in event.get("detail", "") and before in ("starting", "running")

    def on_stopping(self, child, event, now, _before):  # All that stops in one instant: in reverse order.
        child.stopping_since, child.cause, child.stop_time = now, event.get("cause"), child.shutdown
        if child.cause and child.node.strategy in ("one-for-all", "rest-for-one") and not child.node.former:
            others = [c for c in self.children.values() if c.parent == child.parent and c.template != child.template]
            require(not any(c.place > child.place and c.state == "stopping" and c.cause == child.cause for c in others),
                    "stopped in a group before a later sibling had ended")
        if child.is_needed:  # Its stop may wait for those that depend on it.
            return
        last = self.last_stop.get(child.parent, (None, 0))
        require(last[0] != now or child.place < last[1], "stopped before a later sibling")
        self.last_stop[child.parent] = (now, child.place)

    def on_exited(self, child, event, now, before):
        child.exit, child.detail = event["reason"], event.get("detail")
        is_success = any(code_fits(code, child.detail) for code in child.success)
        require(child.exit != "error" or not is_success, "an exit code of success-codes is an error")
        require(before in ALIVE and child.exit != "host-lost" or child.exit == "load-error",
                f"{child.exit} without an instance")
        require(child.exit != "unhealthy" or child.health is not None, "unhealthy without probes")
        child.end_life(self.slack)
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
        if not counted and child.trial and before in ("starting", "running"):
            child.trial = False
            return require(any(child.delay_fits(delay, max(n, 1)) for n in child.ns), f"a trial's delay of {delay} µs")
        if not counted:
            require(before == "stopping" or child.taken, f"restarted after {child.exit}, not counted")
            return require(delay == 0, "a restart by hand, or by a sibling, waits")
        require(child.action() == "restart", f"restarted after {child.exit}")
        require(child.used(-self.slack) < child.max_restarts, "restarted beyond its budget")
        require(child.node.used(now, -self.slack) < child.node.max_restarts, "restarted beyond the intensity")
        child.grants.append(child.lived)
        child.node.grants.append(now)
        for other in self.children.values():
            other.taken = other.taken or other.parent == child.parent and child.node.takes(child, other)
        child.taken = False
        ns, child.ns = child.ns, {n + 1 for n in child.ns if child.delay_fits(delay, n + 1)}
        require(child.ns, f"delay of {delay} µs after n in {ns}")

    def on_deleted(self, child, event, _now, before):
        at_its_end = child.dynamic and child.restart == "temporary" and child.action() == "stop"
        require(before not in ("starting", "running") or at_its_end, "deleted without being asked to stop")
        for path, below in self.children.items():  # They go with it, without events of their own.
            below.state = "deleted" if path.startswith(event["path"] + "/") else below.state

    def on_stopped(self, child, event, now, before):
        child.trial = False
        by_itself = before in ("starting", "running")
        child.ended_well = by_itself and event.get("reason") == "normal" and child.restart != "permanent"
        require(not (by_itself and child.dynamic and child.restart == "temporary"), "stays, though added as temporary")
        in_order = child.node.strategy != "one-for-one" or child.is_needed  # It may end while its stop waits.
        in_order = in_order or (child.ignores and before == "starting" and child.exit == "normal")
        require(not by_itself or in_order or child.action() != "restart", "not restarted")
        self.on_stopping(child, event, now, before) if before in DUE and not in_order else None

    def on_failed(self, child, _event, now, _before):
        action = child.action()
        used_up = action == "restart" and child.used(self.slack) >= child.max_restarts
        too_many = action == "restart" and child.node.used(now, self.slack, False) >= child.node.max_restarts
        child.gave_up = too_many or action == "escalate"
        told = action in ("fail", "escalate") or child.exit == "load-error"
        require(told or used_up or too_many, f"failed after {child.exit} with budget left")

    def finish(self, is_whole):
        for path, child in self.children.items() if is_whole or self.ended else ():
            restless = self.ended and child.state in ALIVE | {"restarting"}
            require(child.exit is None and not restless, f"{path} is {child.state} at the end")
            require(child.state in GONE or child.changes or self.means(child) <= child.on or not self.ended,
                    f"{path} has not heard of all that it depends on")
            require(not child.passed or child.state == "deleted", f"{path} was not waited for, and stays")

def judge_runs(runs, cut=False):  # (a parsed manifest, lines, name) of each. None, or what is wrong.
    oracle = None
    for at, (manifest, lines, name) in enumerate(runs, 1):
        oracle = Oracle(manifest, oracle)
        for number, line in enumerate([*lines, None], 1):
            try:
                oracle.take(json.loads(line)) if line else oracle.finish(at == len(runs) and not cut)
            except (KeyError, ValueError) as error:
                return f"{name}:{number}: {error}\n  {line or '(end)'}".rstrip()
    return None

def judge(manifest, lines, name):
    return judge_runs([(manifest, lines, name)])

if __name__ == "__main__":
    cut = sys.argv[1] == "--cut"
    words = iter(sys.argv[1 + cut:])
    runs = [(yaml.safe_load(open(tree)), open(events), events) for tree, events in zip(words, words)]
    sys.exit(judge_runs(runs, cut) or 0)
