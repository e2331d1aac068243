/* Items: what a run is made of, and a stream of choices for each. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "sim.h"

void
sim_turn_to(struct sim *sim, enum sim_topic topic, uint64_t key, uint64_t number)
{
    uint64_t stream = sim->source.seed;
    stream = random_next(&stream) + topic;
    stream = random_next(&stream) + key;
    stream = random_next(&stream) + number;
    sim->source.stream = random_next(&stream);
}

int
sim_item_compare(const void *a, const void *b)
{
    const struct sim_item *one = a, *other = b;
    if (one->kind != other->kind)
        return one->kind < other->kind ? -1 : 1;
    if (one->key != other->key)
        return one->key < other->key ? -1 : 1;
    return (one->number > other->number) - (one->number < other->number);
}

size_t
sim_take(struct sim *sim, enum sim_item_kind kind, uint32_t key, uint32_t number)
{
    struct sim_item item = { kind, key, number, number };
    const struct sim_options *options = &sim->options;
    if (options->is_reduced) {
        const struct sim_item *kept =
            options->keep_size
                ? bsearch(&item, options->keep, options->keep_size, sizeof item, sim_item_compare)
                : NULL;
        if (!kept)
            return SIM_LEFT_OUT;
        item.as = kept->as;
    }
    if (sim->used_size == sim->used_capacity) {
        sim->used_capacity = sim->used_capacity ? 2 * sim->used_capacity : 256;
        sim->used = realloc(sim->used, sim->used_capacity * sizeof *sim->used);
        if (!sim->used)
            abort();
    }
    struct sim_used *used = &sim->used[sim->used_size];
    used->item = item;
    used->note[0] = '\0';
    return sim->used_size++;
}

void
sim_note(struct sim *sim, size_t used, const char *format, ...)
{
    if (!sim->options.notes || used == SIM_LEFT_OUT)
        return;
    char *note = sim->used[used].note;
    size_t length = strlen(note);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(note + length, SIM_NOTE_SIZE - length, format, arguments);
    va_end(arguments);
}
