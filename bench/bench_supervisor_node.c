/* What a decision costs: an exit that is granted a restart, from event to actions, in a node
 * of 10 and of 100,000 children of which a random one crashes each time.
 *
 * Each decision is timed alone, and what an empty measurement takes is subtracted. Targets:
 * the median below 200 ns at both sizes. Exits 1 on a miss.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "supervision/supervisor_node.h"

#define DECISIONS 200000u
#define TARGET_NS 200u

static uint64_t times_ns[DECISIONS];

static int
compare_times(const void *a, const void *b)
{
    const uint64_t *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

static uint64_t
empty_measurement_ns(void)
{
    for (unsigned i = 0; i < DECISIONS; i++) {
        uint64_t before = clock_now_ns();
        times_ns[i] = clock_now_ns() - before;
    }
    qsort(times_ns, DECISIONS, sizeof times_ns[0], compare_times);
    return times_ns[DECISIONS / 2];
}

static void
feed(struct supervisor_node *node, struct supervisor_child *child, enum node_event_type type,
     uint64_t now_us)
{
    struct node_actions actions;
    struct node_event event = {
        .type = type, .now_us = now_us, .child = child, .generation = child->generation
    };
    supervisor_node_step(node, &event, &actions);
}

static struct supervisor_child **
children_new(struct supervisor_node *node, const struct child_policy *policy, uint32_t size)
{
    struct supervisor_child **children = calloc(size, sizeof *children);
    if (!children)
        abort();
    node->state = NODE_RUNNING;
    for (uint32_t i = 0; i < size; i++) {
        children[i] = calloc(1, supervisor_child_size(policy));
        if (!children[i])
            abort();
        supervisor_child_init(children[i], policy);
        children[i]->random = (uint16_t)i;
        feed(node, children[i], NODE_ADD, 0);
        feed(node, children[i], NODE_ADMITTED, 0);
        feed(node, children[i], NODE_STARTED, 0);
    }
    return children;
}

static uint64_t
decide(struct supervisor_node *node, struct supervisor_child *child, uint64_t now_us,
       uint64_t empty_ns)
{
    struct node_actions actions;
    struct node_event event = { .type = NODE_EXITED,
                                .now_us = now_us,
                                .child = child,
                                .generation = child->generation,
                                .exit.reason = EXIT_TRAP };
    uint64_t before = clock_now_ns();
    supervisor_node_step(node, &event, &actions);
    uint64_t taken = clock_now_ns() - before;
    return taken > empty_ns ? taken - empty_ns : 0;
}

static bool
measure(uint32_t size, uint64_t empty_ns)
{
    struct child_policy policy = child_policy_default(false);
    policy.max_restarts = 10;
    policy.within_us = 1;
    struct supervisor_node node;
    supervisor_node_init(&node);
    struct supervisor_child **children = children_new(&node, &policy, size);
    uint64_t random = 1, now_us = 0;

    for (unsigned i = 0; i < DECISIONS; i++) {
        struct supervisor_child *child = children[random_up_to(&random, size - 1)];
        now_us += 1000;
        times_ns[i] = decide(&node, child, now_us, empty_ns);
        now_us = child->due_us > now_us ? child->due_us : now_us;
        feed(&node, child, NODE_TIMER, now_us);
        feed(&node, child, NODE_ADMITTED, now_us);
        feed(&node, child, NODE_STARTED, now_us);
    }
    qsort(times_ns, DECISIONS, sizeof times_ns[0], compare_times);
    uint64_t median = times_ns[DECISIONS / 2];
    bool reached = median < TARGET_NS && node.ignored == 0;
    printf("decision at %6" PRIu32 " children: min %" PRIu64 " ns, median %" PRIu64
           " ns, p99 %" PRIu64 " ns; target: median < %u ns %s\n",
           size, times_ns[0], median, times_ns[DECISIONS / 100 * 99], TARGET_NS,
           reached ? "reached" : "MISSED");
    for (uint32_t i = 0; i < size; i++)
        free(children[i]);
    free(children);
    return reached;
}

int
main(void)
{
    uint64_t empty_ns = empty_measurement_ns();
    printf("a child of a node takes %zu B without its grants, 8 B each\n",
           sizeof(struct supervisor_child));
    bool small = measure(10, empty_ns);
    bool large = measure(100000, empty_ns);
    return small && large ? 0 : 1;
}
