/* Counted malloc: what the program holds, in bytes that its allocations can use. Include once. */
#ifndef BENCH_COUNTED_MALLOC_H
#define BENCH_COUNTED_MALLOC_H

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

/* The C library's own, behind the ones below. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *memory);

static atomic_llong counted_bytes;

static void *
count_allocation(void *memory)
{
    if (memory)
        atomic_fetch_add_explicit(&counted_bytes, (long long)malloc_usable_size(memory),
                                  memory_order_relaxed);
    return memory;
}

static void
count_freed(void *memory)
{
    if (memory)
        atomic_fetch_sub_explicit(&counted_bytes, (long long)malloc_usable_size(memory),
                                  memory_order_relaxed);
}

void *
malloc(size_t bytes)
{
    return count_allocation(__libc_malloc(bytes));
}

void *
calloc(size_t count, size_t bytes)
{
    return count_allocation(__libc_calloc(count, bytes));
}

void *
realloc(void *memory, size_t bytes)
{
    count_freed(memory);
    void *moved = __libc_realloc(memory, bytes);
    if (!moved && bytes > 0)
        count_allocation(memory); /* It stays where it was. */
    return count_allocation(moved);
}

void *
aligned_alloc(size_t alignment, size_t bytes)
{
    return count_allocation(__libc_memalign(alignment, bytes));
}

void *
memalign(size_t alignment, size_t bytes)
{
    return count_allocation(__libc_memalign(alignment, bytes));
}

int
posix_memalign(void **memory_out, size_t alignment, size_t bytes)
{
    void *memory = count_allocation(__libc_memalign(alignment, bytes));
    if (!memory)
        return ENOMEM;
    *memory_out = memory;
    return 0;
}

void
free(void *memory)
{
    count_freed(memory);
    __libc_free(memory);
}

static inline long long
counted(void)
{
    return atomic_load_explicit(&counted_bytes, memory_order_relaxed);
}

#endif
