/* pricer: looks for the best price and never finds it: computes without end, and its siblings
 * do not notice.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* How many steps until n is 1 (Collatz). */
static unsigned
steps(uint64_t n)
{
    unsigned count = 0;
    for (; n > 1; count++)
        n = n % 2 ? 3 * n + 1 : n / 2;
    return count;
}

int
main(void)
{
    uint64_t best = 1;
    time_t next = time(NULL) + 2;
    for (uint64_t price = 1;; price++) {
        if (steps(price) > steps(best))
            best = price;
        if (price % 65536 == 0 && time(NULL) >= next) {
            printf("%llu prices tried, the best is %llu\n", (unsigned long long)price,
                   (unsigned long long)best);
            next = time(NULL) + 5;
        }
    }
}
