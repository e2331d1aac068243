#include "manifest/effective_yaml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "manifest/yaml_tree.h"

#define INDENT 2

static bool
is_word_character(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("._-/+%", c));
}

/* Words that YAML 1.1, which some editors still speak, takes for a boolean. */
static bool
is_old_boolean(const char *text)
{
    static const char *const words[] = { "y", "n", "yes", "no", "on", "off" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

/* Whether `text` without quotes is that same text again. */
static bool
is_plain(const char *text, size_t size)
{
    const struct yaml_node scalar = { .kind = YAML_SCALAR, .text = text, .text_size = size };

    for (size_t i = 0; i < size; i++)
        if (!is_word_character(text[i]))
            return false;
    return size > 0 && text[0] != '-' && text[0] != '.' && text[0] != '%' &&
           !is_old_boolean(text) && yaml_scalar_is_text(&scalar);
}

/* A scalar; text in JSON's quotes is YAML's text in double quotes. */
static bool
write_scalar(const json_t *value, struct buffer *out)
{
    if (json_is_string(value) && is_plain(json_string_value(value), json_string_length(value)))
        return buffer_append_text(out, json_string_value(value));
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    bool done = text && buffer_append_text(out, text);
    free(text);
    return done;
}

static bool
write_key(const char *key, struct buffer *out)
{
    json_t *text = json_string(key);
    bool done = text && write_scalar(text, out) && buffer_append_text(out, ":");
    json_decref(text);
    return done;
}

static bool
write_note(const char *key, const json_t *value, struct buffer *out)
{
    return buffer_printf(out, "%s: %s\n", key, json_string_value(value));
}

static bool write_object(const json_t *object, int indent, bool in_line, struct buffer *out);

/* A list of objects in block form, any other as [a, b]. */
static bool
write_list(const json_t *list, int indent, struct buffer *out)
{
    bool is_block = json_is_object(json_array_get(list, 0));
    size_t i;
    json_t *item;

    if (!is_block && !buffer_append_text(out, " ["))
        return false;
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        bool done = is_block ? buffer_printf(out, "\n%*s- ", indent, "") &&
                                   write_object(item, indent + INDENT, true, out)
                             : buffer_append_text(out, i ? ", " : "") && write_scalar(item, out);
        if (!done)
            return false;
    }
    return is_block || buffer_append_text(out, "]\n");
}

static bool
write_value(const json_t *value, int indent, struct buffer *out)
{
    if (json_is_array(value))
        return write_list(value, indent + INDENT, out);
    if (json_is_object(value) && json_object_size(value) == 0)
        return buffer_append_text(out, " {}\n");
    if (json_is_object(value))
        return buffer_append_text(out, "\n") && write_object(value, indent + INDENT, false, out);
    return buffer_append_text(out, " ") && write_scalar(value, out) &&
           buffer_append_text(out, "\n");
}

/* `in_line`: the first key stands behind what is already on the line. */
static bool
write_object(const json_t *object, int indent, bool in_line, struct buffer *out)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        bool done = in_line || buffer_printf(out, "%*s", indent, "");
        in_line = false;
        if (done && key[0] == '#')
            done = write_note(key, value, out);
        else if (done)
            done = write_key(key, out) && write_value(value, indent, out);
        if (!done)
            return false;
    }
    return true;
}

bool
effective_yaml_write(const json_t *object, struct buffer *out)
{
    return write_object(object, 0, false, out);
}
