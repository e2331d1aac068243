/* hello: a command that says hello and ends. */
#include <stdio.h>

int
main(void)
{
    puts("hello");
    return 0;
}
