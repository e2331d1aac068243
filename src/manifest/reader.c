#include "manifest/reader.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "manifest/reader_values.h"

#define WORDS_MAX 8 /* Of one row. */

_Static_assert(sizeof(enum restart_policy) == sizeof(uint32_t), "choices are stored as 32 bits");

void
reader_complain(struct reader *reader, const struct yaml_node *at, const char *format, ...)
{
    char message[MANIFEST_MESSAGE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    manifest_report_add(reader->report, reader->text, reader->text_size, at->offset, at->size, "%s",
                        message);
}

const char *
reader_name_of(const struct manifest_node *node)
{
    return node->name ? node->name : "this child";
}

void
reader_take_status(struct reader *reader, const struct yaml_node *at, enum airs_status status,
                   const struct airs_error *error)
{
    if (status == AIRS_ENOMEM)
        reader->out_of_memory = true;
    else if (status != AIRS_OK)
        reader_complain(reader, at, "%s", error->message);
}

/* "a, b or c": the words of a row that may be written. */
const char *
reader_words_phrase(const struct schema_field *field, char phrase[READER_PHRASE_BYTES])
{
    size_t names = 0, used = 0;

    phrase[0] = '\0';
    for (size_t i = 0; i < field->words_size; i++)
        names += !field->words[i].is_alias && !field->words[i].later;
    for (size_t i = 0, seen = 0; i < field->words_size && used < READER_PHRASE_BYTES; i++) {
        if (field->words[i].is_alias || field->words[i].later)
            continue;
        const char *between = seen == 0 ? "" : seen + 1 == names ? " or " : ", ";
        used += (size_t)snprintf(phrase + used, READER_PHRASE_BYTES - used, "%s%s", between,
                                 field->words[i].word);
        seen++;
    }
    return phrase;
}

/* What a row takes, for the message about a value of another kind. */
static const char *
type_phrase(const struct schema_field *field, char phrase[READER_PHRASE_BYTES])
{
    switch (field->type) {
    case SCHEMA_NAME:
        return "a name";
    case SCHEMA_FILE:
        return "the path of a .wasm file";
    case SCHEMA_HOST_FILE:
        return "the path of a file";
    case SCHEMA_TEXT:
        return "text";
    case SCHEMA_TEXT_LIST:
        return "a list of texts, as in [--port, \"80\"]";
    case SCHEMA_TEXT_MAP:
        return "a map of texts, as in { MODE: production }";
    case SCHEMA_INTEGER:
        return "a whole number";
    case SCHEMA_NUMBER:
        return "a number";
    case SCHEMA_DURATION:
        return "a duration, as in 5s";
    case SCHEMA_SIZE:
        return "a size, as in 64MiB";
    case SCHEMA_CHOICE:
        return reader_words_phrase(field, phrase);
    case SCHEMA_BOOLEAN:
        return "true or false";
    case SCHEMA_JITTER:
        return "a percentage, as in 10% or +20%";
    case SCHEMA_OBJECT:
        return "a map";
    case SCHEMA_BACKOFF:
        return "a map, as in { strategy: linear }, or a list of durations, as in [0s, 1s]";
    case SCHEMA_RULES:
        return "a list of rules, as in [{ reason: trap, do: fail }]";
    case SCHEMA_CODES:
        return "a list of exit codes, as in [0, 64-78]";
    case SCHEMA_PATHS:
        return "a list of paths, as in [/store, /web/front]";
    case SCHEMA_CHILDREN:
        return "a list of children";
    case SCHEMA_LATER:
        break;
    }
    assert(false && "never read");
    return "";
}

void
reader_complain_type(struct reader *reader, const struct schema_field *field,
                     const struct yaml_node *value)
{
    char phrase[READER_PHRASE_BYTES];
    const char *expected = type_phrase(field, phrase);

    if (value->kind == YAML_SCALAR && yaml_scalar_is_null(value))
        reader_complain(reader, value, "'%s' has no value; it takes %s", field->key, expected);
    else
        reader_complain(reader, value, "'%s' must be %s, not %s", field->key, expected,
                        yaml_node_what(value));
}

static const struct schema_word *
find_word(const struct schema_field *field, const struct yaml_node *value)
{
    for (size_t i = 0; i < field->words_size; i++)
        if (strcmp(field->words[i].word, value->text) == 0)
            return &field->words[i];
    return NULL;
}

static const char *
nearest_word(const struct schema_field *field, const char *text)
{
    const char *names[WORDS_MAX];
    assert(field->words_size <= WORDS_MAX);
    for (size_t i = 0; i < field->words_size; i++)
        names[i] = field->words[i].word;
    return nearest_name(text, names, field->words_size);
}

static void
complain_word(struct reader *reader, const struct schema_field *field,
              const struct yaml_node *value)
{
    char phrase[READER_PHRASE_BYTES];
    const char *nearest = nearest_word(field, value->text);

    if (nearest)
        reader_complain(reader, value, "'%s' cannot be '%s'; did you mean '%s'?", field->key,
                        value->text, nearest);
    else
        reader_complain(reader, value, "'%s' cannot be '%s'; it takes %s", field->key, value->text,
                        reader_words_phrase(field, phrase));
}

static void
store_word(const struct schema_field *field, uint64_t value, void *place)
{
    if (!place)
        return;
    if (field->type == SCHEMA_DURATION || field->type == SCHEMA_SIZE)
        memcpy(place, &value, sizeof value);
    else
        memcpy(place, &(uint32_t){ (uint32_t)value }, sizeof(uint32_t));
}

/* Takes a word of the row, if it is one; true: there is nothing left to read. */
static bool
read_word(struct reader *reader, const struct schema_field *field, const struct yaml_node *value,
          void *place)
{
    const struct schema_word *word = find_word(field, value);
    if (word && word->later) {
        reader_complain(reader, value,
                        "'%s: %s' is not supported by this version of airs yet; remove the line",
                        field->key, word->word);
        return true;
    }
    if (word)
        store_word(field, word->value, place);
    return word != NULL;
}

static void
read_scalar(struct reader *reader, const struct schema_field *field, const struct yaml_node *value,
            void *place)
{
    if (value->kind != YAML_SCALAR || yaml_scalar_is_null(value)) {
        reader_complain_type(reader, field, value);
        return;
    }
    if (read_word(reader, field, value, place))
        return;
    switch (field->type) {
    case SCHEMA_INTEGER:
        reader_read_integer(reader, field, value, place);
        return;
    case SCHEMA_NUMBER:
        reader_read_number(reader, field, value, place);
        return;
    case SCHEMA_DURATION:
        reader_read_duration(reader, field, value, place);
        return;
    case SCHEMA_SIZE:
        reader_read_size(reader, field, value, place);
        return;
    case SCHEMA_JITTER:
        reader_read_jitter(reader, field, value, place);
        return;
    case SCHEMA_BOOLEAN:
        reader_read_boolean(reader, field, value, place);
        return;
    case SCHEMA_CHOICE:
        complain_word(reader, field, value);
        return;
    case SCHEMA_NAME:
    case SCHEMA_FILE:
    case SCHEMA_HOST_FILE:
    case SCHEMA_TEXT:
    case SCHEMA_TEXT_LIST:
    case SCHEMA_TEXT_MAP:
    case SCHEMA_OBJECT:
    case SCHEMA_BACKOFF:
    case SCHEMA_RULES:
    case SCHEMA_CODES:
    case SCHEMA_PATHS:
    case SCHEMA_CHILDREN:
    case SCHEMA_LATER:
        break;
    }
    assert(false && "no scalar");
}

void
reader_read_delays(struct reader *reader, const struct schema_field *field,
                   const struct yaml_node *list, struct manifest_node *node)
{
    if (list->children == 0 || list->children > BACKOFF_LIST_MAX) {
        reader_complain(reader, list, "'%s': a list has 1 to %u delays, not %zu", field->key,
                        BACKOFF_LIST_MAX, list->children);
        return;
    }
    uint64_t *delays = calloc(list->children, sizeof *delays);
    if (!delays) {
        reader->out_of_memory = true;
        return;
    }
    struct backoff *backoff = &node->config.policy.backoff;
    size_t i = 0;
    for (const struct yaml_node *item = list->first; item; item = item->next) {
        if (item->kind != YAML_SCALAR || yaml_scalar_is_null(item))
            reader_complain(reader, item, "'%s': a delay is a duration, as in 5s, not %s",
                            field->key, yaml_node_what(item));
        else if (reader_read_duration(reader, field, item, &delays[i]))
            i++;
    }
    free(node->backoff_list_us);
    node->backoff_list_us = delays;
    backoff->strategy = BACKOFF_LIST;
    backoff->list_us = delays;
    backoff->list_size = list->children;
}

void
reader_read_value(struct reader *reader, const struct schema_field *field,
                  const struct yaml_node *value, struct manifest_node *node)
{
    void *place = schema_place(field, reader->manifest, node);

    switch (field->type) {
    case SCHEMA_NAME:
        reader_read_name(reader, field, value, place);
        return;
    case SCHEMA_FILE:
        reader_read_file(reader, field, value, node->spec);
        return;
    case SCHEMA_HOST_FILE:
        reader_read_host_file(reader, field, value, node->spec);
        return;
    case SCHEMA_TEXT:
        if (reader_is_text(reader, field, value))
            reader_store_text(reader, place, value->text);
        return;
    case SCHEMA_TEXT_LIST:
        reader_read_args(reader, field, value, node->spec);
        return;
    case SCHEMA_TEXT_MAP:
        reader_read_environment(reader, field, value, node->spec);
        return;
    case SCHEMA_INTEGER:
    case SCHEMA_NUMBER:
    case SCHEMA_DURATION:
    case SCHEMA_SIZE:
    case SCHEMA_CHOICE:
    case SCHEMA_BOOLEAN:
    case SCHEMA_JITTER:
        read_scalar(reader, field, value, place);
        return;
    case SCHEMA_RULES:
        reader_read_rules(reader, field, value, node);
        return;
    case SCHEMA_CODES:
        reader_read_codes(reader, field, value, node);
        return;
    case SCHEMA_PATHS:
        reader_read_paths(reader, field, value, node);
        return;
    case SCHEMA_BACKOFF:
    case SCHEMA_OBJECT:
    case SCHEMA_CHILDREN:
        reader_complain_type(reader, field, value);
        return;
    case SCHEMA_LATER:
        break;
    }
    assert(false && "never read");
}
