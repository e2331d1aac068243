/* Real: a supervisor /g of three real guests, /g/first, /g/second, /g/third: what the traces say
 * of a family (family.h), seen on instances that really start and end.
 */
#ifndef CONFORMANCE_REAL_H
#define CONFORMANCE_REAL_H

#include "integration/supervision_testing.h"

HELPER const char *
member(size_t index)
{
    static const char *const paths[] = { "/g/first", "/g/second", "/g/third" };

    return paths[index];
}
#define MEMBERS 3

/* Restarted by its parent as often as it takes, after 5 ms. */
HELPER struct supervisor_config
group_config(enum strategy strategy)
{
    struct supervisor_config config = supervisor_config_default_supervisor();

    config = supervisor_config_with_strategy(config, strategy);
    return quick(config, RESTARTS_MAX);
}

HELPER struct world_child
echo_of(struct supervisor_config config)
{
    return (struct world_child){ .guest = "echo", .config = config };
}

/* A world with the group registered, not started. */
HELPER struct world *
group_world_with(struct world_options options, struct supervisor_config group,
                 const struct world_child children[MEMBERS])
{
    struct world *world = world_begin_with(options);

    world_add(world, "/g", (struct world_child){ .config = group });
    for (size_t i = 0; i < MEMBERS; i++) {
        struct world_child child = children[i];
        child.parent = "/g";
        world_add(world, member(i), child);
    }
    return world;
}

HELPER struct world *
group_world(struct supervisor_config group, const struct world_child children[MEMBERS])
{
    return group_world_with((struct world_options){ 0 }, group, children);
}

/* Three echoes of that config, all ready. */
HELPER struct world *
echo_group_with(struct world_options options, struct supervisor_config group,
                struct supervisor_config config)
{
    struct world_child children[] = { echo_of(config), echo_of(config), echo_of(config) };
    struct world *world = group_world_with(options, group, children);

    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    return world;
}

HELPER struct world *
echo_group(struct supervisor_config group, struct supervisor_config config)
{
    return echo_group_with((struct world_options){ 0 }, group, config);
}

/* Ends the instance at `path` by a trap, and does not wait for what follows. */
HELPER void
crash(struct world *world, const char *path)
{
    end_by(world, path, "crash trap");
}

/* The view of one child, once it is in that state. */
HELPER struct supervision_view
await_state(struct world *world, const char *path, enum child_state state)
{
    uint64_t deadline_us = world_deadline();
    struct supervision_view view;

    do {
        view = world_view(world, path);
        assert_true(clock_now_us() < deadline_us);
    } while (view.state != state);
    return view;
}

#endif
