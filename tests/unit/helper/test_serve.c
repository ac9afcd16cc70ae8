/* Frames as literal bytes through a stream, and what ends the helper. */
#include "cm.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "helper/serve.h"
#include "helper/wire.h"

/* Serves these bytes to their end; gives the status and what was answered. */
static int serve(const void *bytes, size_t n, uint8_t *out, size_t max, size_t *ret_n)
{
	int fd[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	assert_int_equal(write(fd[0], bytes, n), n);
	assert_int_equal(shutdown(fd[0], SHUT_WR), 0);
	int status = serve_run(fd[1], fd[1]);
	close(fd[1]);
	size_t have = 0;
	ssize_t k;
	while (have < max && (k = read(fd[0], out + have, max - have)) > 0)
		have += (size_t)k;
	close(fd[0]);
	*ret_n = have;
	return status;
}
#define SERVE(bytes, out, ret_n) serve(bytes, sizeof(bytes) - 1, out, sizeof(out), ret_n)

static void test_hash_and_verify(void **state)
{
	(void)state;
	uint8_t out[400], in[400];
	size_t n, at;
	/* hash "pw" */
	assert_int_equal(SERVE("\3\0\0\0\1pw", out, &n), 0);
	assert_int_equal(n, 4 + 1 + 88);
	assert_memory_equal(out, "\x59\0\0\0\1$scrypt$ln=15,r=8,p=1$", 27);
	/* verify it twice on one stream: right, wrong */
	struct buf b;
	buf_init(&b, 0);
	for (unsigned i = 0; i < 2; i++) {
		buf_u32(&b, 1 + 2 + 88 + 2);
		buf_addc(&b, HELPER_VERIFY);
		buf_u16(&b, 88);
		buf_add(&b, span_of(out + 5, 88));
		buf_adds(&b, i ? "pW" : "pw");
	}
	at = b.n;
	assert_true(at <= sizeof in);
	memcpy(in, b.p, at);
	buf_free(&b);
	assert_int_equal(serve(in, at, out, sizeof out, &n), 0);
	assert_int_equal(n, 12);
	assert_memory_equal(out, "\2\0\0\0\2\1\2\0\0\0\2\0", 12);
}

static void test_errors(void **state)
{
	(void)state;
	uint8_t out[100];
	size_t n;
	static const uint8_t invalid[] = {2, 0, 0, 0, HELPER_ERROR, (uint8_t)-MO_EINVAL};
	/* unknown op, then another: it goes on */
	assert_int_equal(SERVE("\1\0\0\0\7\4\0\0\0\xffxyz", out, &n), 0);
	assert_int_equal(n, 12);
	assert_memory_equal(out, invalid, 6);
	assert_memory_equal(out + 6, invalid, 6);
	/* op 0 is an answer's, not a request's */
	assert_int_equal(SERVE("\1\0\0\0\0", out, &n), 0);
	assert_memory_equal(out, invalid, 6);
	/* verify: too short for its own length, and not a hash */
	assert_int_equal(SERVE("\2\0\0\0\2\5\5\0\0\0\2\x09\0ab\x07\0\0\0\2\3\0abcd", out, &n), 0);
	assert_int_equal(n, 18);
	for (unsigned i = 0; i < 3; i++)
		assert_memory_equal(out + 6 * i, invalid, 6);
}

static void test_too_long(void **state)
{
	(void)state;
	static uint8_t in[4 + 1 + HELPER_PASSWORD_MAX + 1];
	uint8_t out[100];
	size_t n;
	in[0] = (uint8_t)((sizeof in - 4) & 255);
	in[1] = (uint8_t)((sizeof in - 4) >> 8);
	in[4] = HELPER_HASH;
	assert_int_equal(serve(in, sizeof in, out, sizeof out, &n), 0);
	assert_int_equal(n, 6);
	assert_int_equal(out[4], HELPER_ERROR);
	assert_int_equal(out[5], -MO_ELIMIT);
}

static void test_framing(void **state)
{
	(void)state;
	uint8_t out[100];
	size_t n;
	assert_int_equal(serve("", 0, out, sizeof out, &n), 0);
	assert_int_equal(SERVE("\0\0\0\0", out, &n), 2);   /* empty */
	assert_int_equal(SERVE("\1\0\1\0\1", out, &n), 2); /* 65537 */
	assert_int_equal(SERVE("\xff\xff\xff\xff\1", out, &n), 2);
	static const uint8_t whole[4 + HELPER_FRAME_MAX + 1] = {1, 0, 1, 0, 7}; /* 65537, and all of it comes */
	assert_int_equal(serve(whole, sizeof whole, out, sizeof out, &n), 2);
	assert_int_equal(n, 0);
	assert_int_equal(SERVE("\3\0\0", out, &n), 2);      /* cut in the length */
	assert_int_equal(SERVE("\3\0\0\0\1p", out, &n), 2); /* cut in the payload */
	assert_int_equal(n, 0);
	/* What came before is answered. */
	assert_int_equal(SERVE("\1\0\0\0\7\0\0\0\0", out, &n), 2);
	assert_int_equal(n, 6);
	/* A stream that cannot be written. */
	int fd[2];
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "\1\0\0\0\7", 5), 5);
	assert_int_equal(serve_run(fd[0], fd[0]), 1);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_hash_and_verify), cmocka_unit_test(test_errors),
	        cmocka_unit_test(test_too_long), cmocka_unit_test(test_framing)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
