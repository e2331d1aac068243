/* sick: an actor whose health is written down. Its config is a list of words, one for each
 * probe, the last of which repeats; none is healthy:
 *
 *   healthy, degraded, unhealthy, unknown    answers that
 *   trap             traps
 *   hang             waits for an hour
 *   spin             computes without end
 *   late-MS          waits that long, then is healthy
 *   until-NAME       waits until a component of that name is there, then is healthy
 *   ill-MS           waits that long, then is unhealthy
 *
 * Messages: "be WORDS" replaces the list; "probes" how many probes this instance got; "count"
 * how many messages, with this one; "sleep MS" waits, then answers how many probes came meanwhile;
 * "sleep MS WORDS" replaces the list before that; any other: its text.
 */
#include "airs_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char words[256];
static const char *next = words;
static unsigned probes;
static unsigned messages;
static volatile unsigned turns;

static void
be(const char *list)
{
    snprintf(words, sizeof words, "%s", list);
    next = words;
}

struct airs_result
on_init(void)
{
    be(airs_config());
    return airs_ok();
}

static bool
is_word(const char *text, size_t size, const char *word)
{
    return size == strlen(word) && memcmp(text, word, size) == 0;
}

static void
wait_for(const char *name, size_t size)
{
    char copy[64];
    struct airs_id id = { .namespace = airs_self()->namespace, .name = copy, .instance = "0" };
    struct airs_component_info about;

    snprintf(copy, sizeof copy, "%.*s", (int)size, name);
    while (airs_component_info(id, &about))
        airs_sleep_ms(2);
}

static enum airs_health
answer(const char *word, size_t size)
{
    if (is_word(word, size, "degraded"))
        return AIRS_DEGRADED;
    if (is_word(word, size, "unhealthy"))
        return AIRS_UNHEALTHY;
    if (is_word(word, size, "unknown"))
        return AIRS_UNKNOWN;
    if (is_word(word, size, "trap"))
        __builtin_trap();
    if (is_word(word, size, "hang"))
        airs_sleep_ms(3600000);
    while (is_word(word, size, "spin"))
        turns++;
    if (strncmp(word, "late-", 5) == 0)
        airs_sleep_ms(strtoull(word + 5, NULL, 10));
    if (strncmp(word, "until-", 6) == 0)
        wait_for(word + 6, size - 6);
    if (strncmp(word, "ill-", 4) == 0) {
        airs_sleep_ms(strtoull(word + 4, NULL, 10));
        return AIRS_UNHEALTHY;
    }
    return AIRS_HEALTHY;
}

enum airs_health
on_health(void)
{
    const char *word = next;
    size_t size = strcspn(word, " ");

    probes++;
    if (word[size] == ' ')
        next = word + size + 1;
    return answer(word, size);
}

struct airs_result
on_message(const struct airs_message *message)
{
    unsigned before = probes;

    messages++;
    if (strcmp(message->text, "count") == 0)
        return airs_text("%u", messages);
    if (strcmp(message->text, "probes") == 0)
        return airs_text("%u", probes);
    if (strncmp(message->text, "be ", 3) == 0)
        be(message->text + 3);
    if (strncmp(message->text, "sleep ", 6) == 0) {
        char *rest;
        uint64_t ms = strtoull(message->text + 6, &rest, 10);
        if (*rest == ' ')
            be(rest + 1);
        airs_sleep_ms(ms);
        return airs_text("%u", probes - before);
    }
    return airs_text("%s", message->text);
}
