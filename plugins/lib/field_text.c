#include "lib/field_text.h"

#include <string.h>
#include <strings.h>

bool field_is_name(const char *s)
{
	static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
				      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	return s[0] && s[strspn(s, allowed)] == '\0';
}

bool field_is_reserved(const char *name)
{
	static const char *const reserved[] = {"Host", "Content-Length", "Transfer-Encoding",
	    "Connection", "Expect", "Upgrade", "TE", "Trailer"};
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcasecmp(name, reserved[i]) == 0)
			return true;
	return false;
}

bool field_has_control(const char *s)
{
	while (*s && (unsigned char)*s >= ' ' && *s != 0x7f)
		s++;
	return *s != '\0';
}

bool field_is_value(const char *s)
{
	size_t len = strlen(s);
	return !field_has_control(s) && (len == 0 || (s[0] != ' ' && s[len - 1] != ' '));
}
