/* The intensity of a node whose grants an earlier run has left. */
#include "trace.h"

#include "supervision/restart_intensity.h"

#define SECOND UINT64_C(1000000)
#define MAX_RESTARTS 2u

static uint64_t ring[MAX_RESTARTS];

static void
begin_node(uint64_t now_us, const uint64_t *ages_us, size_t size)
{
    struct node_policy policy = node_policy_default();
    policy.max_restarts = MAX_RESTARTS;
    policy.within_us = 10 * SECOND;
    memset(ring, 0, sizeof ring);
    supervisor_node_init(&node);
    supervisor_node_configure(&node, &policy, ring);
    restart_intensity_restore(&node, now_us, ages_us, size);
}

static void
start(uint64_t now_us, bool everything)
{
    struct node_actions actions;
    struct node_event event = { .type = NODE_START_ALL,
                                .now_us = now_us,
                                .everything = everything };
    assert_int_equal(supervisor_node_step(&node, &event, &actions), NODE_DONE);
}

static void
grants_of_an_earlier_run_count_until_they_are_too_old(void **state)
{
    (void)state;
    const uint64_t ages[] = { 9 * SECOND, 1 * SECOND };
    begin_node(100 * SECOND, ages, 2);
    start(100 * SECOND, false);
    assert_false(restart_intensity_has_room(&node, 100 * SECOND));
    assert_false(restart_intensity_has_room(&node, 101 * SECOND));
    assert_true(restart_intensity_has_room(&node, 101 * SECOND + 1));
    restart_intensity_take(&node, 101 * SECOND + 1);
    assert_false(restart_intensity_has_room(&node, 109 * SECOND));
    assert_true(restart_intensity_has_room(&node, 109 * SECOND + 1));
}

static void
a_clock_that_began_after_them_makes_no_difference(void **state)
{
    (void)state;
    const uint64_t ages[] = { 9 * SECOND, 8 * SECOND };
    begin_node(2 * SECOND, ages, 2);
    start(2 * SECOND, false);
    assert_false(restart_intensity_has_room(&node, 3 * SECOND));
    assert_true(restart_intensity_has_room(&node, 3 * SECOND + 1));
}

static void
only_the_newest_fit(void **state)
{
    (void)state;
    const uint64_t ages[] = { 9 * SECOND, 8 * SECOND, 7 * SECOND };
    begin_node(100 * SECOND, ages, 3);
    start(100 * SECOND, false);
    assert_false(restart_intensity_has_room(&node, 102 * SECOND));
    assert_true(restart_intensity_has_room(&node, 102 * SECOND + 1));
}

static void
a_start_by_hand_or_a_second_start_begins_with_none(void **state)
{
    (void)state;
    const uint64_t ages[] = { 2 * SECOND, 1 * SECOND };
    begin_node(100 * SECOND, ages, 2);
    start(100 * SECOND, true);
    assert_true(restart_intensity_has_room(&node, 100 * SECOND));

    begin_node(100 * SECOND, ages, 2);
    start(100 * SECOND, false);
    struct node_actions actions;
    struct node_event event = { .type = NODE_STOP_ALL, .now_us = 101 * SECOND };
    supervisor_node_step(&node, &event, &actions);
    start(102 * SECOND, false);
    assert_true(restart_intensity_has_room(&node, 102 * SECOND));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grants_of_an_earlier_run_count_until_they_are_too_old),
        cmocka_unit_test(a_clock_that_began_after_them_makes_no_difference),
        cmocka_unit_test(only_the_newest_fit),
        cmocka_unit_test(a_start_by_hand_or_a_second_start_begins_with_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
