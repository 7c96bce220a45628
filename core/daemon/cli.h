/* The command line: `onceway COMMAND [OPTIONS]`. */
#ifndef DAEMON_CLI_H
#define DAEMON_CLI_H

#define EXIT_USAGE 2

/* Returns the exit status: 0, 1 (it failed) or 2 (the command line is wrong). */
int cli_main(int argc, char **argv);

#endif
