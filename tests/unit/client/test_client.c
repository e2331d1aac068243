/* The client against scripted answers of a server. */
#include "testing.h"

#include "client/client.h"
#include "unit/client/fake_server.h"

struct talk {
    struct fake_server server;
    struct client *client;
    struct client_reply reply;
    struct airs_error error;
};

static void
begin(struct talk *talk, const char *answer)
{
    memset(talk, 0, sizeof *talk);
    fake_start(&talk->server, -1, (const char *[]){ answer, NULL });
    client_reply_init(&talk->reply);
    assert_int_equal(client_new(talk->server.path, &talk->client, NULL), AIRS_OK);
}

static void
end(struct talk *talk)
{
    client_reply_deinit(&talk->reply);
    client_free(talk->client);
    fake_stop(&talk->server);
}

static void
gives_the_body_of_an_answer(void **state)
{
    (void)state;
    struct talk talk;
    begin(&talk, FAKE_OK "Content-Length: 5\r\n\r\nhello");
    assert_int_equal(client_get(talk.client, "/v1/children", 0, &talk.reply, &talk.error), AIRS_OK);
    assert_int_equal(talk.reply.code, 200);
    assert_string_equal(talk.reply.body.data, "hello");
    assert_non_null(strstr(talk.server.requests[0], "GET /v1/children HTTP/1.1\r\n"));
    end(&talk);
}

static void
posts_bytes_as_they_are(void **state)
{
    (void)state;
    struct talk talk;
    begin(&talk, FAKE_OK "Content-Length: 0\r\n\r\n");
    assert_int_equal(client_post(talk.client, "/v1/children/a%231/send", "x=1&y", 5, 0, &talk.reply,
                                 &talk.error),
                     AIRS_OK);
    assert_int_equal(talk.reply.body.size, 0);
    assert_non_null(strstr(talk.server.requests[0], "POST /v1/children/a%231/send HTTP/1.1"));
    assert_non_null(strstr(talk.server.requests[0], "\r\n\r\nx=1&y"));
    end(&talk);
}

static enum airs_status
status_of(const char *answer, struct airs_error *error)
{
    struct talk talk;
    begin(&talk, answer);
    enum airs_status status = client_get(talk.client, "/x", 0, &talk.reply, &talk.error);
    *error = talk.error;
    end(&talk);
    return status;
}

static void
names_the_status_of_an_error_answer(void **state)
{
    (void)state;
    struct airs_error error;
    assert_int_equal(status_of("HTTP/1.1 409 Conflict\r\nConnection: close\r\n\r\n"
                               "{\"error\":\"busy: it is stopping\",\"status\":409}",
                               &error),
                     AIRS_EBUSY);
    assert_string_equal(error.message, "busy: it is stopping");
    assert_int_equal(status_of("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n{}", &error),
                     AIRS_ENOENT);
    assert_int_equal(status_of("HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n", &error),
                     AIRS_EINVAL);
    assert_int_equal(status_of("HTTP/1.1 504 Late\r\nConnection: close\r\n\r\n", &error),
                     AIRS_ETIMEDOUT);
}

static void
refuses_what_is_not_http(void **state)
{
    (void)state;
    struct airs_error error;
    assert_int_equal(status_of("\x01\x02 garbage garbage\r\n\r\n", &error), AIRS_EIO);
}

/* Of a question: nobody is there to answer it. Of a request: nobody knows what became of it. */
static void
tells_a_daemon_that_went_away(void **state)
{
    (void)state;
    struct airs_error error;
    assert_int_equal(status_of("", &error), AIRS_ENOTRUNNING);
    assert_int_equal(status_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", &error),
                     AIRS_ENOTRUNNING);
    struct talk talk;
    begin(&talk, "");
    assert_int_equal(client_post(talk.client, "/x", NULL, 0, 0, &talk.reply, &talk.error),
                     AIRS_EENDED);
    assert_int_equal(talk.reply.code, 0);
    end(&talk);
}

static void
tells_a_dead_socket_from_a_slow_one(void **state)
{
    (void)state;
    struct airs_error error = { 0 };
    struct client_reply reply;
    struct client *client;
    client_reply_init(&reply);
    assert_int_equal(client_new("/nowhere/x.sock", &client, NULL), AIRS_OK);
    assert_int_equal(client_get(client, "/x", 0, &reply, &error), AIRS_ENOTRUNNING);
    client_free(client);

    int hold[2];
    assert_int_equal(pipe(hold), 0);
    struct fake_server server;
    fake_start(&server, hold[0], (const char *[]){ "", NULL });
    assert_int_equal(client_new(server.path, &client, NULL), AIRS_OK);
    assert_int_equal(client_get(client, "/x", 50, &reply, NULL), AIRS_ETIMEDOUT);
    client_free(client);
    assert_int_equal(write(hold[1], "x", 1), 1);
    fake_stop(&server);
    close(hold[0]);
    close(hold[1]);
    client_reply_deinit(&reply);
}

static void
refuses_a_socket_path_that_is_too_long(void **state)
{
    (void)state;
    char path[200];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    struct client *client = NULL;
    assert_int_equal(client_new(path, &client, NULL), AIRS_EINVAL);
    assert_null(client);
}

static void
encodes_what_a_url_cannot_hold(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    assert_true(client_append_encoded(&buffer, "/web/back#1 ?%\xc3\xa4"));
    assert_string_equal(buffer.data, "/web/back%231%20%3F%25%C3%A4");
    buffer_deinit(&buffer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_body_of_an_answer),
        cmocka_unit_test(posts_bytes_as_they_are),
        cmocka_unit_test(names_the_status_of_an_error_answer),
        cmocka_unit_test(refuses_what_is_not_http),
        cmocka_unit_test(tells_a_daemon_that_went_away),
        cmocka_unit_test(tells_a_dead_socket_from_a_slow_one),
        cmocka_unit_test(refuses_a_socket_path_that_is_too_long),
        cmocka_unit_test(encodes_what_a_url_cannot_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
