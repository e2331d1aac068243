/* Guest: what a real component is given, what it may ask, and what becomes of its output. */
#include "world.h"

static struct world *
world_of_echo(struct world_child child)
{
    struct world *world = world_begin();

    child.guest = "echo";
    world_add(world, "/a", child);
    world_add(world, "/web", (struct world_child){ 0 });
    world_add(world, "/web/back#2", (struct world_child){ .parent = "/web", .guest = "echo" });
    world_add(world, "/c", (struct world_child){ .guest = "sleeper" });
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    world_wait_event(world, "/web/back#2", EVENT_READY, 1);
    world_wait_event(world, "/c", EVENT_READY, 1);
    return world;
}

static void
an_actor_answers_what_it_is_sent(void **state)
{
    (void)state;
    struct world *world = world_of_echo((struct world_child){ 0 });

    assert_answer(world, "/a", "hello there", "hello there");
    assert_answer(world, "/a", "none", "");
    struct world_answer big = world_call(world, "/a", "big 100000");
    assert_int_equal(big.status, AIRS_OK);
    assert_int_equal(big.size, 100000);
    world_end(world);
}

static void
an_err_is_an_answer_and_the_actor_lives(void **state)
{
    (void)state;
    struct world *world = world_of_echo((struct world_child){ 0 });

    struct world_answer answer = world_call(world, "/a", "err no such thing");
    assert_int_equal(answer.status, AIRS_EREJECTED);
    assert_non_null(strstr(answer.text, "no such thing"));
    assert_answer(world, "/a", "count", "2");
    assert_int_equal(world_count(world, "/a", EVENT_EXITED), 0);
    world_end(world);
}

static void
initialize_gets_config_and_limits(void **state)
{
    (void)state;
    struct world *world = world_of_echo((struct world_child){
        .text = "be nice",
        .limits = { .memory_bytes = 8u << 20, .call_timeout_us = 70 * US_PER_S },
    });

    assert_answer(world, "/a", "config", "be nice");
    assert_answer(world, "/a", "limits", "8388608 70000");
    world_end(world);
}

static void
environment_reaches_an_actor_both_ways(void **state)
{
    (void)state;
    struct world *world =
        world_of_echo((struct world_child){ .variable = { "MODE", "production" } });

    assert_answer(world, "/a", "env MODE", "production");
    assert_answer(world, "/a", "getenv MODE", "production");
    assert_answer(world, "/a", "env HOME", "(unset)");
    assert_answer(world, "/a", "getenv HOME", "(unset)");
    world_end(world);
}

static void
an_actor_knows_itself_and_the_others(void **state)
{
    (void)state;
    struct world *world = world_of_echo((struct world_child){ 0 });

    assert_answer(world, "/a", "self", "test:a:0");
    assert_answer(world, "/web/back#2", "self", "test:web/back:2");
    assert_answer(world, "/a", "list", "test:a:0\ntest:web/back:2\ntest:c:0\n");
    assert_answer(world, "/a", "info a", "echo 1.2.3 unknown");
    assert_answer(world, "/a", "info c", "/c  unknown");
    struct world_answer answer = world_call(world, "/a", "info nobody");
    assert_non_null(strstr(answer.text, "no such component"));
    world_end(world);
}

static void
metadata_is_kept_over_a_restart(void **state)
{
    (void)state;
    struct world *world = world_of_echo((struct world_child){ 0 });

    world_call(world, "/a", "crash trap");
    assert_answer(world, "/a", "info a", "echo 1.2.3 unknown");
    world_end(world);
}

static void
what_is_not_granted_is_answered_so(void **state)
{
    (void)state;
    struct world *world = world_of_echo((struct world_child){ 0 });
    static const char refused[] = "delivery-failed: not permitted: no messaging granted";

    assert_answer(world, "/a", "send c", refused);
    assert_answer(world, "/a", "request c", refused);
    assert_answer(world, "/a", "broadcast c", refused);
    assert_answer(world, "/a", "cancel 1", "invalid-message: no such request");
    assert_answer(world, "/a", "storage key", "io-error: no storage granted");
    assert_int_equal(world_count(world, "/a", EVENT_EXITED), 0);
    world_end(world);
}

static void
the_time_is_the_wall_clocks(void **state)
{
    (void)state;
    struct world *world = world_of_echo((struct world_child){ 0 });
    uint64_t before_ms = clock_wall_us() / US_PER_MS;
    struct world_answer answer = world_call(world, "/a", "now");
    uint64_t said_ms = strtoull(answer.text, NULL, 10);

    assert_in_range(said_ms, before_ms, clock_wall_us() / US_PER_MS);
    world_end(world);
}

static void
lines_arrive_with_stream_level_and_generation(void **state)
{
    (void)state;
    struct world *world = world_of_echo((struct world_child){ 0 });

    assert_answer(world, "/a", "print on stdout", "printed");
    assert_answer(world, "/a", "log on the log", "logged");
    const struct world_line *line = world_wait_line(world, "/a", "on stdout", 1);
    assert_int_equal(line->stream, LOG_STDOUT);
    line = world_wait_line(world, "/a", "on the log", 1);
    assert_int_equal(line->stream, LOG_HOST);
    assert_int_equal(line->level, LOG_INFO);
    for (int level = LOG_TRACE; level <= LOG_ERROR; level++) {
        char text[32];
        snprintf(text, sizeof text, "level %d", level);
        assert_answer(world, "/a", text, "logged");
        assert_int_equal(world_wait_line(world, "/a", text, 1)->level, level);
    }
    world_end(world);
}

static void
a_command_gets_its_arguments(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/c",
              (struct world_child){ .guest = "crasher",
                                    .args = { "exit", "5" },
                                    .config = supervisor_config_temporary() });
    world_start(world);
    assert_int_equal(world_wait_event(world, "/c", EVENT_EXITED, 1).exit.code, 5);
    world_end(world);
}

static void
files_are_denied(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/f",
              (struct world_child){ .guest = "files", .config = supervisor_config_temporary() });
    world_start(world);
    world_wait_event(world, "/f", EVENT_STOPPED, 1);
    assert_int_equal(world_wait_event(world, "/f", EVENT_EXITED, 1).exit.reason, EXIT_NORMAL);
    world_end(world);
}

static void
a_command_takes_no_messages(void **state)
{
    (void)state;
    struct world *world = world_of_echo((struct world_child){ 0 });

    assert_int_equal(world_call(world, "/c", "hello").status, AIRS_EREJECTED);
    world_end(world);
}

static void
a_guest_that_prints_without_end_is_held_to_a_rate_and_the_others_run(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/endless",
              (struct world_child){ .guest = "chatter", .args = { "nonewline" } });
    world_add(world, "/a", (struct world_child){ .guest = "echo" });
    world_start(world);
    const struct world_line *line = world_wait_line(world, "/endless", "without end", 1);
    world_add(world, "/lines", (struct world_child){ .guest = "chatter", .args = { "newline" } });
    world_wait_until(world, world->lines_total > 20000); /* More than are kept. */
    assert_true(line->continues);
    assert_int_equal(line->size, 8192);
    assert_answer(world, "/a", "hello", "hello");
    world_end(world);
}

static void
a_stopped_actor_takes_no_mail(void **state)
{
    (void)state;
    struct world *world = world_of_echo((struct world_child){ 0 });
    struct world_answer answer;

    assert_int_equal(world_do(world, world_stop, "/a"), AIRS_OK);
    world_wait_event(world, "/a", EVENT_STOPPED, 1);
    assert_int_equal(world_send(world, "/a", "hello", &answer), AIRS_EENDED);
    world_end(world);
}

static void
a_full_mailbox_rejects(void **state)
{
    (void)state;
    struct world *world = world_of_echo((struct world_child){ .limits = { .mailbox = 2 } });
    struct world_answer in_hand, answers[2], rejected;

    assert_int_equal(world_send(world, "/a", "wait go", &in_hand), AIRS_OK);
    world_wait_mailbox(world, "/a", 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(world_send(world, "/a", "count", &answers[i]), AIRS_OK);
    assert_int_equal(world_send(world, "/a", "count", &rejected), AIRS_ELIMIT);
    world_go(world);
    world_wait_answer(world, &answers[1]);
    assert_string_equal(answers[0].text, "2");
    assert_string_equal(answers[1].text, "3");
    world_end(world);
}

static void
a_full_mailbox_may_drop_its_oldest_instead(void **state)
{
    (void)state;
    struct world *world = world_of_echo(
        (struct world_child){ .limits = { .mailbox = 2, .on_full = ON_FULL_DROP_OLDEST } });
    struct world_answer in_hand, answers[3];

    assert_int_equal(world_send(world, "/a", "wait go", &in_hand), AIRS_OK);
    world_wait_mailbox(world, "/a", 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(world_send(world, "/a", "count", &answers[i]), AIRS_OK);
    world_go(world);
    world_wait_answer(world, &answers[2]);
    world_wait_answer(world, &answers[0]);
    assert_int_equal(answers[0].status, AIRS_ELIMIT);
    assert_string_equal(answers[1].text, "2");
    assert_string_equal(answers[2].text, "3");
    world_end(world);
}

static struct refstr *
text_of(const char *text)
{
    return refstr_new(text, strlen(text));
}

static void
a_message_tells_who_sent_it(void **state)
{
    (void)state;
    struct world *world = world_of_echo((struct world_child){ 0 });
    struct message *message = message_new("sender", 6);
    struct world_answer answer = { .world = world, .reply.done = world_replied };
    airs_pid pid;

    message->sender =
        (struct component_ref){ text_of("test"), text_of("airs:control"), text_of("0") };
    message->has_correlation_id = true;
    message->correlation_id = UINT64_MAX;
    message->content_type = text_of("text/plain");
    message->reply = &answer.reply;
    assert_true(component_registry_find(world->registry, "/a", &pid, NULL));
    assert_int_equal(actor_send(world->system, pid, message), AIRS_OK);
    world_wait_answer(world, &answer);
    assert_string_equal(answer.text, "test:airs:control:0");
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_actor_answers_what_it_is_sent),
        cmocka_unit_test(an_err_is_an_answer_and_the_actor_lives),
        cmocka_unit_test(initialize_gets_config_and_limits),
        cmocka_unit_test(environment_reaches_an_actor_both_ways),
        cmocka_unit_test(an_actor_knows_itself_and_the_others),
        cmocka_unit_test(metadata_is_kept_over_a_restart),
        cmocka_unit_test(what_is_not_granted_is_answered_so),
        cmocka_unit_test(the_time_is_the_wall_clocks),
        cmocka_unit_test(lines_arrive_with_stream_level_and_generation),
        cmocka_unit_test(a_command_gets_its_arguments),
        cmocka_unit_test(files_are_denied),
        cmocka_unit_test(a_command_takes_no_messages),
        cmocka_unit_test(a_guest_that_prints_without_end_is_held_to_a_rate_and_the_others_run),
        cmocka_unit_test(a_stopped_actor_takes_no_mail),
        cmocka_unit_test(a_full_mailbox_rejects),
        cmocka_unit_test(a_full_mailbox_may_drop_its_oldest_instead),
        cmocka_unit_test(a_message_tells_who_sent_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
