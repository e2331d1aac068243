/* Children: visited on a worker inside a supervisor's turn, where they are only copied, and
 * made JSON on the loop.
 */
#include <stddef.h>
#include <string.h>

#include "daemon/control_internal.h"
#include "daemon/event_json.h"
#include "daemon/text_pack.h"

#define CHILD_TEXT_BYTES_MAX ((size_t)16 << 10) /* A backtrace is cut behind so much. */

static const size_t texts[] = {
    offsetof(struct airs_child, path),        offsetof(struct airs_child, kind),
    offsetof(struct airs_child, state),       offsetof(struct airs_child, waits_for),
    offsetof(struct airs_child, component),   offsetof(struct airs_child, strategy),
    offsetof(struct airs_child, exit_reason), offsetof(struct airs_child, exit_detail),
    offsetof(struct airs_child, restart),     offsetof(struct airs_child, stopped),
    offsetof(struct airs_child, decided_by),  offsetof(struct airs_child, on_exit),
    offsetof(struct airs_child, cause),       offsetof(struct airs_child, exit_message),
    offsetof(struct airs_child, depends_on),
};
static const struct text_layout layout = {
    sizeof(struct airs_child),
    texts,
    sizeof texts / sizeof texts[0],
    CHILD_TEXT_BYTES_MAX,
};

bool
path_is_in(const char *path, const char *below)
{
    size_t size = strcmp(below, "/") == 0 ? 0 : strlen(below);
    return strncmp(path, below, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

void
children_visit(void *context, const struct airs_child *child)
{
    struct exchange *exchange = context;
    struct record_part parts[TEXT_PACK_PARTS_MAX];
    size_t count = text_pack(&layout, child, parts);
    size_t before = exchange->children.size;
    for (size_t i = 0; i < count; i++) {
        if (buffer_append(&exchange->children, parts[i].bytes, parts[i].size))
            continue;
        /* Out of memory: half a child is taken back, the answer says so. */
        exchange->children.size = before;
        exchange->children_lost = true;
        return;
    }
}

/* The next child at `*at`; false at the end. */
static bool
next_child(const struct exchange *exchange, size_t *at, struct airs_child *child_out)
{
    const struct buffer *children = &exchange->children;
    if (*at >= children->size)
        return false;
    *at += text_unpack(&layout, children->data + *at, children->size - *at, child_out);
    return true;
}

bool
children_append_next(const struct exchange *exchange, size_t *at, struct buffer *text, bool *enough)
{
    struct airs_child child;
    if (!next_child(exchange, at, &child))
        return false;
    *enough = *enough && child_json_append(text, &child);
    return true;
}

bool
children_format(struct exchange *exchange)
{
    struct airs_child child;
    for (size_t at = 0; next_child(exchange, &at, &child);)
        if (!child_json_append(&exchange->answer, &child))
            return false;
    return !exchange->children_lost;
}

bool
children_are_ready(struct exchange *exchange)
{
    struct airs_child child;
    for (size_t at = 0; next_child(exchange, &at, &child);) {
        bool settled = strcmp(child.state, "stopped") == 0 || strcmp(child.state, "failed") == 0;
        if (!settled && !child.ready)
            return false;
    }
    return !exchange->children_lost;
}
