/* Reader, entries: the keys of one application, supervisor or component.
 *
 * A key is looked up in the schema before its value is looked at: unknown, in the wrong
 * kind of entry, not supported yet, or read.
 */
#include <assert.h>
#include <string.h>

#include "base/nearest.h"
#include "manifest/reader_values.h"

#define KEYS_MAX 64 /* Rows of one table. */

/* ---- Defaults ---- */

static void
set_default(struct reader *reader, const struct schema_field *field, struct manifest_node *node)
{
    const char *fallback = schema_fallback(field, schema_entry_of(node));
    if (!fallback || field->home == HOME_NONE)
        return;

    size_t errors = reader->report->errors_total;
    const struct yaml_node value = { .kind = YAML_SCALAR,
                                     .text = fallback,
                                     .text_size = strlen(fallback) };
    reader_read_value(reader, field, &value, node);
    assert(reader->report->errors_total == errors); /* The table would contradict itself. */
}

static void
set_defaults(struct reader *reader, const struct schema_field *fields, size_t size,
             struct manifest_node *node)
{
    for (size_t i = 0; i < size; i++) {
        if (!(fields[i].on & schema_entry_of(node)))
            continue;
        set_default(reader, &fields[i], node);
        set_defaults(reader, fields[i].fields, fields[i].fields_size, node);
    }
}

void
reader_set_defaults(struct reader *reader, struct manifest_node *node)
{
    set_defaults(reader, schema_fields, schema_fields_size, node);
    if (node->parent && node_policy_waits(&node->parent->config.node))
        node->config.policy.on_exhausted = ON_EXHAUSTED_ESCALATE;
}

/* ---- Keys that cannot be read ---- */

static const char *
nearest_key(const char *key, const struct schema_field *fields, size_t size, unsigned on)
{
    const char *names[KEYS_MAX];
    size_t n = 0;

    assert(size <= KEYS_MAX);
    for (size_t i = 0; i < size; i++)
        if (fields[i].on & on)
            names[n++] = fields[i].key;
    return nearest_name(key, names, n);
}

/* The row in whose map `key` would be known; NULL when there is none. */
static const struct schema_field *
find_owner(const char *key)
{
    for (size_t i = 0; i < schema_fields_size; i++)
        if (schema_find(schema_fields[i].fields, schema_fields[i].fields_size, key))
            return &schema_fields[i];
    return NULL;
}

/* `inside`: the row whose map it stands in; NULL: the entry itself. */
static void
complain_unknown(struct reader *reader, const struct yaml_node *key,
                 const struct schema_field *inside, const struct manifest_node *node)
{
    const struct schema_field *fields = inside ? inside->fields : schema_fields;
    size_t size = inside ? inside->fields_size : schema_fields_size;
    const char *nearest = nearest_key(key->text, fields, size, schema_entry_of(node));
    const struct schema_field *owner = inside ? NULL : find_owner(key->text);

    reader->unknown_keys++;
    if (owner)
        reader_complain(reader, key, "unknown key '%s' here; it belongs into '%s'", key->text,
                        owner->key);
    else if (inside && schema_find(schema_fields, schema_fields_size, key->text))
        reader_complain(reader, key, "unknown key '%s' in '%s'; it belongs outside of it",
                        key->text, inside->key);
    else if (nearest)
        reader_complain(reader, key, "unknown key '%s'; did you mean '%s'?", key->text, nearest);
    else
        reader_complain(reader, key, "unknown key '%s'", key->text);
}

static void
complain_misplaced(struct reader *reader, const struct yaml_node *key,
                   const struct schema_field *field, const struct manifest_node *node)
{
    switch (schema_entry_of(node)) {
    case SCHEMA_APPLICATION:
        reader_complain(reader, key, "'%s' is for children, not for the application itself",
                        key->text);
        return;
    case SCHEMA_COMPONENT:
        if (field->on == SCHEMA_APPLICATION)
            break;
        reader_complain(
            reader, key,
            "'%s' is for supervisors; '%s' is a component, because it has no 'children'", key->text,
            reader_name_of(node));
        return;
    case SCHEMA_SUPERVISOR:
        if (field->on == SCHEMA_APPLICATION)
            break;
        if (field->type == SCHEMA_FILE)
            reader_complain(reader, key,
                            "'%s' has both 'component' and 'children'; a child has one of them",
                            reader_name_of(node));
        else
            reader_complain(
                reader, key,
                "'%s' is for components; '%s' is a supervisor, because it has 'children'",
                key->text, reader_name_of(node));
        return;
    }
    reader_complain(reader, key, "'%s' is for the application; it stands at the top of the file",
                    key->text);
}

static void
complain_missing(struct reader *reader, const struct yaml_node *map,
                 const struct schema_field *field, const struct manifest_node *node)
{
    if (field->type == SCHEMA_FILE)
        reader_complain(reader, map, "%s needs 'component', a .wasm file, or 'children'",
                        reader_name_of(node));
    else if (node->parent)
        reader_complain(reader, map, "this child needs '%s'", field->key);
    else
        reader_complain(reader, map, "the application needs '%s'", field->key);
}

/* ---- Keys ---- */

static void read_key(struct reader *reader, const struct schema_field *inside,
                     const struct yaml_node *value, struct manifest_node *node);

static void
read_field(struct reader *reader, const struct schema_field *field, const struct yaml_node *value,
           struct manifest_node *node)
{
    if (field->is_switch)
        *(bool *)schema_place(field, reader->manifest, node) = true;
    bool is_object = field->type == SCHEMA_OBJECT || field->type == SCHEMA_BACKOFF;

    if (field->type == SCHEMA_CHILDREN)
        return;
    if (field->type == SCHEMA_BACKOFF && value->kind == YAML_LIST)
        reader_read_delays(reader, field, value, node);
    else if (is_object && value->kind == YAML_MAP)
        for (const struct yaml_node *pair = value->first; pair; pair = pair->next)
            read_key(reader, field, pair, node);
    else
        reader_read_value(reader, field, value, node);
}

static void
read_key(struct reader *reader, const struct schema_field *inside, const struct yaml_node *value,
         struct manifest_node *node)
{
    const struct schema_field *fields = inside ? inside->fields : schema_fields;
    size_t size = inside ? inside->fields_size : schema_fields_size;

    if (value->duplicate)
        return;
    const struct schema_field *field = schema_find(fields, size, value->key->text);
    if (!field)
        complain_unknown(reader, value->key, inside, node);
    else if (!(field->on & schema_entry_of(node)))
        complain_misplaced(reader, value->key, field, node);
    else if (field->type == SCHEMA_LATER)
        reader_complain(reader, value->key,
                        "'%s' is not supported by this version of airs yet; remove the line",
                        field->key);
    else
        read_field(reader, field, value, node);
}

/* Stands where a program that embeds airs puts its own (airs_application_options.affects). */
static bool
takes_nobody(void *context, const struct supervisor_child *failed,
             const struct supervisor_child *candidate)
{
    (void)context, (void)failed, (void)candidate;
    return false;
}

void
reader_read_entry(struct reader *reader, const struct yaml_node *map, struct manifest_node *node)
{
    const struct yaml_node *name = yaml_map_find(map, "name");
    size_t unknown_keys = reader->unknown_keys;

    if (name) /* First, so that messages about the other keys can show it. */
        read_key(reader, NULL, name, node);
    for (const struct yaml_node *pair = map->first; pair; pair = pair->next)
        if (pair != name)
            read_key(reader, NULL, pair, node);

    /* A key that is missing is likely the one that was misspelt, and reported so. */
    bool is_misspelt = reader->unknown_keys > unknown_keys;
    for (size_t i = 0; i < schema_fields_size && !is_misspelt; i++)
        if (schema_fields[i].required && (schema_fields[i].on & schema_entry_of(node)) &&
            !yaml_map_find(map, schema_fields[i].key))
            complain_missing(reader, map, &schema_fields[i], node);

    const struct yaml_node *intensity = yaml_map_find(map, "intensity");
    if (intensity && intensity->kind == YAML_MAP &&
        !(yaml_map_find(intensity, "max-restarts") && yaml_map_find(intensity, "within")))
        reader_complain(reader, intensity, "'intensity' needs both 'max-restarts' and 'within'");

    const struct yaml_node *backoff = yaml_map_find(map, "backoff");
    bool has_reset = backoff && backoff->kind == YAML_MAP && yaml_map_find(backoff, "reset-after");
    if (!has_reset)
        node->config.policy.backoff.reset_after_us = node->config.policy.within_us;
    if (node->config.node.strategy == STRATEGY_PREDICATE)
        node->config.node.affects = takes_nobody;
    node->config = supervisor_config_with_health(node->config, node->config.health);
}

/* ---- Values that must fit one another ---- */

static void
check_backoff_keys(struct reader *reader, const struct yaml_node *map,
                   enum backoff_strategy strategy)
{
    const struct schema_field *backoff = schema_find(schema_fields, schema_fields_size, "backoff");

    for (const struct yaml_node *pair = map->first; pair; pair = pair->next) {
        const struct schema_field *field =
            schema_find(backoff->fields, backoff->fields_size, pair->key->text);
        if (!pair->duplicate && field && field->strategies && !(field->strategies & 1u << strategy))
            reader_complain(reader, pair->key, "'%s' has no meaning with strategy '%s'; remove it",
                            field->key, backoff_strategy_name(strategy));
    }
}

static void
check_backoff(struct reader *reader, const struct yaml_node *map, const struct backoff *backoff)
{
    bool has_max = backoff->strategy == BACKOFF_LINEAR || backoff->strategy == BACKOFF_EXPONENTIAL;

    check_backoff_keys(reader, map, backoff->strategy);
    if (!has_max || backoff->max_us >= backoff->initial_us)
        return;
    const struct yaml_node *max = yaml_map_find(map, "max");
    const struct yaml_node *initial = yaml_map_find(map, "initial");
    if (max)
        reader_complain(reader, max, "'max' is less than 'initial'");
    else if (initial)
        reader_complain(reader, initial,
                        "'initial' is more than 'max', which is 30s where it is not set");
}

void
reader_check_entry(struct reader *reader, const struct yaml_node *map,
                   const struct manifest_node *node)
{
    const struct child_policy *policy = &node->config.policy;
    const struct yaml_node *backoff = yaml_map_find(map, "backoff");
    const struct yaml_node *max_restarts = yaml_map_find(map, "max-restarts");
    struct airs_error error = { 0 };

    if (!node->parent)
        return;
    size_t errors = reader->report->errors_total;
    if (backoff && backoff->kind == YAML_MAP)
        check_backoff(reader, backoff, &policy->backoff);
    if (reader->report->errors_total == errors &&
        supervisor_config_validate(&node->config, &error) != AIRS_OK)
        reader_complain(reader, max_restarts ? max_restarts : map, "%s", error.message);
}
