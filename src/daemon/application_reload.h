/* What the files application_reload*.c share: one reload under way. */
#ifndef DAEMON_APPLICATION_RELOAD_H
#define DAEMON_APPLICATION_RELOAD_H

#include <stdbool.h>

#include <airs/application.h>

#include "base/map.h"
#include "daemon/application_internal.h"
#include "manifest/manifest_diff.h"

/* New code has this long to get ready, beyond what its start-timeout and start-period allow. */
#define SWAP_READY_US UINT64_C(30000000)

struct component_file;

/* A file that the new manifest names, where it is not what children are given now. */
struct reload_file {
    struct component_spec *spec;   /* One that names it; referenced: the map's key is in it. */
    struct component_file *before; /* What they are given; NULL: nobody has asked for it. */
    struct component_file *after;  /* What stands in it. */
    bool is_done;                  /* Children were given `after`, whatever came of it. */
};

struct reload {
    struct airs_application *application;
    const struct airs_reload *options;
    struct manifest *next;
    struct manifest_diff diff;
    struct map files;                      /* Path → struct reload_file. */
    struct map next_at;                    /* Path → node of `next`. */
    struct tree_entry scaled;              /* Members beyond what the manifest of now says. */
    const struct manifest_node *behind_of; /* The supervisor for which this was looked up last: */
    /* the place of the first child behind what is being added that was there before. */
    size_t behind;

    size_t added, deleted, restarted, changed;
    size_t rolled_back;                     /* Children. */
    size_t failed;                          /* Changes that could not be made. */
    char trouble[AIRS_ERROR_MESSAGE_BYTES]; /* The first of those two, in words. */
};

/* application_reload_check.c: errors go to the report of whoever asked, too. */
/** Reads the manifest. As manifest_load. */
enum airs_status reload_load(struct reload *reload, struct airs_error *error);
/** AIRS_EINVAL, AIRS_ELIMIT: the application that runs cannot be what the manifest says. */
enum airs_status reload_check(const struct reload *reload, struct airs_error *error);
/** AIRS_EINVAL: with the children that were added by hand it is a circle of dependencies. Once the
 * paths of the new manifest are known. */
enum airs_status reload_check_circle(struct reload *reload, struct airs_error *error);
/** AIRS_ELOAD: a component does not fit the `args` or `stdin` that it is to have. Once the difference
 * is known. */
enum airs_status reload_check_specs(const struct reload *reload, struct airs_error *error);

/* application_reload.c */
/** The first that `next` has of the entry at `template`, without a number; NULL: no such entry. */
const struct manifest_node *reload_first_of(const struct reload *reload, const char *template,
                                            size_t size);

/* application_reload_tell.c */
/** Gives a line of the user's. */
void reload_tell(const struct reload *reload, const char *change, const char *path,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
/** A change could not be made: the rest goes on. */
void reload_fail(struct reload *reload, const char *path, const struct airs_error *error);
/** Tells the whole difference, and counts it. */
void reload_tell_difference(struct reload *reload);

/* application_reload_files.c */
/** Compiles and opens each file that is new or has changed. AIRS_ELOAD: one of them cannot run;
 * AIRS_ENOMEM, AIRS_EBUSY (cancelled). Blocks: while it compiles. */
enum airs_status reload_prepare_files(struct reload *reload, struct airs_error *error);
void reload_files_deinit(struct reload *reload);
/** The file of a component, if it is new or has changed; else NULL. */
struct reload_file *reload_file_of(const struct reload *reload, const struct manifest_node *node);

/* application_reload_apply.c */
/** Makes what is in the tree what the new manifest says. */
void reload_apply(struct reload *reload);
/** Adds what is new; the manifest is the tree's by now. */
void reload_add(struct reload *reload);
/** Gives `change` to its child, with its keys as detail unless `what` has another; *generation_out
 * as of the bridge. False: it failed, and is told. */
bool reload_change(struct reload *reload, const struct manifest_change *change,
                   const struct bridge_change *what, uint32_t *generation_out);

/* application_reload_swap.c */
/** Whether a changed child gets other code, which has to prove itself. */
bool reload_is_swap(const struct reload *reload, const struct manifest_change *change);
/** Gives all children of the file of `first` (a place among the changes) their new code, one after
 * the other; those of a file whose swap was done before are passed over. */
void reload_swap_file(struct reload *reload, size_t first);

#endif
