/* drone: flies out of bounds. Its supervisor loses patience before it does. */
#include <stdio.h>
#include <unistd.h>

static volatile char *position;

int
main(void)
{
    puts("taking off");
    sleep(2);
    position = (volatile char *)0xfffffff0u;
    *position = 1;
    return 0;
}
