/* SRTP for one direction of a relay: AES-CM and HMAC-SHA1 (RFC 3711), with the functions of the OpenSSL that Node brings along. Keys
 * are session keys, which srtp.ts derives. Roll-over counters and the replay window come from there and go back there. */

#ifndef HOOKSWITCH_SRTP_H
#define HOOKSWITCH_SRTP_H

#include <stddef.h>
#include <stdint.h>

/* Room behind a packet that protecting needs: tag (10), roll-over counter (4) while the tag is computed. */
enum { SRTP_ROOM = 16, SRTP_CIPHER_KEY = 16, SRTP_AUTH_KEY = 20, SRTP_SALT = 14 };
enum { SRTP_REPLAYED = -1, SRTP_UNAUTHENTICATED = -2, SRTP_LATE = -3 };

typedef struct {
  void *cipher;
  uint8_t salt[SRTP_SALT];
  uint8_t tag_bytes;
  /* SHA-1 after the first block of the inner and of the outer hash: what depends on the key only. */
  _Alignas(16) uint8_t inner[128];
  _Alignas(16) uint8_t outer[128];
  /* Highest packet index, -1 before the first; bit n of the window is index highest - n. */
  int64_t highest;
  uint64_t window;
} srtp_context;

/* Whether this Node has what is needed. */
int srtp_available(void);
/* 0 when it went wrong; then nothing is to be freed. */
int srtp_open(srtp_context *context, const uint8_t *cipher_key, const uint8_t *auth_key, const uint8_t *salt,
              uint8_t tag_bytes, int64_t highest, uint64_t window);
void srtp_close(srtp_context *context);

/* packet[0..end) is plain, its payload begins at `start`; SRTP_ROOM octets behind it may be written. New end, or below 0. */
int srtp_protect(srtp_context *context, uint8_t *packet, size_t start, size_t end);
/* packet[0..end) with its tag; the payload begins at `start`, not behind the tag. End of the plain packet, or below 0. */
int srtp_unprotect(srtp_context *context, uint8_t *packet, size_t start, size_t end);

#endif
