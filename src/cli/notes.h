/* Notes: lines handed from any thread to the view, which may not be able to show them now. */
#ifndef CLI_NOTES_H
#define CLI_NOTES_H

#include <pthread.h>
#include <stddef.h>

#include "base/buffer.h"

/** Notes that wait to be taken; more are counted and dropped. */
#define NOTES_MAX 64

struct notes {
    pthread_mutex_t lock; /* Held for a few instructions. */
    char *lines[NOTES_MAX];
    size_t size;
    size_t lost;
};

void notes_init(struct notes *notes);
void notes_deinit(struct notes *notes);

/** Copies `line`. Thread: any.  Blocks: no. */
void notes_push(struct notes *notes, const char *line);

/**
 * Appends the lines that have come to `buffer`, each with its end. *last_out, if not NULL,
 * is replaced by the latest (owned by the caller, free()); untouched when none came.
 */
void notes_take(struct notes *notes, struct buffer *buffer, char **last_out);

#endif
