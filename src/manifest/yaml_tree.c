/* YAML tree: libfyaml's events into nodes.
 *
 * The builder is a loop with an explicit path (`place`), so the depth of a file costs no
 * stack of ours. Memory comes in blocks that are freed together.
 */
#include "manifest/yaml_tree.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libfyaml.h>

#include "base/utf8.h"

#define BLOCK_BYTES (64u << 10)

struct yaml_block {
    struct yaml_block *next;
    size_t used;
    size_t size;
    max_align_t bytes[];
};

struct builder {
    struct yaml_tree *tree;
    struct manifest_report *report;
    const char *text; /* The source. */
    size_t text_size;
    struct yaml_node *place; /* The open map or list; NULL outside. */
    struct yaml_node *key;   /* Of the open map: the key whose value comes next. */
    size_t read;             /* Where the last event ended. */
    unsigned depth;
    unsigned documents;
};

static void *
tree_alloc(struct yaml_tree *tree, size_t size)
{
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct yaml_block *block = tree->blocks;
    if (!block || block->size - block->used < size) {
        size_t bytes = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        block = malloc(sizeof *block + bytes);
        if (!block)
            return NULL;
        *block = (struct yaml_block){ .next = tree->blocks, .size = bytes };
        tree->blocks = block;
    }
    void *memory = (char *)block->bytes + block->used;
    block->used += size;
    return memset(memory, 0, size);
}

void
yaml_tree_deinit(struct yaml_tree *tree)
{
    while (tree->blocks) {
        struct yaml_block *next = tree->blocks->next;
        free(tree->blocks);
        tree->blocks = next;
    }
    *tree = (struct yaml_tree){ 0 };
}

/* Reports at a place of the source, and ends the parse. */
#define refuse(builder, offset, size, ...)                                                   \
    (manifest_report_add((builder)->report, (builder)->text, (builder)->text_size, (offset), \
                         (size), __VA_ARGS__),                                               \
     AIRS_EINVAL)

/* The bytes of an event. One without a mark is an empty value: it stands behind its key. */
static void
event_place(const struct builder *builder, struct fy_event *event, size_t *offset_out,
            size_t *size_out)
{
    const struct fy_mark *start = fy_event_start_mark(event);
    const struct fy_mark *end = fy_event_end_mark(event);
    *offset_out = builder->key ? builder->key->offset : 0;
    *size_out = builder->key ? builder->key->size : 1;
    if (!start || !end || start->input_pos > builder->text_size ||
        end->input_pos > builder->text_size)
        return;
    *offset_out = start->input_pos;
    *size_out = end->input_pos > start->input_pos ? end->input_pos - start->input_pos : 1;
}

static enum airs_status
refuse_features(struct builder *builder, struct fy_event *event, size_t offset, size_t size)
{
    if (event->type == FYET_ALIAS)
        return refuse(builder, offset, size, "aliases ('*name') are not allowed in a manifest");
    if (fy_event_get_anchor_token(event))
        return refuse(builder, offset, size, "anchors ('&name') are not allowed in a manifest");
    if (fy_event_get_tag_token(event))
        return refuse(builder, offset, size, "tags ('!name') are not allowed in a manifest");
    return AIRS_OK;
}

static size_t
column_of(const struct builder *builder, size_t offset)
{
    size_t column = 0;
    while (column < offset && !strchr("\r\n", builder->text[offset - column - 1]))
        column++;
    return column;
}

/* Refuses a block of text ("|" or ">") that is not indented deeper than its key, or than the
 * dash before it. It would be empty; but libfyaml 0.7 takes the lines after it for its own. */
static enum airs_status
refuse_shallow_block(struct builder *builder, const struct yaml_node *node)
{
    const struct yaml_node *owner = builder->key ? builder->key : builder->place;
    size_t stop = node->offset + node->size, start = node->offset, at = node->offset;

    for (; at < stop && strchr(" \r\n", builder->text[at]); at++)
        if (builder->text[at] != ' ')
            start = at + 1;
    if (at == stop || !owner || at - start > column_of(builder, owner->offset))
        return AIRS_OK;
    return refuse(builder, at, 1,
                  "a block of text must be indented deeper than what it belongs to");
}

static enum airs_status
scalar_fill(struct builder *builder, struct fy_event *event, struct yaml_node *node)
{
    enum fy_node_style style = fy_event_get_node_style(event);
    struct fy_token *token = fy_event_get_token(event);
    size_t size = 0;
    const char *text = token ? fy_token_get_text(token, &size) : "";

    if (!text)
        return AIRS_ENOMEM;
    if (token && (style == FYNS_LITERAL || style == FYNS_FOLDED)) {
        enum airs_status status = refuse_shallow_block(builder, node);
        if (status != AIRS_OK)
            return status;
    }
    if (size > YAML_TEXT_BYTES_MAX)
        return refuse(builder, node->offset, 1, "this text has %zu bytes; the limit is %u", size,
                      YAML_TEXT_BYTES_MAX);
    if (utf8_valid_size(text, size) != size)
        return refuse(builder, node->offset, node->size, "this text is not valid YAML");
    if (memchr(text, '\0', size))
        return refuse(builder, node->offset, node->size, "text must not contain a NUL character");
    char *copy = tree_alloc(builder->tree, size + 1);
    if (!copy)
        return AIRS_ENOMEM;
    if (size > 0)
        memcpy(copy, text, size);
    node->text = copy;
    node->text_size = size;
    node->quoted = token && style != FYNS_PLAIN && style != FYNS_ANY;
    if (node->quoted && node->offset > 0 && strchr("'\"", builder->text[node->offset - 1])) {
        node->offset--;
        node->size += 2;
    }
    return AIRS_OK;
}

static const struct yaml_node *
find_pair(const struct yaml_node *map, const char *key, size_t key_size)
{
    for (const struct yaml_node *pair = map->first; pair; pair = pair->next)
        if (!pair->duplicate && pair->key->text_size == key_size &&
            memcmp(pair->key->text, key, key_size) == 0)
            return pair;
    return NULL;
}

/* Reports a key that the open map has already. */
static bool
is_duplicate(struct builder *builder, const struct yaml_node *key)
{
    const struct yaml_node *first = find_pair(builder->place, key->text, key->text_size);
    if (!first)
        return false;
    unsigned line = 0, column = 0;
    if (!manifest_report_is_full(builder->report))
        manifest_place(builder->text, builder->text_size, first->key->offset, &line, &column);
    manifest_report_add(builder->report, builder->text, builder->text_size, key->offset, key->size,
                        "key '%s' stands here a second time; the first is at %u:%u", key->text,
                        line, column);
    return true;
}

static enum airs_status
take_key(struct builder *builder, struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR)
        return refuse(builder, node->offset, node->size, "a key must be text, not %s",
                      yaml_node_what(node));
    if (node->text_size > YAML_KEY_BYTES_MAX)
        return refuse(builder, node->offset, 1, "this key has %zu bytes; the limit is %u",
                      node->text_size, YAML_KEY_BYTES_MAX);
    if (builder->place->children == YAML_PAIRS_MAX)
        return refuse(builder, node->offset, node->size, "more than %u keys in one map",
                      YAML_PAIRS_MAX);
    builder->key = node;
    return AIRS_OK;
}

/* Puts a finished scalar, or a map or list that begins, where it belongs. */
static enum airs_status
place_node(struct builder *builder, struct yaml_node *node)
{
    struct yaml_node *place = builder->place;

    node->parent = place;
    if (!place) {
        builder->tree->root = node;
        return AIRS_OK;
    }
    if (place->kind == YAML_MAP && !builder->key)
        return take_key(builder, node);
    if (place->kind == YAML_MAP) {
        node->key = builder->key;
        node->duplicate = is_duplicate(builder, node->key);
        builder->key = NULL;
    }
    if (place->last)
        place->last->next = node;
    else
        place->first = node;
    place->last = node;
    place->children++;
    return AIRS_OK;
}

static enum airs_status
add_node(struct builder *builder, struct fy_event *event, enum yaml_kind kind)
{
    size_t offset, size;
    event_place(builder, event, &offset, &size);

    enum airs_status status = refuse_features(builder, event, offset, size);
    if (status != AIRS_OK)
        return status;
    if (builder->tree->nodes == YAML_NODES_MAX)
        return refuse(builder, offset, size, "more than %u values in one file", YAML_NODES_MAX);
    if (kind != YAML_SCALAR && builder->depth == YAML_DEPTH_MAX)
        return refuse(builder, offset, size, "nested more than %u levels deep", YAML_DEPTH_MAX);

    struct yaml_node *node = tree_alloc(builder->tree, sizeof *node);
    if (!node)
        return AIRS_ENOMEM;
    builder->tree->nodes++;
    node->kind = kind;
    node->offset = offset;
    node->size = kind == YAML_SCALAR ? size : 1;
    if (kind == YAML_SCALAR)
        status = scalar_fill(builder, event, node);
    if (status == AIRS_OK)
        status = place_node(builder, node);
    if (status == AIRS_OK && kind != YAML_SCALAR) {
        builder->place = node;
        builder->depth++;
    }
    return status;
}

static void
end_node(struct builder *builder)
{
    assert(builder->place);
    builder->place = builder->place->parent;
    builder->depth--;
}

static enum airs_status
take_event(struct builder *builder, struct fy_event *event)
{
    size_t offset, size;

    switch (event->type) {
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_END:
        return AIRS_OK;
    case FYET_DOCUMENT_START:
        event_place(builder, event, &offset, &size);
        if (++builder->documents > 1)
            return refuse(builder, offset, size,
                          "a manifest is one document; a second begins here");
        return AIRS_OK;
    case FYET_MAPPING_START:
        return add_node(builder, event, YAML_MAP);
    case FYET_SEQUENCE_START:
        return add_node(builder, event, YAML_LIST);
    case FYET_SCALAR:
    case FYET_ALIAS:
        return add_node(builder, event, YAML_SCALAR);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        end_node(builder);
        return AIRS_OK;
    }
    assert(false && "no such event");
    return AIRS_EINVAL;
}

/* The byte at a line and a column, both from 1, as libfyaml's diagnostics count them. */
static size_t
offset_of(const char *text, size_t size, int line, int column)
{
    size_t offset = 0;
    for (int at = 1; at < line && offset < size; offset++)
        at += text[offset] == '\n' ||
              (text[offset] == '\r' && (offset + 1 == size || text[offset + 1] != '\n'));
    for (int at = 1; at < column && offset < size && text[offset] != '\n'; at++)
        do
            offset++;
        while (offset < size && ((unsigned char)text[offset] & 0xc0) == 0x80);
    return offset;
}

/* Reports what libfyaml found wrong: its first error is the cause, the others follow from it.
 * Some mistakes, such as "|0x", stop it without a word: then it is what follows the last event. */
static enum airs_status
refuse_syntax(struct builder *builder, struct fy_diag *diag)
{
    void *at = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &at);
    size_t blank = builder->read;

    if (error)
        return refuse(builder,
                      offset_of(builder->text, builder->text_size, error->line, error->column), 1,
                      "not valid YAML: %s", error->msg);
    while (blank < builder->text_size && strchr(": \r\n", builder->text[blank]))
        blank++;
    return refuse(builder, blank, 1, "not valid YAML");
}

static enum airs_status
build(struct builder *builder, struct fy_parser *parser, struct fy_diag *diag)
{
    enum airs_status status = AIRS_OK;
    struct fy_event *event;

    if (fy_parser_set_string(parser, builder->text, builder->text_size) != 0)
        return AIRS_ENOMEM;
    while (status == AIRS_OK && (event = fy_parser_parse(parser)) != NULL) {
        status = take_event(builder, event);
        const struct fy_mark *end = fy_event_end_mark(event);
        if (end && end->input_pos <= builder->text_size)
            builder->read = end->input_pos;
        fy_parser_event_free(parser, event);
    }
    if (status == AIRS_OK && fy_parser_get_stream_error(parser))
        status = refuse_syntax(builder, diag);
    return status;
}

enum airs_status
yaml_tree_parse(struct yaml_tree *tree, const char *text, size_t size,
                struct manifest_report *report)
{
    struct builder builder = { .tree = tree, .report = report, .text = text, .text_size = size };
    enum airs_status status = AIRS_ENOMEM;
    struct fy_parser *parser = NULL;
    struct fy_diag_cfg diag_config;

    *tree = (struct yaml_tree){ 0 };
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&diag_config);
    if (!diag)
        goto out;
    fy_diag_set_collect_errors(diag, true);
    /* Recycling keeps freed memory in lists, out of the sanitizers' sight; a manifest is small. */
    parser = fy_parser_create(
        &(struct fy_parse_cfg){ .flags = FYPCF_QUIET | FYPCF_DISABLE_RECYCLING, .diag = diag });
    if (!parser)
        goto out;
    status = build(&builder, parser, diag);
out:
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    return status;
}
