/* bare: the smallest actor, without WASI: what the benches measure.
 *
 * Echoes what it gets; "count" answers how many messages this instance got, "trap" traps.
 */
#include "airs_guest.h"

#include <string.h>

static unsigned messages;

struct airs_result
on_message(const struct airs_message *message)
{
    messages++;
    if (strcmp(message->text, "trap") == 0)
        __builtin_trap();
    if (strcmp(message->text, "count") == 0)
        return airs_text("%u", messages);
    return airs_bytes(message->text, message->size);
}
