/* Nothing leaves but through the gate, and a partner gets nothing through it. The doors behind it are made up here: what would have left
 * is counted. */
#include "cm.h"

#include "http/reply.h"
#include "node/gate.h"

static unsigned left; /* calls that let bytes out */
static size_t body;
static int status;
static bool aborted;

int http_reply(struct http_x *x, int s, const struct http_field *f, size_t n, struct span b)
{
	(void)x;
	(void)f;
	(void)n;
	left++;
	status = s;
	body += b.n;
	return 0;
}
int http_reply_ref(struct http_x *x, int s, const struct http_field *f, size_t n, struct span b) { return http_reply(x, s, f, n, b); }
int http_reply_begin(struct http_x *x, int s, const struct http_field *f, size_t n) { return http_reply(x, s, f, n, span_of(NULL, 0)); }
int http_reply_piece(struct http_x *x, struct span b) { return http_reply(x, 0, NULL, 0, b); }
int http_reply_end(struct http_x *x)
{
	(void)x;
	return 0;
}
void http_abort(struct http_x *x)
{
	(void)x;
	aborted = true;
}
bool http_from_unix(const struct http_x *x)
{
	(void)x;
	return false;
}

static struct http_x *const x = (struct http_x *)(uintptr_t)16; /* never looked into */
#define NOBODY span_of(NULL, 0)
#define ALL (PRINCIPAL_PUBLIC | PRINCIPAL_LOCAL | PRINCIPAL_OWN | PRINCIPAL_SINK | PRINCIPAL_PARTNER)

static void reset(void)
{
	left = 0;
	body = 0;
	status = 0;
	aborted = false;
}

static void try_all(struct gate_pass p, int want)
{
	struct gate_pass a = p, b = p, c = p;
	assert_int_equal(gate_reply(&a, 200, NULL, 0, SPAN_LIT("secret")), want);
	assert_int_equal(gate_reply_ref(&b, 200, NULL, 0, SPAN_LIT("secret")), want);
	assert_int_equal(gate_begin(&c, 200, NULL, 0), want);
	assert_int_equal(gate_piece(&c, SPAN_LIT("secret")), want);
	assert_int_equal(gate_end(&c), want);
}

/* Whatever the route's row says, whatever agreement is claimed. */
static void a_partner_gets_nothing(void **state)
{
	(void)state;
	for (unsigned principals = 0; principals <= ALL; principals++)
		for (unsigned agreement = 0; agreement < 2; agreement++) {
			struct gate_pass p;
			reset();
			assert_int_equal(gate_admit(&p, x, "get_signals", principals, SPAN_LIT("MCH"), agreement ? SPAN_LIT("urn:uuid:1") : NOBODY), MO_EDENIED);
			try_all(p, MO_EDENIED);
			assert_int_equal(left, 0);
			/* Only that it was refused. */
			assert_int_equal(gate_refuse(&p, 403, NULL, 0, SPAN_LIT("{}")), 0);
			assert_int_equal(status, 403);
			assert_int_equal(body, 2);
			/* And once. */
			assert_int_equal(gate_refuse(&p, 403, NULL, 0, SPAN_LIT("{}")), MO_ESTATE);
			try_all(p, MO_EDENIED);
			assert_int_equal(left, 1);
		}
}

static void the_local_machine_gets_what_the_row_names(void **state)
{
	(void)state;
	for (unsigned principals = 0; principals <= ALL; principals++) {
		struct gate_pass p;
		reset();
		bool may = principals & (PRINCIPAL_LOCAL | PRINCIPAL_PUBLIC);
		assert_int_equal(gate_admit(&p, x, "get_signals", principals, NOBODY, NOBODY), may ? 0 : MO_EDENIED);
		try_all(p, may ? 0 : MO_EDENIED);
		assert_int_equal(left, may ? 4 : 0);
	}
}

static void once_and_in_order(void **state)
{
	(void)state;
	struct gate_pass p, none = {.x = x};
	reset();
	try_all(none, MO_EDENIED); /* never admitted */
	assert_int_equal(left, 0);
	assert_int_equal(gate_admit(&p, x, "get_node", PRINCIPAL_LOCAL, NOBODY, NOBODY), 0);
	assert_int_equal(gate_piece(&p, SPAN_LIT("early")), MO_EDENIED);
	assert_int_equal(gate_end(&p), MO_EDENIED);
	assert_int_equal(gate_reply(&p, 200, NULL, 0, SPAN_LIT("ok")), 0);
	assert_int_equal(gate_reply(&p, 200, NULL, 0, SPAN_LIT("ok")), MO_EDENIED);
	assert_int_equal(gate_begin(&p, 200, NULL, 0), MO_EDENIED);
	assert_int_equal(left, 1);
	gate_abort(&p);
	assert_true(aborted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_partner_gets_nothing), cmocka_unit_test(the_local_machine_gets_what_the_row_names),
		cmocka_unit_test(once_and_in_order)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
