/* Allocation on behalf of the host: the export that every guest of ours must have.
 *
 * Strings and lists that come from the host are put where this function says. It gives one
 * byte more and makes it zero, so that text can be read as a C string where it lies.
 *
 * A command needs the export too, although no string reaches it that way: without it the
 * adapter that turns preview 1 calls into components grows the memory by itself, and
 * malloc of an older wasi-libc then takes the adapter's page for its own.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

__attribute__((export_name("cabi_realloc"))) void *
cabi_realloc(void *old, size_t old_size, size_t align, size_t new_size)
{
    (void)align; /* malloc's alignment serves every type of the component model. */
    if (new_size == 0)
        return (void *)align;
    char *block = realloc(old_size ? old : NULL, new_size + 1);
    if (!block)
        abort();
    block[new_size] = '\0';
    return block;
}
