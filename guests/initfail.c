/* initfail: an actor whose start goes as its config says.
 *
 * ok (default) · trap · err · loop · sleep · oom · exit. When it did start, it answers its
 * config.
 */
#include "airs_guest.h"

#include <stdlib.h>
#include <string.h>

static volatile unsigned turns;
static void *volatile eaten; /* Volatile: an allocation that nobody sees is left out. */

struct airs_result
on_init(void)
{
    const char *mode = airs_config();
    if (strcmp(mode, "trap") == 0)
        __builtin_trap();
    if (strcmp(mode, "err") == 0)
        return airs_error("initfail was told to fail");
    if (strcmp(mode, "loop") == 0)
        for (;;)
            turns++;
    if (strcmp(mode, "sleep") == 0)
        for (;;)
            airs_sleep_ms(86400000);
    if (strcmp(mode, "oom") == 0)
        while ((eaten = malloc(1 << 20)))
            turns++;
    if (strcmp(mode, "exit") == 0)
        exit(7);
    return airs_ok();
}

struct airs_result
on_message(const struct airs_message *message)
{
    (void)message;
    return airs_text("%s", airs_config());
}
