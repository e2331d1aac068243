/* Nearest name: what somebody probably meant by a word that is not known. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/* A longer word or name has no nearest one. */
#define NEAREST_LENGTH_MAX 128

/**
 * The name with the least edits (insert, delete, replace, swap of neighbours; case is
 * free) to `word`; NULL when each needs more than a third of its letters, at least 1.
 * Of equally near ones the first. Thread: any.  Blocks: no.  Allocates: no.
 */
const char *nearest_name(const char *word, const char *const *names, size_t n);

#endif
