#include "component/heartbeat_file.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/list.h"
#include "runtime/actor.h"

#define THREAD_STACK_BYTES ((size_t)64 << 10)

struct heartbeat_files {
    struct actor_system *system; /* Until `closing`. */
    atomic_uint references;      /* The owner's, each thread's and each watch's. */
    pthread_mutex_t lock;        /* Guards the rest, and what stands so in the watches. */
    pthread_cond_t asked;
    struct list queue; /* Watches that are to be looked at. */
    unsigned threads, idle;
    bool closing;
};

/* What tells one state of a file from another. */
struct stamp {
    bool exists;
    dev_t device;
    ino_t inode;
    struct timespec modified;
};

struct heartbeat_watch {
    struct heartbeat_files *files;
    char *path;
    airs_pid pid;
    atomic_uint references; /* The owner's, and that of the look under way. */
    bool has_stamp;         /* Has been looked at; the looking thread's, as the next. */
    struct stamp stamp;
    /* Under the lock. */
    struct list link;
    bool is_asked; /* In the queue, or being looked at. */
    bool is_closed;
    enum heartbeat_look answer;
};

static void
files_unref(struct heartbeat_files *files)
{
    if (atomic_fetch_sub(&files->references, 1) != 1)
        return;
    pthread_cond_destroy(&files->asked);
    pthread_mutex_destroy(&files->lock);
    free(files);
}

static void
watch_unref(struct heartbeat_watch *watch)
{
    if (atomic_fetch_sub(&watch->references, 1) != 1)
        return;
    struct heartbeat_files *files = watch->files;
    free(watch->path);
    free(watch);
    files_unref(files);
}

/* ---- Looking ---- */

static struct stamp
look(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return (struct stamp){ .exists = false };
    return (struct stamp){
        .exists = true, .device = about.st_dev, .inode = about.st_ino, .modified = about.st_mtim
    };
}

static bool
is_same(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->inode == b->inode &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

static enum heartbeat_look
compare(struct heartbeat_watch *watch, struct stamp now)
{
    bool is_first = !watch->has_stamp;
    bool changed = now.exists && (!watch->stamp.exists || !is_same(&now, &watch->stamp));
    watch->has_stamp = true;
    if (now.exists || is_first)
        watch->stamp = now;
    return changed && !is_first ? HEARTBEAT_CHANGED : HEARTBEAT_UNCHANGED;
}

/* The next watch that is asked for; NULL: it is over. Under the lock. */
static struct heartbeat_watch *
wait_for_watch(struct heartbeat_files *files)
{
    while (list_is_empty(&files->queue)) {
        if (files->closing)
            return NULL;
        files->idle++;
        pthread_cond_wait(&files->asked, &files->lock);
        files->idle--;
    }
    return container_of(list_pop_front(&files->queue), struct heartbeat_watch, link);
}

static void *
run(void *context)
{
    struct heartbeat_files *files = context;
    struct heartbeat_watch *watch;
    pthread_mutex_lock(&files->lock);
    while ((watch = wait_for_watch(files)) != NULL) {
        pthread_mutex_unlock(&files->lock);
        enum heartbeat_look answer = compare(watch, look(watch->path));
        pthread_mutex_lock(&files->lock);
        watch->is_asked = false;
        watch->answer = answer;
        if (!watch->is_closed) /* Its actor is there, and so is the system. */
            actor_wake(files->system, watch->pid);
        pthread_mutex_unlock(&files->lock);
        watch_unref(watch);
        pthread_mutex_lock(&files->lock);
    }
    files->threads--;
    pthread_mutex_unlock(&files->lock);
    files_unref(files);
    return NULL;
}

/* Without one the question stays in the queue: no answer is no sign. Under the lock. */
static void
start_thread_locked(struct heartbeat_files *files)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    atomic_fetch_add(&files->references, 1);
    if (pthread_create(&thread, &attributes, run, files) == 0)
        files->threads++;
    else
        atomic_fetch_sub(&files->references, 1);
    pthread_attr_destroy(&attributes);
}

/* ---- Asking ---- */

bool
heartbeat_watch_ask(struct heartbeat_watch *watch)
{
    struct heartbeat_files *files = watch->files;
    pthread_mutex_lock(&files->lock);
    bool is_new = !watch->is_asked;
    if (is_new) {
        watch->is_asked = true;
        watch->answer = HEARTBEAT_NOTHING;
        atomic_fetch_add(&watch->references, 1);
        list_push_back(&files->queue, &watch->link);
        if (files->idle == 0 && files->threads < HEARTBEAT_THREADS_MAX)
            start_thread_locked(files);
        pthread_cond_signal(&files->asked);
    }
    pthread_mutex_unlock(&files->lock);
    return is_new;
}

enum heartbeat_look
heartbeat_watch_take(struct heartbeat_watch *watch)
{
    pthread_mutex_lock(&watch->files->lock);
    enum heartbeat_look answer = watch->answer;
    watch->answer = HEARTBEAT_NOTHING;
    pthread_mutex_unlock(&watch->files->lock);
    return answer;
}

/* ---- Life ---- */

struct heartbeat_watch *
heartbeat_watch_open(struct heartbeat_files *files, const char *path, airs_pid pid)
{
    struct heartbeat_watch *watch = calloc(1, sizeof *watch);
    if (!watch || !(watch->path = strdup(path))) {
        free(watch);
        return NULL;
    }
    atomic_fetch_add(&files->references, 1);
    watch->files = files;
    watch->pid = pid;
    atomic_init(&watch->references, 1);
    list_init(&watch->link);
    return watch;
}

void
heartbeat_watch_close(struct heartbeat_watch *watch)
{
    if (!watch)
        return;
    struct heartbeat_files *files = watch->files;
    pthread_mutex_lock(&files->lock);
    watch->is_closed = true;
    bool is_queued = list_is_linked(&watch->link);
    if (is_queued)
        list_remove(&watch->link);
    pthread_mutex_unlock(&files->lock);
    if (is_queued)
        watch_unref(watch);
    watch_unref(watch);
}

struct heartbeat_files *
heartbeat_files_new(struct actor_system *system)
{
    struct heartbeat_files *files = calloc(1, sizeof *files);
    if (!files)
        return NULL;
    files->system = system;
    atomic_init(&files->references, 1);
    pthread_mutex_init(&files->lock, NULL);
    pthread_cond_init(&files->asked, NULL);
    list_init(&files->queue);
    return files;
}

void
heartbeat_files_free(struct heartbeat_files *files)
{
    if (!files)
        return;
    pthread_mutex_lock(&files->lock);
    files->closing = true;
    pthread_cond_broadcast(&files->asked);
    pthread_mutex_unlock(&files->lock);
    files_unref(files);
}
