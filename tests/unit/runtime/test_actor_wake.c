/* The wake protocol under stress: wakes against parking, ending and the reuse of slots. */
#include "runtime_testing.h"

#include <sched.h>

#include "base/random.h"

#define WAKERS 4

/* ---- No wake is lost ---- */

#define INCREMENTS 50000

struct watcher {
    struct actor_system *system;
    airs_pid pid;
    atomic_long written[WAKERS]; /* Each before its wake. */
    atomic_int running;          /* Turns under way: never two. */
    struct counter seen;         /* The sum that the last turn saw. */
    bool yields;
};

static enum actor_turn
watch(struct actor_context *context)
{
    struct watcher *watcher = actor_context_state(context);
    assert_int_equal(atomic_fetch_add(&watcher->running, 1), 0);
    long sum = 0;
    for (int i = 0; i < WAKERS; i++)
        sum += atomic_load_explicit(&watcher->written[i], memory_order_relaxed);
    long before = counter_read(&watcher->seen);
    counter_add(&watcher->seen, sum - before);
    assert_int_equal(atomic_fetch_sub(&watcher->running, 1), 1);
    return watcher->yields && sum != before ? ACTOR_YIELD : ACTOR_PARK;
}

static const struct actor_behaviour watcher_behaviour = { .name = "watcher", .run = watch };

struct waker {
    struct watcher *watcher;
    int index;
};

static void *
write_and_wake(void *argument)
{
    struct waker *waker = argument;
    for (int i = 0; i < INCREMENTS; i++) {
        atomic_fetch_add_explicit(&waker->watcher->written[waker->index], 1, memory_order_relaxed);
        actor_wake(waker->watcher->system, waker->watcher->pid);
        if (i % 64 == 0)
            sched_yield(); /* So that it parks now and then. */
    }
    return NULL;
}

static void
wake_from_many_threads(unsigned workers, bool yields)
{
    struct watcher watcher = { .system = started_system(workers), .yields = yields };
    counter_init(&watcher.seen);
    watcher.pid = spawn(watcher.system, &watcher_behaviour, &watcher);
    pthread_t threads[WAKERS];
    struct waker wakers[WAKERS];
    for (int i = 0; i < WAKERS; i++) {
        wakers[i] = (struct waker){ &watcher, i };
        pthread_create(&threads[i], NULL, write_and_wake, &wakers[i]);
    }
    for (int i = 0; i < WAKERS; i++)
        pthread_join(threads[i], NULL);

    assert_true(counter_reaches(&watcher.seen, (long)WAKERS * INCREMENTS));
    actor_system_free(watcher.system);
    counter_deinit(&watcher.seen);
}

static void
no_wake_is_lost_by_one_worker(void **state)
{
    (void)state;
    wake_from_many_threads(1, false);
}

static void
no_wake_is_lost_by_many_workers(void **state)
{
    (void)state;
    wake_from_many_threads(4, false);
}

static void
no_wake_is_lost_by_an_actor_that_yields(void **state)
{
    (void)state;
    wake_from_many_threads(3, true);
}

/* Each wake is awaited before the next, so that the actor and all workers are parked. */
static void
each_single_wake_of_a_parked_system_is_seen(void **state)
{
    (void)state;
    struct watcher watcher = { .system = started_system(4) };
    counter_init(&watcher.seen);
    watcher.pid = spawn(watcher.system, &watcher_behaviour, &watcher);
    for (long i = 1; i <= 3000; i++) {
        atomic_fetch_add_explicit(&watcher.written[0], 1, memory_order_relaxed);
        actor_wake(watcher.system, watcher.pid);
        assert_true(counter_reaches(&watcher.seen, i));
    }
    actor_system_free(watcher.system);
    counter_deinit(&watcher.seen);
}

#define ROUNDS 100000

struct echo {
    _Atomic uint64_t turns;
};

static enum actor_turn
count_turn(struct actor_context *context)
{
    struct echo *echo = actor_context_state(context);
    atomic_fetch_add_explicit(&echo->turns, 1, memory_order_release);
    return ACTOR_PARK;
}

static const struct actor_behaviour echo_behaviour = { .name = "echo", .run = count_turn };

/* False: it did not take its turn in time. */
static bool
echo_reaches(struct echo *echo, uint64_t turns)
{
    uint64_t deadline_us = 0; /* The clock is asked only when it takes long. */
    for (unsigned spins = 1; atomic_load_explicit(&echo->turns, memory_order_acquire) < turns;
         spins++) {
        if (spins % 4096 != 0)
            continue;
        sched_yield();
        uint64_t now_us = clock_now_us();
        if (deadline_us == 0)
            deadline_us = now_us + PATIENCE_S * US_PER_S;
        if (now_us > deadline_us)
            return false;
    }
    return true;
}

/* One actor is woken, and somewhen later the other: before, while or after the one worker runs
 * the first, or while it is on its way to sleep again, between its last look and the futex. */
static void
a_wake_at_any_place_on_the_way_to_sleep_is_seen(void **state)
{
    (void)state;
    struct actor_system *system = started_system(1);
    struct echo first = { 0 }, second = { 0 };
    uint64_t random = 1;
    airs_pid first_pid = spawn(system, &echo_behaviour, &first);
    airs_pid second_pid = spawn(system, &echo_behaviour, &second);
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        uint64_t delay = random_up_to(&random, 8000);
        actor_wake(system, first_pid);
        for (volatile uint64_t k = 0; k < delay; k++)
            continue;
        actor_wake(system, second_pid);
        assert_true(echo_reaches(&second, i));
    }
    assert_true(atomic_load(&first.turns) > 0);
    actor_system_free(system);
}

/* ---- Ends and slots ---- */

#define LIVES 4000

struct mortal {
    atomic_int destroyed;
    atomic_int turns_after_end;
    bool is_over; /* Its turns' own. */
};

struct graveyard {
    struct actor_system *system;
    atomic_ullong last_pid; /* Wakers aim at it, most of the time too late. */
    atomic_bool closed;
    struct counter ended;
};

struct life {
    struct graveyard *graveyard;
    struct mortal mortal;
};

static enum actor_turn
live_once(struct actor_context *context)
{
    struct life *life = actor_context_state(context);
    if (life->mortal.is_over)
        atomic_fetch_add(&life->mortal.turns_after_end, 1);
    life->mortal.is_over = true;
    return ACTOR_END;
}

static void
bury(void *state)
{
    struct life *life = state;
    atomic_fetch_add(&life->mortal.destroyed, 1);
    counter_add(&life->graveyard->ended, 1);
}

static const struct actor_behaviour mortal_behaviour = {
    .name = "mortal",
    .run = live_once,
    .destroy = bury,
};

static void *
wake_whoever_was_last(void *argument)
{
    struct graveyard *graveyard = argument;
    while (!atomic_load(&graveyard->closed)) {
        airs_pid pid = atomic_load(&graveyard->last_pid);
        for (int i = 0; i < 8; i++)
            actor_wake(graveyard->system, pid);
    }
    return NULL;
}

static void
each_actor_ends_once_while_stale_pids_are_woken(void **state)
{
    (void)state;
    struct graveyard graveyard = { .system = started_system(3) };
    counter_init(&graveyard.ended);
    pthread_t threads[WAKERS];
    for (int i = 0; i < WAKERS; i++)
        pthread_create(&threads[i], NULL, wake_whoever_was_last, &graveyard);

    struct life *lives = calloc(LIVES, sizeof *lives);
    for (long i = 0; i < LIVES; i++) {
        lives[i].graveyard = &graveyard;
        airs_pid pid = spawn(graveyard.system, &mortal_behaviour, &lives[i]);
        atomic_store(&graveyard.last_pid, pid);
        actor_wake(graveyard.system, pid);
        if (i % 16 == 0) /* Few slots, used again and again. */
            assert_true(counter_reaches(&graveyard.ended, i + 1));
    }
    assert_true(counter_reaches(&graveyard.ended, LIVES));
    atomic_store(&graveyard.closed, true);
    for (int i = 0; i < WAKERS; i++)
        pthread_join(threads[i], NULL);

    for (int i = 0; i < LIVES; i++) {
        assert_int_equal(atomic_load(&lives[i].mortal.destroyed), 1);
        assert_int_equal(atomic_load(&lives[i].mortal.turns_after_end), 0);
    }
    actor_system_stop(graveyard.system);
    assert_int_equal(actor_system_counters(graveyard.system).actors, 0);
    actor_system_free(graveyard.system);
    free(lives);
    counter_deinit(&graveyard.ended);
}

static void
a_slot_gives_out_no_pid_twice(void **state)
{
    (void)state;
    struct graveyard graveyard = { .system = started_system(1) };
    counter_init(&graveyard.ended);
    airs_pid before = AIRS_PID_NONE;
    for (long i = 0; i < 100; i++) {
        struct life life = { .graveyard = &graveyard };
        airs_pid pid = spawn(graveyard.system, &mortal_behaviour, &life);
        if (before != AIRS_PID_NONE) {
            assert_int_equal((uint32_t)pid, (uint32_t)before); /* The same slot … */
            assert_int_equal(pid >> 32, (before >> 32) + 1);   /* … in its next generation. */
            assert_false(actor_is_alive(graveyard.system, before));
        }
        assert_true(actor_is_alive(graveyard.system, pid));
        actor_wake(graveyard.system, pid);
        assert_true(counter_reaches(&graveyard.ended, i + 1));
        while (actor_system_counters(graveyard.system).actors > 0)
            sched_yield(); /* Destroyed; the slot is given back right after. */
        before = pid;
    }
    actor_system_free(graveyard.system);
    counter_deinit(&graveyard.ended);
}

static void
a_stale_pid_does_not_wake_who_has_its_slot_now(void **state)
{
    (void)state;
    struct graveyard graveyard = { .system = started_system(1) };
    counter_init(&graveyard.ended);
    struct life life = { .graveyard = &graveyard };
    airs_pid stale = spawn(graveyard.system, &mortal_behaviour, &life);
    actor_wake(graveyard.system, stale);
    assert_true(counter_reaches(&graveyard.ended, 1));
    while (actor_system_counters(graveyard.system).actors > 0)
        sched_yield();

    struct echo echo = { 0 };
    airs_pid pid = spawn(graveyard.system, &echo_behaviour, &echo);
    assert_int_equal((uint32_t)pid, (uint32_t)stale);
    for (uint64_t i = 1; i <= 10; i++) {
        actor_wake(graveyard.system, stale);
        actor_wake(graveyard.system, pid);
        assert_true(echo_reaches(&echo, i));
    }
    actor_wake(graveyard.system, stale);
    actor_system_stop(graveyard.system);
    assert_int_equal(atomic_load(&echo.turns), 10);
    actor_system_free(graveyard.system);
    counter_deinit(&graveyard.ended);
}

static void
waking_nobody_is_harmless(void **state)
{
    (void)state;
    struct actor_system *system = started_system(1);
    actor_wake(system, AIRS_PID_NONE);
    actor_wake(system, UINT64_MAX);
    actor_wake(system, (UINT64_C(7) << 32) | 3);
    actor_wake(system, UINT64_C(3));
    struct message *message = message_of("nobody home");
    assert_int_equal(actor_send(system, (UINT64_C(7) << 32) | 3, message), AIRS_ENOENT);
    message_free(message);
    actor_system_stop(system);
    actor_wake(system, UINT64_C(1) << 32);
    actor_system_free(system);
}

static void
the_most_actors_are_a_limit_not_a_crash(void **state)
{
    (void)state;
    struct actor_system *system = new_system(&(struct actor_system_options){
        .workers = 1,
        .actors_max = 3,
    });
    struct watcher watcher = { .system = system };
    for (int i = 0; i < 3; i++)
        spawn(system, &watcher_behaviour, &watcher);
    struct actor_options options = { .behaviour = &watcher_behaviour, .state = &watcher };
    airs_pid pid = 5;
    struct airs_error error = { 0 };
    assert_int_equal(actor_spawn(system, &options, &pid, &error), AIRS_ELIMIT);
    assert_int_equal(pid, 5);
    assert_non_null(strstr(error.message, "3"));
    actor_system_free(system);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_wake_is_lost_by_one_worker),
        cmocka_unit_test(no_wake_is_lost_by_many_workers),
        cmocka_unit_test(no_wake_is_lost_by_an_actor_that_yields),
        cmocka_unit_test(each_single_wake_of_a_parked_system_is_seen),
        cmocka_unit_test(a_wake_at_any_place_on_the_way_to_sleep_is_seen),
        cmocka_unit_test(each_actor_ends_once_while_stale_pids_are_woken),
        cmocka_unit_test(a_slot_gives_out_no_pid_twice),
        cmocka_unit_test(a_stale_pid_does_not_wake_who_has_its_slot_now),
        cmocka_unit_test(waking_nobody_is_harmless),
        cmocka_unit_test(the_most_actors_are_a_limit_not_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
