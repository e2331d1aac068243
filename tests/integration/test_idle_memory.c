/* Idle memory: what the program holds for an instance that waits for its next message. */
#include <malloc.h>

#include "world.h"

#define REPLY_BYTES 8000000u

/* The sanitizers' allocator counts in a way of its own. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t
held_bytes(void)
{
    if (__sanitizer_get_current_allocated_bytes)
        return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* The requester hears of its answer before the turn is over: the rest of that turn is waited for. */
static void
a_reply_is_not_kept_until_the_next_message(void **state)
{
    (void)state;
    struct world *world = world_begin();
    uint64_t deadline_us = world_deadline();

    world_add(world, "/a", (struct world_child){ .guest = "echo" });
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    assert_answer(world, "/a", "hello", "hello");
    size_t before = held_bytes();
    char text[32];
    snprintf(text, sizeof text, "big %u", REPLY_BYTES);
    assert_int_equal(world_call(world, "/a", text).size, REPLY_BYTES);
    while (held_bytes() > before + REPLY_BYTES / 2 && clock_now_us() < deadline_us)
        sched_yield();
    assert_true(held_bytes() < before + REPLY_BYTES / 2);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_not_kept_until_the_next_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
