/* Nothing leaves but through the gate; a partner gets nothing through it, an account what its role may, nobody what is open. The doors behind it
 * and the accounts beside it are made up here: what would have left is counted. */
#include "cm.h"

#include <stdio.h>

#include "http/reply.h"
#include "node/gate.h"

static unsigned left; /* calls that let bytes out */
static size_t body;
static int status;
static bool aborted;

/* The request that asks, and who the accounts take it for. */
static struct http1_head head;
static bool by_socket, any_account, alive;
static const char *address;
static unsigned door;
static enum role role;           /* of the session */
static permission_set granted;   /* of the token */
static enum credential_kind shown;

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
	return by_socket;
}
const struct http1_head *http_head(const struct http_x *x)
{
	(void)x;
	return &head;
}
unsigned http_door(const struct http_x *x)
{
	(void)x;
	return door;
}
void http_peer(const struct http_x *x, char out[HTTP_PEER_MAX])
{
	(void)x;
	strcpy(out, by_socket ? "" : address);
}
bool accounts_any(struct accounts *a)
{
	(void)a;
	return any_account;
}
bool accounts_alive(struct accounts *a, const uint8_t key[KEY_BYTES])
{
	(void)a;
	(void)key;
	return alive;
}
int accounts_who(struct accounts *a, const struct credential *c, struct accounts_known *ret)
{
	(void)a;
	shown = c->kind;
	if (c->kind == CREDENTIAL_SESSION && role) {
		*ret = (struct accounts_known){.name = "kim", .role = role, .may = role_permissions(role), .session = true};
		return 0;
	}
	if (c->kind == CREDENTIAL_TOKEN && granted) {
		*ret = (struct accounts_known){.name = "token gateway", .may = granted};
		return 0;
	}
	return MO_EDENIED;
}

static struct http_x *const x = (struct http_x *)(uintptr_t)16; /* never looked into */
#define ALL (PRINCIPAL_PUBLIC | PRINCIPAL_LOCAL | PRINCIPAL_OWN | PRINCIPAL_SINK | PRINCIPAL_PARTNER)
static char session_text[64], token_text[64], csrf_text[CREDENTIAL_TEXT];

static void reset(void)
{
	left = 0;
	body = 0;
	status = 0;
	aborted = false;
	head = (struct http1_head){.method = HTTP_GET};
	by_socket = any_account = false;
	alive = true;
	address = "127.0.0.1";
	door = DOOR_MAIN;
	role = ROLE_NONE;
	granted = 0;
	shown = CREDENTIAL_NONE;
}

static void header(const char *name, const char *value)
{
	head.headers[head.n_headers++] = (struct http1_header){span_str(name), span_str(value)};
}

static int admit(struct gate_pass *p, unsigned principals, enum permission permission)
{
	const struct gate_ask ask = {"test", principals, permission, false, false};
	return gate_admit(p, NULL, x, &ask);
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

/* Whatever the route's row says, whatever agreement is claimed, whoever else they also are. */
static void a_partner_gets_nothing(void **state)
{
	(void)state;
	for (unsigned principals = 0; principals <= ALL; principals++)
		for (unsigned more = 0; more < 8; more++) {
			struct gate_pass p;
			reset();
			header("Moru-Partner", "MCH");
			if (more & 1)
				header("Moru-Agreement", "urn:uuid:1");
			if (more & 2)
				header("Cookie", session_text);
			by_socket = more & 4;
			role = ROLE_OWNER;
			any_account = true;
			assert_int_equal(admit(&p, principals, principals & PRINCIPAL_PUBLIC ? PERMISSION_OPEN : PERMISSION_READ), MO_EDENIED);
			assert_int_equal(p.why, GATE_CLOSED);
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
	for (unsigned principals = 0; principals <= ALL; principals++)
		for (unsigned permission = 0; permission < PERMISSIONS; permission++) {
			struct gate_pass p;
			reset();
			bool may = permission && (principals & PRINCIPAL_LOCAL || (principals & PRINCIPAL_PUBLIC && permission == PERMISSION_OPEN));
			assert_int_equal(admit(&p, principals, (enum permission)permission), may ? 0 : MO_EDENIED);
			try_all(p, may ? 0 : MO_EDENIED);
			assert_int_equal(left, may ? 4 : 0);
		}
}

/* By loopback as long as there is no account, by the socket always, from elsewhere never. */
static void who_is_local(void **state)
{
	static const struct {
		const char *from;
		bool socket, accounts, local;
	} rows[] = {{"127.0.0.1", false, false, true}, {"::1", false, false, true}, {"127.0.0.1", false, true, false}, {"::1", false, true, false},
		{"", true, true, true}, {"", true, false, true}, {"192.168.0.9", false, false, false}, {"", false, false, false}, {"1270.0.0.1", false, false, false}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct gate_pass p;
		reset();
		address = rows[i].from;
		by_socket = rows[i].socket;
		any_account = rows[i].accounts;
		assert_int_equal(admit(&p, PRINCIPAL_LOCAL | PRINCIPAL_OWN, PERMISSION_READ), rows[i].local ? 0 : MO_EDENIED);
		assert_int_equal(p.why, rows[i].local ? GATE_CLOSED : GATE_UNKNOWN);
		assert_string_equal(gate_who(&p).p, rows[i].local ? "local" : "public");
	}
}

/* Every role against every permission, as share/roles.h says; the session's own CSRF text for what changes something. */
static void an_account_gets_what_its_role_may(void **state)
{
	static const enum http1_method methods[] = {HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE};
	(void)state;
	for (unsigned r = ROLE_OWNER; r < ROLES; r++)
		for (unsigned permission = 1; permission < PERMISSIONS; permission++)
			for (size_t m = 0; m < sizeof methods / sizeof *methods; m++)
				for (unsigned csrf = 0; csrf < 3; csrf++) {
					struct gate_pass p;
					reset();
					any_account = true;
					role = (enum role)r;
					head.method = methods[m];
					header("Cookie", session_text);
					if (csrf)
						header("X-Moru-CSRF", csrf == 1 ? csrf_text : "of-another-session");
					bool may = role_may(role, (enum permission)permission), changes = m >= 2;
					int want = may && (!changes || csrf == 1) ? 0 : MO_EDENIED;
					assert_int_equal(admit(&p, PRINCIPAL_LOCAL | PRINCIPAL_OWN, (enum permission)permission), want);
					if (want != 0)
						assert_int_equal(p.why, may ? GATE_CSRF : GATE_NOT_PERMITTED);
					else
						assert_string_equal(gate_who(&p).p, "kim");
					try_all(p, want);
					/* A row for nobody of our own is closed to every role. */
					assert_int_equal(admit(&p, PRINCIPAL_LOCAL | PRINCIPAL_SINK, (enum permission)permission), MO_EDENIED);
				}
}

static void a_token_gets_what_it_was_given(void **state)
{
	struct gate_pass p;
	(void)state;
	for (unsigned permission = 1; permission < PERMISSIONS; permission++) {
		reset();
		any_account = true;
		granted = permission_bit(PERMISSION_WRITE) | permission_bit(PERMISSION_METRICS);
		head.method = HTTP_POST; /* no page, no CSRF */
		header("Authorization", token_text);
		bool may = permission == PERMISSION_WRITE || permission == PERMISSION_METRICS;
		assert_int_equal(admit(&p, PRINCIPAL_OWN, (enum permission)permission), may ? 0 : MO_EDENIED);
		assert_int_equal(shown, CREDENTIAL_TOKEN);
		assert_true(!may || gate_may(&p, PERMISSION_WRITE));
		assert_false(gate_may(&p, PERMISSION_READ));
	}
	/* An ended one is nobody's. */
	reset();
	any_account = true;
	header("Authorization", token_text);
	assert_int_equal(admit(&p, PRINCIPAL_LOCAL | PRINCIPAL_OWN, PERMISSION_READ), MO_EDENIED);
	assert_int_equal(p.why, GATE_UNKNOWN);
}

/* Behind the second listener: a token that may write, at a route that is marked; nobody else, and nothing else. */
static void behind_the_second_listener(void **state)
{
	(void)state;
	for (unsigned marked = 0; marked < 2; marked++)
		for (unsigned permission = 1; permission < PERMISSIONS; permission++)
			for (unsigned who = 0; who < 6; who++) {
				const struct gate_ask ask = {"test", PRINCIPAL_PUBLIC | PRINCIPAL_LOCAL | PRINCIPAL_OWN, (enum permission)permission, false, marked};
				struct gate_pass p;
				reset();
				door = DOOR_INGEST;
				any_account = who != 1; /* the machine itself, before there is an account */
				role = ROLE_OWNER;
				granted = who == 4 ? permission_bit(PERMISSION_METRICS) : permission_bit(PERMISSION_WRITE);
				by_socket = who == 5;
				if (who == 2) {
					header("Cookie", session_text);
					header("X-Moru-CSRF", csrf_text);
				}
				if (who == 3 || who == 4)
					header("Authorization", token_text);
				/* What is open to everybody elsewhere wants a token that may write, too. */
				bool writes = permission == PERMISSION_WRITE || permission == PERMISSION_OPEN;
				bool may = marked && (who == 3 ? writes : who == 4 && permission == PERMISSION_METRICS);
				assert_int_equal(gate_admit(&p, NULL, x, &ask), may ? 0 : MO_EDENIED);
				assert_true(who != 2 || shown == CREDENTIAL_NONE); /* the cookie is not even looked at */
				try_all(p, may ? 0 : MO_EDENIED);
				assert_int_equal(left, may ? 4 : 0);
			}
}

/* What is open asks nobody who they are; what names the public by mistake stays shut. */
static void the_public(void **state)
{
	struct gate_pass p;
	(void)state;
	reset();
	any_account = true;
	assert_int_equal(admit(&p, ALL, PERMISSION_OPEN), 0);
	assert_int_equal(p.who.kind, PRINCIPAL_PUBLIC);
	for (unsigned permission = PERMISSION_SELF; permission < PERMISSIONS; permission++) {
		assert_int_equal(admit(&p, ALL, (enum permission)permission), MO_EDENIED);
		assert_int_equal(p.why, GATE_UNKNOWN);
		try_all(p, MO_EDENIED);
	}
	assert_int_equal(left, 0);
}

static void a_stream_ends_with_its_session(void **state)
{
	struct gate_pass p;
	(void)state;
	reset();
	any_account = true;
	role = ROLE_QUALITY;
	header("Cookie", session_text);
	assert_int_equal(admit(&p, PRINCIPAL_OWN, PERMISSION_MACHINES), 0);
	assert_int_equal(gate_begin(&p, 200, NULL, 0), 0);
	assert_int_equal(gate_piece(&p, SPAN_LIT("a")), 0);
	alive = false;
	assert_int_equal(gate_piece(&p, SPAN_LIT("b")), MO_ECANCELED);
	assert_int_equal(body, 1);
	/* One of the time before the first account ends with it; one by the socket goes on. */
	for (unsigned socket = 0; socket < 2; socket++) {
		reset();
		by_socket = socket;
		assert_int_equal(admit(&p, PRINCIPAL_LOCAL, PERMISSION_MACHINES), 0);
		assert_int_equal(gate_begin(&p, 200, NULL, 0), 0);
		assert_int_equal(gate_piece(&p, SPAN_LIT("a")), 0);
		any_account = true;
		assert_int_equal(gate_piece(&p, SPAN_LIT("b")), socket ? 0 : MO_ECANCELED);
	}
}

static void once_and_in_order(void **state)
{
	(void)state;
	struct gate_pass p, none = {.x = x};
	reset();
	try_all(none, MO_EDENIED); /* never admitted */
	assert_int_equal(left, 0);
	assert_int_equal(admit(&p, PRINCIPAL_LOCAL, PERMISSION_SELF), 0);
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
	static const uint8_t secret[CREDENTIAL_BYTES] = {1, 2, 3};
	char text[CREDENTIAL_TOKEN_TEXT];
	credential_write(text, secret);
	snprintf(session_text, sizeof session_text, CREDENTIAL_COOKIE "=%s", text);
	credential_write_token(text, secret);
	snprintf(token_text, sizeof token_text, "Bearer %s", text);
	if (credential_csrf(csrf_text, secret) != 0)
		return 1;
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_partner_gets_nothing), cmocka_unit_test(the_local_machine_gets_what_the_row_names),
		cmocka_unit_test(who_is_local), cmocka_unit_test(an_account_gets_what_its_role_may), cmocka_unit_test(a_token_gets_what_it_was_given),
		cmocka_unit_test(the_public), cmocka_unit_test(a_stream_ends_with_its_session), cmocka_unit_test(once_and_in_order), cmocka_unit_test(behind_the_second_listener)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
