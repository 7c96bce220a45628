/*
 * Where a service of a region is: https://SERVICE.REGION.SUFFIX, where the
 * suffix is the partition's (aws, aws-cn, aws-us-gov, ...).
 */
#ifndef LIB_AWS_ENDPOINT_H
#define LIB_AWS_ENDPOINT_H

#include "lib/aws/options.h"
#include "lib/draft.h"

/* True if it can be part of a host's name. */
bool aws_region_is_valid(const char *region);

/* The public endpoint's URL. In aws-us-gov the plain name is the FIPS one. */
void aws_endpoint_write(struct draft *out, const char *service, const char *region, bool fips);

/*
 * The URL that configuration or environment (AWS_ENDPOINT_URL_SERVICE,
 * AWS_ENDPOINT_URL) give instead; NULL: none. configured may be NULL.
 */
const char *aws_endpoint_given(const char *configured, const char *service);

/* The Host header of requests to that URL: as the host's HTTP client writes it. */
void aws_host_write(struct draft *out, const char *url);
/* The URL's path, "/" if it has none. */
void aws_path_write(struct draft *out, const char *url);

#endif
