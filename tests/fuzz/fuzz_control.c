/* Request lines of the control socket: any bytes. A path that is found decodes to what a
 * client encoded, so it has no NUL, begins with one slash and fits.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control_route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const methods[] = { "GET", "POST", "PUT", "" };
    struct control_route route;
    uint64_t number;
    char *url = malloc(size + 1);
    assert(url);
    memcpy(url, data, size);
    url[size] = '\0';
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        memset(&route, 0xAA, sizeof route);
        if (control_route_parse(methods[i], url, &route) != ROUTE_FOUND)
            continue;
        assert(route.path[0] == '/' && memchr(route.path, '\0', sizeof route.path));
        assert(memchr(route.verb, '\0', sizeof route.verb));
    }
    control_duration_parse(url, &number);
    control_number_parse(url, &number);
    free(url);
    return 0;
}
