/* What is written: a trace for people, and for the oracle a manifest and the event lines. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/trap_code.h"
#include "sim.h"

#define LINE_SIZE sizeof((struct sim *)0)->lines[0]

void
sim_write_line(struct sim *sim, const char *format, ...)
{
    char *line = sim->lines[sim->lines_written++ % SIM_TRACE_LINES];
    int head = snprintf(line, LINE_SIZE, "[%9.3f] ", (double)sim->now_us / 1000.0);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + head, LINE_SIZE - (size_t)head, format, arguments);
    va_end(arguments);
    if (sim->options.verbose)
        printf("%s\n", line);
}

void
sim_fail(struct sim *sim, const char *format, ...)
{
    if (sim->failed)
        return;
    sim->failed = true;
    sim->failure_kind = format;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sim->failure, sizeof sim->failure, format, arguments);
    va_end(arguments);
}

void
sim_print_failure(const struct sim *sim, FILE *file)
{
    uint64_t lines = sim->lines_written < SIM_TRACE_LINES ? sim->lines_written : SIM_TRACE_LINES;
    for (uint64_t i = sim->lines_written - lines; i < sim->lines_written; i++)
        fprintf(file, "%s\n", sim->lines[i % SIM_TRACE_LINES]);
    fprintf(file, "seed %" PRIu64 " at %.3f ms: %s\n", sim->source.seed,
            (double)sim->now_us / 1000.0, sim->failure);
}

static const char *
path_of(const struct node_action *action)
{
    return action->child ? sim_child_of(action->child)->path : "(node)";
}

void
sim_write_action(struct sim *sim, const struct node_action *action)
{
    const char *path = path_of(action);
    if (action->type != ACTION_NOTIFY) {
        sim_write_line(sim, "    %s %s %u", node_action_name(action->type), path,
                       action->generation);
        return;
    }
    sim_write_line(sim, "  %s %s %u %s %.3f", path, event_type_name(action->event),
                   action->generation,
                   action->has_exit ? exit_reason_name(action->exit.reason) : "",
                   action->has_delay ? (double)action->delay_us / 1000.0 : 0.0);
}

/* The virtual clock as a time of day; it stays below a day. */
static void
write_head(struct sim *sim, const char *path, const char *event)
{
    uint64_t s = sim->now_us / 1000000;
    fprintf(sim->options.events,
            "{\"time\":\"2026-01-%02" PRIu64 "T%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%06" PRIu64
            "Z\",\"seq\":%" PRIu64 ",\"app\":\"sim\"",
            1 + s / 86400, s / 3600 % 24, s / 60 % 60, s % 60, sim->now_us % 1000000, ++sim->seq);
    if (path)
        fprintf(sim->options.events, ",\"path\":\"%s\"", path);
    fprintf(sim->options.events, ",\"event\":\"%s\"", event);
}

void
sim_write_event(struct sim *sim, const struct sim_child *subject, const struct node_action *action)
{
    FILE *file = sim->options.events;
    if (!file)
        return;
    write_head(sim, subject->path, event_type_name(action->event));
    if (action->generation)
        fprintf(file, ",\"generation\":%u", action->generation);
    fprintf(file, ",\"from\":\"%s\",\"state\":\"%s\"", child_state_name(action->from),
            child_state_name(action->state));
    if (action->has_exit)
        fprintf(file, ",\"reason\":\"%s\"", exit_reason_name(action->exit.reason));
    if (action->has_exit && action->exit.reason == EXIT_TRAP)
        fprintf(file, ",\"detail\":\"%s\"", trap_code_name(action->exit.code));
    if (action->has_exit && action->exit.reason == EXIT_ERROR && action->exit.code >= 0)
        fprintf(file, ",\"detail\":\"%d\"", action->exit.code);
    const char *unmet;
    if (action->wait == WAIT_TURN)
        fprintf(file, ",\"waits_for\":\"turn\"");
    else if (action->wait == WAIT_DEPENDENCY && sim_dependencies_unmet(subject, &unmet))
        fprintf(file, ",\"waits_for\":\"%s\"", unmet);
    if (action->of_dependency)
        fprintf(file, ",\"cause\":\"%s\"", sim_dependencies_exited(subject));
    else if (action->cause)
        fprintf(file, ",\"cause\":\"%s\"", sim_child_of(action->cause)->path);
    if (action->has_delay)
        fprintf(file, ",\"delay_ms\":%.3f", (double)action->delay_us / 1000.0);
    fprintf(file, ",\"restarts\":%u}\n", action->restarts);
}

void
sim_write_waiting(struct sim *sim, const struct sim_child *subject)
{
    if (!sim->options.events)
        return;
    const char *state = child_state_name(subject->child->state);
    write_head(sim, subject->path, "waiting");
    if (subject->child->generation)
        fprintf(sim->options.events, ",\"generation\":%u", subject->child->generation);
    fprintf(sim->options.events, ",\"from\":\"%s\",\"state\":\"%s\",\"waits_for\":\"pool\"}\n",
            state, state);
}

void
sim_write_application(struct sim *sim, const char *event)
{
    if (!sim->options.events)
        return;
    write_head(sim, NULL, event);
    fprintf(sim->options.events, "}\n");
}

static void
write_duration(FILE *file, const char *key, uint64_t us, const char *infinite)
{
    if (us == DURATION_INFINITE)
        fprintf(file, ", \"%s\": \"%s\"", key, infinite);
    else
        fprintf(file, ", \"%s\": \"%" PRIu64 "us\"", key, us);
}

static void
write_backoff(FILE *file, const struct backoff *backoff)
{
    static const char *const names[] = { "immediate", "linear", "exponential" };
    if (backoff->strategy == BACKOFF_LIST) {
        fprintf(file, ", \"backoff\": [");
        for (size_t i = 0; i < backoff->list_size; i++)
            fprintf(file, "%s\"%" PRIu64 "us\"", i ? ", " : "", backoff->list_us[i]);
        fprintf(file, "]");
        return;
    }
    fprintf(file, ", \"backoff\": {\"strategy\": \"%s\", \"factor\": %.17g",
            names[backoff->strategy], backoff->factor);
    write_duration(file, "initial", backoff->initial_us, "");
    write_duration(file, "max", backoff->max_us, "");
    fprintf(file, ", \"jitter\": \"%s%g%%\"", backoff->jitter_upward ? "+" : "",
            backoff->jitter * 100);
    write_duration(file, "reset-after", backoff->reset_after_us, "never");
    fprintf(file, "}");
}

static void
write_policy(FILE *file, const struct child_policy *policy)
{
    static const char *const restarts[] = { "permanent", "transient", "temporary" };
    fprintf(file, ", \"restart\": \"%s\"", restarts[policy->restart]);
    if (policy->max_restarts == RESTARTS_UNLIMITED)
        fprintf(file, ", \"max-restarts\": \"unlimited\"");
    else
        fprintf(file, ", \"max-restarts\": %u", policy->max_restarts);
    write_duration(file, "within", policy->within_us, "");
    fprintf(file, ", \"on-exhausted\": \"%s\"",
            policy->on_exhausted == ON_EXHAUSTED_FAIL ? "fail" : "escalate");
    write_backoff(file, &policy->backoff);
    if (policy->shutdown_us == 0)
        fprintf(file, ", \"shutdown\": \"kill\"");
    else
        write_duration(file, "shutdown", policy->shutdown_us, "infinity");
    write_duration(file, "start-timeout", policy->start_timeout_us, "infinity");
}

static void
write_codes(FILE *file, struct code_range codes)
{
    if (codes.first == codes.last)
        fprintf(file, "%d", codes.first);
    else
        fprintf(file, "\"%d-%d\"", codes.first, codes.last);
}

static void
write_rules(FILE *file, const struct child_policy *policy)
{
    static const char *const actions[] = { "restart", "stop", "fail", "escalate" };
    fprintf(file, ", \"significant\": %s, \"on-exit\": [", policy->significant ? "true" : "false");
    const char *separator = "";
    for (uint32_t i = 0; i < policy->rules_size; i++) {
        const struct exit_rule *rule = &policy->rules[i];
        int32_t last = rule->reason == EXIT_TRAP ? rule->codes.last : rule->codes.first;
        for (int32_t code = rule->codes.first; code <= last; code++) { /* Traps have no ranges. */
            fprintf(file, "%s{\"reason\": \"%s\", \"do\": \"%s\"", separator,
                    exit_reason_name(rule->reason), actions[rule->action]);
            if (rule->has_codes && rule->reason == EXIT_TRAP)
                fprintf(file, ", \"code\": \"%s\"", trap_code_name(code));
            else if (rule->has_codes) {
                fprintf(file, ", \"code\": ");
                write_codes(file, rule->codes);
            }
            fprintf(file, "}");
            separator = ", ";
        }
    }
    fprintf(file, "], \"success-codes\": [");
    for (uint32_t i = 0; i < policy->success_size; i++) {
        fprintf(file, "%s", i ? ", " : "");
        write_codes(file, policy->success[i]);
    }
    fprintf(file, "]");
}

static void
write_node(FILE *file, const struct node_policy *policy)
{
    static const char *const strategies[] = { "one-for-one", "one-for-all", "rest-for-one",
                                              "predicate" };
    static const char *const ends[] = { "never", "any", "all" };
    fprintf(file, "\"strategy\": \"%s\", \"auto-shutdown\": \"%s\", ", strategies[policy->strategy],
            ends[policy->auto_shutdown]);
    if (policy->max_restarts != RESTARTS_UNLIMITED)
        fprintf(file, "\"intensity\": {\"max-restarts\": %u, \"within\": \"%" PRIu64 "us\"}, ",
                policy->max_restarts, policy->within_us);
}

static void
write_component(FILE *file, const struct sim_child *subject)
{
    const struct health_policy *policy = &subject->health_policy;
    fprintf(file, ", \"component\": \"sim.wasm\", \"ignores\": %s",
            subject->temper.ignores_start ? "true" : "false");
    if (subject->has_health)
        fprintf(file, ", \"health\": {\"readiness\": %s, \"failures\": %u}",
                policy->readiness ? "true" : "false", policy->failures);
}

static void
write_dependencies(FILE *file, const struct sim_child *subject)
{
    const struct sim_dependencies *own = &subject->dependencies;
    fprintf(file, ", \"when-dependency-restarts\": \"%s\", \"depends-on\": [",
            subject->policy.when_dependency_restarts == DEPENDENCY_RESTART ? "restart" : "leave");
    for (size_t i = 0; i < own->size; i++)
        fprintf(file, "%s\"%s\"", i ? ", " : "", own->on[i] ? own->on[i]->path : "/nobody");
    fprintf(file, "]%s", own->has_changed ? ", \"depends-on-changes\": true" : "");
}

/* All that ever were, in their order. */
static void
write_children(struct sim *sim, const struct sim_node *node)
{
    FILE *file = sim->options.manifest;
    const char *separator = "";
    write_node(file, &node->node.policy);
    fprintf(file, "\"children\": [");
    for (size_t i = 0; i < sim->children_size; i++) {
        const struct sim_child *subject = sim->children[i];
        if (subject->parent != node)
            continue;
        fprintf(file, "%s\n{\"name\": \"%s\"", separator, strrchr(subject->path, '/') + 1);
        write_policy(file, &subject->policy);
        write_rules(file, &subject->policy);
        write_dependencies(file, subject);
        if (subject->node) {
            fprintf(file, ", ");
            write_children(sim, subject->node);
        } else {
            write_component(file, subject);
        }
        fprintf(file, "}");
        separator = ",";
    }
    fprintf(file, "]");
}

void
sim_write_manifest(struct sim *sim)
{
    if (!sim->options.manifest)
        return;
    fprintf(sim->options.manifest, "{\"name\": \"sim\", ");
    write_children(sim, sim->root);
    fprintf(sim->options.manifest, "}\n");
}
