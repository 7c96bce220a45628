#include "lib/aws/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *read_into(int fd, char *piece, size_t size, struct draft *out)
{
	ssize_t len;
	while ((len = read(fd, piece, size)) != 0) {
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return strerror(errno);
		if (out->len + (size_t)len > SMALL_FILE_MAX)
			return "is longer than 256 KiB";
		draft_add(out, (struct ow_text){piece, (size_t)len});
	}
	return NULL;
}

static const char *read_all(int fd, struct draft *out)
{
	char piece[4096];
	const char *why = read_into(fd, piece, sizeof(piece), out);
	OPENSSL_cleanse(piece, sizeof(piece));
	return why;
}

const char *small_file_read(const char *path, struct draft *out)
{
	struct stat st;
	/* Not blocking: what looks like a file may be a pipe. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return strerror(errno);
	const char *why = fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) ? "is not a regular file"
								      : read_all(fd, out);
	close(fd);
	return why;
}
