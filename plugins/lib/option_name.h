/* Names of options that stand below another one: "oauth2." and "tls.ca". */
#ifndef LIB_OPTION_NAME_H
#define LIB_OPTION_NAME_H

#include <stdio.h>

struct option_name {
	char text[64];
};

/* By value, so that it lives as long as the call it is an argument of. */
static inline struct option_name option_name(const char *prefix, const char *option)
{
	struct option_name name;
	snprintf(name.text, sizeof(name.text), "%s%s", prefix, option);
	return name;
}

#endif
