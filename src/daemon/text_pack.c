#include "daemon/text_pack.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"

static const char **
text_at(void *value, size_t offset)
{
    return (const char **)(void *)((char *)value + offset);
}

/* The longest beginning of `text` of at most `size` bytes that does not end inside a character. */
static size_t
cut(const char *text, size_t size)
{
    size_t length = strnlen(text, size + 1);
    if (length <= size)
        return length;
    return utf8_whole_size(text, size);
}

size_t
text_pack(const struct text_layout *layout, const void *value,
          struct record_part parts[TEXT_PACK_PARTS_MAX])
{
    assert(layout->count <= TEXT_PACK_TEXTS_MAX);

    size_t left = layout->text_bytes_max;
    size_t count = 0;
    parts[count++] = (struct record_part){ value, layout->size };
    for (size_t i = 0; i < layout->count; i++) {
        const char *text;
        memcpy(&text, (const char *)value + layout->texts[i], sizeof text);
        if (!text)
            continue;
        size_t size = cut(text, left);
        parts[count++] = (struct record_part){ text, size };
        parts[count++] = (struct record_part){ "", 1 };
        left -= size;
    }
    return count;
}

size_t
text_unpack(const struct text_layout *layout, const char *bytes, size_t size, void *value_out)
{
    assert(size >= layout->size);

    memcpy(value_out, bytes, layout->size);
    const char *text = bytes + layout->size;
    for (size_t i = 0; i < layout->count; i++) {
        const char **member = text_at(value_out, layout->texts[i]);
        if (!*member)
            continue;
        *member = text;
        text += strlen(text) + 1;
    }
    assert((size_t)(text - bytes) <= size);
    return (size_t)(text - bytes);
}
