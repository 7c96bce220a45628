/* What can stand in a header field: for options that name one or fill one. */
#ifndef LIB_FIELD_TEXT_H
#define LIB_FIELD_TEXT_H

#include <stdbool.h>

/* RFC 9110, 5.1: a token, not empty. */
bool field_is_name(const char *s);
/* A field that the HTTP client writes itself: a second one would make a request ambiguous. */
bool field_is_reserved(const char *name);
/* A line break, another control character, or DEL. */
bool field_has_control(const char *s);
/* Can a header have this value? What surrounds a value is not part of it. */
bool field_is_value(const char *s);

#endif
