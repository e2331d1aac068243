/* Actors: every export of component-lifecycle and every host function, through actor.wat.
 *
 * A message's first byte chooses what the guest does; its reply is what the host answered.
 */
#include "engine_testing.h"

static struct component *actor;

/* What the host was asked, and what it is to answer. */
static struct {
    int code;           /* Of the next answers that can fail. */
    const char *answer; /* Text or value for it. */
    char seen[1024];    /* The last call: name and arguments. */
    char log[1024];     /* Lines of log. */
} host;

#define TEXT(span) (int)(span).size, (span).data ? (const char *)(span).data : ""

static void
on_log(void *context, enum guest_log_level level, struct span message,
       const struct span_pair *pairs, size_t count)
{
    assert_ptr_equal(context, &host);
    size_t used = strlen(host.log);
    used += (size_t)snprintf(host.log + used, sizeof host.log - used, "%d %.*s", (int)level,
                             TEXT(message));
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(host.log + used, sizeof host.log - used, " %.*s=%.*s",
                                 TEXT(pairs[i].name), TEXT(pairs[i].value));
    snprintf(host.log + used, sizeof host.log - used, "\n");
}

static void
on_time(void *context, struct guest_time *time_out)
{
    (void)context;
    *time_out = (struct guest_time){ 1700000000, 999 };
}

static uint64_t
on_millis(void *context)
{
    (void)context;
    return 1700000000001;
}

static void
add_id(struct answer *answer, const char *name)
{
    const struct guest_id id = { { "shop", 4 }, { name, strlen(name) }, { "0", 1 } };
    answer_add_id(answer, &id);
}

static void
on_list(void *context, struct answer *answer)
{
    (void)context;
    add_id(answer, "first");
    add_id(answer, "second");
}

static void
saw(const char *call, const struct guest_id *id, struct span text)
{
    if (id)
        snprintf(host.seen, sizeof host.seen, "%s %.*s:%.*s:%.*s %.*s", call, TEXT(id->namespace),
                 TEXT(id->name), TEXT(id->instance), TEXT(text));
    else
        snprintf(host.seen, sizeof host.seen, "%s %.*s", call, TEXT(text));
}

static int
answer_now(struct answer *answer)
{
    if (host.answer)
        answer_text(answer, host.answer);
    return host.code;
}

static enum component_error
on_info(void *context, const struct guest_id *id, struct answer *answer)
{
    (void)context;
    saw("info", id, (struct span){ 0 });
    if (host.code != 0)
        return (enum component_error)answer_now(answer);
    answer_info(answer, "a name", "1.2.3", "healthy");
    return COMPONENT_ERROR_NONE;
}

static void
on_self(void *context, struct answer *answer)
{
    (void)context;
    add_id(answer, "myself");
}

static enum messaging_error
on_send(void *context, const struct guest_id *target, struct span payload, struct answer *answer)
{
    (void)context;
    saw("send", target, payload);
    return (enum messaging_error)answer_now(answer);
}

static enum messaging_error
on_request(void *context, const struct guest_id *target, struct span payload, uint64_t timeout_ms,
           struct answer *answer)
{
    (void)context;
    assert_int_equal(timeout_ms, 1500);
    saw("request", target, payload);
    return (enum messaging_error)answer_now(answer);
}

static enum messaging_error
on_cancel(void *context, struct span request_id, struct answer *answer)
{
    (void)context;
    saw("cancel", NULL, request_id);
    return (enum messaging_error)answer_now(answer);
}

static enum messaging_error
on_broadcast(void *context, const struct guest_id *targets, size_t count, struct span payload,
             struct answer *answer)
{
    (void)context;
    assert_int_equal(count, 1);
    saw("broadcast", &targets[0], payload);
    return (enum messaging_error)answer_now(answer);
}

static enum storage_error
on_get(void *context, struct span key, struct answer *answer)
{
    (void)context;
    saw("get", NULL, key);
    return (enum storage_error)answer_now(answer);
}

static enum storage_error
on_set(void *context, struct span key, struct span value, struct answer *answer)
{
    (void)context;
    assert_int_equal(key.size, value.size);
    saw("set", NULL, value);
    return (enum storage_error)answer_now(answer);
}

static enum storage_error
on_delete(void *context, struct span key, struct answer *answer)
{
    (void)context;
    saw("delete", NULL, key);
    return (enum storage_error)answer_now(answer);
}

static enum storage_error
on_exists(void *context, struct span key, bool *exists_out, struct answer *answer)
{
    (void)context;
    saw("exists", NULL, key);
    *exists_out = true;
    return (enum storage_error)answer_now(answer);
}

static enum storage_error
on_keys(void *context, struct span prefix, struct answer *answer)
{
    (void)context;
    saw("keys", NULL, prefix);
    answer_add_text(answer, "one", 3);
    answer_add_text(answer, "two", 3);
    return (enum storage_error)answer_now(answer);
}

static enum storage_error
on_usage(void *context, struct storage_usage *usage_out, struct answer *answer)
{
    (void)context;
    *usage_out = (struct storage_usage){ 1, 2, 3 };
    return (enum storage_error)answer_now(answer);
}

static const struct host_functions functions = {
    .log = on_log,
    .current_time = on_time,
    .current_time_millis = on_millis,
    .list_components = on_list,
    .get_component_metadata = on_info,
    .self_id = on_self,
    .send = on_send,
    .request = on_request,
    .cancel_request = on_cancel,
    .broadcast = on_broadcast,
    .storage_get = on_get,
    .storage_set = on_set,
    .storage_delete = on_delete,
    .storage_exists = on_exists,
    .storage_list_keys = on_keys,
    .storage_usage = on_usage,
};

static int
open_actor(void **state)
{
    if (start_engine(state) != 0)
        return -1;
    actor = open_wat("actor.wat");
    assert_int_equal(component_kind(actor), COMPONENT_ACTOR);
    return 0;
}

static int
close_actor(void **state)
{
    component_unref(actor);
    return stop_engine(state);
}

static struct instance *
start_actor(const struct host_functions *table)
{
    memset(&host, 0, sizeof host);
    const struct instance_options options = { .host = &host, .functions = table };
    return start_instance(actor, &options);
}

static struct guest_message
message_of(const char *payload, size_t size)
{
    return (struct guest_message){
        .sender = { { "shop", 4 }, { "sender", 6 }, { "7", 1 } },
        .payload = { payload, size },
        .timestamp = { 5, 6 },
    };
}

static const struct outcome *
tell(struct instance *instance, const char *payload)
{
    struct guest_message message = message_of(payload, strlen(payload));
    instance_begin_handle_message(instance, &message);
    return finish(instance, 0);
}

static void
assert_reply(const struct outcome *outcome, const void *bytes, size_t size)
{
    assert_outcome(outcome, OUTCOME_OK);
    assert_true(outcome->has_reply);
    if (outcome->reply.size != size)
        print_error("reply: %.*s\n", TEXT(outcome->reply));
    assert_int_equal(outcome->reply.size, size);
    assert_memory_equal(outcome->reply.data, bytes, size);
}

static void
assert_says(struct instance *instance, const char *payload, const char *reply)
{
    assert_reply(tell(instance, payload), reply, strlen(reply));
}

static void
initialize_gets_environment_config_and_limits(void **state)
{
    (void)state;
    struct instance *instance = start_actor(&functions);
    const struct span_pair environment[] = { { { "A", 1 }, { "1", 1 } },
                                             { { "B", 1 }, { "2", 1 } } };
    const struct guest_config config = {
        .environment = environment,
        .environment_count = 2,
        .config_data = { "hello", 5 },
        .memory_bytes_max = 4711,
        .execution_time_max_ms = 30000,
    };
    instance_begin_initialize(instance, &config);
    assert_outcome(finish(instance, 0), OUTCOME_OK);
    struct {
        uint32_t variables;
        uint32_t config_bytes;
        uint64_t memory_bytes_max;
    } const expected = { 2, 5, 4711 };
    assert_reply(tell(instance, "w"), &expected, sizeof expected);
    instance_free(instance);
}

static void
an_err_of_initialize_is_an_answer_with_its_text(void **state)
{
    (void)state;
    struct instance *instance = start_actor(&functions);
    const struct guest_config config = { .config_data = { "flat battery", 12 } };
    instance_begin_initialize(instance, &config);
    const struct outcome *outcome = finish(instance, 0);
    assert_outcome(outcome, OUTCOME_ERR);
    assert_string_equal(outcome->text, "initialization-failed: flat battery");
    assert_false(instance_has_ended(instance));
    instance_free(instance);
}

static void
handle_message_answers_bytes_nothing_or_err(void **state)
{
    (void)state;
    struct instance *instance = start_actor(&functions);
    assert_says(instance, "echo", "echo");
    assert_says(instance, "e", "e");
    const struct outcome *outcome = tell(instance, "");
    assert_outcome(outcome, OUTCOME_OK);
    assert_false(outcome->has_reply);
    outcome = tell(instance, "b");
    assert_outcome(outcome, OUTCOME_ERR);
    assert_string_equal(outcome->text, "runtime-error: refused");
    outcome = tell(instance, "x");
    assert_outcome(outcome, OUTCOME_ERR);
    assert_string_equal(outcome->text, "timeout");
    assert_false(instance_has_ended(instance));
    assert_says(instance, "v", "sender");
    instance_free(instance);
}

static void
large_payloads_cross_whole(void **state)
{
    (void)state;
    struct instance *instance = start_actor(&functions);
    static char payload[200000];
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (char)(i * 7);
    payload[0] = 'e';
    struct guest_message message = message_of(payload, sizeof payload);
    for (unsigned i = 0; i < 5; i++) {
        instance_begin_handle_message(instance, &message);
        assert_reply(finish(instance, 0), payload, sizeof payload);
    }
    instance_free(instance);
}

static void
a_new_instance_begins_anew(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        struct instance *instance = start_actor(&functions);
        const uint32_t counts[] = { 1, 2 };
        assert_reply(tell(instance, "c"), &counts[0], sizeof counts[0]);
        assert_reply(tell(instance, "c"), &counts[1], sizeof counts[1]);
        const struct outcome *outcome = tell(instance, "a");
        assert_outcome(outcome, OUTCOME_TRAP);
        assert_int_equal(outcome->trap, TRAP_UNREACHABLE);
        assert_true(instance_has_ended(instance));
        instance_free(instance);
    }
}

static void
handle_callback_gets_the_envelope(void **state)
{
    (void)state;
    struct instance *instance = start_actor(&functions);
    struct guest_message message = message_of("x", 1);
    instance_begin_handle_callback(instance, &message);
    const struct outcome *outcome = finish(instance, 0);
    assert_outcome(outcome, OUTCOME_ERR);
    assert_string_equal(outcome->text, "invalid-component: refused");
    message.correlation_id = (struct span){ "42", 2 };
    message.content_type = (struct span){ "text/plain", 10 };
    message.has_reply_to = true;
    message.reply_to = message.sender;
    instance_begin_handle_callback(instance, &message);
    assert_outcome(finish(instance, 0), OUTCOME_OK);
    instance_free(instance);
}

static void
metadata_health_and_shutdown_answer(void **state)
{
    (void)state;
    struct instance *instance = start_actor(&functions);
    instance_begin_metadata(instance);
    const struct outcome *outcome = finish(instance, 0);
    assert_outcome(outcome, OUTCOME_OK);
    const struct guest_metadata *metadata = outcome->metadata;
    assert_string_equal(metadata->name, "actor");
    assert_string_equal(metadata->version, "1.0.0");
    assert_string_equal(metadata->description, "by hand");
    assert_string_equal(metadata->author, "");
    assert_string_equal(metadata->license, "MIT");
    assert_int_equal(metadata->operation_count, 1);
    assert_string_equal(metadata->operations[0], "ok");
    assert_true(metadata->stateful);

    for (unsigned expected = GUEST_HEALTHY; expected <= GUEST_HEALTH_UNKNOWN; expected++) {
        instance_begin_health(instance);
        outcome = finish(instance, 0);
        assert_outcome(outcome, OUTCOME_OK);
        assert_int_equal(outcome->health, expected);
        assert_null(outcome->metadata);
        assert_false(outcome->has_reply);
        tell(instance, "c");
    }
    instance_begin_shutdown(instance);
    outcome = finish(instance, 0);
    assert_outcome(outcome, OUTCOME_ERR);
    assert_string_equal(outcome->text, "shutdown-failed: refused");
    instance_free(instance);

    instance = start_actor(&functions);
    instance_begin_shutdown(instance);
    assert_outcome(finish(instance, 0), OUTCOME_OK);
    instance_free(instance);
}

static void
services_of_the_host_answer(void **state)
{
    (void)state;
    struct instance *instance = start_actor(&functions);
    assert_says(instance, "journal", "ok");
    assert_string_equal(host.log, "3 journal j=journal\n0 journal\n");
    struct __attribute__((packed)) {
        uint64_t seconds;
        uint32_t nanoseconds;
    } const time = { 1700000000, 999 };
    assert_reply(tell(instance, "k"), &time, sizeof time);
    const uint64_t millis = 1700000000001;
    assert_reply(tell(instance, "l"), &millis, sizeof millis);
    assert_says(instance, "m", "ok");
    assert_says(instance, "n", "second");
    assert_says(instance, "i", "myself");
    assert_says(instance, "o", "healthy");
    assert_string_equal(host.seen, "info shop:sender:7 ");
    host.code = COMPONENT_ERROR_INVALID_STATE;
    host.answer = "unheard of";
    assert_says(instance, "o", "unheard of");
    instance_free(instance);
}

static void
messaging_of_the_host_answers(void **state)
{
    (void)state;
    struct instance *instance = start_actor(&functions);
    assert_says(instance, "done", "ok");
    assert_string_equal(host.seen, "send shop:sender:7 done");
    assert_says(instance, "hurry", "ok");
    assert_string_equal(host.seen, "broadcast shop:sender:7 hurry");
    assert_says(instance, "gone", "ok");
    assert_string_equal(host.seen, "cancel gone");
    host.answer = "correlation-1";
    assert_says(instance, "find", "correlation-1");
    assert_string_equal(host.seen, "request shop:sender:7 find");

    static const char *const letters[] = { "d", "f", "g", "h" };
    for (size_t i = 0; i < 4; i++) {
        host.code = MESSAGING_DELIVERY_FAILED;
        host.answer = "not permitted";
        assert_says(instance, letters[i], "not permitted");
        host.code = MESSAGING_CORRELATION_TIMEOUT;
        host.answer = "late";
        assert_says(instance, letters[i], "late");
        host.code = MESSAGING_INVALID_MESSAGE;
        host.answer = "bad \xff text";
        assert_says(instance, letters[i], "bad \xef\xbf\xbd text");
        host.code = MESSAGING_QUEUE_FULL;
        assert_says(instance, letters[i], "queue-full");
        host.code = MESSAGING_TARGET_NOT_FOUND;
        assert_says(instance, letters[i], i == 2 ? "" : "sender");
    }
    instance_free(instance);
}

static void
storage_of_the_host_answers(void **state)
{
    (void)state;
    struct instance *instance = start_actor(&functions);
    assert_says(instance, "p", "no value");
    host.answer = "a value";
    assert_says(instance, "pkey", "a value");
    assert_string_equal(host.seen, "get pkey");
    assert_says(instance, "quick", "ok");
    assert_string_equal(host.seen, "set quick");
    assert_says(instance, "rid", "ok");
    assert_string_equal(host.seen, "delete rid");
    assert_says(instance, "some", "\x01");
    assert_string_equal(host.seen, "exists some");
    assert_says(instance, "two", "one");
    assert_string_equal(host.seen, "keys t");
    const uint64_t usage[] = { 1, 2, 3 };
    assert_reply(tell(instance, "u"), usage, sizeof usage);

    static const char *const letters[] = { "p", "q", "r", "s", "t", "u" };
    for (size_t i = 0; i < 6; i++) {
        host.code = STORAGE_QUOTA_EXCEEDED;
        assert_says(instance, letters[i], "quota-exceeded");
        static const int codes[] = { STORAGE_NOT_FOUND, STORAGE_ALREADY_EXISTS, STORAGE_INVALID_KEY,
                                     STORAGE_IO_ERROR };
        for (size_t k = 0; k < 4; k++) {
            host.code = codes[k];
            host.answer = "why";
            assert_says(instance, letters[i], "why");
        }
    }
    instance_free(instance);
}

static void
what_the_host_does_not_offer_is_an_error_of_the_interface(void **state)
{
    (void)state;
    struct instance *instance = start_actor(NULL);
    assert_says(instance, "d", "not offered");
    assert_says(instance, "f", "not offered");
    assert_says(instance, "g", "not offered");
    assert_says(instance, "h", "not offered");
    assert_says(instance, "o", "not offered");
    for (char letter = 'p'; letter <= 'u'; letter++)
        assert_says(instance, (char[]){ letter, '\0' }, "not offered");
    assert_says(instance, "i", "");
    assert_says(instance, "j", "ok");
    const uint64_t zero = 0;
    assert_reply(tell(instance, "l"), &zero, sizeof zero);
    instance_free(instance);
}

int
main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(initialize_gets_environment_config_and_limits),
        cmocka_unit_test(an_err_of_initialize_is_an_answer_with_its_text),
        cmocka_unit_test(handle_message_answers_bytes_nothing_or_err),
        cmocka_unit_test(large_payloads_cross_whole),
        cmocka_unit_test(a_new_instance_begins_anew),
        cmocka_unit_test(handle_callback_gets_the_envelope),
        cmocka_unit_test(metadata_health_and_shutdown_answer),
        cmocka_unit_test(services_of_the_host_answer),
        cmocka_unit_test(messaging_of_the_host_answers),
        cmocka_unit_test(storage_of_the_host_answers),
        cmocka_unit_test(what_the_host_does_not_offer_is_an_error_of_the_interface),
    };
    return cmocka_run_group_tests(all, open_actor, close_actor);
}
