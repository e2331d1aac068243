#include "base/quantity.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first: formatting takes the first that divides. */
static const struct unit duration_units[] = {
    { "h", UINT64_C(3600000000) }, { "m", 60000000 }, { "s", 1000000 }, { "ms", 1000 }, { "us", 1 },
};
static const struct unit size_units[] = {
    { "GiB", UINT64_C(1) << 30 },
    { "MiB", 1 << 20 },
    { "KiB", 1 << 10 },
    { "B", 1 },
};

#define DURATION_UNITS (sizeof duration_units / sizeof duration_units[0])
#define SIZE_UNITS (sizeof size_units / sizeof size_units[0])

static const struct unit *
find_unit(const struct unit *units, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(units[i].name, name) == 0)
            return &units[i];
    return NULL;
}

static enum quantity_result
parse(const struct unit *units, size_t n, const char *text, uint64_t *value_out)
{
    const char *digits = text + (text[0] == '-' || text[0] == '+');
    size_t digits_size = strspn(digits, "0123456789");
    const char *rest = digits + digits_size;

    if (digits_size == 0)
        return QUANTITY_MALFORMED;
    if (text[0] == '-')
        return QUANTITY_NEGATIVE;
    if (text[0] == '+')
        return QUANTITY_MALFORMED;
    if (rest[0] == '.' && rest[1] >= '0' && rest[1] <= '9')
        return QUANTITY_FRACTION;
    if (rest[0] == '\0')
        return QUANTITY_NO_UNIT;
    const struct unit *unit = find_unit(units, n, rest);
    if (!unit)
        return QUANTITY_BAD_UNIT;

    uint64_t value = 0;
    for (size_t i = 0; i < digits_size; i++)
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(digits[i] - '0'), &value))
            return QUANTITY_TOO_LARGE;
    if (__builtin_mul_overflow(value, unit->factor, &value))
        return QUANTITY_TOO_LARGE;
    *value_out = value;
    return QUANTITY_OK;
}

/* Zero is written in the unit `zero`, which reads better than "0h". */
static const char *
format(const struct unit *units, size_t n, const char *zero, uint64_t value,
       char text_out[QUANTITY_TEXT_BYTES])
{
    size_t i = 0;
    while (i + 1 < n && value % units[i].factor != 0)
        i++;
    snprintf(text_out, QUANTITY_TEXT_BYTES, "%" PRIu64 "%s", value / units[i].factor,
             value == 0 ? zero : units[i].name);
    return text_out;
}

enum quantity_result
quantity_parse_duration(const char *text, uint64_t *us_out)
{
    return parse(duration_units, DURATION_UNITS, text, us_out);
}

enum quantity_result
quantity_parse_size(const char *text, uint64_t *bytes_out)
{
    return parse(size_units, SIZE_UNITS, text, bytes_out);
}

const char *
quantity_format_duration(uint64_t us, char text_out[QUANTITY_TEXT_BYTES])
{
    return format(duration_units, DURATION_UNITS, "s", us, text_out);
}

const char *
quantity_format_size(uint64_t bytes, char text_out[QUANTITY_TEXT_BYTES])
{
    return format(size_units, SIZE_UNITS, "B", bytes, text_out);
}

const char *
quantity_duration_hint(enum quantity_result result)
{
    switch (result) {
    case QUANTITY_OK:
        return "is a duration";
    case QUANTITY_NO_UNIT:
        return "needs a unit: us, ms, s, m or h, as in 5s";
    case QUANTITY_BAD_UNIT:
        return "has no unit of time; use us, ms, s, m or h, as in 5s";
    case QUANTITY_FRACTION:
        return "must be a whole number; write 1500ms for 1.5s";
    case QUANTITY_NEGATIVE:
        return "cannot be negative";
    case QUANTITY_TOO_LARGE:
        return "is too large a duration";
    case QUANTITY_MALFORMED:
        return "is not a duration; write one as in 5s";
    }
    assert(false && "no such result");
    return "";
}

const char *
quantity_size_hint(enum quantity_result result)
{
    switch (result) {
    case QUANTITY_OK:
        return "is a size";
    case QUANTITY_NO_UNIT:
        return "needs a unit: B, KiB, MiB or GiB, as in 64MiB";
    case QUANTITY_BAD_UNIT:
        return "has no unit of size; use B, KiB, MiB or GiB, as in 64MiB";
    case QUANTITY_FRACTION:
        return "must be a whole number; write 1536KiB for 1.5MiB";
    case QUANTITY_NEGATIVE:
        return "cannot be negative";
    case QUANTITY_TOO_LARGE:
        return "is too large a size";
    case QUANTITY_MALFORMED:
        return "is not a size; write one as in 64MiB";
    }
    assert(false && "no such result");
    return "";
}
