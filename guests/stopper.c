/* stopper: a command that works until it is asked to stop.
 *
 *     stopper [wait|poll|deaf|exit N]
 *
 * wait (default): waits for the request · poll: asks every 10 ms · deaf: has the import and
 * goes on sleeping · exit N: ends with that code when asked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "airs_stop.h"

int
main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "wait";
    printf("stopper: %s, requested %d\n", mode, airs_stop_requested());
    if (strcmp(mode, "deaf") == 0)
        for (;;)
            sleep(86400);
    if (strcmp(mode, "poll") == 0)
        while (!airs_stop_requested())
            usleep(10000);
    else
        airs_stop_wait();
    printf("stopper: asked to stop, requested %d\n", airs_stop_requested());
    return argc > 2 ? atoi(argv[2]) : 0;
}
