/* Probes: the real health monitor under the virtual clock, and semantics.md, "Health", beside it.
 *
 * The instance answers by its child's temper: well, degraded, badly, not knowing, late or never;
 * a command writes lines, or keeps silent. What each word and each silence leads to is computed
 * here once more, from the contract, and compared with what the monitor says.
 */
#include "sim.h"

#define CHOOSE(sim, values) (values)[sim_random((sim), sizeof(values) / sizeof(values)[0])]
#define MS UINT64_C(1000)
#define PLAIN_ANSWER_US 100  /* Of an instance that was left out of the run. */
#define IN_HAND_US (20 * MS) /* The most that the message in hand takes. */

/* What must come of an event. */
struct expectation {
    bool failed, end, ready, degraded;
};

void
sim_health_policy(struct sim *sim, struct sim_child *subject)
{
    static const uint64_t interval[] = { 10 * MS, 40 * MS, 300 * MS };
    static const uint64_t timeout[] = { 10 * MS, 25 * MS, 100 * MS };
    static const uint64_t start_period[] = { 0, 0, 60 * MS, 1000 * MS };
    static const unsigned odds[] = { 0, 5, 30, 80 };
    subject->has_health = !subject->node && sim_chance(sim, 45);
    if (!subject->has_health)
        return;
    subject->is_heartbeat = sim_chance(sim, 25);
    subject->health_policy = (struct health_policy){
        .interval_us = CHOOSE(sim, interval),
        .timeout_us = CHOOSE(sim, timeout),
        .start_period_us = CHOOSE(sim, start_period),
        .failures = 1 + (uint32_t)sim_random(sim, 4),
        .readiness = sim_chance(sim, 75),
        .liveness = sim_chance(sim, 70),
    };
    subject->temper.probe_fails = CHOOSE(sim, odds);
    subject->temper.probe_hangs = CHOOSE(sim, odds) / 2;
    subject->policy.reports_ready = subject->health_policy.readiness;
}

/* ---- The contract ---- */

static struct expectation
expect_failure(struct sim *sim, struct sim_child *subject)
{
    struct sim_health *health = &subject->health;
    const struct health_policy *policy = &subject->health_policy;
    struct expectation expected = { .ready = health->ready };
    health->is_degraded = false;
    if (!health->has_passed && sim->now_us < health->started_us + policy->start_period_us) {
        sim->probes[PROBE_UNCOUNTED]++;
        return expected;
    }
    expected.ready = health->ready && !policy->readiness;
    if (health->failures == policy->failures) {
        sim->probes[PROBE_SILENT]++;
        return expected;
    }
    expected.failed = true;
    expected.end = ++health->failures == policy->failures && policy->liveness;
    return expected;
}

static struct expectation
expect_pass(struct sim_child *subject, bool is_degraded)
{
    struct sim_health *health = &subject->health;
    struct expectation expected = { .ready = true,
                                    .degraded = is_degraded && !health->is_degraded };
    health->has_passed = true;
    health->is_degraded = is_degraded;
    health->failures = 0;
    return expected;
}

/* After an answer: one interval after the probe began, or one from now if it took longer. */
static uint64_t
next_probe_us(const struct sim *sim, const struct sim_child *subject)
{
    uint64_t interval_us = subject->health_policy.interval_us;
    uint64_t due_us = subject->health.begun_us + interval_us;
    return due_us > sim->now_us ? due_us : sim->now_us + interval_us;
}

static void
compare(struct sim *sim, const struct sim_child *subject, struct health_outcome outcome,
        struct expectation expected)
{
    const struct sim_health *health = &subject->health;
    bool changes = expected.ready != health->ready;
    sim_require(sim, outcome.failed == expected.failed, "%s: failure %u of %u %s", subject->path,
                health->failures, subject->health_policy.failures,
                expected.failed ? "is not reported" : "is reported");
    sim_require(sim, outcome.end == expected.end, "%s: %s at %u failures of %u", subject->path,
                outcome.end ? "ended" : "not ended", health->failures,
                subject->health_policy.failures);
    sim_require(sim, outcome.has_ready == changes && (!changes || outcome.ready == expected.ready),
                "%s: readiness is to %s", subject->path,
                changes ? expected.ready ? "begin" : "end" : "stay");
    sim_require(sim, outcome.degraded == expected.degraded, "%s: degraded is to be %s",
                subject->path, expected.degraded ? "reported" : "left alone");
    bool waits = health->monitor.phase == HEALTH_WANTED || expected.end;
    sim_require(sim, outcome.arm == !waits && (waits || health->monitor.due_us == health->next_us),
                "%s: looks again at another time", subject->path);
}

/* ---- What the shell does with what the monitor says ---- */

static void
tell(struct sim *sim, struct sim_child *subject, enum node_event_type type, enum exit_reason reason)
{
    sim_instance_report(sim, subject, 0,
                        (struct node_event){ .type = type, .exit.reason = reason });
}

static void
follow(struct sim *sim, struct sim_child *subject, struct health_outcome outcome,
       struct expectation expected)
{
    struct sim_health *health = &subject->health;
    compare(sim, subject, outcome, expected);
    health->timer_serial++;
    if (outcome.arm && health->monitor.due_us >= sim->now_us)
        sim_send_errand(sim, health->monitor.due_us - sim->now_us, subject, ERRAND_HEALTH_TIMER,
                        health->timer_serial, HEALTH_UNKNOWN);
    sim->probes[PROBE_NOT_READY] += health->ready && !expected.ready;
    health->ready = expected.ready;
    if (outcome.end) { /* What it had planned does not come any more. */
        subject->instance.plan++;
        sim->probes[PROBE_ENDED]++;
    }
    if (outcome.failed)
        tell(sim, subject, NODE_HEALTH_FAILED, EXIT_NORMAL);
    if (outcome.has_ready)
        tell(sim, subject, outcome.ready ? NODE_READY : NODE_NOT_READY, EXIT_NORMAL);
    if (outcome.degraded)
        tell(sim, subject, NODE_DEGRADED, EXIT_NORMAL);
    if (outcome.end)
        tell(sim, subject, NODE_EXITED, EXIT_UNHEALTHY);
}

/* ---- What an instance says ---- */

static void
turn_to_probe(struct sim *sim, const struct sim_child *subject)
{
    sim_turn_to(sim, TOPIC_PROBE, subject->key,
                (uint64_t)subject->instance.as << 32 | subject->health.asked);
}

static enum health_answer
random_answer(struct sim *sim, const struct sim_child *subject)
{
    if (sim_chance(sim, subject->temper.probe_fails))
        return HEALTH_UNHEALTHY;
    if (sim_chance(sim, 12))
        return HEALTH_UNKNOWN;
    return sim_chance(sim, 12) ? HEALTH_DEGRADED : HEALTH_HEALTHY;
}

static void
plan_answer(struct sim *sim, struct sim_child *subject)
{
    const struct health_policy *policy = &subject->health_policy;
    turn_to_probe(sim, subject);
    bool is_plain = subject->instance.is_plain;
    uint64_t after_us = is_plain ? PLAIN_ANSWER_US : sim_random(sim, policy->timeout_us);
    if (!is_plain && sim_chance(sim, subject->temper.probe_hangs))
        after_us = policy->timeout_us + sim_random(sim, 4 * policy->interval_us);
    enum health_answer answer = is_plain ? HEALTH_HEALTHY : random_answer(sim, subject);
    sim_send_errand(sim, after_us, subject, ERRAND_ANSWER, subject->health.asked, answer);
}

static void
plan_line(struct sim *sim, struct sim_child *subject)
{
    uint64_t interval_us = subject->health_policy.interval_us;
    subject->health.asked++;
    turn_to_probe(sim, subject);
    bool is_plain = subject->instance.is_plain;
    uint64_t after_us = interval_us / 2;
    if (!is_plain)
        after_us = interval_us / 8 + sim_random(sim, interval_us);
    if (!is_plain && sim_chance(sim, subject->temper.probe_fails / 2))
        after_us += sim_random(sim, 4 * interval_us);
    sim_send_errand(sim, after_us, subject, ERRAND_LINE, subject->health.asked, HEALTH_HEALTHY);
}

/* It is called when the message in hand is over. */
static void
plan_probe(struct sim *sim, struct sim_child *subject)
{
    turn_to_probe(sim, subject);
    uint64_t after_us = 0;
    if (!subject->instance.is_plain && sim_chance(sim, 30))
        after_us = sim_random(sim, IN_HAND_US);
    sim_send_errand(sim, after_us, subject, ERRAND_PROBE, 0, HEALTH_UNKNOWN);
}

/* ---- What happens ---- */

static void
take_start(struct sim *sim, struct sim_child *subject)
{
    struct sim_health *health = &subject->health;
    const struct health_policy *policy = &subject->health_policy;
    uint32_t serial = health->timer_serial;
    *health = (struct sim_health){ .timer_serial = serial,
                                   .started_us = sim->now_us,
                                   .begun_us = sim->now_us,
                                   .ready = !policy->readiness,
                                   .next_us = sim->now_us + policy->interval_us };
    struct health_outcome outcome =
        health_monitor_start(&health->monitor, policy, subject->is_heartbeat, sim->now_us);
    sim_require(sim, subject->is_heartbeat || health->monitor.phase == HEALTH_WANTED,
                "%s: is not probed right after its start", subject->path);
    follow(sim, subject, outcome, (struct expectation){ .ready = health->ready });
    if (subject->is_heartbeat)
        plan_line(sim, subject);
    else
        plan_probe(sim, subject);
}

static void
take_probe(struct sim *sim, struct sim_child *subject)
{
    struct sim_health *health = &subject->health;
    health->asked++;
    health->is_in_hand = true;
    health->has_failed = false;
    health->begun_us = sim->now_us;
    health->next_us = sim->now_us + subject->health_policy.timeout_us;
    follow(sim, subject, health_monitor_begun(&health->monitor, sim->now_us),
           (struct expectation){ .ready = health->ready });
    plan_answer(sim, subject);
}

static struct expectation
expect_answer(struct sim *sim, struct sim_child *subject, enum health_answer answer, bool is_late)
{
    struct expectation nothing = { .ready = subject->health.ready };
    bool passes = answer == HEALTH_HEALTHY || answer == HEALTH_DEGRADED;
    if (is_late)
        sim->probes[passes ? PROBE_LATE_PASS : PROBE_LATE_OTHER]++;
    if (passes) {
        sim->probes[answer == HEALTH_DEGRADED ? PROBE_DEGRADED : PROBE_PASSED]++;
        return expect_pass(subject, answer == HEALTH_DEGRADED);
    }
    subject->health.is_degraded = false;
    sim->probes[answer == HEALTH_UNKNOWN ? PROBE_UNKNOWN : PROBE_UNHEALTHY]++;
    return answer == HEALTH_UNKNOWN || is_late ? nothing : expect_failure(sim, subject);
}

static void
take_answer(struct sim *sim, struct sim_child *subject, enum health_answer answer)
{
    struct sim_health *health = &subject->health;
    health->is_in_hand = false;
    health->next_us = next_probe_us(sim, subject);
    struct expectation expected = expect_answer(sim, subject, answer, health->has_failed);
    follow(sim, subject, health_monitor_answered(&health->monitor, answer, sim->now_us), expected);
}

static void
take_line(struct sim *sim, struct sim_child *subject)
{
    struct sim_health *health = &subject->health;
    health->next_us = sim->now_us + subject->health_policy.interval_us;
    sim->probes[PROBE_BEAT]++;
    struct expectation expected = expect_pass(subject, false);
    follow(sim, subject, health_monitor_answered(&health->monitor, HEALTH_HEALTHY, sim->now_us),
           expected);
    plan_line(sim, subject);
}

/* A timer that was set anew meanwhile says nothing. */
static void
take_timer(struct sim *sim, struct sim_child *subject)
{
    struct sim_health *health = &subject->health;
    struct expectation expected = { .ready = health->ready };
    bool is_probed = health->is_in_hand || subject->is_heartbeat;
    bool is_due = sim->now_us >= health->next_us && health->monitor.phase != HEALTH_WANTED;
    if (is_due && is_probed) {
        sim->probes[subject->is_heartbeat ? PROBE_NO_BEAT : PROBE_HUNG]++;
        health->has_failed = true;
        health->next_us += subject->health_policy.interval_us;
        expected = expect_failure(sim, subject);
    }
    struct health_outcome outcome = health_monitor_tick(&health->monitor, sim->now_us);
    sim_require(sim, is_probed || !is_due || health->monitor.phase == HEALTH_WANTED,
                "%s: is not probed once per interval", subject->path);
    follow(sim, subject, outcome, expected);
    if (is_due && !is_probed)
        plan_probe(sim, subject);
}

void
sim_health_take(struct sim *sim, struct sim_child *subject, const struct sim_message *message)
{
    if (message->plan != subject->instance.plan || !subject->instance.alive)
        return;
    switch (message->errand) {
    case ERRAND_STEP:
    case ERRAND_LOOK:
        break;
    case ERRAND_HEALTH_START:
        take_start(sim, subject);
        break;
    case ERRAND_HEALTH_TIMER:
        sim_turn_to(sim, TOPIC_TIMER, subject->key, message->serial);
        if (message->serial == subject->health.timer_serial || sim_chance(sim, 12))
            take_timer(sim, subject);
        break;
    case ERRAND_PROBE:
        take_probe(sim, subject);
        break;
    case ERRAND_ANSWER:
        take_answer(sim, subject, message->answer);
        break;
    case ERRAND_LINE:
        take_line(sim, subject);
        break;
    }
}

void
sim_health_end(struct sim_child *subject)
{
    health_monitor_stop(&subject->health.monitor);
    subject->health.timer_serial++;
}
