/* checkout: takes a few orders, then its card reader gives up and it traps: the child that
 * crashes for as long as one watches.
 */
#include <stdio.h>
#include <unistd.h>

static int orders;

__attribute__((noinline)) static void
charge_card(int order)
{
    if (order == 4)
        __builtin_trap();
    printf("order %d paid\n", order);
}

int
main(void)
{
    for (;;) {
        usleep(450000);
        charge_card(++orders);
    }
}
