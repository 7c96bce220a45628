#include "base/conceal.h"

#include <stdbool.h>
#include <string.h>

#define SHORT	  4 /* bytes of a secret that any text may hold by chance */
#define BEGINNING 8 /* bytes of a longer one that tell too much of it */

static size_t common(const char *a, const char *b)
{
	size_t n = 0;
	while (a[n] != '\0' && a[n] == b[n])
		n++;
	return n;
}

/* How many bytes at `at` show the secret; 0: it is not there. begins: at is the text's begin.
 */
static size_t shown(const char *at, bool begins, const char *secret)
{
	size_t len = strlen(secret), n = common(at, secret);
	if (n == 0 || (n < len && n < BEGINNING))
		return 0;
	if (len < SHORT && (begins || at[-1] != '`' || at[len] != '`'))
		return 0;
	return n;
}

static void conceal_one(struct buf *text, const char *secret)
{
	struct buf out = BUF_INIT;
	const char *from = text->data;
	for (const char *at = from; secret[0] && (at = strchr(at, secret[0]));) {
		size_t n = shown(at, at == text->data, secret);
		if (n == 0) {
			at++;
			continue;
		}
		buf_add(&out, from, (size_t)(at - from));
		buf_add_string(&out, "the value given");
		at += n;
		from = at;
	}
	if (from != text->data) {
		buf_add_string(&out, from);
		buf_free(text);
		*text = out;
	}
}

void conceal(struct buf *text, struct ow_list secrets)
{
	for (size_t i = 0; i < secrets.count && text->len > 0; i++)
		conceal_one(text, secrets.items[i]);
}
