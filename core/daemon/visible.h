/* Texts from outside, for a terminal: no control character reaches it. */
#ifndef DAEMON_VISIBLE_H
#define DAEMON_VISIBLE_H

#include <stdio.h>

#include <onceway/event.h>

/* Control characters become \x1b and the like; all of them, or all but tabs and line ends. */
void visible_print(FILE *out, struct ow_text text);
void visible_print_lines(FILE *out, struct ow_text text);

#endif
