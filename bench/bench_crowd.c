/* Crowd: 10,000 native children of one supervisor exit in one instant, and what it takes to list
 * 100,000.
 *
 * The instant: every worker is held in the turn of a blocker while the exits are asked for, then
 * let go, so that all of them are behind one another without a pause. Each must be decided once:
 * as many grants as exits, one of each child, all of them running again after their delay, none of
 * the reports lost or taken twice. Exits 1 on a miss.
 */
#include <sched.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/event_log.h"
#include "runtime/supervisor_actor.h"

#include "native_rig.h"

#define CHILDREN 10000u
#define LISTED 100000u
#define LISTS 21u
#define WORKERS 2u
#define WAIT_US (UINT64_C(60) * US_PER_S)

struct crowd {
    struct actor_system *system;
    airs_pid root;
    airs_pid *pids;
    _Atomic unsigned running;
    unsigned exits, grants; /* The supervisor's turn alone writes them, as the next two. */
    uint64_t first_exit_ns, last_grant_ns;
};

static void
be_quiet(struct actor_context *context, void *state, struct message *message)
{
    (void)state;
    message_finish(message, AIRS_OK, NULL, NULL, 0);
    native_exit(context, (struct exit_info){ EXIT_TRAP, 9 }, NULL);
}

static const struct native_behaviour child_behaviour = { .name = "child", .handle = be_quiet };

static void
on_event(void *context, const struct event *event)
{
    struct crowd *crowd = context;
    if (event->type == EVENT_EXITED && crowd->exits++ == 0)
        crowd->first_exit_ns = clock_now_ns();
    if (event->type == EVENT_RESTART_SCHEDULED) {
        crowd->grants++;
        crowd->last_grant_ns = clock_now_ns();
    }
    if (event->type == EVENT_READY)
        atomic_fetch_add(&crowd->running, 1);
}

static void
await_running(struct crowd *crowd, unsigned count)
{
    uint64_t until_us = clock_now_us() + WAIT_US;
    while (atomic_load(&crowd->running) < count) {
        if (clock_now_us() > until_us) {
            fprintf(stderr, "bench_crowd: waited in vain\n");
            exit(2);
        }
        pause_ms(1);
    }
}

static void
add_child(struct crowd *crowd, unsigned number)
{
    char text[24];
    snprintf(text, sizeof text, "/child-%u", number);
    struct refstr *path = refstr_new(text, strlen(text));
    check(native_spawn(
        crowd->system,
        &(struct native_options){ .behaviour = &child_behaviour, .path = path, .supervised = true },
        &crowd->pids[number], NULL));
    struct supervisor_request add = {
        .verb = REQUEST_ADD,
        .path = path,
        .child = crowd->pids[number],
        .policy = child_policy_default(false),
    };
    check(supervisor_request_wait(crowd->system, crowd->root, &add));
    refstr_unref(path);
}

static void
open_crowd(struct crowd *crowd, unsigned children)
{
    struct refstr *path = refstr_new("/", 1);
    *crowd = (struct crowd){ .system = begin(WORKERS) };
    crowd->pids = calloc(children, sizeof *crowd->pids);
    check(supervisor_actor_spawn(crowd->system, &(struct supervisor_options){ .path = path },
                                 &crowd->root, NULL));
    check(event_log_add_sink(actor_system_event_log(crowd->system), on_event, crowd, NULL));
    for (unsigned i = 0; i < children; i++)
        add_child(crowd, i);
    struct supervisor_request start = { .verb = REQUEST_START_ALL };
    check(supervisor_request_wait(crowd->system, crowd->root, &start));
    await_running(crowd, children);
    refstr_unref(path);
}

static void
close_crowd(struct crowd *crowd)
{
    actor_system_free(crowd->system);
    free(crowd->pids);
}

/* ---- The instant ---- */

struct blockade {
    _Atomic unsigned inside;
    _Atomic bool is_over;
};

static enum actor_turn
block(struct actor_context *context)
{
    struct blockade *blockade = actor_context_state(context);
    atomic_fetch_add(&blockade->inside, 1);
    while (!atomic_load(&blockade->is_over))
        sched_yield();
    return ACTOR_END;
}

static void
block_workers(struct actor_system *system, struct blockade *blockade)
{
    static const struct actor_behaviour blocker = { .name = "blocker", .run = block };
    for (unsigned i = 0; i < WORKERS; i++) {
        airs_pid pid;
        check(actor_spawn(system,
                          &(struct actor_options){ .behaviour = &blocker, .state = blockade }, &pid,
                          NULL));
        actor_wake(system, pid);
        while (atomic_load(&blockade->inside) <= i)
            sched_yield();
    }
}

static struct tally {
    unsigned seen, once, running;
} tally;

static void
count_child(struct supervisor_request *request, const struct child_view *view)
{
    (void)request;
    tally.seen++;
    tally.once += view->restarts == 1 && view->generation == 2;
    tally.running += view->state == CHILD_RUNNING;
}

static void
list_children(struct crowd *crowd)
{
    struct supervisor_request list = { .verb = REQUEST_LIST, .visit = count_child };
    tally = (struct tally){ 0 };
    check(supervisor_request_wait(crowd->system, crowd->root, &list));
}

static void
measure_instant(void)
{
    static struct crowd crowd;
    struct blockade blockade = { 0 };
    open_crowd(&crowd, CHILDREN);
    block_workers(crowd.system, &blockade);
    for (unsigned i = 0; i < CHILDREN; i++)
        check(actor_send(crowd.system, crowd.pids[i], message_new("burn", 4)));
    atomic_store(&blockade.is_over, true);
    await_running(&crowd, 2 * CHILDREN);
    list_children(&crowd);
    printf("%-52s %12.2f ms from the first exit to the last grant\n", "10,000 exits in one instant",
           (double)(crowd.last_grant_ns - crowd.first_exit_ns) / 1e6);
    bool exact = crowd.exits == CHILDREN && crowd.grants == CHILDREN;
    judge("  decisions, each exit once", exact ? crowd.grants : 0, true, CHILDREN);
    judge("  children that were granted one restart", tally.once, true, CHILDREN);
    judge("  children that run again", tally.running, true, CHILDREN);
    close_crowd(&crowd);
}

/* ---- Listing ---- */

static void
measure_listing(void)
{
    static struct crowd crowd;
    static double ms[LISTS];
    open_crowd(&crowd, LISTED);
    for (unsigned i = 0; i < LISTS; i++) {
        uint64_t begin_ns = clock_now_ns();
        list_children(&crowd);
        ms[i] = (double)(clock_now_ns() - begin_ns) / 1e6;
    }
    qsort(ms, LISTS, sizeof *ms, by_value);
    printf("%-52s min %.2f  median %.2f  p99 %.2f ms\n", "a list of 100,000 children", ms[0],
           ms[LISTS / 2], ms[LISTS - 1]);
    judge("  children in it", tally.seen, true, LISTED);
    close_crowd(&crowd);
}

int
main(void)
{
    measure_instant();
    measure_listing();
    return all_met ? 0 : 1;
}
