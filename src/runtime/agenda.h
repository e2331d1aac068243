/* Agenda: which children of one supervisor wait for a time, and which for a start, by due time.
 *
 * Touched in the supervisor's turn alone, and so without a lock: to the outside the supervisor has
 * one timer and one start ticket, whatever the number of its children. A child stands in it at most
 * once. Room is reserved when a child is added, so that nothing allocates when all of them wait.
 */
#ifndef RUNTIME_AGENDA_H
#define RUNTIME_AGENDA_H

#include <stdbool.h>
#include <stdint.h>

enum agenda_kind { AGENDA_TIMER, AGENDA_START };
#define AGENDA_KINDS 2

/* In the child; zero: it does not wait. */
struct agenda_place {
    uint32_t index; /* From 1 on. */
    uint32_t kind : 1;
    uint32_t order : 31; /* Of insertion: equal times keep it. */
};

struct agenda_item {
    uint64_t due_us;
    struct agenda_place *place;
};

struct agenda {
    struct agenda_item *items; /* A binary heap of timers from the front, one of starts from the */
    uint32_t capacity;         /* end: together never more than there are children. */
    uint32_t sizes[AGENDA_KINDS];
    uint32_t added;
};

void agenda_init(struct agenda *agenda);
void agenda_deinit(struct agenda *agenda);
/** Room for so many children; false: out of memory. */
bool agenda_reserve(struct agenda *agenda, uint32_t children);

/** Adds a child that does not wait. Costs O(log n), as the next. */
void agenda_add(struct agenda *agenda, enum agenda_kind kind, struct agenda_place *place,
                uint64_t due_us);
/** Takes it out, if it is there. */
void agenda_remove(struct agenda *agenda, struct agenda_place *place);
/** Whether it waits for that. */
static inline bool
agenda_has(const struct agenda_place *place, enum agenda_kind kind)
{
    return place->index > 0 && place->kind == kind;
}

/** The first of that kind; NULL: none. Its time goes to *due_us_out. */
struct agenda_place *agenda_first(const struct agenda *agenda, enum agenda_kind kind,
                                  uint64_t *due_us_out);

#endif
