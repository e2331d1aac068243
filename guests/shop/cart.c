/* cart: what one customer wants to buy, an actor.
 *
 * Every message is a thing to put into the cart and is answered with how many are in it.
 * "drop" drops the cart on the floor: the instance traps, and a new, empty cart takes over.
 */
#include "airs_guest.h"

#include <string.h>

static unsigned things;

struct airs_result
on_message(const struct airs_message *message)
{
    if (strcmp(message->text, "drop") == 0)
        __builtin_trap();
    things++;
    return airs_text("%u in the cart of %s, the last is %s", things,
                     airs_env("CUSTOMER") ? airs_env("CUSTOMER") : "somebody", message->text);
}
