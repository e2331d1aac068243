/* Requests: what others ask of a running tree, handed to the component supervisor, and the
 * answers as public values.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/trap_code.h"
#include "component/component_registry.h"
#include "component/component_spawner.h"
#include "daemon/application_internal.h"
#include "manifest/manifest.h"
#include "runtime/actor.h"

#define DEPENDS_ON_BYTES 4096u /* Of the paths that a child shows. */
#define RULE_TEXT_BYTES 160u

static const char *const verb_names[] = {
    [AIRS_START] = "start", [AIRS_STOP] = "stop",   [AIRS_RESTART] = "restart",
    [AIRS_KILL] = "kill",   [AIRS_RESET] = "reset", [AIRS_DELETE] = "delete",
};
#define VERBS (sizeof verb_names / sizeof verb_names[0])

const char *
airs_verb_name(enum airs_verb verb)
{
    assert((size_t)verb < VERBS);
    return verb_names[verb];
}

bool
airs_verb_find(const char *name, enum airs_verb *verb_out)
{
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(name, verb_names[i]) == 0) {
            *verb_out = (enum airs_verb)i;
            return true;
        }
    }
    return false;
}

enum airs_found
airs_application_find(const struct airs_application *application, const char *path,
                      struct airs_error *error)
{
    assert(application && path);
    struct application_tree *tree = (struct application_tree *)(uintptr_t)&application->tree;
    bool is_component = false;
    uint32_t size;
    if (!tree_look(tree, path, &is_component)) {
        tree_fail_no_child(tree, path, error);
        return tree_template_size(tree, path, &size) ? AIRS_FOUND_TEMPLATE : AIRS_FOUND_NOTHING;
    }
    return is_component ? AIRS_FOUND_COMPONENT : AIRS_FOUND_SUPERVISOR;
}

enum airs_status
application_check_path(struct airs_application *application, const char *path,
                       struct airs_error *error)
{
    struct tree_child *child = tree_find(&application->tree, path);
    if (!child)
        return tree_fail_no_child(&application->tree, path, error);
    tree_child_unref(child);
    return AIRS_OK;
}

/* What one request needs until it is answered. */
struct request {
    struct airs_application *application;
    airs_visit visit;
    airs_done done;
    void *context;
    char *below; /* List: this path and all under it; NULL: everything. */
};

static void
request_free(struct request *request)
{
    if (request->visit)
        application_listing_ends(request->application);
    free(request->below);
    free(request);
}

static struct request *
request_new(struct airs_application *application, airs_visit visit, airs_done done, void *context,
            struct airs_error *error)
{
    struct request *request = calloc(1, sizeof *request);
    if (!request) {
        fail(error, AIRS_ENOMEM, "out of memory");
        return NULL;
    }
    *request = (struct request){ application, visit, done, context, NULL };
    if (visit)
        application_listing_begins(application);
    return request;
}

static void
on_control_done(void *context, enum airs_status status, const char *text)
{
    struct request *request = context;
    request->done(request->context, status, text, NULL, 0);
    request_free(request);
}

/* A member of a template does not count any more from here on. */
static void
mark_leaving(struct airs_application *application, const char *path)
{
    struct tree_child *child = tree_find(&application->tree, path);
    if (child)
        tree_mark_leaving(&application->tree, child);
    tree_child_unref(child);
}

/* Whether it is taken now. A reset is of use to a later start alone. */
static enum airs_status
check_verb(struct airs_application *application, enum airs_verb verb, struct airs_error *error)
{
    switch (verb) {
    case AIRS_START:
    case AIRS_RESTART:
    case AIRS_RESET:
        return application_check_not_stopping(application, error);
    case AIRS_STOP:
    case AIRS_KILL:
    case AIRS_DELETE:
        break;
    }
    return application_check_running(application, error);
}

enum airs_status
airs_application_control(struct airs_application *application, enum airs_verb verb,
                         const char *path, airs_done done, void *context, struct airs_error *error)
{
    assert(application && path && done);

    enum airs_status status = check_verb(application, verb, error);
    if (status != AIRS_OK)
        return status;
    if (application_check_path(application, path, error) != AIRS_OK)
        return AIRS_ENOENT;
    struct request *request = request_new(application, NULL, done, context, error);
    if (!request)
        return AIRS_ENOMEM;

    struct component_supervisor *supervisor = application->supervisor;
    struct bridge_completion completion = { on_control_done, request };
    switch (verb) {
    case AIRS_START:
        component_supervisor_start(supervisor, path, completion);
        break;
    case AIRS_STOP:
        component_supervisor_stop(supervisor, path, DURATION_INFINITE, completion);
        break;
    case AIRS_RESTART:
        component_supervisor_restart(supervisor, path, completion);
        break;
    case AIRS_KILL:
        component_supervisor_kill(supervisor, path, completion);
        break;
    case AIRS_RESET:
        component_supervisor_reset(supervisor, path, completion);
        break;
    case AIRS_DELETE:
        mark_leaving(application, path);
        component_supervisor_delete(supervisor, path, completion);
        break;
    }
    return AIRS_OK;
}

/* ---- Lists ---- */

static const char *
kind_name(enum component_kind_known kind)
{
    switch (kind) {
    case COMPONENT_UNKNOWN:
        break;
    case COMPONENT_IS_ACTOR:
        return "actor";
    case COMPONENT_IS_COMMAND:
        return "command";
    }
    return "component";
}

/* What the registry and the actor know of a component. */
static void
fill_component(struct airs_application *application, const struct supervision_view *view,
               struct airs_child *child)
{
    struct component_info info;
    struct actor_metrics metrics = { 0 };
    child->component = component_spec_of_child(view->spec)->component;
    child->kind = kind_name(COMPONENT_UNKNOWN);
    if (!component_registry_get(application->registry, view->path, &info))
        return;
    child->kind = kind_name(info.kind);
    child->memory_bytes = info.memory_bytes;
    child->cpu_us = info.cpu_us;
    if (actor_metrics(application->system, info.pid, &metrics)) {
        child->mailbox = metrics.mailbox;
        child->messages = metrics.messages;
    }
    component_info_deinit(&info);
}

static const char *
restart_name(enum restart_policy restart)
{
    switch (restart) {
    case RESTART_PERMANENT:
        return "permanent";
    case RESTART_TRANSIENT:
        return "transient";
    case RESTART_TEMPORARY:
        return "temporary";
    }
    return NULL;
}

/* Into `text`, as many as find room; NULL: none. */
static const char *
depends_on(const struct supervisor_config *config, char text[DEPENDS_ON_BYTES])
{
    size_t used = 0;
    for (size_t i = 0; i < config->depends_on_size; i++) {
        size_t size = strlen(config->depends_on[i]);
        if (used + size + 2 > DEPENDS_ON_BYTES)
            break;
        if (used > 0)
            text[used++] = ' ';
        memcpy(text + used, config->depends_on[i], size);
        used += size;
    }
    text[used] = '\0';
    return used > 0 ? text : NULL;
}

/* The rule that decides about `exit`, as it would be written: "{ reason: trap, do: fail }". */
static const char *
rule_text(const struct child_policy *policy, struct exit_info exit, char text[RULE_TEXT_BYTES])
{
    const struct exit_rule *rule = child_policy_rule(policy, exit);
    if (!rule)
        return NULL;
    char code[64] = "";
    if (rule->has_codes && rule->reason == EXIT_TRAP)
        snprintf(code, sizeof code, ", code: %s", trap_code_name(rule->codes.first));
    else if (rule->has_codes && rule->codes.first == rule->codes.last)
        snprintf(code, sizeof code, ", code: %" PRId32, rule->codes.first);
    else if (rule->has_codes)
        snprintf(code, sizeof code, ", code: %" PRId32 "-%" PRId32, rule->codes.first,
                 rule->codes.last);
    snprintf(text, RULE_TEXT_BYTES, "{ reason: %s%s, do: %s }", exit_reason_name(rule->reason),
             code, exit_action_name(rule->action));
    return text;
}

static void
show(const struct request *request, const struct supervision_view *view)
{
    char buffer[EXIT_DETAIL_SIZE], dependencies[DEPENDS_ON_BYTES], rule[RULE_TEXT_BYTES];
    const struct child_policy *policy = &view->config->policy;
    struct airs_child child = {
        .path = view->path,
        .kind = "supervisor",
        .state = component_supervision_state_name(view->state),
        .ready = view->ready,
        .generation = view->generation,
        .restarts = view->restarts,
        .budget_used = view->budget_used,
        .budget_allowed = view->budget_allowed,
        .within_us = policy->within_us,
        .frees_us = view->budget_frees_us,
        .restart = restart_name(policy->restart),
        .decided_by = child_decision_name(view->decision),
        .on_exit = view->decision == DECIDED_BY_RULE ? rule_text(policy, view->exit, rule) : NULL,
        .escalated = view->escalated,
        .cause = view->cause,
        .intensity_allowed = view->intensity_allowed,
        .intensity_within_us = view->intensity_within_us,
        .uptime_us = view->state == CHILD_RUNNING ? view->uptime_us : AIRS_NONE,
        .due_us = view->has_due ? view->due_us : AIRS_NONE,
        .waits_for = view->waits_for,
        .depends_on = depends_on(view->config, dependencies),
        .memory_bytes = AIRS_NONE,
        .cpu_us = AIRS_NONE,
        .mailbox = AIRS_NONE,
        .messages = AIRS_NONE,
    };
    if (view->state == CHILD_STOPPED || view->state == CHILD_STOPPING)
        child.stopped = view->comes_back ? "restart" : application_stop_name(view->stop_cause);
    if (view->has_exit) {
        child.exit_reason = exit_reason_name(view->exit.reason);
        child.exit_detail = application_exit_detail(view->exit, view->exit_detail, buffer);
        child.exit_message = view->exit_detail;
    }
    if (view->is_supervisor)
        child.strategy = strategy_name(view->config->node.strategy);
    else
        fill_component(request->application, view, &child);
    request->visit(request->context, &child);
}

/* Whether `path` is `below` or under it. */
static bool
is_in(const char *path, const char *below)
{
    size_t size = strlen(below);
    return strncmp(path, below, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

static void
on_listed(void *context, enum airs_status status, const struct supervision_view *views,
          size_t count)
{
    struct request *request = context;
    for (size_t i = 0; status == AIRS_OK && i < count; i++)
        if (!request->below || is_in(views[i].path, request->below))
            show(request, &views[i]);
    request->done(request->context, status, status == AIRS_OK ? NULL : airs_status_text(status),
                  NULL, 0);
    request_free(request);
}

enum airs_status
airs_application_list(struct airs_application *application, const char *path, airs_visit visit,
                      airs_done done, void *context, struct airs_error *error)
{
    assert(application && visit && done);

    bool everything = !path || strcmp(path, "/") == 0;
    enum airs_status status = application_check_running(application, error);
    if (status != AIRS_OK)
        return status;
    if (!everything && application_check_path(application, path, error) != AIRS_OK)
        return AIRS_ENOENT;
    struct request *request = request_new(application, visit, done, context, error);
    if (!request)
        return AIRS_ENOMEM;
    if (!everything && !(request->below = strdup(path))) {
        request_free(request);
        return fail(error, AIRS_ENOMEM, "out of memory");
    }
    component_supervisor_list(application->supervisor, NULL,
                              (struct bridge_listing){ on_listed, request });
    return AIRS_OK;
}

enum airs_status
airs_application_get(struct airs_application *application, const char *path, airs_visit visit,
                     airs_done done, void *context, struct airs_error *error)
{
    assert(application && path && visit && done);

    enum airs_status status = application_check_running(application, error);
    if (status != AIRS_OK)
        return status;
    if (application_check_path(application, path, error) != AIRS_OK)
        return AIRS_ENOENT;
    struct request *request = request_new(application, visit, done, context, error);
    if (!request)
        return AIRS_ENOMEM;
    component_supervisor_list(application->supervisor, path,
                              (struct bridge_listing){ on_listed, request });
    return AIRS_OK;
}

/* ---- Counts ---- */

struct count {
    airs_counted counted;
    void *context;
};

static void
on_counted(void *context, enum airs_status status, const struct supervision_counts *from)
{
    struct count *count = context;
    struct airs_counts counts;
    if (from)
        counts = (struct airs_counts){
            .children = from->children,
            .registered = from->in_state[CHILD_REGISTERED],
            .restarting = from->in_state[CHILD_RESTARTING],
            .starting = from->in_state[CHILD_STARTING],
            .running = from->in_state[CHILD_RUNNING],
            .stopping = from->in_state[CHILD_STOPPING],
            .stopped = from->in_state[CHILD_STOPPED],
            .failed = from->in_state[CHILD_FAILED],
            .ready = from->ready,
        };
    count->counted(count->context, status, from ? &counts : NULL);
    free(count);
}

enum airs_status
airs_application_count(struct airs_application *application, const char *path, airs_counted counted,
                       void *context, struct airs_error *error)
{
    assert(application && path && counted);

    enum airs_status status = application_check_running(application, error);
    if (status != AIRS_OK)
        return status;
    switch (airs_application_find(application, path, error)) {
    case AIRS_FOUND_NOTHING:
    case AIRS_FOUND_TEMPLATE:
        return AIRS_ENOENT;
    case AIRS_FOUND_COMPONENT:
        return fail(error, AIRS_EINVAL, "'%s' is a component: it has no children", path);
    case AIRS_FOUND_SUPERVISOR:
        break;
    }
    struct count *count = calloc(1, sizeof *count);
    if (!count)
        return fail(error, AIRS_ENOMEM, "out of memory");
    *count = (struct count){ counted, context };
    component_supervisor_count_children(application->supervisor, path,
                                        (struct bridge_counting){ on_counted, count });
    return AIRS_OK;
}
