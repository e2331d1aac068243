/* YAML scalars: what a plain word is in YAML 1.2's core schema. */
#include <string.h>

#include "manifest/yaml_tree.h"

#define DIGITS "0123456789"

const struct yaml_node *
yaml_map_find(const struct yaml_node *map, const char *key)
{
    for (const struct yaml_node *pair = map->first; pair; pair = pair->next)
        if (!pair->duplicate && strcmp(pair->key->text, key) == 0)
            return pair;
    return NULL;
}

static bool
is_one_of(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

bool
yaml_scalar_is_null(const struct yaml_node *scalar)
{
    static const char *const words[] = { "", "~", "null", "Null", "NULL" };
    return !scalar->quoted && is_one_of(scalar->text, words, sizeof words / sizeof words[0]);
}

static bool
is_boolean(const char *text)
{
    static const char *const words[] = { "true", "True", "TRUE", "false", "False", "FALSE" };
    return is_one_of(text, words, sizeof words / sizeof words[0]);
}

bool
yaml_scalar_is_integer(const struct yaml_node *scalar)
{
    const char *digits = scalar->text + strspn(scalar->text, "+-");
    return !scalar->quoted && digits - scalar->text <= 1 && digits[0] != '\0' &&
           digits[strspn(digits, DIGITS)] == '\0';
}

/* [-+]? ( . digits | digits ( . digits* )? ) ( [eE] [-+]? digits )? */
static bool
is_float(const char *text)
{
    text += *text == '-' || *text == '+';
    size_t before = strspn(text, DIGITS);
    text += before;
    size_t after = 0;
    if (*text == '.') {
        after = strspn(text + 1, DIGITS);
        text += 1 + after;
    }
    if (before + after == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        size_t exponent = strspn(text, DIGITS);
        if (exponent == 0)
            return false;
        text += exponent;
    }
    return *text == '\0';
}

static bool
is_special_number(const char *text)
{
    static const char *const words[] = { ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN" };
    if (strncmp(text, "0x", 2) == 0 && text[2] != '\0')
        return text[2 + strspn(text + 2, DIGITS "abcdefABCDEF")] == '\0';
    if (strncmp(text, "0o", 2) == 0 && text[2] != '\0')
        return text[2 + strspn(text + 2, "01234567")] == '\0';
    return is_one_of(text + (*text == '-' || *text == '+'), words, sizeof words / sizeof words[0]);
}

static bool
is_number(const char *text)
{
    return is_float(text) || is_special_number(text);
}

bool
yaml_scalar_is_text(const struct yaml_node *scalar)
{
    return scalar->quoted ||
           !(yaml_scalar_is_null(scalar) || is_boolean(scalar->text) || is_number(scalar->text));
}

const char *
yaml_node_what(const struct yaml_node *node)
{
    switch (node->kind) {
    case YAML_LIST:
        return "a list";
    case YAML_MAP:
        return "a map";
    case YAML_SCALAR:
        break;
    }
    if (node->quoted)
        return "text in quotes";
    if (yaml_scalar_is_null(node))
        return "nothing";
    if (is_boolean(node->text))
        return "true or false";
    return is_number(node->text) ? "a number" : "text";
}
