/* airs check */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buffer.h"
#include "cli/cli_options.h"
#include "cli/cli_verbs.h"
#include "cli/text.h"
#include "manifest/effective.h"
#include "manifest/manifest.h"

static const char help[] =
    "Reads a manifest and says what is wrong with it, each with its place. The errors go to\n"
    "stderr, and the exit code is then 2. Without FILE it reads ./airs.yaml. Component files\n"
    "must be there; what is inside them is found when they are loaded.\n";
static const char example[] = "  airs check shop/airs.yaml\n"
                              "  airs check --effective shop/airs.yaml\n";

static bool
write_summary(const struct manifest *manifest, bool json, struct buffer *out)
{
    size_t children = manifest->components + manifest->supervisors;

    if (!json)
        return buffer_printf(out, "%s: ok, %zu %s\n", manifest->file, children,
                             children == 1 ? "child" : "children");
    json_t *object = json_pack("{s:s%, s:s, s:I, s:I, s:I, s:I}", "file", manifest->file,
                               strlen(manifest->file), "name", manifest->root->name, "children",
                               (json_int_t)children, "components", (json_int_t)manifest->components,
                               "supervisors", (json_int_t)manifest->supervisors, "max-instances",
                               (json_int_t)manifest->max_instances);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    bool done = text && buffer_append_text(out, text) && buffer_append_text(out, "\n");
    free(text);
    json_decref(object);
    return done;
}

static bool
write_manifest(const struct manifest *manifest, bool effective, bool json, struct buffer *out)
{
    if (!effective)
        return write_summary(manifest, json, out);
    return json ? effective_write_json(manifest, out) : effective_write_yaml(manifest, out);
}

static int
check(const char *file, bool effective, bool json)
{
    struct manifest_report report;
    struct manifest *manifest = NULL;
    struct airs_error error = { 0 };
    struct buffer out;
    bool done;

    manifest_report_init(&report);
    buffer_init(&out, 0);
    enum airs_status status = manifest_load(file, &manifest, &report, &error);
    if (status == AIRS_OK)
        done = write_manifest(manifest, effective, json, &out);
    else
        done = report.errors_size > 0 && (json ? manifest_report_write_json(&report, &out)
                                               : manifest_report_write_text(&report, &out));
    text_flush(&out, status == AIRS_OK ? stdout : stderr);
    if (!done)
        fprintf(stderr, "airs check: %s\n", status == AIRS_OK ? "out of memory" : error.message);
    buffer_deinit(&out);
    manifest_free(manifest);
    manifest_report_deinit(&report);
    if (status == AIRS_ENOMEM || (status == AIRS_OK && !done))
        return CLI_FAILED;
    return status == AIRS_OK ? CLI_DONE : CLI_WRONG_USE;
}

int
cmd_check(int argc, char **argv)
{
    bool effective = false, json = false;
    const struct cli_option options[] = {
        { .name = "effective",
          .help = "print every value that holds, defaults too, as a manifest",
          .flag_out = &effective },
    };
    struct cli_command command = {
        .verb = "check",
        .operands = "[FILE]",
        .help = help,
        .example = example,
        .options = options,
        .options_size = 1,
        .json = &json,
    };
    const char *operands[CLI_OPERANDS_MAX];
    int exit_code;
    if (!cli_parse(&command, argc, argv, operands, &exit_code))
        return exit_code;
    const char *file = cli_manifest("check", operands[0], "airs check FILE");
    return file ? check(file, effective, json) : CLI_WRONG_USE;
}
