#include "policy/dependency_graph.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define CYCLE_TEXT_BYTES 200u /* A longer one is cut. */

/* A part of a path, up to the child that stands in the graph. */
struct part {
    const char *path;
    size_t size;
};

struct dependency_edge {
    struct part after, before;
};

bool
dependency_lift(const char *dependant, const char *dependency, struct dependency_lift *lift_out)
{
    size_t same = 0; /* Bytes of the supervisors that both lie in. */
    assert(dependant[0] == '/' && dependency[0] == '/');
    for (;;) {
        size_t one = 1 + strcspn(dependant + same + 1, "/");
        size_t other = 1 + strcspn(dependency + same + 1, "/");
        if (one != other || memcmp(dependant + same, dependency + same, one) != 0) {
            *lift_out = (struct dependency_lift){ same + one, same + other };
            return one > 1 && other > 1; /* Else one of them is the root. */
        }
        same += one;
        if (dependant[same] == '\0' || dependency[same] == '\0')
            return false;
    }
}

void
dependency_graph_init(struct dependency_graph *graph)
{
    *graph = (struct dependency_graph){ 0 };
}

void
dependency_graph_deinit(struct dependency_graph *graph)
{
    free(graph->edges);
    dependency_graph_init(graph);
}

enum airs_status
dependency_graph_add(struct dependency_graph *graph, const char *dependant, const char *dependency,
                     struct airs_error *error)
{
    struct dependency_lift lift;
    if (!dependency_lift(dependant, dependency, &lift))
        return fail(error, AIRS_EINVAL, "'%s' cannot depend on '%s'", dependant, dependency);
    if ((graph->size & (graph->size - 1)) == 0) { /* Full at each power of two. */
        size_t capacity = graph->size ? graph->size * 2 : 1;
        struct dependency_edge *edges = realloc(graph->edges, capacity * sizeof *edges);
        if (!edges)
            return fail(error, AIRS_ENOMEM, "dependencies: out of memory");
        graph->edges = edges;
    }
    graph->edges[graph->size++] = (struct dependency_edge){
        .after = { dependant, lift.dependant_size },
        .before = { dependency, lift.dependency_size },
    };
    return AIRS_OK;
}

/* ---- The search: depth first, along the edges sorted by where they come from. ---- */

enum { NOT_WALKED, WALKING, WALKED };

struct search {
    const struct dependency_edge *edges;
    size_t size;
    unsigned char *walked; /* Of the first edge of each part. */
    size_t *stack;         /* Edges whose `before` is walked. */
    size_t stack_size;
};

static int
compare_parts(const struct part *a, const struct part *b)
{
    int order = memcmp(a->path, b->path, a->size < b->size ? a->size : b->size);
    if (order != 0)
        return order;
    return a->size == b->size ? 0 : a->size < b->size ? -1 : 1;
}

static int
compare_edges(const void *a, const void *b)
{
    const struct dependency_edge *one = a, *other = b;
    return compare_parts(&one->after, &other->after);
}

/* The first edge from `part`; search->size: none. */
static size_t
first_from(const struct search *search, const struct part *part)
{
    size_t low = 0, high = search->size;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_parts(&search->edges[middle].after, part) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_there = low < search->size && compare_parts(&search->edges[low].after, part) == 0;
    return is_there ? low : search->size;
}

static bool
is_from(const struct search *search, size_t edge, const struct part *part)
{
    return edge < search->size && compare_parts(&search->edges[edge].after, part) == 0;
}

/* Goes down along `edge`; true: that closes a circle. */
static bool
go_down(struct search *search, size_t edge)
{
    size_t first = first_from(search, &search->edges[edge].before);
    search->stack[search->stack_size++] = edge;
    if (first == search->size || search->walked[first] == WALKED)
        return false;
    return search->walked[first] == WALKING;
}

/* The next edge behind the one on top, or one that goes further down; search->size: go up. */
static size_t
next_edge(const struct search *search, size_t *down_from)
{
    size_t top = search->stack[search->stack_size - 1];
    size_t first = first_from(search, &search->edges[top].before);
    *down_from = first;
    return first < search->size && search->walked[first] == NOT_WALKED ? first : search->size;
}

/* True: there is a circle, and its edges lie on top of the stack. */
static bool
walk(struct search *search, size_t root)
{
    search->walked[root] = WALKING;
    search->stack_size = 0;
    if (go_down(search, root))
        return true;
    while (search->stack_size > 0) {
        size_t first, edge = next_edge(search, &first);
        if (edge < search->size) {
            search->walked[edge] = WALKING;
        } else { /* All below the top is walked: the next one beside it, or up. */
            size_t top = search->stack[--search->stack_size];
            if (first < search->size)
                search->walked[first] = WALKED;
            edge = top + 1;
            if (!is_from(search, edge, &search->edges[top].after))
                continue;
        }
        if (go_down(search, edge))
            return true;
    }
    search->walked[root] = WALKED;
    return false;
}

static enum airs_status
complain(const struct search *search, struct airs_error *error)
{
    char text[CYCLE_TEXT_BYTES];
    size_t used = 0, from = search->stack_size - 1;
    const struct part *end = &search->edges[search->stack[from]].before;
    while (compare_parts(&search->edges[search->stack[from]].after, end) != 0)
        from--;
    for (size_t i = from; i < search->stack_size && used < sizeof text; i++) {
        const struct part *part = &search->edges[search->stack[i]].after;
        used += (size_t)snprintf(text + used, sizeof text - used, "%.*s → ", (int)part->size,
                                 part->path);
    }
    if (used < sizeof text)
        snprintf(text + used, sizeof text - used, "%.*s", (int)end->size, end->path);
    return fail(error, AIRS_EINVAL, "a cycle of dependencies: %s", text);
}

enum airs_status
dependency_graph_check(struct dependency_graph *graph, struct airs_error *error)
{
    enum airs_status status = AIRS_OK;
    struct search search = {
        .edges = graph->edges,
        .size = graph->size,
        .walked = calloc(graph->size + 1, sizeof *search.walked),
        .stack = calloc(graph->size + 1, sizeof *search.stack),
    };
    if (!search.walked || !search.stack)
        status = fail(error, AIRS_ENOMEM, "dependencies: out of memory");
    else if (graph->size > 0)
        qsort(graph->edges, graph->size, sizeof *graph->edges, compare_edges);
    for (size_t i = 0; i < graph->size && status == AIRS_OK; i++)
        if (first_from(&search, &graph->edges[i].after) == i && search.walked[i] == NOT_WALKED &&
            walk(&search, i))
            status = complain(&search, error);
    free(search.walked);
    free(search.stack);
    return status;
}
