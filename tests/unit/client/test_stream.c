/* Streams: lines as they come, in any pieces, and how they end. */
#include "testing.h"

#include "client/stream.h"
#include "unit/client/fake_server.h"

#define ANSWER_MS 60000 /* Nothing here takes so long. */

static struct client_stream *
open_stream(const struct fake_server *server)
{
    struct client *client;
    struct client_stream *stream;
    assert_int_equal(client_new(server->path, &client, NULL), AIRS_OK);
    assert_int_equal(client_stream_new(client, "/v1/events", &stream, NULL), AIRS_OK);
    client_free(client);
    return stream;
}

static void
gives_lines_however_they_are_cut(void **state)
{
    (void)state;
    struct fake_server server;
    fake_start(&server, -1,
               (const char *[]){ FAKE_OK
                                 "Transfer-Encoding: chunked\r\n\r\n"
                                 "3\r\none\r\n8\r\n\ntwo\nthr\r\n4\r\nee\n\n\r\n4\r\nlast\r\n"
                                 "0\r\n\r\n",
                                 NULL });
    struct client_stream *stream = open_stream(&server);
    const char *const expected[] = { "one", "two", "three", "", "last" };
    const char *line;
    size_t size;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(client_stream_next(stream, ANSWER_MS, -1, &line, &size, NULL),
                         CLIENT_LINE);
        assert_string_equal(line, expected[i]);
        assert_int_equal(size, strlen(expected[i]));
    }
    assert_int_equal(client_stream_next(stream, ANSWER_MS, -1, &line, &size, NULL), CLIENT_END);
    client_stream_free(stream);
    fake_stop(&server);
}

static void
sends_before_anybody_answers(void **state)
{
    (void)state;
    char folder[] = "/tmp/airs-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct fake_server server = { .hold_fd = -1 };
    snprintf(server.path, sizeof server.path, "%s/s.sock", folder);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strcpy(address.sun_path, server.path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1), 0);

    struct client_stream *stream = open_stream(&server);
    client_stream_send(stream);
    int fd = accept(listener, NULL, NULL);
    char request[256] = "";
    assert_true(recv(fd, request, sizeof request - 1, MSG_DONTWAIT) > 0);
    assert_non_null(strstr(request, "GET /v1/events HTTP/1.1"));
    client_stream_free(stream);
    close(fd);
    close(listener);
    unlink(server.path);
    rmdir(folder);
}

static void
gives_all_of_a_flood(void **state)
{
    (void)state;
    const size_t lines = 40000; /* More than STREAM_AHEAD_BYTES_MAX. */
    char *answer = malloc(64 + lines * 101 + 1);
    assert_non_null(answer);
    size_t used = (size_t)sprintf(answer, FAKE_OK "\r\n");
    for (size_t i = 0; i < lines; i++)
        used += (size_t)sprintf(answer + used, "%0100zu\n", i);
    struct fake_server server;
    fake_start(&server, -1, (const char *[]){ answer, NULL });
    struct client_stream *stream = open_stream(&server);
    const char *line;
    size_t size;
    for (size_t i = 0; i < lines; i++) {
        assert_int_equal(client_stream_next(stream, ANSWER_MS, -1, &line, &size, NULL),
                         CLIENT_LINE);
        assert_int_equal(strtoul(line, NULL, 10), i);
    }
    assert_int_equal(client_stream_next(stream, ANSWER_MS, -1, &line, &size, NULL), CLIENT_END);
    client_stream_free(stream);
    fake_stop(&server);
    free(answer);
}

static void
gives_up_after_a_time_and_when_woken(void **state)
{
    (void)state;
    int hold[2];
    int wake[2];
    assert_int_equal(pipe(hold), 0);
    assert_int_equal(pipe(wake), 0);
    struct fake_server server;
    fake_start(&server, hold[0], (const char *[]){ FAKE_OK "\r\nhalf a line", NULL });
    struct client_stream *stream = open_stream(&server);
    const char *line;
    size_t size;
    assert_int_equal(client_stream_next(stream, 30, wake[0], &line, &size, NULL), CLIENT_TIMEOUT);
    assert_int_equal(write(wake[1], "x", 1), 1);
    assert_int_equal(client_stream_next(stream, -1, wake[0], &line, &size, NULL), CLIENT_WOKEN);
    assert_int_equal(write(hold[1], "x", 1), 1);
    assert_int_equal(client_stream_next(stream, ANSWER_MS, -1, &line, &size, NULL), CLIENT_LINE);
    assert_string_equal(line, "half a line");
    client_stream_free(stream);
    fake_stop(&server);
    for (int i = 0; i < 2; i++) {
        close(hold[i]);
        close(wake[i]);
    }
}

static void
reports_an_error_answer(void **state)
{
    (void)state;
    struct fake_server server;
    fake_start(&server, -1,
               (const char *[]){ "HTTP/1.1 404 No\r\nConnection: close\r\n\r\n"
                                 "{\"error\":\"no child '/x'\",\"status\":404}\n",
                                 NULL });
    struct client_stream *stream = open_stream(&server);
    struct airs_error error = { 0 };
    const char *line;
    size_t size;
    assert_int_equal(client_stream_next(stream, ANSWER_MS, -1, &line, &size, &error),
                     CLIENT_FAILED);
    assert_int_equal(error.status, AIRS_ENOENT);
    assert_string_equal(error.message, "no child '/x'");
    client_stream_free(stream);
    fake_stop(&server);
}

static void
an_answer_cut_short_is_an_end(void **state)
{
    (void)state;
    struct fake_server server;
    fake_start(&server, -1,
               (const char *[]){ FAKE_OK "Transfer-Encoding: chunked\r\n\r\n"
                                         "4\r\none\n\r\n",
                                 NULL });
    struct client_stream *stream = open_stream(&server);
    const char *line;
    size_t size;
    assert_int_equal(client_stream_next(stream, ANSWER_MS, -1, &line, &size, NULL), CLIENT_LINE);
    assert_int_equal(client_stream_next(stream, ANSWER_MS, -1, &line, &size, NULL), CLIENT_END);
    client_stream_free(stream);
    fake_stop(&server);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_lines_however_they_are_cut),
        cmocka_unit_test(sends_before_anybody_answers),
        cmocka_unit_test(gives_all_of_a_flood),
        cmocka_unit_test(gives_up_after_a_time_and_when_woken),
        cmocka_unit_test(reports_an_error_answer),
        cmocka_unit_test(an_answer_cut_short_is_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
