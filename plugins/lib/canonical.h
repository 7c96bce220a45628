/*
 * Canonical JSON as Python writes it: json.dumps(value, sort_keys=True,
 * separators=(",", ":")) of json.loads(raw), byte for byte. Keys that other
 * programs made by hashing such texts can so be made again.
 *
 *	strings	  printable ASCII only: \u00e9 in lower case, also \u007f,
 *		  surrogate pairs beyond U+FFFF, \b \t \n \f \r \" \\; "/"
 *		  as it is
 *	integers  exact at any length; -0 is 0
 *	floats	  float_text.h
 *	objects	  sorted by code point; of members with one name the last
 *
 * Works on the text itself: a parser in between would lose long integers and
 * the difference between 1 and 1.0.
 */
#ifndef LIB_CANONICAL_H
#define LIB_CANONICAL_H

#include <onceway/plugin.h>

/* A text that is being written. Keeps its memory from one text to the next. */
struct canonical;

struct canonical *canonical_new(void);
void canonical_free(struct canonical *c); /* NULL is fine */
void canonical_clear(struct canonical *c);

/* Adds text as it is: punctuation, and names known to be canonical. */
void canonical_add(struct canonical *c, const char *text);
void canonical_add_text(struct canonical *c, struct ow_text text);

/*
 * Adds bytes of any value as a string, each of them the character of that
 * number (ISO 8859-1), as HTTP libraries read header fields.
 */
void canonical_add_latin1(struct canonical *c, struct ow_text bytes);

/*
 * Adds a value. raw is valid JSON as struct ow_json has it, without lone
 * surrogates and numbers beyond a double; nested at most as deep as the core
 * lets bodies be, for this goes as deep.
 */
void canonical_add_value(struct canonical *c, struct ow_text raw);

/* All that was added. Borrowed until the next change. */
struct ow_text canonical_text(const struct canonical *c);

#endif
