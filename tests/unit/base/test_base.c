/* The base layer: error reports, lists, maps, buffers, texts, the generator. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"
#include "base/refstr.h"
#include "base/text_list.h"
#include "base/trap_code.h"

static void
first_report_wins(void **state)
{
    (void)state;
    struct airs_error error = { 0 };
    assert_int_equal(fail(&error, AIRS_ENOENT, "no '%s'", "a"), AIRS_ENOENT);
    assert_int_equal(fail(&error, AIRS_EIO, "second"), AIRS_EIO);
    assert_int_equal(error.status, AIRS_ENOENT);
    assert_string_equal(error.message, "no 'a'");
    assert_int_equal(fail(NULL, AIRS_EIO, "nobody listens"), AIRS_EIO);
}

static void
a_long_report_is_cut_between_characters(void **state)
{
    (void)state;
    char text[AIRS_ERROR_MESSAGE_BYTES + 10];
    for (size_t i = 0; i + 1 < sizeof text; i++) /* é is C3 A9 */
        text[i] = (char)(i % 2 ? 0xA9 : 0xC3);
    text[sizeof text - 1] = '\0';
    for (int shift = 0; shift < 2; shift++) {
        struct airs_error error = { 0 };
        fail(&error, AIRS_EINVAL, "%s%s", shift ? "x" : "", text);
        size_t length = strlen(error.message);
        assert_true(length < sizeof error.message);
        assert_int_equal((unsigned char)error.message[length - 1], 0xA9);
    }
}

struct number {
    int value;
    struct list link;
};

static void
a_list_keeps_order_and_survives_removal_while_walking(void **state)
{
    (void)state;
    struct list head, other;
    list_init(&head);
    list_init(&other);
    struct number numbers[5];
    for (int i = 0; i < 5; i++) {
        numbers[i].value = i;
        list_init(&numbers[i].link);
        list_push_back(&head, &numbers[i].link);
    }
    list_for_each(node, &head)
        if (container_of(node, struct number, link)->value % 2)
            list_remove(node);
    assert_false(list_is_linked(&numbers[1].link));
    list_push_front(&other, &numbers[1].link);
    list_append_all(&head, &other);
    assert_true(list_is_empty(&other));
    int expected[] = { 0, 2, 4, 1 };
    size_t i = 0;
    for (struct list *node; (node = list_pop_front(&head)); i++)
        assert_int_equal(container_of(node, struct number, link)->value, expected[i]);
    assert_int_equal(i, 4);
}

static void
a_map_finds_what_was_set_and_not_what_was_removed(void **state)
{
    (void)state;
    enum { KEYS = 2000 };
    static char keys[KEYS][16];
    struct map map;
    map_init(&map);
    assert_null(map_find(&map, "nothing"));
    for (size_t i = 0; i < KEYS; i++) {
        snprintf(keys[i], sizeof keys[i], "key%zu", i);
        assert_true(map_set(&map, keys[i], keys[i]));
    }
    for (size_t i = 0; i < KEYS; i += 2)
        assert_ptr_equal(map_remove(&map, keys[i]), keys[i]);
    assert_int_equal(map.size, KEYS / 2);
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(map_find(&map, keys[i]), i % 2 ? keys[i] : NULL);
    size_t seen = 0;
    map_for_each(entry, &map)
        seen += strcmp(entry->key, entry->value) == 0;
    assert_int_equal(seen, KEYS / 2);
    for (int round = 0; round < 100000; round++) { /* Removed places are used again. */
        assert_true(map_set(&map, "again", &map));
        assert_ptr_equal(map_remove(&map, "again"), &map);
    }
    assert_true(map.capacity <= 8192);
    map_deinit(&map);
}

static void
a_buffer_grows_to_its_limit_and_no_further(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 100);
    for (int i = 0; i < 10; i++)
        assert_true(buffer_printf(&buffer, "%09d,", i));
    assert_false(buffer_append(&buffer, "x", 1));
    assert_int_equal(buffer.size, 100);
    buffer_consume(&buffer, 95);
    assert_string_equal(buffer.data, "0009,");
    size_t size;
    char *bytes = buffer_take(&buffer, &size);
    assert_int_equal(size, 5);
    free(bytes);
    assert_null(buffer.data);
    buffer_deinit(&buffer);
}

static void
shared_text_lives_until_its_last_owner_leaves(void **state)
{
    (void)state;
    struct refstr *text = refstr_new("path\0tail", 9);
    assert_ptr_equal(refstr_ref(text), text);
    refstr_unref(text);
    assert_memory_equal(text->text, "path\0tail", 10);
    refstr_unref(text);
    assert_null(refstr_ref(NULL));
}

static void
the_generator_stays_in_range_and_follows_its_seed(void **state)
{
    (void)state;
    uint64_t a = 7, b = 7, low = 0;
    for (int i = 0; i < 10000; i++) {
        uint64_t number = random_up_to(&a, 9);
        assert_true(number <= 9);
        assert_int_equal(number, random_up_to(&b, 9));
        low += number < 5;
    }
    assert_in_range(low, 4500, 5500);
    assert_int_equal(random_up_to(&a, 0), 0);
}

static void
every_trap_code_has_a_name_that_finds_it(void **state)
{
    (void)state;
    enum trap_code code;
    assert_true(trap_code_find("unreachable", &code));
    assert_int_equal(code, TRAP_UNREACHABLE);
    assert_true(trap_code_find(trap_code_name(TRAP_MEMORY_OUT_OF_BOUNDS), &code));
    assert_int_equal(code, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_false(trap_code_find("no-such-trap", &code));
    assert_string_equal(trap_code_name(200), "unknown");
}

static void
lists_of_texts_are_equal_in_size_order_and_each_text(void **state)
{
    (void)state;
    const char *const list[] = { "a", "b", "a" };
    char same[] = "b"; /* By its text, not its place. */
    const char *const copy[] = { "a", same, "a" };
    const char *const swapped[] = { "b", "a", "a" };
    const char *const last[] = { "a", "b", "c" };

    assert_true(text_lists_are_equal(list, 3, copy, 3));
    assert_false(text_lists_are_equal(list, 3, copy, 2));
    assert_false(text_lists_are_equal(list, 2, copy, 3));
    assert_false(text_lists_are_equal(list, 3, swapped, 3));
    assert_false(text_lists_are_equal(list, 3, last, 3));
    assert_true(text_lists_are_equal(NULL, 0, list, 0));
    assert_false(text_lists_are_equal(NULL, 0, list, 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_report_wins),
        cmocka_unit_test(a_long_report_is_cut_between_characters),
        cmocka_unit_test(a_list_keeps_order_and_survives_removal_while_walking),
        cmocka_unit_test(a_map_finds_what_was_set_and_not_what_was_removed),
        cmocka_unit_test(a_buffer_grows_to_its_limit_and_no_further),
        cmocka_unit_test(shared_text_lives_until_its_last_owner_leaves),
        cmocka_unit_test(the_generator_stays_in_range_and_follows_its_seed),
        cmocka_unit_test(every_trap_code_has_a_name_that_finds_it),
        cmocka_unit_test(lists_of_texts_are_equal_in_size_order_and_each_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
