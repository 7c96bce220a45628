/*
 * How a node of a cluster says that a command is not for it, or not now. Each
 * of these means that the command was not carried out.
 */
#ifndef STORE_REDIS_REDIRECT_H
#define STORE_REDIS_REDIRECT_H

#include <onceway/plugin.h>

enum redirect_kind {
	REDIRECT_MOVED = 0, /* the slot is at another node, from now on */
	REDIRECT_ASK,	    /* the slot is moving there: this key is, others may not be */
	REDIRECT_TRYAGAIN,  /* some of the keys are moved: later */
	REDIRECT_KINDS
};

struct redirect {
	enum redirect_kind kind;
	unsigned slot;	     /* MOVED, ASK */
	struct ow_text host; /* likewise; lies in the error; "": the host that said it */
	int port;
};

/* False: this error is no redirection, or one that cannot be followed. */
bool redirect_read(struct ow_text error, struct redirect *redirect);

#endif
