/* Notes: see notes.h. */
#include "cli/notes.h"

#include <stdlib.h>
#include <string.h>

void
notes_init(struct notes *notes)
{
    memset(notes, 0, sizeof *notes);
    pthread_mutex_init(&notes->lock, NULL);
}

void
notes_deinit(struct notes *notes)
{
    for (size_t i = 0; i < notes->size; i++)
        free(notes->lines[i]);
    pthread_mutex_destroy(&notes->lock);
}

void
notes_push(struct notes *notes, const char *line)
{
    char *copy = strdup(line);
    pthread_mutex_lock(&notes->lock);
    if (copy && notes->size < NOTES_MAX) {
        notes->lines[notes->size++] = copy;
        copy = NULL;
    } else {
        notes->lost++;
    }
    pthread_mutex_unlock(&notes->lock);
    free(copy);
}

void
notes_take(struct notes *notes, struct buffer *buffer, char **last_out)
{
    char *lines[NOTES_MAX];
    pthread_mutex_lock(&notes->lock);
    size_t size = notes->size;
    size_t lost = notes->lost;
    memcpy(lines, notes->lines, size * sizeof *lines);
    notes->size = 0;
    notes->lost = 0;
    pthread_mutex_unlock(&notes->lock);

    for (size_t i = 0; i < size; i++) {
        buffer_printf(buffer, "%s\n", lines[i]);
        if (last_out && i + 1 == size) {
            free(*last_out);
            *last_out = lines[i];
        } else {
            free(lines[i]);
        }
    }
    if (lost > 0)
        buffer_printf(buffer, "(%zu more lines were lost)\n", lost);
}
