/* Dependency graph: who comes before whom when dependencies between paths are lifted to siblings,
 * and whether that goes in a circle. For trees that change while they run; a manifest is put in
 * order as it is read.
 */
#ifndef POLICY_DEPENDENCY_GRAPH_H
#define POLICY_DEPENDENCY_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include <airs/status.h>

/* The children under a common supervisor that `dependant` and `dependency` are, or lie below:
 * so many bytes of each path. */
struct dependency_lift {
    size_t dependant_size;
    size_t dependency_size;
};

/** False: they are the same, or one is part of the other. Paths begin with '/'. Thread: any. */
bool dependency_lift(const char *dependant, const char *dependency,
                     struct dependency_lift *lift_out);

struct dependency_edge;

struct dependency_graph {
    struct dependency_edge *edges;
    size_t size;
};

void dependency_graph_init(struct dependency_graph *graph);
void dependency_graph_deinit(struct dependency_graph *graph);
/** Both paths are borrowed as long as the graph. EINVAL: one is part of the other; ENOMEM. */
enum airs_status dependency_graph_add(struct dependency_graph *graph, const char *dependant,
                                      const char *dependency, struct airs_error *error);
/** EINVAL: there is a cycle, which the error shows; ENOMEM. O(edges × log(edges)). */
enum airs_status dependency_graph_check(struct dependency_graph *graph, struct airs_error *error);

#endif
