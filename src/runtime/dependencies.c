#include "runtime/dependencies.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "runtime/internal.h"
#include "runtime/supervisor_actor.h"

struct dependency {
    struct refstr *path;  /* Constant, as the next. The rest under the table's lock. */
    struct refstr *above; /* Path of the supervisor. */
    struct list watches;
    struct list asked; /* In the inbox of the child's supervisor, or in none. */
    bool is_held;      /* A child tells of it. */
    bool met;
    uint32_t exits;
};

struct dependencies {
    struct actor_system *system; /* Constant. */
    pthread_mutex_t lock;        /* Held while a control message is sent; guards the rest. */
    struct map entries;          /* Path → struct dependency. */
};

struct dependencies *
dependencies_new(struct actor_system *system)
{
    struct dependencies *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->system = system;
    pthread_mutex_init(&table->lock, NULL);
    map_init(&table->entries);
    return table;
}

void
dependencies_free(struct dependencies *table)
{
    if (!table)
        return;
    assert(table->entries.size == 0);
    map_deinit(&table->entries);
    pthread_mutex_destroy(&table->lock);
    free(table);
}

/* ---- Inboxes ---- */

void
dependency_inbox_init(struct dependency_inbox *inbox)
{
    control_init(&inbox->control, CONTROL_DEPENDENCIES);
    list_init(&inbox->changed);
    list_init(&inbox->asked);
}

void
dependency_inbox_close(struct dependencies *table, struct dependency_inbox *inbox)
{
    pthread_mutex_lock(&table->lock);
    assert(list_is_empty(&inbox->changed));
    while (list_pop_front(&inbox->asked))
        continue;
    pthread_mutex_unlock(&table->lock);
}

/* Into one of the lists of `inbox`, and lets `supervisor`, whose it is, look. */
static void
put_into_locked(struct dependencies *table, struct dependency_inbox *inbox, airs_pid supervisor,
                struct list *inbox_list, struct list *link)
{
    if (list_is_linked(link))
        return;
    bool is_first = list_is_empty(inbox_list); /* The owner takes until the list is empty. */
    list_push_back(inbox_list, link);
    if (is_first)
        control_send(table->system, supervisor, &inbox->control);
}

struct dependant *
dependency_inbox_take_changed(struct dependencies *table, struct dependency_inbox *inbox)
{
    pthread_mutex_lock(&table->lock);
    struct list *link = list_pop_front(&inbox->changed);
    pthread_mutex_unlock(&table->lock);
    return link ? container_of(link, struct dependant, changed) : NULL;
}

struct refstr *
dependency_inbox_take_asked(struct dependencies *table, struct dependency_inbox *inbox)
{
    pthread_mutex_lock(&table->lock);
    struct list *link = list_pop_front(&inbox->asked);
    struct refstr *path =
        link ? refstr_ref(container_of(link, struct dependency, asked)->path) : NULL;
    pthread_mutex_unlock(&table->lock);
    return path;
}

/* ---- Entries ---- */

/* Asks the supervisor, if there is one, to tell of its child, if there is one. */
static void
ask_locked(struct dependencies *table, struct dependency *dependency)
{
    airs_pid pid = registry_find(table->system, dependency->above->text);
    struct actor *actor = actor_at(table->system, pid);
    if (!actor)
        return;
    /* Under the mailbox's lock: an actor that ends closes it first, and then its inbox, under the
     * table's lock, which is held here. */
    pthread_mutex_lock(&actor->mailbox.lock);
    struct dependency_inbox *inbox =
        actor->mailbox.owner == pid ? supervisor_inbox_of(actor) : NULL;
    pthread_mutex_unlock(&actor->mailbox.lock);
    if (inbox)
        put_into_locked(table, inbox, pid, &inbox->asked, &dependency->asked);
}

/* Found or made; NULL: out of memory. A new one's child, if there is one, is asked to tell. */
static struct dependency *
get_locked(struct dependencies *table, struct refstr *path)
{
    struct dependency *dependency = map_find(&table->entries, path->text);
    if (dependency)
        return dependency;
    struct refstr *above = supervisor_path_of(path);
    dependency = calloc(1, sizeof *dependency);
    if (!above || !dependency || !map_set(&table->entries, path->text, dependency)) {
        refstr_unref(above);
        free(dependency);
        return NULL;
    }
    dependency->path = refstr_ref(path);
    dependency->above = above;
    list_init(&dependency->watches);
    list_init(&dependency->asked);
    ask_locked(table, dependency);
    return dependency;
}

static void
free_if_unused_locked(struct dependencies *table, struct dependency *dependency)
{
    if (dependency->is_held || !list_is_empty(&dependency->watches))
        return;
    list_remove(&dependency->asked);
    map_remove(&table->entries, dependency->path->text);
    refstr_unref(dependency->path);
    refstr_unref(dependency->above);
    free(dependency);
}

static void
tell_watches_locked(struct dependencies *table, struct dependency *dependency)
{
    list_for_each(link, &dependency->watches) {
        struct dependant *dependant = container_of(link, struct dependency_watch, link)->dependant;
        put_into_locked(table, dependant->inbox, dependant->supervisor, &dependant->inbox->changed,
                        &dependant->changed);
    }
}

struct dependency *
dependency_hold(struct dependencies *table, const struct refstr *path)
{
    pthread_mutex_lock(&table->lock);
    struct dependency *dependency = map_find(&table->entries, path->text);
    if (dependency && dependency->is_held)
        dependency = NULL;
    if (dependency) {
        dependency->is_held = true;
        list_remove(&dependency->asked);
    }
    pthread_mutex_unlock(&table->lock);
    return dependency;
}

void
dependency_tell(struct dependencies *table, struct dependency *dependency, bool met, bool exited)
{
    pthread_mutex_lock(&table->lock);
    if (dependency->met != met || exited) {
        dependency->met = met;
        dependency->exits += exited;
        tell_watches_locked(table, dependency);
    }
    pthread_mutex_unlock(&table->lock);
}

void
dependency_release(struct dependencies *table, struct dependency *dependency)
{
    pthread_mutex_lock(&table->lock);
    dependency->is_held = false;
    if (dependency->met)
        tell_watches_locked(table, dependency);
    dependency->met = false;
    /* Its path may be another child's already, under a supervisor that was made anew. */
    if (!list_is_empty(&dependency->watches))
        ask_locked(table, dependency);
    free_if_unused_locked(table, dependency);
    pthread_mutex_unlock(&table->lock);
}

/* ---- Dependants ---- */

static bool
watch_locked(struct dependencies *table, struct dependant *dependant, struct refstr *path)
{
    struct dependency_watch *watch = &dependant->watches[dependant->size];
    struct dependency *dependency = get_locked(table, path);
    if (!dependency)
        return false;
    *watch = (struct dependency_watch){ .dependency = dependency,
                                        .dependant = dependant,
                                        .exits = dependency->exits };
    list_push_back(&dependency->watches, &watch->link);
    dependant->size++;
    return true;
}

struct dependant *
dependant_new(struct dependencies *table, struct dependency_inbox *inbox, airs_pid supervisor,
              void *owner, struct refstr *const *paths, size_t size)
{
    struct dependant *dependant =
        calloc(1, sizeof *dependant + size * sizeof dependant->watches[0]);
    if (!dependant)
        return NULL;
    dependant->inbox = inbox;
    dependant->supervisor = supervisor;
    dependant->owner = owner;
    list_init(&dependant->changed);

    bool done = true;
    pthread_mutex_lock(&table->lock);
    for (size_t i = 0; i < size && done; i++)
        done = watch_locked(table, dependant, paths[i]);
    pthread_mutex_unlock(&table->lock);
    if (done)
        return dependant;
    dependant_free(table, dependant);
    return NULL;
}

void
dependant_free(struct dependencies *table, struct dependant *dependant)
{
    if (!dependant)
        return;
    pthread_mutex_lock(&table->lock);
    list_remove(&dependant->changed);
    for (size_t i = 0; i < dependant->size; i++) {
        list_remove(&dependant->watches[i].link);
        free_if_unused_locked(table, dependant->watches[i].dependency);
    }
    pthread_mutex_unlock(&table->lock);
    free(dependant);
}

struct dependency_look
dependant_look(struct dependencies *table, struct dependant *dependant)
{
    struct dependency_look look = { 0 };
    pthread_mutex_lock(&table->lock);
    for (size_t i = 0; i < dependant->size; i++) {
        struct dependency_watch *watch = &dependant->watches[i];
        struct dependency *dependency = watch->dependency;
        if (!dependency->met && !look.unmet)
            look.unmet = dependency->path;
        if (dependency->exits != watch->exits && !look.exited)
            look.exited = dependency->path;
        watch->exits = dependency->exits;
    }
    pthread_mutex_unlock(&table->lock);
    return look;
}
