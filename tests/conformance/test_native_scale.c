/* Start and stop of 10,000 native children take at most 15 times as long as of 1,000, on real
 * workers: what test_otp_scale.c says of the node, with actors, mailboxes, timers and the gate. */
#include <inttypes.h>

#include "unit/runtime/pupil.h"

#define SMALL 1000
#define LARGE 10000
#define TIMES_MAX 15
#define ROUNDS_MIN 3 /* The quickest counts, so that a busy machine does not decide. */
#define ROUNDS_MAX 12

struct crowd {
    struct stage stage; /* Without a recorder: only READY is counted. */
    struct counter ready;
    struct pupil *pupils;
};

static void
count_ready(void *ctx, const struct event *event)
{
    struct crowd *crowd = ctx;
    if (event->type == EVENT_READY && event->path && event->path->text[1] != '\0')
        counter_add(&crowd->ready, 1);
}

static void
open_crowd(struct crowd *crowd, size_t count)
{
    *crowd = (struct crowd){ .pupils = calloc(count, sizeof *crowd->pupils) };
    assert_non_null(crowd->pupils);
    struct stage *stage = &crowd->stage;
    stage->system = new_system(&(struct actor_system_options){ .workers = 2 });
    counter_init(&stage->ends);
    counter_init(&stage->idles);
    counter_init(&crowd->ready);
    event_log_add_sink(actor_system_event_log(stage->system), count_ready, crowd, NULL);
    stage->root = spawn_supervisor(stage, "/");
    assert_int_equal(actor_system_start(stage->system, NULL), AIRS_OK);
}

static void
close_crowd(struct crowd *crowd)
{
    actor_system_stop(crowd->stage.system);
    actor_system_free(crowd->stage.system);
    counter_deinit(&crowd->stage.ends);
    counter_deinit(&crowd->stage.idles);
    counter_deinit(&crowd->ready);
    free(crowd->pupils);
}

/* Microseconds to start and stop `count` children. Registering them is a request each, for which
 * this thread waits: that measures how two threads wake each other. */
static uint64_t
life_us(size_t count)
{
    struct crowd crowd;
    struct child_policy policy = quick_policy();
    char path[32];
    open_crowd(&crowd, count);
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "/p%zu", i);
        add_pupil(&crowd.stage, &crowd.pupils[i], path, &policy);
    }

    uint64_t begin_us = clock_now_us();
    assert_int_equal(ask_root(&crowd.stage, REQUEST_START_ALL), AIRS_OK);
    assert_true(counter_reaches(&crowd.ready, (long)count));
    assert_int_equal(ask_root(&crowd.stage, REQUEST_STOP_ALL), AIRS_OK);
    assert_true(counter_reaches(&crowd.stage.ends, 1));
    uint64_t us = clock_now_us() - begin_us;

    for (size_t i = 0; i < count; i++)
        assert_int_equal(atomic_load(&crowd.pupils[i].ended), 1);
    close_crowd(&crowd);
    return us;
}

static void
ten_times_the_children_take_at_most_fifteen_times_as_long(void **state)
{
    (void)state;
    uint64_t small = UINT64_MAX, large = UINT64_MAX;
    for (int i = 0; i < ROUNDS_MAX && (i < ROUNDS_MIN || large > small * TIMES_MAX); i++) {
        uint64_t small_us = life_us(SMALL), large_us = life_us(LARGE);
        small = small_us < small ? small_us : small;
        large = large_us < large ? large_us : large;
        print_message("%" PRIu64 " us, %" PRIu64 " us\n", small, large);
    }
    assert_true(large <= small * TIMES_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_times_the_children_take_at_most_fifteen_times_as_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
