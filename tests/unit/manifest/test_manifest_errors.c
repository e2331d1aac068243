/* Manifest errors: each with its place and what to write instead. */
#include "manifest_testing.h"

/* A child `a` with these further keys; they begin at KEYS of line 2. */
#define CHILD(keys) "name: shop\nchildren: [{ name: a, component: a.wasm, " keys " }]\n"
#define KEYS 42

struct refusal {
    const char *text;
    unsigned line, column;
    const char *words;
};

static void
assert_all_refused(const struct refusal *refusals, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_refused(refusals[i].text, refusals[i].line, refusals[i].column, refusals[i].words);
}

#define ASSERT_ALL_REFUSED(refusals) \
    assert_all_refused((refusals), sizeof(refusals) / sizeof((refusals)[0]))

static void
unknown_keys_name_the_nearest_known_one(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { CHILD("restrat: always"), 2, KEYS, "unknown key 'restrat'; did you mean 'restart'?" },
        { CHILD("Restart: always"), 2, KEYS, "did you mean 'restart'?" },
        { CHILD("backoff: { intial: 1s }"), 2, KEYS + 11, "did you mean 'initial'?" },
        { CHILD("limits: { memroy: 1MiB }"), 2, KEYS + 10, "did you mean 'memory'?" },
        { CHILD("zzzzzz: 1"), 2, KEYS, "unknown key 'zzzzzz'" },
        { CHILD("memory: 1MiB"), 2, KEYS, "it belongs into 'limits'" },
        { CHILD("initial: 1s"), 2, KEYS, "it belongs into 'backoff'" },
        { CHILD("limits: { shutdown: 5s }"), 2, KEYS + 10, "it belongs outside of it" },
        { "nmae: shop\nchildren: [{ name: a, component: a.wasm }]\n", 1, 1,
          "did you mean 'name'?" },
        { "name: shop\nchidlren: []\n", 2, 1, "did you mean 'children'?" },
        { "name: shop\nchildren:\n  - { name: a, compnent: a.wasm }\n", 3, 16,
          "did you mean 'component'?" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
what_an_exit_leads_to_is_checked(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { CHILD("on-exit: trap"), 2, KEYS + 9, "'on-exit' must be a list of rules" },
        { CHILD("on-exit: [trap]"), 2, KEYS + 10, "a rule is a map with 'reason' and 'do'" },
        { CHILD("on-exit: [{ reason: trap }]"), 2, KEYS + 10, "needs both 'reason' and 'do'" },
        { CHILD("on-exit: [{ reason: tarp, do: fail }]"), 2, KEYS + 20, "did you mean 'trap'?" },
        { CHILD("on-exit: [{ reason: trap, do: die }]"), 2, KEYS + 30,
          "'do' takes restart, stop, fail or escalate" },
        { CHILD("on-exit: [{ reason: trap, code: unreachble, do: fail }]"), 2, KEYS + 32,
          "did you mean 'unreachable'?" },
        { CHILD("on-exit: [{ reason: error, code: 78-64, do: fail }]"), 2, KEYS + 33,
          "exit codes from 0 to 255, as in 3 or 64-78, not 78-64" },
        { CHILD("on-exit: [{ reason: killed, code: 3, do: fail }]"), 2, KEYS + 28,
          "only 'trap' and 'error' have a code" },
        { CHILD("success-codes: 3"), 2, KEYS + 15, "'success-codes' must be a list of exit codes" },
        { CHILD("success-codes: [256]"), 2, KEYS + 16, "from 0 to 255" },
        { CHILD("significant: 1"), 2, KEYS + 13, "'significant' must be true or false" },
        { CHILD("significant: true"), 2, 12, "'significant' is for transient and temporary" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
what_a_supervisor_wants_of_its_children_is_checked(void **state)
{
    (void)state;
#define CHILDREN "children: [{ name: a, component: a.wasm }]\n"
    static const struct refusal refusals[] = {
        { "name: s\nstrategy: one-for-al\n" CHILDREN, 2, 11, "did you mean 'one-for-all'?" },
        { "name: s\nintensity: { max-restarts: 3 }\n" CHILDREN, 2, 12,
          "'intensity' needs both 'max-restarts' and 'within'" },
        { "name: s\nintensity: { max-restarts: unlimited, within: 1s }\n" CHILDREN, 2, 28,
          "'max-restarts' must be" },
        { "name: s\nintensity: { max-restarts: 3, within: 5 }\n" CHILDREN, 2, 39, "has no unit" },
        { "name: s\nchildren:\n  - name: w\n    auto-shutdown: any\n    " CHILDREN, 3, 5,
          "'auto-shutdown' of a permanent supervisor would only restart it" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
a_key_of_another_kind_of_entry_is_named_so(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { "name: shop\nrestart: no\nchildren: [{ name: a, component: a.wasm }]\n", 2, 1,
          "'restart' is for children, not for the application itself" },
        { "name: shop\ncomponent: a.wasm\nchildren: [{ name: a, component: a.wasm }]\n", 2, 1,
          "not for the application itself" },
        { CHILD("strategy: one-for-one"), 2, KEYS, "'strategy' is for supervisors; 'a'" },
        { CHILD("max-instances: 5"), 2, KEYS, "is for the application; it stands at the top" },
        { "name: shop\nchildren:\n  - name: w\n    limits: { mailbox: 1 }\n"
          "    children: [{ name: a, component: a.wasm }]\n",
          4, 5, "'limits' is for components; 'w' is a supervisor" },
        { "name: shop\nchildren:\n  - name: w\n    count: 2\n"
          "    children: [{ name: a, component: a.wasm }]\n",
          4, 5, "'count' is for components" },
        { "name: shop\nchildren:\n  - name: w\n    max-instances: 2\n"
          "    children: [{ name: a, component: a.wasm }]\n",
          4, 5, "is for the application" },
        { "name: shop\nchildren:\n  - name: w\n    component: a.wasm\n"
          "    children: [{ name: a, component: a.wasm }]\n",
          4, 5, "'w' has both 'component' and 'children'" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
what_is_required_is_missed(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { "children: [{ name: a, component: a.wasm }]\n", 1, 1, "the application needs 'name'" },
        { "name: shop\n", 1, 1, "the application needs 'children'" },
        { "name: shop\nchildren: []\n", 2, 11, "at least one child" },
        { "name: shop\nchildren:\n", 2, 1, "'children' must be a list of children, not nothing" },
        { "name: shop\nchildren:\n  - component: a.wasm\n", 3, 5, "this child needs 'name'" },
        { "name: shop\nchildren:\n  - name: a\n", 3, 5, "a needs 'component', a .wasm file" },
        { "name: shop\nchildren:\n  - name: w\n    children: []\n", 4, 15, "at least one child" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
values_of_another_type_are_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { "- a\n", 1, 1, "a manifest is a map with 'name' and 'children', not a list" },
        { "shop\n", 1, 1, "not text" },
        { "name: shop\nchildren: { a: b }\n", 2, 11, "must be a list of children, not a map" },
        { "name: shop\nchildren: [a]\n", 2, 12, "a child is a map" },
        { "name: [a]\nchildren: [{ name: a, component: a.wasm }]\n", 1, 7,
          "'name' must be a name, not a list" },
        { CHILD("restart: [a]"), 2, KEYS + 9,
          "'restart' must be permanent, transient or temporary, not a list" },
        { CHILD("restart:"), 2, KEYS, "'restart' has no value" },
        { CHILD("restart: ~"), 2, KEYS + 9, "'restart' has no value" },
        { CHILD("max-restarts: many"), 2, KEYS + 14, "whole number or unlimited, not 'many'" },
        { CHILD("max-restarts: \"3\""), 2, KEYS + 14,
          "must be a whole number, not text in quotes" },
        { CHILD("max-restarts: 1.5"), 2, KEYS + 14, "must be a whole number, not a number" },
        { CHILD("max-restarts: 0x10"), 2, KEYS + 14, "must be a whole number" },
        { CHILD("max-restarts: { a: 1 }"), 2, KEYS + 14, "not a map" },
        { CHILD("limits: 5"), 2, KEYS + 8, "'limits' must be a map, not a number" },
        { CHILD("backoff: linear"), 2, KEYS + 9, "as in { strategy: linear }" },
        { CHILD("backoff: { factor: fast }"), 2, KEYS + 19, "must be a number such as 1.5" },
        { CHILD("backoff: { factor: .inf }"), 2, KEYS + 19, "must be a number such as 1.5" },
        { CHILD("backoff: { jitter: 0.1 }"), 2, KEYS + 19, "whole percentage, as in 10%" },
        { CHILD("backoff: { jitter: -5% }"), 2, KEYS + 19, "whole percentage" },
        { CHILD("backoff: [1s, [2s]]"), 2, KEYS + 14,
          "a delay is a duration, as in 5s, not a list" },
        { CHILD("args: --port"), 2, KEYS + 6, "'args' must be a list of texts" },
        { CHILD("args: [80]"), 2, KEYS + 7, "put it in quotes: \"80\"" },
        { CHILD("args: [[a]]"), 2, KEYS + 7, "not a list" },
        { CHILD("environment: [a]"), 2, KEYS + 13, "'environment' must be a map of texts" },
        { CHILD("environment: { A: true }"), 2, KEYS + 18, "put it in quotes: \"true\"" },
        { CHILD("environment: { A: }"), 2, KEYS + 15, "has no value" },
        { CHILD("environment: { A=B: c }"), 2, KEYS + 15, "cannot be the name of a variable" },
        { CHILD("environment: { \"\": c }"), 2, KEYS + 15, "cannot be the name of a variable" },
        { CHILD("config: 5"), 2, KEYS + 8, "put it in quotes: \"5\"" },
        { CHILD("config: { a: b }"), 2, KEYS + 8, "'config' must be text, not a map" },
        { CHILD("? [a]\n : b"), 2, KEYS + 2, "a key must be text, not a list" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
words_that_are_no_choice_name_the_nearest_one(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { CHILD("restart: permanant"), 2, KEYS + 9, "did you mean 'permanent'?" },
        { CHILD("restart: sometimes"), 2, KEYS + 9, "it takes permanent, transient or temporary" },
        { CHILD("on-exhausted: give-up"), 2, KEYS + 14, "it takes fail or escalate" },
        { CHILD("stdin: opn"), 2, KEYS + 7, "did you mean 'open'?" },
        { CHILD("limits: { on-full: wait }"), 2, KEYS + 19, "it takes reject or drop-oldest" },
        { CHILD("backoff: { strategy: list }"), 2, KEYS + 21, "immediate, linear or exponential" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
durations_and_sizes_need_a_unit_and_a_whole_number(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { CHILD("within: 60"), 2, KEYS + 8, "60 has no unit; write 60s for seconds" },
        { CHILD("within: 1.5s"), 2, KEYS + 8, "must be a whole number; write 1500ms for 1.5s" },
        { CHILD("within: 5 s"), 2, KEYS + 8, "has no unit of time; use us, ms, s, m or h" },
        { CHILD("within: 5sec"), 2, KEYS + 8, "has no unit of time" },
        { CHILD("within: -5s"), 2, KEYS + 8, "cannot be negative" },
        { CHILD("within: soon"), 2, KEYS + 8, "is not a duration; write one as in 5s" },
        { CHILD("shutdown: never"), 2, KEYS + 10, "or infinity or kill, not 'never'" },
        { CHILD("backoff: { reset-after: infinity }"), 2, KEYS + 24, "or never, not 'infinity'" },
        { CHILD("within: 99999999999999999999s"), 2, KEYS + 8, "too large a duration" },
        { CHILD("within: 5124095577h"), 2, KEYS + 8, "too large a duration" },
        { CHILD("within: 87601h"), 2, KEYS + 8, "must be between 1ms and 87600h, not 87601h" },
        { CHILD("within: 0s"), 2, KEYS + 8, "must be between 1ms and 87600h, not 0s" },
        { CHILD("start-timeout: 1us"), 2, KEYS + 15, "must be between 1ms" },
        { CHILD("backoff: [1]"), 2, KEYS + 10, "1 has no unit; write 1s" },
        { CHILD("limits: { memory: 64 }"), 2, KEYS + 18, "64 has no unit; write 64MiB" },
        { CHILD("limits: { memory: 64MB }"), 2, KEYS + 18, "use B, KiB, MiB or GiB" },
        { CHILD("limits: { memory: 1.5GiB }"), 2, KEYS + 18, "write 1536KiB for 1.5MiB" },
        { CHILD("limits: { memory: 65535B }"), 2, KEYS + 18, "must be between 64KiB and 4GiB" },
        { CHILD("limits: { memory: 5GiB }"), 2, KEYS + 18, "must be between 64KiB and 4GiB" },
        { CHILD("limits: { memory: 99999999999GiB }"), 2, KEYS + 18, "too large a size" },
        { CHILD("limits: { call-timeout: 0s }"), 2, KEYS + 24, "must be between 1ms" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { CHILD("max-restarts: -1"), 2, KEYS + 14, "between 0 and 1000000, not -1" },
        { CHILD("max-restarts: 1000001"), 2, KEYS + 14, "between 0 and 1000000" },
        { CHILD("max-restarts: 4294967295"), 2, KEYS + 14, "between 0 and 1000000" },
        { CHILD("max-restarts: 4294967296"), 2, KEYS + 14, "between 0 and 1000000" },
        { CHILD("max-restarts: 99999999999999999999999"), 2, KEYS + 14, "between 0 and 1000000" },
        { CHILD("count: 0"), 2, KEYS + 7, "between 1 and 100000, not 0" },
        { CHILD("count: 100001"), 2, KEYS + 7, "between 1 and 100000" },
        { CHILD("limits: { mailbox: 0 }"), 2, KEYS + 19, "between 1 and 1000000" },
        { CHILD("backoff: { factor: 0.9 }"), 2, KEYS + 19, "between 1 and 1000" },
        { CHILD("backoff: { factor: 1000.5 }"), 2, KEYS + 19, "between 1 and 1000" },
        { CHILD("backoff: { jitter: 101% }"), 2, KEYS + 19, "between 0% and 100%" },
        { CHILD("backoff: { jitter: 99999999999999999999% }"), 2, KEYS + 19, "between 0% and" },
        { CHILD("backoff: []"), 2, KEYS + 9, "a list has 1 to 64 delays, not 0" },
        { "name: shop\nmax-instances: 0\nchildren: [{ name: a, component: a.wasm }]\n", 2, 16,
          "between 1 and 1000000" },
        { "name: shop\nmax-concurrent-starts: 0\nchildren: [{ name: a, component: a.wasm }]\n", 2,
          24, "between 1 and 1000000" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
names_follow_their_pattern(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { "name: a/b\nchildren: [{ name: a, component: a.wasm }]\n", 1, 7, "name 'a/b' is a path" },
        { "name: shop\nchildren: [{ name: /web, component: a.wasm }]\n", 2, 20, "is a path" },
        { "name: shop\nchildren: [{ name: ../x, component: a.wasm }]\n", 2, 20, "is a path" },
        { "name: shop\nchildren: [{ name: \"a#1\", component: a.wasm }]\n", 2, 20, "has a '#'" },
        { "name: shop\nchildren: [{ name: \"\", component: a.wasm }]\n", 2, 20, "is empty" },
        { "name: shop\nchildren: [{ name: .a, component: a.wasm }]\n", 2, 20,
          "must begin with a letter or a digit" },
        { "name: shop\nchildren: [{ name: a b, component: a.wasm }]\n", 2, 20, "alone" },
        { "name: shop\nchildren: [{ name: \xc3\xa9, component: a.wasm }]\n", 2, 20, "letter" },
        { "name: shop\nchildren: [{ name: 5, component: a.wasm }]\n", 2, 20,
          "put it in quotes: \"5\"" },
        { "name: a234567890123456789012345678901234567890123456789012345678901234\n"
          "children: [{ name: a, component: a.wasm }]\n",
          1, 7, "is longer than 63 characters" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
duplicates_tell_both_places(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { "name: shop\nchildren:\n  - { name: a, component: a.wasm }\n"
          "  - { name: b, component: a.wasm }\n  - { name: a, component: b.wasm, count: 2 }\n",
          5, 13, "name 'a' stands here a second time; the first is at 3:13" },
        { "name: shop\nname: shop\nchildren: [{ name: a, component: a.wasm }]\n", 2, 1,
          "key 'name' stands here a second time; the first is at 1:1" },
        { CHILD("within: 1s, within: 2s"), 2, KEYS + 12, "the first is at 2:42" },
        { CHILD("environment: { A: a, A: b }"), 2, KEYS + 21, "the first is at 2:57" },
    };
    ASSERT_ALL_REFUSED(refusals);
    load("name: shop\nchildren:\n  - { name: a, component: a.wasm }\n"
         "  - { name: w, children: [{ name: a, component: a.wasm }] }\n"); /* Other supervisors. */
}

static void
component_files_must_be_there(void **state)
{
    (void)state;
    char looked_for[128];
    static const char missing[] = "name: shop\nchildren: [{ name: a, component: stor.wasm }]\n";
    assert_refused(missing, 2, 34, "component 'stor.wasm': no such file");
    snprintf(looked_for, sizeof looked_for, "looked for %s/stor.wasm", folder);
    assert_reported(2, 34, looked_for);

    static const struct refusal refusals[] = {
        { "name: shop\nchildren: [{ name: a, component: sub }]\n", 2, 34, "not a file" },
        { "name: shop\nchildren: [{ name: a, component: \"\" }]\n", 2, 34, "is empty" },
        { "name: shop\nchildren: [{ name: a, component: a.wasm/b }]\n", 2, 34, "Not a directory" },
        { "name: shop\nchildren: [{ name: a, component: 5 }]\n", 2, 34, "put it in quotes" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
unlimited_restarts_need_a_delay(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { CHILD("max-restarts: unlimited, backoff: { strategy: immediate }"), 2, KEYS + 14,
          "needs a backoff whose delay does not stay 0" },
        { CHILD("max-restarts: unlimited, backoff: [1s, 0s]"), 2, KEYS + 14, "stay 0" },
        { CHILD("max-restarts: unlimited, backoff: { initial: 0s }"), 2, KEYS + 14, "stay 0" },
        { CHILD("max-restarts: unlimited, backoff: { strategy: linear, initial: 0s }"), 2,
          KEYS + 14, "stay 0" },
    };
    ASSERT_ALL_REFUSED(refusals);
    load(CHILD("max-restarts: unlimited, backoff: [0s, 1s]"));
}

static void
keys_of_a_backoff_must_fit_its_strategy(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { CHILD("backoff: { strategy: linear, factor: 2 }"), 2, KEYS + 29,
          "'factor' has no meaning with strategy 'linear'" },
        { CHILD("backoff: { strategy: immediate, initial: 1s }"), 2, KEYS + 32,
          "'initial' has no" },
        { CHILD("backoff: { strategy: immediate, jitter: 5% }"), 2, KEYS + 32, "'jitter' has no" },
        { CHILD("backoff: { initial: 2s, max: 1s }"), 2, KEYS + 29,
          "'max' is less than 'initial'" },
        { CHILD("backoff: { initial: 1m }"), 2, KEYS + 20, "'initial' is more than 'max'" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
health_takes_its_own_keys_in_their_limits(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { CHILD("health: 5"), 2, KEYS + 8, "'health' must be a map, not a number" },
        { CHILD("health: { port: 80 }"), 2, KEYS + 10, "unknown key 'port'" },
        { CHILD("health: { readiness: 1 }"), 2, KEYS + 21, "'readiness' must be true or false" },
        { CHILD("health: { liveness: \"true\" }"), 2, KEYS + 20, "must be true or false" },
        { CHILD("health: { interval: 1ms }"), 2, KEYS + 20, "must be between 10ms and" },
        { CHILD("health: { timeout: 5 }"), 2, KEYS + 19, "5 has no unit" },
        { CHILD("health: { failures: 0 }"), 2, KEYS + 20, "'failures'" },
        { CHILD("health: { failures: 1001 }"), 2, KEYS + 20, "'failures'" },
        { CHILD("interval: 5s"), 2, KEYS, "it belongs into 'health'" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
max_children_holds_for_the_children_that_stand_there(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { "name: s\nmax-children: 0\nchildren: [{ name: a, component: a.wasm }]\n", 2, 15,
          "'max-children' must be between 1 and 100000" },
        { "name: s\nmax-children: 1\nchildren:\n  - { name: a, component: a.wasm }\n"
          "  - { name: b, component: a.wasm }\n",
          2, 15, "'max-children' is 1, and 2 children stand here" },
        { "name: s\nchildren:\n  - name: w\n    max-children: 3\n    children:\n"
          "      - { name: a, component: a.wasm, count: 4 }\n",
          4, 19, "'max-children' is 3, and 4 children stand here" },
        { CHILD("max-children: 4"), 2, KEYS, "'max-children' is for supervisors" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
what_this_version_lacks_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const children[] = {
        "capabilities: {}",
    };
    char text[512], words[128];

    for (size_t i = 0; i < sizeof children / sizeof children[0]; i++) {
        snprintf(words, sizeof words, "'%.*s' is not supported by this version of airs yet; remove",
                 (int)strcspn(children[i], ":"), children[i]);
        snprintf(text, sizeof text, CHILD("%s"), children[i]);
        assert_refused(text, 2, KEYS, words);
    }
    static const struct refusal refusals[] = {
        { CHILD("limits: { on-full: block }"), 2, KEYS + 19, "'on-full: block' is not supported" },
        { CHILD("limits: { redeliver: 1 }"), 2, KEYS + 21, "is not supported by this version" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
yaml_that_is_none_is_refused_at_its_place(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { "name: shop\nchildren: [{ name: a\n", 3, 1, "not valid YAML" },
        { "name: a: b\n", 1, 8, "not valid YAML" },
        { "name: \"shop\n", 1, 8, "not valid YAML" },
        { "name: shop\nchildren:\n  - name: a\n    config: |\n    component: a.wasm\n", 5, 5,
          "a block of text must be indented deeper" },
        { "name: shop\nchildren:\n  - name: a\n    args:\n    - >\n\n    - x\n", 7, 5,
          "a block of text must be indented deeper" },
        { "name: shop\nx: |0x\n  text\n", 2, 4, "not valid YAML" },
        { "name: s\nchildren: []\n---\nname: t\n", 3, 1, "a second begins here" },
        { "name: &n shop\n", 1, 10, "anchors ('&name') are not allowed" },
        { "name: s\nchildren: *c\n", 2, 12, "aliases ('*name') are not allowed" },
        { "name: !!str shop\n", 1, 13, "tags ('!name') are not allowed" },
    };
    ASSERT_ALL_REFUSED(refusals);
}

static void
all_errors_of_a_file_are_reported_in_order(void **state)
{
    (void)state;
    static const char text[] = "name: shop\n"
                               "children:\n"
                               "  - { name: a, component: a.wasm, restrat: no, within: 5 }\n"
                               "  - { name: a, component: x.wasm }\n"
                               "stratgey: one-for-one\n";
    assert_int_equal(load_bytes(text, sizeof text - 1), AIRS_EINVAL);
    assert_int_equal(report.errors_total, 5);
    assert_reported(3, 35, "'restart'");
    assert_reported(3, 56, "no unit");
    assert_reported(4, 13, "second time");
    assert_reported(4, 27, "no such file");
    assert_reported(5, 1, "'strategy'");
    for (size_t i = 1; i < report.errors_size; i++)
        assert_true(report.errors[i - 1].line <= report.errors[i].line);
    assert_string_equal(error.message, "airs.yaml:3:35: unknown key 'restrat'; did you mean "
                                       "'restart'?");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_keys_name_the_nearest_known_one),
        cmocka_unit_test(a_key_of_another_kind_of_entry_is_named_so),
        cmocka_unit_test(what_is_required_is_missed),
        cmocka_unit_test(values_of_another_type_are_refused),
        cmocka_unit_test(words_that_are_no_choice_name_the_nearest_one),
        cmocka_unit_test(durations_and_sizes_need_a_unit_and_a_whole_number),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(names_follow_their_pattern),
        cmocka_unit_test(duplicates_tell_both_places),
        cmocka_unit_test(component_files_must_be_there),
        cmocka_unit_test(unlimited_restarts_need_a_delay),
        cmocka_unit_test(keys_of_a_backoff_must_fit_its_strategy),
        cmocka_unit_test(health_takes_its_own_keys_in_their_limits),
        cmocka_unit_test(max_children_holds_for_the_children_that_stand_there),
        cmocka_unit_test(what_this_version_lacks_is_refused_by_name),
        cmocka_unit_test(what_an_exit_leads_to_is_checked),
        cmocka_unit_test(what_a_supervisor_wants_of_its_children_is_checked),
        cmocka_unit_test(yaml_that_is_none_is_refused_at_its_place),
        cmocka_unit_test(all_errors_of_a_file_are_reported_in_order),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
