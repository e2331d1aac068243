/* Shared text: immutable, counted. Paths and exit details travel in it without copies. */
#ifndef BASE_REFSTR_H
#define BASE_REFSTR_H

#include <stdatomic.h>
#include <stddef.h>

struct refstr {
    atomic_uint references; /* refstr_unref's last decrement (acq_rel) pairs with all others. */
    size_t size;            /* Bytes of text, without the NUL. */
    char text[];
};

/** A copy of `size` bytes with one reference, NUL-terminated; NULL when out of memory. */
struct refstr *refstr_new(const char *text, size_t size);
/** One more reference to `string`, which is returned; NULL is allowed. Thread: any. */
struct refstr *refstr_ref(struct refstr *string);
/** One less; the last one frees it. NULL is allowed. Thread: any. */
void refstr_unref(struct refstr *string);

#endif
