/* Child row: see child_row.h. */
#include "cli/child_row.h"

#include <stdlib.h>
#include <string.h>

#include "cli/ndjson.h"

bool
child_row_read(struct child_row *row, const json_t *object)
{
    const json_t *exit = json_object_get(object, "exit");
    *row = (struct child_row){
        .path = json_text(object, "path"),
        .kind = json_text(object, "kind"),
        .state = json_text(object, "state"),
        .ready = json_is_true(json_object_get(object, "ready")),
        .generation = json_number_or(object, "generation", 0),
        .restarts = json_number_or(object, "restarts", 0),
        .budget = json_text(object, "budget"),
        .uptime_ms = json_number_or(object, "uptime_ms", ROW_NONE),
        .due_ms = json_number_or(object, "due_ms", ROW_NONE),
        .waits_for = json_text(object, "waits_for"),
        .depends_on = json_object_get(object, "depends_on"),
        .exit_reason = json_text(exit, "reason"),
        .exit_detail = json_text(exit, "detail"),
        .exit_message = json_text(exit, "message"),
    };
    return row->path && row->path[0] == '/' && row->state;
}

struct child_row *
child_rows_read(const json_t *objects, size_t *size_out)
{
    struct child_row *rows = calloc(json_array_size(objects) + 1, sizeof *rows);
    if (!rows)
        return NULL;
    *size_out = 0;
    size_t index;
    json_t *object;
    json_array_foreach(objects, index, object)
    {
        if (child_row_read(&rows[*size_out], object))
            ++*size_out;
    }
    return rows;
}

bool
child_list_read(struct child_list *list, const struct buffer *lines)
{
    *list = (struct child_list){ .objects = ndjson_read(lines) };
    if (list->objects)
        list->rows = child_rows_read(list->objects, &list->size);
    if (!list->rows)
        child_list_deinit(list);
    return list->rows != NULL;
}

void
child_list_deinit(struct child_list *list)
{
    free(list->rows);
    json_decref(list->objects);
    *list = (struct child_list){ 0 };
}

/* True if a later row has the same parent as the first `size` bytes of rows[at].path. */
static bool
has_later_sibling(const struct child_row *rows, size_t count, size_t at, size_t size)
{
    const char *path = rows[at].path;
    size_t parent = size;
    while (path[parent - 1] != '/')
        parent--;
    for (size_t i = at + 1; i < count; i++) {
        /* Past everything under the parent. */
        if (strncmp(rows[i].path, path, parent) != 0)
            return false;
        bool same = strncmp(rows[i].path, path, size) == 0 &&
                    (rows[i].path[size] == '/' || rows[i].path[size] == '\0');
        if (!same)
            return true;
    }
    return false;
}

void
child_row_name(struct buffer *buffer, const struct style *style, const struct child_row *rows,
               size_t size, size_t at)
{
    const char *path = rows[at].path;
    if (!style->terminal) {
        text_put(buffer, style, path, strlen(path));
        return;
    }
    const char *part = path;
    for (const char *end; (end = strchr(part + 1, '/')) != NULL; part = end) {
        bool more = has_later_sibling(rows, size, at, (size_t)(end - path));
        buffer_append_text(buffer, !more ? "   " : style->utf8 ? "│  " : "|  ");
    }
    bool more = has_later_sibling(rows, size, at, strlen(path));
    if (style->utf8)
        buffer_append_text(buffer, more ? "├─ " : "└─ ");
    else
        buffer_append_text(buffer, more ? "|- " : "`- ");
    text_put(buffer, style, part + 1, strlen(part));
}

void
child_row_exit(struct buffer *buffer, const struct child_row *row)
{
    if (!row->exit_reason)
        return;
    buffer_append_text(buffer, row->exit_reason);
    if (row->exit_detail && *row->exit_detail)
        buffer_printf(buffer, ": %s", row->exit_detail);
}

void
child_row_note(struct buffer *buffer, const struct child_row *row, double elapsed_ms)
{
    bool waiting = strcmp(row->state, "restarting") == 0 || strcmp(row->state, "registered") == 0;
    if (waiting && row->due_ms >= 0) {
        char due[32];
        double left = row->due_ms > elapsed_ms ? row->due_ms - elapsed_ms : 0;
        text_duration(due, sizeof due, (uint64_t)left);
        buffer_printf(buffer, "in %s", due);
    }
    if (waiting && row->waits_for)
        buffer_printf(buffer, "%swaits for %s", buffer->size ? ", " : "", row->waits_for);
    if (strcmp(row->state, "running") == 0 && !row->ready)
        buffer_append_text(buffer, "not ready");
    if (!row->exit_reason)
        return;
    if (strcmp(row->state, "running") == 0 || strcmp(row->state, "starting") == 0)
        buffer_printf(buffer, "%slast ", buffer->size ? ", " : "");
    else if (buffer->size)
        buffer_append_text(buffer, ", after ");
    child_row_exit(buffer, row);
}
