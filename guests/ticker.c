/* ticker: a command that prints a tick every so many ms.
 *
 *     ticker [MS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    int ms = argc > 1 ? atoi(argv[1]) : 1000;
    for (int tick = 1;; tick++) {
        printf("tick %d\n", tick);
        usleep((useconds_t)ms * 1000);
    }
}
