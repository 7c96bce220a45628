#include "lib/aws/attempt.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/alloc.h"

/* In the order of the SDKs. */
static const struct aws_provider *const providers[] = {
    &aws_provider_options,
    &aws_provider_environment,
    &aws_provider_web_identity,
    &aws_provider_profile,
    &aws_provider_container,
    &aws_provider_instance,
};
#define PROVIDERS (sizeof(providers) / sizeof(*providers))

struct aws_attempt *aws_attempt_new(
    const struct aws_seeker *seeker, aws_attempt_done *done, void *arg)
{
	struct aws_attempt *attempt = alloc_zero(1, sizeof(*attempt));
	attempt->seeker = seeker;
	attempt->done = done;
	attempt->arg = arg;
	return attempt;
}

void aws_attempt_free(struct aws_attempt *attempt)
{
	if (!attempt)
		return;
	aws_fetch_cancel(attempt->fetch);
	aws_found_fini(&attempt->found);
	draft_free(&attempt->note);
	draft_free(&attempt->why);
	free(attempt);
}

/* ---- what providers say ---- */

__attribute__((format(printf, 2, 0))) static void say(
    struct aws_attempt *attempt, const char *fmt, va_list args)
{
	char text[512];
	vsnprintf(text, sizeof(text), fmt, args);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	draft_printf(&attempt->why, "%s%s: %s", attempt->why.len ? "; " : "",
	    providers[attempt->provider]->name, text);
}

void aws_attempt_say(struct aws_attempt *attempt, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	say(attempt, fmt, args);
	va_end(args);
}

enum aws_step aws_attempt_broken(struct aws_attempt *attempt, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	say(attempt, fmt, args);
	va_end(args);
	return AWS_BROKEN;
}

enum aws_step aws_attempt_nothing(struct aws_attempt *attempt, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	say(attempt, fmt, args);
	va_end(args);
	return AWS_NOTHING;
}

/* ---- one after the other ---- */

static void end(struct aws_attempt *attempt, enum aws_step step)
{
	const char *problem = step == AWS_FOUND ? aws_found_problem(&attempt->found) : NULL;
	if (problem)
		aws_attempt_say(attempt, "%s", problem);
	if (step == AWS_FOUND && !problem)
		attempt->done(&attempt->found, NULL, attempt->arg);
	else
		attempt->done(NULL, draft_text(&attempt->why), attempt->arg);
}

static void ask_on(struct aws_attempt *attempt)
{
	enum aws_step step = AWS_NOTHING;
	for (; attempt->provider < PROVIDERS; attempt->provider++) {
		step = providers[attempt->provider]->ask(attempt);
		if (step != AWS_NOTHING)
			break;
	}
	if (step != AWS_PENDING)
		end(attempt, step);
}

void aws_attempt_start(struct aws_attempt *attempt)
{
	ask_on(attempt);
}

static void go_on(struct aws_attempt *attempt, enum aws_step step)
{
	if (step == AWS_NOTHING) {
		attempt->provider++;
		ask_on(attempt);
	} else if (step != AWS_PENDING) {
		end(attempt, step);
	}
}

static void on_fetched(const struct aws_fetched *fetched, void *arg)
{
	struct aws_attempt *attempt = arg;
	attempt->fetch = NULL;
	go_on(attempt, attempt->fetched(attempt, fetched));
}

enum aws_step aws_attempt_fetch(struct aws_attempt *attempt,
    const struct aws_fetch_request *request, aws_provider_fetched *fn)
{
	const struct aws_seeker *seeker = attempt->seeker;
	attempt->fetched = fn;
	attempt->fetch =
	    aws_fetch_start(seeker->host, seeker->self, request, on_fetched, attempt);
	return AWS_PENDING;
}
