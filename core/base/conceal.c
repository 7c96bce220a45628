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

static size_t longest(const char *at, bool begins, struct ow_list secrets)
{
	size_t longest = 0;
	for (size_t i = 0; i < secrets.count; i++) {
		size_t n = shown(at, begins, secrets.items[i]);
		longest = n > longest ? n : longest;
	}
	return longest;
}

/*
 * In one pass over the text as it was: taking out one secret would leave the
 * rest of another that it begins, or that begins inside it.
 */
void conceal(struct buf *text, struct ow_list secrets)
{
	struct buf out = BUF_INIT;
	size_t until = 0; /* before it, all is concealed */
	for (size_t i = 0; i < text->len; i++) {
		size_t n = longest(text->data + i, i == 0, secrets);
		if (n > 0 && i >= until)
			buf_add_string(&out, "the value given");
		if (n > 0 && i + n > until)
			until = i + n;
		if (i >= until)
			buf_add_char(&out, text->data[i]);
	}
	if (until > 0) {
		buf_free(text);
		*text = out;
	} else {
		buf_free(&out);
	}
}
