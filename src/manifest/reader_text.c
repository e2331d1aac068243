/* Reader, texts: names, files, arguments and variables. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifest/manifest_order.h"
#include "manifest/reader_values.h"

/* Text, and not what only looks like it: a bare 80 or true is no text in YAML. */
bool
reader_is_text(struct reader *reader, const struct schema_field *field,
               const struct yaml_node *value)
{
    if (value->kind != YAML_SCALAR || yaml_scalar_is_null(value)) {
        reader_complain_type(reader, field, value);
        return false;
    }
    if (!yaml_scalar_is_text(value)) {
        reader_complain(reader, value, "'%s' must be text; put it in quotes: \"%s\"", field->key,
                        value->text);
        return false;
    }
    if (field->max > 0 && value->text_size > field->max) {
        reader_complain(reader, value, "'%s': this text has %zu bytes; the limit is %" PRIu64,
                        field->key, value->text_size, field->max);
        return false;
    }
    return true;
}

static bool
is_name_character(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

/* Why `name` is none, or NULL. */
static const char *
name_fault(const char *name, size_t size)
{
    if (strchr(name, '/'))
        return "is a path; a name is one step of it, and children of children are nested";
    if (strchr(name, '#'))
        return "has a '#', which is for the numbers that 'count' gives";
    if (size == 0)
        return "is empty";
    if (size > MANIFEST_NAME_MAX)
        return "is longer than 63 characters";
    if (!is_name_character(name[0]) || strchr("._-", name[0]))
        return "must begin with a letter or a digit";
    for (size_t i = 0; i < size; i++)
        if (!is_name_character(name[i]))
            return "may have letters, digits, '.', '_' and '-' alone";
    return NULL;
}

void
reader_store_text(struct reader *reader, char **place, const char *text)
{
    char *copy = strdup(text);
    if (!copy) {
        reader->out_of_memory = true;
        return;
    }
    free(*place);
    *place = copy;
}

void
reader_read_name(struct reader *reader, const struct schema_field *field,
                 const struct yaml_node *value, char **place)
{
    if (!reader_is_text(reader, field, value))
        return;
    const char *fault = name_fault(value->text, value->text_size);
    if (fault)
        reader_complain(reader, value, "name '%s' %s", value->text, fault);
    else
        reader_store_text(reader, place, value->text);
}

/* The file as it can be opened; NULL when out of memory. */
static char *
resolve_file(const struct manifest *manifest, const char *component)
{
    const char *directory = manifest->directory;
    char *file;

    if (component[0] == '/')
        return strdup(component);
    const char *slash = directory[strlen(directory) - 1] == '/' ? "" : "/";
    return asprintf(&file, "%s%s%s", directory, slash, component) < 0 ? NULL : file;
}

/* Reports a file that cannot be a component; what is inside it is the loader's to say. */
static bool
is_usable_file(struct reader *reader, const struct yaml_node *value, const char *file)
{
    struct stat about;

    if (stat(file, &about) != 0)
        reader_complain(reader, value, "component '%s': %s (looked for %s)", value->text,
                        errno == ENOENT ? "no such file" : strerror(errno), file);
    else if (!S_ISREG(about.st_mode))
        reader_complain(reader, value, "component '%s': not a file (%s)", value->text, file);
    else if (access(file, R_OK) != 0)
        reader_complain(reader, value, "component '%s': cannot be read: %s", value->text,
                        strerror(errno));
    else
        return true;
    return false;
}

void
reader_read_file(struct reader *reader, const struct schema_field *field,
                 const struct yaml_node *value, struct component_spec *spec)
{
    struct airs_error error = { 0 };

    if (!reader_is_text(reader, field, value))
        return;
    if (value->text_size == 0) {
        reader_complain(reader, value, "'%s' is empty; it takes the path of a .wasm file",
                        field->key);
        return;
    }
    char *file = resolve_file(reader->manifest, value->text);
    if (!file) {
        reader->out_of_memory = true;
        return;
    }
    if (is_usable_file(reader, value, file))
        reader_take_status(reader, value, component_spec_set_file(spec, value->text, file, &error),
                           &error);
    free(file);
}

void
reader_read_host_file(struct reader *reader, const struct schema_field *field,
                      const struct yaml_node *value, struct component_spec *spec)
{
    struct airs_error error = { 0 };

    if (!reader_is_text(reader, field, value))
        return;
    if (value->text_size == 0) {
        reader_complain(reader, value, "'%s' is empty; it takes the path of a file", field->key);
        return;
    }
    char *path = resolve_file(reader->manifest, value->text);
    if (path)
        reader_take_status(reader, value,
                           component_spec_set_heartbeat(spec, value->text, path, &error), &error);
    else
        reader->out_of_memory = true;
    free(path);
}

void
reader_read_args(struct reader *reader, const struct schema_field *field,
                 const struct yaml_node *list, struct component_spec *spec)
{
    if (list->kind != YAML_LIST) {
        reader_complain_type(reader, field, list);
        return;
    }
    if (list->children > COMPONENT_ARGS_MAX) {
        reader_complain(reader, list, "'%s' has %zu items; the limit is %u", field->key,
                        list->children, COMPONENT_ARGS_MAX);
        return;
    }
    for (const struct yaml_node *item = list->first; item; item = item->next) {
        struct airs_error error = { 0 };
        if (reader_is_text(reader, field, item))
            reader_take_status(reader, item, component_spec_add_arg(spec, item->text, &error),
                               &error);
    }
}

void
reader_read_environment(struct reader *reader, const struct schema_field *field,
                        const struct yaml_node *map, struct component_spec *spec)
{
    if (map->kind != YAML_MAP) {
        reader_complain_type(reader, field, map);
        return;
    }
    for (const struct yaml_node *value = map->first; value; value = value->next) {
        struct airs_error error = { 0 };
        if (value->duplicate)
            continue;
        if (value->key->text_size == 0 || strchr(value->key->text, '='))
            reader_complain(reader, value->key, "'%s' cannot be the name of a variable",
                            value->key->text);
        else if (reader_is_text(reader, field, value))
            reader_take_status(
                reader, value,
                component_spec_add_variable(spec, value->key->text, value->text, &error), &error);
    }
}

/* What they name is looked for when the tree is whole. */
void
reader_read_paths(struct reader *reader, const struct schema_field *field,
                  const struct yaml_node *list, struct manifest_node *node)
{
    if (list->kind != YAML_LIST) {
        reader_complain_type(reader, field, list);
        return;
    }
    if (list->children > DEPENDS_ON_MAX) {
        reader_complain(reader, list, "'%s' has at most %u entries, not %zu", field->key,
                        DEPENDS_ON_MAX, list->children);
        return;
    }
    node->depends_on = calloc(list->children + 1, sizeof *node->depends_on);
    if (!node->depends_on) {
        reader->out_of_memory = true;
        return;
    }
    for (const struct yaml_node *item = list->first; item; item = item->next) {
        if (!reader_is_text(reader, field, item))
            continue;
        reader_store_text(reader, &node->depends_on[node->depends_on_size], item->text);
        node->depends_on_size += node->depends_on[node->depends_on_size] != NULL;
        manifest_order_note(reader, node, item);
    }
}
