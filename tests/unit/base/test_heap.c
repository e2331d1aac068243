/* The heap against a model: an array that is searched for the smallest. */
#include <stdbool.h>

#include "base/heap.h"
#include "base/random.h"
#include "testing.h"

#define NODES 300

struct model {
    struct heap heap;
    struct heap_node nodes[NODES];
    uint64_t inserted[NODES]; /* 0: not in it; else its turn of insertion. */
    uint64_t turn;
};

/* The index of the smallest, -1 when empty. */
static int
smallest(const struct model *model)
{
    int best = -1;
    for (int i = 0; i < NODES; i++) {
        if (!model->inserted[i])
            continue;
        if (best < 0 || model->nodes[i].key < model->nodes[best].key ||
            (model->nodes[i].key == model->nodes[best].key &&
             model->inserted[i] < model->inserted[best]))
            best = i;
    }
    return best;
}

static void
check_first(const struct model *model)
{
    int best = smallest(model);
    assert_ptr_equal(heap_first(&model->heap), best < 0 ? NULL : &model->nodes[best]);
}

static void
the_first_is_the_smallest_after_any_changes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct model model = { 0 };
        uint64_t random = seed;
        heap_init(&model.heap);
        for (int step = 0; step < 3000; step++) {
            uint64_t i = random_up_to(&random, NODES - 1);
            if (model.inserted[i]) {
                heap_remove(&model.heap, &model.nodes[i]);
                model.inserted[i] = 0;
                assert_false(model.nodes[i].is_linked);
            } else {
                heap_add(&model.heap, &model.nodes[i], random_up_to(&random, 50));
                model.inserted[i] = ++model.turn;
            }
            check_first(&model);
        }
    }
}

static void
equal_keys_come_out_in_the_order_of_insertion(void **state)
{
    (void)state;
    struct model model = { 0 };
    heap_init(&model.heap);
    for (int i = 0; i < NODES; i++) {
        heap_node_init(&model.nodes[i]);
        heap_add(&model.heap, &model.nodes[i], 7);
    }
    for (int i = 0; i < NODES; i++) {
        assert_ptr_equal(heap_first(&model.heap), &model.nodes[i]);
        heap_remove(&model.heap, &model.nodes[i]);
    }
    assert_null(heap_first(&model.heap));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_the_smallest_after_any_changes),
        cmocka_unit_test(equal_keys_come_out_in_the_order_of_insertion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
