/* Calls: messages from outside, and the deadlines of those that wait for an answer.
 *
 * Answer and deadline race for `finished`; who sets it calls the requester. A call is
 * entered with the caller actor (which arms its timer) before its message is sent, and taken
 * out again when the reply is over, which happens exactly once for each message. So the
 * actor frees it, in its own turn, when no timer and no reply can reach it any more.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "component/component_registry.h"
#include "daemon/application_internal.h"
#include "runtime/actor.h"
#include "runtime/native_actor.h"
#include "runtime/timer.h"

/* Who `airs send` and `airs call` are to a guest (docs: Commands). */
#define CALLER_NAME "airs:control"
#define CALLER_INSTANCE "0"

struct call;

/* What the caller actor is told of a call. */
struct call_signal {
    struct control control;
    struct call *call;
    bool is_over; /* Nobody else knows the call any more: free it. Otherwise: arm its timer. */
};

struct call {
    struct call_signal enter;
    struct call_signal leave;
    struct timer timer; /* The caller actor's. */
    struct reply reply;
    struct airs_application *application;
    struct list link;     /* In application->calls, under its lock. */
    uint64_t due_us;      /* AIRS_NONE: never. */
    atomic_bool finished; /* Set by answer or deadline, whichever is first. */
    airs_done done;
    void *context;
};

static void
call_free(struct call *call)
{
    pthread_mutex_lock(&call->application->lock);
    list_remove(&call->link);
    pthread_mutex_unlock(&call->application->lock);
    free(call);
}

static void
on_control(struct actor_context *context, void *state, struct control *control)
{
    (void)state;
    struct actor_system *system = actor_context_system(context);
    if (control->type == CONTROL_TIMER) {
        struct call *call =
            container_of(container_of(control, struct timer, control), struct call, timer);
        if (!atomic_exchange(&call->finished, true))
            call->done(call->context, AIRS_ETIMEDOUT, "no answer in time", NULL, 0);
        return;
    }
    struct call_signal *told = container_of(control, struct call_signal, control);
    struct call *call = told->call;
    if (told->is_over) {
        timer_disarm(system, &call->timer);
        call_free(call);
    } else if (call->due_us != AIRS_NONE && !atomic_load(&call->finished)) {
        timer_arm(system, &call->timer, call->due_us);
    }
}

static void
on_message(struct actor_context *context, void *state, struct message *message)
{
    (void)context;
    (void)state;
    message_finish(message, AIRS_ENOENT, NULL, NULL, 0);
}

static const struct native_behaviour caller_behaviour = {
    .name = "caller",
    .handle = on_message,
    .control = on_control,
};

enum airs_status
application_calls_start(struct airs_application *application, struct airs_error *error)
{
    struct native_options options = { .behaviour = &caller_behaviour };
    return native_spawn(application->system, &options, &application->caller, error);
}

void
application_calls_free(struct airs_application *application)
{
    struct list *node;
    while ((node = list_pop_front(&application->calls)) != NULL)
        free(container_of(node, struct call, link));
}

/* The actor system is over when nobody takes the signal: application_calls_free has it then. */
static void
leave(struct call *call)
{
    control_send(call->application->system, call->application->caller, &call->leave.control);
}

static void
on_reply(struct reply *reply, enum airs_status status, const char *error_text, const void *bytes,
         size_t size)
{
    struct call *call = container_of(reply, struct call, reply);
    if (!atomic_exchange(&call->finished, true))
        call->done(call->context, status, error_text, bytes, size);
    leave(call);
}

static struct call *
call_new(struct airs_application *application, uint64_t timeout_us, airs_done done, void *context)
{
    struct call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    call->application = application;
    call->done = done;
    call->context = context;
    call->reply.done = on_reply;
    uint64_t now_us = clock_now_us();
    call->due_us = timeout_us < AIRS_NONE - now_us ? now_us + timeout_us : AIRS_NONE;
    call->enter.call = call->leave.call = call;
    call->leave.is_over = true;
    control_init(&call->enter.control, CONTROL_USER);
    control_init(&call->leave.control, CONTROL_USER);
    timer_init(&call->timer, application->caller);
    pthread_mutex_lock(&application->lock);
    list_push_back(&application->calls, &call->link);
    pthread_mutex_unlock(&application->lock);
    return call;
}

static struct refstr *
text(const char *string)
{
    return refstr_new(string, strlen(string));
}

/* A message from (application, "airs:control", "0"); NULL: out of memory. */
static struct message *
make_message(const struct airs_application *application, const void *bytes, size_t size)
{
    struct message *message = message_new(bytes, size);
    if (!message)
        return NULL;
    message->sender = (struct component_ref){
        .namespace_name = text(airs_application_name(application)),
        .name = text(CALLER_NAME),
        .instance = text(CALLER_INSTANCE),
    };
    message->timestamp_ms = clock_wall_us() / US_PER_MS;
    if (message->sender.namespace_name && message->sender.name && message->sender.instance)
        return message;
    message_free(message);
    return NULL;
}

/* Whom a message for `path` goes to: actors alone take messages. */
static enum airs_status
find_actor(struct airs_application *application, const char *path, airs_pid *pid_out,
           struct airs_error *error)
{
    enum airs_status status = application_check_running(application, error);
    if (status != AIRS_OK)
        return status;
    if (application_check_path(application, path, error) != AIRS_OK)
        return AIRS_ENOENT;
    enum component_kind_known kind;
    if (!component_registry_find(application->registry, path, pid_out, &kind))
        return fail(error, AIRS_EINVAL, "'%s' is a supervisor: messages go to actors only", path);
    if (kind == COMPONENT_IS_COMMAND)
        return fail(error, AIRS_EINVAL, "'%s' is a command: messages go to actors only", path);
    return AIRS_OK;
}

static enum airs_status
fail_send(struct airs_error *error, enum airs_status status, const char *path)
{
    if (status == AIRS_ELIMIT)
        return fail(error, status, "'%s': its mailbox is full", path);
    if (status == AIRS_EENDED)
        return fail(error, status, "'%s' takes no messages now", path);
    return fail(error, status, "'%s': %s", path, airs_status_text(status));
}

/* Sends with or without a reply; on failure `reply` is not called. */
static enum airs_status
send_to(struct airs_application *application, const char *path, const void *bytes, size_t size,
        airs_pid pid, struct reply *reply, struct airs_error *error)
{
    if (size > AIRS_CALL_BYTES_MAX)
        return fail(error, AIRS_ELIMIT, "a message of %zu bytes: at most %u", size,
                    AIRS_CALL_BYTES_MAX);
    struct message *message = make_message(application, bytes, size);
    if (!message)
        return fail(error, AIRS_ENOMEM, "out of memory");
    message->reply = reply;
    enum airs_status status = actor_send(application->system, pid, message);
    if (status == AIRS_OK)
        return AIRS_OK;
    message_free(message);
    return fail_send(error, status, path);
}

enum airs_status
airs_application_send(struct airs_application *application, const char *path, const void *bytes,
                      size_t size, struct airs_error *error)
{
    assert(application && path && (bytes || size == 0));

    airs_pid pid;
    enum airs_status status = find_actor(application, path, &pid, error);
    if (status != AIRS_OK)
        return status;
    return send_to(application, path, bytes, size, pid, NULL, error);
}

enum airs_status
airs_application_call(struct airs_application *application, const char *path, const void *bytes,
                      size_t size, uint64_t timeout_us, airs_done done, void *context,
                      struct airs_error *error)
{
    assert(application && path && done && (bytes || size == 0));

    airs_pid pid;
    enum airs_status status = find_actor(application, path, &pid, error);
    if (status != AIRS_OK)
        return status;
    struct call *call = call_new(application, timeout_us, done, context);
    if (!call)
        return fail(error, AIRS_ENOMEM, "out of memory");

    control_send(application->system, application->caller, &call->enter.control);
    status = send_to(application, path, bytes, size, pid, &call->reply, error);
    if (status == AIRS_OK)
        return AIRS_OK;
    /* The deadline may have answered already: then the call was accepted all the same. */
    bool answered = atomic_exchange(&call->finished, true);
    leave(call);
    return answered ? AIRS_OK : status;
}
