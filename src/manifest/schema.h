/* Schema: the one table of the manifest's keys.
 *
 * A row says which entries may have a key, what it holds, where its value lives in the
 * tree, its limits and its default, as it would be written. Reading, checking, defaults,
 * `airs check --effective` and the JSON Schema all walk this table; so none of them can
 * know a key that another does not. `later` and SCHEMA_LATER mark what this version lacks:
 * it is refused by name.
 */
#ifndef MANIFEST_SCHEMA_H
#define MANIFEST_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manifest/manifest.h"

#define SCHEMA_VALUE_BYTES_MAX (128u << 10) /* One argument, or the value of a variable. */
#define SCHEMA_CONFIG_BYTES_MAX (1u << 20)  /* `config`. */
#define SCHEMA_PATH_BYTES_MAX 4000u         /* `heartbeat-file`. */
#define SCHEMA_COUNT_MAX MANIFEST_CHILDREN_MAX
#define DEPENDS_ON_MAX 256u /* Paths in one `depends-on`. */

/* The entries of a manifest; `on` of a row is a set of them. */
enum schema_entry {
    SCHEMA_APPLICATION = 1,
    SCHEMA_COMPONENT = 2,
    SCHEMA_SUPERVISOR = 4,
};

enum schema_type {
    SCHEMA_NAME,      /* char *; the pattern of names. */
    SCHEMA_FILE,      /* spec->component and spec->file; must be there. */
    SCHEMA_HOST_FILE, /* spec->heartbeat_file and spec->heartbeat_path; need not be there. */
    SCHEMA_TEXT,      /* char * */
    SCHEMA_TEXT_LIST, /* spec->args */
    SCHEMA_TEXT_MAP,  /* spec->environment */
    SCHEMA_INTEGER,   /* uint32_t */
    SCHEMA_NUMBER,    /* double */
    SCHEMA_DURATION,  /* uint64_t, microseconds */
    SCHEMA_SIZE,      /* uint64_t, bytes */
    SCHEMA_CHOICE,    /* an enum */
    SCHEMA_BOOLEAN,   /* bool */
    SCHEMA_JITTER,    /* jitter and jitter_upward of a struct backoff */
    SCHEMA_OBJECT,    /* `fields`, each with its own place; with `is_switch` a bool, too */
    SCHEMA_BACKOFF,   /* an object, or a list of durations */
    SCHEMA_RULES,     /* config.policy.rules */
    SCHEMA_CODES,     /* config.policy.success */
    SCHEMA_PATHS,     /* node->depends_on */
    SCHEMA_CHILDREN,  /* entries; read by manifest.c */
    SCHEMA_LATER,     /* Not supported yet: refused by name. */
};

/* What `offset` counts from. */
enum schema_home { HOME_NONE, HOME_MANIFEST, HOME_NODE, HOME_CONFIG, HOME_SPEC };

/* A word that stands for a value: the choices of SCHEMA_CHOICE, "infinity" of a duration. */
struct schema_word {
    const char *word;
    uint64_t value;
    bool is_alias; /* Read, but never written. */
    bool later;    /* Not supported yet. */
};

struct schema_field {
    const char *key;
    enum schema_type type;
    unsigned on; /* Set of enum schema_entry. */
    bool required;
    bool later_above_min; /* Anything but `min` is refused by name. */
    bool is_switch;       /* An object that is off unless it is there; its place is a bool. */
    bool zero_is_unset;   /* 0 is "not set": its default is known at run time alone. */
    enum schema_home home;
    size_t offset;
    uint64_t min, max;   /* Of an integer, a duration, a size; bytes of a text. */
    unsigned strategies; /* Of a key of `backoff`: set of 1 << enum backoff_strategy; 0: all. */
    const struct schema_word *words;
    size_t words_size;
    const struct schema_field *fields;
    size_t fields_size;
    const char *fallback;            /* The default as written; NULL: none, or worked out. */
    const char *fallback_supervisor; /* Of a supervisor, where it differs. */
    const char *fallback_note;       /* Says what holds where a fallback cannot. */
    const char *help;
};

/** All rows of entries, in the order in which they are written. */
extern const struct schema_field schema_fields[];
extern const size_t schema_fields_size;

/** The row of `key` among `fields`; NULL when there is none. */
const struct schema_field *schema_find(const struct schema_field *fields, size_t size,
                                       const char *key);

/** Where the value of `field` lives for `node`; NULL of HOME_NONE. */
void *schema_place(const struct schema_field *field, struct manifest *manifest,
                   struct manifest_node *node);

/** The same of a tree that is not changed. */
const void *schema_place_const(const struct schema_field *field, const struct manifest *manifest,
                               const struct manifest_node *node);

/** The default of `field` on an entry as it would be written; NULL when there is none. */
const char *schema_fallback(const struct schema_field *field, enum schema_entry entry);

/** The word of `value`, or NULL. Aliases are not found. */
const char *schema_word_of(const struct schema_field *field, uint64_t value);

/** Which entry `node` is. */
enum schema_entry schema_entry_of(const struct manifest_node *node);

#endif
