/* Every verb in every state of a real guest, with its answer and where it leads: the table of
 * semantics.md, "By hand". */
#include "real.h"

#define GONE CHILD_STATES /* Deleted. */

static const struct {
    const char *name;
    world_verb *verb;
    /* In registered, restarting, starting, running, stopping, stopped, failed. */
    enum airs_status answers[CHILD_STATES];
    int to[CHILD_STATES];
} verbs[] = {
#define REG CHILD_REGISTERED
#define RST CHILD_RESTARTING
#define STA CHILD_STARTING
#define RUN CHILD_RUNNING
#define STG CHILD_STOPPING
#define STD CHILD_STOPPED
#define FLD CHILD_FAILED
#define OK AIRS_OK
    { "start",
      component_supervisor_start,
      { OK, OK, AIRS_EALREADY, AIRS_EALREADY, AIRS_EBUSY, OK, OK },
      { RUN, RUN, STA, RUN, STG, RUN, RUN } },
    { "stop", world_stop, { OK, OK, OK, OK, OK, OK, OK }, { STD, STD, STD, STD, STG, STD, STD } },
    { "restart",
      component_supervisor_restart,
      { OK, OK, OK, OK, AIRS_EBUSY, OK, OK },
      { RUN, RUN, STA, RUN, STG, RUN, RUN } },
    { "kill",
      component_supervisor_kill,
      { AIRS_ENOTRUNNING, AIRS_ENOTRUNNING, OK, OK, OK, AIRS_ENOTRUNNING, AIRS_ENOTRUNNING },
      { REG, RST, RST, RST, STD, STD, FLD } },
    { "reset",
      component_supervisor_reset,
      { OK, OK, OK, OK, OK, OK, OK },
      { REG, RST, STA, RUN, STG, STD, STD } },
    { "delete",
      component_supervisor_delete,
      { OK, OK, OK, OK, OK, OK, OK },
      { GONE, GONE, GONE, GONE, STG, GONE, GONE } },
#undef REG
#undef RST
#undef STA
#undef RUN
#undef STG
#undef STD
#undef FLD
#undef OK
};
#define VERBS (sizeof verbs / sizeof verbs[0])

static struct world *
world_of(struct world_child child)
{
    struct world *world = world_begin();

    world_add(world, "/g", (struct world_child){ .config = group_config(STRATEGY_ONE_FOR_ONE) });
    child.parent = "/g";
    world_add(world, member(1), child);
    world_start(world);
    return world;
}

/* In a group, the one in the middle waits for its turn, as the first never gets ready. */
static struct world *
registered_world(void)
{
    struct supervisor_config config = supervisor_config_with_shutdown(
        supervisor_config_with_start_timeout(world_immortal(), DURATION_INFINITE), 10 * MS);
    struct world_child children[] = {
        { .guest = "initfail", .text = "sleep", .config = config },
        echo_of(config),
        echo_of(config),
    };
    struct world *world = group_world(group_config(STRATEGY_ONE_FOR_ALL), children);

    world_start(world);
    world_wait_event(world, member(0), EVENT_STARTING, 1);
    return world;
}

/* A world whose child member(1) is in that state, and stays there if it is left alone. */
static struct world *
world_in(enum child_state state)
{
    struct supervisor_config config = delayed(supervisor_config_permanent(), NEVER_BACK_US);
    struct supervisor_config slow = supervisor_config_with_start_timeout(config, DURATION_INFINITE);
    struct world *world = NULL;

    switch (state) {
    case CHILD_REGISTERED:
        return registered_world();
    case CHILD_RESTARTING:
        world = world_of(echo_of(config));
        crash(world, member(1));
        return world;
    case CHILD_STARTING:
        slow = supervisor_config_with_shutdown(slow, 10 * MS);
        return world_of(
            (struct world_child){ .guest = "initfail", .text = "sleep", .config = slow });
    case CHILD_RUNNING:
        return world_of(echo_of(config));
    case CHILD_STOPPING:
        slow = supervisor_config_with_shutdown(slow, DURATION_INFINITE);
        world =
            world_of((struct world_child){ .guest = "badstop", .text = "sleep", .config = slow });
        world_wait_event(world, member(1), EVENT_READY, 1);
        world_do(world, world_stop, member(1));
        return world;
    case CHILD_STOPPED:
        world = world_of(echo_of(config));
        world_wait_event(world, member(1), EVENT_READY, 1);
        world_do(world, world_stop, member(1));
        return world;
    case CHILD_FAILED:
        world = world_of(echo_of(supervisor_config_with_max_restarts(config, 0)));
        crash(world, member(1));
        return world;
    }
    return world;
}

static void
try_verb(size_t index, enum child_state from)
{
    struct world *world = world_in(from);
    int to = verbs[index].to[from];
    enum airs_status expected = verbs[index].answers[from];
    bool is_start = verbs[index].verb == component_supervisor_start ||
                    verbs[index].verb == component_supervisor_restart;
    uint32_t generation = from != CHILD_REGISTERED;

    await_state(world, member(1), from);
    assert_int_equal(world_do(world, verbs[index].verb, member(1)), expected);
    if (to == GONE) {
        world_wait_event(world, member(1), EVENT_DELETED, 0);
        assert_int_equal(world_do(world, component_supervisor_start, member(1)), AIRS_ENOENT);
    } else {
        if (is_start && expected == AIRS_OK)
            world_wait_event(world, member(1), EVENT_STARTING, ++generation);
        assert_int_equal(await_state(world, member(1), (enum child_state)to).generation,
                         generation);
    }
    if (to == CHILD_STOPPING) /* It has all the time; a kill ends it. */
        assert_int_equal(world_do(world, component_supervisor_kill, member(1)), AIRS_OK);
    if (verbs[index].verb == component_supervisor_delete)
        world_wait_event(world, member(1), EVENT_DELETED, 0);
    world_end(world);
}

static void
every_verb_in_every_state_has_its_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERBS; i++)
        for (int from = 0; from < CHILD_STATES; from++) {
            print_message("%s in %s\n", verbs[i].name, child_state_name((enum child_state)from));
            try_verb(i, (enum child_state)from);
        }
}

/* By hand: "add of an existing name: \"exists\", with its state". */
static void
a_name_that_exists_is_refused_in_every_state(void **state)
{
    (void)state;
    for (int from = 0; from < CHILD_STATES; from++) {
        struct world *world = world_in((enum child_state)from);
        struct airs_error error = { 0 };
        await_state(world, member(1), (enum child_state)from);
        assert_int_equal(
            component_supervisor_supervise(world->handles, "/g", member(1), world->configs[1],
                                           component_spec_to_child(world->specs[1]), &error),
            AIRS_EEXIST);
        assert_non_null(strstr(error.message, member(1)));
        assert_int_equal(world_view(world, member(1)).state, from);
        if (from == CHILD_STOPPING)
            world_do(world, component_supervisor_kill, member(1));
        world_end(world);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_in_every_state_has_its_answer),
        cmocka_unit_test(a_name_that_exists_is_refused_in_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
