/*
 * onceway/option.h - options are data.
 *
 * Included by <onceway/plugin.h>; plugins include only that.
 *
 * A component declares each of its options once, in a table. From that table
 * alone the core parses and checks the YAML, applies defaults, reports errors
 * with file:line:col, and prints the documentation. Checked values are written
 * into the component's configuration struct, zeroed beforehand, at the
 * option's offset. Strings and lists in it belong to the core and live as long
 * as the instance.
 */
#ifndef ONCEWAY_OPTION_H
#define ONCEWAY_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A list of texts, as written: `[429, connect]` gives {"429", "connect"}, 2. */
struct ow_list {
	const char *const *items;
	size_t count;
};

/* A mapping of free names to texts, in the order written (HTTP headers). */
struct ow_pairs {
	const char *const *names;
	const char *const *values;
	size_t count;
};

/*
 * A value of any shape, as it was written; since 1.3. Nodes are never copied, so
 * the struct may grow.
 */
enum ow_node_type {
	OW_NODE_NULL = 1, /* `null`, `~` or nothing */
	OW_NODE_BOOL,	  /* text is "true" or "false" */
	OW_NODE_NUMBER,	  /* text is a JSON number, with the digits that were written */
	OW_NODE_STRING, /* text is UTF-8; all that stands in quotes, or is none of the above */
	OW_NODE_LIST,
	OW_NODE_MAPPING,
};

struct ow_node {
	enum ow_node_type type;
	const char *text;	     /* of a scalar that is not null; else NULL */
	const char *name;	     /* of a mapping's member; else NULL */
	const struct ow_node *first; /* child of a list or mapping, in the order written */
	const struct ow_node *next;  /* sibling */
};

/* Types, with the C type of the struct member that receives the value. */
enum ow_type {
	OW_T_STRING = 1, /* const char *; NULL when absent and without default */
	OW_T_SECRET,	 /* const char *; never printed, logged or shown */
	OW_T_INT,	 /* int64_t */
	OW_T_BOOL,	 /* bool; true or false */
	OW_T_DURATION,	 /* int64_t milliseconds; 250ms 5s 10m 24h 7d */
	OW_T_SIZE,	 /* int64_t bytes; 512 64KiB 1MiB 2GiB */
	OW_T_ENUM,	 /* int, index into choices */
	OW_T_LIST,	 /* struct ow_list */
	OW_T_PAIRS,	 /* struct ow_pairs */
	OW_T_URL,	 /* const char *; scheme://host[:port][/path], scheme in choices */
	OW_T_ADDRESS,	 /* const char *; host:port, [v6]:port */
	OW_T_POINTER,	 /* const char *; JSON pointer, RFC 6901: /data/contactId */
	OW_T_REFERENCE,	 /* const char *; a name in the section named by choices[0] */
	OW_T_TREE,	 /* const struct ow_node *; since 1.3: any value, NULL when absent */
};

#define OW_O_REQUIRED	0x01 /* absent is an error */
#define OW_O_DEPRECATED 0x02 /* accepted with a warning; help says what to use */
#define OW_O_RELOADABLE 0x04 /* may change without a new instance */
#define OW_O_SECRET	0x08 /* since 1.1: never printed, logged or shown, whatever the type */

/*
 * One option. A dotted name nests: "pool.max_waiting" is written
 *     pool: {max_waiting: 1000}
 * `dflt` is what a user would write, and is parsed by the same code as a
 * user's value. min and max are inclusive and in the value's own unit
 * (milliseconds, bytes, plain); both 0 means no range. For lists they bound
 * the number of items. A number may have choices since 1.2: words that may be
 * written in its place (`workers: auto`), for which the member gets
 * OW_WORD(index into choices); its range must be given and begin at 0 or above.
 * Since 1.3 an address may have words too, which the member gets as written.
 * A list of secrets is a list with the flag OW_O_SECRET:
 * none of its items may be empty.
 */
struct ow_option {
	const char *name; /* [a-z][a-z0-9_]*, dots between levels; NULL ends the table */
	uint16_t type;	  /* enum ow_type */
	uint16_t flags;	  /* OW_O_* */
	uint32_t offset;  /* into the configuration struct */
	const char *dflt; /* as in YAML; NULL: none */
	int64_t min, max;
	const char *const *choices; /* ENUM: values; URL: schemes; REFERENCE: section; numbers
				       and addresses: words; ends with NULL */
	const char
	    *unit; /* for the documentation: what a count counts, what a tree is; or NULL */
	const char *help;  /* one sentence, with a full stop */
	const char *since; /* release that added it; NULL: the first */
};

#define OW_WORD(index) (-1 - (int64_t)(index))

#define OW_OPTION_END                                                                          \
	{                                                                                      \
		.name = NULL                                                                   \
	}

/* offsetof() that does not compile unless the member has the type the option writes. */
#define OW_MEMBER(conf, member, ctype)                                                         \
	((uint32_t)(offsetof(conf, member) +                                                   \
		    0 * sizeof(char[_Generic(&((conf *)0)->member, ctype * : 1, default        \
					     : -1)])))

#define OW_OPTION(conf, member, ctype, otype, oname, ...)                                      \
	{                                                                                      \
		.name = (oname), .type = (otype), .offset = OW_MEMBER(conf, member, ctype),    \
		__VA_ARGS__                                                                    \
	}

/* OW_STRING(struct conf, member, "name", .dflt = "x", .help = "What it is.") and so on. */
#define OW_STRING(c, m, n, ...)	   OW_OPTION(c, m, const char *, OW_T_STRING, n, __VA_ARGS__)
#define OW_SECRET(c, m, n, ...)	   OW_OPTION(c, m, const char *, OW_T_SECRET, n, __VA_ARGS__)
#define OW_INT(c, m, n, ...)	   OW_OPTION(c, m, int64_t, OW_T_INT, n, __VA_ARGS__)
#define OW_BOOL(c, m, n, ...)	   OW_OPTION(c, m, bool, OW_T_BOOL, n, __VA_ARGS__)
#define OW_DURATION(c, m, n, ...)  OW_OPTION(c, m, int64_t, OW_T_DURATION, n, __VA_ARGS__)
#define OW_SIZE(c, m, n, ...)	   OW_OPTION(c, m, int64_t, OW_T_SIZE, n, __VA_ARGS__)
#define OW_ENUM(c, m, n, ...)	   OW_OPTION(c, m, int, OW_T_ENUM, n, __VA_ARGS__)
#define OW_LIST(c, m, n, ...)	   OW_OPTION(c, m, struct ow_list, OW_T_LIST, n, __VA_ARGS__)
#define OW_PAIRS(c, m, n, ...)	   OW_OPTION(c, m, struct ow_pairs, OW_T_PAIRS, n, __VA_ARGS__)
#define OW_URL(c, m, n, ...)	   OW_OPTION(c, m, const char *, OW_T_URL, n, __VA_ARGS__)
#define OW_ADDRESS(c, m, n, ...)   OW_OPTION(c, m, const char *, OW_T_ADDRESS, n, __VA_ARGS__)
#define OW_POINTER(c, m, n, ...)   OW_OPTION(c, m, const char *, OW_T_POINTER, n, __VA_ARGS__)
#define OW_TREE(c, m, n, ...)	   OW_OPTION(c, m, const struct ow_node *, OW_T_TREE, n, __VA_ARGS__)
#define OW_REFERENCE(c, m, n, ...) OW_OPTION(c, m, const char *, OW_T_REFERENCE, n, __VA_ARGS__)

/*
 * Rules across options go into the component's check(), which complains
 * through this. It is called only when every single option is sound.
 */
struct ow_report;

#endif
