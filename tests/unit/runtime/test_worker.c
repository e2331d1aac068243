/* Workers: guests that share them, stealing, turns, ticks. */
#include <limits.h>
#include <sched.h>

#include "guest_testing.h"
#include "runtime/native_actor.h"
#include "runtime/timer.h"

#define GUESTS 6

static void
start_guests(struct actor_system *system, struct guest *guests, struct counter *ended)
{
    for (int i = 0; i < GUESTS; i++) {
        guests[i] = (struct guest){ .system = system, .ended = ended };
        guests[i].self = spawn(system, &guest_behaviour, &guests[i]);
        actor_wake(system, guests[i].self);
    }
}

static bool
all_have_slices(struct guest *guests, long slices)
{
    for (int i = 0; i < GUESTS; i++)
        if (atomic_load(&guests[i].slices) < slices)
            return false;
    return true;
}

static bool
wait_for_slices(struct guest *guests, long slices)
{
    uint64_t deadline_us = clock_now_us() + PATIENCE_S * US_PER_S;
    while (!all_have_slices(guests, slices))
        if (clock_now_us() > deadline_us)
            return false;
        else
            sched_yield();
    return true;
}

static void
stop_guests(struct guest *guests, struct counter *ended)
{
    for (int i = 0; i < GUESTS; i++)
        atomic_store(&guests[i].stop, true);
    assert_true(counter_reaches(ended, GUESTS));
}

/* Counts the slices in a turn of the one worker: no guest runs meanwhile. */
struct census {
    struct guest *guests;
    long slices[GUESTS];
    struct counter turns;
};

static enum actor_turn
count_slices(struct actor_context *context)
{
    struct census *census = actor_context_state(context);
    for (int i = 0; i < GUESTS; i++)
        census->slices[i] = atomic_load(&census->guests[i].slices);
    counter_add(&census->turns, 1);
    return ACTOR_PARK;
}

static const struct actor_behaviour census_behaviour = { .name = "census", .run = count_slices };

/* The n-th count, into `slices`. */
static void
take_census(struct actor_system *system, airs_pid pid, struct census *census, long n, long *slices)
{
    actor_wake(system, pid);
    assert_true(counter_reaches(&census->turns, n));
    memcpy(slices, census->slices, sizeof census->slices);
}

/* Between the guest that has had the most slices from one count to the other and the one that has
 * had the fewest. */
static long
spread_of(const long *before, const long *after)
{
    long least = LONG_MAX, most = 0;
    for (int i = 0; i < GUESTS; i++) {
        long slices = after[i] - before[i];
        least = slices < least ? slices : least;
        most = slices > most ? slices : most;
    }
    return most - least;
}

/* One worker goes round: once all of them run no guest gets more than two slices ahead, whatever the
 * machine gives it. */
static void
guests_that_compute_take_turns_on_one_worker(void **state)
{
    (void)state;
    struct actor_system *system = started_system(1);
    struct guest guests[GUESTS];
    struct counter ended;
    struct census census = { .guests = guests };
    long before[GUESTS], after[GUESTS], most = 0;
    counter_init(&ended);
    counter_init(&census.turns);
    airs_pid counting = spawn(system, &census_behaviour, &census);
    start_guests(system, guests, &ended);
    assert_true(wait_for_slices(guests, 1));
    take_census(system, counting, &census, 1, before);
    for (int i = 0; i < GUESTS; i++)
        most = before[i] > most ? before[i] : most;
    assert_true(wait_for_slices(guests, most + 20));
    take_census(system, counting, &census, 2, after);
    stop_guests(guests, &ended);
    actor_system_free(system);
    assert_true(spread_of(before, after) <= 2);
    counter_deinit(&ended);
    counter_deinit(&census.turns);
}

static void
guests_that_compute_share_the_workers(void **state)
{
    (void)state;
    struct actor_system *system = started_system(2);
    struct guest guests[GUESTS];
    struct counter ended;
    counter_init(&ended);
    start_guests(system, guests, &ended);
    assert_true(wait_for_slices(guests, 20));
    stop_guests(guests, &ended);
    actor_system_free(system);
    counter_deinit(&ended);
}

/* Says at its turn on which worker it is, and which turn of that one it is. */
struct beside {
    struct counter turns;
    unsigned worker;
    uint64_t turn;
};

static enum actor_turn
note_turn(struct actor_context *context)
{
    struct beside *beside = actor_context_state(context);
    beside->worker = actor_context_worker(context);
    beside->turn =
        actor_system_worker_counters(actor_context_system(context), beside->worker).turns;
    counter_add(&beside->turns, 1);
    return ACTOR_PARK;
}

static const struct actor_behaviour beside_behaviour = { .name = "beside", .run = note_turn };

/* A turn of a guest is over at a tick, which takes as long as the machine likes: so what passes
 * between a wake and the turn is counted in turns. One guest runs, one was picked already, and one
 * may be let past so that it does not starve. */
static void
assert_soon_after_its_wake(struct actor_system *system, airs_pid pid, struct beside *beside, long n)
{
    uint64_t turns[WORKERS_MAX];
    actor_wake(system, pid);
    for (unsigned i = 0; i < actor_system_workers(system); i++)
        turns[i] = actor_system_worker_counters(system, i).turns;
    assert_true(counter_reaches(&beside->turns, n));
    assert_true(beside->turn <= turns[beside->worker] + 3);
    /* It is parked: woken in its own turn, it might lie behind the guests. */
    uint64_t deadline_us = clock_now_us() + PATIENCE_S * US_PER_S;
    while (actor_system_worker_counters(system, beside->worker).turns == beside->turn &&
           clock_now_us() < deadline_us)
        sched_yield();
}

static void
an_actor_beside_busy_guests_runs_within_a_few_turns(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct actor_system *system = started_system(workers);
        struct guest guests[GUESTS];
        struct beside beside = { 0 };
        struct counter ended;
        counter_init(&ended);
        counter_init(&beside.turns);
        airs_pid pid = spawn(system, &beside_behaviour, &beside);
        start_guests(system, guests, &ended);
        assert_true(wait_for_slices(guests, 2));
        for (long i = 1; i <= 100; i++)
            assert_soon_after_its_wake(system, pid, &beside, i);
        stop_guests(guests, &ended);
        actor_system_free(system);
        counter_deinit(&ended);
        counter_deinit(&beside.turns);
    }
}

static void
the_system_stops_while_guests_compute(void **state)
{
    (void)state;
    struct actor_system *system = started_system(2);
    struct guest guests[GUESTS];
    struct counter ended;
    counter_init(&ended);
    start_guests(system, guests, &ended);
    assert_true(wait_for_slices(guests, 1));
    actor_system_stop(system);
    assert_int_equal(actor_system_counters(system).actors, 0);
    actor_system_free(system);
    counter_deinit(&ended);
}

/* ---- Stealing ---- */

#define CROWD 200

struct crowd {
    airs_pid pids[CROWD];
    struct counter done;
};

static enum actor_turn
be_one_of_many(struct actor_context *context)
{
    struct crowd *crowd = actor_context_state(context);
    counter_add(&crowd->done, 1);
    return ACTOR_PARK;
}

static const struct actor_behaviour one_of_many = { .name = "one", .run = be_one_of_many };

/* Wakes all the others in one turn and does not let go of its worker while any of them stands in
 * its queue: the last is the worker's next, which nobody takes from it. */
static enum actor_turn
wake_the_crowd(struct actor_context *context)
{
    struct crowd *crowd = actor_context_state(context);
    struct actor_system *system = actor_context_system(context);
    for (int i = 0; i < CROWD; i++)
        actor_wake(system, crowd->pids[i]);
    unsigned elsewhere = 1 - actor_context_worker(context);
    uint64_t deadline_us = clock_now_us() + PATIENCE_S * US_PER_S;
    while (actor_system_worker_counters(system, elsewhere).stolen < CROWD - 1 &&
           clock_now_us() < deadline_us)
        sched_yield();
    return ACTOR_END;
}

static const struct actor_behaviour waker_of_crowds = { .name = "waker", .run = wake_the_crowd };

static void
a_worker_that_only_steals_is_seen_to_steal(void **state)
{
    (void)state;
    struct actor_system *system = started_system(2);
    struct crowd *crowd = calloc(1, sizeof *crowd);
    counter_init(&crowd->done);
    for (int i = 0; i < CROWD; i++)
        crowd->pids[i] = spawn(system, &one_of_many, crowd);
    actor_wake(system, spawn(system, &waker_of_crowds, crowd));
    assert_true(counter_reaches(&crowd->done, CROWD));

    uint64_t steals = 0, stolen = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct worker_counters counters = actor_system_worker_counters(system, i);
        steals += counters.steals;
        stolen += counters.stolen;
    }
    assert_true(steals > 0);
    assert_true(stolen >= CROWD - 1);
    actor_system_free(system);
    counter_deinit(&crowd->done);
    free(crowd);
}

/* ---- Handlers of at most 100 messages a turn ---- */

struct reader {
    struct counter handled;
};

static void
read_one(struct actor_context *context, void *state, struct message *message)
{
    (void)context;
    struct reader *reader = state;
    message_finish(message, AIRS_OK, NULL, NULL, 0);
    counter_add(&reader->handled, 1);
}

static const struct native_behaviour reader_behaviour = { .name = "reader", .handle = read_one };

static void
a_native_actor_handles_a_hundred_messages_a_turn(void **state)
{
    (void)state;
    struct actor_system *system = new_system(&(struct actor_system_options){ .workers = 1 });
    struct reader reader = { 0 };
    counter_init(&reader.handled);
    struct native_options options = { .behaviour = &reader_behaviour, .state = &reader };
    airs_pid pid;
    assert_int_equal(native_spawn(system, &options, &pid, NULL), AIRS_OK);
    for (int i = 0; i < 250; i++)
        send_text(system, pid, "x");
    actor_system_start(system, NULL);
    assert_true(counter_reaches(&reader.handled, 250));
    actor_system_stop(system);
    assert_int_equal(actor_system_worker_counters(system, 0).turns, 3);
    actor_system_free(system);
    counter_deinit(&reader.handled);
}

static void
count_call(void *ctx)
{
    counter_add(ctx, 1);
}

static void
the_clock_ticks_while_a_guest_runs_and_parks_after(void **state)
{
    (void)state;
    struct counter ticks, ended;
    counter_init(&ticks);
    counter_init(&ended);
    struct actor_system *system = new_system(&(struct actor_system_options){
        .workers = 1,
        .tick = count_call,
        .tick_ctx = &ticks,
    });
    actor_system_start(system, NULL);
    assert_int_equal(counter_read(&ticks), 0);
    struct guest guest = { .system = system, .ended = &ended };
    airs_pid pid = spawn(system, &guest_behaviour, &guest);
    actor_wake(system, pid);
    assert_true(counter_reaches(&ticks, 20));
    atomic_store(&guest.stop, true);
    assert_true(counter_reaches(&ended, 1));

    /* The ticker lingers, then parks: from then on the number stands still, while a timer of the
     * same clock goes on. */
    struct ticker ticker = { 0 };
    struct timer timer;
    counter_init(&ticker.turns);
    timer_init(&timer, spawn(system, &ticker_behaviour, &ticker));
    uint64_t deadline_us = clock_now_us() + PATIENCE_S * US_PER_S;
    uint64_t before, after = actor_system_counters(system).ticks;
    do {
        before = after;
        long fired = counter_read(&ticker.turns);
        timer_arm(system, &timer, clock_now_us() + TICK_LINGER_US / 2);
        assert_true(counter_reaches(&ticker.turns, fired + 1));
        after = actor_system_counters(system).ticks;
    } while (after != before && clock_now_us() < deadline_us);
    counter_deinit(&ticker.turns);
    assert_int_equal(after, before);
    actor_system_free(system);
    counter_deinit(&ticks);
    counter_deinit(&ended);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guests_that_compute_take_turns_on_one_worker),
        cmocka_unit_test(guests_that_compute_share_the_workers),
        cmocka_unit_test(an_actor_beside_busy_guests_runs_within_a_few_turns),
        cmocka_unit_test(the_system_stops_while_guests_compute),
        cmocka_unit_test(a_worker_that_only_steals_is_seen_to_steal),
        cmocka_unit_test(a_native_actor_handles_a_hundred_messages_a_turn),
        cmocka_unit_test(the_clock_ticks_while_a_guest_runs_and_parks_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
