/* An application: a manifest and the supervised tree of components that it describes.
 *
 * load → start → (requests) → stop or kill → ended → free. Events and log lines come
 * through callbacks on the library's threads; such a callback copies what it wants and
 * returns: it must not block and must not call back into the application, because a
 * restart waits for it.
 */
#ifndef AIRS_APPLICATION_H
#define AIRS_APPLICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AIRS_NONE UINT64_MAX           /* "does not apply" in a 64-bit field. */
#define AIRS_UNLIMITED UINT32_MAX      /* budget_allowed of a child that never gives up. */
#define AIRS_CALL_BYTES_MAX (1u << 20) /* Largest payload of airs_application_send and _call. */

struct airs_application;

/**
 * One event (docs: Events). Texts are NUL-terminated, constant during the callback alone,
 * and NULL where they do not apply; names are those of the JSON form.
 */
struct airs_event {
    uint64_t seq;          /* From 1, without gaps. */
    uint64_t time_us;      /* Microseconds since 1970: wall clock at start + monotonic time. */
    const char *path;      /* NULL for the application's own events. */
    const char *event;     /* "started", "exited", … */
    const char *from;      /* State before, or NULL. */
    const char *state;     /* State after, or NULL. */
    const char *reason;    /* Exit reason, or NULL. */
    const char *detail;    /* Trap code, exit code or message, or NULL. */
    const char *message;   /* All that is known, for one a trap's message and backtrace, or NULL. */
    const char *cause;     /* Path that made it happen, or NULL. */
    const char *waits_for; /* A path, "turn", "pool" or "compile", or NULL. */
    uint64_t generation;   /* 0: does not apply. */
    uint64_t delay_us;     /* AIRS_NONE: does not apply. */
    uint64_t restarts;     /* AIRS_NONE: does not apply. */
    bool has_budget;
    uint32_t budget_used;
    uint32_t budget_allowed;    /* AIRS_UNLIMITED: no limit. */
    uint32_t intensity_allowed; /* Of its supervisor, over all its children; AIRS_UNLIMITED. */
    uint64_t uptime_us;         /* "exited": since it was started; AIRS_NONE: it never was. */
    uint64_t memory_bytes;      /* "exited": the most that its memories had; AIRS_NONE: unknown. */
    int32_t exit_code;          /* With `reason`: the trap's or exit's code as a number. */

    /* What the supervisor goes on from (struct airs_memory). */
    bool ready;
    const char *stopped; /* "stopped", "stopping": why, else NULL. */
    uint64_t attempt;
    uint64_t lived_us;
    uint64_t born_lived_us;
};

/**
 * What a child's supervisor knew when the last run of the application ended, if that was no
 * orderly end; after an orderly one, at most that it is stopped by request. Durations alone.
 */
struct airs_memory {
    const char *state;   /* As in its last event; what ran then is started again. */
    const char *stopped; /* "request", "supervisor", "ended", "temporary", "ignored"; or what
                                * follows "stopping": "restart". NULL: neither. */
    uint64_t generation;
    uint64_t restarts; /* Grants since registered or reset. */
    uint64_t attempt;  /* Restarts since the last stable run. */
    uint64_t lived_us; /* The lived clock, and what it showed when `generation` began. */
    uint64_t born_lived_us;
    uint64_t delay_us;       /* "restarting": what is left of the delay. */
    const char *exit_reason; /* Of the last exit; NULL: none. */
    int32_t exit_code;
    const char *exit_detail;
    const uint64_t *grants_us; /* Lived time of the grants that may still count, oldest first. */
    size_t grants_count;
    /* A supervisor ("/" is the root): how long ago the grants over its children were, oldest
     * first, those that its intensity may still count. */
    const uint64_t *intensity_us;
    size_t intensity_count;
};

/** One line of a guest's, or one call of its `log`. Constant during the callback alone. */
struct airs_log_line {
    uint64_t time_us; /* As in struct airs_event. */
    const char *path;
    uint64_t generation; /* 0: unknown. */
    const char *stream;  /* "stdout", "stderr" or "log". */
    const char *level;   /* "trace" … "critical" of a `log` call, else NULL. */
    const char *text;    /* `size` bytes, any bytes, without the newline; not NUL-terminated. */
    size_t size;
};

/** A child as its supervisor saw it at one moment. Constant during the callback alone. */
struct airs_child {
    const char *path;
    const char *kind;  /* "supervisor", "actor", "command" or "component" (not loaded yet). */
    const char *state; /* "registered", "starting", "running", … */
    bool ready;
    uint64_t generation;
    uint64_t restarts;
    uint32_t budget_used;
    uint32_t budget_allowed; /* AIRS_UNLIMITED: no limit. */
    uint64_t within_us;      /* The window of the budget, in time that the child is ready. */
    uint64_t frees_us;       /* Of that time, until one more is allowed; AIRS_NONE: none is used. */
    const char *restart;     /* "permanent", "transient" or "temporary". */
    const char *stopped;     /* In "stopped" and "stopping": as in struct airs_memory; else NULL. */
    const char *decided_by; /* What made it so: "policy", "on-exit", "budget", … (docs: ps --json);
                               * NULL: it has had no exit and no stop. */
    const char *on_exit;    /* With "on-exit": the rule, as a manifest has it; else NULL. */
    bool escalated;         /* Its exit has ended its supervisor, and it starts when that does. */
    const char *cause; /* The path that this goes back to; NULL: none, or not known any more. */
    uint32_t intensity_allowed; /* Of its supervisor over all children; AIRS_UNLIMITED: none. */
    uint64_t intensity_within_us;
    uint64_t uptime_us;       /* AIRS_NONE: no instance. */
    uint64_t due_us;          /* Until a delay ends, or a start or a stop times out; AIRS_NONE: none
                               * does. */
    const char *waits_for;    /* NULL: nothing. */
    const char *depends_on;   /* Paths, a space between two; NULL: none. A long list is cut. */
    const char *exit_reason;  /* Of the last instance; NULL: none has ended. */
    const char *exit_detail;  /* Trap code, exit code or message; NULL: none. */
    const char *exit_message; /* All that is known of it, maybe on several lines; NULL: nothing. */
    uint64_t memory_bytes;    /* AIRS_NONE in this and the next three: a supervisor. */
    uint64_t cpu_us;
    uint64_t mailbox;      /* Messages that wait. */
    uint64_t messages;     /* Messages taken since registered. */
    const char *component; /* The file; NULL for a supervisor. */
    const char *strategy;  /* NULL for a component. */
};

/* A child that is to be added while the application runs. */
struct airs_addition {
    const char *parent; /* Path of its supervisor; "/" is the root. Required. */
    const char *text;   /* One child as it would stand under `children` of a manifest, as YAML or */
    size_t size;        /* JSON: a component, or a supervisor with all below it. Required. */
    const char *directory; /* What files in it are relative to; NULL: that of the manifest. */
    const char *file; /* The name of `text` in reports; NULL: these say no lines and columns. */
};

/** What was changed by hand while an application ran: a later run needs it to go on. */
struct airs_kept {
    /* Of what was added, or scaled. A later one of the same path takes its place. */
    const char *path;
    struct airs_addition addition; /* `text` NULL: scaled. */
    uint32_t numbers;              /* Scaled: no number beyond this one was ever given; 0: deleted
                                    * as a whole, with all that was added or scaled of it. */
};

struct airs_application_options {
    const char *manifest_path; /* Required. */
    const char *cache_dir;     /* For compiled code, made 0700; NULL: $XDG_CACHE_HOME/airs. */
    unsigned workers;          /* 0: one per core. */

    void *context; /* Given to every callback below; each may be NULL. */

    /** The seq of the last event of an earlier run: events go on behind it. As `memory`. */
    uint64_t (*last_seq)(void *context);
    /** What the last run left of the child at `path`; false: nothing. Texts and grants live
     * until airs_application_start has returned. Thread: that of airs_application_start. */
    bool (*memory)(void *context, const char *path, struct airs_memory *memory_out);

    /** The `index`-th of what `keep` was given in the last run, as long as that was cut off; false: no
     * more. Only what `memory` knows of comes back. Thread and texts: as `memory`. */
    bool (*kept)(void *context, size_t index, struct airs_kept *kept_out);
    /** Something is about to be added or scaled, or was taken over from the last run. What is
     * `deleted` afterwards need not be kept. Thread: that of airs_application_start, or of a change.
     * Blocks: for a write, at most. */
    void (*keep)(void *context, const struct airs_kept *kept);

    /** An event, in order of seq. Thread: any of the library's, one at a time. Must not block. */
    void (*event)(void *context, const struct airs_event *event);
    /** Behind a burst of events, and before any start that they announce: who keeps events writes
     * them here, at once for all. A restart waits for it once. NULL allowed. Thread: as `event`. */
    void (*event_commit)(void *context);
    /** A line. Thread: any of the library's, several at once. Must not block. */
    void (*log)(void *context, const struct airs_log_line *line);
    /** Bytes that `log` would take of `path` now; 0 makes the guest wait. NULL: no limit. */
    size_t (*log_room)(void *context, const char *path);
    /** How far compiling is, one line of text each. Thread: that of airs_application_start, or of a
     * change. */
    void (*progress)(void *context, const char *line);
    /**
     * Has `file` compiled somewhere else, for instance in a child process that gives these
     * three texts to airs_compile(). NULL: airs_application_start compiles on its own thread.
     * Thread: that of airs_application_start, or of a change; one at a time.  Blocks: as long as it
     * takes.
     */
    enum airs_status (*compile)(void *context, const char *file, const char *cache_dir,
                                const char *settings, struct airs_error *error);
    /**
     * The strategy of supervisors whose manifest says `strategy: predicate`: whether a restart of
     * `failed` takes `candidate` along, two children (paths) of the supervisor `supervisor`. NULL: a
     * manifest that says so is refused. Thread: any of the library's, inside a decision: quick, the
     * same answer each time, must not call back.
     */
    bool (*affects)(void *context, const char *supervisor, const char *failed,
                    const char *candidate);
    /**
     * The application has ended: nothing runs any more and `application-stopped` was written.
     * `exit_code`: 0, or 1 if a child is failed or the root escalated. Called once after a
     * start that succeeded. Thread: one of the library's: hand over, free elsewhere.
     */
    void (*ended)(void *context, int exit_code);
};

/** Takes one line of a report about a manifest; constant during the call alone. */
typedef void (*airs_report)(void *context, const char *text);

/**
 * Reads a manifest and everything it names; starts nothing.
 *
 * `options` and its texts are copied. Errors of the manifest are given to `report` (may be
 * NULL) with file, line and column, the first of them in `error` too: AIRS_EINVAL; a file
 * that is not there: AIRS_ENOENT.
 * Ownership: the caller frees *application_out.  Thread: any.  Blocks: for the files.
 */
AIRS_API enum airs_status airs_application_load(const struct airs_application_options *options,
                                                airs_report report, void *report_context,
                                                struct airs_application **application_out,
                                                struct airs_error *error);

/** The name in the manifest; lives as long as the application. Thread: any.  Blocks: no. */
AIRS_API const char *airs_application_name(const struct airs_application *application);

/**
 * Compiles what is not in the cache, loads, and starts the tree; `application-started` is
 * written before it returns. A component that cannot be compiled or loaded is no error
 * here: its children are `failed` with reason load-error, and the rest runs.
 * Fails with AIRS_ELIMIT when the machine cannot hold that many instances, AIRS_EBUSY after
 * airs_application_cancel, AIRS_EALREADY the second time.
 * Thread: one.  Blocks: while it compiles and loads; not for children.
 */
AIRS_API enum airs_status airs_application_start(struct airs_application *application,
                                                 struct airs_error *error);

/** Makes a start under way give up before its next component. Thread: any.  Blocks: no. */
AIRS_API void airs_application_cancel(struct airs_application *application);

/** True from a start that succeeded to `ended`. Thread: any.  Blocks: no. */
AIRS_API bool airs_application_is_running(const struct airs_application *application);

/**
 * Asks every child to stop, in reverse order, each with its own shutdown time, then ends;
 * `ended` says when, with exit code 0. Not an error when it is stopping or has ended.
 * Thread: any.  Blocks: no.
 */
AIRS_API void airs_application_stop(struct airs_application *application);

/** Ends every instance at once; otherwise as airs_application_stop. Thread: any.  Blocks: no. */
AIRS_API void airs_application_kill(struct airs_application *application);

/**
 * Waits for the end of an application that was started; gives its exit code.
 * AIRS_ETIMEDOUT after `timeout_us` (AIRS_NONE: never), AIRS_ENOTRUNNING if it never started.
 * Thread: any but the library's.  Blocks: yes.
 */
AIRS_API enum airs_status airs_application_wait(struct airs_application *application,
                                                uint64_t timeout_us, int *exit_code_out);

/**
 * Kills what still runs, joins all threads, frees. NULL is allowed.
 * Thread: any but the library's; no other call may be under way.  Blocks: until joined.
 */
AIRS_API void airs_application_free(struct airs_application *application);

/**
 * The answer to a request, exactly once for each request that was accepted (AIRS_OK), maybe
 * before the request's function returns. `text` says more (NULL: nothing); `bytes` is the
 * response of a call. Both are constant during the callback alone. Thread: any. Must not block.
 */
typedef void (*airs_done)(void *context, enum airs_status status, const char *text,
                          const void *bytes, size_t size);

/** Takes one child of a list; constant during the callback alone. Must not block. */
typedef void (*airs_visit)(void *context, const struct airs_child *child);

enum airs_verb { AIRS_START, AIRS_STOP, AIRS_RESTART, AIRS_KILL, AIRS_RESET, AIRS_DELETE };

/** "start", …, "delete". Thread: any.  Blocks: no. */
AIRS_API const char *airs_verb_name(enum airs_verb verb);
/** False, and *verb_out untouched, for any other name. Thread: any.  Blocks: no. */
AIRS_API bool airs_verb_find(const char *name, enum airs_verb *verb_out);

/** What a change does: `what` is "added" or "deleted", and to whom; constant during the call
 * alone. Thread: that of the change. */
typedef void (*airs_changed)(void *context, const char *what, const char *path);

/**
 * Adds a child, or a whole supervisor, to a supervisor that runs or not; started if that runs.
 *
 * All that is added is named to `changed` (may be NULL) in tree order. A temporary child that was
 * added is deleted at its end, and when its supervisor stops. A component that cannot be
 * compiled or loaded is no error: it is added, and `failed` with reason load-error.
 * Fails with AIRS_EEXIST (the error names the state of what exists), AIRS_ENOENT (no such
 * supervisor, or a file that is not there), AIRS_EINVAL (the parent is a component; errors of
 * the text are given to `report`, may be NULL), AIRS_ELIMIT (max-children; or more memory than
 * instances were given at start), AIRS_EBUSY (the application is stopping), AIRS_ENOTRUNNING; then
 * nothing is added.
 * An instance beyond `max-instances` is no error: its start waits for `pool`.
 * Thread: any but the library's, one change at a time: others wait.  Blocks: while it compiles, and
 * until the supervisor has answered.
 */
AIRS_API enum airs_status airs_application_add(struct airs_application *application,
                                               const struct airs_addition *addition,
                                               airs_report report, airs_changed changed,
                                               void *context, struct airs_error *error);

/**
 * Makes `count` children of the one with a `count` at `path` ("/web/back"): adds the next numbers,
 * or deletes the highest ones, each stopped by its own shutdown. 0 is allowed.
 *
 * A number that is still being deleted is not used again. Each is named to `changed` (may be
 * NULL). Fails with AIRS_ENOENT, AIRS_EINVAL (a child without `count`, or more than 100,000),
 * AIRS_ELIMIT (max-children; then nothing changes), AIRS_EBUSY (the application is stopping),
 * AIRS_ENOTRUNNING.
 * Thread: as airs_application_add.  Blocks: until the supervisor has answered; not for stops.
 */
AIRS_API enum airs_status airs_application_scale(struct airs_application *application,
                                                 const char *path, uint32_t count,
                                                 airs_changed changed, void *context,
                                                 struct airs_error *error);

/**
 * Deletes the one with a `count` at `path` ("/web/back"): all its children, as airs_application_scale,
 * and then the name is free. Who depends on it waits until something has that name again.
 * Fails as airs_application_scale, but is also taken while the application is stopping; and so in its
 * threads and in what it waits for.
 */
AIRS_API enum airs_status airs_application_delete_template(struct airs_application *application,
                                                           const char *path, airs_changed changed,
                                                           void *context, struct airs_error *error);

/* How many children a supervisor has, not counting what is below them. */
struct airs_counts {
    uint32_t children;
    uint32_t registered, restarting, starting, running, stopping, stopped, failed;
    uint32_t ready; /* Of those that run. */
};

/** Called once; `counts` is NULL unless AIRS_OK. Thread: any. Must not block. */
typedef void (*airs_counted)(void *context, enum airs_status status,
                             const struct airs_counts *counts);

/**
 * Counts the children of the supervisor at `path` ("/" is the root) at one moment. It costs the
 * same however many they are: the supervisor has counted already.
 * Fails as airs_application_control, AIRS_EINVAL: a component. Thread: any.  Blocks: no.
 */
AIRS_API enum airs_status airs_application_count(struct airs_application *application,
                                                 const char *path, airs_counted counted,
                                                 void *context, struct airs_error *error);

enum airs_found {
    AIRS_FOUND_NOTHING,
    AIRS_FOUND_SUPERVISOR,
    AIRS_FOUND_COMPONENT,
    AIRS_FOUND_TEMPLATE /* No child: the name of all children of one `count`. */
};

/** What there is at `path` now ("/" is a supervisor): of the manifest, or added, and not deleted;
 * no child: `error` says so, and names the nearest path. Thread: any.  Blocks: no. */
AIRS_API enum airs_found airs_application_find(const struct airs_application *application,
                                               const char *path, struct airs_error *error);

/** One difference between a running tree and its manifest as it is now; constant during the call
 * alone. */
struct airs_difference {
    /* "deleted", "changed", "added", "reordered" (the children of `path`); "note": something that
     * only a new start of the application can follow; "rolled-back": the new code of `path` did not
     * get ready, and the old one is back; "failed": `path` could not be changed. */
    const char *change;
    const char *path;     /* NULL of a "note". */
    const char *restarts; /* "changed": the keys for which it starts again, or NULL. */
    const char *live;     /* "changed": the keys that hold at once, or NULL. */
    const char *text;     /* All of it as one line: "~ /web/front restarts: args; live: backoff". */
};

struct airs_reload {
    bool dry_run; /* Says what would change, and changes nothing. */
    void (*differs)(void *context, const struct airs_difference *difference); /* NULL is allowed. */
    /* What is wrong with the manifest, or with a file in it; NULL is allowed. */
    airs_report report;
    void *context; /* Of both. Thread: that of the reload. */
};

/**
 * Reads the manifest again, and makes the running tree what it says.
 *
 * What has not changed is not touched. A component whose spec or whose file has changed starts
 * again, uncounted; if new code does not get ready, all children of that file that had it already
 * go back to the old one. Everything else changes live. Children that were added by hand stay, unless
 * the manifest now has their name.
 * Nothing has changed when it fails, but for AIRS_EFAILED: something could not be changed, or was
 * rolled back (both were given to `differs`), and the rest is done. AIRS_EINVAL, AIRS_ENOENT:
 * the manifest is wrong, its name is another, or it is gone · AIRS_ELOAD: a component of it cannot be
 * compiled, loaded or given its arguments · AIRS_ELIMIT: more memory or more children than were
 * made room for at start · AIRS_EBUSY: another reload is under way, or the application is stopping ·
 * AIRS_ENOTRUNNING.
 * Thread: any but the library's.  Blocks: while it compiles, and for each component whose code
 * changes until it is ready or has failed to be.
 */
AIRS_API enum airs_status airs_application_reload(struct airs_application *application,
                                                  const struct airs_reload *reload,
                                                  struct airs_error *error);

/**
 * Asks the supervisor of `path` for `verb` (docs: By hand). `done` gets AIRS_OK once it is
 * accepted: the change itself comes as events. AIRS_EALREADY "already running", AIRS_EBUSY
 * "busy", AIRS_ENOTRUNNING "not running".
 * Fails with AIRS_ENOENT when there is no such child (the error names the nearest one),
 * AIRS_ENOTRUNNING when the application does not run, AIRS_EBUSY when it is stopping and `verb` is
 * start, restart or reset. Thread: any.  Blocks: no.
 */
AIRS_API enum airs_status airs_application_control(struct airs_application *application,
                                                   enum airs_verb verb, const char *path,
                                                   airs_done done, void *context,
                                                   struct airs_error *error);

/**
 * Visits every child from `path` down in tree order (NULL or "/": all), then calls `done`.
 * Visits come on several threads, but never two at once. Fails as airs_application_control.
 * Thread: any.  Blocks: no.
 */
AIRS_API enum airs_status airs_application_list(struct airs_application *application,
                                                const char *path, airs_visit visit, airs_done done,
                                                void *context, struct airs_error *error);

/** As airs_application_list, for the one child `path`. Thread: any.  Blocks: no. */
AIRS_API enum airs_status airs_application_get(struct airs_application *application,
                                               const char *path, airs_visit visit, airs_done done,
                                               void *context, struct airs_error *error);

/**
 * Puts a message into the mailbox of the actor `path`; done when this returns. The bytes are
 * copied. AIRS_ENOENT, AIRS_EINVAL (not an actor), AIRS_ELIMIT (mailbox full, or more than
 * AIRS_CALL_BYTES_MAX), AIRS_EENDED (refused in this state). Thread: any.  Blocks: no.
 */
AIRS_API enum airs_status airs_application_send(struct airs_application *application,
                                                const char *path, const void *bytes, size_t size,
                                                struct airs_error *error);

/**
 * As airs_application_send; `done` gets the response: AIRS_OK and its bytes, AIRS_EREJECTED
 * (the guest's err, in `text`), AIRS_EENDED, AIRS_ETIMEDOUT after `timeout_us`.
 */
AIRS_API enum airs_status airs_application_call(struct airs_application *application,
                                                const char *path, const void *bytes, size_t size,
                                                uint64_t timeout_us, airs_done done, void *context,
                                                struct airs_error *error);

/**
 * Compiles the .wasm file `file` into `cache_dir`, as the `compile` hook was asked to.
 *
 * AIRS_EINVAL (settings), AIRS_ENOENT, AIRS_ELOAD (not a component of a kind that can run),
 * AIRS_ELIMIT (too large), AIRS_EIO (for one a full disk; nothing partial stays), AIRS_EDENIED
 * (the cache is not this user's own).
 * Thread: any but the library's.  Blocks: 50 ms to many seconds, on all cores.
 */
AIRS_API enum airs_status airs_compile(const char *file, const char *cache_dir,
                                       const char *settings, struct airs_error *error);

/** The seq of the last event; 0 before the first. Thread: any.  Blocks: no. */
AIRS_API uint64_t airs_application_last_seq(const struct airs_application *application);

/** Version of libairs, "0.1.0". Thread: any.  Blocks: no. */
AIRS_API const char *airs_version(void);
/** Version of the engine inside. Thread: any.  Blocks: no. */
AIRS_API const char *airs_engine_version(void);

#ifdef __cplusplus
}
#endif
#endif
