/* Instances: what a component does once it is started, by its temper. */
#include "sim.h"

static const enum exit_reason crashes[] = { EXIT_TRAP, EXIT_ERROR, EXIT_OUT_OF_MEMORY, EXIT_TIMEOUT,
                                            EXIT_UNHEALTHY };

static enum exit_reason
random_crash(struct sim *sim)
{
    return crashes[sim_random(sim, sizeof crashes / sizeof crashes[0])];
}

static uint64_t
about(struct sim *sim, uint64_t us)
{
    return 50 + sim_random(sim, 2 * us);
}

/* Of an exit that carries one: -1 of a start that failed. */
static int32_t
random_code(struct sim *sim, const struct sim_child *subject, enum exit_reason reason)
{
    static const int32_t codes[] = { 1, 2, 3, 42, 64 };
    if (reason == EXIT_TRAP)
        return 1 + (int32_t)sim_random(sim, 8);
    if (reason != EXIT_ERROR)
        return 0;
    return subject->instance.started ? codes[sim_random(sim, 5)] : -1;
}

static void
report(struct sim *sim, struct sim_child *subject, uint64_t delay_us, enum node_event_type type,
       enum exit_reason reason)
{
    struct node_event event = { .type = type,
                                .child = subject->child,
                                .generation = subject->instance.generation,
                                .exit = { reason, random_code(sim, subject, reason) } };
    sim_send(sim, delay_us, subject->parent, subject, event, subject->instance.plan);
}

/* What its probes say from `from_us` on, until it ends; some are never ready. */
static void
plan_health(struct sim *sim, struct sim_child *subject, uint64_t from_us, uint64_t until_us)
{
    bool gated = subject->policy.reports_ready;
    if (sim_chance(sim, gated ? 15 : 70))
        return;
    for (unsigned i = 0; i < 4 && from_us < until_us; i++) {
        if (sim_chance(sim, 30)) {
            report(sim, subject, from_us, NODE_HEALTH_FAILED, EXIT_NORMAL);
            if (gated)
                report(sim, subject, from_us, NODE_NOT_READY, EXIT_NORMAL);
        } else if (gated) {
            report(sim, subject, from_us, NODE_READY, EXIT_NORMAL);
        }
        if (sim_chance(sim, 20))
            report(sim, subject, from_us, NODE_DEGRADED, EXIT_NORMAL);
        from_us += about(sim, subject->temper.life_us / 4);
    }
}

void
sim_instance_start(struct sim *sim, struct sim_child *subject, uint32_t generation)
{
    const struct sim_temper *temper = &subject->temper;
    subject->instance = (struct sim_instance){ .alive = true,
                                               .generation = generation,
                                               .plan = subject->instance.plan + 1 };

    if (sim_chance(sim, temper->start_hangs))
        return;
    uint64_t start_us = about(sim, temper->start_us);
    if (sim_chance(sim, temper->load_error)) {
        report(sim, subject, start_us, NODE_EXITED, EXIT_LOAD_ERROR);
    } else if (sim_chance(sim, temper->start_fails)) {
        report(sim, subject, start_us, NODE_EXITED, random_crash(sim));
    } else {
        report(sim, subject, start_us, NODE_STARTED, EXIT_NORMAL);
        uint64_t end_us = start_us + about(sim, temper->life_us);
        plan_health(sim, subject, start_us, end_us);
        report(sim, subject, end_us, NODE_EXITED,
               sim_chance(sim, temper->ends_normally) ? EXIT_NORMAL : random_crash(sim));
    }
}

void
sim_instance_stop(struct sim *sim, struct sim_child *subject)
{
    const struct sim_temper *temper = &subject->temper;
    subject->instance.plan++;
    /* Nobody would ever end one that ignores it without a limit. */
    if (subject->policy.shutdown_us != DURATION_INFINITE && sim_chance(sim, temper->ignores_stop))
        return;
    uint64_t stop_us = about(sim, temper->stop_us);
    if (!subject->instance.started && sim_chance(sim, 50))
        report(sim, subject, sim_random(sim, stop_us), NODE_STARTED, EXIT_NORMAL);
    enum exit_reason reason = EXIT_NORMAL;
    if (sim_chance(sim, 15))
        reason = random_crash(sim);
    else if (sim_chance(sim, 15))
        reason = EXIT_SHUTDOWN;
    report(sim, subject, stop_us, NODE_EXITED, reason);
}

void
sim_instance_kill(struct sim *sim, struct sim_child *subject)
{
    subject->instance.plan++;
    /* It may have ended by itself at that very moment. */
    enum exit_reason reason = sim_chance(sim, 5) ? random_crash(sim) : EXIT_KILLED;
    if (!subject->instance.started && sim_chance(sim, 10))
        report(sim, subject, 0, NODE_STARTED, EXIT_NORMAL);
    report(sim, subject, sim_random(sim, SIM_KILL_US), NODE_EXITED, reason);
}
