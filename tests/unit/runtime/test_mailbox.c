/* Mailboxes: bounds, order, the control lane, dead letters, and one answer to each request. */
#include "runtime_testing.h"

#include "runtime/native_actor.h"

/* ---- An actor that writes down what it takes ---- */

struct diary {
    char text[4096];
    size_t size;
    struct counter handled;
    struct counter may_go_on; /* A handler of "stay" waits for it. */
    atomic_bool stays;
    struct control *mark; /* What a CONTROL_USER message of the test is. */
};

static void
write_down(struct diary *diary, const void *text, size_t size)
{
    assert_true(diary->size + size + 1 < sizeof diary->text);
    memcpy(diary->text + diary->size, text, size);
    diary->size += size;
    diary->text[diary->size++] = ' ';
    diary->text[diary->size] = '\0';
}

static void
diary_handle(struct actor_context *context, void *state, struct message *message)
{
    (void)context;
    struct diary *diary = state;
    if (message->size == 4 && memcmp(message->payload, "stay", 4) == 0) {
        atomic_store(&diary->stays, true);
        counter_reaches(&diary->may_go_on, 1);
    }
    write_down(diary, message->payload, message->size);
    message_finish(message, AIRS_OK, NULL, "done", 4);
    counter_add(&diary->handled, 1);
}

static void
diary_control(struct actor_context *context, void *state, struct control *control)
{
    (void)context;
    struct diary *diary = state;
    assert_int_equal(control->type, CONTROL_USER);
    write_down(diary, "control", 7);
    counter_add(&diary->handled, 1);
}

static const struct native_behaviour diary_behaviour = {
    .name = "diary",
    .handle = diary_handle,
    .control = diary_control,
};

static airs_pid
open_diary(struct actor_system *system, struct diary *diary, unsigned mailbox_max,
           enum mailbox_full on_full)
{
    *diary = (struct diary){ 0 };
    counter_init(&diary->handled);
    counter_init(&diary->may_go_on);
    struct native_options options = {
        .behaviour = &diary_behaviour,
        .state = diary,
        .mailbox_max = mailbox_max,
        .on_full = on_full,
    };
    airs_pid pid;
    assert_int_equal(native_spawn(system, &options, &pid, NULL), AIRS_OK);
    return pid;
}

static void
close_diary(struct diary *diary)
{
    counter_deinit(&diary->handled);
    counter_deinit(&diary->may_go_on);
}

/* ---- A requester that counts its answers ---- */

struct asker {
    struct reply reply;
    struct counter answers;
    enum airs_status status;
    char text[64];
};

static void
answered(struct reply *reply, enum airs_status status, const char *error_text, const void *bytes,
         size_t size)
{
    (void)error_text;
    struct asker *asker = (struct asker *)reply;
    asker->status = status;
    if (size > 0)
        memcpy(asker->text, bytes, size);
    asker->text[size] = '\0';
    counter_add(&asker->answers, 1);
}

static struct message *
question(struct asker *asker, const char *text)
{
    *asker = (struct asker){ .reply.done = answered };
    counter_init(&asker->answers);
    struct message *message = message_of(text);
    message->reply = &asker->reply;
    return message;
}

/* Systems here are not started before the mailbox holds what the test wants in it. */
static struct actor_system *
resting_system(void)
{
    return new_system(&(struct actor_system_options){ .workers = 2 });
}

static void
messages_arrive_in_the_order_sent(void **state)
{
    (void)state;
    struct actor_system *system = resting_system();
    struct diary diary;
    airs_pid pid = open_diary(system, &diary, 0, MAILBOX_REJECT);
    send_text(system, pid, "a");
    send_text(system, pid, "b");
    send_text(system, pid, "c");
    actor_system_start(system, NULL);
    assert_true(counter_reaches(&diary.handled, 3));
    actor_system_free(system);
    assert_string_equal(diary.text, "a b c ");
    close_diary(&diary);
}

static void
a_control_message_overtakes_ordinary_ones(void **state)
{
    (void)state;
    struct actor_system *system = resting_system();
    struct diary diary;
    airs_pid pid = open_diary(system, &diary, 0, MAILBOX_REJECT);
    struct control control;
    control_init(&control, CONTROL_USER);
    send_text(system, pid, "a");
    send_text(system, pid, "b");
    assert_true(control_send(system, pid, &control));
    assert_true(control_send(system, pid, &control)); /* Waits already: once is enough. */
    actor_system_start(system, NULL);
    assert_true(counter_reaches(&diary.handled, 3));
    actor_system_free(system);
    assert_string_equal(diary.text, "control a b ");
    close_diary(&diary);
}

static void
the_control_lane_is_never_full(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    struct actor_system *system = resting_system();
    struct diary diary;
    airs_pid pid = open_diary(system, &diary, 1, MAILBOX_REJECT);
    send_text(system, pid, "a");
    struct message *refused = message_of("b");
    assert_int_equal(actor_send(system, pid, refused), AIRS_ELIMIT);
    message_free(refused);
    struct control *controls = calloc(MANY, sizeof *controls);
    for (int i = 0; i < MANY; i++) {
        control_init(&controls[i], CONTROL_USER);
        assert_true(control_send(system, pid, &controls[i]));
    }
    control_recall(system, pid, &controls[7]);
    for (int i = 0; i < MANY; i++)
        control_recall(system, pid, &controls[i]);
    control_send(system, pid, &controls[0]);
    actor_system_start(system, NULL);
    assert_true(counter_reaches(&diary.handled, 2));
    actor_system_free(system);
    assert_string_equal(diary.text, "control a ");
    free(controls);
    close_diary(&diary);
}

static void
a_full_mailbox_rejects_and_the_sender_keeps_the_message(void **state)
{
    (void)state;
    struct actor_system *system = resting_system();
    struct diary diary;
    airs_pid pid = open_diary(system, &diary, 2, MAILBOX_REJECT);
    send_text(system, pid, "a");
    send_text(system, pid, "b");
    struct message *message = message_of("c");
    assert_int_equal(actor_send(system, pid, message), AIRS_ELIMIT);
    assert_int_equal(actor_system_counters(system).refused, 1);
    actor_system_start(system, NULL);
    assert_true(counter_reaches(&diary.handled, 2));
    assert_int_equal(actor_send(system, pid, message), AIRS_OK);
    assert_true(counter_reaches(&diary.handled, 3));
    actor_system_free(system);
    assert_string_equal(diary.text, "a b c ");
    close_diary(&diary);
}

static void
drop_oldest_drops_counts_and_answers(void **state)
{
    (void)state;
    struct actor_system *system = resting_system();
    struct diary diary;
    airs_pid pid = open_diary(system, &diary, 2, MAILBOX_DROP_OLDEST);
    struct asker asker;
    assert_int_equal(actor_send(system, pid, question(&asker, "a")), AIRS_OK);
    send_text(system, pid, "b");
    send_text(system, pid, "c");
    assert_int_equal(counter_read(&asker.answers), 1);
    assert_int_equal(asker.status, AIRS_ELIMIT);
    struct actor_metrics metrics;
    assert_true(actor_metrics(system, pid, &metrics));
    assert_int_equal(metrics.dropped, 1);
    assert_int_equal(metrics.mailbox, 2);
    assert_int_equal(actor_system_counters(system).dead_letters, 1);
    actor_system_start(system, NULL);
    assert_true(counter_reaches(&diary.handled, 2));
    actor_system_free(system);
    assert_string_equal(diary.text, "b c ");
    counter_deinit(&asker.answers);
    close_diary(&diary);
}

static void
a_request_gets_its_answer_once(void **state)
{
    (void)state;
    struct actor_system *system = started_system(2);
    struct diary diary;
    airs_pid pid = open_diary(system, &diary, 0, MAILBOX_REJECT);
    struct asker asker;
    assert_int_equal(actor_send(system, pid, question(&asker, "hello")), AIRS_OK);
    assert_true(counter_reaches(&asker.answers, 1));
    assert_int_equal(asker.status, AIRS_OK);
    assert_string_equal(asker.text, "done");
    actor_system_free(system);
    assert_int_equal(counter_read(&asker.answers), 1);
    counter_deinit(&asker.answers);
    close_diary(&diary);
}

static void
mail_to_whom_it_is_closed_becomes_dead_letters(void **state)
{
    (void)state;
    struct actor_system *system = resting_system();
    struct diary diary;
    airs_pid pid = open_diary(system, &diary, 0, MAILBOX_REJECT);
    struct asker asker;
    assert_int_equal(actor_send(system, pid, question(&asker, "a")), AIRS_OK);
    send_text(system, pid, "b");
    mailbox_set_gate(system, pid, MAILBOX_CLOSED);
    assert_int_equal(counter_read(&asker.answers), 1);
    assert_int_equal(asker.status, AIRS_EENDED);
    assert_int_equal(actor_system_counters(system).dead_letters, 2);

    struct message *late = message_of("c");
    assert_int_equal(actor_send(system, pid, late), AIRS_EENDED);
    mailbox_set_gate(system, pid, MAILBOX_OPEN);
    assert_int_equal(actor_send(system, pid, late), AIRS_OK);
    actor_system_start(system, NULL);
    assert_true(counter_reaches(&diary.handled, 1));
    actor_system_free(system);
    assert_string_equal(diary.text, "c ");
    counter_deinit(&asker.answers);
    close_diary(&diary);
}

static void
mail_that_is_held_waits_until_the_gate_opens(void **state)
{
    (void)state;
    struct actor_system *system = started_system(1);
    struct diary diary;
    airs_pid pid = open_diary(system, &diary, 0, MAILBOX_REJECT);
    struct asker in_hand, asker;
    assert_int_equal(actor_send(system, pid, question(&in_hand, "stay")), AIRS_OK);
    while (!atomic_load(&diary.stays))
        sched_yield();
    assert_int_equal(actor_send(system, pid, question(&asker, "a")), AIRS_OK);
    mailbox_set_gate(system, pid, MAILBOX_HELD);
    struct message *late = message_of("b");
    assert_int_equal(actor_send(system, pid, late), AIRS_EENDED);
    message_free(late);
    counter_add(&diary.may_go_on, 1);
    assert_true(counter_reaches(&in_hand.answers, 1));
    struct diary other; /* On the one worker, when the turn is over that has looked for more. */
    send_text(system, open_diary(system, &other, 0, MAILBOX_REJECT), "b");
    assert_true(counter_reaches(&other.handled, 1));
    struct actor_metrics metrics;
    assert_true(actor_metrics(system, pid, &metrics));
    assert_int_equal(metrics.mailbox, 1);

    mailbox_set_gate(system, pid, MAILBOX_OPEN);
    assert_true(counter_reaches(&asker.answers, 1));
    assert_int_equal(asker.status, AIRS_OK);
    assert_int_equal(actor_system_counters(system).dead_letters, 0);
    actor_system_free(system);
    assert_string_equal(diary.text, "stay a ");
    counter_deinit(&in_hand.answers);
    counter_deinit(&asker.answers);
    close_diary(&diary);
    close_diary(&other);
}

static void
what_is_queued_when_the_system_stops_is_answered(void **state)
{
    (void)state;
    struct actor_system *system = started_system(1);
    struct diary diary;
    airs_pid pid = open_diary(system, &diary, 0, MAILBOX_REJECT);
    struct asker in_hand, queued;
    assert_int_equal(actor_send(system, pid, question(&in_hand, "stay")), AIRS_OK);
    assert_int_equal(actor_send(system, pid, question(&queued, "a")), AIRS_OK);
    while (!atomic_load(&diary.stays))
        sched_yield();
    /* Let it go only after the stop has begun: the turn ends, the next never comes or does;
     * either way each is answered once. */
    counter_add(&diary.may_go_on, 1);
    actor_system_stop(system);
    assert_int_equal(counter_read(&in_hand.answers), 1);
    assert_int_equal(in_hand.status, AIRS_OK);
    assert_int_equal(counter_read(&queued.answers), 1);
    actor_system_free(system);
    counter_deinit(&in_hand.answers);
    counter_deinit(&queued.answers);
    close_diary(&diary);
}

/* ---- Many senders ---- */

#define SENDERS 3
#define EACH 4000

struct tally {
    struct counter handled;
    int last[SENDERS];
    bool out_of_order;
};

static void
tally_handle(struct actor_context *context, void *state, struct message *message)
{
    (void)context;
    struct tally *tally = state;
    int *note = message->payload;
    if (note[1] != tally->last[note[0]] + 1)
        tally->out_of_order = true;
    tally->last[note[0]] = note[1];
    message_finish(message, AIRS_OK, NULL, NULL, 0);
    counter_add(&tally->handled, 1);
}

static const struct native_behaviour tally_behaviour = { .name = "tally", .handle = tally_handle };

struct sender {
    struct actor_system *system;
    airs_pid pid;
    int index;
};

static void *
send_each(void *argument)
{
    struct sender *sender = argument;
    for (int i = 1; i <= EACH; i++) {
        int note[2] = { sender->index, i };
        struct message *message = message_new(note, sizeof note);
        while (actor_send(sender->system, sender->pid, message) == AIRS_ELIMIT)
            sched_yield();
    }
    return NULL;
}

static void
order_is_kept_for_each_of_many_senders(void **state)
{
    (void)state;
    struct actor_system *system = started_system(2);
    struct tally tally = { 0 };
    counter_init(&tally.handled);
    struct native_options options = {
        .behaviour = &tally_behaviour,
        .state = &tally,
        .mailbox_max = 64,
    };
    airs_pid pid;
    assert_int_equal(native_spawn(system, &options, &pid, NULL), AIRS_OK);
    pthread_t threads[SENDERS];
    struct sender senders[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ system, pid, i };
        pthread_create(&threads[i], NULL, send_each, &senders[i]);
    }
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    assert_true(counter_reaches(&tally.handled, SENDERS * EACH));
    struct actor_metrics metrics;
    assert_true(actor_metrics(system, pid, &metrics));
    assert_int_equal(metrics.messages, SENDERS * EACH);
    actor_system_free(system);
    assert_false(tally.out_of_order);
    counter_deinit(&tally.handled);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_arrive_in_the_order_sent),
        cmocka_unit_test(a_control_message_overtakes_ordinary_ones),
        cmocka_unit_test(the_control_lane_is_never_full),
        cmocka_unit_test(a_full_mailbox_rejects_and_the_sender_keeps_the_message),
        cmocka_unit_test(drop_oldest_drops_counts_and_answers),
        cmocka_unit_test(a_request_gets_its_answer_once),
        cmocka_unit_test(mail_to_whom_it_is_closed_becomes_dead_letters),
        cmocka_unit_test(mail_that_is_held_waits_until_the_gate_opens),
        cmocka_unit_test(what_is_queued_when_the_system_stops_is_answered),
        cmocka_unit_test(order_is_kept_for_each_of_many_senders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
