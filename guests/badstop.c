/* badstop: an actor whose shutdown goes as its config says.
 *
 * ok (default) · trap · err · loop · sleep · "slow MS". Answers each message with itself.
 */
#include "airs_guest.h"

#include <stdlib.h>
#include <string.h>

static volatile unsigned turns;

struct airs_result
on_shutdown(void)
{
    const char *mode = airs_config();
    airs_log(AIRS_INFO, "shutdown: %s", mode);
    if (strcmp(mode, "trap") == 0)
        __builtin_trap();
    if (strcmp(mode, "err") == 0)
        return airs_error("badstop was told to fail");
    if (strcmp(mode, "loop") == 0)
        for (;;)
            turns++;
    if (strcmp(mode, "sleep") == 0)
        for (;;)
            airs_sleep_ms(86400000);
    if (strncmp(mode, "slow ", 5) == 0)
        airs_sleep_ms(strtoull(mode + 5, NULL, 10));
    return airs_ok();
}

struct airs_result
on_message(const struct airs_message *message)
{
    return airs_bytes(message->text, message->size);
}
