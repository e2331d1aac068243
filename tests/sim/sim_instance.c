/* Instances: what a component does once it is started, by its temper. */
#include "sim.h"

static const enum exit_reason crashes[] = { EXIT_TRAP, EXIT_ERROR, EXIT_OUT_OF_MEMORY,
                                            EXIT_TIMEOUT };

static enum exit_reason
random_crash(struct sim *sim)
{
    return crashes[sim_random(sim, sizeof crashes / sizeof crashes[0])];
}

uint64_t
sim_about(struct sim *sim, uint64_t us)
{
    return 50 + sim_random(sim, 2 * us);
}

/* Of an exit that carries one: -1 of a start that failed. */
static int32_t
random_code(struct sim *sim, enum exit_reason reason, bool has_started)
{
    static const int32_t codes[] = { 1, 2, 3, 42, 64 };
    if (reason == EXIT_TRAP)
        return 1 + (int32_t)sim_random(sim, 8);
    if (reason != EXIT_ERROR)
        return 0;
    return has_started ? codes[sim_random(sim, 5)] : -1;
}

void
sim_instance_report(struct sim *sim, struct sim_child *subject, uint64_t delay_us,
                    struct node_event event)
{
    event.child = subject->child;
    event.generation = subject->instance.generation;
    sim_send(sim, delay_us, subject->parent, subject, event, subject->instance.plan);
}

static void
report_exit(struct sim *sim, struct sim_child *subject, uint64_t delay_us, enum exit_reason reason,
            bool has_started)
{
    struct exit_info exit = { reason, random_code(sim, reason, has_started) };
    if (!subject->instance.is_plain)
        sim_note(sim, subject->instance.used, ", %s after %.3f ms", exit_reason_name(reason),
                 (double)delay_us / 1000.0);
    sim_instance_report(sim, subject, delay_us,
                        (struct node_event){ .type = NODE_EXITED, .exit = exit });
}

/* A native child that does not want to run. */
static void
report_ignored(struct sim *sim, struct sim_child *subject, uint64_t delay_us)
{
    sim_note(sim, subject->instance.used, ", ignore after %.3f ms", (double)delay_us / 1000.0);
    sim_instance_report(sim, subject, delay_us,
                        (struct node_event){ .type = NODE_EXITED, .ignored = true });
    sim->outcomes[OUTCOME_IGNORED]++;
}

static void
report_started(struct sim *sim, struct sim_child *subject, uint64_t delay_us)
{
    sim_instance_report(sim, subject, delay_us, (struct node_event){ .type = NODE_STARTED });
    if (subject->has_health)
        sim_send_errand(sim, delay_us, subject, ERRAND_HEALTH_START, 0, HEALTH_UNKNOWN);
}

static void
begin_instance(struct sim *sim, struct sim_child *subject, uint32_t generation)
{
    size_t used = sim_take(sim, ITEM_LIFE, subject->key, generation);
    subject->instance = (struct sim_instance){ .alive = true,
                                               .generation = generation,
                                               .plan = subject->instance.plan + 1,
                                               .is_plain = used == SIM_LEFT_OUT,
                                               .used = used };
    if (used != SIM_LEFT_OUT)
        subject->instance.as = sim->used[used].item.as;
    sim_note(sim, used, "generation %u of %s", generation, subject->path);
    sim_turn_to(sim, TOPIC_LIFE, subject->key, subject->instance.as);
}

void
sim_instance_start(struct sim *sim, struct sim_child *subject, uint32_t generation)
{
    const struct sim_temper *temper = &subject->temper;
    begin_instance(sim, subject, generation);
    if (subject->instance.is_plain) {
        report_started(sim, subject, SIM_PLAIN_US);
        return;
    }
    if (sim_chance(sim, temper->start_hangs)) {
        sim_note(sim, subject->instance.used, ", hangs");
        return;
    }
    uint64_t start_us = sim_about(sim, temper->start_us);
    if (sim_chance(sim, temper->load_error)) {
        report_exit(sim, subject, start_us, EXIT_LOAD_ERROR, false);
    } else if (sim_chance(sim, temper->ignores_start)) {
        report_ignored(sim, subject, start_us);
    } else if (sim_chance(sim, temper->start_fails)) {
        report_exit(sim, subject, start_us, random_crash(sim), false);
    } else {
        report_started(sim, subject, start_us);
        uint64_t end_us = start_us + sim_about(sim, temper->life_us);
        bool is_normal = sim_chance(sim, temper->ends_normally);
        report_exit(sim, subject, end_us, is_normal ? EXIT_NORMAL : random_crash(sim), true);
    }
}

void
sim_instance_stop(struct sim *sim, struct sim_child *subject)
{
    const struct sim_temper *temper = &subject->temper;
    subject->instance.plan++;
    sim_health_end(subject);
    sim_turn_to(sim, TOPIC_STOP, subject->key, subject->instance.as);
    if (subject->instance.is_plain) {
        report_exit(sim, subject, SIM_PLAIN_US, EXIT_NORMAL, true);
        return;
    }
    sim_note(sim, subject->instance.used, "; asked to stop");
    /* Nobody would ever end one that ignores it without a limit. */
    if (subject->policy.shutdown_us != DURATION_INFINITE && sim_chance(sim, temper->ignores_stop))
        return;
    uint64_t stop_us = sim_about(sim, temper->stop_us);
    if (!subject->instance.started && sim_chance(sim, temper->ignores_start)) {
        report_ignored(sim, subject, stop_us);
        return;
    }
    if (!subject->instance.started && sim_chance(sim, 50))
        sim_instance_report(sim, subject, sim_random(sim, stop_us),
                            (struct node_event){ .type = NODE_STARTED });
    enum exit_reason reason = EXIT_NORMAL;
    if (sim_chance(sim, 15))
        reason = random_crash(sim);
    else if (sim_chance(sim, 15))
        reason = EXIT_SHUTDOWN;
    report_exit(sim, subject, stop_us, reason, subject->instance.started);
}

void
sim_instance_kill(struct sim *sim, struct sim_child *subject)
{
    subject->instance.plan++;
    sim_health_end(subject);
    sim_turn_to(sim, TOPIC_KILL, subject->key, subject->instance.as);
    if (subject->instance.is_plain) {
        report_exit(sim, subject, 0, EXIT_KILLED, true);
        return;
    }
    sim_note(sim, subject->instance.used, "; to be killed");
    /* It may have ended by itself at that very moment. */
    enum exit_reason reason = sim_chance(sim, 5) ? random_crash(sim) : EXIT_KILLED;
    if (!subject->instance.started && sim_chance(sim, 10))
        sim_instance_report(sim, subject, 0, (struct node_event){ .type = NODE_STARTED });
    report_exit(sim, subject, sim_random(sim, SIM_KILL_US), reason, subject->instance.started);
}
