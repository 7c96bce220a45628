#include "sink_sqs/characters.h"

#include "lib/utf8.h"

static bool is_forbidden_control(unsigned char c)
{
	return c < ' ' && c != '\t' && c != '\n' && c != '\r';
}

/* U+FFFE and U+FFFF, which are ef bf be and ef bf bf. */
static bool is_noncharacter(const unsigned char *at, size_t left)
{
	return at[0] == 0xef && left >= 3 && at[1] == 0xbf && at[2] >= 0xbe;
}

const char *characters_fault(struct ow_text text)
{
	const unsigned char *at = (const unsigned char *)text.data;
	if (!utf8_valid(text))
		return "is not UTF-8";
	for (size_t i = 0; i < text.len; i++) {
		if (is_forbidden_control(at[i]))
			return "has a control character that SQS does not take";
		if (is_noncharacter(at + i, text.len - i))
			return "has U+FFFE or U+FFFF, which SQS does not take";
	}
	return NULL;
}
