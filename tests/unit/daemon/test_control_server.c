/* The control socket against clients of every kind. */
#include "testing.h"

#include "base/random.h"
#include "unit/daemon/control_world.h"

static struct world the_world;

static int
set_up(void **state)
{
    world_start(&the_world, 1000, 1 << 20);
    *state = &the_world;
    return 0;
}

static int
set_up_small_ring(void **state)
{
    world_start(&the_world, 1000, 1 << 16);
    *state = &the_world;
    return 0;
}

static int
tear_down(void **state)
{
    world_stop(*state);
    return 0;
}

static void
answers_what_needs_no_tree_at_once(void **state)
{
    struct world *world = *state;
    assert_answer(world, "GET /healthz", "200", "ok");
    assert_answer(world, "GET /v1/version", "200", "\"app\":\"shop\"");
    assert_answer(world, "GET /v1/children", "503", "still starting");
    assert_answer(world, "GET /readyz", "503", "\"status\":503");
    assert_answer(world, "POST /v1/children/a/stop", "503", "\"error\":");
}

static void
answers_wrong_use_with_an_error(void **state)
{
    struct world *world = *state;
    assert_answer(world, "GET /nowhere", "404", "\"status\":404");
    assert_answer(world, "PUT /v1/children/a", "405", "\"status\":405");
    assert_answer(world, "GET /v1/children/a%0", "400", "malformed");
    assert_answer(world, "GET /v1/events?since=-1", "400", "'since'");
    assert_answer(world, "GET /v1/logs/worker", "404", "did you mean '/wrker'");
    world_set_phase(world, CONTROL_RUNNING);
    /* The application below was never started. */
    assert_answer(world, "GET /v1/children", "503", "not running");
}

static void
survives_any_bytes(void **state)
{
    struct world *world = *state;
    uint64_t random = 1;
    for (int i = 0; i < 300; i++) {
        unsigned char bytes[512];
        size_t size = 1 + random_up_to(&random, sizeof bytes - 1);
        for (size_t j = 0; j < size; j++)
            bytes[j] = (unsigned char)random_next(&random);
        int fd = client_connect(world);
        if (i % 3 == 1)
            client_say(fd, "GET /v1/children/");
        if (i % 3 == 2)
            client_say(fd, "POST /v1/down HTTP/1.1\r\nHost: x\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n");
        client_send(fd, bytes, size);
        close(fd);
    }
    assert_answer(world, "GET /healthz", "200", "ok");
}

static void
makes_room_when_all_places_are_taken_by_silent_clients(void **state)
{
    struct world *world = *state;
    static int fds[2 * CONTROL_CONNECTIONS_MAX];
    for (size_t i = 0; i < 2 * CONTROL_CONNECTIONS_MAX; i++) {
        fds[i] = client_connect(world);
        client_send(fds[i], "GET /v1/chi", i % 12);
    }
    assert_answer(world, "GET /healthz", "200", "ok");
    for (size_t i = 0; i < 2 * CONTROL_CONNECTIONS_MAX; i++)
        close(fds[i]);
}

static void
refuses_a_body_that_is_too_large(void **state)
{
    struct world *world = *state;
    struct buffer text;
    buffer_init(&text, 0);
    client_ask(world,
               "POST /v1/children/a/send HTTP/1.1\r\nHost: x\r\n"
               "Content-Length: 1048577\r\n\r\n",
               &text);
    assert_non_null(strstr(text.data, "HTTP/1.1 413"));
    buffer_deinit(&text);

    /* One that does not say how much comes is cut off. */
    static char chunk[65536 + 16];
    int fd = client_connect(world);
    client_say(fd, "POST /v1/children/a/send HTTP/1.1\r\nHost: x\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n");
    memset(chunk, 'x', sizeof chunk);
    memcpy(chunk, "10000\r\n", 7);
    memcpy(chunk + 7 + 65536, "\r\n", 2);
    for (int i = 0; i < 64; i++)
        client_send(fd, chunk, 65536 + 9);
    client_read(fd, NULL, &text);
    close(fd);
    buffer_deinit(&text);
    assert_answer(world, "GET /healthz", "200", "ok");
}

static void
refuses_headers_that_are_too_long(void **state)
{
    struct world *world = *state;
    static char header[4096];
    struct buffer text;
    buffer_init(&text, 0);
    int fd = client_connect(world);
    memset(header, 'x', sizeof header);
    client_say(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\nA: ");
    for (int i = 0; i < 100; i++)
        client_send(fd, header, sizeof header);
    client_read(fd, NULL, &text);
    close(fd);
    buffer_deinit(&text);
    assert_answer(world, "GET /healthz", "200", "ok");
}

static int
follow(struct world *world, const char *query)
{
    char request[256];
    snprintf(request, sizeof request, "GET /v1/events?%s HTTP/1.1\r\nHost: x\r\n\r\n", query);
    int fd = client_connect(world);
    client_say(fd, request);
    return fd;
}

static void
streams_events_as_they_come(void **state)
{
    struct world *world = *state;
    struct buffer text;
    buffer_init(&text, 0);
    world_write_event(world, NULL);
    int fd = follow(world, "follow=1");
    client_read(fd, "\"seq\":1,", &text);
    for (int i = 0; i < 100; i++)
        world_write_event(world, NULL);
    client_read(fd, "\"seq\":101,", &text);
    assert_null(strstr(text.data, "\"seq\":102,"));
    world_write_event(world, "the last");
    world_set_phase(world, CONTROL_ENDED);
    client_read(fd, NULL, &text);
    assert_non_null(strstr(text.data, "the last"));
    /* The end mark of a chunked body: nothing is missing. */
    assert_string_equal(text.data + text.size - 7, "\r\n0\r\n\r\n");
    close(fd);
    buffer_deinit(&text);
}

static void
resumes_behind_since_and_says_when_that_is_gone(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 1500; i++)
        world_write_event(world, NULL);
    struct buffer text;
    buffer_init(&text, 0);
    client_ask(world, "GET /v1/events?since=1498 HTTP/1.1\r\nHost: x\r\n\r\n", &text);
    assert_null(strstr(text.data, "\"seq\":1498,"));
    assert_non_null(strstr(text.data, "\"seq\":1499,"));
    assert_non_null(strstr(text.data, "\"seq\":1500,"));
    buffer_deinit(&text);
    assert_answer(world, "GET /v1/events?since=3", "410", "no longer kept");
    assert_answer(world, "GET /v1/events?since=1500", "200", "");
}

static void
cuts_off_a_reader_that_is_overtaken(void **state)
{
    struct world *world = *state;
    static char detail[1000];
    struct buffer slow, quick;
    memset(detail, 'd', sizeof detail - 1);
    buffer_init(&slow, 0);
    buffer_init(&quick, 0);
    int slow_fd = follow(world, "follow=1");
    client_read(slow_fd, "200 OK", &slow);
    int quick_fd = follow(world, "follow=1");
    client_read(quick_fd, "200 OK", &quick);
    for (uint64_t i = 1; i <= 2000; i++) {
        char expected[32];
        world_write_event(world, detail);
        if (i % 20 != 0)
            continue;
        snprintf(expected, sizeof expected, "\"seq\":%d,", (int)i);
        client_read(quick_fd, expected, &quick);
        buffer_deinit(&quick);
    }
    client_read(slow_fd, NULL, &slow);
    assert_null(strstr(slow.data, "\"seq\":2000,"));
    assert_string_not_equal(slow.data + slow.size - 5, "0\r\n\r\n");
    close(slow_fd);
    close(quick_fd);
    buffer_deinit(&slow);
}

static void
forgets_a_follower_that_hangs_up_in_silence(void **state)
{
    struct world *world = *state;
    struct buffer text;
    buffer_init(&text, 0);
    world_write_event(world, NULL);
    int fd = follow(world, "follow=1");
    client_read(fd, "\"seq\":1,", &text);
    atomic_store(&world->is_idle, false);
    close(fd);
    wait_until(&world->is_idle);
    buffer_deinit(&text);
}

static void
makes_room_when_all_places_are_taken_by_followers(void **state)
{
    struct world *world = *state;
    int fds[CONTROL_CONNECTIONS_MAX];
    struct buffer text;
    buffer_init(&text, 0);
    world_write_event(world, NULL);
    for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
        fds[i] = follow(world, "follow=1");
        client_read(fds[i], "\"seq\":1,", &text);
        buffer_deinit(&text);
    }
    assert_answer(world, "GET /healthz", "200", "ok");
    /* The oldest has gone, the newest follows on. */
    client_read(fds[0], NULL, &text);
    buffer_deinit(&text);
    world_write_event(world, NULL);
    client_read(fds[CONTROL_CONNECTIONS_MAX - 1], "\"seq\":2,", &text);
    buffer_deinit(&text);
    for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++)
        close(fds[i]);
}

static void
answers_down_when_everything_has_ended(void **state)
{
    struct world *world = *state;
    struct buffer text;
    buffer_init(&text, 0);
    int fd = client_connect(world);
    const char *request = "POST /v1/down HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    client_say(fd, request);
    while (atomic_load(&world->downs) == 0)
        poll(NULL, 0, 1);
    assert_answer(world, "GET /healthz", "200", "ok");
    world_set_phase(world, CONTROL_ENDED);
    client_read(fd, NULL, &text);
    assert_non_null(strstr(text.data, "{\"status\":\"stopped\"}"));
    close(fd);
    buffer_deinit(&text);
}

static void
shows_the_lines_of_a_child_and_of_all(void **state)
{
    struct world *world = *state;
    struct airs_log_line line = {
        .path = "/a", .generation = 1, .stream = "stdout", .text = "first words", .size = 11
    };
    log_store_write(world->logs, &line);
    assert_answer(world, "GET /v1/logs/a", "200", "first words");
    assert_answer(world, "GET /v1/logs", "200", "first words");
    assert_answer(world, "GET /v1/logs/a?lines=1", "200", "first words");
    assert_answer(world, "GET /v1/logs/a?lines=0", "200", "\r\n\r\n0\r\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(answers_what_needs_no_tree_at_once),
        CASE(answers_wrong_use_with_an_error),
        CASE(survives_any_bytes),
        CASE(makes_room_when_all_places_are_taken_by_silent_clients),
        CASE(refuses_a_body_that_is_too_large),
        CASE(refuses_headers_that_are_too_long),
        CASE(streams_events_as_they_come),
        CASE(resumes_behind_since_and_says_when_that_is_gone),
        cmocka_unit_test_setup_teardown(cuts_off_a_reader_that_is_overtaken, set_up_small_ring,
                                        tear_down),
        CASE(forgets_a_follower_that_hangs_up_in_silence),
        CASE(makes_room_when_all_places_are_taken_by_followers),
        CASE(answers_down_when_everything_has_ended),
        CASE(shows_the_lines_of_a_child_and_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
