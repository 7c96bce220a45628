/* Which region: as AWS' SDKs look for it, but not in the instance's metadata. */
#ifndef LIB_AWS_REGION_H
#define LIB_AWS_REGION_H

#include "lib/draft.h"

/*
 * Adds the region to out: the configured one, AWS_REGION, AWS_DEFAULT_REGION,
 * or that of the profile (NULL: of the one that is used). Returns NULL, or a
 * static phrase.
 */
const char *aws_region_find(const char *configured, const char *profile, struct draft *out);

#endif
