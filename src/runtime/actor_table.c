/* Actor table: slots in chunks that stay where they are until the system is freed. */
#include <assert.h>
#include <stdlib.h>

#include "runtime/internal.h"

#define GENERATION_LAST UINT32_MAX /* A slot that reaches it is retired: pids stay unique. */

enum airs_status
actor_table_init(struct actor_table *table, unsigned slots_max)
{
    *table = (struct actor_table){ .slots_max = slots_max };
    table->chunks_max = (slots_max + ACTOR_CHUNK - 1) / ACTOR_CHUNK;
    table->chunks = calloc(table->chunks_max, sizeof *table->chunks);
    if (!table->chunks)
        return AIRS_ENOMEM;
    pthread_mutex_init(&table->lock, NULL);
    return AIRS_OK;
}

static void
free_chunk(struct actor *chunk)
{
    for (unsigned i = 0; chunk && i < ACTOR_CHUNK; i++)
        mailbox_deinit(&chunk[i].mailbox);
    free(chunk);
}

void
actor_table_deinit(struct actor_table *table)
{
    if (!table->chunks)
        return;
    assert(table->alive == 0);
    for (unsigned i = 0; i < table->chunks_max; i++)
        free_chunk(atomic_load_explicit(&table->chunks[i], memory_order_relaxed));
    free((void *)table->chunks);
    pthread_mutex_destroy(&table->lock);
}

static struct actor *
new_chunk(unsigned first_slot)
{
    struct actor *chunk = aligned_alloc(alignof(struct actor), ACTOR_CHUNK * sizeof *chunk);
    if (!chunk)
        return NULL;
    for (unsigned i = 0; i < ACTOR_CHUNK; i++) {
        chunk[i] = (struct actor){ .slot = first_slot + i };
        atomic_init(&chunk[i].word, ACTOR_DEAD);
        list_init(&chunk[i].queue_link);
        mailbox_init(&chunk[i].mailbox);
    }
    return chunk;
}

static struct actor *
take_new_locked(struct actor_table *table)
{
    if (table->slots == table->slots_max)
        return NULL;
    _Atomic(struct actor *) *place = &table->chunks[table->slots / ACTOR_CHUNK];
    struct actor *chunk = atomic_load_explicit(place, memory_order_relaxed);
    if (!chunk) {
        chunk = new_chunk(table->slots);
        if (!chunk)
            return NULL;
        /* Release pairs with the acquire in actor_at(). */
        atomic_store_explicit(place, chunk, memory_order_release);
    }
    return &chunk[table->slots++ % ACTOR_CHUNK];
}

struct actor *
actor_table_take(struct actor_table *table)
{
    pthread_mutex_lock(&table->lock);
    struct actor *actor = table->free;
    if (actor)
        table->free = actor->free_next;
    else
        actor = take_new_locked(table);
    if (actor)
        table->alive++;
    pthread_mutex_unlock(&table->lock);
    return actor;
}

void
actor_table_give_back(struct actor_table *table, struct actor *actor)
{
    uint64_t word = atomic_load_explicit(&actor->word, memory_order_relaxed);
    assert(word & ACTOR_DEAD);

    pthread_mutex_lock(&table->lock);
    table->alive--;
    if (word >> 32 != GENERATION_LAST) {
        actor->free_next = table->free;
        table->free = actor;
    }
    pthread_mutex_unlock(&table->lock);
}
