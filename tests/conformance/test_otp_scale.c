/* Start and stop of 10,000 children take at most 15 times as long as of 1,000, under every
 * strategy: the costs of a step do not grow with the siblings.
 *
 * The actions are taken as they come, without text. */
#include <time.h>

#include "base/list.h"
#include "family.h"

#define SMALL 1000
#define LARGE 10000
#define TIMES_MAX 15
#define ROUNDS 15
#define QUEUE_MAX (4 * LARGE)

static struct supervisor_child *children;
static struct node_event queue[QUEUE_MAX]; /* What the children do next. */
static size_t queue_head, queue_tail;

static void
queue_push(enum node_event_type type, struct supervisor_child *child)
{
    assert_true(queue_tail - queue_head < QUEUE_MAX);
    queue[queue_tail++ % QUEUE_MAX] =
        (struct node_event){ .type = type, .child = child, .generation = child->generation };
}

/* A start slot is there at once, and every child obeys at once. */
static void
obey(const struct node_actions *actions)
{
    for (size_t i = 0; i < actions->size; i++) {
        struct supervisor_child *child = actions->items[i].child;
        if (actions->items[i].type == ACTION_ADMIT)
            queue_push(NODE_ADMITTED, child);
        else if (actions->items[i].type == ACTION_START)
            queue_push(NODE_STARTED, child);
        else if (actions->items[i].type == ACTION_STOP)
            queue_push(NODE_EXITED, child);
    }
}

static void
run(struct node_event event)
{
    static struct node_actions actions;
    queue_head = queue_tail = 0;
    for (;;) {
        enum node_result result = supervisor_node_step(&node, &event, &actions);
        obey(&actions);
        while (result == NODE_MORE) {
            result = supervisor_node_continue(&node, &actions);
            obey(&actions);
        }
        if (queue_head == queue_tail)
            return;
        event = queue[queue_head++ % QUEUE_MAX];
    }
}

/* Of this thread on a processor: what others do on the machine does not count. */
static uint64_t
thread_us(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return (uint64_t)spent.tv_sec * 1000000 + (uint64_t)spent.tv_nsec / 1000;
}

/* Microseconds to register, start and stop `count` children. */
static uint64_t
life_us(enum strategy strategy, const struct child_policy *policy, size_t count)
{
    size_t bytes = supervisor_child_size(policy);
    supervisor_node_init(&node);
    node_set(strategy, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    children = calloc(count, bytes);
    assert_non_null(children);

    uint64_t begin_us = thread_us();
    for (size_t i = 0; i < count; i++) {
        struct supervisor_child *child = (void *)((char *)children + i * bytes);
        supervisor_child_init(child, policy);
        run((struct node_event){ .type = NODE_ADD, .child = child });
    }
    run((struct node_event){ .type = NODE_START_ALL });
    assert_int_equal(node.counts[CHILD_RUNNING], count);
    run((struct node_event){ .type = NODE_STOP_ALL });
    assert_int_equal(node.counts[CHILD_STOPPED], count);
    uint64_t us = thread_us() - begin_us;
    free(children);
    return us;
}

static int
compare_times(const void *one, const void *other)
{
    double difference = *(const double *)one - *(const double *)other;
    return (difference > 0) - (difference < 0);
}

/* How many times as long the large family takes, in the median: both are timed in turns, because
 * a machine that others use changes its speed. */
static double
times_as_long(enum strategy strategy, const struct child_policy *policy)
{
    double times[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double small = (double)life_us(strategy, policy, SMALL);
        times[i] = (double)life_us(strategy, policy, LARGE) / small;
    }
    qsort(times, ROUNDS, sizeof *times, compare_times);
    return times[ROUNDS / 2];
}

static void
ten_times_the_children_take_at_most_fifteen_times_as_long(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    for (size_t i = 0; i < FAMILY_STRATEGIES; i++) {
        double times = times_as_long(family_strategies[i], &policy);
        print_message("%d: %.1f times\n", (int)i, times);
        assert_true(times <= TIMES_MAX);
    }
    supervisor_node_init(&node);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(ten_times_the_children_take_at_most_fifteen_times_as_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
