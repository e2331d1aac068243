#include "manifest/schema.h"

#include <assert.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS(array) .words = (array), .words_size = COUNT(array)
#define FIELDS(array) .fields = (array), .fields_size = COUNT(array)

#define IN_MANIFEST(member) .home = HOME_MANIFEST, .offset = offsetof(struct manifest, member)
#define IN_NODE(member) .home = HOME_NODE, .offset = offsetof(struct manifest_node, member)
#define IN_CONFIG(member) .home = HOME_CONFIG, .offset = offsetof(struct supervisor_config, member)
#define IN_SPEC(member) .home = HOME_SPEC, .offset = offsetof(struct component_spec, member)

#define CHILD (SCHEMA_COMPONENT | SCHEMA_SUPERVISOR)
#define PARENT (SCHEMA_APPLICATION | SCHEMA_SUPERVISOR)
#define ANY (CHILD | PARENT)

#define STRATEGY(name) (1u << BACKOFF_##name)

/* A table reads better by rows than by columns. */
/* clang-format off */
static const struct schema_word strategies[] = {
    { .word = "one-for-one", .value = STRATEGY_ONE_FOR_ONE },
    { .word = "one-for-all", .value = STRATEGY_ONE_FOR_ALL },
    { .word = "rest-for-one", .value = STRATEGY_REST_FOR_ONE },
    { .word = "predicate", .value = STRATEGY_PREDICATE },
};
static const struct schema_word auto_shutdowns[] = {
    { .word = "never", .value = AUTO_SHUTDOWN_NEVER },
    { .word = "any", .value = AUTO_SHUTDOWN_ANY },
    { .word = "all", .value = AUTO_SHUTDOWN_ALL },
};
static const struct schema_word restarts[] = {
    { .word = "permanent", .value = RESTART_PERMANENT },
    { .word = "transient", .value = RESTART_TRANSIENT },
    { .word = "temporary", .value = RESTART_TEMPORARY },
    { .word = "always", .value = RESTART_PERMANENT, .is_alias = true },
    { .word = "on-failure", .value = RESTART_TRANSIENT, .is_alias = true },
    { .word = "no", .value = RESTART_TEMPORARY, .is_alias = true },
};
static const struct schema_word exhausted[] = {
    { .word = "fail", .value = ON_EXHAUSTED_FAIL },
    { .word = "escalate", .value = ON_EXHAUSTED_ESCALATE },
};
static const struct schema_word dependency_restarts[] = {
    { .word = "leave", .value = DEPENDENCY_LEAVE },
    { .word = "restart", .value = DEPENDENCY_RESTART },
};
static const struct schema_word backoffs[] = {
    { .word = "immediate", .value = BACKOFF_IMMEDIATE },
    { .word = "linear", .value = BACKOFF_LINEAR },
    { .word = "exponential", .value = BACKOFF_EXPONENTIAL },
};
static const struct schema_word stdin_modes[] = {
    { .word = "empty", .value = STDIN_EMPTY },
    { .word = "open", .value = STDIN_OPEN },
};
static const struct schema_word full_answers[] = {
    { .word = "reject", .value = ON_FULL_REJECT },
    { .word = "drop-oldest", .value = ON_FULL_DROP_OLDEST },
    { .word = "block", .value = ON_FULL_BLOCK, .later = true },
};
static const struct schema_word unlimited[] = {
    { .word = "unlimited", .value = RESTARTS_UNLIMITED },
};
static const struct schema_word never[] = {
    { .word = "never", .value = DURATION_INFINITE },
};
static const struct schema_word infinity[] = {
    { .word = "infinity", .value = DURATION_INFINITE },
};
static const struct schema_word stop_times[] = {
    { .word = "infinity", .value = DURATION_INFINITE },
    { .word = "kill", .value = 0 },
};

static const struct schema_field backoff_fields[] = {
    { .key = "strategy", .type = SCHEMA_CHOICE, .on = CHILD, IN_CONFIG(policy.backoff.strategy),
      WORDS(backoffs), .fallback = "exponential",
      .help = "How the delay grows from restart to restart." },
    { .key = "initial", .type = SCHEMA_DURATION, .on = CHILD,
      IN_CONFIG(policy.backoff.initial_us), .max = POLICY_DURATION_MAX_US,
      .strategies = STRATEGY(LINEAR) | STRATEGY(EXPONENTIAL), .fallback = "100ms",
      .help = "The delay before the first restart." },
    { .key = "factor", .type = SCHEMA_NUMBER, .on = CHILD, IN_CONFIG(policy.backoff.factor),
      .min = 1, .max = (uint64_t)BACKOFF_FACTOR_MAX, .strategies = STRATEGY(EXPONENTIAL),
      .fallback = "1.5", .help = "Each delay is this many times the one before." },
    { .key = "max", .type = SCHEMA_DURATION, .on = CHILD, IN_CONFIG(policy.backoff.max_us),
      .max = POLICY_DURATION_MAX_US, .strategies = STRATEGY(LINEAR) | STRATEGY(EXPONENTIAL),
      .fallback = "30s", .help = "No delay is longer, before jitter." },
    { .key = "jitter", .type = SCHEMA_JITTER, .on = CHILD, IN_CONFIG(policy.backoff),
      .strategies = STRATEGY(LINEAR) | STRATEGY(EXPONENTIAL) | STRATEGY(LIST),
      .fallback = "10%",
      .help = "Spread of the delay: 10% gives 0.9 to 1.1 of it, +20% gives 1 to 1.2." },
    { .key = "reset-after", .type = SCHEMA_DURATION, .on = CHILD,
      IN_CONFIG(policy.backoff.reset_after_us), .min = POLICY_DURATION_MIN_US,
      .max = POLICY_DURATION_MAX_US, WORDS(never), .fallback_note = "as long as 'within'",
      .help = "A run as long as this makes the delays begin anew." },
};

static const struct schema_field intensity_fields[] = {
    { .key = "max-restarts", .type = SCHEMA_INTEGER, .on = ANY, .required = true,
      IN_CONFIG(node.max_restarts), .max = RESTARTS_MAX,
      .help = "Restarts that are granted within 'within'." },
    { .key = "within", .type = SCHEMA_DURATION, .on = ANY, .required = true,
      IN_CONFIG(node.within_us), .min = POLICY_DURATION_MIN_US, .max = POLICY_DURATION_MAX_US,
      .help = "The window of 'max-restarts', in plain time." },
};

static const struct schema_field limits_fields[] = {
    { .key = "memory", .type = SCHEMA_SIZE, .on = SCHEMA_COMPONENT, IN_SPEC(limits.memory_bytes),
      .min = COMPONENT_MEMORY_MIN_BYTES, .max = COMPONENT_MEMORY_MAX_BYTES, .fallback = "64MiB",
      .help = "Of one instance, over all its memories." },
    { .key = "call-timeout", .type = SCHEMA_DURATION, .on = SCHEMA_COMPONENT,
      IN_SPEC(limits.call_timeout_us), .min = POLICY_DURATION_MIN_US,
      .max = POLICY_DURATION_MAX_US, .zero_is_unset = true, WORDS(infinity),
      .fallback_note = "30s for an actor, infinity for a command",
      .help = "Wall time of one call." },
    { .key = "cpu-timeout", .type = SCHEMA_DURATION, .on = SCHEMA_COMPONENT,
      IN_SPEC(limits.cpu_timeout_us), .min = POLICY_DURATION_MIN_US,
      .max = POLICY_DURATION_MAX_US, .zero_is_unset = true, WORDS(infinity),
      .fallback_note = "5s for an actor, infinity for a command",
      .help = "Time of one call on a worker." },
    { .key = "mailbox", .type = SCHEMA_INTEGER, .on = SCHEMA_COMPONENT, IN_SPEC(limits.mailbox),
      .min = 1, .max = COMPONENT_MAILBOX_MAX, .fallback = "1024", .help = "Messages that wait." },
    { .key = "on-full", .type = SCHEMA_CHOICE, .on = SCHEMA_COMPONENT, IN_SPEC(limits.on_full),
      WORDS(full_answers), .fallback = "reject",
      .help = "What a full mailbox does with one more message." },
    { .key = "redeliver", .type = SCHEMA_INTEGER, .on = SCHEMA_COMPONENT,
      IN_SPEC(limits.redeliver), .max = 1000, .later_above_min = true, .fallback = "0",
      .help = "Times that a message which ended the instance is handled again." },
};

static const struct schema_field health_fields[] = {
    { .key = "interval", .type = SCHEMA_DURATION, .on = SCHEMA_COMPONENT,
      IN_CONFIG(health.probe.interval_us), .min = HEALTH_INTERVAL_MIN_US,
      .max = POLICY_DURATION_MAX_US, .fallback = "5s",
      .help = "From probe to probe of an actor; the longest pause between two lines on a "
              "command's stdout." },
    { .key = "timeout", .type = SCHEMA_DURATION, .on = SCHEMA_COMPONENT,
      IN_CONFIG(health.probe.timeout_us), .min = HEALTH_INTERVAL_MIN_US,
      .max = POLICY_DURATION_MAX_US, .fallback = "1s",
      .help = "Time for an actor's answer, from the call on; commands have none." },
    { .key = "failures", .type = SCHEMA_INTEGER, .on = SCHEMA_COMPONENT,
      IN_CONFIG(health.probe.failures), .min = 1, .max = HEALTH_FAILURES_MAX, .fallback = "3",
      .help = "So many in a row end it as unhealthy." },
    { .key = "start-period", .type = SCHEMA_DURATION, .on = SCHEMA_COMPONENT,
      IN_CONFIG(health.probe.start_period_us), .max = POLICY_DURATION_MAX_US, .fallback = "0s",
      .help = "Failures in it do not count; the first success ends it." },
    { .key = "readiness", .type = SCHEMA_BOOLEAN, .on = SCHEMA_COMPONENT,
      IN_CONFIG(health.probe.readiness), .fallback = "true",
      .help = "Ready from the first success, not ready from the first failure." },
    { .key = "liveness", .type = SCHEMA_BOOLEAN, .on = SCHEMA_COMPONENT,
      IN_CONFIG(health.probe.liveness), .fallback = "true",
      .help = "Whether 'failures' in a row end it." },
    { .key = "heartbeat-file", .type = SCHEMA_HOST_FILE, .on = SCHEMA_COMPONENT,
      IN_SPEC(heartbeat_file), .max = SCHEMA_PATH_BYTES_MAX,
      .help = "Of a command: a file, relative to the manifest, whose changes are its heartbeat "
              "instead of lines on stdout." },
};

const struct schema_field schema_fields[] = {
    { .key = "name", .type = SCHEMA_NAME, .on = ANY, .required = true, IN_NODE(name),
      .help = "Letters, digits, '.', '_' and '-'; begins with a letter or a digit." },
    { .key = "intensity", .type = SCHEMA_OBJECT, .on = PARENT, .home = HOME_CONFIG,
      FIELDS(intensity_fields), .fallback_note = "none",
      .help = "Limit of the restarts over all children." },
    { .key = "strategy", .type = SCHEMA_CHOICE, .on = PARENT,
      IN_CONFIG(node.strategy), WORDS(strategies),
      .fallback = "one-for-one", .help = "Which siblings a restart takes along." },
    { .key = "auto-shutdown", .type = SCHEMA_CHOICE, .on = PARENT,
      IN_CONFIG(node.auto_shutdown), WORDS(auto_shutdowns), .fallback = "never",
      .help = "Ends the supervisor when significant children have ended." },
    { .key = "max-children", .type = SCHEMA_INTEGER, .on = PARENT,
      IN_CONFIG(node.max_children), .min = 1, .max = MANIFEST_CHILDREN_MAX,
      .zero_is_unset = true, .fallback_note = "no limit",
      .help = "Children that it has at most, those added while it runs included." },
    { .key = "max-concurrent-starts", .type = SCHEMA_INTEGER, .on = SCHEMA_APPLICATION,
      IN_MANIFEST(max_concurrent_starts), .min = 1, .max = MANIFEST_INSTANCES_MAX,
      .zero_is_unset = true, .fallback_note = "4 for each worker",
      .help = "Starts at a time; further ones wait." },
    { .key = "max-instances", .type = SCHEMA_INTEGER, .on = SCHEMA_APPLICATION,
      IN_MANIFEST(max_instances), .min = 1, .max = MANIFEST_INSTANCES_MAX,
      .zero_is_unset = true, .fallback_note = "components, plus each max-children, + 25 % + 64",
      .help = "Instances at a time; further ones wait." },
    { .key = "component", .type = SCHEMA_FILE, .on = SCHEMA_COMPONENT, .required = true,
      .home = HOME_SPEC, .help = "The .wasm file, relative to the manifest." },
    { .key = "count", .type = SCHEMA_INTEGER, .on = SCHEMA_COMPONENT, IN_NODE(count), .min = 1,
      .max = SCHEMA_COUNT_MAX, .help = "Makes this many of it: name#1, name#2, …" },
    { .key = "args", .type = SCHEMA_TEXT_LIST, .on = SCHEMA_COMPONENT, .home = HOME_SPEC,
      .max = SCHEMA_VALUE_BYTES_MAX, .help = "Arguments of a command." },
    { .key = "restart", .type = SCHEMA_CHOICE, .on = CHILD, IN_CONFIG(policy.restart),
      WORDS(restarts), .fallback = "permanent",
      .help = "permanent: always; transient: after an abnormal end; temporary: never." },
    { .key = "max-restarts", .type = SCHEMA_INTEGER, .on = CHILD, IN_CONFIG(policy.max_restarts),
      .max = RESTARTS_MAX, WORDS(unlimited), .fallback = "3",
      .help = "Restarts that are granted within 'within'." },
    { .key = "within", .type = SCHEMA_DURATION, .on = CHILD, IN_CONFIG(policy.within_us),
      .min = POLICY_DURATION_MIN_US, .max = POLICY_DURATION_MAX_US, .fallback = "60s",
      .help = "The window of 'max-restarts', in time that the child has lived." },
    { .key = "on-exhausted", .type = SCHEMA_CHOICE, .on = CHILD, IN_CONFIG(policy.on_exhausted),
      WORDS(exhausted), .fallback_note = "fail; escalate under one-for-all and rest-for-one",
      .help = "When 'max-restarts' is used up: the child fails, or its supervisor ends." },
    { .key = "backoff", .type = SCHEMA_BACKOFF, .on = CHILD, .home = HOME_CONFIG,
      FIELDS(backoff_fields), .max = POLICY_DURATION_MAX_US,
      .help = "The delay before a restart; or a list of delays, the last of which repeats." },
    { .key = "on-exit", .type = SCHEMA_RULES, .on = CHILD, .home = HOME_CONFIG,
      .help = "Rules by exit reason, trap code and exit code." },
    { .key = "success-codes", .type = SCHEMA_CODES, .on = SCHEMA_COMPONENT, .home = HOME_CONFIG,
      .help = "Exit codes that count as a normal end." },
    { .key = "shutdown", .type = SCHEMA_DURATION, .on = CHILD, IN_CONFIG(policy.shutdown_us),
      .max = POLICY_DURATION_MAX_US, WORDS(stop_times), .fallback = "5s",
      .fallback_supervisor = "infinity",
      .help = "Time to stop when asked to, before it is killed." },
    { .key = "start-timeout", .type = SCHEMA_DURATION, .on = CHILD,
      IN_CONFIG(policy.start_timeout_us), .min = POLICY_DURATION_MIN_US,
      .max = POLICY_DURATION_MAX_US, WORDS(infinity), .fallback = "10s",
      .fallback_supervisor = "infinity", .help = "Time to get running." },
    { .key = "health", .type = SCHEMA_OBJECT, .on = SCHEMA_COMPONENT, IN_CONFIG(health.enabled),
      .is_switch = true, FIELDS(health_fields),
      .help = "Probes of an actor's 'health'; of a command, lines on its stdout, or a file. Off without." },
    { .key = "depends-on", .type = SCHEMA_PATHS, .on = CHILD, .home = HOME_CONFIG,
      .help = "Paths of children that must be ready, or have ended well, before it starts." },
    { .key = "when-dependency-restarts", .type = SCHEMA_CHOICE, .on = CHILD,
      IN_CONFIG(policy.when_dependency_restarts), WORDS(dependency_restarts), .fallback = "leave",
      .help = "leave: it runs on; restart: it is stopped, and started when they are ready again." },
    { .key = "significant", .type = SCHEMA_BOOLEAN, .on = CHILD, IN_CONFIG(policy.significant),
      .fallback = "false",
      .help = "Counts for the supervisor's 'auto-shutdown'." },
    { .key = "limits", .type = SCHEMA_OBJECT, .on = SCHEMA_COMPONENT, .home = HOME_SPEC,
      FIELDS(limits_fields), .help = "What one instance may use." },
    { .key = "capabilities", .type = SCHEMA_LATER, .on = SCHEMA_COMPONENT,
      .help = "What it may reach: files, network, storage, messages, host variables." },
    { .key = "environment", .type = SCHEMA_TEXT_MAP, .on = SCHEMA_COMPONENT, .home = HOME_SPEC,
      .max = SCHEMA_VALUE_BYTES_MAX, .help = "Environment variables." },
    { .key = "stdin", .type = SCHEMA_CHOICE, .on = SCHEMA_COMPONENT, IN_SPEC(stdin_mode),
      WORDS(stdin_modes), .fallback = "empty",
      .help = "Of a command: at its end at once, or open until it is asked to stop." },
    { .key = "config", .type = SCHEMA_TEXT, .on = SCHEMA_COMPONENT, IN_SPEC(config),
      .max = SCHEMA_CONFIG_BYTES_MAX, .help = "Text handed to an actor's 'initialize'." },
    { .key = "children", .type = SCHEMA_CHILDREN, .on = PARENT, .required = true,
      .max = MANIFEST_CHILDREN_MAX, .help = "Children in the order of their start." },
};
/* clang-format on */
const size_t schema_fields_size = COUNT(schema_fields);

const struct schema_field *
schema_find(const struct schema_field *fields, size_t size, const char *key)
{
    for (size_t i = 0; i < size; i++)
        if (strcmp(fields[i].key, key) == 0)
            return &fields[i];
    return NULL;
}

void *
schema_place(const struct schema_field *field, struct manifest *manifest,
             struct manifest_node *node)
{
    switch (field->home) {
    case HOME_NONE:
        return NULL;
    case HOME_MANIFEST:
        return (char *)manifest + field->offset;
    case HOME_NODE:
        return (char *)node + field->offset;
    case HOME_CONFIG:
        return (char *)&node->config + field->offset;
    case HOME_SPEC:
        assert(node->spec);
        return (char *)node->spec + field->offset;
    }
    assert(false && "no such home");
    return NULL;
}

const void *
schema_place_const(const struct schema_field *field, const struct manifest *manifest,
                   const struct manifest_node *node)
{
    return schema_place(field, (struct manifest *)(uintptr_t)manifest,
                        (struct manifest_node *)(uintptr_t)node);
}

const char *
schema_fallback(const struct schema_field *field, enum schema_entry entry)
{
    if (entry == SCHEMA_SUPERVISOR && field->fallback_supervisor)
        return field->fallback_supervisor;
    return field->fallback;
}

const char *
schema_word_of(const struct schema_field *field, uint64_t value)
{
    for (size_t i = 0; i < field->words_size; i++)
        if (!field->words[i].is_alias && field->words[i].value == value)
            return field->words[i].word;
    return NULL;
}

enum schema_entry
schema_entry_of(const struct manifest_node *node)
{
    if (!node->parent)
        return SCHEMA_APPLICATION;
    return node->config.is_supervisor ? SCHEMA_SUPERVISOR : SCHEMA_COMPONENT;
}
