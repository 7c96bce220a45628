/* TLS without TLS: who asks for what is seen, and the test makes the streams. */
#include <stdlib.h>

#include "base/mem.h"
#include "tests/plugin/mockstate.h"

struct ow_tls {
	struct list link; /* in mock->tls */
	struct ow_instance *instance;
};

void mock_set_tls(struct mock *m, mock_tls_stream *make, void *arg)
{
	m->tls_make = make;
	m->tls_arg = arg;
}

void mock_refuse_tls(struct mock *m, const char *why)
{
	m->refuse_tls = why ? arena_string(&m->arena, why) : NULL;
}

void mock_set_tls_problem(struct mock *m, const char *why)
{
	m->tls_problem = why ? arena_string(&m->arena, why) : NULL;
}

static const char *keep(struct mock *m, const char *text)
{
	return text ? arena_string(&m->arena, text) : NULL;
}

const struct ow_tls_options *mock_tls_options(const struct mock *m)
{
	return m->tls_options;
}

const struct ow_tls_options *mock_tls_copy(struct mock *m, const struct ow_tls_options *options)
{
	struct ow_tls_options *copy = arena_alloc(&m->arena, sizeof(*copy));
	*copy = (struct ow_tls_options){.size = sizeof(*copy)};
	if (options)
		mock_copy_sized(copy, options, sizeof(*copy), "struct ow_tls_options");
	copy->ca = keep(m, copy->ca);
	copy->certificate = keep(m, copy->certificate);
	copy->key = keep(m, copy->key);
	copy->server_name = keep(m, copy->server_name);
	return copy;
}

struct ow_tls *mock_host_tls_new(
    struct ow_instance *self, const struct ow_tls_options *options, const char **why)
{
	struct mock *m = self->mock;
	m->tls_options = mock_tls_copy(m, options);
	*why = m->refuse_tls;
	if (*why)
		return NULL;
	struct ow_tls *tls = mem_zero(sizeof(*tls));
	tls->instance = self;
	list_init(&tls->link);
	list_append(&m->tls, &tls->link);
	return tls;
}

void mock_host_tls_free(struct ow_tls *tls)
{
	if (!tls)
		return;
	list_remove(&tls->link);
	free(tls);
}

struct bufferevent *mock_host_tls_stream(struct ow_tls *tls, int fd, const char *host)
{
	struct mock *m = tls->instance->mock;
	if (!m->tls_make)
		mock_fail("a TLS stream to %s is wanted; call mock_set_tls()", host);
	return m->tls_make(fd, host, m->tls_arg);
}

const char *mock_host_tls_problem(struct ow_tls *tls, struct bufferevent *stream)
{
	(void)stream;
	return tls->instance->mock->tls_problem;
}

void mock_tls_instance_gone(struct ow_instance *instance)
{
	list_each(&instance->mock->tls,
	    it) if (list_entry(it, struct ow_tls, link)->instance == instance)
	    mock_fail("%s left a TLS context behind", instance->name);
}
