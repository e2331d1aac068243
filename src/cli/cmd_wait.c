/* airs wait PATH --state S
 *
 * Three steps, so that nothing is missed and nothing old is taken for new: the number of the
 * last event, then the child's status, then the events after that number as they happen.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/nearest.h"
#include "client/stream.h"
#include "cli/child_row.h"
#include "cli/cli_verbs.h"
#include "cli/client_verb.h"
#include "cli/follow.h"
#include "cli/ndjson.h"

static const char *const states[] = { "registered", "restarting", "starting", "running",
                                      "stopping",   "stopped",    "failed",   "ready" };
#define STATES (sizeof states / sizeof *states)

struct wish {
    /* As the user gave them; NULL: not at all. */
    const char *generation_text;
    const char *timeout;

    const char *state;
    uint64_t generation; /* This or a later one; 0: any. */
    uint64_t deadline_us;
};

/* The number of the last event. */
static int
find_last_seq(struct session *session, uint64_t *seq_out)
{
    struct airs_error error = { 0 };
    enum airs_status status =
        client_get(session->client, "/v1/version", session->timeout_ms, &session->reply, &error);
    if (status != AIRS_OK)
        return session_fail(session, status, &error);
    json_t *answer = session_answer(session);
    *seq_out = (uint64_t)json_number_or(answer, "seq", 0);
    json_decref(answer);
    return CLI_DONE;
}

static bool
status_grants(const struct wish *wish, const struct session *session)
{
    struct child_row row;
    json_t *child = session_answer(session);
    bool granted = false;
    if (child && child_row_read(&row, child) && row.generation >= (double)wish->generation)
        granted =
            strcmp(wish->state, "ready") == 0 ? row.ready : strcmp(wish->state, row.state) == 0;
    json_decref(child);
    return granted;
}

enum verdict {
    VERDICT_NOTHING,
    VERDICT_GRANTED,
    VERDICT_GONE,   /* The child was deleted. */
    VERDICT_ENDED,  /* The application. */
    VERDICT_LOST,   /* Events were: we were too slow, or the daemon is gone. */
    VERDICT_FAILED, /* The stream, for another reason. */
};

/* No exit code: ask for everything anew. */
#define ASK_AGAIN (-1)

/* `exited` names the state that was left: it brings none. */
static enum verdict
judge_event(const struct wish *wish, const char *path, const json_t *event)
{
    const char *name = json_text(event, "event");
    const char *of = json_text(event, "path");
    const char *state = json_text(event, "state");
    if (name && strcmp(name, "application-stopped") == 0)
        return VERDICT_ENDED;
    if (!name || !of || strcmp(of, path) != 0 || strcmp(name, "exited") == 0)
        return VERDICT_NOTHING;
    if (strcmp(name, "deleted") == 0)
        return VERDICT_GONE;
    if (json_number_or(event, "generation", 0) < (double)wish->generation)
        return VERDICT_NOTHING;
    const char *reached = strcmp(wish->state, "ready") == 0 ? name : state;
    return reached && strcmp(reached, wish->state) == 0 ? VERDICT_GRANTED : VERDICT_NOTHING;
}

static int
remaining_ms(uint64_t deadline_us)
{
    if (deadline_us == UINT64_MAX)
        return -1;
    uint64_t now_us = clock_now_us();
    uint64_t ms = now_us < deadline_us ? (deadline_us - now_us + US_PER_MS - 1) / US_PER_MS : 0;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

static int
conclude(const struct session *session, const struct wish *wish, enum verdict verdict,
         const char *line)
{
    switch (verdict) {
    case VERDICT_GRANTED:
        if (session->json)
            puts(line);
        return CLI_DONE;
    case VERDICT_GONE:
        return cli_fail("wait", CLI_FAILED, "%s was deleted", session->path);
    case VERDICT_ENDED:
        return cli_fail("wait", CLI_FAILED, "the application ended before %s was %s", session->path,
                        wish->state);
    case VERDICT_LOST:
        return ASK_AGAIN;
    case VERDICT_NOTHING:
    case VERDICT_FAILED:
        break;
    }
    return cli_fail("wait", CLI_FAILED, "out of time: %s is not %s; see: airs status %s",
                    session->path, wish->state, session->path);
}

/* Reads events until one decides; CLIENT_FAILED leaves its reason in `error`. */
static enum verdict
judge_stream(const struct session *session, const struct wish *wish, struct client_stream *stream,
             const char **line_out, struct airs_error *error)
{
    enum verdict verdict = VERDICT_NOTHING;
    /* Also in a flood of events, which never lets the stream run out of time. */
    while (verdict == VERDICT_NOTHING && remaining_ms(wish->deadline_us) != 0) {
        size_t size;
        switch (client_stream_next(stream, remaining_ms(wish->deadline_us), -1, line_out, &size,
                                   error)) {
        case CLIENT_LINE: {
            json_t *event = json_loadb(*line_out, size, 0, NULL);
            verdict = judge_event(wish, session->path, event);
            json_decref(event);
            break;
        }
        case CLIENT_TIMEOUT:
        case CLIENT_WOKEN:
            return VERDICT_NOTHING;
        case CLIENT_END:
            return VERDICT_LOST;
        case CLIENT_FAILED:
            return error->status == AIRS_ELIMIT ? VERDICT_LOST : VERDICT_FAILED;
        }
    }
    return verdict;
}

static int
wait_for_event(struct session *session, const struct wish *wish, const char *target)
{
    struct airs_error error = { 0 };
    struct client_stream *stream;
    enum airs_status status = client_stream_new(session->client, target, &stream, &error);
    if (status != AIRS_OK)
        return session_fail(session, status, &error);
    const char *line = NULL;
    enum verdict verdict = judge_stream(session, wish, stream, &line, &error);
    int exit_code = verdict == VERDICT_FAILED ? session_fail(session, error.status, &error)
                                              : conclude(session, wish, verdict, line);
    client_stream_free(stream);
    return exit_code;
}

static bool
find_stopped(void *context, const char *line, size_t size)
{
    json_t *event = json_loadb(line, size, 0, NULL);
    const char *name = json_text(event, "event");
    *(bool *)context = name && strcmp(name, "application-stopped") == 0;
    json_decref(event);
    return true;
}

/* While the application starts there is no child to ask for, and all its events are news. */
static int
wait_from_the_beginning(struct session *session, const struct wish *wish)
{
    bool stopped = false;
    int exit_code = follow_stream(session, "/v1/events", find_stopped, &stopped);
    if (exit_code == CLI_DONE && stopped)
        return conclude(session, wish, VERDICT_ENDED, NULL);
    if (exit_code == CLI_DONE)
        exit_code = wait_for_event(session, wish, "/v1/events?follow=1");
    return exit_code;
}

static int
wait_for_wish(struct session *session, const struct wish *wish)
{
    uint64_t seq = 0;
    int left_ms = remaining_ms(wish->deadline_us);
    if (left_ms >= 0 && (unsigned)left_ms < CLIENT_TIMEOUT_MS)
        session->timeout_ms = left_ms > 0 ? (unsigned)left_ms : 1;
    int exit_code = find_last_seq(session, &seq);
    const char *target = session_target(session, "/v1/children", "");
    if (exit_code != CLI_DONE || !target)
        return exit_code == CLI_DONE ? CLI_FAILED : exit_code;

    struct airs_error error = { 0 };
    enum airs_status status =
        client_get(session->client, target, session->timeout_ms, &session->reply, &error);
    if (status == AIRS_ELIMIT)
        return wait_from_the_beginning(session, wish);
    if (status != AIRS_OK)
        return session_fail(session, status, &error);
    if (status_grants(wish, session)) {
        session_print_json(session);
        return CLI_DONE;
    }
    char events[80];
    snprintf(events, sizeof events, "/v1/events?since=%" PRIu64 "&follow=1", seq);
    return wait_for_event(session, wish, events);
}

/* What the options say, as a whole wish. */
static int
check(struct session *session, void *context)
{
    (void)session;
    struct wish *wish = context;
    if (!wish->state)
        return cli_wrong_use("wait", "needs --state S, as in: --state running");
    bool known = false;
    for (size_t i = 0; i < STATES; i++)
        known = known || strcmp(states[i], wish->state) == 0;
    if (!known) {
        const char *nearest = nearest_name(wish->state, states, STATES);
        return cli_wrong_use("wait", "unknown state '%s'; did you mean %s?", wish->state,
                             nearest ? nearest : "running, ready, stopped or failed");
    }
    if (wish->generation_text && !cli_number(wish->generation_text, UINT32_MAX, &wish->generation))
        return cli_wrong_use("wait", "--generation '%s' is no number up to %u",
                             wish->generation_text, UINT32_MAX);
    wish->deadline_us = UINT64_MAX;
    if (!wish->timeout)
        return CLI_DONE;
    uint64_t timeout_us = 0;
    int exit_code = cli_duration("wait", "timeout", wish->timeout, &timeout_us);
    uint64_t now_us = clock_now_us();
    if (timeout_us < UINT64_MAX - now_us)
        wish->deadline_us = now_us + timeout_us;
    return exit_code;
}

static int
ask(struct session *session, void *context)
{
    int exit_code;
    do
        exit_code = wait_for_wish(session, context);
    while (exit_code == ASK_AGAIN);
    return exit_code;
}

int
cmd_wait(int argc, char **argv)
{
    struct wish wish = { 0 };
    const struct cli_option options[] = {
        { .name = "state",
          .value = "S",
          .text_out = &wish.state,
          .help = "registered, restarting, starting, running, stopping, stopped, failed, ready" },
        { .name = "generation",
          .value = "N",
          .text_out = &wish.generation_text,
          .help = "in generation N or a later one" },
        { .name = "timeout",
          .value = "DURATION",
          .text_out = &wish.timeout,
          .help = "give up after this time (never)" },
    };
    static const char help[] =
        "Waits until the child PATH is in a state, and ends at once if it is in it already.\n"
        "Out of time, or the application ended: exit code 1.\n";
    const struct client_verb verb = {
        .command = { .verb = "wait",
                     .operands = "PATH",
                     .help = help,
                     .example = "  airs wait /web/front --state ready --timeout 10s\n"
                                "  airs wait /store --state running --generation 2\n",
                     .options = options,
                     .options_size = 3 },
        .check = check,
        .ask = ask,
    };
    return client_verb_run(&verb, argc, argv, &wish);
}
