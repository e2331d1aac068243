/* Start and stop of 10,000 native children take at most 15 times as long as of 1,000, on real
 * workers: what test_otp_scale.c says of the node, with actors, mailboxes, timers and the gate.
 * It is the time that the process spends that is compared. */
#include <inttypes.h>

#include "unit/runtime/pupil.h"

#define SMALL 1000
#define LARGE 10000
#define TIMES_MAX 15
#define ROUNDS_MIN 3 /* The quickest counts, so that a busy machine does not decide. */
#define ROUNDS_MAX 10

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

/* Registering is a request each, for which this thread waits: no part of what is measured. */
static void
register_all(struct crowd *crowd, size_t count)
{
    struct child_policy policy = quick_policy();
    char path[32];
    open_crowd(crowd, count);
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "/p%zu", i);
        add_pupil(&crowd->stage, &crowd->pupils[i], path, &policy);
    }
}

/* Of all threads: what others do on the machine is no part of it. */
static uint64_t
cpu_us(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return (uint64_t)spent.tv_sec * US_PER_S + (uint64_t)spent.tv_nsec / 1000;
}

/* Microseconds to start and stop all of them. */
static uint64_t
life_us(struct crowd *crowd, size_t count)
{
    uint64_t begin_us = cpu_us();
    assert_int_equal(ask_root(&crowd->stage, REQUEST_START_ALL), AIRS_OK);
    assert_true(counter_reaches(&crowd->ready, (long)count));
    assert_int_equal(ask_root(&crowd->stage, REQUEST_STOP_ALL), AIRS_OK);
    assert_true(counter_reaches(&crowd->stage.ends, 1));
    uint64_t us = cpu_us() - begin_us;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(atomic_load(&crowd->pupils[i].ended), 1);
    return us;
}

/* As many crowds as make `LARGE` together, all in memory at once, one after the other: what is
 * compared is the work, not which of them fits into a cache. */
static uint64_t
crowds_us(size_t count)
{
    size_t crowds = LARGE / count;
    struct crowd *all = calloc(crowds, sizeof *all);
    uint64_t us = 0;
    assert_non_null(all);
    for (size_t i = 0; i < crowds; i++)
        register_all(&all[i], count);
    for (size_t i = 0; i < crowds; i++)
        us += life_us(&all[i], count);
    for (size_t i = 0; i < crowds; i++)
        close_crowd(&all[i]);
    free(all);
    return us;
}

static void
ten_times_the_children_take_at_most_fifteen_times_as_long(void **state)
{
    (void)state;
    uint64_t ten_small = UINT64_MAX, large = UINT64_MAX;
    for (int i = 0; i < ROUNDS_MAX && (i < ROUNDS_MIN || large * 10 > ten_small * TIMES_MAX); i++) {
        uint64_t small_us = crowds_us(SMALL), large_us = crowds_us(LARGE);
        ten_small = small_us < ten_small ? small_us : ten_small;
        large = large_us < large ? large_us : large;
        print_message("10 x %d: %" PRIu64 " us, %d: %" PRIu64 " us\n", SMALL, ten_small, LARGE,
                      large);
    }
    assert_true(large * 10 <= ten_small * TIMES_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_times_the_children_take_at_most_fifteen_times_as_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
