/* Trace: a supervisor node under test, driven by at(), and what it did as text.
 *
 * Times are milliseconds. The shell's part is played in its plainest form: a start slot is
 * there at once (unless hold_slots), and nothing else is answered by itself. Actions and
 * events (NOTIFY) are kept apart:
 *
 *     at(10, EXITED, worker, TRAP);
 *     at(110, TIMER, worker);
 *     assert_trace("[  10] arm worker 100ms\n"
 *                  "[ 110] arm worker 10000ms\n"
 *                  "[ 110] start worker 2\n");
 *     assert_events("[  10] worker exited trap\n" …);
 */
#ifndef TRACE_H
#define TRACE_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"

#include "supervision/supervisor_node.h"

#define TRACE_BYTES_MAX 65536
#define TRACE_CHILDREN_MAX 200

static struct supervisor_node node;
static enum node_reply reply; /* Of the last event. */
static bool hold_slots;       /* ADMIT is traced, and not answered. */
static char trace[TRACE_BYTES_MAX], events[TRACE_BYTES_MAX];
static struct supervisor_child *trace_children[TRACE_CHILDREN_MAX];
static size_t trace_children_size;
static uint64_t trace_now_us;

/* Plain numbers and no jitter, so that a trace can be checked in one's head. */
__attribute__((unused)) static struct child_policy
plain_policy(void)
{
    struct child_policy policy = child_policy_default(false);
    policy.backoff.factor = 2.0;
    policy.backoff.jitter = 0.0;
    return policy;
}

__attribute__((unused)) static struct child_policy
supervisor_policy(void)
{
    struct child_policy policy = child_policy_default(true);
    policy.backoff.factor = 2.0;
    policy.backoff.jitter = 0.0;
    return policy;
}

__attribute__((format(printf, 2, 3))) static void
trace_line(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    int head =
        snprintf(text + used, TRACE_BYTES_MAX - used, "[%4" PRIu64 "] ", trace_now_us / 1000);
    assert_true(head > 0);
    used += (size_t)head;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text + used, TRACE_BYTES_MAX - used, format, arguments);
    va_end(arguments);
    assert_true(size >= 0 && used + (size_t)size < TRACE_BYTES_MAX);
}

static const char *
trace_duration(uint64_t us)
{
    static char text[32];
    if (us % 1000 == 0)
        snprintf(text, sizeof text, "%" PRIu64 "ms", us / 1000);
    else
        snprintf(text, sizeof text, "%" PRIu64 "us", us);
    return text;
}

static const char *
trace_name(const struct supervisor_child *child)
{
    return child ? child->shell : "node";
}

static void
trace_notify(const struct node_action *action)
{
    char extra[96] = "";
    if (action->event == EVENT_WAITING && action->wait == WAIT_DEPENDENCY)
        snprintf(extra, sizeof extra, " dependency");
    else if (action->has_delay)
        snprintf(extra, sizeof extra, " %s", trace_duration(action->delay_us));
    else if (action->has_exit)
        snprintf(extra, sizeof extra, " %s", exit_reason_name(action->exit.reason));
    trace_line(events, "%s %s%s\n", trace_name(action->child), event_type_name(action->event),
               extra);
}

static void
trace_action(const struct node_action *action)
{
    const char *name = trace_name(action->child);
    switch (action->type) {
    case ACTION_ADMIT:
        if (hold_slots && !action->child->is_supervisor)
            trace_line(trace, "admit %s\n", name);
        break;
    case ACTION_WITHDRAW:
        trace_line(trace, "withdraw %s\n", name);
        break;
    case ACTION_START:
        trace_line(trace, "start %s %u%s\n", name, action->generation,
                   action->everything ? " everything" : "");
        break;
    case ACTION_START_SUBTREE:
        trace_line(trace, "start-subtree %s\n", name);
        break;
    case ACTION_SETTLED:
        if (hold_slots)
            trace_line(trace, "settled %s\n", name);
        break;
    case ACTION_STOP:
        trace_line(trace, "stop %s\n", name);
        break;
    case ACTION_KILL:
        trace_line(trace, "kill %s %s\n", name, exit_reason_name(action->exit.reason));
        break;
    case ACTION_ARM:
        trace_line(trace, "arm %s %s\n", name, trace_duration(action->due_us - trace_now_us));
        break;
    case ACTION_DISARM:
        trace_line(trace, "disarm %s\n", name);
        break;
    case ACTION_RESET_CHILD:
        trace_line(trace, "reset-subtree %s\n", name);
        break;
    case ACTION_NOTIFY:
        trace_notify(action);
        break;
    case ACTION_REMOVED:
        trace_line(trace, "removed %s\n", name);
        break;
    case ACTION_NODE_READY:
        trace_line(trace, "node ready\n");
        break;
    case ACTION_NODE_NOT_READY:
        trace_line(trace, "node not ready\n");
        break;
    case ACTION_NODE_IDLE:
        trace_line(trace, "node idle\n");
        break;
    case ACTION_NODE_NOT_IDLE:
        trace_line(trace, "node not idle\n");
        break;
    case ACTION_TELL_DEPENDANTS:
        trace_line(trace, "tell %s %s\n", name,
                   action->exited ? "exited"
                   : action->met  ? "met"
                                  : "not met");
        break;
    case ACTION_ENDED:
        trace_line(trace, "node ended %s\n", exit_reason_name(action->exit.reason));
        break;
    }
}

static void
trace_step(struct node_event event)
{
    static struct node_actions buffer;
    struct supervisor_child *due[TRACE_CHILDREN_MAX];
    size_t due_size = 0;

    trace_now_us = event.now_us;
    enum node_result result = supervisor_node_step(&node, &event, &buffer);
    enum node_reply answer = buffer.reply;
    for (;;) {
        for (size_t i = 0; i < buffer.size; i++) {
            trace_action(&buffer.items[i]);
            if (buffer.items[i].type == ACTION_ADMIT &&
                (!hold_slots || buffer.items[i].child->is_supervisor))
                due[due_size++] = buffer.items[i].child;
        }
        if (result == NODE_DONE)
            break;
        result = supervisor_node_continue(&node, &buffer);
    }
    for (size_t i = 0; i < due_size; i++)
        trace_step(
            (struct node_event){ .type = NODE_ADMITTED, .now_us = event.now_us, .child = due[i] });
    reply = answer;
}

/* The current generation of `child` unless the test says another. */
__attribute__((unused)) static void
trace_at(uint64_t ms, enum node_event_type type, struct supervisor_child *child,
         enum exit_reason reason)
{
    trace_step((struct node_event){ .type = type,
                                    .now_us = ms * 1000,
                                    .child = child,
                                    .generation = child ? child->generation : 0,
                                    .exit = { .reason = reason } });
}

#define NOBODY NULL
#define TRACE_AT(ms, type, child, reason, ...) trace_at(ms, NODE_##type, child, EXIT_##reason)
/* at(ms, EVENT, child) or at(ms, EXITED, child, REASON); children may be NOBODY. */
#define at(ms, ...) TRACE_AT(ms, __VA_ARGS__, NORMAL, )

__attribute__((unused)) static struct supervisor_child *
child_new(const char *name, const struct child_policy *policy, bool is_supervisor)
{
    struct supervisor_child *child = calloc(1, supervisor_child_size(policy));
    assert_non_null(child);
    supervisor_child_init(child, policy);
    child->shell = strdup(name);
    child->is_supervisor = is_supervisor;
    child->random = 1;
    assert_true(trace_children_size < TRACE_CHILDREN_MAX);
    trace_children[trace_children_size++] = child;
    return child;
}

/* A component's child, added to the node. */
__attribute__((unused)) static struct supervisor_child *
child_add(const char *name, const struct child_policy *policy)
{
    struct supervisor_child *child = child_new(name, policy, false);
    at(0, ADD, child);
    return child;
}

__attribute__((unused)) static void
trace_clear(void)
{
    trace[0] = '\0';
    events[0] = '\0';
}

__attribute__((unused)) static int
node_setup(void **state)
{
    (void)state;
    supervisor_node_init(&node);
    hold_slots = false;
    trace_clear();
    return 0;
}

__attribute__((unused)) static int
node_teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < trace_children_size; i++) {
        free(trace_children[i]->shell);
        free(trace_children[i]);
    }
    trace_children_size = 0;
    return 0;
}

/* Before the first child. `intensity`: within 1 s; RESTARTS_UNLIMITED for none. */
__attribute__((unused)) static void
node_set(enum strategy strategy, uint32_t intensity, enum auto_shutdown auto_shutdown)
{
    static uint64_t grants_us[16];
    supervisor_node_configure(&node,
                              &(struct node_policy){ .strategy = strategy,
                                                     .auto_shutdown = auto_shutdown,
                                                     .max_restarts = intensity,
                                                     .within_us = 1000000 },
                              grants_us);
}

#define assert_trace(text)                \
    do {                                  \
        assert_string_equal(trace, text); \
        trace[0] = '\0';                  \
    } while (0)

#define assert_events(text)                \
    do {                                   \
        assert_string_equal(events, text); \
        events[0] = '\0';                  \
    } while (0)

#define assert_state(child, expected) \
    assert_string_equal(child_state_name((child)->state), child_state_name(CHILD_##expected))

/* A child of a running node, brought to `state` by the shortest way; the trace is empty then,
 * and it is 0 ms. A start timeout of 10 s is armed in STARTING, a delay of 100 ms in
 * RESTARTING, a stop timeout of 5 s in STOPPING. */
__attribute__((unused)) static struct supervisor_child *
child_in(enum child_state state, const struct child_policy *policy)
{
    struct supervisor_child *child = child_add("worker", policy);
    hold_slots = state == CHILD_REGISTERED;
    at(0, START_ALL, NOBODY);
    hold_slots = false;
    switch (state) {
    case CHILD_REGISTERED:
    case CHILD_STARTING:
        break;
    case CHILD_RESTARTING:
        at(0, STARTED, child);
        at(0, EXITED, child, TRAP);
        break;
    case CHILD_RUNNING:
        at(0, STARTED, child);
        break;
    case CHILD_STOPPING:
        at(0, STARTED, child);
        at(0, STOP, child);
        break;
    case CHILD_STOPPED:
        at(0, STARTED, child);
        at(0, STOP, child);
        at(0, EXITED, child);
        break;
    case CHILD_FAILED:
        at(0, EXITED, child, LOAD_ERROR);
        break;
    }
    assert_string_equal(child_state_name(child->state), child_state_name(state));
    trace_clear();
    return child;
}

#define a_test(name) cmocka_unit_test_setup_teardown(name, node_setup, node_teardown)

#endif
