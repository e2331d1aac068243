/* What the tests of supervision share: configs, and the proof that a child was restarted.
 *
 * Each test ends real components and names above itself the line of docs/semantics.md that it
 * proves.
 */
#ifndef TESTS_INTEGRATION_SUPERVISION_TESTING_H
#define TESTS_INTEGRATION_SUPERVISION_TESTING_H

#include "world.h"

#define MS US_PER_MS
#define NEVER_BACK_US (UINT64_C(3600) * US_PER_S) /* A delay whose end no test sees. */

/* The same delay before each restart, without jitter. */
HELPER struct supervisor_config
delayed(struct supervisor_config config, uint64_t delay_us)
{
    struct backoff backoff = backoff_linear(delay_us, delay_us);

    backoff.jitter = 0;
    return supervisor_config_with_backoff(config, backoff);
}

/* That config with that many restarts, each after 5 ms. */
HELPER struct supervisor_config
quick(struct supervisor_config config, uint32_t max_restarts)
{
    return delayed(supervisor_config_with_max_restarts(config, max_restarts), 5 * MS);
}

/* An echo at `path` under the root. */
HELPER void
add_echo(struct world *world, const char *path, struct supervisor_config config)
{
    world_add(world, path, (struct world_child){ .guest = "echo", .config = config });
}

/* A world with one child, an echo at /a, that runs. */
HELPER struct world *
begin_echo(struct supervisor_config config)
{
    struct world *world = world_begin();

    add_echo(world, "/a", config);
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    return world;
}

/* Ends the instance of the echo at `path`, which is handling `how`. */
HELPER void
end_by(struct world *world, const char *path, const char *how)
{
    assert_int_equal(world_call(world, path, how).status, AIRS_EENDED);
}

/* As end_by(), and waits until the generation after that one is ready. */
HELPER void
crash_and_wait(struct world *world, const char *path)
{
    uint32_t generation = world_view(world, path).generation;

    end_by(world, path, "crash trap");
    world_wait_event(world, path, EVENT_READY, generation + 1);
}

/* The echo at `path` ends by `how` and is restarted: generation + 1, its own counter at 1
 * again, and the mail that was queued behind its end is answered in order. */
HELPER void
assert_restarts(struct world *world, const char *path, const char *how)
{
    uint32_t generation = world_view(world, path).generation;
    struct world_answer slow, end, after[3];

    assert_true(atoi(world_call(world, path, "count").text) >= 1);
    assert_int_equal(world_send(world, path, "sleep 20", &slow), AIRS_OK);
    assert_int_equal(world_send(world, path, how, &end), AIRS_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(world_send(world, path, "count", &after[i]), AIRS_OK);
    world_wait_answer(world, &slow);
    world_wait_answer(world, &end);
    assert_string_equal(slow.text, "slept");
    assert_int_equal(end.status, AIRS_EENDED);
    for (size_t i = 0; i < 3; i++) {
        world_wait_answer(world, &after[i]);
        assert_int_equal(after[i].status, AIRS_OK);
        assert_int_equal(atoi(after[i].text), i + 1);
    }
    assert_answer(world, path, "starts", "1");
    world_wait_event(world, path, EVENT_READY, generation + 1);
    assert_int_equal(world_view(world, path).generation, generation + 1);
}

/* The state that layer 1 gets from the node. */
HELPER component_supervision_state
state_of(struct world *world, const char *path)
{
    component_supervision_state state = CHILD_REGISTERED;

    assert_true(component_supervisor_query_state(world->handles, path, &state));
    return state;
}

/* The n-th (from 1) event of the kind at `path`, waited for; its texts may not be used. */
HELPER struct event
nth_event(struct world *world, const char *path, enum event_type type, size_t n)
{
    uint64_t deadline_us = world_deadline();
    struct event found = { 0 };

    pthread_mutex_lock(&world->lock);
    for (;;) {
        const struct event *event = NULL;
        size_t from = 0;
        for (size_t i = 0; i < n; i++) {
            event = world_find_locked(world, path, type, 0, from);
            if (!event)
                break;
            from = (size_t)(event - world->events) + 1;
        }
        if (event) {
            found = *event;
            break;
        }
        bool in_time = world_wait_change(world, deadline_us);
        if (!in_time)
            world_print(world);
        assert_true(in_time);
    }
    pthread_mutex_unlock(&world->lock);
    return found;
}

#endif
