/* Who runs first, and that nobody waits for ever: urgency, held workers, fairness. */
#include <sched.h>

#include "guest_testing.h"

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

/* ---- Giving way: to the supervisor that one has woken, ahead of the others ---- */

struct polite {
    struct noter noter;
    airs_pid ordinary, supervisor;
    bool for_ordinary, for_supervisor;
};

static enum actor_turn
wake_and_give_way(struct actor_context *context)
{
    struct polite *polite = actor_context_state(context);
    bool first = polite->noter.noting->size == 0;
    note(context);
    if (!first)
        return ACTOR_PARK;
    struct actor_system *system = actor_context_system(context);
    actor_wake(system, polite->ordinary);
    polite->for_ordinary = actor_context_should_give_way(context);
    actor_context_share(context); /* It lies in the queue now, where this one goes behind it. */
    actor_wake(system, polite->supervisor);
    polite->for_supervisor = actor_context_should_give_way(context);
    return ACTOR_GIVE_WAY;
}

static void
an_actor_gives_way_to_the_supervisor_that_it_has_woken(void **state)
{
    (void)state;
    static const struct actor_behaviour polite_behaviour = { .name = "polite",
                                                             .run = wake_and_give_way };
    struct actor_system *system = new_system(&(struct actor_system_options){ .workers = 1 });
    struct noting noting = { 0 };
    counter_init(&noting.noted);
    struct noter ordinary = { &noting, 'o' }, supervisor = { &noting, 'S' };
    struct polite polite = { .noter = { &noting, 'p' } };
    struct actor_options options = { .behaviour = &noter_behaviour,
                                     .state = &supervisor,
                                     .is_supervisor = true };
    polite.ordinary = spawn(system, &noter_behaviour, &ordinary);
    assert_int_equal(actor_spawn(system, &options, &polite.supervisor, NULL), AIRS_OK);
    actor_wake(system, spawn(system, &polite_behaviour, &polite));
    actor_system_start(system, NULL);
    assert_true(counter_reaches(&noting.noted, 4));
    actor_system_free(system);
    assert_false(polite.for_ordinary);
    assert_true(polite.for_supervisor);
    assert_string_equal(noting.order, "pSop");
    counter_deinit(&noting.noted);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(supervisors_and_control_messages_come_first),
        cmocka_unit_test(an_actor_gives_way_to_the_supervisor_that_it_has_woken),
        cmocka_unit_test(who_is_queued_behind_the_next_slot_is_taken_by_an_idle_worker),
        cmocka_unit_test(who_was_woken_before_a_long_guest_is_taken_by_an_idle_worker),
        cmocka_unit_test(who_is_urgent_is_taken_at_a_tick_by_a_worker_that_is_busy_with_a_guest),
        cmocka_unit_test(a_ping_pong_does_not_starve_who_yields),
        cmocka_unit_test(a_storm_of_urgent_actors_starves_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
