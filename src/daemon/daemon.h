/* The daemon: one application run for its user, reachable through its control socket.
 *
 * daemon_run() is the whole life of `airs up`: manifest, directories, lock and socket,
 * compile children, application, loop, and everything gone again.
 *
 * Control socket (docs: Control API; app_dirs.h finds it). Bodies are JSON, lists one object
 * a line (application/x-ndjson):
 *   GET  /v1/version              {"name":…,"version":…,"engine":…,"app":…,"pid":…,"seq":…}; seq is
 *                                 that of the last event
 *   GET  /v1/children             the tree, one `ps --json` object a line
 *   GET  /v1/children/PATH        the same for one child; ?tree=1 for it and all below
 *   POST /v1/children/PATH/VERB   start stop restart kill reset delete → {"path":…,"verb":…,"status":"done"},
 *                                 or "already running" as its status (200 too)
 *        …/add?directory=D&file=F body = one child as under `children`, YAML or JSON; PATH is the
 *                                 supervisor, /v1/children/add the root; → one {"path":…,
 *                                 "verb":"add","status":"added"} a line. D: what its files are
 *                                 relative to, F: how errors name the body
 *        …/scale?count=N          of a child with a `count` → the same lines, "added" or "deleted",
 *                                 or one of PATH that is "unchanged"
 *        …/send                   body = the message → {"path":…,"verb":"send","status":"done"}
 *        …/call?timeout=30s       body = the message → 200 and the response's bytes as they are
 *                                 (application/octet-stream)
 *   GET  /v1/events               events with seq > since, without it all that are kept;
 *                                 ?since=N&follow=1; 410 when since + 1 is no longer kept
 *   GET  /v1/logs/PATH            lines as {"time":…,"path":…,"generation":…,"stream":…,"level":…,
 *                                 "text":…}; ?follow=1; ?lines=N for the last N. Of one child:
 *                                 from its files; /v1/logs or a supervisor's: from memory
 *   GET  /v1/counts/PATH          {"path":…,"children":…,"registered":…, …,"failed":…,"ready":…} of a
 *                                 supervisor; /v1/counts: of the root
 *   POST /v1/reload             reads the manifest again; ?dry_run=1 changes nothing. One difference a
 *                                line: {"change":…,"path":…,"restarts":…,"live":…,"text":…}; change is
 *                                deleted, changed, added, reordered, note, rolled-back or failed
 *   POST /v1/down                 stops; the answer {"status":"stopped"} comes when the
 *                                 application has ended, the process is gone a moment later
 *                                 (the socket is closed last); ?kill=1 kills
 *   GET  /healthz /readyz         200 "ok", or 503 while not ready
 * Errors: {"error":TEXT,"status":HTTP number}: 400 wrong use (exit 2), 404 no such child
 * (exit 4), 405, 408, 409 busy (also the application, while it stops), exists or not running, 413,
 * 429 mailbox full, 502 the target failed or ended ("kind": "error", "target-ended" or
 * "delivery-failed"), 503 the application is starting or has ended, 504 out of time.
 * PATH is percent-encoded, its slashes as they are: /v1/children/web/back%231/restart.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#define DAEMON_EXIT_INTERRUPTED 130 /* A second SIGINT (or SIGTERM) killed everything at once. */

struct daemon_options {
    const char *manifest_path; /* Required. */
    bool detach;
    uint64_t for_us;  /* Stop this long after application-started; 0: never. */
    unsigned workers; /* 0: one per core. */

    void *context; /* Given to every hook; each may be NULL. None may block for long. */

    /** The socket is up, the application is about to compile and start. Main thread. */
    void (*listening)(void *context, const char *name, const char *socket_path);
    /** A line about compiling. Starter thread; with `detach` main thread, in the parent. */
    void (*progress)(void *context, const char *line);
    /** `application-started` was written. Main thread. */
    void (*started)(void *context);
    /**
     * Killing takes too long: when this returns, the process ends at once. The last chance to
     * give a terminal back. Main thread.
     */
    void (*giving_up)(void *context);
    /**
     * A line for the user: why it failed, or what was lost. Without this hook: stderr. With
     * `detach`: the parent's stderr until started, then the daemon's own log. Main thread.
     */
    void (*report)(void *context, const char *line);
};

/**
 * Runs the application until it ends; returns the exit code of `airs up`.
 *
 * 0 ended, or was ended by signal, `down` or `for_us`; with `detach`: application-started was
 * written; 1 it failed or could not start; 2 the manifest is wrong; 130 a second signal. When it returns, the event stream
 * has been closed behind `application-stopped` (a reader that does not read is given
 * DAEMON_DRAIN_US, then cut off), and socket and lock are gone.
 * With `detach` call it before any thread is started: it forks, and the child never returns
 * from here. Signals SIGINT, SIGTERM and SIGHUP are taken over, SIGPIPE is ignored, and all
 * stay blocked for threads started by the hooks. Thread: main.  Blocks: yes.
 */
int daemon_run(const struct daemon_options *options);

/** What the hidden verb `compile-component` runs (argv[0] is the verb); see compile_child.h. */
int compile_child_main(int argc, char **argv);

#define DAEMON_DRAIN_US UINT64_C(1000000)

#endif
