/* The targets that the first plan of supervision set, each timed by itself.
 *
 *   bridge call          from a verb of the bridge to its return, the request being on its way
 *   policy conversion    a child's configuration (layer 1) to the policy its node holds (layer 3):
 *                        a copy, and finding the one that equals it
 *   id lookup            path or component-id to pid, among 10,000
 *   failure to decision  a native child's exit is reported; its supervisor has written `exited` and
 *                        granted the restart, to the moment the event of the grant is taken in
 *   state update         one event into the handle of one of 10,000 children
 *   restart invocation   from there to the first instruction of the next generation
 *   coordination in all  from the report of the exit until the handle says `running` again
 *
 * What takes less than the clock can tell is timed in batches. The median is judged. Exits 1 on a
 * miss.
 */
#include <sched.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "component/component_registry.h"
#include "component/supervisor_wrapper.h"
#include "policy/component_supervisor.h"
#include "policy/supervisor_config.h"
#include "runtime/event_log.h"
#include "runtime/registry.h"
#include "runtime/shared_policy.h"
#include "runtime/supervisor_actor.h"

#include "native_rig.h"

#define CHILDREN 10000u
#define SAMPLES 4000u
#define BATCH 256u
#define RESTARTS 20000u
#define BRIDGED 100u

#define BRIDGE_US_MAX 5.0
#define CONVERSION_NS_MAX 100.0
#define LOOKUP_NS_MAX 50.0
#define DECISION_US_MAX 10.0
#define UPDATE_NS_MAX 1000.0
#define INVOCATION_US_MAX 50.0
#define COORDINATION_US_MAX 100.0

static char paths[CHILDREN][24];

/* Prints one row; `unit` says what `samples` are in. */
static void
judge_samples(const char *what, const char *unit, double *samples, size_t size, double median_max)
{
    qsort(samples, size, sizeof *samples, by_value);
    bool met = samples[size / 2] < median_max;
    all_met = all_met && met;
    printf("%-36s min %8.2f  median %8.2f  p99 %8.2f %s, < %.0f %s\n", what, samples[0],
           samples[size / 2], samples[size * 99 / 100], unit, median_max, met ? "ok" : "MISS");
    fflush(stdout);
}

static void
make_paths(void)
{
    for (unsigned i = 0; i < CHILDREN; i++)
        snprintf(paths[i], sizeof paths[i], "/web/child-%u", i);
}

/* ---- Policy conversion ---- */

static void
measure_conversion(void)
{
    static double ns[SAMPLES];
    struct supervisor_config config = supervisor_config_with_backoff(
        supervisor_config_with_max_restarts(supervisor_config_permanent(), 5),
        backoff_linear(100000, 1000000));
    struct shared_policies policies;
    shared_policies_init(&policies);
    const struct child_policy *held = shared_policy_ref(&policies, &config.policy);
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t begin_ns = clock_now_ns();
        for (unsigned j = 0; j < BATCH; j++) {
            struct child_policy of_request = config.policy;
            if (shared_policy_ref(&policies, &of_request) != held)
                abort();
        }
        ns[i] = (double)(clock_now_ns() - begin_ns) / BATCH;
        for (unsigned j = 0; j < BATCH; j++)
            shared_policy_unref(held);
    }
    shared_policy_unref(held);
    shared_policies_deinit(&policies);
    judge_samples("policy conversion", "ns", ns, SAMPLES, CONVERSION_NS_MAX);
}

/* ---- Look-ups ---- */

static void
be_quiet(struct actor_context *context, void *state, struct message *message)
{
    (void)context, (void)state;
    message_finish(message, AIRS_OK, NULL, NULL, 0);
}

static void
measure_paths(void)
{
    static const struct native_behaviour quiet = { .name = "quiet", .handle = be_quiet };
    static double ns[SAMPLES];
    struct actor_system *system = begin(1);
    for (unsigned i = 0; i < CHILDREN; i++) {
        struct refstr *path = refstr_new(paths[i], strlen(paths[i]));
        airs_pid pid;
        check(native_spawn(system, &(struct native_options){ .behaviour = &quiet, .path = path },
                           &pid, NULL));
        refstr_unref(path);
    }
    uint64_t random = 1;
    for (unsigned i = 0; i < SAMPLES; i++) {
        unsigned at = (unsigned)random_up_to(&random, CHILDREN - 1);
        uint64_t begin_ns = clock_now_ns();
        for (unsigned j = 0; j < BATCH; j++, at = (at + 7919) % CHILDREN)
            if (registry_find(system, paths[at]) == AIRS_PID_NONE)
                abort();
        ns[i] = (double)(clock_now_ns() - begin_ns) / BATCH;
    }
    judge_samples("id lookup: path to pid", "ns", ns, SAMPLES, LOOKUP_NS_MAX);
    actor_system_free(system);
}

static void
measure_ids(void)
{
    static double ns[SAMPLES];
    struct component_registry *registry;
    check(component_registry_new("bench", &registry, NULL));
    for (unsigned i = 0; i < CHILDREN; i++)
        check(component_registry_add(registry, paths[i], i + 1, COMPONENT_IS_ACTOR, NULL, NULL));
    uint64_t random = 1;
    for (unsigned i = 0; i < SAMPLES; i++) {
        unsigned at = (unsigned)random_up_to(&random, CHILDREN - 1);
        airs_pid pid;
        uint64_t begin_ns = clock_now_ns();
        for (unsigned j = 0; j < BATCH; j++, at = (at + 7919) % CHILDREN)
            if (!component_registry_find_id(registry, "bench", paths[at] + 1, "0", &pid))
                abort();
        ns[i] = (double)(clock_now_ns() - begin_ns) / BATCH;
    }
    judge_samples("id lookup: component-id to pid", "ns", ns, SAMPLES, LOOKUP_NS_MAX);
    component_registry_free(registry);
}

/* ---- State update ---- */

static enum airs_status
register_nobody(struct supervisor_bridge *bridge, const struct bridge_child *child,
                struct airs_error *error)
{
    (void)bridge, (void)child, (void)error;
    return AIRS_OK;
}

static const struct supervisor_bridge_ops nobody_ops = { .register_component = register_nobody };

static void
measure_update(void)
{
    static double ns[CHILDREN];
    struct supervisor_bridge bridge = { .ops = &nobody_ops };
    struct supervisor_config config = supervisor_config_permanent();
    struct component_supervisor *handles;
    check(component_supervisor_new(&bridge, &handles, NULL));
    for (unsigned i = 0; i < CHILDREN; i++)
        check(component_supervisor_supervise(handles, "/", paths[i], &config,
                                             (const struct child_spec *)&config, NULL));
    for (unsigned i = 0; i < CHILDREN; i++) {
        struct supervision_event event = { .type = EVENT_EXITED,
                                           .path = paths[(i * 7919) % CHILDREN],
                                           .state = CHILD_RUNNING,
                                           .generation = 1,
                                           .has_exit = true,
                                           .exit = { EXIT_TRAP, 9 } };
        uint64_t begin_ns = clock_now_ns();
        component_supervisor_on_event(handles, &event);
        ns[i] = (double)(clock_now_ns() - begin_ns);
    }
    component_supervisor_free(handles);
    judge_samples("state update: the first exit", "ns", ns, CHILDREN, UPDATE_NS_MAX);
}

/* ---- Bridge call ---- */

static void
measure_bridge(void)
{
    static double us[SAMPLES];
    static struct supervisor_config config;
    struct actor_system *system = begin(1);
    struct supervisor_wrapper *wrapper;
    struct component_supervisor *handles;
    config = supervisor_config_default_supervisor();
    check(supervisor_wrapper_new(&(struct supervisor_wrapper_options){ .system = system }, &wrapper,
                                 NULL));
    check(component_supervisor_new(supervisor_wrapper_bridge(wrapper), &handles, NULL));
    supervisor_wrapper_attach(wrapper, handles);
    for (unsigned i = 0; i < BRIDGED; i++)
        check(component_supervisor_supervise(handles, "/", paths[i] + strlen("/web"), &config, NULL,
                                             NULL));
    component_supervisor_start_all(handles, (struct bridge_completion){ 0 });
    for (unsigned i = 0; i < SAMPLES; i++) {
        const char *path = paths[i % BRIDGED] + strlen("/web");
        uint64_t begin_ns = clock_now_ns();
        component_supervisor_reset(handles, path, (struct bridge_completion){ 0 });
        us[i] = (double)(clock_now_ns() - begin_ns) / 1e3;
        component_supervision_state state;
        while (!component_supervisor_query_state(handles, path, &state))
            abort();
    }
    judge_samples("bridge call: a verb", "us", us, SAMPLES, BRIDGE_US_MAX);
    for (unsigned i = 0; i < SAMPLES; i++) {
        component_supervision_state state;
        uint64_t begin_ns = clock_now_ns();
        if (!component_supervisor_query_state(handles, paths[i % BRIDGED] + strlen("/web"), &state))
            abort();
        us[i] = (double)(clock_now_ns() - begin_ns) / 1e3;
    }
    judge_samples("bridge call: a child's state", "us", us, SAMPLES, BRIDGE_US_MAX);
    actor_system_stop(system);
    supervisor_wrapper_free(wrapper);
    component_supervisor_free(handles);
    actor_system_free(system);
}

/* ---- A restart, and its parts ---- */

struct phoenix {
    struct component_supervisor *handles;
    uint64_t died_ns, decided_ns;
    _Atomic uint64_t lives;
    double decision_us[RESTARTS], invocation_us[RESTARTS], coordination_us[RESTARTS];
};

static struct phoenix phoenix;

static bool
rise(struct actor_context *context, void *state, uint32_t generation)
{
    (void)context, (void)state;
    if (generation > 1 && generation - 2 < RESTARTS)
        phoenix.invocation_us[generation - 2] = (double)(clock_now_ns() - phoenix.decided_ns) / 1e3;
    return true;
}

static void
burn(struct actor_context *context, void *state, struct message *message)
{
    (void)state;
    message_finish(message, AIRS_OK, NULL, NULL, 0);
    phoenix.died_ns = clock_now_ns();
    native_exit(context, (struct exit_info){ EXIT_TRAP, 9 }, NULL);
}

static const struct native_behaviour phoenix_behaviour = {
    .name = "phoenix",
    .begin = rise,
    .handle = burn,
};

static void
on_event(void *context, const struct event *event)
{
    (void)context;
    struct supervision_event taken = {
        .seq = event->seq,
        .time_us = event->time_us,
        .path = event->path ? event->path->text : NULL,
        .type = event->type,
        .state = event->state,
        .generation = event->generation,
        .restarts = event->restarts,
        .has_exit = event->has_exit,
        .exit = event->exit,
    };
    component_supervisor_on_event(phoenix.handles, &taken);
    uint64_t life = event->generation;
    if (event->type == EVENT_RESTART_SCHEDULED && life - 1 < RESTARTS) {
        phoenix.decided_ns = clock_now_ns();
        phoenix.decision_us[life - 1] = (double)(phoenix.decided_ns - phoenix.died_ns) / 1e3;
    }
    if (event->type != EVENT_READY)
        return;
    if (life > 1 && life - 2 < RESTARTS)
        phoenix.coordination_us[life - 2] = (double)(clock_now_ns() - phoenix.died_ns) / 1e3;
    atomic_store(&phoenix.lives, life);
}

static airs_pid
supervise_phoenix(struct actor_system *system, const struct supervisor_config *config)
{
    struct refstr *root_path = refstr_new("/", 1), *path = refstr_new("/phoenix", 8);
    airs_pid root, pid;
    check(supervisor_actor_spawn(system, &(struct supervisor_options){ .path = root_path }, &root,
                                 NULL));
    check(native_spawn(system,
                       &(struct native_options){
                           .behaviour = &phoenix_behaviour, .path = path, .supervised = true },
                       &pid, NULL));
    struct supervisor_request add = {
        .verb = REQUEST_ADD,
        .path = path,
        .child = pid,
        .policy = config->policy,
    };
    check(supervisor_request_wait(system, root, &add));
    struct supervisor_request start = { .verb = REQUEST_START_ALL };
    check(supervisor_request_wait(system, root, &start));
    refstr_unref(root_path);
    refstr_unref(path);
    return pid;
}

static void
measure_restarts(void)
{
    struct supervisor_bridge bridge = { .ops = &nobody_ops };
    struct supervisor_config config = supervisor_config_with_backoff(
        supervisor_config_with_max_restarts(supervisor_config_permanent(), RESTARTS_UNLIMITED),
        backoff_immediate());
    struct actor_system *system = begin(2);
    check(component_supervisor_new(&bridge, &phoenix.handles, NULL));
    check(component_supervisor_supervise(phoenix.handles, "/", "/phoenix", &config,
                                         (const struct child_spec *)&config, NULL));
    check(event_log_add_sink(actor_system_event_log(system), on_event, NULL, NULL));
    airs_pid pid = supervise_phoenix(system, &config);
    for (uint64_t life = 1; life <= RESTARTS; life++) {
        while (atomic_load(&phoenix.lives) < life)
            sched_yield();
        check(actor_send(system, pid, message_new("burn", 4)));
    }
    while (atomic_load(&phoenix.lives) <= RESTARTS)
        sched_yield();
    actor_system_free(system);
    component_supervisor_free(phoenix.handles);
    judge_samples("failure to decision", "us", phoenix.decision_us, RESTARTS, DECISION_US_MAX);
    judge_samples("restart invocation", "us", phoenix.invocation_us, RESTARTS, INVOCATION_US_MAX);
    judge_samples("coordination in all", "us", phoenix.coordination_us, RESTARTS,
                  COORDINATION_US_MAX);
}

int
main(void)
{
    make_paths();
    measure_bridge();
    measure_conversion();
    measure_paths();
    measure_ids();
    measure_update();
    measure_restarts();
    return all_met ? 0 : 1;
}
