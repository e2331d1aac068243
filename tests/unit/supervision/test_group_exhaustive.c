/* A group of four, exhaustively: its restart is played through, and at each position of it each of
 * a second exit, a stop, a delete, a kill, a start or restart by hand, a timeout, and a stop of
 * all is injected for each child. Whatever comes: nothing stands still, stops go in reverse order
 * and starts in order, one at a time, an end while being stopped never counts, and all can be
 * ended.
 *
 * The shell here answers as slowly as it may: one answer at a time, the oldest first.
 */
#include "trace.h"

#define CHILDREN 4
#define POSITIONS_MAX 64
#define STEPS_MAX 400

static struct child_policy policy;
static struct supervisor_child *four[CHILDREN];
static bool deleted[CHILDREN];
static uint64_t now_ms;
static unsigned played;

/* What the shell owes the node. */
struct answer {
    enum node_event_type type;
    struct supervisor_child *child;
    uint32_t generation;
    enum exit_reason reason;
};
static struct answer owed[256];
static size_t owed_first, owed_end;
static bool armed[CHILDREN];
static const struct supervisor_child *by_hand; /* Stopped, whatever the order; NULL: nobody. */

static size_t
index_of(const struct supervisor_child *child)
{
    for (size_t i = 0; i < CHILDREN; i++)
        if (four[i] == child)
            return i;
    assert_true(false);
    return 0;
}

static void
owe(enum node_event_type type, struct supervisor_child *child, enum exit_reason reason)
{
    assert_true(owed_end < sizeof owed / sizeof owed[0]);
    owed[owed_end++] = (struct answer){ type, child, child->generation, reason };
}

/* Nothing of an instance that is gone is said any more. */
static void
forget(const struct supervisor_child *child)
{
    for (size_t i = owed_first; i < owed_end; i++)
        if (owed[i].child == child)
            owed[i].child = NULL;
}

static void
check_start_in_order(const struct supervisor_child *child)
{
    if (child->group != GROUP_START)
        return;
    for (size_t i = 0; i < CHILDREN; i++) {
        if (deleted[i] || four[i] == child)
            continue;
        assert_int_not_equal(four[i]->group, GROUP_STOP);
        assert_false(four[i]->group_delay); /* Nobody starts while the failed one's delay runs. */
        assert_true(four[i]->group == GROUP_NONE || i > index_of(child));
    }
}

/* Whoever is asked to stop in the order of its siblings has none after it that is still to end. */
static void
check_stop_in_order(const struct supervisor_child *child)
{
    if (child == by_hand)
        return;
    for (size_t i = index_of(child) + 1; i < CHILDREN; i++)
        assert_true(deleted[i] || four[i] == by_hand || four[i]->group != GROUP_STOP);
}

static void
perform(const struct node_action *action)
{
    struct supervisor_child *child = action->child;
    switch (action->type) {
    case ACTION_ADMIT:
        check_start_in_order(child);
        owe(NODE_ADMITTED, child, EXIT_NORMAL);
        return;
    case ACTION_WITHDRAW:
        forget(child);
        return;
    case ACTION_START:
        owe(NODE_STARTED, child, EXIT_NORMAL);
        return;
    case ACTION_STOP:
        check_stop_in_order(child);
        forget(child);
        owe(NODE_EXITED, child, EXIT_NORMAL);
        return;
    case ACTION_KILL:
        forget(child);
        owe(NODE_EXITED, child, EXIT_KILLED);
        return;
    case ACTION_ARM:
        armed[index_of(child)] = true;
        return;
    case ACTION_DISARM:
        armed[index_of(child)] = false;
        return;
    case ACTION_REMOVED:
        forget(child);
        deleted[index_of(child)] = true;
        return;
    case ACTION_START_SUBTREE:
    case ACTION_SETTLED:
    case ACTION_RESET_CHILD:
    case ACTION_NOTIFY:
    case ACTION_NODE_READY:
    case ACTION_NODE_NOT_READY:
    case ACTION_NODE_IDLE:
    case ACTION_NODE_NOT_IDLE:
    case ACTION_TELL_DEPENDANTS:
    case ACTION_ENDED:
        return;
    }
}

static void
feed(struct answer answer)
{
    static struct node_actions actions;
    struct node_event event = { .type = answer.type,
                                .now_us = now_ms * 1000,
                                .child = answer.child,
                                .generation = answer.generation,
                                .exit.reason = answer.reason };
    enum node_result result = supervisor_node_step(&node, &event, &actions);
    for (;;) {
        for (size_t i = 0; i < actions.size; i++)
            perform(&actions.items[i]);
        if (result == NODE_DONE)
            return;
        result = supervisor_node_continue(&node, &actions);
    }
}

/* The oldest answer, or else the timer that is due first. False: there is nothing left to come. */
static bool
go_on(void)
{
    now_ms++;
    while (owed_first < owed_end) {
        struct answer answer = owed[owed_first++];
        if (answer.child) {
            feed(answer);
            return true;
        }
    }
    owed_first = owed_end = 0;
    size_t next = CHILDREN;
    for (size_t i = 0; i < CHILDREN; i++)
        if (!deleted[i] && armed[i] && (next == CHILDREN || four[i]->due_us < four[next]->due_us))
            next = i;
    if (next == CHILDREN)
        return false;
    if (four[next]->due_us / 1000 >= now_ms)
        now_ms = four[next]->due_us / 1000 + 1;
    armed[next] = false;
    feed((struct answer){ NODE_TIMER, four[next], 0, EXIT_NORMAL });
    return true;
}

static unsigned
settle(void)
{
    unsigned steps = 0;
    while (go_on())
        assert_in_range(++steps, 1, STEPS_MAX);
    return steps;
}

/* An exit of the child's own accord: what it owed before, it owes no more. */
static void
exit_of(size_t index, enum exit_reason reason)
{
    struct supervisor_child *child = four[index];
    bool alive = child->state == CHILD_STARTING || child->state == CHILD_RUNNING ||
                 child->state == CHILD_STOPPING;
    if (deleted[index] || !alive)
        return;
    forget(child);
    feed((struct answer){ NODE_EXITED, child, child->generation, reason });
}

/* A user's predicate: a and c belong together, and b and d. */
static bool
is_of_its_pair(void *ctx, const struct supervisor_child *failed,
               const struct supervisor_child *candidate)
{
    (void)ctx;
    return index_of(failed) % 2 == index_of(candidate) % 2;
}

static void
begin(enum strategy strategy, enum restart_policy restart)
{
    node_teardown(NULL);
    node_setup(NULL);
    policy = plain_policy();
    policy.restart = restart;
    policy.max_restarts = 20;
    node_set(strategy, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    node.policy.affects = is_of_its_pair;
    now_ms = 0;
    owed_first = owed_end = 0;
    by_hand = NULL;
    for (size_t i = 0; i < CHILDREN; i++) {
        static const char *const names[] = { "a", "b", "c", "d" };
        four[i] = child_new(names[i], &policy, false);
        armed[i] = deleted[i] = false;
        feed((struct answer){ NODE_ADD, four[i], 0, EXIT_NORMAL });
    }
    feed((struct answer){ NODE_START_ALL, NULL, 0, EXIT_NORMAL });
    settle();
    for (size_t i = 0; i < CHILDREN; i++)
        assert_state(four[i], RUNNING);
}

enum injection {
    INJECT_TRAP,
    INJECT_NORMAL,
    INJECT_TIMEOUT,
    INJECT_STOP,
    INJECT_DELETE,
    INJECT_KILL,
    INJECT_START,
    INJECT_RESTART,
    INJECT_STOP_ALL,
    INJECT_START_ALL,
    INJECTIONS
};

static void
inject(enum injection injection, size_t index)
{
    static const enum node_event_type verbs[INJECTIONS] = {
        [INJECT_STOP] = NODE_STOP,   [INJECT_DELETE] = NODE_DELETE,   [INJECT_KILL] = NODE_KILL,
        [INJECT_START] = NODE_START, [INJECT_RESTART] = NODE_RESTART,
    };
    struct supervisor_child *child = four[index];
    switch (injection) {
    case INJECT_TRAP:
        exit_of(index, EXIT_TRAP);
        return;
    case INJECT_NORMAL:
        exit_of(index, EXIT_NORMAL);
        return;
    case INJECT_TIMEOUT: /* Of its start, its stop or its delay, before anything else comes. */
        if (deleted[index] || !armed[index])
            return;
        now_ms = child->due_us / 1000 + 1;
        armed[index] = false;
        feed((struct answer){ NODE_TIMER, child, 0, EXIT_NORMAL });
        return;
    case INJECT_STOP:
    case INJECT_DELETE:
    case INJECT_KILL:
    case INJECT_START:
    case INJECT_RESTART:
        by_hand = child;
        if (!deleted[index])
            feed((struct answer){ verbs[injection], child, 0, EXIT_NORMAL });
        return;
    case INJECT_STOP_ALL:
        feed((struct answer){ NODE_STOP_ALL, NULL, 0, EXIT_NORMAL });
        return;
    case INJECT_START_ALL:
        if (node.state == NODE_RUNNING) {
            static struct node_actions actions;
            struct node_event event = { .type = NODE_START_ALL,
                                        .now_us = now_ms * 1000,
                                        .everything = true };
            assert_int_equal(supervisor_node_step(&node, &event, &actions), NODE_DONE);
            for (size_t i = 0; i < actions.size; i++)
                perform(&actions.items[i]);
        }
        return;
    case INJECTIONS:
        break;
    }
    assert_true(false);
}

/* Nothing is in the middle of anything, and everybody is where the injection leaves them. */
static void
check_rest(enum injection injection, size_t index, enum restart_policy restart)
{
    assert_null(node.turn);
    assert_null(node.stops);
    assert_int_equal(node.stops_awaited, 0);
    assert_int_equal(node.group_delays, 0);
    if (injection == INJECT_STOP_ALL) {
        assert_int_equal(node.state, NODE_STOPPED);
        return;
    }
    assert_int_equal(node.state, NODE_RUNNING);
    for (size_t i = 0; i < CHILDREN; i++) {
        if (deleted[i]) {
            assert_true(injection == INJECT_DELETE && i == index);
            continue;
        }
        assert_int_equal(four[i]->group, GROUP_NONE);
        bool may_rest = i == index && (injection == INJECT_STOP || restart == RESTART_TRANSIENT);
        assert_true(four[i]->state == CHILD_RUNNING ||
                    (may_rest && four[i]->state == CHILD_STOPPED));
        assert_true(four[i]->state != CHILD_RUNNING || four[i]->ready);
    }
}

/* False: the restart was over before `position`. */
static bool
play(enum strategy strategy, enum restart_policy restart, size_t failed, unsigned position,
     enum injection injection, size_t index)
{
    begin(strategy, restart);
    exit_of(failed, EXIT_TRAP);
    for (unsigned i = 0; i < position; i++)
        if (!go_on())
            return false;
    bool is_condemned = !deleted[index] && four[index]->group == GROUP_STOP;
    inject(injection, index);
    settle();
    check_rest(injection, index, restart);
    if (strategy == STRATEGY_REST_FOR_ONE && index >= failed && injection != INJECT_START_ALL)
        for (size_t i = 0; i < failed; i++)
            assert_int_equal(four[i]->generation, 1);
    uint32_t grants = 0;
    for (size_t i = 0; i < CHILDREN; i++)
        grants += deleted[i] ? 0 : four[i]->restarts;
    /* The first exit and at most the second one: all other ends were those of stops. */
    assert_in_range(grants, 0, is_condemned ? 1 : 2);
    if (node.state == NODE_RUNNING)
        feed((struct answer){ NODE_STOP_ALL, NULL, 0, EXIT_NORMAL });
    settle();
    assert_int_equal(node.state, NODE_STOPPED);
    played++;
    return true;
}

static void
play_all(enum strategy strategy, enum restart_policy restart)
{
    played = 0;
    for (size_t failed = 0; failed < CHILDREN; failed++)
        for (int injection = 0; injection < INJECTIONS; injection++)
            for (size_t index = 0; index < CHILDREN; index++) {
                unsigned position = 0;
                while (play(strategy, restart, failed, position, (enum injection)injection, index))
                    assert_in_range(++position, 1, POSITIONS_MAX);
            }
    assert_in_range(played, 500, UINT32_MAX);
}

static void
one_for_all_ends_well_whatever_comes_where(void **state)
{
    (void)state;
    play_all(STRATEGY_ONE_FOR_ALL, RESTART_PERMANENT);
    play_all(STRATEGY_ONE_FOR_ALL, RESTART_TRANSIENT);
}

static void
rest_for_one_ends_well_whatever_comes_where(void **state)
{
    (void)state;
    play_all(STRATEGY_REST_FOR_ONE, RESTART_PERMANENT);
    play_all(STRATEGY_REST_FOR_ONE, RESTART_TRANSIENT);
}

static void
a_predicate_ends_well_whatever_comes_where(void **state)
{
    (void)state;
    play_all(STRATEGY_PREDICATE, RESTART_PERMANENT);
    play_all(STRATEGY_PREDICATE, RESTART_TRANSIENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, node_setup, node_teardown)
        TEST(one_for_all_ends_well_whatever_comes_where),
        TEST(rest_for_one_ends_well_whatever_comes_where),
        TEST(a_predicate_ends_well_whatever_comes_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
