/*
 * Errors that Redis answers with: what they mean for the connection, and one
 * phrase for people. Redis' own words may hold keys and come from a peer that
 * may be anything, so of an unknown one only a printable beginning is shown.
 */
#ifndef STORE_REDIS_FAULT_H
#define STORE_REDIS_FAULT_H

#include <onceway/plugin.h>

enum fault {
	FAULT_COMMAND = 1, /* this command alone */
	FAULT_SYNTAX,	   /* the server does not know the command in this form */
	FAULT_SCRIPT,	   /* NOSCRIPT: it wants the script itself */
	FAULT_SERVER,	   /* this server cannot serve now: another may, or it may later */
	FAULT_CLUSTER,	   /* nor can any other of its cluster */
	FAULT_ELSEWHERE,   /* another node of its cluster can */
};

#define FAULT_TEXT_SIZE 160

/* text: the error reply, without its '-'. Writes the phrase to out. */
enum fault fault_of(struct ow_text text, char out[FAULT_TEXT_SIZE]);

/* The same for what a Sentinel answers; `it` is the sentinel. */
void fault_of_sentinel(struct ow_text text, char out[FAULT_TEXT_SIZE]);

#endif
