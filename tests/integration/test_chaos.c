/* Chaos: crashes, verbs and mail at random from several threads at once. What must hold
 * afterwards: each child's events make sense, every message was answered once, and nothing is
 * left in the pool. A failure prints its seed.
 */
#include "world.h"

#include "base/random.h"

#define THREADS 3
#define CHILDREN 6
#define SPAN_US (2 * US_PER_S)
#define EVENTS_ENOUGH (WORLD_EVENTS_MAX / 4)
#define EVENTS_MIN 200 /* However long it takes. */
#define SENT_MIN 100

static const char *const paths[CHILDREN] = { "/a", "/web/b", "/c", "/web/d", "/web/in/e", "/s" };
static const char *const words[] = { "hello",        "count",  "crash trap", "crash oob", "sleep 1",
                                     "crash exit 4", "err no", "loop",       "print x" };

struct hand {
    struct world *world;
    uint64_t random;
    uint64_t until_us;
};

struct mail {
    struct reply reply;
    struct world *world;
};

static atomic_uint sent;
static atomic_uint answered;

static void
mail_answered(struct reply *reply, enum airs_status status, const char *text, const void *bytes,
              size_t size)
{
    struct mail *mail = container_of(reply, struct mail, reply);

    (void)status, (void)text, (void)bytes, (void)size;
    struct world *world = mail->world;
    free(mail);
    /* What is left at the end is answered behind the last event: whoever waits is woken here. */
    pthread_mutex_lock(&world->lock);
    atomic_fetch_add(&answered, 1);
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

static void
send_one(struct hand *hand, const char *path)
{
    const char *word = words[random_up_to(&hand->random, sizeof words / sizeof words[0] - 1)];
    struct message *message = message_new(word, strlen(word));
    struct mail *mail = malloc(sizeof *mail);
    airs_pid pid;

    assert(component_registry_find(hand->world->registry, path, &pid, NULL));
    *mail = (struct mail){ .reply.done = mail_answered, .world = hand->world };
    message->reply = &mail->reply;
    if (actor_send(hand->world->system, pid, message) == AIRS_OK) {
        atomic_fetch_add(&sent, 1);
        return;
    }
    message_free(message);
    free(mail);
}

static void
listed(void *context, enum airs_status status, const struct supervision_view *views, size_t count)
{
    (void)context, (void)status, (void)views, (void)count;
}

static void
act(struct hand *hand)
{
    struct component_supervisor *handles = hand->world->handles;
    const char *path = paths[random_up_to(&hand->random, CHILDREN - 1)];
    struct bridge_completion nobody = { 0 };

    switch (random_up_to(&hand->random, 15)) {
    case 0:
        component_supervisor_kill(handles, path, nobody);
        break;
    case 1:
        component_supervisor_restart(handles, path, nobody);
        break;
    case 2:
        component_supervisor_stop(handles, path, 5 * US_PER_MS, nobody);
        break;
    case 3:
    case 4:
        component_supervisor_start(handles, path, nobody);
        break;
    case 5:
        component_supervisor_reset(handles, path, nobody);
        break;
    case 6:
        component_supervisor_list(handles, NULL, (struct bridge_listing){ listed, NULL });
        break;
    case 7:
        component_supervisor_start(handles, "/web", nobody);
        break;
    case 8:
        component_supervisor_kill(handles, "/web/in", nobody);
        break;
    case 9:
        component_supervisor_restart(handles, "/web", nobody);
        break;
    default:
        send_one(hand, path);
    }
}

static bool
is_enough(struct hand *hand)
{
    pthread_mutex_lock(&hand->world->lock);
    size_t events = hand->world->events_size;
    pthread_mutex_unlock(&hand->world->lock);
    bool has_something = events > EVENTS_MIN && atomic_load(&sent) > SENT_MIN;
    return events > EVENTS_ENOUGH || (has_something && clock_now_us() > hand->until_us);
}

static void *
hand_main(void *context)
{
    struct hand *hand = context;

    while (!is_enough(hand)) {
        act(hand);
        if (random_up_to(&hand->random, 20) == 0)
            sched_yield();
    }
    return NULL;
}

/* Each `starting` of a child carries the next generation, and each generation that started
 * exits at most once. */
static void
check_events(struct world *world, const char *path)
{
    uint32_t generation = 0;
    bool exited = true;

    for (size_t i = 0; i < world->events_size; i++) {
        const struct event *event = &world->events[i];
        assert_int_equal(event->seq, i + 1);
        if (!event->path || strcmp(event->path->text, path) != 0)
            continue;
        if (event->type == EVENT_STARTING) {
            assert_true(exited);
            assert_int_equal(event->generation, generation + 1);
            generation++;
            exited = false;
        } else if (event->type == EVENT_EXITED) {
            assert_false(exited);
            assert_int_equal(event->generation, generation);
            exited = true;
        }
    }
    assert_true(exited);
}

static void
whatever_is_done_at_once_the_tree_stays_sound(void **state)
{
    (void)state;
    const char *given = getenv("AIRS_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : clock_now_ns();
    struct world *world = world_begin_with((struct world_options){ .instances_max = 5 });
    struct component_limits brief = { .cpu_timeout_us = 3 * US_PER_MS };
    pthread_t threads[THREADS];
    struct hand hands[THREADS];

    fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
    world_add(world, "/a", (struct world_child){ .guest = "echo", .limits = brief });
    world_add(world, "/web", (struct world_child){ 0 });
    world_add(world, "/web/b",
              (struct world_child){ .parent = "/web", .guest = "echo", .limits = brief });
    world_add(world, "/c", (struct world_child){ .guest = "echo", .limits = brief });
    world_add(world, "/web/d",
              (struct world_child){ .parent = "/web", .guest = "echo", .limits = brief });
    world_add(world, "/web/in", (struct world_child){ .parent = "/web" });
    world_add(world, "/web/in/e",
              (struct world_child){ .parent = "/web/in", .guest = "echo", .limits = brief });
    world_add(world, "/s", (struct world_child){ .guest = "sleeper" });
    world_start(world);
    atomic_store(&sent, 0);
    atomic_store(&answered, 0);
    for (uint64_t i = 0; i < THREADS; i++) {
        hands[i] = (struct hand){ world, seed + i, clock_now_us() + SPAN_US };
        pthread_create(&threads[i], NULL, hand_main, &hands[i]);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);

    struct world_answer stopped = world_stop_all(world, DURATION_INFINITE);
    assert_int_equal(stopped.status, AIRS_OK);
    world_wait_until(world, atomic_load(&answered) == atomic_load(&sent));
    fprintf(stderr, "%zu events, %u messages\n", world->events_size, atomic_load(&sent));
    assert_true(world->events_size > EVENTS_MIN && atomic_load(&sent) > SENT_MIN);
    for (size_t i = 0; i < CHILDREN; i++)
        check_events(world, paths[i]);
    check_events(world, "/web");
    check_events(world, "/web/in");
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_done_at_once_the_tree_stays_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
