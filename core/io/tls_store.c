#include "io/tls_store.h"

#include <assert.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/tls_client.h"
#include "io/tls_server.h"

/*
 * Tickets are encrypted with a key that lives as long as its context: whoever
 * learns it can read what was sent in resumed TLS 1.2 sessions. So a listener's
 * context is made anew from the same files once a day.
 */
#define CONTEXT_MS INT64_C(86400000)

struct tls_context {
	struct list link; /* of store->contexts */
	struct tls_config config;
	char *name;
	unsigned references;
	int64_t made_ms;	/* by the monotonic clock */
	struct tls_stamp stamp; /* of the files as they were looked at last */
	/* under the lock: what workers read */
	pthread_mutex_t lock;
	SSL_CTX *current;
	unsigned version;
};

struct tls_store {
	const struct clock *clock;
	pthread_mutex_t lock; /* of what is below; never held together with a context's */
	struct list contexts;
	size_t count;
	struct buf why;
};

struct tls_store *tls_store_new(const struct clock *clock)
{
	struct tls_store *s = mem_zero(sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	list_init(&s->contexts);
	s->clock = clock;
	return s;
}

void tls_store_free(struct tls_store *s)
{
	if (!s)
		return;
	assert(list_empty(&s->contexts));
	pthread_mutex_destroy(&s->lock);
	buf_free(&s->why);
	free(s);
}

/* ---- loading ---- */

static const char *option_name(const struct tls_config *c, enum tls_part part)
{
	static const char *const names[TLS_PARTS] = {"tls.certificate", "tls.key", "tls.ca"};
	return part == TLS_PART_CA && c->side == TLS_SERVER ? "tls.client_ca" : names[part];
}

/* One load, told to a text or to the log. */
struct telling {
	const struct tls_context *context;
	struct buf *errors; /* joined here; NULL: to the log */
};

static void tell(void *arg, enum tls_part part, bool error, const char *text)
{
	const struct telling *t = arg;
	const struct tls_context *c = t->context;
	const char *option = option_name(&c->config, part);
	if (error && t->errors)
		buf_printf(t->errors, "%s%s: %s", t->errors->len ? "; " : "", option, text);
	else if (error)
		log_error(
		    c->name, "%s: %s; going on with what was loaded before", option, text);
	else
		log_warning(c->name, "%s: %s", option, text);
}

static SSL_CTX *load(const struct tls_store *s, struct tls_context *c, struct buf *errors)
{
	struct telling t = {.context = c, .errors = errors};
	tls_stamp(&c->config, &c->stamp);
	SSL_CTX *made =
	    tls_load(&c->config, clock_wall(s->clock), (struct tls_report){tell, &t});
	if (made && c->config.side == TLS_SERVER)
		tls_server_prepare(made, &c->config);
	else if (made)
		tls_client_prepare(made);
	return made;
}

/* ---- getting one ---- */

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same(const struct tls_context *c, const struct tls_config *wanted, const char *name)
{
	return c->config.side == wanted->side && c->config.asks == wanted->asks &&
	       c->config.min_version == wanted->min_version &&
	       same_text(c->config.certificate, wanted->certificate) &&
	       same_text(c->config.key, wanted->key) && same_text(c->config.ca, wanted->ca) &&
	       strcmp(c->name, name) == 0;
}

static char *copy(const char *text)
{
	return text && text[0] ? mem_string(text) : NULL;
}

static void dispose(struct tls_context *c)
{
	SSL_CTX_free(c->current);
	pthread_mutex_destroy(&c->lock);
	free((char *)(uintptr_t)c->config.certificate);
	free((char *)(uintptr_t)c->config.key);
	free((char *)(uintptr_t)c->config.ca);
	free(c->name);
	free(c);
}

static struct tls_context *make(
    struct tls_store *s, const struct tls_config *config, const char *name)
{
	struct tls_context *c = mem_zero(sizeof(*c));
	pthread_mutex_init(&c->lock, NULL);
	c->config = *config;
	c->config.certificate = copy(config->certificate);
	c->config.key = copy(config->key);
	c->config.ca = copy(config->ca);
	c->name = mem_string(name);
	c->made_ms = clock_mono(s->clock);
	buf_clear(&s->why);
	c->current = load(s, c, &s->why);
	if (!c->current) {
		dispose(c);
		return NULL;
	}
	list_append(&s->contexts, &c->link);
	s->count++;
	return c;
}

struct tls_context *tls_store_get(
    struct tls_store *s, const struct tls_config *config, const char *name, const char **why)
{
	struct tls_context *found = NULL;
	pthread_mutex_lock(&s->lock);
	list_each(&s->contexts, it)
	{
		struct tls_context *c = list_entry(it, struct tls_context, link);
		if (same(c, config, name))
			found = c;
	}
	if (!found)
		found = make(s, config, name);
	if (found)
		found->references++;
	else
		*why = s->why.data;
	pthread_mutex_unlock(&s->lock);
	return found;
}

void tls_store_release(struct tls_store *s, struct tls_context *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&s->lock);
	if (--c->references == 0) {
		list_remove(&c->link);
		s->count--;
		dispose(c);
	}
	pthread_mutex_unlock(&s->lock);
}

/* ---- using it ---- */

SSL_CTX *tls_context_use(struct tls_context *c, unsigned *version)
{
	pthread_mutex_lock(&c->lock);
	SSL_CTX *current = c->current;
	SSL_CTX_up_ref(current);
	if (version)
		*version = c->version;
	pthread_mutex_unlock(&c->lock);
	return current;
}

const struct tls_config *tls_context_config(const struct tls_context *c)
{
	return &c->config;
}

unsigned tls_context_version(struct tls_context *c)
{
	pthread_mutex_lock(&c->lock);
	unsigned version = c->version;
	pthread_mutex_unlock(&c->lock);
	return version;
}

/* ---- looking again ---- */

static void replace(struct tls_context *c, SSL_CTX *made)
{
	pthread_mutex_lock(&c->lock);
	SSL_CTX *old = c->current;
	c->current = made;
	c->version++;
	pthread_mutex_unlock(&c->lock);
	SSL_CTX_free(old);
}

static void tell_replaced(const struct tls_context *c)
{
	const X509 *own = SSL_CTX_get0_certificate(c->current);
	char date[TLS_DATE_SIZE];
	if (!own) {
		log_info(c->name, "TLS files were replaced: loaded again");
		return;
	}
	tls_date(own, true, date);
	log_info(c->name, "TLS files were replaced: loaded again; %s is good until %s",
	    c->config.certificate, date);
}

static void look(struct tls_store *s, struct tls_context *c)
{
	struct tls_stamp now;
	tls_stamp(&c->config, &now);
	bool changed = memcmp(&now, &c->stamp, sizeof(now)) != 0;
	bool old =
	    c->config.side == TLS_SERVER && clock_mono(s->clock) - c->made_ms >= CONTEXT_MS;
	if (!changed && !old)
		return;
	SSL_CTX *made = load(s, c, NULL);
	c->made_ms = clock_mono(s->clock);
	if (!made)
		return;
	replace(c, made);
	if (changed)
		tell_replaced(c);
}

size_t tls_store_look(struct tls_store *s)
{
	pthread_mutex_lock(&s->lock);
	size_t count = s->count;
	list_each(&s->contexts, it) look(s, list_entry(it, struct tls_context, link));
	pthread_mutex_unlock(&s->lock);
	return count;
}
