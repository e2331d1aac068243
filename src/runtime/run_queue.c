#include "runtime/run_queue.h"

#include <assert.h>

#include "runtime/internal.h"

void
run_queue_init(struct run_queue *queue)
{
    *queue = (struct run_queue){ .urgent_last = &queue->front };
    pthread_mutex_init(&queue->lock, NULL);
    list_init(&queue->front);
    list_init(&queue->back);
}

void
run_queue_deinit(struct run_queue *queue)
{
    pthread_mutex_destroy(&queue->lock);
}

static struct actor *
actor_of(struct list *link)
{
    return container_of(link, struct actor, queue_link);
}

static void
count_locked(struct run_queue *queue)
{
    atomic_store_explicit(&queue->size, queue->front_size + queue->back_size, memory_order_relaxed);
}

static void
link_urgent_locked(struct run_queue *queue, struct actor *actor)
{
    list_insert_before(queue->urgent_last->next, &actor->queue_link);
    queue->urgent_last = &actor->queue_link;
    actor->queued_urgent = true;
    actor->queued_end = QUEUE_FRONT;
    queue->front_size++;
    atomic_fetch_add_explicit(&queue->urgent, 1, memory_order_relaxed);
}

static void
link_locked(struct run_queue *queue, struct actor *actor, enum queue_end end)
{
    assert(!list_is_linked(&actor->queue_link));

    /* Before the look at `urgent`: pairs with run_queue_promote(), see struct actor. */
    atomic_store(&actor->queued_in, queue);
    if (actor->is_supervisor || atomic_load(&actor->urgent)) {
        link_urgent_locked(queue, actor);
        return;
    }
    actor->queued_urgent = false;
    actor->queued_end = end;
    list_push_back(end == QUEUE_FRONT ? &queue->front : &queue->back, &actor->queue_link);
    *(end == QUEUE_FRONT ? &queue->front_size : &queue->back_size) += 1;
}

static void
unlink_locked(struct run_queue *queue, struct actor *actor)
{
    if (&actor->queue_link == queue->urgent_last)
        queue->urgent_last = actor->queue_link.previous;
    if (actor->queued_urgent)
        atomic_fetch_sub_explicit(&queue->urgent, 1, memory_order_relaxed);
    list_remove(&actor->queue_link);
    *(actor->queued_end == QUEUE_FRONT ? &queue->front_size : &queue->back_size) -= 1;
    atomic_store(&actor->queued_in, NULL);
}

void
run_queue_push(struct run_queue *queue, struct actor *actor, enum queue_end end)
{
    pthread_mutex_lock(&queue->lock);
    link_locked(queue, actor, end);
    count_locked(queue);
    pthread_mutex_unlock(&queue->lock);
}

static struct actor *
take_locked(struct run_queue *queue, struct list *list)
{
    if (list_is_empty(list))
        return NULL;
    struct actor *actor = actor_of(list->next);
    unlink_locked(queue, actor);
    return actor;
}

static struct actor *
pop_front_locked(struct run_queue *queue)
{
    struct actor *actor = take_locked(queue, &queue->front);
    return actor ? actor : take_locked(queue, &queue->back);
}

struct actor *
run_queue_pop(struct run_queue *queue)
{
    if (run_queue_is_empty(queue))
        return NULL;

    pthread_mutex_lock(&queue->lock);
    struct actor *actor = pop_front_locked(queue);
    count_locked(queue);
    pthread_mutex_unlock(&queue->lock);
    return actor;
}

static struct actor *
pop_ordinary_locked(struct run_queue *queue)
{
    struct list *link = queue->urgent_last->next;
    if (link == &queue->front)
        return NULL;
    unlink_locked(queue, actor_of(link));
    return actor_of(link);
}

struct actor *
run_queue_pop_overtaken(struct run_queue *queue, enum queue_end prefer)
{
    if (run_queue_is_empty(queue))
        return NULL;

    pthread_mutex_lock(&queue->lock);
    struct actor *actor = prefer == QUEUE_FRONT ? pop_ordinary_locked(queue) : NULL;
    if (!actor)
        actor = take_locked(queue, &queue->back);
    if (!actor)
        actor = pop_ordinary_locked(queue);
    if (!actor)
        actor = pop_front_locked(queue);
    count_locked(queue);
    pthread_mutex_unlock(&queue->lock);
    return actor;
}

struct actor *
run_queue_take_urgent(struct run_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    bool is_there = queue->urgent_last != &queue->front;
    struct actor *actor = is_there ? take_locked(queue, &queue->front) : NULL;
    count_locked(queue);
    pthread_mutex_unlock(&queue->lock);
    return actor;
}

/* Moves half of one list, rounded up, into `loot`. On the way an actor is in no queue. */
static size_t
rob_locked(struct run_queue *from, struct list *list, size_t size, struct list *loot)
{
    size_t half = (size + 1) / 2;
    for (size_t i = 0; i < half; i++) {
        struct actor *actor = take_locked(from, list);
        list_push_back(loot, &actor->queue_link);
    }
    return half;
}

static void
adopt(struct run_queue *to, struct list *loot, enum queue_end end)
{
    struct list *link;
    while ((link = list_pop_front(loot)) != NULL)
        link_locked(to, actor_of(link), end);
}

struct actor *
run_queue_steal(struct run_queue *to, struct run_queue *from, size_t *stolen_out)
{
    if (run_queue_is_empty(from))
        return NULL;

    struct list front;
    struct list back;
    list_init(&front);
    list_init(&back);
    pthread_mutex_lock(&from->lock);
    size_t stolen = rob_locked(from, &from->front, from->front_size, &front);
    stolen += rob_locked(from, &from->back, from->back_size, &back);
    count_locked(from);
    pthread_mutex_unlock(&from->lock);
    if (stolen == 0)
        return NULL;

    struct list *link = list_pop_front(list_is_empty(&front) ? &back : &front);
    if (stolen > 1) {
        pthread_mutex_lock(&to->lock);
        adopt(to, &front, QUEUE_FRONT);
        adopt(to, &back, QUEUE_BACK);
        count_locked(to);
        pthread_mutex_unlock(&to->lock);
    }
    *stolen_out = stolen;
    return actor_of(link);
}

void
run_queue_promote(struct actor *actor)
{
    /* After the store to `urgent`: pairs with link_locked(), see struct actor. NULL: on its
     * way, and whoever carries it will see that it is urgent; or already taken. */
    struct run_queue *queue = atomic_load(&actor->queued_in);
    if (!queue)
        return;

    pthread_mutex_lock(&queue->lock);
    if (atomic_load(&actor->queued_in) == queue && !actor->queued_urgent) {
        unlink_locked(queue, actor);
        atomic_store(&actor->queued_in, queue);
        link_urgent_locked(queue, actor);
    }
    pthread_mutex_unlock(&queue->lock);
}
