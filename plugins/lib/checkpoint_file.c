#include "lib/checkpoint_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/checkpoint_format.h"
#include "lib/checkpoint_json.h"
#include "lib/whole_file.h"

struct checkpoint_file {
	char *path, *directory;
	char *temporary, *lock;
	int lock_fd; /* -1: not open */
	int fd;	     /* of the temporary file while one is written; -1: none is */
	struct checkpoint_encoder encoder;
};

struct checkpoint_file *checkpoint_file_new(const char *path)
{
	struct checkpoint_file *f = alloc_bytes(sizeof(*f));
	*f = (struct checkpoint_file){.path = whole_file_name(path, ""),
	    .directory = whole_file_directory(path),
	    .temporary = whole_file_name(path, ".tmp"),
	    .lock = whole_file_name(path, ".lock"),
	    .lock_fd = -1,
	    .fd = -1};
	return f;
}

void checkpoint_file_free(struct checkpoint_file *f)
{
	if (!f)
		return;
	checkpoint_file_abandon(f);
	if (f->lock_fd >= 0)
		close(f->lock_fd);
	free(f->path);
	free(f->directory);
	free(f->temporary);
	free(f->lock);
	free(f);
}

const char *checkpoint_file_path(const struct checkpoint_file *f)
{
	return f->path;
}

static bool cannot(char why[CHECKPOINT_WHY], const char *what, const char *path, int error)
{
	snprintf(
	    why, CHECKPOINT_WHY, "checkpoint: cannot %s %s: %s", what, path, strerror(error));
	return false;
}

/* ---- before anything else ---- */

static bool take_lock(struct checkpoint_file *f, char why[CHECKPOINT_WHY])
{
	f->lock_fd = whole_file_lock(f->lock);
	if (f->lock_fd >= 0)
		return true;
	if (errno == ENOENT) {
		snprintf(why, CHECKPOINT_WHY,
		    "checkpoint %s: there is no directory %s: create it", f->path,
		    f->directory);
		return false;
	}
	if (errno != EWOULDBLOCK)
		return cannot(why, "create", f->lock, errno);
	snprintf(why, CHECKPOINT_WHY,
	    "checkpoint %s is in use by another onceway or another store: give each a file of "
	    "its own",
	    f->path);
	return false;
}

bool checkpoint_file_open(struct checkpoint_file *f, char why[CHECKPOINT_WHY])
{
	if (!take_lock(f, why))
		return false;
	int fd = whole_file_create(f->temporary);
	if (fd < 0)
		return cannot(why, "create", f->temporary, errno);
	close(fd);
	unlink(f->temporary);
	return true;
}

/* ---- loading ---- */

struct loading {
	FILE *file;
	checkpoint_restore_fn *restore;
	void *arg;
	struct checkpoint_loaded *loaded;
	int64_t now_ms, down_ms;
	bool enough;
};

static size_t read_some(void *arg, void *to, size_t len)
{
	struct loading *l = arg;
	return l->enough ? 0 : fread(to, 1, len, l->file);
}

/* Time that went backwards is no time: a life must not become longer than it was. */
static void written_at(void *arg, int64_t wall_ms)
{
	struct loading *l = arg;
	l->loaded->since_ms = l->now_ms - wall_ms;
	l->down_ms = l->loaded->since_ms > 0 ? l->loaded->since_ms : 0;
}

static void show(void *arg, const struct checkpoint_record *record)
{
	struct loading *l = arg;
	struct checkpoint_record now = *record;
	if (l->enough)
		return;
	now.left_ms -= l->down_ms;
	now.age_ms += l->down_ms;
	/* Committed while the checkpoint was being written, and no clock to say when. */
	if (!now.age_unknown && now.age_ms < 0) {
		now.left_ms += now.age_ms;
		now.age_ms = 0;
	}
	if (now.left_ms <= 0) {
		l->loaded->expired++;
		return;
	}
	l->loaded->alive++;
	l->enough = !l->restore(l->arg, &now);
}

/* The first bytes say what it is; they have been read. */
static bool load_json(struct loading *l, const struct checkpoint_reader *reader,
    const char *begin, size_t begin_len, struct checkpoint_error *error)
{
	struct stat st;
	if (fstat(fileno(l->file), &st) != 0 || st.st_size > CHECKPOINT_JSON_MAX) {
		error->offset = 0;
		snprintf(error->problem, sizeof(error->problem),
		    "as JSON it may have %d MiB at most", CHECKPOINT_JSON_MAX >> 20);
		return false;
	}
	/* It does not say when it was written, but the file system does. */
	written_at(l, (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
	char *data = alloc_bytes(CHECKPOINT_JSON_MAX + 1);
	memcpy(data, begin, begin_len);
	size_t len = begin_len +
		     fread(data + begin_len, 1, CHECKPOINT_JSON_MAX + 1 - begin_len, l->file);
	bool sound = checkpoint_json_decode(data, len, reader, error);
	l->loaded->is_json = true;
	free(data);
	return sound;
}

static bool decode(struct loading *l, struct checkpoint_error *error)
{
	const struct checkpoint_reader reader = {
	    .read = read_some, .header = written_at, .record = show, .arg = l};
	char magic[CHECKPOINT_MAGIC_SIZE];
	size_t len = fread(magic, 1, sizeof(magic), l->file);
	size_t space = 0;
	while (space < len && strchr(" \t\r\n", magic[space]) && magic[space])
		space++;
	if (space < len && magic[space] == '{')
		return load_json(l, &reader, magic, len, error);
	if (len == sizeof(magic) && memcmp(magic, CHECKPOINT_MAGIC, sizeof(magic)) == 0)
		return checkpoint_decode(&reader, error);
	bool cut = len < sizeof(magic) && memcmp(magic, CHECKPOINT_MAGIC, len) == 0;
	error->offset = cut ? len : 0;
	snprintf(error->problem, sizeof(error->problem), "%s",
	    len == 0 ? "it is empty"
	    : cut    ? "it ends too early"
		     : "it is not a checkpoint of onceway");
	return false;
}

static bool load_file(
    struct loading *l, const struct checkpoint_file *f, char why[CHECKPOINT_WHY])
{
	struct checkpoint_error error = {.offset = 0};
	bool sound = decode(l, &error);
	if (l->enough) {
		snprintf(why, CHECKPOINT_WHY, "checkpoint %s was not read to its end", f->path);
		return false;
	}
	if (ferror(l->file))
		return cannot(why, "read", f->path, errno);
	if (!sound)
		snprintf(why, CHECKPOINT_WHY,
		    "checkpoint %s cannot be used: %s (byte %llu); it stays as it is: move it "
		    "away to start without keys",
		    f->path, error.problem, (unsigned long long)error.offset);
	return sound;
}

bool checkpoint_file_load(struct checkpoint_file *f, int64_t now_wall_ms,
    checkpoint_restore_fn *restore, void *arg, struct checkpoint_loaded *loaded,
    char why[CHECKPOINT_WHY])
{
	struct stat st;
	*loaded = (struct checkpoint_loaded){.found = false};
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0 && errno == ELOOP) {
		snprintf(why, CHECKPOINT_WHY,
		    "checkpoint %s is a symbolic link, which the next one would replace: name "
		    "the file itself",
		    f->path);
		return false;
	}
	if (fd < 0)
		return cannot(why, "open", f->path, errno);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		snprintf(why, CHECKPOINT_WHY, "checkpoint %s is not a regular file", f->path);
		close(fd);
		return false;
	}
	struct loading l = {.file = fdopen(fd, "rb"),
	    .restore = restore,
	    .arg = arg,
	    .loaded = loaded,
	    .now_ms = now_wall_ms};
	alloc_checked(l.file);
	setvbuf(l.file, NULL, _IOFBF, CHECKPOINT_WRITE_BYTES);
	loaded->found = true;
	bool sound = load_file(&l, f, why);
	fclose(l.file);
	return sound;
}

/* ---- saving ---- */

/* 0, or an errno. */
static int write_out(struct checkpoint_file *f)
{
	int error = whole_file_write(f->fd, f->encoder.data, f->encoder.len);
	if (!error)
		checkpoint_encoder_take(&f->encoder);
	return error;
}

struct checkpoint_encoder *checkpoint_file_begin(
    struct checkpoint_file *f, int64_t now_wall_ms, char why[CHECKPOINT_WHY])
{
	f->fd = whole_file_create(f->temporary);
	if (f->fd < 0) {
		cannot(why, "create", f->temporary, errno);
		return NULL;
	}
	checkpoint_encode_header(&f->encoder, now_wall_ms);
	return &f->encoder;
}

void checkpoint_file_abandon(struct checkpoint_file *f)
{
	if (f->fd < 0)
		return;
	close(f->fd);
	f->fd = -1;
	unlink(f->temporary);
	checkpoint_encoder_fini(&f->encoder);
}

bool checkpoint_file_write(struct checkpoint_file *f, char why[CHECKPOINT_WHY])
{
	checkpoint_encode_block(&f->encoder);
	int error = write_out(f);
	if (!error)
		return true;
	checkpoint_file_abandon(f);
	return cannot(why, "write", f->temporary, error);
}

/* 0, or an errno with *what could not be done. The temporary file is closed and gone. */
static int put_in_place(struct checkpoint_file *f, const char **what)
{
	int fd = f->fd;
	*what = "write";
	checkpoint_encode_end(&f->encoder);
	int error = write_out(f);
	f->fd = -1;
	if (!error)
		return whole_file_put(fd, f->temporary, f->path, what);
	close(fd);
	unlink(f->temporary);
	return error;
}

bool checkpoint_file_finish(
    struct checkpoint_file *f, struct checkpoint_saved *saved, char why[CHECKPOINT_WHY])
{
	const char *what;
	int error = put_in_place(f, &what);
	*saved =
	    (struct checkpoint_saved){.keys = f->encoder.records, .bytes = f->encoder.taken};
	checkpoint_encoder_fini(&f->encoder);
	return error ? cannot(why, what, f->temporary, error) : true;
}
