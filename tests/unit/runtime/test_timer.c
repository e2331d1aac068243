/* Timers on the clock thread: order, exactness, disarming; and a clock that sleeps. */
#include "runtime_testing.h"

#include "base/random.h"
#include "runtime/native_actor.h"
#include "runtime/timer.h"

#define TIMERS 500

struct alarm {
    struct timer timer;
    uint64_t due_us;
    uint64_t fired_us; /* 0: not yet. */
};

struct sleeper {
    struct alarm alarms[TIMERS];
    struct counter fired;
    uint64_t last_due_us;
    bool out_of_order;
    bool too_early;
};

static void
note_alarm(struct actor_context *context, void *state, struct control *control)
{
    (void)context;
    struct sleeper *sleeper = state;
    assert_int_equal(control->type, CONTROL_TIMER);
    struct alarm *alarm = container_of(control, struct alarm, timer.control);
    alarm->fired_us = clock_now_us();
    sleeper->too_early |= alarm->fired_us < alarm->due_us;
    sleeper->out_of_order |= alarm->due_us < sleeper->last_due_us;
    sleeper->last_due_us = alarm->due_us;
    counter_add(&sleeper->fired, 1);
}

static void
handle_nothing(struct actor_context *context, void *state, struct message *message)
{
    (void)context;
    (void)state;
    message_finish(message, AIRS_OK, NULL, NULL, 0);
}

static const struct native_behaviour sleeper_behaviour = {
    .name = "sleeper",
    .handle = handle_nothing,
    .control = note_alarm,
};

static airs_pid
open_sleeper(struct actor_system *system, struct sleeper **sleeper_out)
{
    struct sleeper *sleeper = calloc(1, sizeof *sleeper);
    counter_init(&sleeper->fired);
    struct native_options options = { .behaviour = &sleeper_behaviour, .state = sleeper };
    airs_pid pid;
    assert_int_equal(native_spawn(system, &options, &pid, NULL), AIRS_OK);
    for (int i = 0; i < TIMERS; i++)
        timer_init(&sleeper->alarms[i].timer, pid);
    *sleeper_out = sleeper;
    return pid;
}

static void
close_sleeper(struct actor_system *system, struct sleeper *sleeper)
{
    actor_system_free(system);
    counter_deinit(&sleeper->fired);
    free(sleeper);
}

static void
arm(struct actor_system *system, struct alarm *alarm, uint64_t at_us)
{
    alarm->due_us = at_us;
    timer_arm(system, &alarm->timer, at_us);
}

static void
timers_fire_in_the_order_of_their_times(void **state)
{
    (void)state;
    struct actor_system *system = started_system(1);
    struct sleeper *sleeper;
    open_sleeper(system, &sleeper);
    uint64_t seed = 42;
    uint64_t base_us = clock_now_us() + 20000; /* All are armed by then, whatever the machine. */
    for (int i = 0; i < TIMERS; i++)
        arm(system, &sleeper->alarms[i], base_us + random_up_to(&seed, 30000));
    bool all_in_time = clock_now_us() < base_us;
    assert_true(counter_reaches(&sleeper->fired, TIMERS));
    assert_false(sleeper->too_early);
    assert_true(!all_in_time || !sleeper->out_of_order);
    close_sleeper(system, sleeper);
}

static void
a_time_gone_by_fires_at_once(void **state)
{
    (void)state;
    struct actor_system *system = started_system(2);
    struct sleeper *sleeper;
    open_sleeper(system, &sleeper);
    arm(system, &sleeper->alarms[0], 0);
    assert_true(counter_reaches(&sleeper->fired, 1));
    close_sleeper(system, sleeper);
}

static void
an_earlier_timer_shortens_the_sleep(void **state)
{
    (void)state;
    struct actor_system *system = started_system(2);
    struct sleeper *sleeper;
    open_sleeper(system, &sleeper);
    arm(system, &sleeper->alarms[0], clock_now_us() + 3600 * US_PER_S);
    arm(system, &sleeper->alarms[1], clock_now_us() + 2 * US_PER_MS);
    assert_true(counter_reaches(&sleeper->fired, 1));
    assert_int_equal(sleeper->alarms[0].fired_us, 0);
    timer_disarm(system, &sleeper->alarms[0].timer);
    close_sleeper(system, sleeper);
}

static void
a_disarmed_timer_never_fires(void **state)
{
    (void)state;
    struct actor_system *system = started_system(2);
    struct sleeper *sleeper;
    open_sleeper(system, &sleeper);
    uint64_t at_us = clock_now_us() + 20 * US_PER_MS;
    for (int i = 0; i < 100; i++)
        arm(system, &sleeper->alarms[i], at_us + (uint64_t)i);
    for (int i = 0; i < 100; i += 2)
        timer_disarm(system, &sleeper->alarms[i].timer);
    bool in_time = clock_now_us() < at_us;
    arm(system, &sleeper->alarms[200], at_us + 30 * US_PER_MS); /* After all others. */
    assert_true(counter_reaches(&sleeper->fired, in_time ? 51 : 1));
    for (int i = 0; in_time && i < 100; i++)
        assert_true((sleeper->alarms[i].fired_us != 0) == (i % 2 == 1));
    for (int i = 0; i < 100; i++)
        timer_disarm(system, &sleeper->alarms[i].timer);
    close_sleeper(system, sleeper);
}

static void
a_timer_that_has_fired_and_was_not_taken_is_recalled(void **state)
{
    (void)state;
    /* Workers do not run yet, so what has fired stays in the lane. */
    struct actor_system *system = new_system(&(struct actor_system_options){ .workers = 1 });
    struct sleeper *sleeper;
    airs_pid pid = open_sleeper(system, &sleeper);
    struct timer *timer = &sleeper->alarms[0].timer;
    assert_true(control_send(system, pid, &timer->control)); /* As the clock thread does. */
    timer_disarm(system, timer);
    arm(system, &sleeper->alarms[1], 0);
    actor_system_start(system, NULL);
    assert_true(counter_reaches(&sleeper->fired, 1));
    assert_int_equal(sleeper->alarms[0].fired_us, 0);
    close_sleeper(system, sleeper);
}

static void
arming_again_moves_the_time(void **state)
{
    (void)state;
    struct actor_system *system = started_system(1);
    struct sleeper *sleeper;
    open_sleeper(system, &sleeper);
    arm(system, &sleeper->alarms[0], clock_now_us() + 3600 * US_PER_S);
    arm(system, &sleeper->alarms[0], clock_now_us() + US_PER_MS);
    assert_true(counter_reaches(&sleeper->fired, 1));
    arm(system, &sleeper->alarms[0], clock_now_us() + US_PER_MS);
    assert_true(counter_reaches(&sleeper->fired, 2));
    assert_false(sleeper->too_early);
    close_sleeper(system, sleeper);
}

struct armer {
    struct actor_system *system;
    struct sleeper *sleeper;
    int first;
};

static void *
arm_and_disarm(void *argument)
{
    struct armer *armer = argument;
    uint64_t seed = (uint64_t)armer->first;
    for (int round = 0; round < 20; round++)
        for (int i = armer->first; i < armer->first + 100; i++) {
            struct timer *timer = &armer->sleeper->alarms[i].timer;
            timer_arm(armer->system, timer, clock_now_us() + random_up_to(&seed, 200));
            if (random_up_to(&seed, 1) == 0)
                timer_disarm(armer->system, timer);
        }
    for (int i = armer->first; i < armer->first + 100; i++)
        timer_disarm(armer->system, &armer->sleeper->alarms[i].timer);
    return NULL;
}

static void
after_a_disarm_the_memory_is_free_whatever_fires(void **state)
{
    (void)state;
    struct actor_system *system = started_system(2);
    struct sleeper *sleeper;
    open_sleeper(system, &sleeper);
    struct armer armers[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        armers[i] = (struct armer){ system, sleeper, i * 100 };
        pthread_create(&threads[i], NULL, arm_and_disarm, &armers[i]);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 300; i++)
        assert_false(sleeper->alarms[i].timer.node.is_linked);
    arm(system, &sleeper->alarms[TIMERS - 1], 0);
    assert_true(counter_reaches(&sleeper->fired, 1));
    close_sleeper(system, sleeper);
}

/* From here to a timer 300 ms later nothing is due: the clock wakes for that one alone. */
static void
an_idle_system_wakes_nobody(void **state)
{
    (void)state;
    struct actor_system *system = started_system(4);
    struct sleeper *sleeper;
    airs_pid pid = open_sleeper(system, &sleeper);
    actor_wake(system, pid);
    arm(system, &sleeper->alarms[0], clock_now_us() + 1 * US_PER_MS);
    assert_true(counter_reaches(&sleeper->fired, 1));

    struct actor_system_counters before = actor_system_counters(system);
    uint64_t parks_before = 0, parks_after = 0;
    arm(system, &sleeper->alarms[1], clock_now_us() + 150 * US_PER_MS);
    for (unsigned i = 0; i < 4; i++)
        parks_before += actor_system_worker_counters(system, i).parks;
    assert_true(counter_reaches(&sleeper->fired, 2));
    for (unsigned i = 0; i < 4; i++)
        parks_after += actor_system_worker_counters(system, i).parks;
    struct actor_system_counters after = actor_system_counters(system);
    assert_true(after.clock_wakeups - before.clock_wakeups <= 3); /* The arming, the timer. */
    assert_int_equal(after.ticks, before.ticks);
    assert_true(parks_after - parks_before <= 8); /* Going to sleep before, waking once after. */
    close_sleeper(system, sleeper);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_the_order_of_their_times),
        cmocka_unit_test(a_time_gone_by_fires_at_once),
        cmocka_unit_test(an_earlier_timer_shortens_the_sleep),
        cmocka_unit_test(a_disarmed_timer_never_fires),
        cmocka_unit_test(a_timer_that_has_fired_and_was_not_taken_is_recalled),
        cmocka_unit_test(arming_again_moves_the_time),
        cmocka_unit_test(after_a_disarm_the_memory_is_free_whatever_fires),
        cmocka_unit_test(an_idle_system_wakes_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
