/* store: the shop's shelf, an actor.
 *
 * Its config is the stock to begin with: "book=12 pen=40". Messages:
 *   stock          what there is
 *   take NAME N    takes N off the shelf, or says why not
 *   put NAME N     puts N on it
 * What was sold is forgotten when it is restarted: a new instance begins with its config.
 */
#include "airs_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 32, NAME_MAX_BYTES = 32 };

struct item {
    char name[NAME_MAX_BYTES];
    int count;
};

static struct item items[ITEMS_MAX];
static size_t item_count;

static struct item *
item_find(const char *name)
{
    for (size_t i = 0; i < item_count; i++)
        if (strcmp(items[i].name, name) == 0)
            return &items[i];
    return NULL;
}

static void
item_put(const char *name, int count)
{
    struct item *item = item_find(name);
    if (!item && item_count < ITEMS_MAX) {
        item = &items[item_count++];
        snprintf(item->name, sizeof item->name, "%s", name);
    }
    if (item)
        item->count += count;
}

struct airs_metadata
on_metadata(void)
{
    static const char *const operations[] = { "stock", "take", "put", NULL };
    return (struct airs_metadata){ .name = "store",
                                   .version = "1.0.0",
                                   .description = "the shelf of the shop",
                                   .operations = operations,
                                   .stateful = true };
}

struct airs_result
on_init(void)
{
    char name[NAME_MAX_BYTES];
    int count, used;
    for (const char *at = airs_config(); sscanf(at, " %31[^= ]=%d%n", name, &count, &used) == 2;
         at += used)
        item_put(name, count);
    if (item_count == 0)
        return airs_error("nothing to sell: config wants NAME=COUNT ...");
    airs_log(AIRS_INFO, "open with %zu kinds of things", item_count);
    return airs_ok();
}

static struct airs_result
stock(void)
{
    char text[ITEMS_MAX * (NAME_MAX_BYTES + 16)];
    size_t size = 0;
    for (size_t i = 0; i < item_count; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s %d", i ? ", " : "",
                                 items[i].name, items[i].count);
    return airs_bytes(text, size);
}

static struct airs_result
take(const char *name, int count)
{
    struct item *item = item_find(name);
    if (!item)
        return airs_error("never heard of '%s'", name);
    if (count < 1 || count > item->count)
        return airs_error("%d of '%s'? there are %d", count, name, item->count);
    item->count -= count;
    return airs_text("%d %s, %d left", count, name, item->count);
}

struct airs_result
on_message(const struct airs_message *message)
{
    char name[NAME_MAX_BYTES];
    int count;
    if (strcmp(message->text, "stock") == 0)
        return stock();
    if (sscanf(message->text, "take %31s %d", name, &count) == 2)
        return take(name, count);
    if (sscanf(message->text, "put %31s %d", name, &count) == 2) {
        item_put(name, count);
        return stock();
    }
    return airs_error("stock, take NAME N or put NAME N, please");
}
