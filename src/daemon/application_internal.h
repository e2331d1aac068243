/* What the files application*.c share: one application and its parts. */
#ifndef DAEMON_APPLICATION_INTERNAL_H
#define DAEMON_APPLICATION_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include <airs/application.h>
#include <airs/types.h>

#include "base/list.h"
#include "base/map.h"
#include "component/log_sink.h"
#include "daemon/application_tree.h"
#include "policy/component_supervisor.h"

struct actor_system;
struct component_registry;
struct component_spawner;
struct component_spec;
struct engine;
struct event;
struct manifest;
struct manifest_node;
struct supervisor_wrapper;

enum application_phase {
    APPLICATION_LOADED,
    APPLICATION_STARTING, /* Compiles, loads. */
    APPLICATION_RUNNING,
    APPLICATION_STOPPING, /* By request, or because nothing can run any more. */
    APPLICATION_ENDED
};

struct airs_application {
    struct airs_application_options options; /* Constant; texts are our own copies. */
    struct manifest *manifest;               /* What was loaded last. Under change_lock. */
    char *name;                              /* Constant. */
    struct application_tree tree;            /* What there is now. Has its own lock. */

    /* Made by airs_application_start, constant until airs_application_free. */
    struct engine *engine;
    struct actor_system *system;
    struct component_registry *registry;
    struct component_spawner *spawner;
    struct supervisor_wrapper *wrapper;
    struct component_supervisor *supervisor;
    uint64_t memory_bytes_max; /* What an instance can have, as of start. */
    uint32_t instances_max;    /* How many there can be. */
    bool large_code;
    airs_pid caller;         /* The actor that keeps the deadlines of calls. */
    uint64_t wall_offset_us; /* Wall clock − monotonic clock, taken at start. */

    struct log_sink log_sink;

    /* The last escalation of a child of the root. Touched in the root's turns, as its end is. */
    struct refstr *escalated;
    struct refstr *escalated_detail;

    /* Held through a whole change of the tree, by whoever asked for it: never by the library. */
    pthread_mutex_t change_lock;
    struct map unloadable; /* File → why it could not be compiled (malloc'd). Touched by the thread
                            * that starts the application, then under change_lock. */

    pthread_t follower; /* application_follow.c. Under change_lock. */
    bool has_follower;

    atomic_bool reloading;      /* A reload is under way. */
    struct reload_watch *watch; /* What a reload waits for; NULL: nothing. Under watch_lock. */
    pthread_mutex_t watch_lock;
    pthread_cond_t watch_seen;

    atomic_bool cancelled; /* Set by airs_application_cancel; read between components. */

    pthread_mutex_t lock; /* Guards what follows. Never held across a call out of here. */
    pthread_cond_t ended; /* Signalled when `phase` becomes APPLICATION_ENDED. */
    enum application_phase phase;
    bool stop_requested; /* From outside: then the exit code is 0 whatever failed. */
    int exit_code;
    bool holds_idle;     /* A reload is in the middle of its changes: the tree may be empty now. */
    bool was_idle;       /* Meanwhile nothing can run any more, … */
    bool idle_failed;    /* … and some child is failed. */
    unsigned listings;   /* Under way. */
    struct list retired; /* struct retired: what a listing may still show. */
    struct list calls;   /* struct call: requests whose answer or deadline is to come. */
};

/** application_events.c: sinks that turn what the layers say into public values. */
void application_on_event(void *context, const struct event *event);
void application_log_sink_init(struct airs_application *application);
/** The short detail of an exit: trap code, exit code, or the first line of `text` (may be
 * NULL); maybe in `buffer`. */
#define EXIT_DETAIL_SIZE 256
/** "request", "supervisor" … */
const char *application_stop_name(enum stop_cause cause);
const char *application_exit_detail(struct exit_info exit, const char *text,
                                    char buffer[EXIT_DETAIL_SIZE]);

/** application_load.c: compiles each file once; returns what to give to the engine. */
struct engine_config;
enum airs_status application_compile_all(struct airs_application *application,
                                         struct engine_config *config, struct airs_error *error);
/** A line of progress. Thread: that of start, or of a change. */
void application_report(struct airs_application *application, const char *line);
/** Has one more file compiled, for the engine that runs. What is wrong with it is also said by the
 * children that run it. Under change_lock.  Blocks: while it compiles. */
enum airs_status application_compile(struct airs_application *application,
                                     const struct component_spec *spec, struct airs_error *error);
/** Why the compiler refused `file`; NULL: it did not. Thread: that of start, or of a change. */
const char *application_load_error(void *context, const char *file);
void application_load_errors_free(struct airs_application *application);

/** application_build.c: everything up to the tree, registered and not yet started. What was
 * made when it fails stays in `application`, for airs_application_free. */
enum airs_status application_build(struct airs_application *application, struct airs_error *error);
/** Until each `registered` was written. Blocks: for the supervisors' turns. */
void application_wait_for_registered(struct airs_application *application);
void application_write_event(struct airs_application *application, enum event_type type);
/** `reloaded`, with what came of it (out of memory: without). */
void application_write_reloaded(struct airs_application *application, const char *detail);
/** `application-stopped`; of an escalation with its reason and the child that caused it. */
void application_write_stopped(struct airs_application *application, struct exit_info exit);
/** application.c: the root's callbacks, on a worker. */
void application_on_idle(void *context, bool idle, bool any_failed);
void application_on_stopping(void *context);
void application_on_end(void *context, struct exit_info exit);

/** application_memory.c: what the last run left of `path`, as the wrapper asks for it. */
struct child_memory;
bool application_memory(void *context, const char *path, struct child_memory *memory_out);

/** application_call.c */
enum airs_status application_calls_start(struct airs_application *application,
                                         struct airs_error *error);
/** Frees calls that the end of the actor system left; after actor_system_stop. */
void application_calls_free(struct airs_application *application);

/** Where it is now. Thread: any. */
enum application_phase application_phase(const struct airs_application *application);
/** AIRS_ENOTRUNNING unless the tree is up. */
enum airs_status application_check_running(struct airs_application *application,
                                           struct airs_error *error);
/** The same, and AIRS_EBUSY while it is stopping: for what would have children run, now or later. */
enum airs_status application_check_not_stopping(struct airs_application *application,
                                                struct airs_error *error);
/** AIRS_OK, or AIRS_ENOENT with the nearest path: there is no child `path`. */
enum airs_status application_check_path(struct airs_application *application, const char *path,
                                        struct airs_error *error);

/** application.c: the errors of a manifest, line by line. */
struct manifest_report;
void application_give_report(const struct manifest_report *manifest_report, airs_report report,
                             void *context);
/** A strategy that is a predicate needs options.affects: AIRS_EINVAL. Sets it in `node`. */
enum airs_status application_check_strategy(struct airs_application *application,
                                            const struct manifest_node *node,
                                            struct airs_error *error);

/* application_reload.c */

/** Takes in what the reload under way waits for. On any thread, in a decision. */
void application_watch_event(struct airs_application *application, const struct event *event);

/* application_retire.c */

/** A listing shows configs and specs: they are kept until it ends. Thread: any. */
void application_listing_begins(struct airs_application *application);
void application_listing_ends(struct airs_application *application);
/** Gives `object`, which is not to be shown any more, to `release` once no listing shows it; out of
 * memory: never. Thread: any. */
void application_retire(struct airs_application *application, void *object,
                        void (*release)(void *object));
/** Releases what is kept. */
void application_retired_free(struct airs_application *application);

/* application_follow.c */

/** Lets everybody who depends on the name of a `count` depend on the members that there are now.
 * Under change_lock, or before the application runs.  Blocks: until supervisors have taken it. */
void application_follow(struct airs_application *application);
/** Joins the thread that does so when members go by themselves. */
void application_follow_end(struct airs_application *application);
/** AIRS_ELIMIT: there would be more than MANIFEST_DEPENDENCIES_MAX dependencies, with `members`
 * more at the template `template` (or NULL), and `more` others. Under change_lock. */
enum airs_status application_check_dependencies_max(struct airs_application *application,
                                                    const char *template, uint32_t members,
                                                    uint64_t more, struct airs_error *error);

/* application_circle.c */

/* Whether `child` is there, as it is, after a change. Not under the tree's lock. */
typedef bool (*application_stays)(void *context, const struct tree_child *child);
/** AIRS_EINVAL: `nodes`, with all below them, and those of the tree that stay (NULL: all) would
 * depend in a circle, which the error shows; AIRS_ENOMEM. Under change_lock. Costs O(dependencies). */
enum airs_status application_check_circle(struct airs_application *application,
                                          application_stays stays, void *context,
                                          struct manifest_node *const *nodes, size_t size,
                                          struct airs_error *error);
/** The same of all that is there, and AIRS_ELIMIT as above. */
enum airs_status application_check_dependencies(struct airs_application *application,
                                                struct manifest_node *const *nodes, size_t size,
                                                struct airs_error *error);

/* application_change.c: all of it under change_lock, but the first. Thread: any that may wait. */

/** Whom to tell what became of a change. */
struct application_changes {
    airs_changed changed; /* NULL: nobody. */
    void *context;
};

/** Puts one child of the tree under supervision; before the application runs, or in a change. */
enum airs_status application_supervise(struct airs_application *application,
                                       struct tree_child *child, bool is_apart,
                                       struct airs_error *error);
/**
 * Adds `nodes`, siblings out of `manifest` (referenced), with all below them, under the
 * supervisor at their parent's path; each is started when that one runs. All or none.
 * Fails as tree_enter(), AIRS_ELIMIT also for more memory than instances were given at start.
 * Blocks: while it compiles, and until the supervisors have answered.
 */
enum airs_status application_add_nodes(struct airs_application *application,
                                       struct manifest *manifest,
                                       struct manifest_node *const *nodes, size_t size,
                                       bool is_dynamic, const struct application_changes *changes,
                                       struct airs_error *error);
/** Puts all that came in together under supervision: all of it runs, or none of it stays. */
enum airs_status application_supervise_entry(struct airs_application *application,
                                             const struct tree_entry *entry,
                                             struct airs_error *error);
void application_tell(const struct application_changes *changes, const char *what,
                      const struct tree_child *child);
/** That all of them were added. */
void application_tell_all(const struct application_changes *changes,
                          const struct tree_entry *entry);
/** Asks for `child` to be deleted, with all below it. */
void application_ask_to_leave(struct airs_application *application, struct tree_child *child);
/** application_restore.c: what was added and scaled in the last run, if that was cut off, into the
 * tree. Before the application runs. What cannot be read any more is said, and left out. */
void application_restore(struct airs_application *application);
/** Hands on what is about to be added (`node`, or the first of several), was scaled, or is to be
 * deleted with its name. */
void application_keep_addition(struct airs_application *application,
                               const struct airs_addition *addition,
                               const struct manifest_node *node);
void application_keep_count(struct airs_application *application, const char *path);
void application_keep_gone(struct airs_application *application, const char *path);
/** Reads one child that is to come under `parent`. As manifest_parse_child. */
enum airs_status application_read_child(struct airs_application *application,
                                        const struct airs_addition *addition,
                                        const struct tree_child *parent, airs_report report,
                                        void *context, struct manifest **manifest_out,
                                        struct airs_error *error);
/** Deletes `path` with all below it; returns when its path is free. Blocks: while it stops. */
enum airs_status application_delete_path(struct airs_application *application, const char *path,
                                         struct airs_error *error);

#endif
