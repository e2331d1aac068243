/* coupons: ends with an error each time, since the file it needs is not there: the child that
 * uses its budget up.
 */
#include <stdio.h>
#include <unistd.h>

int
main(void)
{
    usleep(300000);
    FILE *file = fopen("/coupons.txt", "r");
    if (!file) {
        perror("/coupons.txt");
        return 78;
    }
    fclose(file);
    return 0;
}
