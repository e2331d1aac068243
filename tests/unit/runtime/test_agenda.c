/* Agenda: two orders in one array, equal times in order of insertion, any of them out at any time. */
#include "runtime/agenda.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

#define CHILDREN 300

static struct agenda agenda;
static struct agenda_place places[CHILDREN];

static int
setup(void **state)
{
    (void)state;
    agenda_init(&agenda);
    memset(places, 0, sizeof places);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    agenda_deinit(&agenda);
    return 0;
}

static int
take_first(enum agenda_kind kind, uint64_t *due_us_out)
{
    struct agenda_place *first = agenda_first(&agenda, kind, due_us_out);
    if (!first)
        return -1;
    agenda_remove(&agenda, first);
    assert_int_equal(first->index, 0);
    return (int)(first - places);
}

static void
equal_times_come_in_the_order_of_insertion(void **state)
{
    (void)state;
    uint64_t due_us = 7;
    assert_true(agenda_reserve(&agenda, 4));
    assert_null(agenda_first(&agenda, AGENDA_START, &due_us));
    assert_int_equal(due_us, 7);
    agenda.added = UINT32_MAX / 2 - 1; /* The count of insertions goes round on the way. */
    agenda_add(&agenda, AGENDA_START, &places[2], 5);
    agenda_add(&agenda, AGENDA_START, &places[0], 5);
    agenda_add(&agenda, AGENDA_START, &places[3], 4);
    agenda_add(&agenda, AGENDA_START, &places[1], 5);
    static const int order[] = { 3, 2, 0, 1 };
    for (int i = 0; i < 4; i++)
        assert_int_equal(take_first(AGENDA_START, &due_us), order[i]);
    assert_int_equal(due_us, 5);
}

/* The slow way to find what agenda_first() must say. */
static int
model_first(const uint64_t *due, const uint64_t *order, const int *kind, int which)
{
    int first = -1;
    for (int i = 0; i < CHILDREN; i++)
        if (kind[i] == which &&
            (first < 0 || due[i] < due[first] || (due[i] == due[first] && order[i] < order[first])))
            first = i;
    return first;
}

static void
says_what_a_list_would_say_while_all_come_and_go(void **state)
{
    (void)state;
    static uint64_t due[CHILDREN], order[CHILDREN];
    static int kind[CHILDREN];
    uint64_t random = 5, inserted = 0;
    uint32_t reserved = 0;
    memset(kind, -1, sizeof kind);
    for (int step = 0; step < 20000; step++) {
        uint64_t who = random_up_to(&random, reserved < CHILDREN ? reserved : CHILDREN - 1);
        if (who == reserved)
            assert_true(agenda_reserve(&agenda, ++reserved)); /* With others in it. */
        if (kind[who] >= 0) {
            agenda_remove(&agenda, &places[who]);
            kind[who] = -1;
        } else {
            kind[who] = (int)random_up_to(&random, 1);
            due[who] = random_up_to(&random, 20);
            order[who] = inserted++;
            agenda_add(&agenda, (enum agenda_kind)kind[who], &places[who], due[who]);
            assert_true(agenda_has(&places[who], (enum agenda_kind)kind[who]));
            assert_false(agenda_has(&places[who], (enum agenda_kind) !kind[who]));
        }
        for (int which = 0; which < AGENDA_KINDS; which++) {
            int expected = model_first(due, order, kind, which);
            uint64_t due_us = 0;
            struct agenda_place *first = agenda_first(&agenda, (enum agenda_kind)which, &due_us);
            assert_ptr_equal(first, expected < 0 ? NULL : &places[expected]);
            assert_int_equal(due_us, expected < 0 ? 0 : due[expected]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(equal_times_come_in_the_order_of_insertion, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(says_what_a_list_would_say_while_all_come_and_go, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
