#include "lib/aws/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REGION_MAX 63 /* a label of a name */

/* As in botocore's partitions.json; what is not here is `aws`. */
static const struct {
	const char *prefix, *suffix;
} partitions[] = {
    {"cn-", "amazonaws.com.cn"},
    {"us-gov-", "amazonaws.com"},
    {"us-iso-", "c2s.ic.gov"},
    {"us-isob-", "sc2s.sgov.gov"},
    {"us-isof-", "csp.hci.ic.gov"},
    {"eu-isoe-", "cloud.adc-e.uk"},
    {"eusc-", "amazonaws.eu"},
};

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const char *suffix_of(const char *region)
{
	for (size_t i = 0; i < sizeof(partitions) / sizeof(*partitions); i++)
		if (begins(region, partitions[i].prefix))
			return partitions[i].suffix;
	return "amazonaws.com";
}

bool aws_region_is_valid(const char *region)
{
	size_t len = strlen(region);
	return len > 0 && len <= REGION_MAX &&
	       strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
	       region[0] != '-' && region[len - 1] != '-';
}

void aws_endpoint_write(struct draft *out, const char *service, const char *region, bool fips)
{
	const char *mark = fips && !begins(region, "us-gov-") ? "-fips" : "";
	draft_printf(out, "https://%s%s.%s.%s", service, mark, region, suffix_of(region));
}

static const char *some(const char *text)
{
	return text && text[0] ? text : NULL;
}

const char *aws_endpoint_given(const char *configured, const char *service)
{
	char name[64];
	const char *url = some(configured);
	snprintf(name, sizeof(name), "AWS_ENDPOINT_URL_%s", service);
	for (char *c = name; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	if (!url)
		url = some(getenv(name));
	return url ? url : some(getenv("AWS_ENDPOINT_URL"));
}

static const char *authority_of(const char *url)
{
	const char *separator = strstr(url, "://");
	return separator ? separator + 3 : url;
}

void aws_host_write(struct draft *out, const char *url)
{
	const char *at = authority_of(url);
	size_t len = strcspn(at, "/?#");
	const char *port = strncasecmp(url, "https:", 6) == 0 ? ":443" : ":80";
	size_t port_len = strlen(port);
	if (len > port_len && strncmp(at + len - port_len, port, port_len) == 0)
		len -= port_len;
	for (size_t i = 0; i < len; i++)
		draft_char(
		    out, at[i] >= 'A' && at[i] <= 'Z' ? (char)(at[i] - 'A' + 'a') : at[i]);
}

void aws_path_write(struct draft *out, const char *url)
{
	const char *at = authority_of(url);
	at += strcspn(at, "/?#");
	size_t len = strcspn(at, "?#");
	draft_add(out, len ? (struct ow_text){at, len} : (struct ow_text){"/", 1});
}
