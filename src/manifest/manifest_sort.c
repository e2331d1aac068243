/* Manifest sort: siblings in their one order.
 *
 * Under each supervisor the edges are walked depth first, in the order of the file: an entry is
 * put down when all that it depends on is down. An entry that is met again while its own
 * dependencies are walked closes a cycle.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "manifest/manifest_order_inside.h"

enum place_state { PLACE_NEW, PLACE_OPEN, PLACE_DONE };

/* One child of the supervisor that is put in order. */
struct place {
    enum place_state state;
    size_t first; /* Of its edges. */
    size_t next;  /* The edge that is walked. */
};

struct sorting {
    struct reader *reader;
    struct manifest_node *parent;
    const struct order_edge *edges; /* Of this supervisor, by `after`. */
    size_t edges_size;
    struct place *places;
    size_t *stack; /* Places that are open, the first one first. */
    size_t stack_size;
    struct manifest_node **sorted;
    size_t sorted_size;
};

static int
compare_edges(const void *a, const void *b)
{
    const struct order_edge *one = a, *other = b;
    const struct manifest_node *parent = one->after->parent, *other_parent = other->after->parent;
    if (parent != other_parent)
        return (uintptr_t)parent < (uintptr_t)other_parent ? -1 : 1;
    if (one->after != other->after)
        return one->after->index < other->after->index ? -1 : 1;
    if (one->before != other->before)
        return one->before->index < other->before->index ? -1 : 1;
    return one->place->offset < other->place->offset ? -1 : 1;
}

/* " → /b", and behind all of them whose words made each step. */
static void
complain_cycle(struct sorting *sorting, size_t from)
{
    struct reader *reader = sorting->reader;
    char steps[MANIFEST_MESSAGE_BYTES / 2] = "", words[MANIFEST_MESSAGE_BYTES / 2] = "";
    size_t steps_used = 0, words_used = 0;
    const struct yaml_node *first = NULL;

    for (size_t i = from; i < sorting->stack_size; i++) {
        const struct order_edge *edge =
            &sorting->edges[sorting->places[sorting->stack[i]].next - 1];
        unsigned line, column;
        manifest_place(reader->text, reader->text_size, edge->place->offset, &line, &column);
        if (steps_used < sizeof steps)
            steps_used += (size_t)snprintf(steps + steps_used, sizeof steps - steps_used, " → %.*s",
                                           written_size(edge->before), edge->before->path);
        if (words_used < sizeof words)
            words_used += (size_t)snprintf(words + words_used, sizeof words - words_used,
                                           "%s%.*s on %s (%u:%u)", first ? ", " : "",
                                           written_size(edge->node), edge->node->path,
                                           edge->place->text, line, column);
        first = first ? first : edge->place;
    }
    const struct manifest_node *start = sorting->parent->children[sorting->stack[from]];
    reader_complain(reader, first, "a cycle of dependencies: %.*s%s; %s", written_size(start),
                    start->path, steps, words);
}

/* All members of the entry at `index`. */
static void
put_down(struct sorting *sorting, size_t index)
{
    size_t members = members_of(sorting->parent->children[index]);
    sorting->places[index].state = PLACE_DONE;
    for (size_t i = 0; i < members; i++)
        sorting->sorted[sorting->sorted_size++] = sorting->parent->children[index + i];
}

static void
open_place(struct sorting *sorting, size_t index)
{
    sorting->places[index].state = PLACE_OPEN;
    sorting->places[index].next = sorting->places[index].first;
    sorting->stack[sorting->stack_size++] = index;
}

/* The next edge of the place on top; false: none is left. */
static bool
walk_edge(struct sorting *sorting, size_t index, size_t *before_out)
{
    struct place *place = &sorting->places[index];
    if (place->next >= sorting->edges_size || sorting->edges[place->next].after->index != index)
        return false;
    *before_out = sorting->edges[place->next++].before->index;
    return true;
}

/* Puts down the entry at `index`, behind all that it depends on; false: there is a cycle. */
static bool
walk(struct sorting *sorting, size_t index)
{
    open_place(sorting, index);
    while (sorting->stack_size > 0) {
        size_t before, top = sorting->stack[sorting->stack_size - 1];
        if (!walk_edge(sorting, top, &before)) {
            sorting->stack_size--;
            put_down(sorting, top);
        } else if (sorting->places[before].state == PLACE_NEW) {
            open_place(sorting, before);
        } else if (sorting->places[before].state == PLACE_OPEN) {
            size_t from = sorting->stack_size;
            while (sorting->stack[--from] != before)
                continue;
            complain_cycle(sorting, from);
            return false;
        }
    }
    return true;
}

static bool
sort_places(struct sorting *sorting)
{
    const struct manifest_node *parent = sorting->parent;
    for (size_t i = 0; i < parent->children_size; i++)
        sorting->places[i].first = sorting->edges_size;
    for (size_t i = sorting->edges_size; i-- > 0;)
        sorting->places[sorting->edges[i].after->index].first = i;
    for (size_t i = 0; i < parent->children_size; i += members_of(parent->children[i]))
        if (sorting->places[i].state == PLACE_NEW && !walk(sorting, i))
            return false;
    return true;
}

static void
sort_children(struct reader *reader, const struct order_edge *edges, size_t size)
{
    struct manifest_node *parent = edges->after->parent;
    size_t children = parent->children_size;
    struct sorting sorting = {
        .reader = reader,
        .parent = parent,
        .edges = edges,
        .edges_size = size,
        .places = calloc(children, sizeof *sorting.places),
        .stack = calloc(children, sizeof *sorting.stack),
        .sorted = calloc(children, sizeof *sorting.sorted),
    };
    if (!sorting.places || !sorting.stack || !sorting.sorted) {
        reader->out_of_memory = true;
    } else if (sort_places(&sorting)) {
        assert(sorting.sorted_size == children);
        memcpy(parent->children, sorting.sorted, children * sizeof *sorting.sorted);
        for (size_t i = 0; i < children; i++)
            parent->children[i]->index = i;
    }
    free(sorting.places);
    free(sorting.stack);
    free(sorting.sorted);
}

void
manifest_sort(struct reader *reader, struct order_edge *edges, size_t size)
{
    qsort(edges, size, sizeof *edges, compare_edges);
    for (size_t i = 0, more; i < size; i += more) {
        for (more = 1; i + more < size; more++)
            if (edges[i + more].after->parent != edges[i].after->parent)
                break;
        sort_children(reader, edges + i, more);
    }
}
