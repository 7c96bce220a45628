#include "base/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"

/* Upper bounds in seconds: from an answer out of memory to a duplicate an hour late. */
static const double seconds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
    0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600};
#define BOUNDS (sizeof(seconds) / sizeof(seconds[0]))

static const double sizes[BOUNDS] = {1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000,
    3000, 5000, 10000, 20000, 50000};

/* Cells of different workers must not share a cache line. */
#define CACHE_LINE 64

struct histogram {
	_Atomic uint64_t buckets[BOUNDS + 1]; /* not cumulative; the last is +Inf */
	_Atomic uint64_t sum;		      /* in units of 1 / scale */
	const double *bounds;
	double scale;
};

struct metric_cell {
	_Alignas(CACHE_LINE) _Atomic uint64_t value; /* a gauge's is an int64_t */
	struct histogram *histogram;
};

struct series {
	struct series *next;
	char *labels; /* `a="b",c="d"`, escaped; the key in its family */
	struct metric_cell *cells;
};

struct family {
	struct family *next; /* sorted by name */
	char *name, *help;
	enum metric_type type;
	bool shared;
	struct map by_labels;
	struct series *first, **last;
};

struct metrics {
	pthread_mutex_t lock;
	unsigned writers;
	struct family *families;
};

struct metrics *metrics_new(unsigned workers)
{
	struct metrics *m = mem_zero(sizeof(*m));
	pthread_mutex_init(&m->lock, NULL);
	m->writers = workers + 1; /* the last one is the main thread's */
	return m;
}

static void series_free(struct series *s, unsigned writers)
{
	for (unsigned i = 0; i < writers; i++)
		free(s->cells[i].histogram);
	free(s->cells);
	free(s->labels);
	free(s);
}

static void family_free(struct family *f, unsigned writers)
{
	while (f->first) {
		struct series *next = f->first->next;
		series_free(f->first, writers);
		f->first = next;
	}
	map_free(&f->by_labels);
	free(f->name);
	free(f->help);
	free(f);
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	while (m->families) {
		struct family *next = m->families->next;
		family_free(m->families, m->writers);
		m->families = next;
	}
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static struct family **family_place(struct metrics *m, const char *name)
{
	struct family **at = &m->families;
	while (*at && strcmp((*at)->name, name) < 0)
		at = &(*at)->next;
	return at;
}

static const char *type_name(enum metric_type type)
{
	static const char *const names[] = {"", "counter", "gauge", "histogram", "histogram"};
	return names[type];
}

static struct family *family_new(enum metric_type type, const char *name, const char *help)
{
	struct family *f = mem_zero(sizeof(*f));
	f->name = mem_string(name);
	f->help = mem_string(help);
	f->type = type;
	f->last = &f->first;
	return f;
}

static bool is_named(const struct family *f, const char *name)
{
	return f && strcmp(f->name, name) == 0;
}

static struct family *family_get(
    struct metrics *m, enum metric_type type, const char *name, const char *help)
{
	struct family **at = family_place(m, name);
	struct buf other = BUF_INIT;
	/* A plugin took a name that means something else here: both stay, told apart. */
	if (is_named(*at, name) && (*at)->type != type) {
		buf_printf(&other, "%s_%s", name, type_name(type));
		name = other.data;
		at = family_place(m, name);
	}
	if (!is_named(*at, name)) {
		struct family *f = family_new(type, name, help);
		f->next = *at;
		*at = f;
	}
	buf_free(&other);
	return *at;
}

/* Escapes as the text format wants (backslash, quote, newline); other controls are spelt out.
 */
static void add_label_value(struct buf *b, struct ow_text value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];
		if (c == '\\' || c == '"')
			buf_printf(b, "\\%c", c);
		else if (c == '\n')
			buf_add_string(b, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\\\x%02x", c);
		else
			buf_add_char(b, (char)c);
	}
}

static char *label_text(const struct metric_label *labels, bool other)
{
	struct buf b = BUF_INIT;
	for (size_t i = 0; labels && labels[i].name; i++) {
		bool last = !labels[i + 1].name;
		buf_printf(&b, "%s%s=\"", i ? "," : "", labels[i].name);
		add_label_value(&b, last && other ? text_of("other") : labels[i].value);
		buf_add_char(&b, '"');
	}
	return buf_take(&b);
}

static bool is_histogram(enum metric_type type)
{
	return type == METRIC_HISTOGRAM || type == METRIC_SIZES;
}

static struct histogram *histogram_new(enum metric_type type)
{
	struct histogram *h = mem_zero(sizeof(*h));
	h->bounds = type == METRIC_SIZES ? sizes : seconds;
	h->scale = type == METRIC_SIZES ? 1 : 1e9;
	return h;
}

static struct metric_cell *cells_new(unsigned writers, enum metric_type type)
{
	void *cells = NULL;
	if (posix_memalign(&cells, CACHE_LINE, writers * sizeof(struct metric_cell)) != 0)
		abort();
	memset(cells, 0, writers * sizeof(struct metric_cell));
	struct metric_cell *cell = cells;
	for (unsigned i = 0; is_histogram(type) && i < writers; i++)
		cell[i].histogram = histogram_new(type);
	return cell;
}

static struct series *series_get(
    struct family *f, unsigned writers, const struct metric_label *labels, size_t max)
{
	char *text = label_text(labels, false);
	struct series *s = map_get(&f->by_labels, text_of(text));
	if (!s && f->by_labels.count >= max) {
		free(text);
		text = label_text(labels, true);
		s = map_get(&f->by_labels, text_of(text));
	}
	if (s) {
		free(text);
		return s;
	}
	s = mem_zero(sizeof(*s));
	s->labels = text;
	s->cells = cells_new(writers, f->type);
	*f->last = s;
	f->last = &s->next;
	map_put(&f->by_labels, text_of(text), s);
	return s;
}

static struct metric_cell *cell_get(struct metrics *m, unsigned worker, enum metric_type type,
    const char *family, const char *help, const struct metric_label *labels, size_t max)
{
	pthread_mutex_lock(&m->lock);
	struct family *f = family_get(m, type, family, help);
	struct series *s = series_get(f, m->writers, labels, max);
	pthread_mutex_unlock(&m->lock);
	return &s->cells[worker];
}

struct metric_cell *metrics_cell(struct metrics *m, unsigned worker, enum metric_type type,
    const char *family, const char *help, const struct metric_label *labels)
{
	return cell_get(m, worker, type, family, help, labels, SIZE_MAX);
}

struct metric_cell *metrics_cell_bounded(struct metrics *m, unsigned worker,
    enum metric_type type, const char *family, const char *help,
    const struct metric_label *labels)
{
	return cell_get(m, worker, type, family, help, labels, METRIC_SERIES_MAX);
}

void metrics_family_is_shared(struct metrics *m, const char *family)
{
	pthread_mutex_lock(&m->lock);
	struct family **at = family_place(m, family);
	if (is_named(*at, family))
		(*at)->shared = true;
	pthread_mutex_unlock(&m->lock);
}

/* One thread writes a cell, so no locked instruction is needed. */
static void add(_Atomic uint64_t *cell, uint64_t n)
{
	atomic_store_explicit(
	    cell, atomic_load_explicit(cell, memory_order_relaxed) + n, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

void metric_add(struct metric_cell *cell, uint64_t n)
{
	add(&cell->value, n);
}

void metric_set(struct metric_cell *cell, int64_t value)
{
	atomic_store_explicit(&cell->value, (uint64_t)value, memory_order_relaxed);
}

void metric_move(struct metric_cell *cell, int64_t change)
{
	add(&cell->value, (uint64_t)change);
}

void metric_observe(struct metric_cell *cell, double value)
{
	struct histogram *h = cell->histogram;
	size_t i = 0;
	while (i < BOUNDS && value > h->bounds[i])
		i++;
	add(&h->buckets[i], 1);
	add(&h->sum, value > 0 ? (uint64_t)(value * h->scale) : 0);
	add(&cell->value, 1);
}

uint64_t metric_value(const struct metric_cell *cell)
{
	return get(&cell->value);
}

/* Sum over the workers; for a shared gauge the greatest. */
static int64_t series_value(
    const struct metrics *m, const struct family *f, const struct series *s)
{
	int64_t total = 0;
	for (unsigned i = 0; i < m->writers; i++) {
		int64_t v = (int64_t)get(&s->cells[i].value);
		if (!f->shared)
			total += v;
		else if (v > total)
			total = v;
	}
	return total;
}

static void render_histogram(
    const struct metrics *m, const struct family *f, const struct series *s, struct buf *out)
{
	const char *comma = s->labels[0] ? "," : "";
	const struct histogram *first = s->cells[0].histogram;
	uint64_t count = 0, sum = 0;
	for (size_t b = 0; b <= BOUNDS; b++) {
		for (unsigned i = 0; i < m->writers; i++)
			count += get(&s->cells[i].histogram->buckets[b]);
		buf_printf(out, "%s_bucket{%s%sle=\"", f->name, s->labels, comma);
		if (b < BOUNDS)
			buf_printf(out, "%g", first->bounds[b]);
		else
			buf_add_string(out, "+Inf");
		buf_printf(out, "\"} %" PRIu64 "\n", count);
	}
	for (unsigned i = 0; i < m->writers; i++)
		sum += get(&s->cells[i].histogram->sum);
	const char *open = s->labels[0] ? "{" : "", *close = s->labels[0] ? "}" : "";
	buf_printf(out, "%s_sum%s%s%s %.9g\n", f->name, open, s->labels, close,
	    (double)sum / first->scale);
	buf_printf(out, "%s_count%s%s%s %" PRIu64 "\n", f->name, open, s->labels, close, count);
}

static void render_family(const struct metrics *m, const struct family *f, struct buf *out)
{
	buf_printf(
	    out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, type_name(f->type));
	for (const struct series *s = f->first; s; s = s->next) {
		if (is_histogram(f->type))
			render_histogram(m, f, s, out);
		else if (s->labels[0])
			buf_printf(out, "%s{%s} %" PRId64 "\n", f->name, s->labels,
			    series_value(m, f, s));
		else
			buf_printf(out, "%s %" PRId64 "\n", f->name, series_value(m, f, s));
	}
}

void metrics_render(struct metrics *m, struct buf *out)
{
	pthread_mutex_lock(&m->lock);
	for (const struct family *f = m->families; f; f = f->next)
		render_family(m, f, out);
	pthread_mutex_unlock(&m->lock);
}

int64_t metrics_total(struct metrics *m, const char *family, const struct metric_label *labels)
{
	int64_t total = 0;
	char *text = label_text(labels, false);
	pthread_mutex_lock(&m->lock);
	struct family **at = family_place(m, family);
	if (is_named(*at, family)) {
		struct series *s = map_get(&(*at)->by_labels, text_of(text));
		if (s)
			total = series_value(m, *at, s);
	}
	pthread_mutex_unlock(&m->lock);
	free(text);
	return total;
}
