/* Supervisor integration, many at once: threads that supervise, ask and send while components
 * die under them.
 *
 * Each test names the line of docs/semantics.md that it proves.
 */
#include "supervision_testing.h"

#define THREADS 4
#define EACH 4 /* Components of one thread. */

struct task {
    pthread_t thread;
    struct world *world;
    struct component_spec *spec;
    const struct supervisor_config *config;
    unsigned number;
    unsigned failures; /* cmocka's asserts belong to the main thread: it looks at this. */
};

static void
run_tasks(struct world *world, struct task tasks[THREADS], void *(*run)(void *))
{
    for (unsigned i = 0; i < THREADS; i++) {
        tasks[i].world = world;
        tasks[i].number = i;
        assert_int_equal(pthread_create(&tasks[i].thread, NULL, run, &tasks[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(tasks[i].thread, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(tasks[i].failures, 0);
}

static void
path_of(char path[32], unsigned thread, unsigned number)
{
    snprintf(path, 32, "/t%u-%u", thread, number);
}

/* Asks and waits, without asserts. */
static enum airs_status
ask(struct world *world, world_verb *verb, const char *path)
{
    struct world_answer answer = { .world = world };
    uint64_t deadline_us = world_deadline();

    verb(world->handles, path, (struct bridge_completion){ world_completed, &answer });
    pthread_mutex_lock(&world->lock);
    while (!answer.done && world_wait_change(world, deadline_us))
        continue;
    pthread_mutex_unlock(&world->lock);
    return answer.done ? answer.status : AIRS_ETIMEDOUT;
}

/* Supervises its components in a tree that runs, and restarts one that all know. */
static void *
supervise_and_restart(void *context)
{
    struct task *task = context;
    char path[32];

    for (unsigned i = 0; i < EACH; i++) {
        path_of(path, task->number, i);
        task->failures +=
            component_supervisor_supervise(task->world->handles, "/", path, task->config,
                                           component_spec_to_child(task->spec), NULL) != AIRS_OK;
        /* A name that another has already is refused, whoever comes first. */
        task->failures += component_supervisor_supervise(
                              task->world->handles, "/", "/shared", task->config,
                              component_spec_to_child(task->spec), NULL) != AIRS_EEXIST;
        enum airs_status status = ask(task->world, component_supervisor_restart, "/shared");
        task->failures += status != AIRS_OK && status != AIRS_EBUSY;
    }
    return NULL;
}

/* Strategies: "A supervisor never blocks: start and stop are requests, answered by events." */
static void
test_concurrent_supervision_operations(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct supervisor_config config = quick(supervisor_config_permanent(), 3);
    struct task tasks[THREADS];
    char path[32];

    add_echo(world, "/shared", config);
    world_start(world);
    world_wait_event(world, "/shared", EVENT_READY, 1);
    for (unsigned i = 0; i < THREADS; i++)
        tasks[i] = (struct task){ .spec = world->specs[0], .config = world->configs[0] };
    run_tasks(world, tasks, supervise_and_restart);

    assert_int_equal(component_supervisor_count(world->handles), THREADS * EACH + 1);
    for (unsigned i = 0; i < THREADS * EACH; i++) {
        path_of(path, i / EACH, i % EACH);
        world_wait_event(world, path, EVENT_READY, 1);
        assert_restarts(world, path, "crash trap");
    }
    /* The one that all of them restarted by hand runs, with a budget that nobody used. */
    uint32_t last = world_view(world, "/shared").generation;
    assert_in_range(last, 1, 1 + THREADS * EACH);
    assert_int_equal(world_view(world, "/shared").restarts, 0);
    world_end(world);
}

/* Restart: "At most `max-concurrent-starts` … starts at a time per application, by due time;
 * the rest wait for `pool`": all die at once, and come back one after the other. */
static void
test_components_that_die_together_start_within_the_limit(void **state)
{
    (void)state;
    struct world *world = world_begin_with((struct world_options){ .max_concurrent_starts = 1 });
    struct world_answer ends[8], counts[8];
    char path[32];
    unsigned starting = 0, most = 0;

    for (unsigned i = 0; i < 8; i++) {
        path_of(path, 0, i);
        add_echo(world, path, quick(supervisor_config_permanent(), 3));
    }
    world_start(world);
    for (unsigned i = 0; i < 8; i++) {
        path_of(path, 0, i);
        world_wait_event(world, path, EVENT_READY, 1);
    }
    for (unsigned i = 0; i < 8; i++) {
        path_of(path, 0, i);
        assert_int_equal(world_send(world, path, "crash trap", &ends[i]), AIRS_OK);
        assert_int_equal(world_send(world, path, "count", &counts[i]), AIRS_OK);
    }
    for (unsigned i = 0; i < 8; i++) {
        world_wait_answer(world, &counts[i]);
        assert_string_equal(counts[i].text, "1");
        assert_int_equal(ends[i].status, AIRS_EENDED);
        path_of(path, 0, i);
        assert_int_equal(world_view(world, path).generation, 2);
    }
    pthread_mutex_lock(&world->lock);
    for (size_t i = 0; i < world->events_size; i++) {
        starting += world->events[i].type == EVENT_STARTING;
        starting -= world->events[i].type == EVENT_STARTED;
        most = starting > most ? starting : most;
    }
    pthread_mutex_unlock(&world->lock);
    assert_int_equal(most, 1);
    world_end(world);
}

#define SENT 40

/* Sends to /a, which one of the threads makes crash meanwhile. Everything is answered once; the
 * instance counts its messages, so the answers ascend, but for the one change of instances. */
static void *
send_in_order(void *context)
{
    struct task *task = context;
    struct world_answer answers[SENT];
    uint64_t deadline_us = world_deadline();
    unsigned changes = 0;
    int last = 0;

    for (unsigned i = 0; i < SENT; i++) {
        bool crash = i == SENT / 2 && task->number == 0;
        task->failures +=
            world_send(task->world, "/a", crash ? "crash trap" : "count", &answers[i]) != AIRS_OK;
    }
    pthread_mutex_lock(&task->world->lock);
    for (unsigned i = 0; i < SENT; i++) {
        bool crash = i == SENT / 2 && task->number == 0;
        while (!answers[i].done && world_wait_change(task->world, deadline_us))
            continue;
        task->failures += answers[i].status != (crash ? AIRS_EENDED : AIRS_OK);
        if (crash)
            continue;
        changes += atoi(answers[i].text) <= last;
        last = atoi(answers[i].text);
    }
    pthread_mutex_unlock(&task->world->lock);
    task->failures += changes > 1;
    return NULL;
}

/* Messages: "Order is kept per sender and target. At most once": over the death of the target. */
static void
test_concurrent_senders_lose_nothing_in_a_restart(void **state)
{
    (void)state;
    struct world *world = begin_echo(quick(supervisor_config_permanent(), 3));
    struct task tasks[THREADS] = { 0 };

    run_tasks(world, tasks, send_in_order);
    struct supervision_view view = world_view(world, "/a");
    assert_int_equal(view.generation, 2);
    assert_int_equal(view.restarts, 1);
    assert_int_equal(view.mailbox, 0);
    assert_restarts(world, "/a", "crash trap");
    world_end(world);
}

static void *
pull_about(void *context)
{
    static world_verb *const verbs[] = { component_supervisor_restart, component_supervisor_kill,
                                         world_stop, component_supervisor_start };
    struct task *task = context;

    for (unsigned i = 0; i < 25; i++) {
        enum airs_status status = ask(task->world, verbs[(i + task->number) % THREADS], "/a");
        task->failures += status != AIRS_OK && status != AIRS_EBUSY && status != AIRS_EALREADY &&
                          status != AIRS_ENOTRUNNING;
    }
    return NULL;
}

/* Words: "generation: the number of a start attempt of a child, from 1; an event of any other
 * generation than the current one is dropped". */
static void
test_concurrent_verbs_leave_one_instance_with_one_end_each(void **state)
{
    (void)state;
    struct world *world = begin_echo(world_immortal());
    struct task tasks[THREADS] = { 0 };
    struct engine_usage usage;
    uint32_t generation = 0;
    unsigned exits = 0;

    run_tasks(world, tasks, pull_about);
    /* Whatever was asked for, and goes on behind its answer, is over with this stop. */
    while (world_view(world, "/a").state != CHILD_STOPPED)
        world_do(world, world_stop, "/a");
    assert_int_equal(world_do(world, component_supervisor_start, "/a"), AIRS_OK);
    assert_answer(world, "/a", "starts", "1");
    assert_restarts(world, "/a", "crash trap");
    engine_usage(world->engine, &usage);
    assert_int_equal(usage.instances, 1);
    pthread_mutex_lock(&world->lock);
    for (size_t i = 0; i < world->events_size; i++) {
        const struct event *event = &world->events[i];
        if (event->type == EVENT_STARTING) {
            assert_int_equal(event->generation, generation + 1);
            assert_int_equal(exits, generation);
            generation++;
        } else if (event->type == EVENT_EXITED) {
            assert_int_equal(event->generation, generation);
            exits++;
        }
    }
    pthread_mutex_unlock(&world->lock);
    assert_int_equal(exits, generation - 1);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_concurrent_supervision_operations),
        cmocka_unit_test(test_components_that_die_together_start_within_the_limit),
        cmocka_unit_test(test_concurrent_senders_lose_nothing_in_a_restart),
        cmocka_unit_test(test_concurrent_verbs_leave_one_instance_with_one_end_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
