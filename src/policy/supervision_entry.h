/* Supervision entry: what the component supervisor keeps of one child, small while nothing happens.
 *
 * 100,000 are held, and most children never end: what there is to say of exits and restarts gets
 * memory with the first of them, and without memory only the counts are kept. The history is a
 * ring: the newest exit overwrites the oldest, so an endless crash loop costs no memory.
 *
 * Thread: one at a time, under the component supervisor's lock.
 */
#ifndef POLICY_SUPERVISION_ENTRY_H
#define POLICY_SUPERVISION_ENTRY_H

#include "policy/component_supervisor.h"

struct supervision_past;

/* See struct supervision_handle for what these are. */
struct supervision_entry {
    struct supervision_past *past; /* NULL before the first exit. */
    union {
        uint64_t started_us;
        struct supervision_entry *gone; /* Taken out: the next of those that go with it. */
    };
    uint64_t last_seq;
    uint32_t exits_total;
    uint32_t generation;
    uint32_t restart_count;
    enum child_state state : 8;
    bool ready : 1;
    bool is_component : 1;   /* Nothing is below it. */
    bool is_registering : 1; /* The bridge has it in hand: whoever registers it takes it away. */
    bool is_doomed : 1;      /* Its supervisor was deleted meanwhile. */
    char path[];
};

/** Registered, and in the bridge's hand; NULL: out of memory. */
struct supervision_entry *supervision_entry_new(const char *path, bool is_component);
/** NULL is allowed. */
void supervision_entry_free(struct supervision_entry *entry);

/** Takes in one event of the child. Returns a text that it pushed out, the caller's to unref once
 * the lock is free; or NULL. */
struct refstr *supervision_entry_take_in(struct supervision_entry *entry,
                                         const struct supervision_event *event);

/** All but the path, for supervision_handle_deinit(). */
void supervision_entry_copy(const struct supervision_entry *entry,
                            struct supervision_handle *handle_out);

#endif
