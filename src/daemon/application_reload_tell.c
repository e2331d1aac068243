/* Reload, telling: what is different, and what could not be done, in lines for whoever asked for it.
 */
#include <stdarg.h>
#include <stdio.h>

#include "daemon/application_reload.h"
#include "manifest/manifest.h"

void
reload_tell(const struct reload *reload, const char *change, const char *path, const char *format,
            ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct airs_difference difference = { .change = change, .path = path, .text = text };
    if (reload->options->differs)
        reload->options->differs(reload->options->context, &difference);
}

static void
note_trouble(struct reload *reload, const char *text)
{
    if (reload->trouble[0] == '\0')
        snprintf(reload->trouble, sizeof reload->trouble, "%s", text);
}

void
reload_fail(struct reload *reload, const char *path, const struct airs_error *error)
{
    reload->failed++;
    note_trouble(reload, error->message);
    reload_tell(reload, "failed", path, "! %s: %s", path, error->message);
}

static const char *
change_name(enum manifest_change_kind kind)
{
    switch (kind) {
    case MANIFEST_DELETED:
        return "deleted";
    case MANIFEST_CHANGED:
        return "changed";
    case MANIFEST_ADDED:
        return "added";
    case MANIFEST_REORDERED:
        return "reordered";
    }
    return NULL;
}

/* A name that is there already, and not the manifest's: one that was added by hand. */
static bool
takes_over(const struct reload *reload, const struct manifest_change *change)
{
    return change->kind == MANIFEST_ADDED &&
           tree_is_by_hand(&reload->application->tree, change->path);
}

static void
count(struct reload *reload, const struct manifest_change *change)
{
    switch (change->kind) {
    case MANIFEST_DELETED:
        reload->deleted++;
        return;
    case MANIFEST_CHANGED:
        if (change->restarts)
            reload->restarted++;
        else
            reload->changed++;
        return;
    case MANIFEST_ADDED:
        reload->added++;
        return;
    case MANIFEST_REORDERED:
        reload->changed++;
        return;
    }
}

static void
tell_change(struct reload *reload, const struct manifest_change *change)
{
    struct buffer text;
    buffer_init(&text, 0);
    bool done = manifest_change_write(change, &text) &&
                (!takes_over(reload, change) ||
                 buffer_append_text(&text, ", in place of what was added by hand"));
    struct airs_difference difference = {
        .change = change_name(change->kind),
        .path = change->path,
        .restarts = change->restarts,
        .live = change->live,
        .text = done ? text.data : "",
    };
    if (reload->options->differs)
        reload->options->differs(reload->options->context, &difference);
    buffer_deinit(&text);
}

void
reload_tell_difference(struct reload *reload)
{
    static const char text[] = "! %s: a running application keeps what it was started with; "
                               "'airs down' and 'airs up' change it";
    for (size_t i = 0; i < reload->diff.size; i++) {
        count(reload, &reload->diff.changes[i]);
        tell_change(reload, &reload->diff.changes[i]);
    }
    if (reload->diff.max_instances)
        reload_tell(reload, "note", NULL, text, "max-instances");
    if (reload->diff.max_concurrent_starts)
        reload_tell(reload, "note", NULL, text, "max-concurrent-starts");
}
