/* Comparing: the schema walked over two nodes. What is compared is the effective value, so a
 * default that is written out is no change.
 */
#include <assert.h>
#include <string.h>

#include "base/text_list.h"
#include "manifest/manifest_diff.h"
#include "manifest/schema.h"

struct pair {
    const struct manifest_node *was;
    const struct manifest_node *is;
};

static bool fields_are_equal(const struct schema_field *fields, size_t size,
                             const struct pair *pair);

static bool
texts_are_equal(const char *was, const char *is)
{
    return was && is ? strcmp(was, is) == 0 : was == is;
}

static bool
args_are_equal(const struct component_spec *was, const struct component_spec *is)
{
    return text_lists_are_equal((const char *const *)was->args, was->args_size,
                                (const char *const *)is->args, is->args_size);
}

/* The place of a variable of that name; `hint` is where it most likely stands. */
static const struct component_variable *
find_variable(const struct component_spec *spec, const char *name, size_t hint)
{
    if (strcmp(spec->environment[hint].name, name) == 0)
        return &spec->environment[hint];
    for (size_t i = 0; i < spec->environment_size; i++)
        if (strcmp(spec->environment[i].name, name) == 0)
            return &spec->environment[i];
    return NULL;
}

/* A map: its order means nothing. */
static bool
environments_are_equal(const struct component_spec *was, const struct component_spec *is)
{
    if (was->environment_size != is->environment_size)
        return false;
    for (size_t i = 0; i < is->environment_size; i++) {
        const struct component_variable *variable = &is->environment[i];
        const struct component_variable *other = find_variable(was, variable->name, i);
        if (!other || strcmp(other->value, variable->value) != 0)
            return false;
    }
    return true;
}

static bool
paths_are_equal(const struct supervisor_config *was, const struct supervisor_config *is)
{
    return text_lists_are_equal(was->depends_on, was->depends_on_size, is->depends_on,
                                is->depends_on_size);
}

static bool
delays_are_equal(const struct backoff *was, const struct backoff *is)
{
    if (was->list_size != is->list_size)
        return false;
    for (size_t i = 0; i < is->list_size; i++)
        if (was->list_us[i] != is->list_us[i])
            return false;
    return true;
}

static bool
jitters_are_equal(const struct backoff *was, const struct backoff *is)
{
    return !(was->jitter < is->jitter) && !(was->jitter > is->jitter) &&
           was->jitter_upward == is->jitter_upward;
}

/* Where it is not set it is `within`, which then is the key that was changed. */
static bool
resets_are_equal(const struct child_policy *was, const struct child_policy *is)
{
    bool both_follow = was->backoff.reset_after_us == was->within_us &&
                       is->backoff.reset_after_us == is->within_us;
    return both_follow || was->backoff.reset_after_us == is->backoff.reset_after_us;
}

static bool
factors_are_equal(const struct backoff *was, const struct backoff *is)
{
    return !(was->factor < is->factor) && !(was->factor > is->factor);
}

static bool
backoffs_are_equal(const struct child_policy *was, const struct child_policy *is)
{
    const struct backoff *a = &was->backoff;
    const struct backoff *b = &is->backoff;

    if (a->strategy != b->strategy || !resets_are_equal(was, is))
        return false;
    switch (b->strategy) {
    case BACKOFF_IMMEDIATE:
        return true;
    case BACKOFF_LIST:
        return delays_are_equal(a, b) && jitters_are_equal(a, b);
    case BACKOFF_EXPONENTIAL:
        if (!factors_are_equal(a, b))
            return false;
        break;
    case BACKOFF_LINEAR:
        break;
    }
    return a->initial_us == b->initial_us && a->max_us == b->max_us && jitters_are_equal(a, b);
}

static bool
rules_are_equal(const struct child_policy *was, const struct child_policy *is)
{
    if (was->rules_size != is->rules_size)
        return false;
    for (uint32_t i = 0; i < is->rules_size; i++) {
        const struct exit_rule *a = &was->rules[i];
        const struct exit_rule *b = &is->rules[i];
        bool same_codes =
            a->has_codes == b->has_codes &&
            (!b->has_codes || (a->codes.first == b->codes.first && a->codes.last == b->codes.last));
        if (a->reason != b->reason || a->action != b->action || !same_codes)
            return false;
    }
    return true;
}

static bool
codes_are_equal(const struct child_policy *was, const struct child_policy *is)
{
    if (was->success_size != is->success_size)
        return false;
    for (uint32_t i = 0; i < is->success_size; i++)
        if (was->success[i].first != is->success[i].first ||
            was->success[i].last != is->success[i].last)
            return false;
    return true;
}

/* A switch that is off on both sides hides what it would have. */
static bool
objects_are_equal(const struct schema_field *field, const struct pair *pair)
{
    if (field->is_switch) {
        bool was = *(const bool *)schema_place_const(field, NULL, pair->was);
        bool is = *(const bool *)schema_place_const(field, NULL, pair->is);
        if (was != is || !is)
            return was == is;
    }
    return fields_are_equal(field->fields, field->fields_size, pair);
}

static bool
are_equal(const struct schema_field *field, const struct pair *pair)
{
    const struct child_policy *was = &pair->was->config.policy;
    const struct child_policy *is = &pair->is->config.policy;
    const void *a = schema_place_const(field, NULL, pair->was);
    const void *b = schema_place_const(field, NULL, pair->is);

    switch (field->type) {
    case SCHEMA_FILE:
        return texts_are_equal(pair->was->spec->component, pair->is->spec->component) &&
               texts_are_equal(pair->was->spec->file, pair->is->spec->file);
    case SCHEMA_TEXT:
        return texts_are_equal(*(char *const *)a, *(char *const *)b);
    case SCHEMA_TEXT_LIST:
        return args_are_equal(pair->was->spec, pair->is->spec);
    case SCHEMA_TEXT_MAP:
        return environments_are_equal(pair->was->spec, pair->is->spec);
    case SCHEMA_INTEGER:
    case SCHEMA_CHOICE:
        return memcmp(a, b, sizeof(uint32_t)) == 0;
    case SCHEMA_DURATION:
    case SCHEMA_SIZE:
        return memcmp(a, b, sizeof(uint64_t)) == 0;
    case SCHEMA_BOOLEAN:
        return *(const bool *)a == *(const bool *)b;
    case SCHEMA_OBJECT:
        return objects_are_equal(field, pair);
    case SCHEMA_BACKOFF:
        return backoffs_are_equal(was, is);
    case SCHEMA_RULES:
        return rules_are_equal(was, is);
    case SCHEMA_CODES:
        return codes_are_equal(was, is);
    case SCHEMA_PATHS:
        return paths_are_equal(&pair->was->config, &pair->is->config);
    case SCHEMA_HOST_FILE: /* Compared on its own: it is the spec's, inside of a key that is not. */
    case SCHEMA_NAME:      /* Part of the path. */
    case SCHEMA_CHILDREN:  /* Compared as children. */
    case SCHEMA_NUMBER:    /* Of a backoff, with it. */
    case SCHEMA_JITTER:
    case SCHEMA_LATER:
        break;
    }
    return true;
}

static bool
fields_are_equal(const struct schema_field *fields, size_t size, const struct pair *pair)
{
    for (size_t i = 0; i < size; i++)
        if ((fields[i].on & schema_entry_of(pair->is)) && !are_equal(&fields[i], pair))
            return false;
    return true;
}

static bool
add_key(struct buffer *keys, const char *key)
{
    return buffer_printf(keys, "%s%s", keys->size > 0 ? ", " : "", key);
}

/* `count` makes paths, what is the application's own is compared as a whole. */
static bool
is_of_child(const struct schema_field *field)
{
    return field->home != HOME_MANIFEST && field->type != SCHEMA_LATER &&
           !(field->home == HOME_NODE && field->type == SCHEMA_INTEGER);
}

static bool
heartbeats_are_equal(const struct pair *pair)
{
    const struct component_spec *was = pair->was->spec, *is = pair->is->spec;
    return texts_are_equal(was->heartbeat_file, is->heartbeat_file) &&
           texts_are_equal(was->heartbeat_path, is->heartbeat_path);
}

bool
manifest_compare(const struct manifest_node *was, const struct manifest_node *is,
                 struct buffer *restarts, struct buffer *live)
{
    assert(was->config.is_supervisor == is->config.is_supervisor);

    const struct pair pair = { was, is };
    for (size_t i = 0; i < schema_fields_size; i++) {
        const struct schema_field *field = &schema_fields[i];
        if (!(field->on & schema_entry_of(is)) || !is_of_child(field) || are_equal(field, &pair))
            continue;
        if (!add_key(field->home == HOME_SPEC ? restarts : live, field->key))
            return false;
    }
    if (is->spec && !heartbeats_are_equal(&pair))
        return add_key(restarts, "heartbeat-file");
    return true;
}
