#include "manifest/schema_json.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/trap_code.h"
#include "manifest/schema.h"

#define NAME_PATTERN "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
#define DURATION_PATTERN "^[0-9]+(us|ms|s|m|h)$"
#define SIZE_PATTERN "^[0-9]+(B|KiB|MiB|GiB)$"
#define JITTER_PATTERN "^\\+?0*([0-9]{1,2}|100)%$"
#define CODES_PATTERN "^[0-9]{1,3}-[0-9]{1,3}$"
#define VARIABLE_PATTERN "^[^=]+$"

/* In what is below, NULL is a value that could not be made for want of memory: it is passed
 * on, json_pack() and the setters refuse it, and the schema as a whole becomes NULL. */

static json_t *object_of(const struct schema_field *fields, size_t size, unsigned on);

/* Adds `value`, and makes *object NULL when that fails. */
static void
set(json_t **object, const char *key, json_t *value)
{
    if (json_object_set_new(*object, key, value) == 0)
        return;
    json_decref(*object);
    *object = NULL;
}

static json_t *
append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) == 0)
        return array;
    json_decref(array);
    return NULL;
}

/* The words that this version supports, aliases too. */
static json_t *
words_of(const struct schema_field *field)
{
    json_t *words = json_array();
    for (size_t i = 0; i < field->words_size; i++)
        if (!field->words[i].later)
            words = append(words, json_string(field->words[i].word));
    return json_pack("{s:o}", "enum", words);
}

static json_t *
reference_to(const char *definition)
{
    return json_pack("{s:s+}", "$ref", "#/$defs/", definition);
}

static json_t *
integer_of(const struct schema_field *field)
{
    json_int_t max = (json_int_t)(field->later_above_min ? field->min : field->max);
    return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)field->min,
                     "maximum", max);
}

static json_t *
text_map_of(void)
{
    return json_pack("{s:s, s:{s:s}, s:{s:s}, s:i}", "type", "object", "propertyNames", "pattern",
                     VARIABLE_PATTERN, "additionalProperties", "type", "string", "maxProperties",
                     (int)COMPONENT_ENVIRONMENT_MAX);
}

static json_t *
backoff_of(const struct schema_field *field)
{
    return json_pack("{s:[o, {s:s, s:o, s:i, s:i}]}", "anyOf",
                     object_of(field->fields, field->fields_size, SCHEMA_COMPONENT), "type",
                     "array", "items", reference_to("duration"), "minItems", 1, "maxItems",
                     (int)BACKOFF_LIST_MAX);
}

/* An exit code, or a range of them. */
static json_t *
codes_of(void)
{
    return json_pack("{s:[{s:s, s:i, s:i}, {s:s, s:s}]}", "anyOf", "type", "integer", "minimum", 0,
                     "maximum", EXIT_CODE_MAX, "type", "string", "pattern", CODES_PATTERN);
}

static json_t *
rule_of(void)
{
    json_t *code = json_pack("{s:[o, o]}", "anyOf", codes_of(), reference_to("trap-code"));
    json_t *properties =
        json_pack("{s:o, s:o, s:{s:[s, s, s, s]}}", "reason", reference_to("exit-reason"), "code",
                  code, "do", "enum", "restart", "stop", "fail", "escalate");
    return json_pack("{s:s, s:o, s:[s, s], s:b}", "type", "object", "properties", properties,
                     "required", "reason", "do", "additionalProperties", 0);
}

/* What a value of the row's type looks like, its words left aside. */
static json_t *
type_of(const struct schema_field *field)
{
    switch (field->type) {
    case SCHEMA_NAME:
        return reference_to("name");
    case SCHEMA_FILE:
    case SCHEMA_HOST_FILE:
        return json_pack("{s:s, s:i}", "type", "string", "minLength", 1);
    case SCHEMA_TEXT:
        return json_pack("{s:s}", "type", "string");
    case SCHEMA_TEXT_LIST:
        return json_pack("{s:s, s:{s:s}, s:i}", "type", "array", "items", "type", "string",
                         "maxItems", (int)COMPONENT_ARGS_MAX);
    case SCHEMA_TEXT_MAP:
        return text_map_of();
    case SCHEMA_INTEGER:
        return integer_of(field);
    case SCHEMA_NUMBER:
        return json_pack("{s:s, s:I, s:I}", "type", "number", "minimum", (json_int_t)field->min,
                         "maximum", (json_int_t)field->max);
    case SCHEMA_DURATION:
        return reference_to("duration");
    case SCHEMA_SIZE:
        return reference_to("size");
    case SCHEMA_CHOICE:
        return words_of(field);
    case SCHEMA_BOOLEAN:
        return json_pack("{s:s}", "type", "boolean");
    case SCHEMA_JITTER:
        return json_pack("{s:s, s:s}", "type", "string", "pattern", JITTER_PATTERN);
    case SCHEMA_OBJECT:
        return object_of(field->fields, field->fields_size, SCHEMA_COMPONENT);
    case SCHEMA_BACKOFF:
        return backoff_of(field);
    case SCHEMA_RULES:
        return json_pack("{s:s, s:o, s:i}", "type", "array", "items", rule_of(), "maxItems",
                         (int)EXIT_RULES_MAX);
    case SCHEMA_CODES:
        return json_pack("{s:s, s:o, s:i}", "type", "array", "items", codes_of(), "maxItems",
                         (int)SUCCESS_CODES_MAX);
    case SCHEMA_PATHS:
        return json_pack("{s:s, s:{s:s, s:s}, s:i}", "type", "array", "items", "type", "string",
                         "pattern", "^/", "maxItems", (int)DEPENDS_ON_MAX);
    case SCHEMA_CHILDREN:
        return json_pack("{s:s, s:o, s:i}", "type", "array", "items", reference_to("child"),
                         "minItems", 1);
    case SCHEMA_LATER:
        return json_pack("{s:{}}", "not");
    }
    assert(false && "no such type");
    return NULL;
}

static json_t *
default_of(const struct schema_field *field, const char *fallback)
{
    if (field->type == SCHEMA_INTEGER && fallback[0] >= '0' && fallback[0] <= '9')
        return json_integer(strtol(fallback, NULL, 10));
    if (field->type == SCHEMA_NUMBER || field->type == SCHEMA_BOOLEAN)
        return json_loads(fallback, JSON_DECODE_ANY, NULL);
    return json_string(fallback);
}

static json_t *
description_of(const struct schema_field *field)
{
    if (field->type == SCHEMA_LATER)
        return json_pack("s+", field->help, " Not supported by this version of airs yet.");
    if (field->fallback_note)
        return json_pack("s+++", field->help, " Default: ", field->fallback_note, ".");
    return json_string(field->help);
}

/* The row as a property; `on`: the entry in which it stands. */
static json_t *
property_of(const struct schema_field *field, unsigned on)
{
    bool has_words = field->words_size > 0 && field->type != SCHEMA_CHOICE;
    json_t *property = has_words ? json_pack("{s:[o, o]}", "anyOf", type_of(field), words_of(field))
                                 : type_of(field);
    const char *fallback = schema_fallback(field, (enum schema_entry)on);

    set(&property, "description", description_of(field));
    if (fallback)
        set(&property, "default", default_of(field, fallback));
    return property;
}

static json_t *
object_of(const struct schema_field *fields, size_t size, unsigned on)
{
    json_t *properties = json_object();
    json_t *required = json_array();

    for (size_t i = 0; i < size; i++) {
        if (!(fields[i].on & on))
            continue;
        set(&properties, fields[i].key, property_of(&fields[i], on));
        if (fields[i].required)
            required = append(required, json_string(fields[i].key));
    }
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required",
                     required, "additionalProperties", 0);
}

/* An entry with `children` is a supervisor, any other a component. */
static json_t *
child_of(void)
{
    return json_pack("{s:{s:[s]}, s:o, s:o}", "if", "required", "children", "then",
                     reference_to("supervisor"), "else", reference_to("component"));
}

static json_t *
pattern_of(const char *pattern, const char *description)
{
    return json_pack("{s:s, s:s, s:s}", "type", "string", "pattern", pattern, "description",
                     description);
}

static json_t *
exit_reasons(void)
{
    json_t *names = json_array();
#define EXIT_REASON_NAME(name, text) names = append(names, json_string(text));
    EXIT_REASON_LIST(EXIT_REASON_NAME)
#undef EXIT_REASON_NAME
    return json_pack("{s:o, s:s}", "enum", names, "description", "Why an instance ended.");
}

static json_t *
trap_codes(void)
{
    json_t *names = json_array();
#define TRAP_CODE_NAME(name, number, text) names = append(names, json_string(text));
    TRAP_CODE_LIST(TRAP_CODE_NAME)
#undef TRAP_CODE_NAME
    return json_pack("{s:o, s:s}", "enum", names, "description", "Why an instance trapped.");
}

static json_t *
definitions(void)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "application",
                     object_of(schema_fields, schema_fields_size, SCHEMA_APPLICATION), "child",
                     child_of(), "component",
                     object_of(schema_fields, schema_fields_size, SCHEMA_COMPONENT), "supervisor",
                     object_of(schema_fields, schema_fields_size, SCHEMA_SUPERVISOR), "name",
                     pattern_of(NAME_PATTERN, "A name: one step of a path."), "duration",
                     pattern_of(DURATION_PATTERN, "A whole number and us, ms, s, m or h."), "size",
                     pattern_of(SIZE_PATTERN, "A whole number and B, KiB, MiB or GiB."),
                     "exit-reason", exit_reasons(), "trap-code", trap_codes());
}

bool
schema_json_write(bool indented, struct buffer *out)
{
    json_t *schema = json_pack("{s:s, s:s, s:s, s:s, s:o}", "$schema",
                               "https://json-schema.org/draft/2020-12/schema", "title", "airs.yaml",
                               "description", "The manifest of an airs application.", "$ref",
                               "#/$defs/application", "$defs", definitions());
    char *text = schema ? json_dumps(schema, (indented ? JSON_INDENT(2) : JSON_COMPACT) |
                                                 JSON_REAL_PRECISION(15))
                        : NULL;
    bool done = text && buffer_append_text(out, text) && buffer_append_text(out, "\n");
    free(text);
    json_decref(schema);
    return done;
}
