#include "base/trap_code.h"

#include <stddef.h>
#include <string.h>

static const struct {
    enum trap_code code;
    const char *name;
} trap_codes[] = {
#define TRAP_CODE_ROW(name, number, text) { TRAP_##name, text },
    TRAP_CODE_LIST(TRAP_CODE_ROW)
#undef TRAP_CODE_ROW
};

#define TRAP_CODES (sizeof trap_codes / sizeof trap_codes[0])

const char *
trap_code_name(int code)
{
    for (size_t i = 0; i < TRAP_CODES; i++)
        if ((int)trap_codes[i].code == code)
            return trap_codes[i].name;
    return "unknown";
}

bool
trap_code_find(const char *name, enum trap_code *code_out)
{
    for (size_t i = 0; i < TRAP_CODES; i++) {
        if (strcmp(trap_codes[i].name, name) == 0) {
            *code_out = trap_codes[i].code;
            return true;
        }
    }
    return false;
}
