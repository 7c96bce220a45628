/*
 * A store for the end-to-end tests that fails on command: what is wrong with it
 * at the moment stands in a file, one word a line:
 *
 *   claim    claims FAIL             commit   commits FAIL
 *   hang     claims take the key, and are answered only once cancelled
 *   unready  ready() says no
 *
 * It keeps its keys in a plain list, for one worker, and writes each operation
 * to FILE.log: claim KEY, sliding KEY, commit KEY, release KEY.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <onceway/plugin.h>

struct breakable_conf {
	const char *file;
};

struct key {
	struct key *next;
	size_t len;
	bool done;
	unsigned char token[OW_TOKEN_SIZE];
	unsigned char digest[OW_DIGEST_SIZE];
	bool has_digest;
	int64_t expires_ms;
	int status;
	char text[];
};

struct store {
	const struct ow_host *host;
	struct ow_instance *self;
	const struct breakable_conf *conf;
	struct key *keys;
};

static bool told(const struct store *s, const char *word)
{
	char line[64];
	bool found = false;
	FILE *f = fopen(s->conf->file, "r");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		found |= strcmp(line, word) == 0;
	}
	if (f)
		fclose(f);
	return found;
}

static void note(const struct store *s, const char *what, struct ow_text key)
{
	char name[4096];
	snprintf(name, sizeof(name), "%s.log", s->conf->file);
	FILE *f = fopen(name, "a");
	if (!f)
		return;
	fprintf(f, "%s %.*s\n", what, (int)key.len, key.data);
	fclose(f);
}

static struct key *find(struct store *s, struct ow_text text)
{
	int64_t now = s->host->mono_ms(s->self);
	for (struct key **at = &s->keys; *at;) {
		struct key *k = *at;
		if (now >= k->expires_ms) {
			*at = k->next;
			free(k);
			continue;
		}
		if (k->len == text.len && memcmp(k->text, text.data, k->len) == 0)
			return k;
		at = &k->next;
	}
	return NULL;
}

static struct key *owned(struct store *s, const struct ow_claim *claim)
{
	struct key *k = find(s, claim->key);
	return k && !k->done && memcmp(k->token, claim->token, OW_TOKEN_SIZE) == 0 ? k : NULL;
}

static void add(struct store *s, const struct ow_claim *claim)
{
	struct key *k = calloc(1, sizeof(*k) + claim->key.len);
	if (!k)
		abort();
	k->len = claim->key.len;
	memcpy(k->text, claim->key.data, k->len);
	memcpy(k->token, claim->token, OW_TOKEN_SIZE);
	k->expires_ms = s->host->mono_ms(s->self) + claim->lock_ms;
	k->next = s->keys;
	s->keys = k;
}

static void store_claim(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	struct key *k = find(s, claim->key);
	struct ow_claim_answer answer = {.size = sizeof(answer), .age_ms = -1};
	struct ow_result result = {.size = sizeof(result), .status = 200};
	note(s, claim->sliding ? "sliding" : "claim", claim->key);
	if (told(s, "hang")) {
		if (!k)
			add(s, claim);
		return; /* until it is cancelled */
	}
	if (told(s, "claim")) {
		answer.rc = OW_FAIL;
		answer.why = "told to fail";
	} else if (k && k->done) {
		answer.state = OW_CLAIM_DONE;
		answer.result = &result;
		result.status = k->status;
		answer.digest = k->has_digest ? k->digest : NULL;
		if (claim->sliding)
			k->expires_ms = s->host->mono_ms(s->self) + claim->window_ms;
	} else if (k) {
		answer.state = OW_CLAIM_IN_PROGRESS;
		answer.remaining_ms = k->expires_ms - s->host->mono_ms(s->self);
	} else {
		add(s, claim);
		answer.state = OW_CLAIM_NEW;
	}
	s->host->claim_done(op, &answer);
}

static void store_renew(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	struct key *k = owned(s, claim);
	if (k)
		k->expires_ms = s->host->mono_ms(s->self) + claim->lock_ms;
	s->host->op_done(op, k ? OW_OK : OW_REJECT, NULL);
}

static void store_commit(
    void *state, struct ow_op *op, const struct ow_claim *claim, const struct ow_result *result)
{
	struct store *s = state;
	struct key *k = owned(s, claim);
	note(s, "commit", claim->key);
	if (told(s, "commit")) {
		s->host->op_done(op, OW_FAIL, "told to fail");
		return;
	}
	if (k) {
		k->done = true;
		k->status = result->status;
		k->expires_ms = s->host->mono_ms(s->self) + claim->window_ms;
		k->has_digest = claim->digest;
		if (claim->digest)
			memcpy(k->digest, claim->digest, OW_DIGEST_SIZE);
	}
	s->host->op_done(op, k ? OW_OK : OW_REJECT, NULL);
}

static void store_release(void *state, struct ow_op *op, const struct ow_claim *claim)
{
	struct store *s = state;
	struct key *k = owned(s, claim);
	note(s, "release", claim->key);
	if (k)
		k->expires_ms = 0;
	s->host->op_done(op, k ? OW_OK : OW_REJECT, NULL);
}

/* Only a claim that hangs is ever unfinished. */
static void store_cancel(void *state, struct ow_op *op)
{
	struct store *s = state;
	struct ow_claim_answer answer = {
	    .size = sizeof(answer), .rc = OW_FAIL, .why = "told to hang"};
	s->host->claim_done(op, &answer);
}

static int64_t store_keys(void *state)
{
	struct store *s = state;
	int64_t count = 0;
	for (struct key *k = s->keys; k; k = k->next)
		count++;
	return count;
}

static bool store_ready(void *state, const char **why)
{
	*why = "told not to be ready";
	return !told(state, "unready");
}

static void *store_create(
    const struct ow_host *host, struct ow_instance *self, const void *conf, const char **why)
{
	struct store *s = calloc(1, sizeof(*s));
	*why = "out of memory";
	if (s) {
		s->host = host;
		s->self = self;
		s->conf = conf;
	}
	return s;
}

static void store_destroy(void *state)
{
	struct store *s = state;
	while (s->keys) {
		struct key *next = s->keys->next;
		free(s->keys);
		s->keys = next;
	}
	free(s);
}

static const struct ow_option options[] = {
    OW_STRING(struct breakable_conf, file, "file", .flags = OW_O_REQUIRED,
	.help = "Where to read what is wrong."),
    OW_OPTION_END,
};

static const struct ow_store_ops ops = {
    .size = sizeof(ops),
    .claim = store_claim,
    .renew = store_renew,
    .commit = store_commit,
    .release = store_release,
    .cancel = store_cancel,
    .keys = store_keys,
    .ready = store_ready,
};

static const struct ow_component breakable = {
    .kind = OW_STORE,
    .conf_size = sizeof(struct breakable_conf),
    .name = "breakable",
    .summary = "Fails on command.",
    .options = options,
    .example = "file: state\n",
    .create = store_create,
    .destroy = store_destroy,
    .ops = &ops,
};

static const struct ow_component *const components[] = {&breakable, NULL};

OW_MODULE("store_breakable", "1.0", "Apache-2.0", components)
