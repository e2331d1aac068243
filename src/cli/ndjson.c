/* Lines of JSON: see ndjson.h. */
#include "cli/ndjson.h"

#include <string.h>

json_t *
ndjson_read(const struct buffer *text)
{
    json_t *array = json_array();
    const char *line = text->data;
    const char *end = text->size ? text->data + text->size : line;
    while (array && line && line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t size = (size_t)((stop ? stop : end) - line);
        json_t *object = json_loadb(line, size, 0, NULL);
        if (object)
            json_array_append_new(array, object);
        line = stop ? stop + 1 : end;
    }
    return array;
}

const char *
json_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

double
json_number_or(const json_t *object, const char *key, double otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}
