#include "lib/sqs/queue_url.h"

#include <string.h>

#define NAME_MAX_LENGTH 80
#define FIFO_END	".fifo"

static struct ow_text text(const char *s)
{
	return (struct ow_text){s, strlen(s)};
}

static bool equal(struct ow_text t, const char *s)
{
	return t.len == strlen(s) && memcmp(t.data, s, t.len) == 0;
}

static bool ends_with(struct ow_text t, const char *end)
{
	size_t len = strlen(end);
	return t.len > len && memcmp(t.data + t.len - len, end, len) == 0;
}

/* Takes what stands before the next `stop`, and the stop, from the front of rest. */
static struct ow_text cut(struct ow_text *rest, char stop)
{
	const char *at = memchr(rest->data, stop, rest->len);
	struct ow_text front = {rest->data, at ? (size_t)(at - rest->data) : rest->len};
	size_t taken = at ? front.len + 1 : front.len;
	rest->data += taken;
	rest->len -= taken;
	return front;
}

/*
 * sqs.REGION.amazonaws.com, also with sqs-fips, with .com.cn and as api.aws, and
 * ID.sqs.REGION.vpce.amazonaws.com: the region is behind the service. The old
 * REGION.queue.amazonaws.com has it in front.
 */
static void find_region(struct ow_text host, struct queue_url *out)
{
	struct ow_text rest = host, before = {"", 0};
	bool first = true;
	if (!ends_with(host, ".amazonaws.com") && !ends_with(host, ".amazonaws.com.cn") &&
	    !ends_with(host, ".api.aws"))
		return;
	while (rest.len) {
		struct ow_text label = cut(&rest, '.');
		if (equal(label, "sqs") || equal(label, "sqs-fips")) {
			out->region = cut(&rest, '.');
			out->regional = first;
			return;
		}
		if (equal(label, "queue")) {
			out->region = before;
			out->regional = true;
			return;
		}
		before = label;
		first = false;
	}
}

static bool is_queue_name(struct ow_text name)
{
	if (ends_with(name, FIFO_END))
		name.len -= strlen(FIFO_END);
	if (name.len == 0)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
			name.data[i], 64))
			return false;
	return true;
}

const char *queue_url_parse(const char *url, struct queue_url *out)
{
	*out = (struct queue_url){.region = {"", 0}};
	const char *host = strstr(url, "://");
	if (!host)
		return "must be a URL such as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME";
	host += strlen("://");
	struct ow_text rest = text(host);
	struct ow_text authority = cut(&rest, '/');
	out->origin = (struct ow_text){url, (size_t)(authority.data + authority.len - url)};
	find_region(cut(&authority, ':'), out);
	if (memchr(rest.data, '?', rest.len) || memchr(rest.data, '#', rest.len))
		return "must be the URL alone, without `?` or `#`";
	struct ow_text account = {"", 0};
	while (rest.len) {
		account = out->name;
		out->name = cut(&rest, '/');
	}
	if (account.len == 0)
		return "must end in /ACCOUNT/NAME, as `aws sqs get-queue-url` shows it";
	if (!is_queue_name(out->name) || out->name.len > NAME_MAX_LENGTH)
		return "does not end in the name of a queue: at most 80 letters, digits, `-` "
		       "and `_`, and perhaps .fifo";
	out->fifo = ends_with(out->name, FIFO_END);
	return NULL;
}
