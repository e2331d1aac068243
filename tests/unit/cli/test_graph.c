/* What `airs graph` draws. */
#include "testing.h"

#include <string.h>

#include "cli/child_row.c"
#include "cli/graph.c"
#include "cli/ndjson.c"
#include "cli/text.c"

static struct child_row rows[] = {
    { .path = "/web", .kind = "supervisor", .state = "running" },
    { .path = "/web/front", .kind = "actor", .state = "restarting" },
    { .path = "/we\"b", .kind = "command", .state = "failed" },
};

static void
assert_drawn(enum graph_format format, const char *expected)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    graph_put(&buffer, format, "shop", rows, 3);
    assert_string_equal(buffer.data, expected);
    buffer_deinit(&buffer);
}

static void
draws_each_child_below_its_supervisor(void **state)
{
    (void)state;
    assert_drawn(
        GRAPH_DOT,
        "digraph airs {\n"
        "  n0 [label=\"shop\", shape=folder];\n"
        "  n1 [label=\"web\\nrunning\", shape=folder, style=filled, fillcolor=\"#c8e6c9\"];\n"
        "  n0 -> n1;\n"
        "  n2 [label=\"front\\nrestarting\", shape=box, style=filled, fillcolor=\"#fff9c4\"];\n"
        "  n1 -> n2;\n"
        "  n3 [label=\"we_b\\nfailed\", shape=box, style=filled, fillcolor=\"#ffcdd2\"];\n"
        "  n0 -> n3;\n"
        "}\n");
    assert_drawn(GRAPH_MERMAID, "graph TD\n"
                                "  n0[\"shop\"]\n"
                                "  n0 --> n1[\"web<br>running\"]\n"
                                "  style n1 fill:#c8e6c9\n"
                                "  n1 --> n2[\"front<br>restarting\"]\n"
                                "  style n2 fill:#fff9c4\n"
                                "  n0 --> n3[\"we_b<br>failed\"]\n"
                                "  style n3 fill:#ffcdd2\n");
}

static void
draws_what_a_child_depends_on(void **state)
{
    (void)state;
    json_t *paths = json_pack("[s, s, s]", "/web", "/gone", "/we\"b");
    struct buffer buffer;
    rows[1].depends_on = paths;
    for (int format = GRAPH_DOT; format <= GRAPH_MERMAID; format++) {
        buffer_init(&buffer, 0);
        graph_put(&buffer, (enum graph_format)format, "shop", rows, 3);
        assert_non_null(strstr(buffer.data, format == GRAPH_DOT
                                                ? "  n2 -> n1 [style=dashed, constraint=false];\n"
                                                  "  n2 -> n3 [style=dashed, constraint=false];\n"
                                                  "}\n"
                                                : "  n2 -.-> n1\n  n2 -.-> n3\n"));
        buffer_deinit(&buffer);
    }
    rows[1].depends_on = NULL;
    json_decref(paths);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_each_child_below_its_supervisor),
        cmocka_unit_test(draws_what_a_child_depends_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
