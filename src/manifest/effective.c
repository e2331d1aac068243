/* Effective values: the schema walked once more, from the tree to JSON.
 *
 * YAML is written from that JSON (effective_yaml.c), so both say the same. A key that
 * begins with '#', as none of the schema does, is a note: YAML shows it as a comment, and
 * it is made for YAML alone.
 */
#include "manifest/effective.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quantity.h"
#include "base/trap_code.h"
#include "manifest/effective_yaml.h"
#include "manifest/schema.h"

#define NOTE_KEY_BYTES 64

struct walk {
    const struct manifest *manifest;
    bool with_notes;
    bool out_of_memory;
};

static json_t *entry_of(struct walk *walk, const struct manifest_node *node);

/* Adds `value`, which may be NULL for want of memory, and takes it over. */
static void
set(struct walk *walk, json_t *object, const char *key, json_t *value)
{
    if (!value || json_object_set_new(object, key, value) != 0)
        walk->out_of_memory = true;
}

static void
append(struct walk *walk, json_t *array, json_t *value)
{
    if (!value || json_array_append_new(array, value) != 0)
        walk->out_of_memory = true;
}

static json_t *
duration_of(uint64_t us)
{
    char text[QUANTITY_TEXT_BYTES];
    return json_string(quantity_format_duration(us, text));
}

/* The name of an entry: of "back#1" with its count, "back". */
static json_t *
name_of(const struct manifest_node *node)
{
    return json_stringn(node->name,
                        node->instance > 0 ? strcspn(node->name, "#") : strlen(node->name));
}

static json_t *
args_of(struct walk *walk, const struct component_spec *spec)
{
    json_t *array = json_array();
    for (size_t i = 0; i < spec->args_size; i++)
        append(walk, array, json_string(spec->args[i]));
    return array;
}

static json_t *
depends_on_of(struct walk *walk, const struct manifest_node *node)
{
    json_t *array = json_array();
    for (size_t i = 0; i < node->depends_on_size; i++)
        append(walk, array, json_string(node->depends_on[i]));
    return array;
}

static json_t *
environment_of(struct walk *walk, const struct component_spec *spec)
{
    json_t *object = json_object();
    for (size_t i = 0; i < spec->environment_size; i++)
        set(walk, object, spec->environment[i].name, json_string(spec->environment[i].value));
    return object;
}

static json_t *
jitter_of(const struct backoff *backoff)
{
    char text[QUANTITY_TEXT_BYTES];
    snprintf(text, sizeof text, "%s%.0f%%", backoff->jitter_upward ? "+" : "",
             backoff->jitter * 100);
    return json_string(text);
}

static json_t *
children_of(struct walk *walk, const struct manifest_node *node)
{
    json_t *array = json_array();
    for (size_t i = 0; i < node->children_size && !walk->out_of_memory; i++)
        if (node->children[i]->instance <= 1)
            append(walk, array, entry_of(walk, node->children[i]));
    return array;
}

/* What a scalar of 64 or 32 bits holds, widened. */
static uint64_t
number_at(const struct schema_field *field, const void *place)
{
    uint64_t wide = 0;
    uint32_t narrow = 0;

    if (field->type == SCHEMA_DURATION || field->type == SCHEMA_SIZE) {
        memcpy(&wide, place, sizeof wide);
        return wide;
    }
    memcpy(&narrow, place, sizeof narrow);
    return narrow;
}

/* An integer, a duration, a size or a choice: its word, if it has one. */
static json_t *
quantity_of(const struct schema_field *field, const void *place)
{
    char text[QUANTITY_TEXT_BYTES];
    uint64_t value = number_at(field, place);
    const char *word = schema_word_of(field, value);

    if (word)
        return json_string(word);
    if (field->type == SCHEMA_DURATION)
        return duration_of(value);
    if (field->type == SCHEMA_SIZE)
        return json_string(quantity_format_size(value, text));
    return json_integer((json_int_t)value);
}

static json_t *
backoff_list_of(struct walk *walk, const struct backoff *backoff)
{
    json_t *array = json_array();
    for (size_t i = 0; i < backoff->list_size; i++)
        append(walk, array, duration_of(backoff->list_us[i]));
    return array;
}

/* As they would be written: a code, or "first-last". */
static json_t *
codes_of(struct code_range codes)
{
    char text[QUANTITY_TEXT_BYTES];
    if (codes.first == codes.last)
        return json_integer(codes.first);
    snprintf(text, sizeof text, "%d-%d", (int)codes.first, (int)codes.last);
    return json_string(text);
}

static json_t *
success_of(struct walk *walk, const struct child_policy *policy)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < policy->success_size; i++)
        append(walk, array, codes_of(policy->success[i]));
    return array;
}

static json_t *
rule_of(struct walk *walk, const struct exit_rule *rule)
{
    json_t *object = json_object();
    set(walk, object, "reason", json_string(exit_reason_name(rule->reason)));
    if (rule->has_codes)
        set(walk, object, "code",
            rule->reason == EXIT_TRAP ? json_string(trap_code_name(rule->codes.first))
                                      : codes_of(rule->codes));
    set(walk, object, "do", json_string(exit_action_name(rule->action)));
    return object;
}

static json_t *
rules_of(struct walk *walk, const struct child_policy *policy)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < policy->rules_size; i++)
        append(walk, array, rule_of(walk, &policy->rules[i]));
    return array;
}

static json_t *fields_of(struct walk *walk, const struct schema_field *fields, size_t size,
                         const struct manifest_node *node);

static json_t *
value_of(struct walk *walk, const struct schema_field *field, const struct manifest_node *node)
{
    const struct backoff *backoff = &node->config.policy.backoff;
    const void *place = schema_place_const(field, walk->manifest, node);

    switch (field->type) {
    case SCHEMA_NAME:
        return name_of(node);
    case SCHEMA_FILE:
        return json_string(node->spec->component);
    case SCHEMA_HOST_FILE:
    case SCHEMA_TEXT:
        return json_string(*(char *const *)place);
    case SCHEMA_TEXT_LIST:
        return args_of(walk, node->spec);
    case SCHEMA_TEXT_MAP:
        return environment_of(walk, node->spec);
    case SCHEMA_NUMBER:
        return json_real(*(const double *)place);
    case SCHEMA_BOOLEAN:
        return json_boolean(*(const bool *)place);
    case SCHEMA_JITTER:
        return jitter_of(backoff);
    case SCHEMA_INTEGER:
    case SCHEMA_DURATION:
    case SCHEMA_SIZE:
    case SCHEMA_CHOICE:
        return place ? quantity_of(field, place) : json_string(field->fallback);
    case SCHEMA_BACKOFF:
        if (backoff->strategy == BACKOFF_LIST)
            return backoff_list_of(walk, backoff);
        return fields_of(walk, field->fields, field->fields_size, node);
    case SCHEMA_OBJECT:
        return fields_of(walk, field->fields, field->fields_size, node);
    case SCHEMA_RULES:
        return rules_of(walk, &node->config.policy);
    case SCHEMA_CODES:
        return success_of(walk, &node->config.policy);
    case SCHEMA_PATHS:
        return depends_on_of(walk, node);
    case SCHEMA_CHILDREN:
        return children_of(walk, node);
    case SCHEMA_LATER:
        break;
    }
    assert(false && "has no value");
    return NULL;
}

/* Whether the value is there to be written; what is not has no default either. */
static bool
has_value(struct walk *walk, const struct schema_field *field, const struct manifest_node *node)
{
    const void *place = schema_place_const(field, walk->manifest, node);

    if (field->is_switch)
        return *(const bool *)place;
    if (field->zero_is_unset)
        return number_at(field, place) != 0;
    if (field->type == SCHEMA_TEXT || field->type == SCHEMA_HOST_FILE)
        return *(char *const *)place != NULL;
    if (field->type == SCHEMA_RULES)
        return node->config.policy.rules_size > 0;
    if (field->type == SCHEMA_CODES)
        return node->config.policy.success_size > 0;
    if (field->type == SCHEMA_PATHS)
        return node->depends_on_size > 0;
    if (field->type == SCHEMA_OBJECT && schema_entry_of(node) != SCHEMA_COMPONENT) /* intensity */
        return node->config.node.max_restarts != RESTARTS_UNLIMITED;
    if (place == &node->count)
        return node->instance > 0;
    return true;
}

static void
add_note(struct walk *walk, json_t *object, const struct schema_field *field)
{
    char key[NOTE_KEY_BYTES];
    snprintf(key, sizeof key, "# %s", field->key);
    set(walk, object, key, json_string(field->fallback_note));
}

/* A list of delays leaves no room for the other keys of a backoff: notes tell them. */
static void
add_list_notes(struct walk *walk, json_t *object, const struct backoff *backoff)
{
    uint64_t reset_us = backoff->reset_after_us;
    set(walk, object, "# backoff's jitter", jitter_of(backoff));
    set(walk, object, "# backoff's reset-after",
        reset_us == DURATION_INFINITE ? json_string("never") : duration_of(reset_us));
}

static void
add_field(struct walk *walk, json_t *object, const struct schema_field *field,
          const struct manifest_node *node)
{
    const struct backoff *backoff = &node->config.policy.backoff;

    if (field->type == SCHEMA_LATER || !(field->on & schema_entry_of(node)) ||
        (field->strategies && !(field->strategies & 1u << backoff->strategy)))
        return;
    if (has_value(walk, field, node))
        set(walk, object, field->key, value_of(walk, field, node));
    else if (field->fallback_note && walk->with_notes)
        add_note(walk, object, field);
    if (field->type == SCHEMA_BACKOFF && backoff->strategy == BACKOFF_LIST && walk->with_notes)
        add_list_notes(walk, object, backoff);
}

static json_t *
fields_of(struct walk *walk, const struct schema_field *fields, size_t size,
          const struct manifest_node *node)
{
    json_t *object = json_object();
    for (size_t i = 0; i < size; i++)
        add_field(walk, object, &fields[i], node);
    return object;
}

static json_t *
entry_of(struct walk *walk, const struct manifest_node *node)
{
    return fields_of(walk, schema_fields, schema_fields_size, node);
}

/* NULL when out of memory. */
static json_t *
manifest_to_json(const struct manifest *manifest, bool with_notes)
{
    struct walk walk = { .manifest = manifest, .with_notes = with_notes };
    json_t *object = entry_of(&walk, manifest->root);
    if (walk.out_of_memory) {
        json_decref(object);
        return NULL;
    }
    return object;
}

bool
effective_write_yaml(const struct manifest *manifest, struct buffer *out)
{
    json_t *object = manifest_to_json(manifest, true);
    bool done = object && effective_yaml_write(object, out);
    json_decref(object);
    return done;
}

bool
effective_write_json(const struct manifest *manifest, struct buffer *out)
{
    json_t *object = manifest_to_json(manifest, false);
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    bool done = text && buffer_append_text(out, text) && buffer_append_text(out, "\n");
    free(text);
    json_decref(object);
    return done;
}
