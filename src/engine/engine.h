/* Engine: what all instances of a process's application share.
 *
 * One engine holds one pool, made at once from counts: instance slots, linear memories and
 * fiber stacks. It cannot grow. It also owns the I/O thread on which waits of guests (sleep,
 * timers of WASI) come due, and the epoch by which computing guests are interrupted.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>

/** Instance slots of an engine whose configuration names none. */
#define ENGINE_INSTANCES_DEFAULT 64u
/** The most instance slots of one engine; more are refused. */
#define ENGINE_INSTANCES_MAX 1000000u
/** limits.memory of an instance whose options name none. */
#define ENGINE_MEMORY_BYTES_DEFAULT (UINT64_C(64) << 20)
/** The largest limits.memory: what 32-bit guests can address. */
#define ENGINE_MEMORY_BYTES_MAX (UINT64_C(4) << 30)
/** Memory maps of the process that one live instance needs: two for its stack, three for memory. */
#define ENGINE_MAPS_PER_INSTANCE 5u
/** Memory maps left for everything that is not an instance. */
#define ENGINE_MAPS_RESERVED 1000u
/** Engines at a time in one process; one more is refused. */
#define ENGINES_MAX 16u
/** Stack of a guest's code; deeper recursion is the trap stack-overflow. */
#define ENGINE_GUEST_STACK_BYTES (1024u << 10)
/** Fiber stack beyond the guest's own, for host functions; these use at most 64 KiB. */
#define ENGINE_HOST_STACK_BYTES (256u << 10)
/** Elements of one table; a module that needs more cannot be loaded. */
#define ENGINE_TABLE_ELEMENTS_MAX 100000u
/** Compiled code above this size makes an engine "large_code". */
#define ENGINE_LARGE_CODE_BYTES (UINT64_C(4) << 20)

struct engine;

/** Zero fields take the defaults. The same values must go to component_compile(). */
struct engine_config {
    uint32_t instances_max;    /* Live instances at a time: slots, stacks and memories. */
    uint64_t memory_bytes_max; /* The largest memory limit that any instance will have. */
    bool large_code;           /* A component's code exceeds ENGINE_LARGE_CODE_BYTES. */

    /* Called when a parked call can go on, with the id given to the instance: from any thread,
     * also inside instance_poll(); must neither block nor call this engine. NULL: not told. */
    void (*wake)(void *wake_context, uint64_t id);
    void *wake_context;

    bool test_doors; /* Offers airs:test/doors to guests: for tests of this folder. */
};

/**
 * Makes an engine with its pool and its I/O thread.
 *
 * Fails with AIRS_EINVAL when a number is out of its range, AIRS_ELIMIT when the machine does
 * not allow that many memory maps (the message has both numbers and what to do) or ENGINES_MAX
 * are there, AIRS_ENOMEM when the pool or the thread cannot be made.
 * Ownership: caller gets *engine_out.  Thread: any, but not before a fork().  Blocks: the pool
 * of 100,000 instances takes 0.3 s.
 */
enum airs_status engine_new(const struct engine_config *config, struct engine **engine_out,
                            struct airs_error *error);

/**
 * Frees the engine and ends its I/O thread; no wake call is made after the return. Its
 * instances and components must have been freed. NULL is allowed.
 * Thread: any but a wake callback.  Blocks: until the I/O thread has ended.
 */
void engine_free(struct engine *engine);

/** Advances the epoch: each computing guest asks its on_epoch soon. Thread: any.  Blocks: no. */
void engine_tick(struct engine *engine);

/** How often engine_tick() was called. Thread: any.  Blocks: no. */
uint64_t engine_ticks(const struct engine *engine);

/** The instance slots this engine was made with. Thread: any.  Blocks: no. */
uint32_t engine_instances_max(const struct engine *engine);

/** The version of the engine below, as "48.0.8". Thread: any.  Blocks: no. */
const char *engine_version(void);

/** What is in use of the pool at this moment. */
struct engine_usage {
    uint64_t instances; /* Component instances. */
    uint64_t core_instances;
    uint64_t memories;
    uint64_t tables;
    uint64_t stacks;
};

/** Thread: any.  Blocks: no. */
void engine_usage(const struct engine *engine, struct engine_usage *usage_out);

/** vm.max_map_count of this machine; 65530 where it cannot be read. Thread: any. */
uint64_t engine_maps_max(void);
/** How many instances at a time `maps_max` memory maps allow. Thread: any. */
uint64_t engine_instances_fit(uint64_t maps_max);

#endif
