/* Commits: what keeps events takes them over once for a burst, and a grant before its start. */
#include "pupil.h"

#define COMMIT_NS 3000000

/* What is kept of a stage's events, as a journal would. */
struct keeper {
    atomic_uint appended;
    atomic_uint committed; /* Of those. */
    atomic_uint commits;
    atomic_uint starting_committed; /* The generation of the last `starting` that is committed. */
    atomic_uint starting_appended;  /* … and of the last that is not yet. */
    atomic_uint commits_at_exit;
};

/* A child that looks into the keeper when it begins. */
struct witness {
    struct keeper *keeper;
    atomic_uint begun;
    atomic_bool saw_its_grant;      /* … at each beginning. */
    atomic_uint commits_since_exit; /* At the last one. */
};

static void
keep(void *ctx, const struct event *event)
{
    struct keeper *keeper = ctx;
    atomic_fetch_add(&keeper->appended, 1);
    if (event->type == EVENT_STARTING)
        atomic_store(&keeper->starting_appended, event->generation);
    if (event->type == EVENT_EXITED)
        atomic_store(&keeper->commits_at_exit, atomic_load(&keeper->commits));
}

static void
commit(void *ctx)
{
    struct keeper *keeper = ctx;
    /* A disk: whoever does not wait for it is ahead of it. */
    nanosleep(&(struct timespec){ .tv_nsec = COMMIT_NS }, NULL);
    atomic_store(&keeper->committed, atomic_load(&keeper->appended));
    atomic_store(&keeper->starting_committed, atomic_load(&keeper->starting_appended));
    atomic_fetch_add(&keeper->commits, 1);
}

static bool
begin(struct actor_context *context, void *state, uint32_t generation)
{
    (void)context;
    struct witness *witness = state;
    struct keeper *keeper = witness->keeper;
    if (atomic_load(&keeper->starting_committed) != generation)
        atomic_store(&witness->saw_its_grant, false);
    atomic_store(&witness->commits_since_exit,
                 atomic_load(&keeper->commits) - atomic_load(&keeper->commits_at_exit));
    atomic_fetch_add(&witness->begun, 1);
    return true;
}

static void
crash(struct actor_context *context, void *state, struct message *message)
{
    (void)state;
    native_exit(context, (struct exit_info){ EXIT_TRAP, 9 }, "unreachable");
    message_finish(message, AIRS_OK, NULL, NULL, 0);
}

static const struct native_behaviour witnesses = { .name = "witness",
                                                   .begin = begin,
                                                   .handle = crash };

static airs_pid
add_witness(struct stage *stage, struct witness *witness)
{
    struct refstr *path = text_of("/a");
    struct native_options options = {
        .behaviour = &witnesses, .state = witness, .path = path, .supervised = true
    };
    struct child_policy policy = quick_policy();
    policy.backoff.strategy = BACKOFF_IMMEDIATE;
    airs_pid pid;
    assert_int_equal(native_spawn(stage->system, &options, &pid, NULL), AIRS_OK);
    struct supervisor_request request = {
        .verb = REQUEST_ADD, .path = path, .child = pid, .policy = policy
    };
    assert_int_equal(supervisor_request_wait(stage->system, stage->root, &request), AIRS_OK);
    refstr_unref(path);
    return pid;
}

static void
a_start_waits_for_one_commit_that_has_its_grant(void **state)
{
    (void)state;
    struct stage stage;
    struct keeper keeper = { 0 };
    struct witness witness = { .keeper = &keeper, .saw_its_grant = true };
    open_stage(&stage, 2);
    event_log_add_sink(actor_system_event_log(stage.system), keep, &keeper, NULL);
    event_log_on_commit(actor_system_event_log(stage.system), commit, &keeper);
    airs_pid pid = add_witness(&stage, &witness);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/a", EVENT_READY, 1);
    for (unsigned i = 1; i <= 3; i++) {
        struct answer answer;
        ask(&stage, pid, "crash", &answer);
        await_answer(&answer);
        await_event(stage.recorder, "/a", EVENT_READY, i + 1);
        /* exited, restart-scheduled and starting: one write. */
        assert_int_equal(atomic_load(&witness.commits_since_exit), 1);
    }
    assert_int_equal(atomic_load(&witness.begun), 4);
    assert_true(atomic_load(&witness.saw_its_grant));
    close_stage(&stage);
    assert_int_equal(atomic_load(&keeper.committed), atomic_load(&keeper.appended));
}

static void
whoever_is_answered_finds_the_events_committed(void **state)
{
    (void)state;
    struct stage stage;
    struct keeper keeper = { 0 };
    struct witness witness = { .keeper = &keeper, .saw_its_grant = true };
    open_stage(&stage, 2);
    event_log_add_sink(actor_system_event_log(stage.system), keep, &keeper, NULL);
    event_log_on_commit(actor_system_event_log(stage.system), commit, &keeper);
    add_witness(&stage, &witness);
    assert_int_equal(atomic_load(&keeper.committed), 1); /* registered */
    ask_root(&stage, REQUEST_START_ALL);
    assert_true(atomic_load(&keeper.committed) >= 2); /* starting */
    close_stage(&stage);
}

static void
a_commit_without_events_calls_nobody(void **state)
{
    (void)state;
    struct event_log *log = event_log_new();
    struct keeper keeper = { 0 };
    event_log_add_sink(log, keep, &keeper, NULL);
    event_log_on_commit(log, commit, &keeper);
    event_log_commit(log);
    assert_int_equal(atomic_load(&keeper.commits), 0);
    event_log_append(log, &(struct event){ .type = EVENT_STARTED });
    event_log_append(log, &(struct event){ .type = EVENT_READY });
    assert_int_equal(atomic_load(&keeper.commits), 0);
    event_log_commit(log);
    event_log_commit(log);
    assert_int_equal(atomic_load(&keeper.commits), 1);
    event_log_write(log, &(struct event){ .type = EVENT_STOPPED });
    assert_int_equal(atomic_load(&keeper.commits), 2);
    assert_int_equal(atomic_load(&keeper.committed), 3);
    event_log_free(log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_waits_for_one_commit_that_has_its_grant),
        cmocka_unit_test(whoever_is_answered_finds_the_events_committed),
        cmocka_unit_test(a_commit_without_events_calls_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
