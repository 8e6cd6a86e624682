#define _GNU_SOURCE
#include "srtp.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

/* Looked up at run time: a Node without them (or with other ones) has SRTP bridges relayed in TypeScript. */
static struct {
  void *(*new_cipher)(void);
  void (*free_cipher)(void *);
  const void *(*aes_128_ecb)(void);
  int (*init)(void *, const void *, void *, const uint8_t *, const uint8_t *);
  int (*update)(void *, uint8_t *, int *, const uint8_t *, int);
  int (*sha1_init)(void *);
  int (*sha1_update)(void *, const void *, size_t);
  int (*sha1_final)(uint8_t *, void *);
  int found;
} openssl;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static int find(const char *name, void *into) {
  void *symbol = dlsym(RTLD_DEFAULT, name);
  memcpy(into, &symbol, sizeof symbol);
  return symbol != NULL;
}

static void look_up(void) {
  openssl.found = find("EVP_CIPHER_CTX_new", &openssl.new_cipher) && find("EVP_CIPHER_CTX_free", &openssl.free_cipher) &&
                  find("EVP_aes_128_ecb", &openssl.aes_128_ecb) && find("EVP_EncryptInit_ex", &openssl.init) &&
                  find("EVP_EncryptUpdate", &openssl.update) && find("SHA1_Init", &openssl.sha1_init) &&
                  find("SHA1_Update", &openssl.sha1_update) && find("SHA1_Final", &openssl.sha1_final);
}

int srtp_available(void) {
  pthread_once(&once, look_up);
  return openssl.found;
}

/* RFC 2104: the first block of a hash is the key, padded and changed. */
static void begin_hash(uint8_t *state, const uint8_t *key, uint8_t pad) {
  uint8_t block[64];
  memset(block, pad, sizeof block);
  for (size_t at = 0; at < SRTP_AUTH_KEY; at++) block[at] ^= key[at];
  openssl.sha1_init(state);
  openssl.sha1_update(state, block, sizeof block);
}

int srtp_open(srtp_context *context, const uint8_t *cipher_key, const uint8_t *auth_key, const uint8_t *salt,
              uint8_t tag_bytes, int64_t highest, uint64_t window) {
  if (!srtp_available() || (tag_bytes != 4 && tag_bytes != 10)) return 0;
  memset(context, 0, sizeof *context);
  context->cipher = openssl.new_cipher();
  if (!context->cipher) return 0;
  if (openssl.init(context->cipher, openssl.aes_128_ecb(), NULL, cipher_key, NULL) != 1) {
    srtp_close(context);
    return 0;
  }
  begin_hash(context->inner, auth_key, 0x36);
  begin_hash(context->outer, auth_key, 0x5c);
  memcpy(context->salt, salt, SRTP_SALT);
  context->tag_bytes = tag_bytes;
  context->highest = highest;
  context->window = window;
  return 1;
}

void srtp_close(srtp_context *context) {
  if (context->cipher) openssl.free_cipher(context->cipher);
  context->cipher = NULL;
}

/* RFC 3711 appendix A: the index nearest to the highest one; below 0 before the first roll-over. */
static int64_t estimate(int64_t highest, uint16_t sequence) {
  if (highest < 0) return sequence;
  int64_t roll_over = highest >> 16;
  int32_t last = (int32_t)(highest & 0xffff);
  if (last < 0x8000) {
    if (sequence - last > 0x8000) roll_over -= 1;
  } else if (last - 0x8000 > sequence) {
    roll_over += 1;
  }
  return roll_over < 0 ? -1 : (roll_over << 16) | sequence;
}

/* 4.2: over the packet and its roll-over counter, which is written behind `end`. */
static void compute_tag(const srtp_context *context, uint8_t *packet, size_t end, uint32_t roll_over, uint8_t tag[20]) {
  _Alignas(16) uint8_t state[128];
  packet[end] = (uint8_t)(roll_over >> 24);
  packet[end + 1] = (uint8_t)(roll_over >> 16);
  packet[end + 2] = (uint8_t)(roll_over >> 8);
  packet[end + 3] = (uint8_t)roll_over;
  memcpy(state, context->inner, sizeof state);
  openssl.sha1_update(state, packet, end + 4);
  openssl.sha1_final(tag, state);
  memcpy(state, context->outer, sizeof state);
  openssl.sha1_update(state, tag, 20);
  openssl.sha1_final(tag, state);
}

/* Blocks of key stream that are made at once: 256 octets, more than 20 ms of G.711. */
enum { BLOCK = 16, BLOCKS = 16 };

/* 4.1.1: IV = salt * 2^16 ^ SSRC * 2^64 ^ index * 2^16, and the number of the block below. The counters are enciphered as ECB: to give
 * OpenSSL's own counter mode a new IV for each packet costs three times what enciphering does. */
static int crypt(srtp_context *context, uint8_t *packet, size_t start, size_t end, int64_t index) {
  uint8_t iv[BLOCK] = {0}, stream[BLOCKS * BLOCK];
  int length = 0;
  memcpy(iv, context->salt, SRTP_SALT);
  for (int at = 0; at < 4; at++) iv[4 + at] ^= packet[8 + at];
  for (int at = 0; at < 6; at++) iv[8 + at] ^= (uint8_t)(index >> (40 - 8 * at));
  for (size_t number = 0; start < end; start += sizeof stream) {
    size_t here = end - start < sizeof stream ? end - start : sizeof stream;
    int blocks = (int)((here + BLOCK - 1) / BLOCK);
    for (int block = 0; block < blocks; block++, number++) {
      memcpy(stream + block * BLOCK, iv, SRTP_SALT);
      stream[block * BLOCK + 14] = (uint8_t)(number >> 8);
      stream[block * BLOCK + 15] = (uint8_t)number;
    }
    if (openssl.update(context->cipher, stream, &length, stream, blocks * BLOCK) != 1 || length != blocks * BLOCK) return 0;
    for (size_t at = 0; at < here; at++) packet[start + at] ^= stream[at];
  }
  return 1;
}

int srtp_protect(srtp_context *context, uint8_t *packet, size_t start, size_t end) {
  uint8_t tag[20];
  int64_t index = estimate(context->highest, (uint16_t)(packet[2] << 8 | packet[3]));
  if (index < 0 || !crypt(context, packet, start, end, index)) return SRTP_LATE;
  if (index > context->highest) context->highest = index;
  compute_tag(context, packet, end, (uint32_t)(index >> 16), tag);
  memcpy(packet + end, tag, context->tag_bytes);
  return (int)(end + context->tag_bytes);
}

int srtp_unprotect(srtp_context *context, uint8_t *packet, size_t start, size_t end) {
  uint8_t tag[20], received[10];
  size_t plain_end = end - context->tag_bytes;
  int64_t index = estimate(context->highest, (uint16_t)(packet[2] << 8 | packet[3]));
  int64_t age = context->highest - index;
  if (index < 0 || age >= 64 || (age >= 0 && (context->window >> age & 1))) return SRTP_REPLAYED;
  memcpy(received, packet + plain_end, context->tag_bytes);
  compute_tag(context, packet, plain_end, (uint32_t)(index >> 16), tag);
  /* Without leaving early, so that the time tells nothing about the tag. */
  uint8_t difference = 0;
  for (int at = 0; at < context->tag_bytes; at++) difference |= received[at] ^ tag[at];
  if (difference != 0) return SRTP_UNAUTHENTICATED;
  if (age < 0) {
    context->window = age <= -64 ? 1 : context->window << -age | 1;
    context->highest = index;
  } else {
    context->window |= (uint64_t)1 << age;
  }
  return crypt(context, packet, start, plain_end, index) ? (int)plain_end : SRTP_UNAUTHENTICATED;
}
