/* mailer: has no mail to send. It sleeps until it is asked to stop, and then goes in peace. */
#include <stdio.h>

#include "airs_stop.h"

int
main(void)
{
    puts("no mail, sleeping");
    airs_stop_wait();
    puts("asked to stop, bye");
    return 0;
}
