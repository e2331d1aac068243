/* floor: prints what the engine costs beside what was measured once (see floor.h).
 *
 *   floor [GUESTS]
 *
 * A figure more than twice the older one is a finding, printed as such; it is no miss, since
 * that figure is another machine's.
 */
#include "floor.h"

#include <stdio.h>
#include <stdlib.h>

#define FINDING_FACTOR 2.0
#define PATH_BYTES 4096

static void
print_figure(enum floor_operation operation, const struct figure *figure)
{
    double expected = floor_expected_ns(operation);
    printf("%-50s %8.2f %8.2f %8.2f %8.2f%s\n", floor_title(operation), figure->min_ns / 1e3,
           figure->median_ns / 1e3, figure->p99_ns / 1e3, expected / 1e3,
           figure->median_ns > FINDING_FACTOR * expected ? "  finding: more than twice" : "");
}

int
main(int argc, char **argv)
{
    char guests[PATH_BYTES];
    const char *from_environment = getenv("AIRS_GUESTS");
    snprintf(guests, sizeof guests, "%s",
             argc > 1           ? argv[1]
             : from_environment ? from_environment
                                : BINARY_DIR "/guests");
    char cache[] = "/tmp/airs-floor-cache-XXXXXX";
    if (!mkdtemp(cache))
        return 1;
    struct floor *floor = floor_open(guests, cache);
    if (!floor)
        return 1;

    struct figure figures[FLOOR_OPERATIONS];
    printf("%-50s %8s %8s %8s %8s   (us)\n", "operation", "min", "median", "p99", "once");
    for (int i = 0; i < FLOOR_OPERATIONS; i++) {
        figures[i] = floor_measure(floor, (enum floor_operation)i);
        print_figure((enum floor_operation)i, &figures[i]);
    }
    for (int i = 0; i < FLOOR_OPERATIONS; i++)
        printf("floor.%s %.0f\n", floor_name((enum floor_operation)i), figures[i].median_ns);
    floor_close(floor);

    char command[PATH_BYTES];
    snprintf(command, sizeof command, "rm -rf '%s'", cache);
    return system(command) == 0 ? 0 : 1;
}
