#include "store_redis/command.h"

#include <string.h>

#include "lib/alloc.h"

#define NUMBER_MAX 20 /* digits and sign of an int64_t */

void command_fini(struct command *c)
{
	free(c->bytes);
	*c = (struct command){0};
}

void command_clear(struct command *c)
{
	c->len = 0;
	c->count = 0;
}

/* Room for len more bytes; the end of what is there. */
static char *make_room(struct command *c, size_t len)
{
	if (c->size - c->len < len) {
		c->size = (c->len + len) * 2;
		c->bytes = alloc_resize(c->bytes, c->size);
	}
	return c->bytes + c->len;
}

/* Writes the digits and returns how many. */
static size_t print_number(char out[NUMBER_MAX], int64_t number)
{
	char reversed[NUMBER_MAX];
	size_t digits = 0, len = 0;
	uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	for (; rest >= 100; rest /= 100) {
		reversed[digits++] = (char)('0' + rest % 10);
		reversed[digits++] = (char)('0' + rest / 10 % 10);
	}
	if (rest >= 10)
		reversed[digits++] = (char)('0' + rest % 10), rest /= 10;
	reversed[digits++] = (char)('0' + rest);
	if (number < 0)
		out[len++] = '-';
	while (digits > 0)
		out[len++] = reversed[--digits];
	return len;
}

/* "*2\r\n" or "$5\r\n". */
static void add_length(struct command *c, char sign, size_t length)
{
	char *at = make_room(c, NUMBER_MAX + 3), *start = at;
	*at++ = sign;
	if (length < 10) /* most of them */
		*at++ = (char)('0' + length);
	else
		at += print_number(at, (int64_t)length);
	*at++ = '\r';
	*at++ = '\n';
	c->len += (size_t)(at - start);
}

void command_begin(struct command *c, const char *name, unsigned arguments)
{
	c->count++;
	add_length(c, '*', arguments + 1);
	command_string(c, name);
}

void command_text(struct command *c, struct ow_text text)
{
	add_length(c, '$', text.len);
	char *at = make_room(c, text.len + 2);
	if (text.len)
		memcpy(at, text.data, text.len);
	memcpy(at + text.len, "\r\n", 2);
	c->len += text.len + 2;
}

void command_string(struct command *c, const char *string)
{
	command_text(c, (struct ow_text){string, strlen(string)});
}

void command_number(struct command *c, int64_t number)
{
	char digits[NUMBER_MAX];
	command_text(c, (struct ow_text){digits, print_number(digits, number)});
}

void command_add(struct command *c, const struct command *more)
{
	memcpy(make_room(c, more->len), more->bytes, more->len);
	c->len += more->len;
	c->count += more->count;
}
