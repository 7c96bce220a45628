#include "plugin/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

/* A linker writes about ten; more of them than this are not looked at. */
#define SEGMENTS_MAX 128

struct elf_file {
	int fd;
	uint64_t size;
	struct arena *arena;
};

static const char *cut_short(const struct elf_file *f, uint64_t needed)
{
	return arena_printf(f->arena,
	    " is cut short: it has %llu bytes of %llu; copy or build it again",
	    (unsigned long long)f->size, (unsigned long long)needed);
}

/* Without overflow: a header may say anything. */
static bool lies_within(const struct elf_file *f, uint64_t offset, uint64_t len)
{
	return offset <= f->size && len <= f->size - offset;
}

static bool read_at(const struct elf_file *f, void *out, size_t len, uint64_t offset)
{
	return pread(f->fd, out, len, (off_t)offset) == (ssize_t)len;
}

static const char *check_segment(const struct elf_file *f, const ElfW(Phdr) * segment)
{
	if (segment->p_type != PT_LOAD || lies_within(f, segment->p_offset, segment->p_filesz))
		return NULL;
	return cut_short(f, (uint64_t)segment->p_offset + segment->p_filesz);
}

static const char *check_segments(const struct elf_file *f, const ElfW(Ehdr) * head)
{
	const uint64_t len = (uint64_t)head->e_phnum * sizeof(ElfW(Phdr));
	if (!lies_within(f, head->e_phoff, len))
		return cut_short(f, head->e_phoff + len);
	for (unsigned i = 0; i < head->e_phnum && i < SEGMENTS_MAX; i++) {
		ElfW(Phdr) segment;
		if (!read_at(f, &segment, sizeof(segment), head->e_phoff + i * sizeof(segment)))
			return arena_printf(f->arena, " cannot be read: %s", strerror(errno));
		const char *problem = check_segment(f, &segment);
		if (problem)
			return problem;
	}
	return NULL;
}

/* Of this machine's class and layout; the linker says best what is wrong with any other file.
 */
static bool is_ours(const ElfW(Ehdr) * head)
{
	const unsigned char class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
	return memcmp(head->e_ident, ELFMAG, SELFMAG) == 0 &&
	       head->e_ident[EI_CLASS] == class && head->e_phentsize == sizeof(ElfW(Phdr));
}

static const char *check(const struct elf_file *f)
{
	ElfW(Ehdr) head;
	memset(&head, 0, sizeof(head));
	bool whole = f->size >= sizeof(head);
	if (!read_at(f, &head, whole ? sizeof(head) : (size_t)f->size, 0))
		return arena_printf(f->arena, " cannot be read: %s", strerror(errno));
	if (!whole && f->size >= SELFMAG && memcmp(head.e_ident, ELFMAG, SELFMAG) == 0)
		return cut_short(f, sizeof(head));
	return whole && is_ours(&head) ? check_segments(f, &head) : NULL;
}

const char *elf_file_check(const char *file, struct arena *arena)
{
	struct elf_file f = {.fd = open(file, O_RDONLY | O_CLOEXEC), .arena = arena};
	struct stat st;
	if (f.fd < 0 || fstat(f.fd, &st) < 0) {
		const char *problem =
		    arena_printf(arena, " cannot be read: %s", strerror(errno));
		if (f.fd >= 0)
			close(f.fd);
		return problem;
	}
	f.size = (uint64_t)st.st_size;
	const char *problem = check(&f);
	close(f.fd);
	return problem;
}
