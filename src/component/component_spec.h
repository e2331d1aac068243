/* Component spec: what a component child is: which file, and what it is given.
 *
 * Whether the file is an actor or a command is found when it is loaded, from its exports;
 * so values whose default depends on that are left open here (0), and rules such as "no
 * `args` on an actor" belong to the loader. Made by one thread, then immutable and shared
 * (counted): all children of a `count` have the same one.
 */
#ifndef COMPONENT_COMPONENT_SPEC_H
#define COMPONENT_COMPONENT_SPEC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>

#define COMPONENT_MEMORY_MIN_BYTES (UINT64_C(64) << 10) /* One page of wasm. */
#define COMPONENT_MEMORY_MAX_BYTES (UINT64_C(4) << 30)  /* All that 32 bits address. */
#define COMPONENT_MEMORY_DEFAULT_BYTES (UINT64_C(64) << 20)
#define COMPONENT_CALL_TIMEOUT_DEFAULT_US UINT64_C(30000000) /* Of an actor; a command has none. */
#define COMPONENT_CPU_TIMEOUT_DEFAULT_US UINT64_C(5000000)   /* Of an actor; a command has none. */
#define COMPONENT_MAILBOX_DEFAULT 1024u
#define COMPONENT_MAILBOX_MAX 1000000u
/* More arguments or variables are refused (AIRS_ELIMIT). */
#define COMPONENT_ARGS_MAX 1024u
#define COMPONENT_ENVIRONMENT_MAX 1024u

enum stdin_mode {
    STDIN_EMPTY, /* At its end at once. */
    STDIN_OPEN,  /* Ends when the command is asked to stop. */
};

/* What a full mailbox does with one more message. */
enum on_full { ON_FULL_REJECT, ON_FULL_DROP_OLDEST, ON_FULL_BLOCK };

struct component_limits {
    uint64_t memory_bytes;    /* Per instance, over all its memories. */
    uint64_t call_timeout_us; /* DURATION_INFINITE: none. 0: not set, the kind's default. */
    uint64_t cpu_timeout_us;  /* As call_timeout_us. */
    uint32_t mailbox;         /* Messages. */
    enum on_full on_full;
    uint32_t redeliver; /* Times that a message which ended the instance is handled again. */
};

struct component_variable {
    char *name;
    char *value;
};

struct component_spec {
    atomic_uint references; /* component_spec_unref's last decrement pairs with all others. */

    /* Constant once shared. */
    char *component; /* The file as the manifest names it. */
    char *file;      /* The file as it can be opened. */
    char **args;     /* NULL-terminated; NULL when there are none. */
    size_t args_size;
    struct component_variable *environment;
    size_t environment_size;
    char *config; /* NULL: none. */
    /* A command's, if its health is on: the file that is its heartbeat, as the manifest names it;
     * NULL: lines on stdout. */
    char *heartbeat_file;
    char *heartbeat_path; /* The same, as it can be opened. */
    enum stdin_mode stdin_mode;
    struct component_limits limits;
};

struct child_spec; /* The name by which policy hands a spec on (policy/supervisor_bridge.h). */

/**
 * A spec with the defaults, no file yet, and one reference; NULL when out of memory.
 * Its fields may be filled until it is shared; its strings are malloc'd and become its own.
 */
struct component_spec *component_spec_new(void);
/** One more reference to `spec`, which is returned; NULL is allowed. Thread: any. */
struct component_spec *component_spec_ref(struct component_spec *spec);
/** One less; the last one frees it. NULL is allowed. Thread: any. */
void component_spec_unref(struct component_spec *spec);

/** Sets both names of the file. Copies; AIRS_ENOMEM leaves the spec as it was. */
enum airs_status component_spec_set_file(struct component_spec *spec, const char *component,
                                         const char *file, struct airs_error *error);
/** Adds one argument. Copies. AIRS_ENOMEM, AIRS_ELIMIT. */
enum airs_status component_spec_add_arg(struct component_spec *spec, const char *arg,
                                        struct airs_error *error);
/** Adds one variable. Copies. AIRS_EEXIST: that name is there; AIRS_ENOMEM, AIRS_ELIMIT. */
enum airs_status component_spec_add_variable(struct component_spec *spec, const char *name,
                                             const char *value, struct airs_error *error);
/** Sets the text handed to `initialize`. Copies. AIRS_ENOMEM. */
enum airs_status component_spec_set_config(struct component_spec *spec, const char *config,
                                           struct airs_error *error);

/** Sets both names of the heartbeat's file. Copies; AIRS_ENOMEM leaves the spec as it was. */
enum airs_status component_spec_set_heartbeat(struct component_spec *spec, const char *file,
                                              const char *path, struct airs_error *error);

/** The same object under the name by which policy passes it through, and back. */
static inline const struct child_spec *
component_spec_to_child(const struct component_spec *spec)
{
    return (const struct child_spec *)(const void *)spec;
}

static inline const struct component_spec *
component_spec_of_child(const struct child_spec *child)
{
    return (const struct component_spec *)(const void *)child;
}

#endif
