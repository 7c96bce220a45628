/*
 * Where lines are written to: a file, stdout or stderr. Never waits for a slow
 * reader, and keeps lines whole: while one worker's line is written in part,
 * the others' lines wait. Shared by the workers' instances; locked inside.
 */
#ifndef SINK_LOG_LINE_FILE_H
#define SINK_LOG_LINE_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct line_file;

/* to: "stdout", "stderr" or a path. Opens nothing yet. */
struct line_file *line_file_new(const char *to);
void line_file_free(void *file);

/* Opens it, unless that was done. 0, or an errno. */
int line_file_open(struct line_file *file);

/*
 * Opens anew what has another file under its name by now, if it was opened. A
 * line that was begun is written whole to the new one. 0, or an errno: then
 * the old one is still written to.
 */
int line_file_reopen(struct line_file *file);

enum line_progress {
	LINE_WRITTEN = 1,
	LINE_BLOCKED, /* for now; call again with the same writer and line */
	LINE_FAILED,  /* with *error, an errno; what was written of it stays an end of a line */
};

/*
 * Writes a line, newline included, from *written on, and moves that. writer
 * tells apart who is in the middle of a line.
 */
enum line_progress line_file_write(struct line_file *file, const void *writer, const char *line,
    size_t len, size_t *written, int *error);

/* The writer will not finish the line it is in the middle of, if it is. */
void line_file_give_up(struct line_file *file, const void *writer);

#endif
