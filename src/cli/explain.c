/* Five lines at most: what it is in, the exit behind that, the rule or budget that decided, what
 * comes next with its time, and why the dependency that it waits for is not met.
 */
#include "cli/explain.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/child_row.h"
#include "cli/ndjson.h"

#define LABEL_COLUMNS 10

struct explanation {
    struct buffer *buffer;
    const struct style *style;
    const json_t *child;
    const json_t *report;
    struct child_row row;
    const char *stopped;
    const char *decided_by;
    uint64_t now_us;
};

static void
put_line(const struct explanation *about, const char *label, struct buffer *text)
{
    buffer_append_text(about->buffer, "  ");
    text_pad(about->buffer, about->style, label, LABEL_COLUMNS);
    text_put(about->buffer, about->style, text->data ? text->data : "", SIZE_MAX);
    buffer_append_text(about->buffer, "\n");
    buffer_consume(text, text->size);
}

static bool
is_in(const struct explanation *about, const char *state)
{
    return strcmp(about->row.state, state) == 0;
}

static bool
is_stopped(const struct explanation *about, const char *why)
{
    return about->stopped && strcmp(about->stopped, why) == 0;
}

static bool
is_decided_by(const struct explanation *about, const char *what)
{
    return about->decided_by && strcmp(about->decided_by, what) == 0;
}

static bool
has_escalated(const struct explanation *about)
{
    return is_in(about, "failed") && json_is_true(json_object_get(about->child, "escalated"));
}

static void
put_duration(struct buffer *text, double ms)
{
    char value[32];
    text_duration(value, sizeof value, ms > 0 ? (uint64_t)ms : 0);
    buffer_append_text(text, value);
}

/* "in 1.2s, at 03:04:06" */
static void
put_moment(struct buffer *text, const struct explanation *about, double in_ms)
{
    char clock[16];
    time_t at = (time_t)((about->now_us + (uint64_t)(in_ms * (double)US_PER_MS)) / US_PER_S);
    struct tm parts;
    gmtime_r(&at, &parts);
    strftime(clock, sizeof clock, "%H:%M:%S", &parts);
    buffer_append_text(text, "in ");
    put_duration(text, in_ms);
    buffer_printf(text, ", at %s", clock);
}

/* ---- The exit behind it ---- */

/* History may be a run ahead of the child, or gone: then the child's own words. */
static bool
is_its_exit(const struct explanation *about)
{
    const char *reason = json_text(about->report, "reason");
    return reason && about->row.exit_reason && strcmp(reason, about->row.exit_reason) == 0;
}

static void
put_exit(const struct explanation *about, struct buffer *text)
{
    if (!about->row.exit_reason)
        return;
    const char *time = is_its_exit(about) ? json_text(about->report, "time") : NULL;
    if (time)
        buffer_printf(text, "generation %.0f ", json_number_or(about->report, "generation", 0));
    buffer_append_text(text, "ended as ");
    child_row_exit(text, &about->row);
    if (time && strlen(time) >= 19)
        buffer_printf(text, " on %.10s at %.8s", time, time + 11);
    double uptime_ms = time ? json_number_or(about->report, "uptime_ms", -1) : -1;
    if (uptime_ms >= 0) {
        buffer_append_text(text, " after ");
        put_duration(text, uptime_ms);
    }
    put_line(about, "exit", text);
}

/* ---- What decided ---- */

/* "2 of 3 restarts within 1m00s", and when the window frees. */
static void
put_budget(const struct explanation *about, struct buffer *text)
{
    const char *slash = about->row.budget ? strchr(about->row.budget, '/') : NULL;
    double frees_ms = json_number_or(about->child, "frees_ms", -1);
    if (!slash)
        return;
    if (strcmp(slash, "/unlimited") == 0) {
        buffer_printf(text, "its restarts are not limited (%.0f so far)", about->row.restarts);
        return;
    }
    if (strcmp(slash, "/0") == 0) {
        buffer_append_text(text, "max-restarts is 0");
        return;
    }
    buffer_printf(text, "%.*s of %s restarts are used within ", (int)(slash - about->row.budget),
                  about->row.budget, slash + 1);
    put_duration(text, json_number_or(about->child, "within_ms", 0));
    buffer_append_text(text, " of being ready");
    if (frees_ms >= 0) {
        buffer_append_text(text, "; one comes free after ");
        put_duration(text, frees_ms);
        buffer_append_text(text, " more of it");
    }
}

static const char *
text_or(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

/* The path that made it so; NULL: none, or it is not known any more. */
static const char *
cause_of(const struct explanation *about)
{
    const char *cause = json_text(about->child, "cause");
    if (!cause && is_its_exit(about))
        cause = json_text(about->report, "cause");
    if (!cause && is_its_exit(about))
        cause = json_text(json_object_get(about->report, "then"), "cause");
    return cause;
}

/* "2 of 2 restarts within 10s": used up, it is as many as are allowed. */
static void
put_intensity(const struct explanation *about, const char *policy, struct buffer *text)
{
    double allowed = json_number_or(about->child, "intensity", 0);
    buffer_printf(text,
                  "%s, but the intensity of its supervisor is used up: %.0f of %.0f restarts"
                  " within ",
                  policy, allowed, allowed);
    put_duration(text, json_number_or(about->child, "intensity_within_ms", 0));
}

/* Its restart policy as a sentence, where nothing else had a say. */
static void
put_policy(const struct explanation *about, const char *policy, struct buffer *text)
{
    if (!is_in(about, "stopped"))
        buffer_append_text(text, policy);
    else if (strcmp(policy, "temporary") == 0)
        buffer_append_text(text, "temporary: it is never restarted");
    else
        buffer_printf(text, "%s: it ended normally, so it is not restarted", policy);
}

/* What says all by itself. */
static const struct {
    const char *decided_by;
    const char *text;
} decisions[] = {
    { "load-error", "what cannot be loaded is not restarted" },
    { "restart", "started again by hand or by a reload, uncounted" },
    { "stop", "it was asked to stop, and stays so until it is started" },
    { "delete", "it is deleted when it has ended" },
    { "ignored", "its start answered that there is nothing to do" },
    { "host-lost", "the program died under it: started again, uncounted" },
    { "former", "what decided has been changed by a reload since" },
};

static void
put_decision(const struct explanation *about, const char *policy, struct buffer *text)
{
    for (size_t i = 0; i < sizeof decisions / sizeof *decisions; i++)
        if (is_decided_by(about, decisions[i].decided_by))
            buffer_append_text(text, decisions[i].text);
    if (!about->decided_by || is_decided_by(about, "policy"))
        put_policy(about, policy, text);
    if (is_decided_by(about, "on-exit"))
        buffer_printf(text, "on-exit %s", text_or(json_text(about->child, "on_exit"), ""));
    if (is_decided_by(about, "budget"))
        buffer_printf(text, "%s, but its budget is used up", policy);
    if (is_decided_by(about, "intensity"))
        put_intensity(about, policy, text);
    if (is_decided_by(about, "group"))
        buffer_printf(text, "the restart of %s takes it along, uncounted",
                      text_or(cause_of(about), "a sibling"));
    if (is_decided_by(about, "dependency"))
        buffer_printf(text, "when-dependency-restarts: it follows %s, uncounted",
                      text_or(cause_of(about), "what it depends on"));
    if (is_decided_by(about, "start"))
        buffer_printf(text, "%s; after that exit it was started anew, or reset", policy);
    if (is_decided_by(about, "supervisor"))
        buffer_printf(text, "its supervisor stopped, and takes it along%s%s",
                      cause_of(about) ? ", because of " : "", text_or(cause_of(about), ""));
}

static void
put_rule(const struct explanation *about, struct buffer *text)
{
    bool is_budget = is_decided_by(about, "budget");
    bool goes_on = !is_in(about, "stopped") && !is_in(about, "stopping") && !is_in(about, "failed");
    put_decision(about, text_or(json_text(about->child, "restart"), "permanent"), text);
    if (is_budget || goes_on) {
        buffer_append_text(text, is_budget ? ": " : "; ");
        put_budget(about, text);
    }
    if (has_escalated(about))
        buffer_append_text(text, "; that ended its supervisor");
    put_line(about, "rule", text);
}

/* ---- What comes next ---- */

static void
put_wait(const struct explanation *about, struct buffer *text)
{
    const char *waits_for = about->row.waits_for;
    if (waits_for && strcmp(waits_for, "pool") == 0)
        buffer_append_text(text, "it starts when a place is free: at most max-concurrent-starts "
                                 "start at a time, and max-instances run");
    else if (waits_for && strcmp(waits_for, "turn") == 0)
        buffer_append_text(text, "it starts when the siblings before it are ready");
    else if (waits_for && strcmp(waits_for, "compile") == 0)
        buffer_append_text(text, "it starts when its component is compiled");
    else if (waits_for)
        buffer_printf(text, "it starts when %s is ready, or has ended well", waits_for);
    else if (about->row.due_ms >= 0) {
        buffer_append_text(text, "its delay ends and it starts ");
        put_moment(text, about, about->row.due_ms);
    } else {
        buffer_append_text(text, "it starts with its supervisor");
    }
}

static void
write_next(const struct explanation *about, struct buffer *text)
{
    double due_ms = about->row.due_ms;
    if (is_in(about, "registered") || is_in(about, "restarting")) {
        put_wait(about, text);
    } else if (is_in(about, "starting")) {
        buffer_append_text(text, "it answers its start");
        if (due_ms >= 0) {
            buffer_append_text(text, ", or is ended as timeout ");
            put_moment(text, about, due_ms);
        }
    } else if (is_in(about, "running")) {
        buffer_append_text(text,
                           about->row.ready ? "nothing, as long as it runs" : "it becomes ready");
    } else if (is_in(about, "stopping")) {
        buffer_append_text(text, "it ends by itself");
        if (due_ms >= 0) {
            buffer_append_text(text, ", or is killed ");
            put_moment(text, about, due_ms);
        }
    } else if (is_stopped(about, "supervisor") || has_escalated(about)) {
        buffer_append_text(text, "it starts with its supervisor");
    } else {
        buffer_printf(text, "nothing by itself; airs start %s begins anew", about->row.path);
    }
}

/* Why the child that it waits for is not met. */
static void
put_dependency(const struct explanation *about, const json_t *dependency, struct buffer *text)
{
    const char *waits_for = about->row.waits_for;
    if (!waits_for || waits_for[0] != '/')
        return;
    struct explanation other = { .child = dependency,
                                 .now_us = about->now_us,
                                 .stopped = json_text(dependency, "stopped") };
    if (!dependency || !child_row_read(&other.row, dependency)) {
        buffer_printf(text, "there is no %s; added, it is started", waits_for);
    } else {
        buffer_printf(text, "%s is %s%s", waits_for, other.row.state,
                      is_in(&other, "running") && !other.row.ready ? " and not ready" : "");
        if (other.row.exit_reason && !is_in(&other, "running")) {
            buffer_append_text(text, " after ");
            child_row_exit(text, &other.row);
        }
        buffer_append_text(text, "; next: ");
        write_next(&other, text);
    }
    put_line(about, "which", text);
}

static void
put_head(const struct explanation *about, struct buffer *text)
{
    struct buffer *buffer = about->buffer;
    text_paint(buffer, about->style, PAINT_BOLD);
    text_put(buffer, about->style, about->row.path, SIZE_MAX);
    text_unpaint(buffer, about->style, PAINT_BOLD);
    buffer_append_text(buffer, " is ");
    text_paint(buffer, about->style, paint_of_state(about->row.state));
    text_put(buffer, about->style, about->row.state, SIZE_MAX);
    text_unpaint(buffer, about->style, paint_of_state(about->row.state));
    if (is_in(about, "running")) {
        buffer_append_text(text, about->row.ready ? " and ready, for " : " and not ready, for ");
        put_duration(text, about->row.uptime_ms);
    }
    if (about->row.generation > 0)
        buffer_printf(text, ", generation %.0f", about->row.generation);
    text_put(buffer, about->style, text->data ? text->data : "", SIZE_MAX);
    buffer_append_text(buffer, "\n");
    buffer_consume(text, text->size);
}

void
explain_put(struct buffer *buffer, const struct style *style, const json_t *child,
            const json_t *report, const json_t *dependency, uint64_t now_us)
{
    struct explanation about = { .buffer = buffer,
                                 .style = style,
                                 .child = child,
                                 .report = report,
                                 .now_us = now_us,
                                 .stopped = json_text(child, "stopped"),
                                 .decided_by = json_text(child, "decided_by") };
    if (!child_row_read(&about.row, child))
        return;
    struct buffer text;
    buffer_init(&text, 0);
    put_head(&about, &text);
    put_exit(&about, &text);
    put_rule(&about, &text);
    write_next(&about, &text);
    put_line(&about, "next", &text);
    put_dependency(&about, dependency, &text);
    buffer_deinit(&text);
}
