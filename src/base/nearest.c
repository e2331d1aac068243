#include "base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static bool
letters_equal(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits between two words, both at most NEAREST_LENGTH_MAX long. Three rows of the table
 * suffice: a swap of neighbours looks two rows back. */
static size_t
edits_between(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][NEAREST_LENGTH_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_size; j++)
        above[j] = before[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            bool same = letters_equal(a[i - 1], b[j - 1]);
            row[j] = least(above[j - 1] + (same ? 0 : 1), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && letters_equal(a[i - 1], b[j - 2]) &&
                letters_equal(a[i - 2], b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = above;
        above = row;
        row = free_row;
    }
    return above[b_size];
}

const char *
nearest_name(const char *word, const char *const *names, size_t n)
{
    size_t word_size = strlen(word);
    size_t edits_max = word_size / 3 > 0 ? word_size / 3 : 1;
    const char *nearest = NULL;

    if (word_size == 0 || word_size > NEAREST_LENGTH_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t name_size = strlen(names[i]);
        if (name_size > NEAREST_LENGTH_MAX)
            continue;
        size_t edits = edits_between(word, word_size, names[i], name_size);
        if (edits > edits_max || edits >= word_size)
            continue;
        nearest = names[i];
        if (edits == 0)
            break;
        edits_max = edits - 1;
    }
    return nearest;
}
