/* supervisor_node_integration: supervised components in a C program, over libairs alone.
 *
 *     supervisor_node_integration [MANIFEST [CACHE_DIR]]
 *
 * It starts the tree of airs.yaml, makes its children die in several ways, waits until their
 * supervisors have done what each restart policy says, and prints the tree before and after.
 * Every event is printed as "event SEQ PATH NAME GENERATION STATE REASON", and every figure
 * under "Statistics" is counted from them; at the end the program asks the supervisors
 * themselves, and exits with 1 if these say something else.
 */
#include <airs/airs.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHILDREN_MAX 16
#define EVENTS_MAX 1000
#define LINE_BYTES 160
#define REASONS_MAX 12
#define WAIT_S 60 /* Nothing here takes so long; what does has failed. */

/* What the events have said of one child. */
struct child {
    char path[64];
    char state[16];
    bool ready;
    uint64_t generation;
    unsigned restarts;
    unsigned exits;
    unsigned failed_probes;
};

struct reason {
    char name[24];
    unsigned count;
};

struct example {
    struct airs_application *application;
    unsigned printed;     /* Events; the main thread's own. */
    pthread_mutex_t lock; /* Guards all below: events come on the library's threads. */
    pthread_cond_t changed;
    struct child children[CHILDREN_MAX];
    size_t children_count;
    struct reason reasons[REASONS_MAX];
    size_t reasons_count;
    char lines[EVENTS_MAX][LINE_BYTES]; /* Of the events; printed up to `printed`. */
    unsigned events;
    unsigned differences; /* Children of which their supervisors say something else. */
    unsigned answers;     /* Requests that were answered. */
    enum airs_status answer;
};

static void
die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

/* ---- Counting. ---- */

static struct child *
find_child(struct example *example, const char *path)
{
    for (size_t i = 0; i < example->children_count; i++)
        if (strcmp(example->children[i].path, path) == 0)
            return &example->children[i];
    if (example->children_count == CHILDREN_MAX)
        die("more than %d children", CHILDREN_MAX);
    struct child *child = &example->children[example->children_count++];
    snprintf(child->path, sizeof child->path, "%s", path);
    return child;
}

static void
count_reason(struct example *example, const char *name)
{
    size_t i = 0;

    while (i < example->reasons_count && strcmp(example->reasons[i].name, name) != 0)
        i++;
    if (i == REASONS_MAX)
        die("more than %d reasons", REASONS_MAX);
    if (i == example->reasons_count)
        snprintf(example->reasons[example->reasons_count++].name, sizeof example->reasons[i].name,
                 "%s", name);
    example->reasons[i].count++;
}

static void
count(struct example *example, const struct airs_event *event)
{
    struct child *child = find_child(example, event->path);

    if (event->state)
        snprintf(child->state, sizeof child->state, "%s", event->state);
    if (event->generation > 0)
        child->generation = event->generation;
    if (strcmp(event->event, "ready") == 0)
        child->ready = true;
    if (strcmp(event->event, "not-ready") == 0)
        child->ready = false;
    if (strcmp(event->event, "health-failed") == 0)
        child->failed_probes++;
    if (strcmp(event->event, "restart-scheduled") == 0)
        child->restarts++;
    if (strcmp(event->event, "exited") == 0) {
        child->ready = false;
        child->exits++;
        count_reason(example, event->reason);
    }
}

/* On a thread of the library, one event at a time: copies what it wants and returns. A restart
 * waits for it, so it does not print. */
static void
on_event(void *context, const struct airs_event *event)
{
    struct example *example = context;

    pthread_mutex_lock(&example->lock);
    if (example->events == EVENTS_MAX)
        die("more than %d events", EVENTS_MAX);
    snprintf(example->lines[example->events++], LINE_BYTES,
             "event %" PRIu64 " %s %s %" PRIu64 " %s %s", event->seq,
             event->path ? event->path : "-", event->event, event->generation,
             event->state ? event->state : "-", event->reason ? event->reason : "-");
    if (event->path)
        count(example, event);
    pthread_cond_broadcast(&example->changed);
    pthread_mutex_unlock(&example->lock);
}

/* Prints what is not printed yet, outside of the lock: a slow terminal holds up nobody else. */
static void
print_events(struct example *example)
{
    pthread_mutex_lock(&example->lock);
    unsigned events = example->events;
    pthread_mutex_unlock(&example->lock);
    while (example->printed < events)
        puts(example->lines[example->printed++]); /* Written once, before `events` was. */
}

/* ---- Waiting. ---- */

/* Waits, under the lock, for the next change. */
static void
wait_change(struct example *example, const char *what)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    if (pthread_cond_timedwait(&example->changed, &example->lock, &until) != 0)
        die("waited too long for %s", what);
}

/* Waits until the events have shown `path` in `state`, in that generation or a later one. */
static void
wait_state(struct example *example, const char *path, const char *state, uint64_t generation)
{
    pthread_mutex_lock(&example->lock);
    for (;;) {
        const struct child *child = find_child(example, path);
        bool settled = strcmp(state, "running") != 0 || child->ready;
        if (settled && strcmp(child->state, state) == 0 && child->generation >= generation)
            break;
        wait_change(example, path);
    }
    pthread_mutex_unlock(&example->lock);
    print_events(example);
}

static void
on_done(void *context, enum airs_status status, const char *text, const void *bytes, size_t size)
{
    struct example *example = context;

    (void)text, (void)bytes, (void)size;
    pthread_mutex_lock(&example->lock);
    example->answers++;
    example->answer = status;
    pthread_cond_broadcast(&example->changed);
    pthread_mutex_unlock(&example->lock);
}

static void
wait_answer(struct example *example, unsigned before)
{
    pthread_mutex_lock(&example->lock);
    while (example->answers == before)
        wait_change(example, "an answer");
    pthread_mutex_unlock(&example->lock);
}

/* Has the component at `path` end in that way, and waits for what its policy makes of it. */
static void
make_die(struct example *example, const char *path, const char *how, const char *then,
         uint64_t generation)
{
    struct airs_error error = { 0 };
    unsigned before = example->answers;

    printf("\n%s is told: %s\n", path, how);
    if (airs_application_call(example->application, path, how, strlen(how), AIRS_NONE, on_done,
                              example, &error) != AIRS_OK)
        die("%s: %s", path, error.message);
    wait_answer(example, before);
    if (example->answer != AIRS_EENDED)
        die("%s answered, and should have ended", path);
    wait_state(example, path, then, generation);
}

/* ---- The tree. ---- */

static void
print_child(void *context, const struct airs_child *child)
{
    const char *name = strrchr(child->path, '/') + 1;
    int depth = 0;

    (void)context;
    for (const char *at = child->path; *at != '\0'; at++)
        depth += *at == '/';
    printf("%*s%-*s %-10s %-10s generation %" PRIu64 ", restarts %" PRIu64 "%s%s\n", 2 * depth, "",
           16 - 2 * depth, name, child->kind, child->state, child->generation, child->restarts,
           child->exit_reason ? ", last " : "", child->exit_reason ? child->exit_reason : "");
}

/* Compares what was counted with what the supervisor of that child says. */
static void
compare_child(void *context, const struct airs_child *child)
{
    struct example *example = context;

    pthread_mutex_lock(&example->lock);
    const struct child *counted = find_child(example, child->path);
    if (counted->restarts != child->restarts || counted->generation != child->generation ||
        counted->ready != child->ready || strcmp(counted->state, child->state) != 0) {
        printf("%s: counted otherwise\n", child->path);
        example->differences++;
    }
    pthread_mutex_unlock(&example->lock);
}

static void
visit_tree(struct example *example, airs_visit visit)
{
    struct airs_error error = { 0 };
    unsigned before = example->answers;

    if (airs_application_list(example->application, NULL, visit, on_done, example, &error) !=
        AIRS_OK)
        die("list: %s", error.message);
    wait_answer(example, before);
}

static void
print_tree(struct example *example, const char *title)
{
    printf("\n%s\n", title);
    visit_tree(example, print_child);
    putchar('\n');
}

static void
print_statistics(struct example *example)
{
    unsigned running = 0, stopped = 0, failed = 0, restarts = 0, exits = 0, probes = 0;

    pthread_mutex_lock(&example->lock);
    for (size_t i = 0; i < example->children_count; i++) {
        const struct child *child = &example->children[i];
        running += strcmp(child->state, "running") == 0;
        stopped += strcmp(child->state, "stopped") == 0;
        failed += strcmp(child->state, "failed") == 0;
        restarts += child->restarts;
        exits += child->exits;
        probes += child->failed_probes;
    }
    printf("\nStatistics of %u events\n", example->events);
    printf("  supervised %zu\n  running %u\n  stopped %u\n  failed %u\n", example->children_count,
           running, stopped, failed);
    printf("  restarts %u\n  failed probes %u\n  exits %u\n", restarts, probes, exits);
    for (size_t i = 0; i < example->reasons_count; i++)
        printf("  exits by %s %u\n", example->reasons[i].name, example->reasons[i].count);
    pthread_mutex_unlock(&example->lock);
}

/* ---- The story. ---- */

static void
report(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "%s\n", text);
}

static void
start(struct example *example, int argc, char **argv)
{
    struct airs_error error = { 0 };
    struct airs_application_options options = {
        .manifest_path = argc > 1 ? argv[1] : EXAMPLE_MANIFEST,
        .cache_dir = argc > 2 ? argv[2] : NULL,
        .context = example,
        .event = on_event,
    };

    if (airs_application_load(&options, report, NULL, &example->application, &error) != AIRS_OK)
        die("%s", error.message);
    if (airs_application_start(example->application, &error) != AIRS_OK)
        die("%s", error.message);
}

static void
run(struct example *example)
{
    static const char *const echoes[] = { "/permanent", "/transient", "/temporary",
                                          "/group/member" };

    for (size_t i = 0; i < sizeof echoes / sizeof echoes[0]; i++)
        wait_state(example, echoes[i], "running", 1);
    print_tree(example, "The tree at first");

    make_die(example, "/permanent", "crash trap", "running", 2);
    make_die(example, "/permanent", "crash exit 0", "running", 3);
    make_die(example, "/transient", "crash exit 3", "running", 2);
    make_die(example, "/transient", "crash exit 0", "stopped", 2);
    make_die(example, "/temporary", "crash trap", "stopped", 1);
    make_die(example, "/group/member", "crash oob", "running", 2);
    wait_state(example, "/group", "running", 1);
    wait_state(example, "/health", "failed", 3);

    print_tree(example, "The tree in the end");
    print_statistics(example);
    visit_tree(example, compare_child);
}

int
main(int argc, char **argv)
{
    static struct example example = { .lock = PTHREAD_MUTEX_INITIALIZER,
                                      .changed = PTHREAD_COND_INITIALIZER };
    int exit_code = 1;

    start(&example, argc, argv);
    run(&example);
    airs_application_stop(example.application);
    if (airs_application_wait(example.application, AIRS_NONE, &exit_code) != AIRS_OK)
        die("it did not end");
    airs_application_free(example.application);
    print_events(&example);
    return exit_code != 0 || example.differences > 0;
}
