#include "tests/unit/spool/disk.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/main.h"

#define FILES_MAX 64

struct disk disk;

/* What was synced of a file. */
struct shadow {
	char name[128]; /* empty: a free place */
	char *bytes;
	size_t len;
};

/* SQLite's own file follows this one. */
struct file {
	sqlite3_file base;
	struct shadow *shadow; /* NULL: of a file that need not survive */
	bool is_log;
};

static sqlite3_vfs *below;
static sqlite3_vfs vfs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct shadow shadows[FILES_MAX];

static sqlite3_file *real(sqlite3_file *f)
{
	return (sqlite3_file *)((struct file *)f + 1);
}

static struct shadow *shadow_of(const char *name)
{
	struct shadow *vacant = NULL;
	for (size_t i = 0; i < FILES_MAX; i++) {
		if (strcmp(shadows[i].name, name) == 0)
			return &shadows[i];
		if (!shadows[i].name[0] && !vacant)
			vacant = &shadows[i];
	}
	ck_assert_ptr_nonnull(vacant);
	snprintf(vacant->name, sizeof(vacant->name), "%s", name);
	return vacant;
}

static void forget(struct shadow *s)
{
	free(s->bytes);
	*s = (struct shadow){.bytes = NULL};
}

/* ---- what fails ---- */

static int close_file(sqlite3_file *f)
{
	return real(f)->pMethods ? real(f)->pMethods->xClose(real(f)) : SQLITE_OK;
}

static int read_file(sqlite3_file *f, void *to, int count, sqlite3_int64 at)
{
	int rc = real(f)->pMethods->xRead(real(f), to, count, at);
	if (rc == SQLITE_OK && atomic_load(&disk.read_fails) &&
	    memmem(to, (size_t)count, DISK_UNREADABLE, strlen(DISK_UNREADABLE)))
		return SQLITE_IOERR_READ;
	return rc;
}

/* Whether it is the last. */
static bool is_last(_Atomic int64_t *left)
{
	return atomic_load(left) > 0 && atomic_fetch_sub(left, 1) == 1;
}

static int write_file(sqlite3_file *f, const void *from, int count, sqlite3_int64 at)
{
	bool is_log = ((struct file *)f)->is_log;
	if (at + count > atomic_load(&disk.room))
		return SQLITE_FULL;
	if (is_last(is_log ? &disk.last_log_write : &disk.last_file_write)) {
		real(f)->pMethods->xWrite(real(f), from, count / 2, at);
		kill(getpid(), SIGKILL);
	}
	return real(f)->pMethods->xWrite(real(f), from, count, at);
}

static int truncate_file(sqlite3_file *f, sqlite3_int64 size)
{
	return real(f)->pMethods->xTruncate(real(f), size);
}

static void remember(struct file *f)
{
	sqlite3_int64 size = 0;
	sqlite3_file *r = real(&f->base);
	ck_assert_int_eq(r->pMethods->xFileSize(r, &size), SQLITE_OK);
	char *bytes = mem_alloc((size_t)size);
	int rc = size > 0 ? r->pMethods->xRead(r, bytes, (int)size, 0) : SQLITE_OK;
	ck_assert_int_eq(rc, SQLITE_OK);
	pthread_mutex_lock(&lock);
	free(f->shadow->bytes);
	f->shadow->bytes = bytes;
	f->shadow->len = (size_t)size;
	pthread_mutex_unlock(&lock);
}

static int sync_file(sqlite3_file *f, int flags)
{
	struct file *own = (struct file *)f;
	if (own->is_log)
		atomic_fetch_add(&disk.syncs, 1);
	atomic_fetch_add(&disk.waiting, 1);
	while (atomic_load(&disk.holds))
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	atomic_fetch_sub(&disk.waiting, 1);
	if (atomic_load(&disk.sync_fails))
		return SQLITE_IOERR_FSYNC;
	int rc = real(f)->pMethods->xSync(real(f), flags);
	if (rc == SQLITE_OK && own->shadow)
		remember(own);
	return rc;
}

/* ---- what is passed on ---- */

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return real(f)->pMethods->xFileSize(real(f), size);
}

static int lock_file(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xLock(real(f), level);
}

static int unlock_file(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xUnlock(real(f), level);
}

static int check_lock(sqlite3_file *f, int *out)
{
	return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

static int control(sqlite3_file *f, int op, void *arg)
{
	return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int sector_size(sqlite3_file *f)
{
	return real(f)->pMethods->xSectorSize(real(f));
}

static int characteristics(sqlite3_file *f)
{
	return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}

static int shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}

static void shm_barrier(sqlite3_file *f)
{
	real(f)->pMethods->xShmBarrier(real(f));
}

static int shm_unmap(sqlite3_file *f, int delete_it)
{
	return real(f)->pMethods->xShmUnmap(real(f), delete_it);
}

static const sqlite3_io_methods methods = {.iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_lock,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap};

static sqlite3_io_methods remote_methods;

static int open_file(
    sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *f, int flags, int *out)
{
	struct file *own = (struct file *)f;
	(void)v;
	*own = (struct file){.is_log = (flags & SQLITE_OPEN_WAL) != 0};
	int rc = below->xOpen(below, name, real(f), flags, out);
	if (rc != SQLITE_OK)
		return rc;
	f->pMethods = atomic_load(&disk.is_remote) ? &remote_methods : &methods;
	if (name && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL))) {
		pthread_mutex_lock(&lock);
		own->shadow = shadow_of(name);
		pthread_mutex_unlock(&lock);
	}
	return rc;
}

static int delete_file(sqlite3_vfs *v, const char *name, int sync)
{
	(void)v;
	int rc = below->xDelete(below, name, sync);
	if (rc != SQLITE_OK)
		return rc;
	pthread_mutex_lock(&lock);
	forget(shadow_of(name));
	pthread_mutex_unlock(&lock);
	return rc;
}

void disk_start(void)
{
	below = sqlite3_vfs_find("unix");
	ck_assert_ptr_nonnull(below);
	vfs = *below;
	remote_methods = methods;
	remote_methods.iVersion = 1; /* without those for shared memory */
	vfs.zName = "disk";
	vfs.pNext = NULL;
	vfs.szOsFile = (int)sizeof(struct file) + below->szOsFile;
	vfs.xOpen = open_file;
	vfs.xDelete = delete_file;
	atomic_store(&disk.room, DISK_IS_LARGE);
	atomic_store(&disk.sync_fails, false);
	atomic_store(&disk.read_fails, false);
	atomic_store(&disk.is_remote, false);
	atomic_store(&disk.holds, false);
	atomic_store(&disk.syncs, 0);
	atomic_store(&disk.last_log_write, 0);
	atomic_store(&disk.last_file_write, 0);
	ck_assert_int_eq(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
}

void disk_stop(void)
{
	sqlite3_vfs_unregister(&vfs);
	sqlite3_vfs_register(below, 1);
	for (size_t i = 0; i < FILES_MAX; i++)
		forget(&shadows[i]);
}

static void write_out(const struct shadow *s, const char *name)
{
	FILE *to = fopen(name, "w");
	ck_assert_ptr_nonnull(to);
	ck_assert_uint_eq(fwrite(s->bytes, 1, s->len, to), s->len);
	ck_assert_int_eq(fclose(to), 0);
}

void disk_power_cut(const char *directory, const char *into)
{
	char name[256];
	size_t len = strlen(directory);
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < FILES_MAX; i++) {
		if (!shadows[i].bytes || strncmp(shadows[i].name, directory, len) != 0)
			continue;
		snprintf(name, sizeof(name), "%s%s", into, shadows[i].name + len);
		write_out(&shadows[i], name);
	}
	pthread_mutex_unlock(&lock);
}
