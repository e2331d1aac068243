/* Application tree, inside: what the files application_tree*.c share. All of it under the tree's
 * lock, but the first.
 */
#ifndef DAEMON_APPLICATION_TREE_INSIDE_H
#define DAEMON_APPLICATION_TREE_INSIDE_H

#include "daemon/application_tree.h"

/** A child that is in no tree yet, with one reference; NULL: out of memory. */
struct tree_child *tree_child_new(const char *path, struct manifest *manifest,
                                  const struct manifest_node *node);
enum airs_status tree_fail_no_memory(struct airs_error *error);
/** It was asked to be deleted, or goes anyway. */
void tree_mark_leaving_locked(struct tree_child *child);
/** Takes `child` and all below it out; the tree's reference goes. */
void tree_remove_locked(struct application_tree *tree, struct tree_child *child);

/* application_tree_enter.c */

/** AIRS_OK, or AIRS_EEXIST: `path` is taken, by a child or a template. */
enum airs_status tree_check_free(const struct application_tree *tree, const char *path,
                                 struct airs_error *error);
/** Whether there is a supervisor (`parent`, or NULL, at `path`) with room for `count` more. */
enum airs_status tree_check_room(struct tree_child *parent, const char *path, size_t count,
                                 struct airs_error *error);
/** Puts `child`, a reference that it takes in any case, under `parent` and, unless that is NULL,
 * into `template`. */
enum airs_status tree_enter_one(struct application_tree *tree, struct tree_child *parent,
                                struct tree_child *child, struct tree_template *template,
                                struct tree_entry *entry, struct airs_error *error);

/* application_tree_members.c */

/** The path of a member's node without its number; to be freed, NULL: out of memory. */
char *tree_template_path(const struct manifest_node *node);
/** The template of `node`, a member; it is made with the first of them. NULL: out of memory. */
struct tree_template *tree_template_get(struct application_tree *tree, struct tree_child *parent,
                                        struct manifest *manifest,
                                        const struct manifest_node *node);
/** The template at `path`; NULL: there is none whose name still means somebody. */
struct tree_template *tree_template_find(const struct application_tree *tree, const char *path);
/** Calls `found` with the path of each member that stays. */
void tree_each_member(const struct tree_template *template,
                      void (*found)(void *to, const char *path), void *to);
void tree_template_link(struct tree_template *template, struct tree_child *child);
/** Forgets `template`, which has no members. */
void tree_template_drop(struct application_tree *tree, struct tree_template *template);

/* application_tree_given.c */

/** `child` has come, or is another node from now on. */
void tree_note_dependant_locked(struct application_tree *tree, struct tree_child *child);

#endif
