/* badmeta: an actor whose metadata goes as its config says.
 *
 * trap (default) · loop · sleep · utf8 (a name that is no text) · ok.
 */
#include "airs_guest.h"

#include <string.h>

static volatile unsigned turns;

struct airs_metadata
on_metadata(void)
{
    const char *mode = airs_config();
    if (strcmp(mode, "ok") == 0)
        return (struct airs_metadata){ .name = "badmeta", .version = "1.0.0" };
    if (strcmp(mode, "utf8") == 0)
        return (struct airs_metadata){ .name = "bad\377\376meta" };
    if (strcmp(mode, "loop") == 0)
        for (;;)
            turns++;
    if (strcmp(mode, "sleep") == 0)
        for (;;)
            airs_sleep_ms(86400000);
    __builtin_trap();
}
