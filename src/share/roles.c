#include "share/roles.h"

#define O (1u << ROLE_OWNER)
#define P (1u << ROLE_PRODUCTION)
#define Q (1u << ROLE_QUALITY)
#define W (1u << ROLE_OPERATOR)
#define R (1u << ROLE_READ_ONLY)
#define V (1u << ROLE_VENDOR)

static const struct {
	const char *name;
	unsigned roles;
	bool tokens;
} table[PERMISSIONS] = {
	/* Before anybody is known. */
	[PERMISSION_OPEN] = {"open", O | P | Q | W | R | V, true},
	/* Whoever may log in may log out, and the page draws its frame. */
	[PERMISSION_SELF] = {"self", O | P | Q | W | R | V, false},
	/* The firm that built the machines keeps them going by what they say. */
	[PERMISSION_MACHINES] = {"machines", O | P | Q | W | R | V, true},
	/* Everybody of our own firm; lots, cases and people's names are no business of a vendor. */
	[PERMISSION_READ] = {"read", O | P | Q | W | R, true},
	/* Names who did what: for those who answer for others' work, and for an auditor's questions, which quality answers. */
	[PERMISSION_AUDIT] = {"audit", O | P | Q, false},
	/* Who is behind a pseudonym: those who lead people's work. */
	[PERMISSION_PEOPLE] = {"people", O | P, false},
	/* A case is worked on where the machine stands. */
	[PERMISSION_CASES] = {"cases", O | P | Q | W, true},
	/* Who makes, moves or inspects a lot records it. */
	[PERMISSION_RECORDS] = {"records", O | P | Q | W, true},
	/* A file changes months of records at once. */
	[PERMISSION_IMPORT] = {"import", O | P, true},
	/* A device's settings decide what its values mean; a vendor proposes, the firm sets. */
	[PERMISSION_DEVICES] = {"devices", O | P, false},
	/* Values written by hand replace measured ones: gateways do it by token. */
	[PERMISSION_WRITE] = {"write", O | P, true},
	/* A statement reads everything at once. */
	[PERMISSION_SQL] = {"sql", O | P | Q, true},
	/* How the node is, without the factory's data: also for the firm that maintains it. */
	[PERMISSION_METRICS] = {"metrics", O | P | V, true},
	/* Takes data out of the house: who answers to customers for them. */
	[PERMISSION_EXPORT] = {"export", O | P | Q, true},
	/* A backup holds everything, accounts too. */
	[PERMISSION_BACKUP] = {"backup", O, true},
	[PERMISSION_SETTINGS] = {"settings", O, false},
	/* Cannot be taken back, and answers to the law. */
	[PERMISSION_ERASE] = {"erase", O, false},
	/* Who gives rights has all of them. */
	[PERMISSION_ACCOUNTS] = {"accounts", O, false},
	/* Opens a way out of the house that stays open. */
	[PERMISSION_SINKS] = {"sinks", O, false},
	/* Decides who is whom beyond the house. */
	[PERMISSION_TRUST] = {"trust", O, false},
};

static const char *const role_names[ROLES] = {
	[ROLE_OWNER] = "owner",
	[ROLE_PRODUCTION] = "production",
	[ROLE_QUALITY] = "quality",
	[ROLE_OPERATOR] = "operator",
	[ROLE_READ_ONLY] = "read_only",
	[ROLE_VENDOR] = "vendor",
};

const char *role_name(enum role r) { return r > ROLE_NONE && r < ROLES ? role_names[r] : "?"; }

int role_parse(enum role *ret, struct span name)
{
	for (unsigned i = ROLE_NONE + 1; i < ROLES; i++)
		if (span_is(name, role_names[i])) {
			*ret = (enum role)i;
			return 0;
		}
	return MO_EINVAL;
}

const char *permission_name(enum permission p) { return p > PERMISSION_NONE && p < PERMISSIONS ? table[p].name : "?"; }

int permission_parse(enum permission *ret, struct span name)
{
	for (unsigned i = PERMISSION_NONE + 1; i < PERMISSIONS; i++)
		if (span_is(name, table[i].name)) {
			*ret = (enum permission)i;
			return 0;
		}
	return MO_EINVAL;
}

permission_set role_permissions(enum role r)
{
	permission_set set = 0;
	if (r <= ROLE_NONE || r >= ROLES)
		return 0;
	for (unsigned i = PERMISSION_NONE + 1; i < PERMISSIONS; i++)
		if (table[i].roles & (1u << r))
			set |= permission_bit((enum permission)i);
	return set;
}

bool permission_for_tokens(enum permission p) { return p > PERMISSION_NONE && p < PERMISSIONS && table[p].tokens && p != PERMISSION_OPEN; }

void permission_set_write(struct buf *out, permission_set set)
{
	bool any = false;
	for (unsigned i = PERMISSION_NONE + 1; i < PERMISSIONS; i++)
		if (set & permission_bit((enum permission)i)) {
			if (any)
				buf_addc(out, ',');
			buf_adds(out, permission_name((enum permission)i));
			any = true;
		}
}

int permission_set_read(permission_set *ret, struct span text)
{
	permission_set set = 0;
	for (size_t i = 0; i < text.n;) {
		size_t end = span_find(text, i, ',');
		enum permission p;
		if (permission_parse(&p, span_sub(text, i, end - i)))
			return MO_EINVAL;
		set |= permission_bit(p);
		i = end + 1;
	}
	*ret = set;
	return set ? 0 : MO_EINVAL;
}
