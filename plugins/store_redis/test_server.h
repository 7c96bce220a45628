/* A real redis-server for tests of the plugin, asked as another program would ask it. */
#ifndef STORE_REDIS_TEST_SERVER_H
#define STORE_REDIS_TEST_SERVER_H

#include <check.h>

extern char server_url[80];

/* Runs the suite beside a server: a main() as a whole. Without redis-server it is skipped. */
int server_run(Suite *suite);

/* As a restart of a server that keeps nothing: all keys and connections are gone. */
void server_forget(void);

/* What it answers: text, number, or "" for nil. Valid until the next call. */
const char *ask(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
