#include "daemon/control_route.h"

#include <string.h>

#define DAY_US (UINT64_C(86400) * 1000000)

static int
digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool
percent_decode(const char *text, size_t size, char *to, size_t to_size)
{
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < size ? digit_of(text[i + 1]) : -1;
            int low = i + 2 < size ? digit_of(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0' || length + 1 >= to_size)
            return false;
        to[length++] = c;
    }
    to[length] = '\0';
    return true;
}

bool
control_number_parse(const char *text, uint64_t *number_out)
{
    uint64_t number = 0;
    if (*text == '\0')
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
            return false;
    }
    *number_out = number;
    return true;
}

bool
control_duration_parse(const char *text, uint64_t *us_out)
{
    static const struct {
        const char *name;
        uint64_t us;
    } units[] = { { "us", 1 },
                  { "ms", 1000 },
                  { "s", 1000000 },
                  { "m", 60000000 },
                  { "h", UINT64_C(3600000000) } };
    char digits[20];
    size_t size = strspn(text, "0123456789");
    uint64_t number;
    if (size == 0 || size >= sizeof digits)
        return false;
    memcpy(digits, text, size);
    digits[size] = '\0';
    if (!control_number_parse(digits, &number))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text + size, units[i].name) != 0)
            continue;
        if (number > DAY_US / units[i].us)
            return false;
        *us_out = number * units[i].us;
        return true;
    }
    return false;
}

/* A child's path from its encoded form without the first slash. */
static enum control_route_result
parse_path(const char *text, size_t size, struct control_route *route)
{
    /* Slashes that a client sends before or behind the path mean nothing. */
    while (size > 0 && text[0] == '/') {
        text++;
        size--;
    }
    while (size > 0 && text[size - 1] == '/')
        size--;
    route->path[0] = '/';
    if (!percent_decode(text, size, route->path + 1, sizeof route->path - 1))
        return ROUTE_MALFORMED;
    if (route->path[1] == '/') /* "%2Fweb" is "/web" too. */
        memmove(route->path, route->path + 1, strlen(route->path));
    return ROUTE_FOUND;
}

static enum control_route_result
parse_child(bool is_post, const char *rest, struct control_route *route)
{
    size_t size = strlen(rest);
    route->target = TARGET_CHILD;
    if (is_post) {
        const char *slash = strrchr(rest, '/');
        if (strcmp(rest, "add") == 0) { /* Under the root. */
            strcpy(route->verb, rest);
            route->target = TARGET_VERB;
            return ROUTE_FOUND;
        }
        if (!slash || slash == rest)
            return ROUTE_UNKNOWN;
        if (!percent_decode(slash + 1, strlen(slash + 1), route->verb, sizeof route->verb))
            return ROUTE_UNKNOWN;
        route->target = TARGET_VERB;
        size = (size_t)(slash - rest);
    }
    return parse_path(rest, size, route);
}

static const struct {
    const char *url;
    enum control_target target;
    bool is_post;
} fixed[] = {
    { "/v1/version", TARGET_VERSION, false },    { "/v1/children", TARGET_CHILDREN, false },
    { "/v1/children/", TARGET_CHILDREN, false }, { "/v1/events", TARGET_EVENTS, false },
    { "/v1/logs", TARGET_LOGS, false },          { "/v1/logs/", TARGET_LOGS, false },
    { "/v1/history", TARGET_HISTORY, false },    { "/v1/history/", TARGET_HISTORY, false },
    { "/v1/counts", TARGET_COUNTS, false },      { "/v1/counts/", TARGET_COUNTS, false },
    { "/v1/down", TARGET_DOWN, true },           { "/v1/reload", TARGET_RELOAD, true },
    { "/healthz", TARGET_HEALTHZ, false },       { "/readyz", TARGET_READYZ, false },
    { "/metrics", TARGET_METRICS, false },
};

static const struct {
    const char *prefix;
    enum control_target target;
} of_path[] = {
    { "/v1/logs/", TARGET_LOGS },
    { "/v1/history/", TARGET_HISTORY },
    { "/v1/counts/", TARGET_COUNTS },
};

static const char *
after(const char *url, const char *prefix)
{
    size_t size = strlen(prefix);
    return strncmp(url, prefix, size) == 0 ? url + size : NULL;
}

enum control_route_result
control_route_parse(const char *method, const char *url, struct control_route *route_out)
{
    bool is_post = strcmp(method, "POST") == 0;
    bool is_get = strcmp(method, "GET") == 0;
    route_out->path[0] = '/';
    route_out->path[1] = '\0';
    route_out->verb[0] = '\0';
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        if (strcmp(url, fixed[i].url) != 0)
            continue;
        route_out->target = fixed[i].target;
        return is_post == fixed[i].is_post && (is_post || is_get) ? ROUTE_FOUND
                                                                  : ROUTE_WRONG_METHOD;
    }
    const char *rest = after(url, "/v1/children/");
    if (rest)
        return is_post || is_get ? parse_child(is_post, rest, route_out) : ROUTE_WRONG_METHOD;
    for (size_t i = 0; i < sizeof of_path / sizeof of_path[0]; i++) {
        rest = after(url, of_path[i].prefix);
        if (!rest)
            continue;
        route_out->target = of_path[i].target;
        return is_get ? parse_path(rest, strlen(rest), route_out) : ROUTE_WRONG_METHOD;
    }
    return ROUTE_UNKNOWN;
}
