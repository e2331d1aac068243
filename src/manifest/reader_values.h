/* Reader values: one function for each type of the schema. Used by reader*.c alone.
 *
 * Each reports what is wrong with `value` and then leaves its place as it was.
 */
#ifndef MANIFEST_READER_VALUES_H
#define MANIFEST_READER_VALUES_H

#include "manifest/reader.h"

#define READER_PHRASE_BYTES 256 /* "permanent, transient or temporary" */

/* reader.c */

/** "a, b or c": the words of a row that may be written. */
const char *reader_words_phrase(const struct schema_field *field, char phrase[READER_PHRASE_BYTES]);
/** Reports that a value is of another kind than its row takes. */
void reader_complain_type(struct reader *reader, const struct schema_field *field,
                          const struct yaml_node *value);
/** Reports a failure other than of memory, which is remembered. */
void reader_take_status(struct reader *reader, const struct yaml_node *at, enum airs_status status,
                        const struct airs_error *error);

/* reader_text.c */

/** Whether it is text, and not what only looks like it: a bare 80 or true is none in YAML. */
bool reader_is_text(struct reader *reader, const struct schema_field *field,
                    const struct yaml_node *value);
void reader_store_text(struct reader *reader, char **place, const char *text);
void reader_read_name(struct reader *reader, const struct schema_field *field,
                      const struct yaml_node *value, char **place);
void reader_read_file(struct reader *reader, const struct schema_field *field,
                      const struct yaml_node *value, struct component_spec *spec);
void reader_read_host_file(struct reader *reader, const struct schema_field *field,
                           const struct yaml_node *value, struct component_spec *spec);
void reader_read_args(struct reader *reader, const struct schema_field *field,
                      const struct yaml_node *list, struct component_spec *spec);
void reader_read_environment(struct reader *reader, const struct schema_field *field,
                             const struct yaml_node *map, struct component_spec *spec);

void reader_read_paths(struct reader *reader, const struct schema_field *field,
                       const struct yaml_node *list, struct manifest_node *node);

/* reader_exit.c: lists of what an exit leads to. */

void reader_read_rules(struct reader *reader, const struct schema_field *field,
                       const struct yaml_node *list, struct manifest_node *node);
void reader_read_codes(struct reader *reader, const struct schema_field *field,
                       const struct yaml_node *list, struct manifest_node *node);

/* reader_number.c: scalars that are not null and no word of their row. */

void reader_read_integer(struct reader *reader, const struct schema_field *field,
                         const struct yaml_node *value, uint32_t *place);
void reader_read_number(struct reader *reader, const struct schema_field *field,
                        const struct yaml_node *value, double *place);
/** True: *place was set. */
bool reader_read_duration(struct reader *reader, const struct schema_field *field,
                          const struct yaml_node *value, uint64_t *place);
void reader_read_size(struct reader *reader, const struct schema_field *field,
                      const struct yaml_node *value, uint64_t *place);
void reader_read_boolean(struct reader *reader, const struct schema_field *field,
                         const struct yaml_node *value, bool *place);
void reader_read_jitter(struct reader *reader, const struct schema_field *field,
                        const struct yaml_node *value, struct backoff *backoff);

#endif
