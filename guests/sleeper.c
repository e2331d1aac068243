/* sleeper: a command that sleeps for ever. */
#include <unistd.h>

int
main(void)
{
    for (;;)
        sleep(86400);
}
