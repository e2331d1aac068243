#include "runtime/agenda.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void
agenda_init(struct agenda *agenda)
{
    *agenda = (struct agenda){ 0 };
}

void
agenda_deinit(struct agenda *agenda)
{
    free(agenda->items);
    agenda_init(agenda);
}

bool
agenda_reserve(struct agenda *agenda, uint32_t children)
{
    if (children <= agenda->capacity)
        return true;
    size_t capacity = (size_t)children + children / 16; /* Most supervisors have few, for ever. */
    struct agenda_item *items = realloc(agenda->items, capacity * sizeof *items);
    if (!items)
        return false;
    size_t starts = agenda->sizes[AGENDA_START];
    memmove(items + capacity - starts, items + agenda->capacity - starts, starts * sizeof *items);
    agenda->items = items;
    agenda->capacity = (uint32_t)capacity;
    return true;
}

/* ---- Two heaps, whose indices count from 1 ---- */

static struct agenda_item *
item_at(const struct agenda *agenda, enum agenda_kind kind, uint32_t index)
{
    return &agenda->items[kind == AGENDA_TIMER ? index - 1 : agenda->capacity - index];
}

static bool
is_before(const struct agenda_item *a, const struct agenda_item *b)
{
    if (a->due_us != b->due_us)
        return a->due_us < b->due_us;
    /* The count of 31 bits goes round: what is less than half of it ahead is later. */
    uint32_t ahead = (uint32_t)b->place->order - (uint32_t)a->place->order;
    return (ahead & UINT32_C(0x7fffffff)) < UINT32_C(0x40000000);
}

static void
put(struct agenda *agenda, enum agenda_kind kind, uint32_t index, struct agenda_item item)
{
    *item_at(agenda, kind, index) = item;
    item.place->index = index;
}

static void
sift_up(struct agenda *agenda, enum agenda_kind kind, uint32_t index, struct agenda_item item)
{
    while (index > 1) {
        struct agenda_item above = *item_at(agenda, kind, index / 2);
        if (!is_before(&item, &above))
            break;
        put(agenda, kind, index, above);
        index /= 2;
    }
    put(agenda, kind, index, item);
}

static void
sift_down(struct agenda *agenda, enum agenda_kind kind, uint32_t index, struct agenda_item item)
{
    uint32_t size = agenda->sizes[kind];
    for (;;) {
        uint32_t below = index * 2;
        if (below > size)
            break;
        if (below < size &&
            is_before(item_at(agenda, kind, below + 1), item_at(agenda, kind, below)))
            below++;
        struct agenda_item next = *item_at(agenda, kind, below);
        if (!is_before(&next, &item))
            break;
        put(agenda, kind, index, next);
        index = below;
    }
    put(agenda, kind, index, item);
}

void
agenda_add(struct agenda *agenda, enum agenda_kind kind, struct agenda_place *place,
           uint64_t due_us)
{
    assert(place->index == 0);
    assert(agenda->sizes[AGENDA_TIMER] + agenda->sizes[AGENDA_START] < agenda->capacity);

    place->kind = kind;
    place->order = agenda->added++ & UINT32_C(0x7fffffff);
    struct agenda_item item = { .due_us = due_us, .place = place };
    sift_up(agenda, kind, ++agenda->sizes[kind], item);
}

void
agenda_remove(struct agenda *agenda, struct agenda_place *place)
{
    uint32_t index = place->index;
    if (index == 0)
        return;
    enum agenda_kind kind = (enum agenda_kind)place->kind;
    place->index = 0;
    struct agenda_item last = *item_at(agenda, kind, agenda->sizes[kind]--);
    if (last.place == place)
        return;
    if (index > 1 && is_before(&last, item_at(agenda, kind, index / 2)))
        sift_up(agenda, kind, index, last);
    else
        sift_down(agenda, kind, index, last);
}

struct agenda_place *
agenda_first(const struct agenda *agenda, enum agenda_kind kind, uint64_t *due_us_out)
{
    if (agenda->sizes[kind] == 0)
        return NULL;
    const struct agenda_item *first = item_at(agenda, kind, 1);
    *due_us_out = first->due_us;
    return first->place;
}
