/* Stops along dependencies: under one-for-one a child is stopped when the siblings that depend on
 * it are down, and nobody else waits. */
#include "supervision/child_ties.h"

#include "trace.h"

static struct child_policy policy;
static struct supervisor_child *store, *web, *mail, *other;
static struct child_ties ties[4];
static struct child_tie tie[4];

static struct supervisor_child *
add_tied(const char *name, struct child_ties *own)
{
    struct supervisor_child *child = child_new(name, &policy, false);
    child_ties_init(own, child);
    at(0, ADD, child);
    return child;
}

/* web and mail depend on store; all run. */
static void
four_running(void)
{
    policy = plain_policy();
    store = add_tied("store", &ties[0]);
    web = add_tied("web", &ties[1]);
    mail = add_tied("mail", &ties[2]);
    other = child_add("other", &policy);
    child_tie_link(&tie[0], web, store);
    child_tie_link(&tie[1], mail, store);
    at(0, START_ALL, NOBODY);
    at(1, STARTED, store);
    at(1, STARTED, web);
    at(1, STARTED, mail);
    at(1, STARTED, other);
    trace_clear();
}

static void
a_dependency_stops_when_its_last_dependant_is_down(void **state)
{
    (void)state;
    four_running();
    at(10, STOP_ALL, NOBODY);
    at(11, EXITED, web);
    at(12, EXITED, mail);
    at(13, EXITED, store);
    at(14, EXITED, other);
    assert_events("[  10] other stopping\n"
                  "[  10] mail stopping\n"
                  "[  10] web stopping\n"
                  "[  11] web exited shutdown\n"
                  "[  11] web stopped shutdown\n"
                  "[  12] mail exited shutdown\n"
                  "[  12] mail stopped shutdown\n"
                  "[  12] store stopping\n"
                  "[  13] store exited shutdown\n"
                  "[  13] store stopped shutdown\n"
                  "[  14] other exited shutdown\n"
                  "[  14] other stopped shutdown\n");
    assert_int_equal(node.state, NODE_STOPPED);
}

static void
a_chain_of_dependencies_stops_from_its_end(void **state)
{
    (void)state;
    four_running();
    child_tie_link(&tie[2], mail, web);
    at(10, STOP_ALL, NOBODY);
    assert_state(web, RUNNING);
    at(11, EXITED, mail);
    assert_state(web, STOPPING);
    assert_state(store, RUNNING);
    at(12, EXITED, web);
    assert_state(store, STOPPING);
}

static void
one_that_ends_while_it_waits_to_be_stopped_is_not_restarted(void **state)
{
    (void)state;
    four_running();
    at(10, STOP_ALL, NOBODY);
    at(11, EXITED, store, TRAP);
    assert_state(store, STOPPED);
    at(12, EXITED, web);
    at(13, EXITED, mail);
    at(14, EXITED, other);
    assert_int_equal(node.state, NODE_STOPPED);
    assert_int_equal(store->restarts, 0);
}

static void
a_kill_waits_for_nobody(void **state)
{
    (void)state;
    four_running();
    at(10, STOP_ALL, NOBODY);
    assert_state(store, RUNNING);
    at(11, KILL_ALL, NOBODY);
    assert_state(store, STOPPING);
}

static void
a_stop_by_hand_waits_for_nobody(void **state)
{
    (void)state;
    four_running();
    at(10, STOP, store);
    assert_state(store, STOPPING);
}

static void
dependants_that_are_down_hold_nothing(void **state)
{
    (void)state;
    four_running();
    at(10, STOP, web);
    at(11, EXITED, web);
    at(12, DELETE, mail);
    at(13, STOP_ALL, NOBODY); /* mail is still stopping. */
    assert_state(store, RUNNING);
    at(14, EXITED, mail); /* Deleted with it. */
    assert_state(store, STOPPING);
}

static void
a_tie_that_is_cut_holds_nothing(void **state)
{
    (void)state;
    four_running();
    child_tie_unlink(&tie[0]);
    child_tie_unlink(&tie[1]);
    at(10, STOP_ALL, NOBODY);
    assert_state(store, STOPPING);
}

static void
a_tie_made_while_a_stop_waits_holds_it_too(void **state)
{
    (void)state;
    four_running();
    child_tie_unlink(&tie[0]);
    at(10, STOP_ALL, NOBODY);
    child_tie_link(&tie[0], web, store);
    at(11, EXITED, mail);
    assert_state(store, RUNNING);
    at(12, EXITED, web);
    assert_state(store, STOPPING);
}

static void
a_tie_cut_while_a_stop_waits_holds_it_no_longer(void **state)
{
    (void)state;
    four_running();
    at(10, STOP_ALL, NOBODY);
    child_tie_unlink(&tie[0]); /* That of web. */
    assert_state(store, RUNNING);
    at(11, EXITED, mail);
    assert_state(store, STOPPING);
}

static void
ties_in_a_circle_do_not_hold_up_the_end(void **state)
{
    (void)state;
    four_running();
    child_tie_link(&tie[2], store, mail);
    at(10, STOP_ALL, NOBODY);
    at(11, EXITED, web);
    at(12, EXITED, other);
    assert_state(mail, STOPPING); /* The last of the circle. */
    at(13, EXITED, mail);
    at(14, EXITED, store);
    assert_int_equal(node.state, NODE_STOPPED);
}

static void
more_than_one_buffer_of_stops_is_released_at_once(void **state)
{
    (void)state;
    enum { DEPENDENCIES = 30 };
    static struct child_ties many[DEPENDENCIES + 1];
    static struct child_tie links[DEPENDENCIES];
    static struct supervisor_child *children[DEPENDENCIES];
    policy = plain_policy();
    for (size_t i = 0; i < DEPENDENCIES; i++)
        children[i] = add_tied("dependency", &many[i]);
    web = add_tied("web", &many[DEPENDENCIES]);
    for (size_t i = 0; i < DEPENDENCIES; i++)
        child_tie_link(&links[i], web, children[i]);
    at(0, START_ALL, NOBODY);
    for (size_t i = 0; i < DEPENDENCIES; i++)
        at(1, STARTED, children[i]);
    at(1, STARTED, web);
    at(2, STOP_ALL, NOBODY);
    assert_int_equal(node.counts[CHILD_STOPPING], 1);
    at(3, EXITED, web);
    assert_int_equal(node.counts[CHILD_STOPPING], DEPENDENCIES);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(a_dependency_stops_when_its_last_dependant_is_down),
        a_test(a_chain_of_dependencies_stops_from_its_end),
        a_test(one_that_ends_while_it_waits_to_be_stopped_is_not_restarted),
        a_test(a_kill_waits_for_nobody),
        a_test(a_stop_by_hand_waits_for_nobody),
        a_test(dependants_that_are_down_hold_nothing),
        a_test(a_tie_that_is_cut_holds_nothing),
        a_test(a_tie_made_while_a_stop_waits_holds_it_too),
        a_test(a_tie_cut_while_a_stop_waits_holds_it_no_longer),
        a_test(ties_in_a_circle_do_not_hold_up_the_end),
        a_test(more_than_one_buffer_of_stops_is_released_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
