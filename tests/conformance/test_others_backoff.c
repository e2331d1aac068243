/* The arithmetic of other supervisors, expressed as a policy of ours: Kubernetes, systemd, Pekko. */
#include "family.h"
#include "supervision/restart_backoff.h"

#define S UINT64_C(1000) /* ms */

/* Traps at `ms`, and is up again when its delay, which is returned, is over. */
static uint64_t
delay_after_trap(struct supervisor_child *worker, uint64_t ms)
{
    at(ms, EXITED, worker, TRAP);
    uint64_t delay_ms = 0;
    if (worker->state == CHILD_RESTARTING) {
        delay_ms = worker->due_us / 1000 - ms;
        at(ms + delay_ms, TIMER, worker);
    }
    assert_state(worker, STARTING);
    at(ms + delay_ms, STARTED, worker);
    trace_clear();
    return delay_ms;
}

static struct child_policy
kubernetes_policy(void)
{
    static const uint64_t list_us[] = { 0,        10000000,  20000000, 40000000,
                                        80000000, 160000000, 300000000 };
    struct child_policy policy = quiet_policy();
    policy.max_restarts = RESTARTS_UNLIMITED;
    policy.backoff.strategy = BACKOFF_LIST;
    policy.backoff.list_us = list_us;
    policy.backoff.list_size = sizeof list_us / sizeof list_us[0];
    policy.backoff.reset_after_us = 600000000;
    return policy;
}

/* CrashLoopBackOff: at once, then 10 s doubled up to five minutes, afresh after ten minutes. */
static void
kubernetes_waits_ten_seconds_doubled_up_to_five_minutes(void **state)
{
    (void)state;
    static const uint64_t expected_s[] = { 0, 10, 20, 40, 80, 160, 300, 300, 300 };
    struct child_policy policy = kubernetes_policy();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    uint64_t ms = 0;
    for (size_t i = 0; i < sizeof expected_s / sizeof expected_s[0]; i++) {
        ms += S; /* It lives for a second. */
        uint64_t delay_ms = delay_after_trap(worker, ms);
        assert_int_equal(delay_ms, expected_s[i] * S);
        ms += delay_ms;
    }
}

static void
kubernetes_begins_afresh_after_ten_minutes(void **state)
{
    (void)state;
    struct child_policy policy = kubernetes_policy();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    uint64_t ms = 0;
    for (int i = 0; i < 4; i++)
        ms += S + delay_after_trap(worker, ms + S);
    ms += 600 * S - 1;
    uint64_t delay_ms = delay_after_trap(worker, ms);
    assert_int_equal(delay_ms, 80 * S); /* A millisecond too early. */
    ms += delay_ms + 600 * S;
    assert_int_equal(delay_after_trap(worker, ms), 0);
    assert_int_equal(delay_after_trap(worker, ms + S), 10 * S);
}

static void
kubernetes_never_gives_up(void **state)
{
    (void)state;
    struct child_policy policy = kubernetes_policy();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    uint64_t ms = 0;
    for (int i = 0; i < 1000; i++)
        ms += S + delay_after_trap(worker, ms + S);
    assert_int_equal(worker->restarts, 1000);
}

/* RestartSec=1, RestartMaxDelaySec=16, RestartSteps=4: the delay grows from the one to the
 * other in four steps by an equal factor, and stays. */
static void
systemd_grows_in_steps_to_a_maximum(void **state)
{
    (void)state;
    static const uint64_t expected_s[] = { 1, 2, 4, 8, 16, 16, 16 };
    struct child_policy policy = quiet_policy();
    policy.max_restarts = RESTARTS_UNLIMITED;
    policy.backoff.strategy = BACKOFF_EXPONENTIAL;
    policy.backoff.initial_us = 1000000;
    policy.backoff.factor = 2.0; /* (16 / 1)^(1 / 4) */
    policy.backoff.max_us = 16000000;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    uint64_t ms = 0;
    for (size_t i = 0; i < sizeof expected_s / sizeof expected_s[0]; i++) {
        uint64_t delay_ms = delay_after_trap(worker, ms);
        assert_int_equal(delay_ms, expected_s[i] * S);
        ms += delay_ms;
    }
}

/* StartLimitBurst=5, StartLimitIntervalSec=10: five starts, four of them restarts. */
static void
systemd_gives_up_at_its_start_limit(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    policy.max_restarts = 4;
    policy.within_us = 10000000;
    policy.backoff.strategy = BACKOFF_LINEAR;
    policy.backoff.initial_us = policy.backoff.max_us = 100000;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    uint64_t ms = 0;
    for (int i = 0; i < 4; i++)
        ms += delay_after_trap(worker, ms);
    at(ms, EXITED, worker, TRAP);
    assert_state(worker, FAILED);
    assert_int_equal(worker->generation, 5);
}

/* BackoffSupervisor: minBackoff · 2^(n-1), at most maxBackoff, times 1 + [0, 0.2]. */
static void
pekko_adds_a_random_part_upward_alone(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    policy.max_restarts = RESTARTS_UNLIMITED;
    policy.backoff.strategy = BACKOFF_EXPONENTIAL;
    policy.backoff.initial_us = 3000000;
    policy.backoff.factor = 2.0;
    policy.backoff.max_us = 30000000;
    policy.backoff.jitter = 0.2;
    policy.backoff.jitter_upward = true;
    static const uint64_t base_s[] = { 3, 6, 12, 24, 30, 30 };
    uint64_t low = UINT64_MAX, high = 0; /* Of what is added, in thousandths. */
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t random = seed;
        for (uint32_t n = 1; n <= 6; n++) {
            uint64_t base_us = base_s[n - 1] * 1000000;
            uint64_t delay_us = restart_backoff_delay_us(&policy.backoff, n, &random);
            assert_in_range(delay_us, base_us, base_us * 12 / 10);
            uint64_t added = (delay_us - base_us) * 1000 / base_us;
            low = added < low ? added : low;
            high = added > high ? added : high;
        }
    }
    assert_true(low < 10 && high > 190); /* All of the range is used. */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(kubernetes_waits_ten_seconds_doubled_up_to_five_minutes),
        a_test(kubernetes_begins_afresh_after_ten_minutes),
        a_test(kubernetes_never_gives_up),
        a_test(systemd_grows_in_steps_to_a_maximum),
        a_test(systemd_gives_up_at_its_start_limit),
        a_test(pekko_adds_a_random_part_upward_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
