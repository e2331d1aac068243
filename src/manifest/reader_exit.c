/* Reader, exits: the rules of `on-exit` and the ranges of `success-codes`. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/trap_code.h"
#include "manifest/reader_values.h"

#define TRAPS_MAX 128 /* Names of trap codes. */

/* "3" or "64-78", each at most EXIT_CODE_MAX. */
static bool
range_of(const char *text, struct code_range *range_out)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    long first = strtol(text, &end, 10), last = first;
    if (*end == '-' && end[1] >= '0' && end[1] <= '9')
        last = strtol(end + 1, &end, 10);
    if (*end != '\0' || last < first || last > EXIT_CODE_MAX)
        return false;
    *range_out = (struct code_range){ (int32_t)first, (int32_t)last };
    return true;
}

static bool
read_range(struct reader *reader, const char *key, const struct yaml_node *value,
           struct code_range *range_out)
{
    if (value->kind == YAML_SCALAR && range_of(value->text, range_out))
        return true;
    reader_complain(reader, value, "'%s' takes exit codes from 0 to %d, as in 3 or 64-78, not %s",
                    key, EXIT_CODE_MAX,
                    value->kind == YAML_SCALAR ? value->text : yaml_node_what(value));
    return false;
}

static void
read_trap(struct reader *reader, const struct yaml_node *value, struct exit_rule *rule)
{
    static const char *const names[] = {
#define TRAP_NAME(name, number, text) text,
        TRAP_CODE_LIST(TRAP_NAME)
#undef TRAP_NAME
    };
    enum trap_code code;
    const char *text = value->kind == YAML_SCALAR ? value->text : yaml_node_what(value);
    if (value->kind == YAML_SCALAR && trap_code_find(text, &code)) {
        rule->codes = (struct code_range){ (int32_t)code, (int32_t)code };
        return;
    }
    const char *nearest = nearest_name(text, names, sizeof names / sizeof names[0]);
    if (nearest)
        reader_complain(reader, value, "there is no trap code '%s'; did you mean '%s'?", text,
                        nearest);
    else
        reader_complain(reader, value, "there is no trap code '%s'; `airs schema` lists them",
                        text);
}

static void
read_code(struct reader *reader, const struct yaml_node *value, struct exit_rule *rule)
{
    rule->has_codes = true;
    if (rule->reason == EXIT_TRAP)
        read_trap(reader, value, rule);
    else if (rule->reason == EXIT_ERROR)
        read_range(reader, "code", value, &rule->codes);
    else
        reader_complain(reader, value->key, "only 'trap' and 'error' have a code");
}

static void
read_reason(struct reader *reader, const struct yaml_node *value, struct exit_rule *rule)
{
    static const char *const names[] = {
#define REASON_NAME(name, text) text,
        EXIT_REASON_LIST(REASON_NAME)
#undef REASON_NAME
    };
    const char *text = value->kind == YAML_SCALAR ? value->text : yaml_node_what(value);
    if (value->kind == YAML_SCALAR && exit_reason_find(text, &rule->reason))
        return;
    const char *nearest = nearest_name(text, names, sizeof names / sizeof names[0]);
    reader_complain(reader, value, "there is no exit reason '%s'%s%s%s", text,
                    nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static void
read_action(struct reader *reader, const struct yaml_node *value, struct exit_rule *rule)
{
    for (int action = EXIT_DO_RESTART; action <= EXIT_DO_ESCALATE; action++)
        if (value->kind == YAML_SCALAR &&
            strcmp(value->text, exit_action_name((enum exit_action)action)) == 0) {
            rule->action = (enum exit_action)action;
            return;
        }
    reader_complain(reader, value, "'do' takes restart, stop, fail or escalate");
}

static void
read_rule(struct reader *reader, const struct yaml_node *map, struct exit_rule *rule)
{
    const struct yaml_node *reason = NULL, *code = NULL, *action = NULL;
    if (map->kind != YAML_MAP) {
        reader_complain(reader, map, "a rule is a map with 'reason' and 'do', not %s",
                        yaml_node_what(map));
        return;
    }
    for (const struct yaml_node *pair = map->first; pair; pair = pair->next) {
        if (strcmp(pair->key->text, "reason") == 0)
            reason = pair;
        else if (strcmp(pair->key->text, "code") == 0)
            code = pair;
        else if (strcmp(pair->key->text, "do") == 0)
            action = pair;
        else
            reader_complain(reader, pair->key,
                            "unknown key '%s' in a rule; it takes 'reason', 'code' and 'do'",
                            pair->key->text);
    }
    if (!reason || !action) {
        reader_complain(reader, map, "a rule needs both 'reason' and 'do'");
        return;
    }
    read_reason(reader, reason, rule);
    read_action(reader, action, rule);
    if (code)
        read_code(reader, code, rule);
}

/* Room for the list's items, zeroed; NULL, and reported, if it is none or has too many. */
static void *
items_of(struct reader *reader, const struct schema_field *field, const struct yaml_node *list,
         size_t item_bytes, size_t max)
{
    if (list->kind != YAML_LIST) {
        reader_complain_type(reader, field, list);
        return NULL;
    }
    if (list->children > max) {
        reader_complain(reader, list, "'%s' has at most %zu entries, not %zu", field->key, max,
                        list->children);
        return NULL;
    }
    void *items = calloc(list->children + 1, item_bytes);
    reader->out_of_memory |= !items;
    return items;
}

void
reader_read_rules(struct reader *reader, const struct schema_field *field,
                  const struct yaml_node *list, struct manifest_node *node)
{
    struct exit_rule *rules = items_of(reader, field, list, sizeof *rules, EXIT_RULES_MAX);
    if (!rules)
        return;
    uint32_t size = 0;
    for (const struct yaml_node *item = list->first; item; item = item->next)
        read_rule(reader, item, &rules[size++]);
    free(node->rules);
    node->rules = rules;
    node->config.policy.rules = rules;
    node->config.policy.rules_size = size;
}

void
reader_read_codes(struct reader *reader, const struct schema_field *field,
                  const struct yaml_node *list, struct manifest_node *node)
{
    struct code_range *ranges = items_of(reader, field, list, sizeof *ranges, SUCCESS_CODES_MAX);
    if (!ranges)
        return;
    uint32_t size = 0;
    for (const struct yaml_node *item = list->first; item; item = item->next)
        size += read_range(reader, field->key, item, &ranges[size]);
    free(node->success);
    node->success = ranges;
    node->config.policy.success = ranges;
    node->config.policy.success_size = size;
}
