/*
 * spool: a sink that writes each event as a file into a directory, for a
 * program that picks files up. A template: copy the folder, rename `spool`,
 * keep the shape.
 *
 * The shape: a configuration struct and its option table, a state struct,
 * create and destroy, the functions of the kind (here a sink's), a component
 * that names them all, and OW_MODULE. All but the getter that OW_MODULE writes
 * is static; nothing of the core is linked, everything it offers comes in the
 * host table.
 */
#include <onceway/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_MAX_BYTES 200 /* of a file name; what file systems take is 255 */

/* What the option table below writes. The core allocates it, zeroed, and keeps its texts. */
struct spool_conf {
	const char *directory;
	const char *suffix;
	bool sync;
	struct ow_retry retry;
};

/*
 * One instance: one `sinks:` entry on one worker. All calls for it come on that
 * worker's thread, so there is nothing to lock; but another worker may write
 * the same file at the same moment.
 */
struct spool {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct spool_conf *conf;
	struct ow_counter *bytes;
	char why[300]; /* the last complaint; lives until the next one */
};

static const char *complain(struct spool *s, const char *what)
{
	snprintf(s->why, sizeof(s->why), "%s: %s", what, strerror(errno));
	return s->why;
}

/* ---- writing a file ---- */

/*
 * The key as a file name: what is not plain becomes %XX. Keys are made from
 * what vendors send, so `/` and `..` must not get through. False: too long.
 */
static bool file_name(struct ow_text key, const char *suffix, char *out, size_t room)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:";
	size_t at = 0;
	for (size_t i = 0; i < key.len; i++) {
		char c = key.data[i];
		if (at + 3 >= room)
			return false;
		if (c != '\0' && strchr(plain, c))
			out[at++] = c;
		else
			at += (size_t)sprintf(out + at, "%%%02X", (unsigned char)c);
	}
	if (at + strlen(suffix) >= room)
		return false;
	strcpy(out + at, suffix);
	return true;
}

static bool write_all(int fd, struct ow_text body)
{
	while (body.len > 0) {
		ssize_t n = write(fd, body.data, body.len);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			body.data += n;
			body.len -= (size_t)n;
		}
	}
	return true;
}

/* Under a name of this instance's own first: nobody sees half a file. 0, or -1 with errno. */
static int write_file(struct spool *s, const char *name, struct ow_text body)
{
	int error = -1;
	char temporary[64];
	snprintf(temporary, sizeof(temporary), ".spool-%ld-%p", (long)getpid(), (void *)s);
	int directory = open(s->conf->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -1;
	int fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		goto fail;
	/* Events are acknowledged when we say OK, so OK must mean that they survive a power
	 * cut. */
	if (write_all(fd, body) && (!s->conf->sync || fsync(fd) == 0) &&
	    renameat(directory, temporary, directory, name) == 0 &&
	    (!s->conf->sync || fsync(directory) == 0))
		error = 0;
	int kept = errno;
	close(fd);
	if (error)
		unlinkat(directory, temporary, 0);
	errno = kept;
fail:
	kept = errno;
	close(directory);
	errno = kept;
	return error;
}

/* ---- what the core calls ---- */

/* Full disks get emptied and file descriptors come back; the rest needs somebody to act. */
static bool may_pass(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENFILE ||
	       error == EIO;
}

/*
 * One attempt. It ends in exactly one call of deliver_done(), which may come
 * at once, as here, or later: then keep `op`, put what belongs to it behind
 * op_set(), and finish it from a callback on host->base(), a timer, or
 * host->post(). event and attempt are borrowed until then.
 *
 * This sink blocks its worker for as long as the disk takes. That is fine for
 * a local disk; what talks to another machine must not.
 */
static void spool_deliver(void *state, struct ow_op *op, const struct ow_event *event,
    const struct ow_attempt *attempt)
{
	struct spool *s = state;
	struct ow_text body = s->host->event_body(event);
	struct ow_delivery d = {.size = sizeof(d), .rc = OW_OK, .code = "written"};
	char name[NAME_MAX_BYTES];
	/*
	 * Whether and when to try again is the core's business. A sink only says
	 * what happened: OK; RETRY, it may work later; REJECT, this event never
	 * will; FAIL, nothing will; UNKNOWN, sent but the answer was lost.
	 */
	if (!file_name(attempt->key, s->conf->suffix, name, sizeof(name))) {
		d.rc = OW_REJECT;
		d.code = "name";
		d.why = "the key is too long for a file name";
	} else if (write_file(s, name, body) != 0) {
		d.rc = may_pass(errno) ? OW_RETRY : OW_FAIL;
		d.code = "error";
		d.why = complain(s, s->conf->directory);
	} else {
		s->host->count(s->bytes, body.len);
	}
	s->host->deliver_done(op, &d);
}

/* Called when a delivery takes too long. Ours are over when spool_deliver() returns. */
static void spool_cancel(void *state, struct ow_op *op)
{
	(void)state;
	(void)op;
}

/* How the core is to retry. From the configuration alone: no instance exists yet. */
static void spool_policy(const void *options, struct ow_sink_policy *policy)
{
	const struct spool_conf *conf = options;
	policy->attempts = conf->retry.attempts;
	policy->base_ms = conf->retry.base_ms;
	policy->max_ms = conf->retry.max_ms;
	policy->jitter = (enum ow_jitter)conf->retry.jitter;
}

/* Asked about once a second, for /readyz. */
static bool spool_ready(void *state, const char **why)
{
	struct spool *s = state;
	if (access(s->conf->directory, W_OK | X_OK) == 0)
		return true;
	*why = complain(s, s->conf->directory);
	return false;
}

/* Opens nothing and starts nothing; a sink that has to connect does so in start(). */
static void *spool_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct spool *s = calloc(1, sizeof(*s));
	if (!s) {
		*why = "out of memory";
		return NULL;
	}
	s->host = host;
	s->self = self;
	s->conf = conf;
	s->bytes = host->counter(self, "spool_bytes_total", "Bytes written to files.", NULL,
	    (struct ow_text){NULL, 0});
	return s;
}

static void spool_destroy(void *state)
{
	free(state);
}

/*
 * Rules that the option table cannot say. The core puts FILE:LINE:COL and the
 * option's name before each complaint. Nothing may be touched here: `onceway
 * check` runs on machines where the directory does not exist.
 */
static void spool_check(const void *options, const struct ow_report *report)
{
	const struct spool_conf *conf = options;
	if (conf->directory[0] != '/')
		report->complain(report, "directory", "must begin with `/`");
	if (strchr(conf->suffix, '/') || strlen(conf->suffix) > 20)
		report->complain(report, "suffix", "must be at most 20 characters and no `/`");
}

/* ---- what the core reads ---- */

OW_RETRY_CHOICES;

/* From this the core checks the YAML, and `onceway plugins spool` documents it. */
static const struct ow_option spool_options[] = {
    OW_STRING(struct spool_conf, directory, "directory", .flags = OW_O_REQUIRED,
	.help = "Where files are put; it must be there already."),
    OW_STRING(struct spool_conf, suffix, "suffix", .dflt = ".json",
	.help = "How file names end, behind the event's key."),
    OW_BOOL(struct spool_conf, sync, "sync", .dflt = "true",
	.help = "Wait until the disk has the file before the event counts as delivered."),
    OW_RETRY_OPTIONS(struct spool_conf, retry),
    OW_OPTION_END,
};

static const struct ow_sink_ops spool_ops = {
    .size = sizeof(spool_ops),
    .deliver = spool_deliver,
    .cancel = spool_cancel,
    .policy = spool_policy,
    .ready = spool_ready,
};

static const struct ow_component spool_component = {
    .kind = OW_SINK,
    .conf_size = sizeof(struct spool_conf),
    .name = "spool",
    .summary = "Writes each event as a file into a directory.",
    .options = spool_options,
    .example = "{plugin: spool, directory: /var/spool/events}",
    .check = spool_check,
    .create = spool_create,
    .destroy = spool_destroy,
    .ops = &spool_ops,
};

static const struct ow_component *const components[] = {&spool_component, NULL};

OW_MODULE("sink_spool", "1.0", "Apache-2.0", components)
