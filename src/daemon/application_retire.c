/* Retiring: a listing shows configs and specs while nobody holds a lock. What is replaced meanwhile
 * is kept until no listing is under way.
 */
#include <stdlib.h>

#include "daemon/application_internal.h"

struct retired {
    struct list link;
    void *object;
    void (*release)(void *object);
};

void
application_listing_begins(struct airs_application *application)
{
    pthread_mutex_lock(&application->lock);
    application->listings++;
    pthread_mutex_unlock(&application->lock);
}

static void
release_all(struct list *retired)
{
    struct list *link;
    while ((link = list_pop_front(retired)) != NULL) {
        struct retired *one = container_of(link, struct retired, link);
        one->release(one->object);
        free(one);
    }
}

void
application_listing_ends(struct airs_application *application)
{
    struct list retired;
    list_init(&retired);
    pthread_mutex_lock(&application->lock);
    if (--application->listings == 0)
        list_append_all(&retired, &application->retired);
    pthread_mutex_unlock(&application->lock);
    release_all(&retired);
}

void
application_retired_free(struct airs_application *application)
{
    release_all(&application->retired);
}

void
application_retire(struct airs_application *application, void *object,
                   void (*release)(void *object))
{
    struct retired *retired = calloc(1, sizeof *retired);
    pthread_mutex_lock(&application->lock);
    bool is_shown = application->listings > 0;
    if (is_shown && retired) {
        retired->object = object;
        retired->release = release;
        list_push_back(&application->retired, &retired->link);
    }
    pthread_mutex_unlock(&application->lock);
    if (is_shown)
        return;
    release(object);
    free(retired);
}
