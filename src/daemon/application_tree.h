/* Application tree: which paths there are now, and what each of them is.
 *
 * It begins as the manifest has it; children that are added while the application runs come in,
 * and whatever is deleted goes out with its event. States are not here: they live in the nodes.
 * One lock, held for a few instructions and never across a call out of here.
 */
#ifndef DAEMON_APPLICATION_TREE_H
#define DAEMON_APPLICATION_TREE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <airs/status.h>

#include "base/list.h"
#include "base/map.h"
#include "policy/supervisor_config.h"

#define TEMPLATE_PATH_BYTES_MAX 4096 /* A longer path cannot be. */

struct manifest;
struct manifest_node;

/* A child whose entry has a `count`: its members come and go by number. */
struct tree_template {
    char *path;                       /* "/web/back", which is no child's. Constant, as the next. */
    struct manifest *manifest;        /* Referenced: it holds `node`. Both until the next reload. */
    const struct manifest_node *node; /* Any of the members that the entry made; all are alike. */
    struct list link;    /* In its supervisor's `templates`. Under the tree's lock, too: */
    struct list members; /* tree_child.member, by number. */
    uint32_t staying;    /* Members that are not being deleted. */
    bool is_leaving;     /* Goes with its last member: its name means nobody now. */
};

/* What a child depends on, where that is not what its manifest says: since it was read, members of
 * a `count` that is named there have come or gone. */
struct tree_given {
    struct supervisor_config config; /* As that of its node, but for depends_on. */
    struct tree_given *earlier;      /* That somebody may still hold; or NULL. */
    size_t size;
    char *paths[];
};

/* Counted: the tree's reference until it is deleted, and one of whoever has it in hand. */
struct tree_child {
    atomic_uint references;
    char *path;      /* Constant, as the next two. */
    uint32_t number; /* Of a template's member; else 0. */
    bool is_dynamic;
    /* Constant but for a reload, which has all changes to itself: read in a change, or under the
     * tree's lock. */
    const char *parent_path;          /* In `manifest`; NULL of the root. */
    struct manifest *manifest;        /* Referenced: it holds `node`. */
    const struct manifest_node *node; /* What it is: its policy, its spec. Of a member that was
                                       * scaled up: the template's, whose path is another. */
    struct tree_given *given;         /* NULL: what `node` says. As `node`. */
    bool goes_on;                     /* It came in while an earlier run ran, which was cut off. */
    struct tree_child *parent; /* NULL of the root. Under the tree's lock, as all that follows. */
    struct list siblings;      /* In its parent's `children`, in their order. */
    struct list children;
    uint32_t children_size;
    struct list templates;
    struct tree_template *of; /* NULL: no member. */
    struct list member;
    struct list depends; /* In tree.dependants, if it depends on anything. */
    bool is_leaving;     /* It was asked to be deleted. */
};

struct application_tree {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* Something was deleted. */
    struct map children;    /* Path → struct tree_child. */
    struct map templates;   /* Path → struct tree_template. */
    struct list dependants; /* tree_child.depends. */
    bool member_gone;       /* Of a template, since that was asked last. */
    bool is_closed;
    struct tree_child *root;
};

/** The tree of `manifest`, of which it takes a reference. AIRS_ENOMEM. */
enum airs_status tree_init(struct application_tree *tree, struct manifest *manifest,
                           struct airs_error *error);
/** Also of zeroed memory. */
void tree_deinit(struct application_tree *tree);

struct tree_child *tree_child_ref(struct tree_child *child);
/** Thread: any. */
void tree_child_unref(struct tree_child *child);

/** The child at `path`, referenced; NULL: none. Thread: any. */
struct tree_child *tree_find(struct application_tree *tree, const char *path);
/** Calls `found` with each child that `path` means: itself, or the members of a template that stay;
 * false: nothing has that name. Under the lock: `found` must not come back here. Thread: any. */
bool tree_each_meant(struct application_tree *tree, const char *path,
                     void (*found)(void *to, const char *path), void *to);
/** Reports that there is no child `path`, with the nearest path. */
enum airs_status tree_fail_no_child(struct application_tree *tree, const char *path,
                                    struct airs_error *error);
/** The next in tree order, a supervisor before its children; NULL: the end. Under the lock, or
 * before the application runs. */
struct tree_child *tree_next(const struct tree_child *child);

/* What came in together. */
struct tree_entry {
    struct tree_child **children; /* In tree order, each referenced. */
    size_t size;
};

/**
 * Takes the names of `nodes` (siblings out of `manifest`) and of all below them, under their
 * parent's path; all of them or none.
 * AIRS_EEXIST, AIRS_ENOENT (the parent is gone), AIRS_EINVAL (it is no supervisor), AIRS_ELIMIT
 * (its max-children), AIRS_ENOMEM. Thread: any. Ownership: the caller deinits *entry_out.
 */
enum airs_status tree_enter(struct application_tree *tree, struct manifest *manifest,
                            struct manifest_node *const *nodes, size_t size, bool is_dynamic,
                            bool goes_on, struct tree_entry *entry_out, struct airs_error *error);
/** The member with `number`, which is higher than all that are there. As below. */
enum airs_status tree_enter_number(struct application_tree *tree, const char *path, uint32_t number,
                                   struct airs_error *error);
/** `count` more members of the template at `path`, with the numbers behind the highest one.
 * As tree_enter; AIRS_ENOENT: no such template. */
enum airs_status tree_enter_members(struct application_tree *tree, const char *path, uint32_t count,
                                    bool goes_on, struct tree_entry *entry_out,
                                    struct airs_error *error);
void tree_entry_deinit(struct tree_entry *entry);

/** Takes `child` and all below it out, if it is still in. Thread: any. */
void tree_remove(struct application_tree *tree, struct tree_child *child);
/** The same for whatever is at `path`. */
void tree_remove_path(struct application_tree *tree, const char *path);

/** Marks `child` as asked to be deleted; false: it is already, or gone. */
bool tree_mark_leaving(struct application_tree *tree, struct tree_child *child);
/** Waits until `child` has been taken out. Thread: any that may wait.  Blocks: yes. */
void tree_wait_gone(struct application_tree *tree, struct tree_child *child);

/** Whether `path` is there, and whether it is a component. Thread: any. */
bool tree_look(struct application_tree *tree, const char *path, bool *is_component_out);
/** Whether `path` is there, and was not asked to be deleted. Thread: any. */
bool tree_has(struct application_tree *tree, const char *path);

/* For a reload. */

/** Whether `path` is there, stays, and was added by hand. Thread: any. */
bool tree_is_by_hand(struct application_tree *tree, const char *path);
/** Whether the child at the node's path is there, stays, and is of its kind. Thread: any. */
bool tree_is_like(struct application_tree *tree, const struct manifest_node *node);

/** Members of the entries of `manifest` that were scaled up beyond what it says, in tree order; all that
 * stay. AIRS_ENOMEM. In a change. Ownership: the caller deinits *scaled_out. */
enum airs_status tree_find_scaled(struct application_tree *tree, const struct manifest *manifest,
                                  struct tree_entry *scaled_out);
/**
 * `manifest` is what the tree is from now on: each child of it that the tree has is what it says,
 * each template that it has makes what it says, and those that were scaled up are like its first. Every manifest that somebody lets go of is given
 * to `release`, once for each. Blocks: O(children).
 */
void tree_adopt(struct application_tree *tree, struct manifest *manifest,
                void (*release)(void *context, struct manifest *manifest), void *context);
/** Puts the child at `path` in front of its sibling at `before_path`; NULL, or none: at the end. */
void tree_move(struct application_tree *tree, const char *path, const char *before_path);
/** The path of the first of those children of the supervisor at `path` that were added by hand, which
 * stand behind all others; the caller's, NULL: none. Thread: any. */
char *tree_first_by_hand(struct application_tree *tree, const char *path);
/** The name of the template at `path` means nobody from now on; it is free when its last member is
 * gone. */
void tree_drop_template(struct application_tree *tree, const char *path);

/** Waits until the template of `node`, if its name means nobody, is gone.  Blocks: yes. */
void tree_wait_template_gone(struct application_tree *tree, const struct manifest_node *node);

/* For who depends on members of a template. */

/** How the child is to be treated. In a change, or before the application runs. */
const struct supervisor_config *tree_child_config(const struct tree_child *child);
/** `config`, but depending on `paths`, which are copied; NULL: out of memory. */
struct tree_given *tree_given_new(const struct supervisor_config *config, const char *const *paths,
                                  size_t size);
/** Of a struct tree_given, or NULL. */
void tree_given_free(void *given);

struct tree_stale {
    struct tree_child *child; /* Referenced. */
    struct tree_given *given; /* What it is to be given. */
};

struct tree_stales {
    struct tree_stale *items;
    size_t size;
    bool names_template; /* Somebody depends on a template. */
};

/** Every child that does not depend on what its `depends-on` means now. AIRS_ENOMEM: not all of
 * them. In a change, or before the application runs. Ownership: the caller deinits *stales_out. */
enum airs_status tree_find_stale(struct application_tree *tree, struct tree_stales *stales_out);
void tree_stales_deinit(struct tree_stales *stales);
/** All dependencies of all children, if the template at `template` (may be NULL) had so many more
 * members. In a change. */
uint64_t tree_count_dependencies(struct application_tree *tree, const char *template,
                                 uint32_t members);
/** Every child that depends on anything and stays. AIRS_ENOMEM. Ownership: the caller deinits it. */
enum airs_status tree_find_dependants(struct application_tree *tree,
                                      struct tree_entry *dependants_out);
/** Waits until a member of a template is gone that was not seen here; false: the tree was closed.
 * Thread: one. */
bool tree_wait_member_gone(struct application_tree *tree);
/** Nobody is to wait any more. Thread: any. */
void tree_close(struct application_tree *tree);

/** The highest number that the template at `path` has given to a member that is there; 0: none. */
uint32_t tree_highest_number(struct application_tree *tree, const char *path);
/** Members of the template at `path` that stay; false: no such template. */
bool tree_template_size(struct application_tree *tree, const char *path, uint32_t *size_out);
/** Marks the last `count` of the members that stay (or all, if there are fewer) as leaving, the highest
 * number first. AIRS_ENOMEM: none of them. Ownership: the caller deinits *entry_out. */
enum airs_status tree_take_last_members(struct application_tree *tree, const char *path,
                                        uint32_t count, struct tree_entry *entry_out,
                                        struct airs_error *error);

#endif
