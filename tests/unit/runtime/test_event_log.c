/* The event log: one order for all writers, and sinks that come and go; and the registry. */
#include "runtime_testing.h"

#include <sched.h>

#include "runtime/event_log.h"
#include "runtime/registry.h"

#define WRITERS 4
#define EACH 2000

struct witness {
    uint64_t last;
    uint64_t seen;
    bool has_gap;
};

static void
see(void *ctx, const struct event *event)
{
    struct witness *witness = ctx;
    witness->has_gap |= event->seq != witness->last + 1;
    witness->last = event->seq;
    witness->seen++;
}

static void *
write_events(void *argument)
{
    for (int i = 0; i < EACH; i++)
        event_log_write(argument, &(struct event){ .type = EVENT_STARTED });
    return NULL;
}

static void
many_writers_make_one_sequence_without_gaps(void **state)
{
    (void)state;
    struct event_log *log = event_log_new();
    struct witness witness = { 0 };
    assert_int_equal(event_log_last(log), 0);
    assert_int_equal(event_log_add_sink(log, see, &witness, NULL), AIRS_OK);
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&threads[i], NULL, write_events, log);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(witness.seen, WRITERS * EACH);
    assert_false(witness.has_gap);
    assert_int_equal(event_log_last(log), WRITERS * EACH);
    event_log_free(log);
}

static void
a_removed_sink_sees_nothing_more(void **state)
{
    (void)state;
    struct event_log *log = event_log_new();
    struct witness first = { 0 }, second = { 0 };
    event_log_add_sink(log, see, &first, NULL);
    event_log_add_sink(log, see, &second, NULL);
    event_log_write(log, &(struct event){ .type = EVENT_STARTED });
    event_log_remove_sink(log, see, &first);
    event_log_remove_sink(log, see, &first); /* None such: nothing. */
    event_log_write(log, &(struct event){ .type = EVENT_STOPPED });
    assert_int_equal(first.seen, 1);
    assert_int_equal(second.seen, 2);
    event_log_free(log);
}

static void
a_fifth_sink_is_refused(void **state)
{
    (void)state;
    struct event_log *log = event_log_new();
    struct witness witness = { 0 };
    for (unsigned i = 0; i < EVENT_SINKS_MAX; i++)
        assert_int_equal(event_log_add_sink(log, see, &witness, NULL), AIRS_OK);
    struct airs_error error = { 0 };
    assert_int_equal(event_log_add_sink(log, see, &witness, &error), AIRS_ELIMIT);
    assert_int_equal(error.status, AIRS_ELIMIT);
    event_log_free(log);
}

static void
an_event_without_a_time_gets_one_and_a_copy_keeps_its_texts(void **state)
{
    (void)state;
    struct event_log *log = event_log_new();
    struct event event = { .type = EVENT_EXITED, .path = text_of("/a"), .detail = text_of("b") };
    uint64_t before_us = clock_now_us();
    assert_int_equal(event_log_write(log, &event), 1);
    assert_true(event.time_us >= before_us);
    struct event copy = event_copy(&event);
    event_deinit(&event);
    assert_string_equal(copy.path->text, "/a");
    assert_string_equal(copy.detail->text, "b");
    event_deinit(&copy);
    event_log_free(log);
}

static enum actor_turn
end_at_once(struct actor_context *context)
{
    (void)context;
    return ACTOR_END;
}

static const struct actor_behaviour brief = { .name = "brief", .run = end_at_once };

static void
a_path_names_one_actor_while_it_lives(void **state)
{
    (void)state;
    struct actor_system *system = new_system(&(struct actor_system_options){ .workers = 1 });
    struct refstr *path = text_of("/web/front");
    struct actor_options options = { .behaviour = &brief, .path = path };
    airs_pid pid, other;
    assert_int_equal(registry_find(system, "/web/front"), AIRS_PID_NONE);
    assert_int_equal(actor_spawn(system, &options, &pid, NULL), AIRS_OK);
    assert_int_equal(registry_find(system, "/web/front"), pid);
    assert_int_equal(registry_find(system, "/web"), AIRS_PID_NONE);
    struct airs_error error = { 0 };
    assert_int_equal(actor_spawn(system, &options, &other, &error), AIRS_EEXIST);
    assert_non_null(strstr(error.message, "/web/front"));

    actor_system_start(system, NULL);
    actor_wake(system, pid);
    uint64_t deadline_us = clock_now_us() + PATIENCE_S * US_PER_S;
    while (registry_find(system, "/web/front") != AIRS_PID_NONE && clock_now_us() < deadline_us)
        sched_yield();
    assert_int_equal(actor_spawn(system, &options, &other, NULL), AIRS_OK);
    assert_int_not_equal(other, pid);
    actor_system_free(system);
    refstr_unref(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_writers_make_one_sequence_without_gaps),
        cmocka_unit_test(a_removed_sink_sees_nothing_more),
        cmocka_unit_test(a_fifth_sink_is_refused),
        cmocka_unit_test(an_event_without_a_time_gets_one_and_a_copy_keeps_its_texts),
        cmocka_unit_test(a_path_names_one_actor_while_it_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
