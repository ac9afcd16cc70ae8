/* Addresses as text, and this machine's own name. Nothing here asks the
 * network. */
#ifndef MO_OS_ADDRESS_H
#define MO_OS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum address_kind {
	ADDRESS_NONE,     /* not an IPv4 or IPv6 address in digits (inet_pton(3)) */
	ADDRESS_LOOPBACK, /* 127.0.0.0/8 (RFC 1122 3.2.1.3), ::1 */
	ADDRESS_ANY,      /* 0.0.0.0, ::, also as ::ffff:0.0.0.0: all of the machine's */
	ADDRESS_ONE       /* any other */
};
/* What text is; canonical (of `size` bytes, may be NULL; 46 are enough for any) gets the one way to write it (inet_ntop(3)), written only when
 * it is an address and fits. */
enum address_kind address_read(const char *text, char *canonical, size_t size);
/* Of 4 or 16 bytes in network order. False: another number of bytes, or too little room. */
bool address_text(char *out, size_t size, const uint8_t *bytes, size_t n);
/* The machine's host name, as the system has it. MO_ENOENT: it has none, or a longer one. */
MO_MUST_USE int address_hostname(char *out, size_t size);

#define ADDRESS_TEXT_MAX 46u       /* of any address, with NUL */
#define ADDRESS_MACHINE_MAX 16u
struct address_list {
	size_t n;
	char text[ADDRESS_MACHINE_MAX][ADDRESS_TEXT_MAX]; /* in the order of their texts, no doubles */
};
/* The addresses by which others may reach this machine: of interfaces that are up, but loopback and IPv6's link-local ones, which say nothing
 * without their interface. What comes after ADDRESS_MACHINE_MAX is left out. MO_EIO, MO_ENOMEM. */
MO_MUST_USE int address_machine(struct address_list *ret);
bool address_list_equal(const struct address_list *a, const struct address_list *b);

#endif
