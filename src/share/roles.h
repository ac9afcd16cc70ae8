/* Who may do what: the roles a person may have, the permissions that routes
 * and commands name, and the one table that says which role has which. Pure.
 *
 * The words are the glossary's: owner 대표, production manager 생산관리자,
 * quality 품질담당, operator 작업자, read-only 조회 전용, vendor 공급기업. */
#ifndef MO_SHARE_ROLES_H
#define MO_SHARE_ROLES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

/* 0 is nobody's role: what was never set may nothing. */
enum role { ROLE_NONE, ROLE_OWNER, ROLE_PRODUCTION, ROLE_QUALITY, ROLE_OPERATOR, ROLE_READ_ONLY, ROLE_VENDOR, ROLES };
/* 0 is none: a resource that names no permission is closed to everybody. */
enum permission {
	PERMISSION_NONE,
	PERMISSION_OPEN,     /* what needs no account: the page's files, health, logging in */
	PERMISSION_SELF,     /* one's own account: who one is, logging out, one's own password; the node's name and clock */
	PERMISSION_MACHINES, /* devices, machines, their states and values */
	PERMISSION_READ,     /* lots, records, cases, imports, the change feed: what the factory knows */
	PERMISSION_AUDIT,    /* who changed what */
	PERMISSION_PEOPLE,   /* read and give the names of people */
	PERMISSION_CASES,    /* say what became of a case */
	PERMISSION_RECORDS,  /* store records: lots, operations, events, characteristics */
	PERMISSION_IMPORT,   /* take in files */
	PERMISSION_DEVICES,  /* set, try and remove devices */
	PERMISSION_WRITE,    /* write values */
	PERMISSION_SQL,      /* ask in SQL, over all records */
	PERMISSION_METRICS,  /* the node's own measurements */
	PERMISSION_EXPORT,   /* take data out as files */
	PERMISSION_BACKUP,   /* make, check and restore backups */
	PERMISSION_SETTINGS, /* the node itself: settings, clock of a demo, checks of the folder */
	PERMISSION_ERASE,    /* erase a person's name */
	PERMISSION_ACCOUNTS, /* accounts, tokens */
	PERMISSION_SINKS,    /* where data go by themselves */
	PERMISSION_TRUST,    /* whose certificates are believed; which keys the node holds */
	PERMISSIONS
};

/* "owner", "production", "quality", "operator", "read_only", "vendor"; "?" for anything else. */
const char *role_name(enum role r);
/* MO_EINVAL: none of them. */
MO_MUST_USE int role_parse(enum role *ret, struct span name);
/* "open", "self", "machines" …; "?" for anything else. */
const char *permission_name(enum permission p);
MO_MUST_USE int permission_parse(enum permission *ret, struct span name);

/* A set of permissions: bit p for permission p. */
typedef uint32_t permission_set;
static inline permission_set permission_bit(enum permission p)
{
	return p > PERMISSION_NONE && p < PERMISSIONS ? (permission_set)1 << (unsigned)p : 0;
}
/* What a role may; nothing for what is no role. */
permission_set role_permissions(enum role r);
static inline bool role_may(enum role r, enum permission p) { return (role_permissions(r) & permission_bit(p)) != 0; }
/* What a token may be given by name: what a program needs and a person answers for. Accounts, the node's settings and a person's own
 * account are not among them. */
bool permission_for_tokens(enum permission p);

/* "write,metrics" and back; what is no permission is MO_EINVAL. */
void permission_set_write(struct buf *out, permission_set set);
MO_MUST_USE int permission_set_read(permission_set *ret, struct span text);

#endif
