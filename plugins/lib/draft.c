#include "lib/draft.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <string.h>

#include "lib/alloc.h"

static void wipe(struct draft *d)
{
	if (d->data)
		OPENSSL_cleanse(d->data, d->size);
	free(d->data);
}

/* realloc() would leave the old bytes behind. */
static void reserve(struct draft *d, size_t more)
{
	size_t size = d->size ? d->size : 256;
	if (d->size - d->len > more)
		return;
	while (size - d->len <= more)
		size *= 2;
	char *data = alloc_bytes(size);
	if (d->len)
		memcpy(data, d->data, d->len);
	data[d->len] = '\0';
	wipe(d);
	d->data = data;
	d->size = size;
}

void draft_add(struct draft *d, struct ow_text text)
{
	reserve(d, text.len);
	if (text.len)
		memcpy(d->data + d->len, text.data, text.len);
	d->len += text.len;
	d->data[d->len] = '\0';
}

void draft_string(struct draft *d, const char *text)
{
	draft_add(d, (struct ow_text){text, strlen(text)});
}

void draft_char(struct draft *d, char c)
{
	draft_add(d, (struct ow_text){&c, 1});
}

void draft_printf(struct draft *d, const char *fmt, ...)
{
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len > 0) {
		reserve(d, (size_t)len);
		vsnprintf(d->data + d->len, (size_t)len + 1, fmt, again);
		d->len += (size_t)len;
	}
	va_end(again);
}

const char *draft_text(const struct draft *d)
{
	return d->data ? d->data : "";
}

void draft_clear(struct draft *d)
{
	if (d->data)
		OPENSSL_cleanse(d->data, d->len + 1);
	d->len = 0;
}

void draft_free(struct draft *d)
{
	wipe(d);
	*d = DRAFT_EMPTY;
}

char *draft_take(struct draft *d)
{
	reserve(d, 0); /* also where nothing was added */
	char *data = d->data;
	*d = DRAFT_EMPTY;
	return data;
}
