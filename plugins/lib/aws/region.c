#include "lib/aws/region.h"

#include <stdlib.h>

#include "lib/aws/endpoint.h"
#include "lib/aws/profile_file.h"

const char *aws_region_find(const char *configured, const char *profile, struct draft *out)
{
	struct aws_profile found = {.region = NULL};
	const char *region = configured && configured[0] ? configured : getenv("AWS_REGION");
	if (!region || !region[0])
		region = getenv("AWS_DEFAULT_REGION");
	if (!region || !region[0]) {
		/* What is wrong with the files is said when they are asked for credentials. */
		aws_profile_read(profile, &found, NULL);
		region = found.region;
	}
	const char *why = NULL;
	if (!region || !region[0])
		why = "the AWS region is not known: set `region`, AWS_REGION, or region in the "
		      "profile";
	else if (!aws_region_is_valid(region))
		why = "the AWS region of the environment or the profile is not a region's name";
	else
		draft_string(out, region);
	aws_profile_fini(&found);
	return why;
}
