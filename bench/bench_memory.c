/* What supervision costs in memory, for each child: bytes that allocations can use, at so many
 * supervised native actors less so many unsupervised ones, divided by their number.
 *
 * An unsupervised actor is its slot with the mailbox, its state, and the text of its path. All else
 * is supervision:
 *   - the child of a supervisor: node, ring of grants, link and shell, and the room in the agenda
 *     of its supervisor; the policy (budget and backoff set) is shared with its equals;
 *   - the mappings: path → pid in the registry, path → handle in the component supervisor. The
 *     tables as they are, with the room that they keep for more;
 *   - the handle, without the history that comes with the first exit.
 * All children have been started and run. Exits 1 on a miss.
 */
#include <stdint.h>
#include <string.h>

#include "policy/component_supervisor.h"
#include "policy/supervisor_config.h"
#include "runtime/event_log.h"
#include "runtime/registry.h"
#include "runtime/supervisor_actor.h"

#include "counted_malloc.h"
#include "native_rig.h"

#define MANY 10000u
#define FEW 100u

#define CHILD_BYTES_MAX 320.0
#define MAPPINGS_BYTES_MAX 128.0
#define FEW_BYTES_MAX (32.0 * 1024)

static void
ignore_message(struct actor_context *context, void *state, struct message *message)
{
    (void)context;
    (void)state;
    message_finish(message, AIRS_OK, NULL, NULL, 0);
}

static const struct native_behaviour quiet = { .name = "quiet", .handle = ignore_message };

/* ---- A bridge to the runtime alone, for native children ---- */

struct native_bridge {
    struct supervisor_bridge bridge; /* First. */
    struct actor_system *system;     /* NULL: the handles are counted alone. */
    airs_pid root;
    struct component_supervisor *handles;
    _Atomic unsigned running;
};

static airs_pid
spawn_at(struct actor_system *system, struct refstr *path, bool supervised)
{
    airs_pid pid;
    struct native_options options = { .behaviour = &quiet, .path = path, .supervised = supervised };
    check(native_spawn(system, &options, &pid, NULL));
    return pid;
}

static enum airs_status
register_native(struct supervisor_bridge *bridge, const struct bridge_child *child,
                struct airs_error *error)
{
    (void)error;
    struct native_bridge *native = (struct native_bridge *)bridge;
    if (!native->system)
        return AIRS_OK;
    struct refstr *text = refstr_new(child->path, strlen(child->path));
    struct supervisor_request add = {
        .verb = REQUEST_ADD,
        .path = text,
        .child = spawn_at(native->system, text, true),
        .policy = child->config->policy,
    };
    check(supervisor_request_wait(native->system, native->root, &add));
    refstr_unref(text);
    return AIRS_OK;
}

static const struct supervisor_bridge_ops native_ops = { .register_component = register_native };

static void
on_event(void *context, const struct event *event)
{
    struct native_bridge *native = context;
    struct supervision_event taken = {
        .seq = event->seq,
        .time_us = event->time_us,
        .path = event->path ? event->path->text : NULL,
        .type = event->type,
        .state = event->state,
        .generation = event->generation,
        .restarts = event->restarts,
    };
    component_supervisor_on_event(native->handles, &taken);
    if (event->type == EVENT_READY)
        native->running++;
}

/* ---- The measurements ---- */

static void
path_of(unsigned i, char *path_out)
{
    snprintf(path_out, 24, "/web/child-%u", i);
}

/* What `count` actors take, with their paths; registered under them or not. */
static double
unsupervised_bytes(unsigned count, bool registered)
{
    struct actor_system *system = begin(1);
    struct refstr **paths = calloc(count, sizeof *paths);
    char path[24];
    for (unsigned i = 0; i < count / 2; i++) /* So that slots and tables stand as they will. */
        spawn_at(system, NULL, false);
    long long before = counted();
    for (unsigned i = 0; i < count; i++) {
        path_of(i, path);
        paths[i] = refstr_new(path, strlen(path));
        spawn_at(system, registered ? paths[i] : NULL, false);
    }
    long long bytes = counted() - before;
    for (unsigned i = 0; i < count; i++)
        refstr_unref(paths[i]);
    free((void *)paths);
    actor_system_free(system);
    return (double)bytes;
}

static void
supervise(struct native_bridge *native, unsigned count)
{
    static struct supervisor_config config;
    config = supervisor_config_with_max_restarts(supervisor_config_permanent(), 3);
    char path[24];
    for (unsigned i = 0; i < count; i++) {
        path_of(i, path);
        check(component_supervisor_supervise(native->handles, "/", path, &config,
                                             (const struct child_spec *)&config, NULL));
    }
}

static double
handles_bytes(unsigned count)
{
    struct native_bridge native = { .bridge.ops = &native_ops };
    check(component_supervisor_new(&native.bridge, &native.handles, NULL));
    long long before = counted();
    supervise(&native, count);
    double bytes = (double)(counted() - before);
    component_supervisor_free(native.handles);
    return bytes;
}

/* What `count` supervised children take, all of them started. */
static double
supervised_bytes(unsigned count)
{
    struct native_bridge native = { .bridge.ops = &native_ops, .system = begin(1) };
    struct refstr *root_path = refstr_new("/", 1);
    struct supervisor_options options = { .path = root_path };
    check(supervisor_actor_spawn(native.system, &options, &native.root, NULL));
    check(component_supervisor_new(&native.bridge, &native.handles, NULL));
    check(event_log_add_sink(actor_system_event_log(native.system), on_event, &native, NULL));
    for (unsigned i = 0; i < count / 2; i++)
        spawn_at(native.system, NULL, false);
    long long before = counted();
    supervise(&native, count);
    struct supervisor_request start = { .verb = REQUEST_START_ALL };
    check(supervisor_request_wait(native.system, native.root, &start));
    while (native.running < count)
        pause_ms(1);
    double bytes = (double)(counted() - before);
    actor_system_free(native.system);
    component_supervisor_free(native.handles);
    refstr_unref(root_path);
    return bytes;
}

int
main(void)
{
    unsupervised_bytes(MANY, true); /* What the program allocates once and for all. */
    double nameless = unsupervised_bytes(MANY, false) / MANY;
    double registry = unsupervised_bytes(MANY, true) / MANY - nameless;
    double handles = handles_bytes(MANY) / MANY;
    double all = supervised_bytes(MANY) / MANY - nameless;

    printf("%-52s %12.1f B\n", "an unsupervised native actor, with its path", nameless);
    printf("%-52s %12.1f B\n", "supervision: path to pid", registry);
    printf("%-52s %12.1f B\n", "supervision: path to handle, and the handle", handles);
    printf("%-52s %12.1f B\n", "supervision: node, link, shell, agenda", all - registry - handles);
    judge("mappings of a child in bytes", registry + handles, false, MAPPINGS_BYTES_MAX);
    judge("supervision of a child in all, in bytes", all, false, CHILD_BYTES_MAX);
    judge("supervision of 100 children in bytes",
          supervised_bytes(FEW) - unsupervised_bytes(FEW, false), false, FEW_BYTES_MAX);
    return all_met ? 0 : 1;
}
