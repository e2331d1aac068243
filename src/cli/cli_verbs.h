/* Verbs: one function each, in cmd_NAME.c; main.c has the table of them. */
#ifndef CLI_CLI_VERBS_H
#define CLI_CLI_VERBS_H

/** Runs a verb: argv[0] is its name. Returns the exit code. */
int cmd_up(int argc, char **argv);
/** In cmd_up.c: one component is compiled, in the process that this is. */
int cmd_compile_component(int argc, char **argv);
int cmd_down(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_schema(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_start(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_restart(int argc, char **argv);
int cmd_kill(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_reset(int argc, char **argv);
int cmd_delete(int argc, char **argv);
int cmd_add(int argc, char **argv);
int cmd_scale(int argc, char **argv);
int cmd_logs(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_graph(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_wait(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_call(int argc, char **argv);
int cmd_version(int argc, char **argv);

#endif
