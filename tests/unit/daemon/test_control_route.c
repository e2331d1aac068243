/* What request lines ask for. */
#include "testing.h"

#include <string.h>

#include "daemon/control_route.h"

static void
assert_route(const char *method, const char *url, enum control_target target, const char *path,
             const char *verb)
{
    struct control_route route;
    assert_int_equal(control_route_parse(method, url, &route), ROUTE_FOUND);
    assert_int_equal(route.target, target);
    assert_string_equal(route.path, path);
    assert_string_equal(route.verb, verb);
}

static void
finds_children_by_their_encoded_path(void **state)
{
    (void)state;
    assert_route("GET", "/v1/children", TARGET_CHILDREN, "/", "");
    assert_route("GET", "/v1/children/", TARGET_CHILDREN, "/", "");
    assert_route("GET", "/v1/children/web", TARGET_CHILD, "/web", "");
    assert_route("GET", "/v1/children/web/back%231", TARGET_CHILD, "/web/back#1", "");
    assert_route("GET", "/v1/children/web%2Fback%231", TARGET_CHILD, "/web/back#1", "");
    assert_route("GET", "/v1/children/%2Fweb%2fback%231", TARGET_CHILD, "/web/back#1", "");
    assert_route("GET", "/v1/children//web/", TARGET_CHILD, "/web", "");
    assert_route("POST", "/v1/children/web/back%231/restart", TARGET_VERB, "/web/back#1",
                 "restart");
    assert_route("POST", "/v1/children/stop/stop", TARGET_VERB, "/stop", "stop");
    assert_route("POST", "/v1/children/web/add", TARGET_VERB, "/web", "add");
    assert_route("POST", "/v1/children/add", TARGET_VERB, "/", "add");
    assert_route("POST", "/v1/children/add/add", TARGET_VERB, "/add", "add");
}

static void
finds_the_other_pages(void **state)
{
    (void)state;
    assert_route("GET", "/v1/version", TARGET_VERSION, "/", "");
    assert_route("GET", "/v1/events", TARGET_EVENTS, "/", "");
    assert_route("GET", "/v1/logs", TARGET_LOGS, "/", "");
    assert_route("GET", "/v1/logs/web/front", TARGET_LOGS, "/web/front", "");
    assert_route("GET", "/v1/counts", TARGET_COUNTS, "/", "");
    assert_route("GET", "/v1/counts/", TARGET_COUNTS, "/", "");
    assert_route("GET", "/v1/counts/web", TARGET_COUNTS, "/web", "");
    assert_route("POST", "/v1/down", TARGET_DOWN, "/", "");
    assert_route("POST", "/v1/reload", TARGET_RELOAD, "/", "");
    assert_route("GET", "/healthz", TARGET_HEALTHZ, "/", "");
    assert_route("GET", "/readyz", TARGET_READYZ, "/", "");
}

static void
assert_result(const char *method, const char *url, enum control_route_result expected)
{
    struct control_route route;
    assert_int_equal(control_route_parse(method, url, &route), expected);
}

static void
tells_wrong_methods_pages_and_paths_apart(void **state)
{
    (void)state;
    assert_result("GET", "/v1/down", ROUTE_WRONG_METHOD);
    assert_result("POST", "/v1/events", ROUTE_WRONG_METHOD);
    assert_result("PUT", "/v1/children/web", ROUTE_WRONG_METHOD);
    assert_result("DELETE", "/v1/logs/web", ROUTE_WRONG_METHOD);
    assert_result("GET", "/", ROUTE_UNKNOWN);
    assert_result("GET", "", ROUTE_UNKNOWN);
    assert_result("GET", "/v2/children", ROUTE_UNKNOWN);
    assert_result("GET", "/v1/childrenx", ROUTE_UNKNOWN);
    assert_result("POST", "/v1/children/web", ROUTE_UNKNOWN);
    assert_result("POST", "/v1/children/web/a-verb-that-is-too-long", ROUTE_UNKNOWN);
    assert_result("GET", "/v1/children/web%", ROUTE_MALFORMED);
    assert_result("GET", "/v1/children/web%2", ROUTE_MALFORMED);
    assert_result("GET", "/v1/children/web%zz", ROUTE_MALFORMED);
    assert_result("GET", "/v1/children/web%00", ROUTE_MALFORMED);
}

static void
refuses_a_path_that_is_too_long(void **state)
{
    (void)state;
    char url[CONTROL_PATH_BYTES_MAX + 64] = "/v1/children/";
    memset(url + strlen(url), 'a', CONTROL_PATH_BYTES_MAX);
    assert_result("GET", url, ROUTE_MALFORMED);
}

static void
reads_durations_and_numbers(void **state)
{
    (void)state;
    uint64_t number = 0;
    assert_true(control_duration_parse("30s", &number));
    assert_int_equal(number, 30000000);
    assert_true(control_duration_parse("250ms", &number));
    assert_int_equal(number, 250000);
    assert_true(control_duration_parse("0us", &number));
    assert_int_equal(number, 0);
    assert_true(control_duration_parse("24h", &number));
    assert_false(control_duration_parse("25h", &number));
    assert_false(control_duration_parse("30", &number));
    assert_false(control_duration_parse("s", &number));
    assert_false(control_duration_parse("-1s", &number));
    assert_false(control_duration_parse("99999999999999999999999999s", &number));
    assert_true(control_number_parse("18446744073709551615", &number));
    assert_true(number == UINT64_MAX);
    assert_false(control_number_parse("18446744073709551616", &number));
    assert_false(control_number_parse("", &number));
    assert_false(control_number_parse("1x", &number));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_children_by_their_encoded_path),
        cmocka_unit_test(finds_the_other_pages),
        cmocka_unit_test(tells_wrong_methods_pages_and_paths_apart),
        cmocka_unit_test(refuses_a_path_that_is_too_long),
        cmocka_unit_test(reads_durations_and_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
