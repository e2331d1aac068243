/* Shared policy: a chained hash table; each policy lies in one block with its arrays. */
#include "runtime/shared_policy.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 16u

struct shared_policy {
    struct shared_policies *owner; /* Constant, as `hash` and `policy`. */
    struct shared_policy *next;    /* In its bucket. */
    uint64_t hash;
    size_t references;
    struct child_policy policy; /* Its arrays follow. */
};

void
shared_policies_init(struct shared_policies *policies)
{
    *policies = (struct shared_policies){ 0 };
    pthread_mutex_init(&policies->lock, NULL);
}

void
shared_policies_deinit(struct shared_policies *policies)
{
    assert(policies->size == 0);
    free(policies->buckets);
    pthread_mutex_destroy(&policies->lock);
}

size_t
shared_policies_count(struct shared_policies *policies)
{
    pthread_mutex_lock(&policies->lock);
    size_t size = policies->size;
    pthread_mutex_unlock(&policies->lock);
    return size;
}

/* ---- Equality: every field, since a forgotten one would give a child another's policy. ---- */

_Static_assert(sizeof(struct child_policy) == 144, "policies_are_equal() compares every field");
_Static_assert(sizeof(struct backoff) == 72, "backoffs_are_equal() compares every field");
_Static_assert(sizeof(struct exit_rule) == 20, "rules_are_equal() compares every field");

static size_t
delays_of(const struct backoff *backoff)
{
    return backoff->strategy == BACKOFF_LIST ? backoff->list_size : 0;
}

static bool
backoffs_are_equal(const struct backoff *a, const struct backoff *b)
{
    size_t delays = delays_of(a);
    return a->strategy == b->strategy && a->initial_us == b->initial_us && a->factor == b->factor &&
           a->max_us == b->max_us && a->jitter == b->jitter &&
           a->jitter_upward == b->jitter_upward && a->reset_after_us == b->reset_after_us &&
           delays == delays_of(b) &&
           (delays == 0 || memcmp(a->list_us, b->list_us, delays * sizeof *a->list_us) == 0);
}

static bool
ranges_are_equal(struct code_range a, struct code_range b)
{
    return a.first == b.first && a.last == b.last;
}

static bool
rules_are_equal(const struct exit_rule *a, const struct exit_rule *b)
{
    return a->reason == b->reason && a->has_codes == b->has_codes &&
           ranges_are_equal(a->codes, b->codes) && a->action == b->action;
}

static bool
arrays_are_equal(const struct child_policy *a, const struct child_policy *b)
{
    if (a->rules_size != b->rules_size || a->success_size != b->success_size)
        return false;
    for (uint32_t i = 0; i < a->rules_size; i++)
        if (!rules_are_equal(&a->rules[i], &b->rules[i]))
            return false;
    for (uint32_t i = 0; i < a->success_size; i++)
        if (!ranges_are_equal(a->success[i], b->success[i]))
            return false;
    return true;
}

static bool
policies_are_equal(const struct child_policy *a, const struct child_policy *b)
{
    return a->restart == b->restart && a->max_restarts == b->max_restarts &&
           a->within_us == b->within_us && a->on_exhausted == b->on_exhausted &&
           backoffs_are_equal(&a->backoff, &b->backoff) && a->shutdown_us == b->shutdown_us &&
           a->start_timeout_us == b->start_timeout_us && a->reports_ready == b->reports_ready &&
           a->significant == b->significant &&
           a->when_dependency_restarts == b->when_dependency_restarts && arrays_are_equal(a, b);
}

static uint64_t
mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* Of what is likely to differ. */
static uint64_t
hash_of(const struct child_policy *policy)
{
    uint64_t hash = mix((uint64_t)policy->restart, policy->max_restarts);
    hash = mix(hash, policy->within_us);
    hash = mix(hash, (uint64_t)policy->backoff.strategy);
    hash = mix(hash, policy->backoff.initial_us);
    hash = mix(hash, policy->backoff.max_us);
    for (size_t i = 0; i < delays_of(&policy->backoff); i++)
        hash = mix(hash, policy->backoff.list_us[i]);
    hash = mix(hash, policy->shutdown_us);
    hash = mix(hash, policy->start_timeout_us);
    return mix(hash, policy->rules_size);
}

/* ---- The table ---- */

static bool
grow_locked(struct shared_policies *policies)
{
    size_t size = policies->buckets_size ? policies->buckets_size * 2 : BUCKETS_MIN;
    struct shared_policy **buckets = calloc(size, sizeof *buckets);
    if (!buckets)
        return policies->buckets_size > 0; /* Longer chains do, too. */
    for (size_t i = 0; i < policies->buckets_size; i++) {
        struct shared_policy *shared = policies->buckets[i], *next;
        for (; shared; shared = next) {
            next = shared->next;
            shared->next = buckets[shared->hash & (size - 1)];
            buckets[shared->hash & (size - 1)] = shared;
        }
    }
    free(policies->buckets);
    policies->buckets = buckets;
    policies->buckets_size = size;
    return true;
}

static struct shared_policy *
find_locked(const struct shared_policies *policies, const struct child_policy *policy,
            uint64_t hash)
{
    if (policies->buckets_size == 0)
        return NULL;
    struct shared_policy *shared = policies->buckets[hash & (policies->buckets_size - 1)];
    while (shared && !(shared->hash == hash && policies_are_equal(&shared->policy, policy)))
        shared = shared->next;
    return shared;
}

/* Copies an array to *end, which moves on; of nothing it is NULL. */
static void *
put_array(char **end, const void *array, size_t bytes)
{
    void *copy = *end;
    if (bytes == 0)
        return NULL;
    memcpy(copy, array, bytes);
    *end += bytes;
    return copy;
}

/* NULL: out of memory. */
static struct shared_policy *
new_policy(const struct child_policy *policy, uint64_t hash)
{
    size_t delays = delays_of(&policy->backoff) * sizeof *policy->backoff.list_us;
    size_t rules = policy->rules_size * sizeof *policy->rules;
    size_t success = policy->success_size * sizeof *policy->success;
    struct shared_policy *shared = malloc(sizeof *shared + delays + rules + success);
    if (!shared)
        return NULL;
    *shared = (struct shared_policy){ .hash = hash, .policy = *policy };
    char *end = (char *)(shared + 1); /* The largest alignment first. */
    shared->policy.backoff.list_us = put_array(&end, policy->backoff.list_us, delays);
    shared->policy.backoff.list_size = delays_of(&policy->backoff);
    shared->policy.rules = put_array(&end, policy->rules, rules);
    shared->policy.success = put_array(&end, policy->success, success);
    return shared;
}

static struct shared_policy *
add_locked(struct shared_policies *policies, const struct child_policy *policy, uint64_t hash)
{
    if (policies->size == policies->buckets_size && !grow_locked(policies))
        return NULL;
    struct shared_policy *shared = new_policy(policy, hash);
    if (!shared)
        return NULL;
    struct shared_policy **bucket = &policies->buckets[hash & (policies->buckets_size - 1)];
    shared->owner = policies;
    shared->next = *bucket;
    *bucket = shared;
    policies->size++;
    return shared;
}

const struct child_policy *
shared_policy_ref(struct shared_policies *policies, const struct child_policy *policy)
{
    uint64_t hash = hash_of(policy);
    pthread_mutex_lock(&policies->lock);
    struct shared_policy *shared = find_locked(policies, policy, hash);
    if (!shared)
        shared = add_locked(policies, policy, hash);
    if (shared)
        shared->references++;
    pthread_mutex_unlock(&policies->lock);
    return shared ? &shared->policy : NULL;
}

static void
remove_locked(struct shared_policies *policies, struct shared_policy *shared)
{
    struct shared_policy **place = &policies->buckets[shared->hash & (policies->buckets_size - 1)];
    while (*place != shared)
        place = &(*place)->next;
    *place = shared->next;
    policies->size--;
}

void
shared_policy_unref(const struct child_policy *policy)
{
    if (!policy)
        return;
    struct shared_policy *shared =
        (struct shared_policy *)((uintptr_t)policy - offsetof(struct shared_policy, policy));
    struct shared_policies *policies = shared->owner;
    pthread_mutex_lock(&policies->lock);
    bool is_last = --shared->references == 0;
    if (is_last)
        remove_locked(policies, shared);
    pthread_mutex_unlock(&policies->lock);
    if (is_last)
        free(shared);
}
