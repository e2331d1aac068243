/* Reader, numbers: integers, decimals, durations, sizes and percentages, each in its limits. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/quantity.h"
#include "manifest/reader_values.h"

/* A whole number that fits 64 bits; a larger one is UINT64_MAX, which no limit allows. */
static uint64_t
integer_of(const char *digits)
{
    uint64_t value = 0;
    for (digits += *digits == '+'; *digits != '\0'; digits++)
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*digits - '0'), &value))
            return UINT64_MAX;
    return value;
}

void
reader_read_integer(struct reader *reader, const struct schema_field *field,
                    const struct yaml_node *value, uint32_t *place)
{
    char phrase[READER_PHRASE_BYTES];

    if (!yaml_scalar_is_integer(value)) {
        if (field->words_size > 0 && yaml_scalar_is_text(value) && !value->quoted)
            reader_complain(reader, value, "'%s' must be a whole number or %s, not '%s'",
                            field->key, reader_words_phrase(field, phrase), value->text);
        else
            reader_complain_type(reader, field, value);
        return;
    }
    uint64_t number = value->text[0] == '-' ? UINT64_MAX : integer_of(value->text);
    if (number < field->min || number > field->max)
        reader_complain(reader, value, "'%s' must be between %" PRIu64 " and %" PRIu64 ", not %s",
                        field->key, field->min, field->max, value->text);
    else if (field->later_above_min && number != field->min)
        reader_complain(reader, value,
                        "'%s' other than %" PRIu64
                        " is not supported by this version of airs yet; remove the line",
                        field->key, field->min);
    else
        *place = (uint32_t)number;
}

/* Digits, and at most nine more behind a point; false for anything else. */
static bool
decimal_of(const char *text, double *number_out)
{
    double whole = 0, fraction = 0, scale = 1;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 9)
        return false;
    for (; *text >= '0' && *text <= '9'; text++)
        whole = whole * 10 + (*text - '0');
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9' && scale < 1e9; text++) {
            fraction = fraction * 10 + (*text - '0');
            scale *= 10;
        }
    *number_out = (whole * scale + fraction) / scale;
    return *text == '\0';
}

void
reader_read_number(struct reader *reader, const struct schema_field *field,
                   const struct yaml_node *value, double *place)
{
    double number;

    if (value->quoted || yaml_scalar_is_text(value) || !decimal_of(value->text, &number))
        reader_complain(reader, value, "'%s' must be a number such as 1.5, not '%s'", field->key,
                        value->text);
    else if (number < (double)field->min || number > (double)field->max)
        reader_complain(reader, value, "'%s' must be between %" PRIu64 " and %" PRIu64 ", not %s",
                        field->key, field->min, field->max, value->text);
    else
        *place = number;
}

bool
reader_read_duration(struct reader *reader, const struct schema_field *field,
                     const struct yaml_node *value, uint64_t *place)
{
    char least[QUANTITY_TEXT_BYTES], most[QUANTITY_TEXT_BYTES], phrase[READER_PHRASE_BYTES];
    uint64_t us = 0;
    enum quantity_result result = quantity_parse_duration(value->text, &us);

    if (result == QUANTITY_MALFORMED && field->words_size > 0)
        reader_complain(reader, value, "'%s' must be a duration, as in 5s, or %s, not '%s'",
                        field->key, reader_words_phrase(field, phrase), value->text);
    else if (result == QUANTITY_NO_UNIT)
        reader_complain(reader, value, "'%s': %s has no unit; write %ss for seconds", field->key,
                        value->text, value->text);
    else if (result != QUANTITY_OK)
        reader_complain(reader, value, "'%s': %s %s", field->key, value->text,
                        quantity_duration_hint(result));
    else if (us < field->min || us > field->max)
        reader_complain(reader, value, "'%s' must be between %s and %s, not %s", field->key,
                        quantity_format_duration(field->min, least),
                        quantity_format_duration(field->max, most), value->text);
    else {
        *place = us;
        return true;
    }
    return false;
}

void
reader_read_size(struct reader *reader, const struct schema_field *field,
                 const struct yaml_node *value, uint64_t *place)
{
    char least[QUANTITY_TEXT_BYTES], most[QUANTITY_TEXT_BYTES];
    uint64_t bytes = 0;
    enum quantity_result result = quantity_parse_size(value->text, &bytes);

    if (result == QUANTITY_NO_UNIT)
        reader_complain(reader, value, "'%s': %s has no unit; write %sMiB for mebibytes",
                        field->key, value->text, value->text);
    else if (result != QUANTITY_OK)
        reader_complain(reader, value, "'%s': %s %s", field->key, value->text,
                        quantity_size_hint(result));
    else if (bytes < field->min || bytes > field->max)
        reader_complain(reader, value, "'%s' must be between %s and %s, not %s", field->key,
                        quantity_format_size(field->min, least),
                        quantity_format_size(field->max, most), value->text);
    else
        *place = bytes;
}

void
reader_read_boolean(struct reader *reader, const struct schema_field *field,
                    const struct yaml_node *value, bool *place)
{
    bool is_true = strcasecmp(value->text, "true") == 0;

    if (yaml_scalar_is_text(value) || (!is_true && strcasecmp(value->text, "false") != 0))
        reader_complain(reader, value, "'%s' must be true or false, not '%s'", field->key,
                        value->text);
    else
        *place = is_true;
}

/* "10%" or "+20%": a whole number up to 100. */
void
reader_read_jitter(struct reader *reader, const struct schema_field *field,
                   const struct yaml_node *value, struct backoff *backoff)
{
    bool upward = value->text[0] == '+';
    const char *digits = value->text + upward;
    size_t size = strspn(digits, "0123456789");
    uint64_t percent = 0;

    for (size_t i = 0; i < size && percent <= 100; i++)
        percent = percent * 10 + (uint64_t)(digits[i] - '0');
    if (size == 0 || strcmp(digits + size, "%") != 0)
        reader_complain(reader, value,
                        "'%s' must be a whole percentage, as in 10%% or +20%%, not '%s'",
                        field->key, value->text);
    else if (percent > 100)
        reader_complain(reader, value, "'%s' must be between 0%% and 100%%, not %s", field->key,
                        value->text);
    else {
        backoff->jitter = (double)percent / 100;
        backoff->jitter_upward = upward;
    }
}
