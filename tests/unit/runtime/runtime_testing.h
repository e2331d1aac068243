/* What the tests of the runtime share: a system, bounded waits, and native actors to supervise.
 *
 * Nothing here sleeps: whoever waits does so on a counter that somebody else advances, and
 * gives up at a deadline that only a broken runtime reaches.
 */
#ifndef RUNTIME_TESTING_H
#define RUNTIME_TESTING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "runtime/actor.h"
#include "runtime/actor_system.h"
#include "testing.h"

#define PATIENCE_S 120 /* Under TSan, on a loaded machine. */

/* A number that threads advance and others wait for. */
struct counter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    long value;
};

static inline void
counter_init(struct counter *counter)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&counter->lock, NULL);
    pthread_cond_init(&counter->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    counter->value = 0;
}

static inline void
counter_deinit(struct counter *counter)
{
    pthread_mutex_destroy(&counter->lock);
    pthread_cond_destroy(&counter->changed);
}

static inline void
counter_add(struct counter *counter, long more)
{
    pthread_mutex_lock(&counter->lock);
    counter->value += more;
    pthread_cond_broadcast(&counter->changed);
    pthread_mutex_unlock(&counter->lock);
}

static inline long
counter_read(struct counter *counter)
{
    pthread_mutex_lock(&counter->lock);
    long value = counter->value;
    pthread_mutex_unlock(&counter->lock);
    return value;
}

/* AIRS_TEST_SECONDS: less patience, where a test is meant to fail (scripts/mutants). */
static inline struct timespec
patience_end(void)
{
    const char *seconds = getenv("AIRS_TEST_SECONDS");
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += seconds ? atoi(seconds) : PATIENCE_S;
    return deadline;
}

/* False: the value did not get there in time. */
static inline bool
counter_reaches(struct counter *counter, long value)
{
    struct timespec deadline = patience_end();
    pthread_mutex_lock(&counter->lock);
    while (counter->value < value)
        if (pthread_cond_timedwait(&counter->changed, &counter->lock, &deadline) != 0)
            break;
    bool reached = counter->value >= value;
    pthread_mutex_unlock(&counter->lock);
    return reached;
}

static inline struct actor_system *
new_system(const struct actor_system_options *options)
{
    struct actor_system *system = NULL;
    struct airs_error error = { 0 };
    assert_int_equal(actor_system_new(options, &system, &error), AIRS_OK);
    return system;
}

static inline struct actor_system *
started_system(unsigned workers)
{
    struct actor_system *system = new_system(&(struct actor_system_options){ .workers = workers });
    assert_int_equal(actor_system_start(system, NULL), AIRS_OK);
    return system;
}

static inline airs_pid
spawn(struct actor_system *system, const struct actor_behaviour *behaviour, void *state)
{
    airs_pid pid = AIRS_PID_NONE;
    struct actor_options options = { .behaviour = behaviour, .state = state };
    assert_int_equal(actor_spawn(system, &options, &pid, NULL), AIRS_OK);
    return pid;
}

static inline struct refstr *
text_of(const char *text)
{
    return refstr_new(text, strlen(text));
}

static inline struct message *
message_of(const char *text)
{
    return message_new(text, strlen(text));
}

static inline void
send_text(struct actor_system *system, airs_pid pid, const char *text)
{
    assert_int_equal(actor_send(system, pid, message_of(text)), AIRS_OK);
}

#endif
