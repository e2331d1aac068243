#include "manifest/manifest_diff.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* A comparison under way. */
struct comparison {
    const struct manifest *was;
    const struct manifest *is;
    struct manifest_diff_hooks hooks;
    struct map was_at; /* Path → node, of those that are there. */
    struct map is_at;
    struct manifest_diff *diff;
};

static struct manifest_change *
push(struct manifest_diff *diff, enum manifest_change_kind kind, const struct manifest_node *was,
     const struct manifest_node *is)
{
    if (diff->size == diff->capacity) {
        size_t capacity = diff->capacity ? diff->capacity * 2 : 16;
        struct manifest_change *changes = realloc(diff->changes, capacity * sizeof *changes);
        if (!changes)
            return NULL;
        diff->changes = changes;
        diff->capacity = capacity;
    }
    struct manifest_change *change = &diff->changes[diff->size++];
    *change = (struct manifest_change){
        .kind = kind, .path = is ? is->path : was->path, .was = was, .is = is
    };
    return change;
}

/* The node of the other manifest that is the same child; NULL: there is none. */
static const struct manifest_node *
match(const struct map *others, const struct manifest_node *node)
{
    const struct manifest_node *other = map_find(others, node->path);
    return other && other->config.is_supervisor == node->config.is_supervisor ? other : NULL;
}

static const struct manifest_node *
match_was(const struct comparison *comparison, const struct manifest_node *is)
{
    return match(&comparison->was_at, is);
}

static const struct manifest_node *
match_is(const struct comparison *comparison, const struct manifest_node *was)
{
    return match(&comparison->is_at, was);
}

/* ---- Deleted ---- */

/* The last child first, and nothing below one that goes as a whole. */
static bool
find_deleted(const struct comparison *comparison, const struct manifest_node *was)
{
    for (size_t i = was->children_size; i-- > 0;) {
        const struct manifest_node *child = was->children[i];
        if (!map_find(&comparison->was_at, child->path))
            continue;
        bool done = match_is(comparison, child)
                        ? find_deleted(comparison, child)
                        : push(comparison->diff, MANIFEST_DELETED, child, NULL) != NULL;
        if (!done)
            return false;
    }
    return true;
}

/* ---- Changed ---- */

static bool
add_hook(const struct comparison *comparison, const struct manifest_node *was,
         const struct manifest_node *is, struct buffer *restarts)
{
    const struct manifest_diff_hooks *hooks = &comparison->hooks;
    const char *why = is->spec && hooks->restarts ? hooks->restarts(hooks->context, was, is) : NULL;
    return !why || buffer_printf(restarts, "%s%s", restarts->size > 0 ? ", " : "", why);
}

static bool
compare_one(const struct comparison *comparison, const struct manifest_node *was,
            const struct manifest_node *is)
{
    struct buffer restarts, live;

    buffer_init(&restarts, 0);
    buffer_init(&live, 0);
    bool done =
        manifest_compare(was, is, &restarts, &live) && add_hook(comparison, was, is, &restarts);
    if (done && restarts.size + live.size > 0) {
        struct manifest_change *change = push(comparison->diff, MANIFEST_CHANGED, was, is);
        done = change != NULL;
        if (done) {
            change->restarts = buffer_take(&restarts, NULL);
            change->live = buffer_take(&live, NULL);
        }
    }
    buffer_deinit(&restarts);
    buffer_deinit(&live);
    return done;
}

static bool
find_changed(const struct comparison *comparison)
{
    for (const struct manifest_node *is = comparison->is->root; is; is = manifest_next(is)) {
        const struct manifest_node *was =
            is->parent ? match_was(comparison, is) : comparison->was->root;
        if (was && !compare_one(comparison, was, is))
            return false;
    }
    return true;
}

/* ---- Those that are not in the files ---- */

/* The ones that go, or the ones that may change. */
static bool
find_others(const struct comparison *comparison, bool that_go)
{
    const struct manifest_diff_hooks *hooks = &comparison->hooks;
    struct manifest_diff *diff = comparison->diff;
    struct manifest_other other;
    for (size_t i = 0; hooks->other && hooks->other(hooks->context, i, &other); i++) {
        size_t size = diff->size;
        if (that_go != (other.is == NULL))
            continue;
        bool done = that_go ? push(diff, MANIFEST_DELETED, other.was, NULL) != NULL
                            : compare_one(comparison, other.was, other.is);
        if (!done)
            return false;
        if (diff->size > size)
            diff->changes[size].path = other.path;
    }
    return true;
}

/* ---- Added, and in another order ---- */

static bool
find_added(const struct comparison *comparison)
{
    for (const struct manifest_node *is = manifest_next(comparison->is->root); is;
         is = manifest_next(is))
        if (!match_was(comparison, is) && !push(comparison->diff, MANIFEST_ADDED, NULL, is))
            return false;
    return true;
}

static bool
is_reordered(const struct comparison *comparison, const struct manifest_node *is)
{
    size_t next = 0;
    for (size_t i = 0; i < is->children_size; i++) {
        const struct manifest_node *was = match_was(comparison, is->children[i]);
        if (!was)
            continue;
        if (was->index < next)
            return true;
        next = was->index;
    }
    return false;
}

static bool
find_reordered(const struct comparison *comparison)
{
    for (const struct manifest_node *is = comparison->is->root; is; is = manifest_next(is)) {
        const struct manifest_node *was =
            is->parent ? match_was(comparison, is) : comparison->was->root;
        if (was && is_reordered(comparison, is) &&
            !push(comparison->diff, MANIFEST_REORDERED, was, is))
            return false;
    }
    return true;
}

/* ---- The whole ---- */

static bool
index_nodes(struct comparison *comparison)
{
    const struct manifest_node *node = manifest_next(comparison->was->root);
    for (; node; node = manifest_next(node)) {
        bool is_there =
            !comparison->hooks.runs || comparison->hooks.runs(comparison->hooks.context, node);
        if (is_there && !map_set(&comparison->was_at, node->path, (void *)(uintptr_t)node))
            return false;
    }
    for (node = manifest_next(comparison->is->root); node; node = manifest_next(node))
        if (!map_set(&comparison->is_at, node->path, (void *)(uintptr_t)node))
            return false;
    return true;
}

enum airs_status
manifest_diff(const struct manifest *was, const struct manifest *is,
              const struct manifest_diff_hooks *hooks, struct manifest_diff *diff_out,
              struct airs_error *error)
{
    assert(was && is && diff_out);

    if (strcmp(was->root->name, is->root->name) != 0)
        return fail(error, AIRS_EINVAL,
                    "%s: 'name' is '%s', and '%s' runs: the name of an application cannot change "
                    "while it runs",
                    is->file, is->root->name, was->root->name);
    struct manifest_diff diff = {
        .max_instances = was->max_instances_set != is->max_instances_set,
        .max_concurrent_starts = was->max_concurrent_starts != is->max_concurrent_starts,
    };
    struct comparison comparison = { .was = was, .is = is, .diff = &diff };
    if (hooks)
        comparison.hooks = *hooks;
    map_init(&comparison.was_at);
    map_init(&comparison.is_at);
    bool done = index_nodes(&comparison) && find_deleted(&comparison, was->root) &&
                find_others(&comparison, true) && find_changed(&comparison) &&
                find_others(&comparison, false) && find_added(&comparison) &&
                find_reordered(&comparison);
    map_deinit(&comparison.was_at);
    map_deinit(&comparison.is_at);
    if (!done) {
        manifest_diff_deinit(&diff);
        return fail(error, AIRS_ENOMEM, "%s: out of memory", is->file);
    }
    *diff_out = diff;
    return AIRS_OK;
}

void
manifest_diff_deinit(struct manifest_diff *diff)
{
    for (size_t i = 0; i < diff->size; i++) {
        free(diff->changes[i].restarts);
        free(diff->changes[i].live);
    }
    free(diff->changes);
    *diff = (struct manifest_diff){ 0 };
}

/* ---- In words ---- */

static size_t
count_below(const struct manifest_node *node)
{
    size_t count = node->children_size;
    for (size_t i = 0; i < node->children_size; i++)
        count += count_below(node->children[i]);
    return count;
}

static bool
write_deleted(const struct manifest_change *change, struct buffer *out)
{
    size_t below = count_below(change->was);
    if (below == 0)
        return buffer_printf(out, "- %s", change->path);
    return buffer_printf(out, "- %s, with %zu below it", change->path, below);
}

bool
manifest_change_write_keys(const struct manifest_change *change, struct buffer *out)
{
    const char *restarts = change->restarts;
    const char *live = change->live;
    return buffer_printf(out, "%s%s%s%s%s", restarts ? "restarts: " : "", restarts ? restarts : "",
                         restarts && live ? "; " : "", live ? "live: " : "", live ? live : "");
}

bool
manifest_change_write(const struct manifest_change *change, struct buffer *out)
{
    switch (change->kind) {
    case MANIFEST_DELETED:
        return write_deleted(change, out);
    case MANIFEST_CHANGED:
        return buffer_printf(out, "~ %s ", change->path) && manifest_change_write_keys(change, out);
    case MANIFEST_ADDED:
        return buffer_printf(out, "+ %s", change->path);
    case MANIFEST_REORDERED:
        return buffer_printf(out, "= order of %s", change->path);
    }
    return true;
}
