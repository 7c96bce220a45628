#include "store_redis/test_server.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77

char server_url[80];

static char folder[] = "/tmp/onceway-redis-XXXXXX";
static char path[64];
static pid_t server;

static void begin(void)
{
	server = fork();
	if (server == 0) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(SKIPPED);
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path,
		    "--save", "", "--dir", folder, (char *)NULL);
		_exit(SKIPPED);
	}
}

/* False: there is no redis-server. */
static bool answers(void)
{
	int status;
	for (int i = 0; i < 3000; i++) {
		redisContext *redis = redisConnectUnix(path);
		bool there = redis && !redis->err;
		redisFree(redis);
		if (there)
			return true;
		if (waitpid(server, &status, WNOHANG) == server)
			return false;
		usleep(10000);
	}
	return false;
}

static void end(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlink(path);
}

/* It is the child of another process than the test's, of which check makes one for each. */
void server_forget(void)
{
	redisContext *redis = redisConnectUnix(path);
	freeReplyObject(redisCommand(redis, "FLUSHALL"));
	freeReplyObject(redisCommand(redis, "CLIENT KILL TYPE normal SKIPME yes"));
	redisFree(redis);
}

const char *ask(const char *format, ...)
{
	static char answer[4096];
	redisContext *redis = redisConnectUnix(path);
	ck_assert(redis && !redis->err);
	va_list args;
	va_start(args, format);
	redisReply *reply = redisvCommand(redis, format, args);
	va_end(args);
	ck_assert_ptr_nonnull(reply);
	if (reply->type == REDIS_REPLY_INTEGER)
		snprintf(answer, sizeof(answer), "%lld", reply->integer);
	else
		snprintf(answer, sizeof(answer), "%s", reply->str ? reply->str : "");
	freeReplyObject(reply);
	redisFree(redis);
	return answer;
}

int server_run(Suite *suite)
{
	if (!mkdtemp(folder))
		return EXIT_FAILURE;
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(server_url, sizeof(server_url), "unix://%s", path);
	begin();
	int failed = SKIPPED;
	if (answers()) {
		SRunner *runner = srunner_create(suite);
		srunner_run_all(runner, CK_ENV);
		failed = srunner_ntests_failed(runner) ? EXIT_FAILURE : EXIT_SUCCESS;
		srunner_free(runner);
		end();
	}
	rmdir(folder);
	return failed;
}
