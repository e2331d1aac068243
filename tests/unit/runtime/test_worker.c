/* Workers: stealing, order, fairness between guests, urgency, and sleep. */
#include "runtime_testing.h"

#include <limits.h>
#include <sched.h>

#include "runtime/native_actor.h"
#include "runtime/timer.h"

/* ---- Guests: they compute until the epoch callback says yield ---- */

struct guest {
    struct actor_system *system;
    airs_pid self;
    atomic_long slices;
    atomic_bool stop;
    struct counter *ended;
    unsigned long work;
};

/* As the engine does: a poll that computes, asks at epochs, and wakes itself to yield. */
static enum actor_turn
compute(struct actor_context *context)
{
    struct guest *guest = actor_context_state(context);
    actor_context_guest_begin(context);
    while (!actor_context_should_yield(context) && !atomic_load(&guest->stop))
        guest->work = guest->work * 3 + 1;
    actor_wake(actor_context_system(context), actor_context_self(context));
    actor_context_guest_end(context);
    atomic_fetch_add(&guest->slices, 1);
    if (!atomic_load(&guest->stop))
        return ACTOR_PARK; /* Woken by itself: queued again, behind the others. */
    counter_add(guest->ended, 1);
    return ACTOR_END;
}

static const struct actor_behaviour guest_behaviour = { .name = "guest", .run = compute };

/* ---- An actor that counts its turns ---- */

struct ticker {
    struct counter turns;
};

static enum actor_turn
count_turn(struct actor_context *context)
{
    struct ticker *ticker = actor_context_state(context);
    while (actor_context_take_control(context))
        continue;
    counter_add(&ticker->turns, 1);
    return ACTOR_PARK;
}

static const struct actor_behaviour ticker_behaviour = { .name = "ticker", .run = count_turn };

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
    long least = LONG_MAX, most = 0;
    for (int i = 0; i < GUESTS; i++) {
        long slices = atomic_load(&guests[i].slices);
        least = slices < least ? slices : least;
        most = slices > most ? slices : most;
    }
    assert_true(most <= 8 * least); /* Rough: the machine is not ours alone. */
    stop_guests(guests, &ended);
    actor_system_free(system);
    counter_deinit(&ended);
}

static void
an_actor_beside_busy_guests_runs_within_a_few_ticks(void **state)
{
    (void)state;
    struct actor_system *system = started_system(2);
    struct guest guests[GUESTS];
    struct ticker ticker = { 0 };
    struct counter ended;
    counter_init(&ended);
    counter_init(&ticker.turns);
    airs_pid beside = spawn(system, &ticker_behaviour, &ticker);
    start_guests(system, guests, &ended);
    assert_true(wait_for_slices(guests, 2));

    int in_time = 0;
    for (long i = 1; i <= 100; i++) {
        uint64_t before = actor_system_counters(system).ticks;
        actor_wake(system, beside);
        assert_true(counter_reaches(&ticker.turns, i));
        in_time += actor_system_counters(system).ticks - before <= 3;
    }
    assert_true(in_time >= 50); /* Nearly all; the machine is not ours alone. */
    stop_guests(guests, &ended);
    actor_system_free(system);
    counter_deinit(&ended);
    counter_deinit(&ticker.turns);
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

/* ---- Urgency: what waits in one queue, and what comes first ---- */

struct noting {
    char order[64]; /* One worker writes it. */
    unsigned size;
    struct counter noted;
};

struct noter {
    struct noting *noting;
    char letter;
};

static enum actor_turn
note(struct actor_context *context)
{
    struct noter *noter = actor_context_state(context);
    while (actor_context_take_control(context))
        continue;
    noter->noting->order[noter->noting->size++] = noter->letter;
    counter_add(&noter->noting->noted, 1);
    return ACTOR_PARK;
}

static const struct actor_behaviour noter_behaviour = { .name = "noter", .run = note };

static void
supervisors_and_control_messages_come_first(void **state)
{
    (void)state;
    struct actor_system *system = new_system(&(struct actor_system_options){ .workers = 1 });
    struct noting noting = { 0 };
    counter_init(&noting.noted);
    struct noter noters[4] = {
        { &noting, 'a' },
        { &noting, 'b' },
        { &noting, 'c' },
        { &noting, 'S' },
    };
    airs_pid pids[4];
    for (int i = 0; i < 4; i++) {
        struct actor_options options = {
            .behaviour = &noter_behaviour,
            .state = &noters[i],
            .is_supervisor = i == 3,
        };
        assert_int_equal(actor_spawn(system, &options, &pids[i], NULL), AIRS_OK);
    }
    actor_wake(system, pids[0]);
    actor_wake(system, pids[1]);
    actor_wake(system, pids[2]);
    actor_wake(system, pids[3]); /* A supervisor, woken last. */
    struct control control;
    control_init(&control, CONTROL_USER);
    control_send(system, pids[2], &control); /* Queued behind a and b: moves ahead of them. */
    actor_system_start(system, NULL);
    assert_true(counter_reaches(&noting.noted, 4));
    actor_system_free(system);
    assert_string_equal(noting.order, "Scab");
    counter_deinit(&noting.noted);
}

/* ---- Stealing ---- */

#define LITTER 200

struct crowd {
    airs_pid pids[LITTER];
    struct counter done;
    _Atomic uint64_t by_worker[WORKERS_MAX];
    atomic_bool go;
};

/* One of many: keeps its worker until the crowd has been seen on another one as well. */
static enum actor_turn
be_one_of_many(struct actor_context *context)
{
    struct crowd *crowd = actor_context_state(context);
    atomic_fetch_add(&crowd->by_worker[actor_context_worker(context)], 1);
    for (int i = 0; i < 2000; i++)
        atomic_load(&crowd->go);
    counter_add(&crowd->done, 1);
    return ACTOR_PARK;
}

static const struct actor_behaviour one_of_many = { .name = "one", .run = be_one_of_many };

/* Wakes all the others in one turn, so that they stand in this worker's queue; and does not let
 * go of the worker before another one has taken some of them. */
static enum actor_turn
wake_the_crowd(struct actor_context *context)
{
    struct crowd *crowd = actor_context_state(context);
    struct actor_system *system = actor_context_system(context);
    for (int i = 0; i < LITTER; i++)
        actor_wake(system, crowd->pids[i]);
    uint64_t deadline_us = clock_now_us() + PATIENCE_S * US_PER_S;
    unsigned here = actor_context_worker(context);
    bool stolen = false;
    while (!stolen && clock_now_us() < deadline_us)
        for (unsigned i = 0; i < actor_system_workers(system); i++)
            stolen |= i != here && actor_system_worker_counters(system, i).steals > 0;
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
    for (int i = 0; i < LITTER; i++)
        crowd->pids[i] = spawn(system, &one_of_many, crowd);
    actor_wake(system, spawn(system, &waker_of_crowds, crowd));
    assert_true(counter_reaches(&crowd->done, LITTER));

    uint64_t steals = 0, stolen = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct worker_counters counters = actor_system_worker_counters(system, i);
        steals += counters.steals;
        stolen += counters.stolen;
        assert_true(atomic_load(&crowd->by_worker[i]) > 0);
    }
    assert_true(steals > 0);
    assert_true(stolen >= LITTER / 4); /* Half of what lies there at a time. */
    actor_system_free(system);
    counter_deinit(&crowd->done);
    free(crowd);
}

/* ---- Nobody waits for a worker that is held while another one is idle ---- */

struct holding {
    struct counter woken_turns; /* Of the one that must not wait. */
    airs_pid holder;
    airs_pid woken;
    struct counter over;
    bool was_taken;
};

static enum actor_turn
wait_for_the_woken(struct actor_context *context, struct holding *holding, long turns)
{
    (void)context;
    holding->was_taken = counter_reaches(&holding->woken_turns, turns);
    counter_add(&holding->over, 1);
    return ACTOR_PARK;
}

/* Wakes the holder, who takes the next slot, and itself: it is queued behind him. */
static enum actor_turn
wake_the_holder(struct actor_context *context)
{
    struct holding *holding = actor_context_state(context);
    if (counter_read(&holding->woken_turns) == 0) {
        actor_wake(actor_context_system(context), holding->holder);
        actor_wake(actor_context_system(context), holding->woken);
    }
    counter_add(&holding->woken_turns, 1);
    return ACTOR_PARK;
}

static enum actor_turn
hold_the_worker(struct actor_context *context)
{
    return wait_for_the_woken(context, actor_context_state(context), 2);
}

/* Wakes somebody, who takes the next slot, and then runs a guest for long. */
static enum actor_turn
wake_and_compute(struct actor_context *context)
{
    struct holding *holding = actor_context_state(context);
    actor_wake(actor_context_system(context), holding->woken);
    actor_context_guest_begin(context);
    enum actor_turn turn = wait_for_the_woken(context, holding, 1);
    actor_context_guest_end(context);
    return turn;
}

static enum actor_turn
count_woken_turn(struct actor_context *context)
{
    struct holding *holding = actor_context_state(context);
    counter_add(&holding->woken_turns, 1);
    return ACTOR_PARK;
}

static void
hold_a_worker(enum actor_turn (*holder)(struct actor_context *),
              enum actor_turn (*woken)(struct actor_context *), bool holder_first)
{
    struct actor_behaviour holders = { .name = "holder", .run = holder };
    struct actor_behaviour wokens = { .name = "woken", .run = woken };
    for (int i = 0; i < 50; i++) {
        struct holding holding = { 0 };
        counter_init(&holding.woken_turns);
        counter_init(&holding.over);
        struct actor_system *system = started_system(2);
        holding.holder = spawn(system, &holders, &holding);
        holding.woken = spawn(system, &wokens, &holding);
        actor_wake(system, holder_first ? holding.holder : holding.woken);
        assert_true(counter_reaches(&holding.over, 1));
        actor_system_free(system);
        assert_true(holding.was_taken);
        counter_deinit(&holding.woken_turns);
        counter_deinit(&holding.over);
    }
}

static void
who_is_queued_behind_the_next_slot_is_taken_by_an_idle_worker(void **state)
{
    (void)state;
    hold_a_worker(hold_the_worker, wake_the_holder, false);
}

static void
who_was_woken_before_a_long_guest_is_taken_by_an_idle_worker(void **state)
{
    (void)state;
    hold_a_worker(wake_and_compute, count_woken_turn, true);
}

struct pressing {
    struct holding holding;
    struct control control;
    airs_pid ordinary;
};

/* Makes somebody urgent who then lies in the queue of this worker, and does not let go of it. */
static enum actor_turn
press_and_hold(struct actor_context *context)
{
    struct pressing *pressing = actor_context_state(context);
    struct actor_system *system = actor_context_system(context);
    actor_wake(system, pressing->ordinary); /* Takes the next slot. */
    control_send(system, pressing->holding.woken, &pressing->control);
    return wait_for_the_woken(context, &pressing->holding, 1);
}

static enum actor_turn
take_press(struct actor_context *context)
{
    while (actor_context_take_control(context))
        continue;
    return count_woken_turn(context);
}

static void
who_is_urgent_is_taken_at_a_tick_by_a_worker_that_is_busy_with_a_guest(void **state)
{
    (void)state;
    static const struct actor_behaviour holders = { .name = "holder", .run = press_and_hold };
    static const struct actor_behaviour wokens = { .name = "woken", .run = take_press };
    struct actor_system *system = started_system(2);
    struct counter ended;
    counter_init(&ended);
    struct guest guest = { .system = system, .ended = &ended };
    actor_wake(system, spawn(system, &guest_behaviour, &guest));
    while (atomic_load(&guest.slices) < 2)
        sched_yield();

    struct ticker ordinary = { 0 };
    struct pressing pressing = { .ordinary = spawn(system, &ticker_behaviour, &ordinary) };
    counter_init(&ordinary.turns);
    counter_init(&pressing.holding.woken_turns);
    counter_init(&pressing.holding.over);
    control_init(&pressing.control, CONTROL_USER);
    pressing.holding.woken = spawn(system, &wokens, &pressing.holding);
    actor_wake(system, spawn(system, &holders, &pressing));
    assert_true(counter_reaches(&pressing.holding.over, 1));
    assert_true(pressing.holding.was_taken);
    assert_true(counter_reaches(&ordinary.turns, 1));
    actor_system_free(system);
    counter_deinit(&ended);
    counter_deinit(&ordinary.turns);
    counter_deinit(&pressing.holding.woken_turns);
    counter_deinit(&pressing.holding.over);
}

/* ---- Fairness among native actors ---- */

struct hog {
    airs_pid other;
    atomic_bool *stop;
    _Atomic uint64_t turns;
};

static enum actor_turn
pass_on(struct actor_context *context)
{
    struct hog *hog = actor_context_state(context);
    atomic_fetch_add(&hog->turns, 1);
    if (!atomic_load(hog->stop))
        actor_wake(actor_context_system(context), hog->other);
    return ACTOR_PARK;
}

static const struct actor_behaviour hog_behaviour = { .name = "hog", .run = pass_on };

/* Two actors that wake each other for ever live in the next slot; a third that yields, and so
 * lies in the back, still gets its turns. */
static enum actor_turn
yield_some(struct actor_context *context)
{
    struct ticker *ticker = actor_context_state(context);
    counter_add(&ticker->turns, 1);
    return ACTOR_YIELD;
}

static const struct actor_behaviour yielder_behaviour = { .name = "yielder", .run = yield_some };

static void
a_ping_pong_does_not_starve_who_yields(void **state)
{
    (void)state;
    struct actor_system *system = started_system(1);
    atomic_bool stop = false;
    struct hog hogs[2] = { { .stop = &stop }, { .stop = &stop } };
    airs_pid ping = spawn(system, &hog_behaviour, &hogs[0]);
    hogs[1].other = ping;
    hogs[0].other = spawn(system, &hog_behaviour, &hogs[1]);
    struct ticker ticker = { 0 };
    counter_init(&ticker.turns);
    actor_wake(system, ping);
    actor_wake(system, spawn(system, &yielder_behaviour, &ticker));
    assert_true(counter_reaches(&ticker.turns, 1000));
    assert_true(atomic_load(&hogs[0].turns) > 100); /* Nor do these starve. */
    atomic_store(&stop, true);
    actor_system_free(system);
    counter_deinit(&ticker.turns);
}

/* Two actors that send one another control messages are always urgent; an ordinary one that was
 * woken and one that yields still get their turns. */
struct storm {
    airs_pid other;
    struct control control; /* To the other one. */
    atomic_bool *stop;
};

static enum actor_turn
control_one_another(struct actor_context *context)
{
    struct storm *storm = actor_context_state(context);
    while (actor_context_take_control(context))
        continue;
    if (!atomic_load(storm->stop))
        control_send(actor_context_system(context), storm->other, &storm->control);
    return ACTOR_PARK;
}

static const struct actor_behaviour storm_behaviour = {
    .name = "storm",
    .run = control_one_another,
};

static void
a_storm_of_urgent_actors_starves_nobody(void **state)
{
    (void)state;
    struct actor_system *system = started_system(1);
    atomic_bool stop = false;
    struct storm storms[2] = { { .stop = &stop }, { .stop = &stop } };
    airs_pid first = spawn(system, &storm_behaviour, &storms[0]);
    storms[1].other = first;
    storms[0].other = spawn(system, &storm_behaviour, &storms[1]);
    control_init(&storms[0].control, CONTROL_USER);
    control_init(&storms[1].control, CONTROL_USER);
    struct ticker woken = { 0 }, yielder = { 0 };
    counter_init(&woken.turns);
    counter_init(&yielder.turns);
    airs_pid woken_pid = spawn(system, &ticker_behaviour, &woken);
    actor_wake(system, first);
    actor_wake(system, spawn(system, &yielder_behaviour, &yielder));
    for (long i = 1; i <= 20; i++) {
        actor_wake(system, woken_pid);
        assert_true(counter_reaches(&woken.turns, i));
        assert_true(counter_reaches(&yielder.turns, i));
    }
    atomic_store(&stop, true);
    actor_system_free(system);
    counter_deinit(&woken.turns);
    counter_deinit(&yielder.turns);
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
        cmocka_unit_test(guests_that_compute_share_the_workers),
        cmocka_unit_test(an_actor_beside_busy_guests_runs_within_a_few_ticks),
        cmocka_unit_test(the_system_stops_while_guests_compute),
        cmocka_unit_test(supervisors_and_control_messages_come_first),
        cmocka_unit_test(a_worker_that_only_steals_is_seen_to_steal),
        cmocka_unit_test(who_is_queued_behind_the_next_slot_is_taken_by_an_idle_worker),
        cmocka_unit_test(who_was_woken_before_a_long_guest_is_taken_by_an_idle_worker),
        cmocka_unit_test(who_is_urgent_is_taken_at_a_tick_by_a_worker_that_is_busy_with_a_guest),
        cmocka_unit_test(a_ping_pong_does_not_starve_who_yields),
        cmocka_unit_test(a_storm_of_urgent_actors_starves_nobody),
        cmocka_unit_test(a_native_actor_handles_a_hundred_messages_a_turn),
        cmocka_unit_test(the_clock_ticks_while_a_guest_runs_and_parks_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
