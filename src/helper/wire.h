/* What the node and moru-helper say to each other over a stream: one request,
 * one answer, and so on. The node's side is node/helper.h.
 *
 *   frame: length:u32le (of what follows, 1..HELPER_FRAME_MAX) | op:u8 | payload
 *
 *   request                                     answer: the same op, and
 *   HELPER_HASH    password                     the hash as text (helper/password.h)
 *   HELPER_VERIFY  n:u16le | hash text (n) |    u8: 1 it is the password, 0 it is not
 *                  password
 *                                               or HELPER_ERROR: -enum mo_err:u8
 *                                                 MO_EINVAL: unknown op; a payload that is not as above; a text that is no hash
 *                                                 MO_ELIMIT: longer than allowed
 *                                                 MO_ENOMEM: the memory limit; MO_EIO: no randomness
 *
 * The end of the stream between two frames ends the helper (status 0); a frame
 * of a wrong length or cut short is no request: status 2 without an answer. */
#ifndef MO_HELPER_WIRE_H
#define MO_HELPER_WIRE_H

#define HELPER_FRAME_MAX 65536u   /* bytes after the length */
#define HELPER_PASSWORD_MAX 1024u /* bytes */
#define HELPER_HASH_TEXT_MAX 256u /* bytes of a hash as text, without NUL */

enum helper_op { HELPER_ERROR = 0, HELPER_HASH = 1, HELPER_VERIFY = 2 };

#endif
