/* A message in hand: received, and neither deleted nor given back yet. */
#ifndef SOURCE_SQS_MESSAGE_H
#define SOURCE_SQS_MESSAGE_H

#include "lib/ring.h"
#include "source_sqs/queue.h"
#include "source_sqs/sqs_wire.h"

enum message_state {
	MESSAGE_WAITING = 1, /* not emitted: its group has another one under way */
	MESSAGE_EMITTED,     /* the engine has it, and its event */
	MESSAGE_DELETING,    /* finished; the queue is being told */
	MESSAGE_RETURNING,   /* not finished; the queue is being told from when on it is seen */
	MESSAGE_GONE	     /* the queue need not be told anything any more */
};

enum posting_state {
	POSTING_NONE = 0,
	POSTING_QUEUED,
	POSTING_FAILED, /* waits to be queued again */
	POSTING_SENT	/* part of a call under way */
};

struct group; /* of groups.c */

/* What the queue is being told about a message, in an outbox. */
struct posting {
	enum posting_state state;
	struct ring link;
	int64_t visible_s; /* of a change of visibility */
	unsigned tries, tries_max;
	unsigned receipts; /* the message's, when it was sent */
	int64_t due_ms;	   /* mono; while FAILED */
};

enum message_fault {
	FAULT_NONE = 0,
	FAULT_DAMAGED,	/* not what was sent: another receipt may be */
	FAULT_MALFORMED /* not what the configuration expects */
};

struct message {
	enum message_state state;
	char *id, *receipt; /* owned */
	char *group;	    /* owned; NULL: not of a FIFO queue */
	unsigned receipts;  /* how often it was received while in hand */
	unsigned receives;  /* how often at all, as the queue counts */
	enum message_fault fault;
	struct ow_event *event; /* a reference of ours while WAITING, else NULL */
	int64_t received_ms;	/* mono; of the last receipt */
	int64_t renew_ms;	/* mono; the next extension, while in the heartbeat */
	int64_t return_s;	/* while RETURNING: seen again after that */
	bool return_posted;	/* it is what `visibility` is about */
	struct posting deletion, visibility;
	struct ring in_hand, in_group, in_heartbeat;
	struct group *group_of; /* whose in_group it is */
};

/*
 * Copies what is kept. body is what stands in the event; the members of the
 * message become its headers. WAITING, in no ring.
 */
struct message *message_new(
    const struct queue *q, const struct sqs_message *received, struct ow_event *event);
/* In no ring. Drops the event if it was not emitted. */
void message_free(const struct queue *q, struct message *m);

/* Received once more: the newer receipt is the one that surely deletes. */
void message_renew(
    const struct queue *q, struct message *m, const struct sqs_message *received);

/* For how long it may be hidden from now on: SQS allows 12 hours from the receipt. */
int64_t message_hidden_max_s(const struct queue *q, const struct message *m);

/* Nothing of it is queued or under way in an outbox. */
bool message_is_quiet(const struct message *m);

#endif
