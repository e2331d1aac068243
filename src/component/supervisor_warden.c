/* Warden: stops that are bounded in time.
 *
 * A supervisor gives each child its own shutdown time; whoever asked for a stop may want it
 * over sooner. Each such wish is a stop_watch with a timer, whose owner is one small native
 * actor. When a timer fires the warden asks for a kill of what is still stopping; the
 * supervisor's own rules do the rest.
 */
#include <stdlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "component/supervisor_wrapper_state.h"
#include "runtime/native_actor.h"
#include "runtime/timer.h"

/* Bytes of the text that names what a stop_all had to kill; more names are left out. */
#define KILLED_NAMES_BYTES_MAX 4096

/* One bounded stop. That of a child is freed when its timer fires, that of the whole tree
 * with the wrapper. */
struct stop_watch {
    struct list link;   /* In wrapper->stops. */
    struct timer timer; /* Of the warden's. */
    struct supervisor_wrapper *wrapper;
    struct wrapper_child *child; /* Referenced. NULL: the whole tree. */
    uint32_t generation;         /* Of the child, when it was asked to stop. */

    struct bridge_completion completion; /* Of a stop_all; under the wrapper's lock, as below. */
    bool is_complete;
    bool had_to_kill;
    struct buffer names; /* Of those that were killed. */
};

static struct stop_watch *
watch_new(struct supervisor_wrapper *wrapper, struct wrapper_child *child)
{
    struct stop_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return NULL;
    watch->wrapper = wrapper;
    watch->child = child ? wrapper_child_ref(child) : NULL;
    timer_init(&watch->timer, wrapper->warden);
    buffer_init(&watch->names, KILLED_NAMES_BYTES_MAX);
    pthread_mutex_lock(&wrapper->lock);
    list_push_back(&wrapper->stops, &watch->link);
    pthread_mutex_unlock(&wrapper->lock);
    return watch;
}

static void
watch_free(struct stop_watch *watch)
{
    wrapper_child_unref(watch->child);
    buffer_deinit(&watch->names);
    free(watch);
}

static void
watch_arm(struct stop_watch *watch, uint64_t timeout_us)
{
    uint64_t now_us = clock_now_us();

    timer_arm(watch->wrapper->options.system, &watch->timer,
              timeout_us > UINT64_MAX - now_us ? UINT64_MAX : now_us + timeout_us);
}

/* ---- One child. ---- */

void
wrapper_stop_watch(struct supervisor_wrapper *wrapper, struct wrapper_child *child,
                   uint64_t timeout_us)
{
    struct stop_watch *watch = watch_new(wrapper, child);
    if (!watch)
        return;
    watch->generation = atomic_load(&child->generation);
    watch_arm(watch, timeout_us);
}

static void
child_is_late(struct stop_watch *watch)
{
    struct wrapper_child *child = watch->child;
    struct supervisor_wrapper *wrapper = watch->wrapper;

    if (atomic_load(&child->state) == CHILD_STOPPING &&
        atomic_load(&child->generation) == watch->generation)
        wrapper_request(wrapper, REQUEST_KILL, child, (struct bridge_completion){ 0 });
    pthread_mutex_lock(&wrapper->lock);
    list_remove(&watch->link);
    pthread_mutex_unlock(&wrapper->lock);
    watch_free(watch);
}

/* ---- The whole tree. ---- */

static bool
has_instance(const struct wrapper_child *child)
{
    enum child_state state = atomic_load(&child->state);

    return state == CHILD_STARTING || state == CHILD_RUNNING || state == CHILD_STOPPING;
}

static void
name_late(const struct wrapper_child *child, struct buffer *names)
{
    if (!child->is_supervisor && has_instance(child)) {
        if (names->size > 0)
            buffer_append_text(names, ", ");
        buffer_append_text(names, child->path->text);
    }
    list_for_each(link, &child->children)
        name_late(container_of(link, struct wrapper_child, siblings), names);
}

static void
tree_is_late(struct stop_watch *watch)
{
    struct supervisor_wrapper *wrapper = watch->wrapper;

    pthread_mutex_lock(&wrapper->lock);
    bool late = !watch->is_complete;
    if (late) {
        watch->had_to_kill = true;
        name_late(wrapper->root, &watch->names);
    }
    pthread_mutex_unlock(&wrapper->lock);
    if (late)
        wrapper_request(wrapper, REQUEST_KILL_ALL, NULL, (struct bridge_completion){ 0 });
}

/* True the first time: the caller then calls the completion. From then on the warden leaves
 * `had_to_kill` and `names` alone. */
static bool
watch_complete(struct stop_watch *watch)
{
    pthread_mutex_lock(&watch->wrapper->lock);
    bool first = !watch->is_complete;
    watch->is_complete = true;
    pthread_mutex_unlock(&watch->wrapper->lock);
    return first;
}

static void
stop_all_taken(void *context, enum airs_status status, const char *text)
{
    struct stop_watch *watch = context;

    if (status != AIRS_OK && watch_complete(watch))
        bridge_complete(watch->completion, status, text);
}

void
wrapper_stop_all(struct supervisor_wrapper *wrapper, uint64_t timeout_us,
                 struct bridge_completion completion)
{
    struct stop_watch *watch = watch_new(wrapper, NULL);
    if (!watch) {
        bridge_complete(completion, AIRS_ENOMEM, airs_status_text(AIRS_ENOMEM));
        return;
    }
    watch->completion = completion;
    if (timeout_us != DURATION_INFINITE)
        watch_arm(watch, timeout_us);
    wrapper_request(wrapper, REQUEST_STOP_ALL, NULL,
                    (struct bridge_completion){ stop_all_taken, watch });
}

static struct stop_watch *
next_incomplete(struct supervisor_wrapper *wrapper)
{
    struct stop_watch *found = NULL;

    pthread_mutex_lock(&wrapper->lock);
    list_for_each(link, &wrapper->stops) {
        struct stop_watch *watch = container_of(link, struct stop_watch, link);
        if (!found && !watch->child && !watch->is_complete)
            found = watch;
    }
    pthread_mutex_unlock(&wrapper->lock);
    return found;
}

void
wrapper_stops_complete(struct supervisor_wrapper *wrapper)
{
    struct stop_watch *watch;

    while ((watch = next_incomplete(wrapper)) != NULL)
        if (watch_complete(watch))
            bridge_complete(watch->completion, watch->had_to_kill ? AIRS_ETIMEDOUT : AIRS_OK,
                            watch->had_to_kill ? watch->names.data : NULL);
}

void
wrapper_stops_free(struct supervisor_wrapper *wrapper)
{
    list_for_each(link, &wrapper->stops)
        watch_free(container_of(link, struct stop_watch, link));
    list_init(&wrapper->stops);
}

/* ---- The actor. ---- */

static void
handle(struct actor_context *context, void *state, struct message *message)
{
    (void)context, (void)state;
    message_finish(message, AIRS_EREJECTED, "the warden takes no messages", NULL, 0);
}

static void
control(struct actor_context *context, void *state, struct control *fired)
{
    (void)context, (void)state;
    struct stop_watch *watch =
        container_of(container_of(fired, struct timer, control), struct stop_watch, timer);

    if (watch->child)
        child_is_late(watch);
    else
        tree_is_late(watch);
}

static const struct native_behaviour warden_behaviour = {
    .name = "warden",
    .handle = handle,
    .control = control,
};

enum airs_status
wrapper_warden_spawn(struct supervisor_wrapper *wrapper, struct airs_error *error)
{
    return native_spawn(wrapper->options.system,
                        &(struct native_options){ .behaviour = &warden_behaviour },
                        &wrapper->warden, error);
}
