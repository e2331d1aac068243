/* truck: delivers a parcel every two seconds. */
#include <stdio.h>
#include <unistd.h>

int
main(void)
{
    for (int parcel = 1;; parcel++) {
        sleep(2);
        printf("parcel %d delivered\n", parcel);
    }
}
