/* echo: the actor that most tests use. It answers a message with itself, but for these:
 *
 *   count            how many messages this instance got, with this one
 *   starts           how many times initialize ran in this instance
 *   crash HOW        trap · oob · oom · loop · stack · abort · exit N
 *   sleep MS         waits, then answers "slept"
 *   wait NAME        waits until a component of that name is there, then answers "waited"
 *   loop             computes without end
 *   err TEXT         answers that error
 *   none             no answer
 *   log TEXT         writes a log line, then answers "logged"
 *   level N          writes a log line of level N (0 trace … 4 error) that says so
 *   print TEXT       writes a line to stdout, then answers "printed"
 *   big N            answers N bytes of 'x'
 *   now              the wall clock in ms
 *   list             the components, one "namespace:name:instance" a line
 *   info NAME        metadata of a component: "name version health", or why not
 *   self             its own id
 *   sender           who sent this message
 *   env NAME         a variable, or "(unset)"
 *   getenv NAME      the same through WASI
 *   config           its config
 *   limits           memory and call time
 *   callbacks        how many callbacks came, and the last one's payload
 *   send, request, broadcast, cancel, storage    NAME: "done", or why not
 */
#include "airs_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned starts;
static unsigned messages;
static unsigned callbacks;
static char last_callback[256];
static volatile unsigned turns;
static volatile int zero;
static void *volatile eaten; /* Volatile: an allocation that nobody sees is left out. */

struct airs_metadata
on_metadata(void)
{
    static const char *const operations[] = { "count", "crash", "sleep", NULL };
    return (struct airs_metadata){
        .name = "echo",
        .version = "1.2.3",
        .description = "answers what it gets",
        .author = "airs",
        .license = "MIT",
        .operations = operations,
        .stateful = true,
    };
}

struct airs_result
on_init(void)
{
    starts++;
    return airs_ok();
}

struct airs_result
on_callback(const struct airs_message *message)
{
    callbacks++;
    snprintf(last_callback, sizeof last_callback, "%s", message->text);
    return airs_ok();
}

/* ---- Ends of this instance ---- */

/* The volatile read behind the call keeps it from becoming a loop. */
__attribute__((noinline)) static unsigned
descend(unsigned level)
{
    if (level == (unsigned)zero - 1)
        return 0;
    turns = level;
    return descend(level + 1) ^ turns;
}

static void
compute(void)
{
    for (;;)
        turns++;
}

static struct airs_result
crash(const char *how)
{
    if (strcmp(how, "trap") == 0)
        __builtin_trap();
    if (strcmp(how, "oob") == 0)
        *(volatile char *)0xfffffff0u = 1;
    if (strcmp(how, "oom") == 0)
        while ((eaten = malloc(1 << 20)))
            turns++;
    if (strcmp(how, "loop") == 0)
        compute();
    if (strcmp(how, "stack") == 0)
        descend(1);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strncmp(how, "exit ", 5) == 0)
        exit(atoi(how + 5));
    return airs_error("crash: trap, oob, oom, loop, stack, abort or exit N");
}

/* ---- What the host says ---- */

static struct airs_result
list(void)
{
    struct airs_list all = airs_list_components();
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; i < all.count; i++)
        fprintf(out, "%s:%s:%s\n", all.ids[i].namespace, all.ids[i].name, all.ids[i].instance);
    fclose(out);
    airs_list_free(&all);
    struct airs_result result = airs_bytes(text, size);
    free(text);
    return result;
}

static struct airs_result
id_text(const struct airs_id *id)
{
    return airs_text("%s:%s:%s", id->namespace, id->name, id->instance);
}

static struct airs_id
sibling(const char *name)
{
    return (struct airs_id){ .namespace = airs_self()->namespace, .name = name, .instance = "0" };
}

static struct airs_result
info(const char *name)
{
    struct airs_component_info about;
    const char *why = airs_component_info(sibling(name), &about);
    if (why)
        return airs_text("%s", why);
    return airs_text("%s %s %s", about.name, about.version, about.health);
}

static struct airs_result
done_or(const char *why)
{
    return airs_text("%s", why ? why : "done");
}

static struct airs_result
request(const char *name)
{
    const char *id;
    const char *why = airs_request(sibling(name), "hello", 5, 1000, &id);
    return why ? airs_text("%s", why) : airs_text("%s", id);
}

static struct airs_result
broadcast(const char *name)
{
    struct airs_id to = sibling(name);
    return done_or(airs_broadcast(&to, 1, "hello", 5));
}

static struct airs_result
storage(const char *key)
{
    char *value;
    size_t size;
    const char *why = airs_storage_get(key, &value, &size);
    if (why)
        return airs_text("%s", why);
    struct airs_result result = airs_text("%s", value ? value : "(unset)");
    free(value);
    return result;
}

static struct airs_result
big(size_t size)
{
    char *bytes = malloc(size + 1);
    if (!bytes)
        return airs_error("big: no memory");
    memset(bytes, 'x', size);
    struct airs_result result = airs_bytes(bytes, size);
    free(bytes);
    return result;
}

/* ---- Words ---- */

/* The rest of `text` behind `word` and a space; NULL if it starts otherwise. */
static const char *
after(const char *text, const char *word)
{
    size_t size = strlen(word);
    if (strncmp(text, word, size) != 0)
        return NULL;
    if (text[size] == '\0')
        return text + size;
    return text[size] == ' ' ? text + size + 1 : NULL;
}

static struct airs_result
wait_ms(uint64_t ms)
{
    airs_sleep_ms(ms);
    return airs_text("slept");
}

static struct airs_result
wait_for(const char *name)
{
    struct airs_component_info about;
    while (airs_component_info(sibling(name), &about))
        airs_sleep_ms(2);
    return airs_text("waited");
}

static struct airs_result
print(const char *text)
{
    printf("%s\n", text);
    fflush(stdout);
    return airs_text("printed");
}

static struct airs_result
write_log(const char *text)
{
    airs_log(AIRS_INFO, "%s", text);
    return airs_text("logged");
}

static struct airs_result
write_level(const char *level)
{
    airs_log((enum airs_level)atoi(level), "of level %s", level);
    return airs_text("logged");
}

static struct airs_result
variable(const char *value)
{
    return airs_text("%s", value ? value : "(unset)");
}

/* Words about the instance itself. False: none of them. */
static bool
answer_self(const struct airs_message *message, struct airs_result *result_out)
{
    const char *text = message->text;
    const char *rest;
    if (strcmp(text, "count") == 0)
        *result_out = airs_text("%u", messages);
    else if (strcmp(text, "starts") == 0)
        *result_out = airs_text("%u", starts);
    else if (strcmp(text, "config") == 0)
        *result_out = airs_bytes(airs_config(), airs_config_size());
    else if ((rest = after(text, "env")))
        *result_out = variable(airs_env(rest));
    else if ((rest = after(text, "getenv")))
        *result_out = variable(getenv(rest));
    else if (strcmp(text, "limits") == 0)
        *result_out = airs_text("%llu %llu", (unsigned long long)airs_memory_bytes_max(),
                                (unsigned long long)airs_call_timeout_ms());
    else if (strcmp(text, "callbacks") == 0)
        *result_out = airs_text("%u %s", callbacks, last_callback);
    else if (strcmp(text, "self") == 0)
        *result_out = id_text(airs_self());
    else if (strcmp(text, "sender") == 0)
        *result_out = id_text(&message->sender);
    else
        return false;
    return true;
}

/* Words that ask the host for something. False: none of them. */
static bool
answer_host(const char *text, struct airs_result *result_out)
{
    const char *rest;
    if (strcmp(text, "list") == 0)
        *result_out = list();
    else if (strcmp(text, "now") == 0)
        *result_out = airs_text("%llu", (unsigned long long)airs_now_ms());
    else if ((rest = after(text, "info")))
        *result_out = info(rest);
    else if ((rest = after(text, "sleep")))
        *result_out = wait_ms(strtoull(rest, NULL, 10));
    else if ((rest = after(text, "wait")))
        *result_out = wait_for(rest);
    else if ((rest = after(text, "log")))
        *result_out = write_log(rest);
    else if ((rest = after(text, "level")))
        *result_out = write_level(rest);
    else if ((rest = after(text, "print")))
        *result_out = print(rest);
    else if ((rest = after(text, "send")))
        *result_out = done_or(airs_send(sibling(rest), "hello", 5));
    else if ((rest = after(text, "request")))
        *result_out = request(rest);
    else if ((rest = after(text, "broadcast")))
        *result_out = broadcast(rest);
    else if ((rest = after(text, "cancel")))
        *result_out = done_or(airs_cancel_request(rest));
    else if ((rest = after(text, "storage")))
        *result_out = storage(rest);
    else
        return false;
    return true;
}

struct airs_result
on_message(const struct airs_message *message)
{
    const char *text = message->text;
    const char *rest;
    struct airs_result result;

    messages++;
    if (answer_self(message, &result) || answer_host(text, &result))
        return result;
    if ((rest = after(text, "crash")))
        return crash(rest);
    if ((rest = after(text, "err")))
        return airs_error("%s", rest);
    if ((rest = after(text, "big")))
        return big(strtoul(rest, NULL, 10));
    if (strcmp(text, "loop") == 0)
        compute();
    if (strcmp(text, "none") == 0)
        return airs_ok();
    return airs_bytes(text, message->size);
}
