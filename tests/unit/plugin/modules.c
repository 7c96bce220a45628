#include "tests/unit/plugin/modules.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/main.h"

#define PATH_SIZE 600

char modules_dir[200];

void modules_start(void)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(modules_dir, sizeof(modules_dir), "%s/onceway-modules-XXXXXX",
	    tmp && strlen(tmp) < 100 ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(modules_dir));
}

void modules_stop(void)
{
	DIR *d = opendir(modules_dir);
	struct dirent *entry;
	while (d && (entry = readdir(d)))
		if (unlink(modules_path(entry->d_name)) != 0)
			rmdir(modules_path(entry->d_name));
	if (d)
		closedir(d);
	rmdir(modules_dir);
}

const char *modules_path(const char *file)
{
	static char path[PATH_SIZE];
	snprintf(path, sizeof(path), "%s/%s", modules_dir, file);
	return path;
}

const char *modules_write(const char *file, const void *bytes, size_t len, mode_t mode)
{
	const char *path = modules_path(file);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	ck_assert_int_eq(fchmod(fd, mode), 0); /* whatever the umask is */
	close(fd);
	return path;
}

static char *read_file(const char *path, size_t *len)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	ck_assert_msg(fd >= 0 && fstat(fd, &st) == 0, "%s is not built: make check", path);
	*len = (size_t)st.st_size;
	char *bytes = mem_alloc(*len);
	ck_assert_int_eq(read(fd, bytes, *len), (ssize_t)*len);
	close(fd);
	return bytes;
}

const char *modules_add(const char *module, const char *as)
{
	char path[PATH_SIZE], file[100];
	size_t len;
	const char *slash = strrchr(module, '/');
	const char *base = slash ? slash + 1 : module;
	snprintf(path, sizeof(path), "%s/tests/abi/%.*s.libs/%s.so", BUILD_DIR,
	    (int)(base - module), module, base);
	snprintf(file, sizeof(file), "%s.so", as ? as : base);
	char *bytes = read_file(path, &len);
	const char *copy = modules_write(file, bytes, len, 0644);
	free(bytes);
	return copy;
}
