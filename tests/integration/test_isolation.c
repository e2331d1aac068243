/* Isolation: what one child does, its siblings and its supervisor do not feel. */
#include "world.h"

#include <dirent.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#define RESTARTS 5000u
#define MAPS_MORE_MAX 64u /* The sanitizer's allocator maps as it goes. */
#define ANSWER_US_MAX (100 * US_PER_MS)
#else
#define RESTARTS 100000u
#define MAPS_MORE_MAX 4u
#define ANSWER_US_MAX (10 * US_PER_MS)
#endif

/* How long a GET of `path` takes, at best of many: the machine is shared. */
static uint64_t
get_us(struct world *world, const char *path)
{
    uint64_t best_us = UINT64_MAX;

    for (unsigned i = 0; i < 50; i++) {
        uint64_t from_us = clock_now_us();
        world_view(world, path);
        uint64_t took_us = clock_now_us() - from_us;
        best_us = took_us < best_us ? took_us : best_us;
    }
    return best_us;
}

/* How late its restart comes after a crash; never before its delay is over. */
static uint64_t
restart_late_us(struct world *world, const char *path, uint32_t generation)
{
    world_call(world, path, "crash trap");
    struct event scheduled = world_wait_event(world, path, EVENT_RESTART_SCHEDULED, generation);
    struct event starting = world_wait_event(world, path, EVENT_STARTING, generation + 1);
    uint64_t waited_us = starting.time_us - scheduled.time_us;
    assert_true(waited_us >= scheduled.delay_us);
    world_wait_event(world, path, EVENT_READY, generation + 1);
    return waited_us - scheduled.delay_us;
}

static void
one_loops_and_one_sleeps_in_initialize_and_nobody_waits_for_them(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct supervisor_config brief = supervisor_config_with_start_timeout(
        supervisor_config_with_shutdown(world_immortal(), 200 * US_PER_MS), DURATION_INFINITE);
    struct supervisor_config delayed = supervisor_config_with_backoff(
        world_immortal(), backoff_linear(50 * US_PER_MS, 50 * US_PER_MS));

    world_add(world, "/loops",
              (struct world_child){ .guest = "initfail", .text = "loop", .config = brief });
    world_add(world, "/sleeps",
              (struct world_child){ .guest = "initfail", .text = "sleep", .config = brief });
    world_add(world, "/a", (struct world_child){ .guest = "echo", .config = delayed });
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    assert_int_equal(world_view(world, "/loops").state, CHILD_STARTING);
    assert_int_equal(world_view(world, "/sleeps").state, CHILD_STARTING);
    assert_in_range(get_us(world, "/loops"), 0, ANSWER_US_MAX);
    assert_in_range(get_us(world, "/a"), 0, ANSWER_US_MAX);

    uint64_t late_us = UINT64_MAX;
    for (uint32_t generation = 1; generation <= 10; generation++) {
        uint64_t this_us = restart_late_us(world, "/a", generation);
        late_us = this_us < late_us ? this_us : late_us;
    }
    assert_in_range(late_us, 0, 5 * ANSWER_US_MAX);

    /* It ends: 200 ms each, not when they have started. */
    assert_int_equal(world_stop_all(world, DURATION_INFINITE).status, AIRS_OK);
    world_end(world);
}

static void
an_actor_that_traps_at_every_message_uses_up_its_own_budget_alone(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct world_answer hold, answers[8];

    world_add(
        world, "/bad",
        (struct world_child){ .guest = "echo",
                              .config = supervisor_config_with_max_restarts(world_immortal(), 3) });
    world_add(world, "/good", (struct world_child){ .guest = "echo" });
    world_start(world);
    world_wait_event(world, "/bad", EVENT_READY, 1);
    world_wait_event(world, "/good", EVENT_READY, 1);
    assert_int_equal(world_send(world, "/bad", "wait go", &hold), AIRS_OK);
    world_wait_mailbox(world, "/bad", 0);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(world_send(world, "/bad", "crash trap", &answers[i]), AIRS_OK);
    world_go(world);
    world_wait_answer(world, &hold);
    world_wait_event(world, "/bad", EVENT_FAILED, 4);
    for (size_t i = 0; i < 8; i++) {
        world_wait_answer(world, &answers[i]);
        assert_int_equal(answers[i].status, AIRS_EENDED);
    }
    assert_int_equal(world_count(world, "/bad", EVENT_RESTART_SCHEDULED), 3);
    assert_answer(world, "/good", "count", "1");
    assert_int_equal(world_count(world, "/good", EVENT_EXITED), 0);
    world_end(world);
}

static void
many_that_compute_leave_room_for_one_that_answers(void **state)
{
    (void)state;
    struct world *world = world_begin();
    char path[16];

    for (unsigned i = 0; i < 8; i++) {
        snprintf(path, sizeof path, "/spin%u", i);
        world_add(world, path, (struct world_child){ .guest = "spinner" });
    }
    world_add(world, "/a", (struct world_child){ .guest = "echo" });
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    for (unsigned i = 0; i < 20; i++)
        assert_answer(world, "/a", "hello", "hello");
    world_end(world);
}

static size_t
count_entries(const char *directory)
{
    DIR *open_directory = opendir(directory);
    size_t count = 0;

    while (readdir(open_directory))
        count++;
    closedir(open_directory);
    return count;
}

static size_t
count_maps(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    size_t count = 0;
    int byte;

    while ((byte = fgetc(maps)) != EOF)
        count += byte == '\n';
    fclose(maps);
    return count;
}

static size_t
resident_bytes(void)
{
    FILE *statm = fopen("/proc/self/statm", "r");
    size_t total = 0;
    size_t resident = 0;

    assert_int_equal(fscanf(statm, "%zu %zu", &total, &resident), 2);
    fclose(statm);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

#define BATCH 100u

static void
trap(struct world *world, unsigned times)
{
    static struct world_answer answers[BATCH];

    for (unsigned done = 0; done < times; done += BATCH) {
        for (unsigned i = 0; i < BATCH; i++)
            assert_int_equal(world_send(world, "/a", "trap", &answers[i]), AIRS_OK);
        for (unsigned i = 0; i < BATCH; i++) {
            world_wait_answer(world, &answers[i]);
            assert_int_equal(answers[i].status, AIRS_EENDED);
        }
    }
}

static void
a_hundred_thousand_restarts_leave_nothing_behind(void **state)
{
    (void)state;
    struct world *world = world_begin_with((struct world_options){ .keep_no_events = true });
    struct engine_usage before, after;

    world_add(world, "/a",
              (struct world_child){ .guest = "bare",
                                    .config = supervisor_config_with_max_restarts(
                                        world_immortal(), RESTARTS_UNLIMITED) });
    world_start(world);
    trap(world, 1000);
    assert_answer(world, "/a", "hello", "hello");
    size_t memory = resident_bytes();
    size_t files = count_entries("/proc/self/fd");
    size_t maps = count_maps();
    engine_usage(world->engine, &before);

    trap(world, RESTARTS - 1000);
    assert_answer(world, "/a", "hello", "hello");
    engine_usage(world->engine, &after);
    assert_int_equal(world_view(world, "/a").generation, RESTARTS + 1);
    assert_int_equal(count_entries("/proc/self/fd"), files);
    assert_memory_equal(&before, &after, sizeof before);
    assert_in_range(count_maps(), 0, maps + MAPS_MORE_MAX);
#ifndef __SANITIZE_ADDRESS__
    assert_in_range(resident_bytes(), 0, memory + (1u << 20));
#else
    (void)memory;
#endif
    struct supervision_handle handle = world_handle(world, "/a");
    assert_int_equal(handle.restart_count, RESTARTS);
    assert_int_equal(handle.exits_total, RESTARTS);
    assert_int_equal(handle.history_size, SUPERVISION_HISTORY_MAX);
    supervision_handle_deinit(&handle);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_loops_and_one_sleeps_in_initialize_and_nobody_waits_for_them),
        cmocka_unit_test(an_actor_that_traps_at_every_message_uses_up_its_own_budget_alone),
        cmocka_unit_test(many_that_compute_leave_room_for_one_that_answers),
        cmocka_unit_test(a_hundred_thousand_restarts_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
