/* The N-API side of the media thread: turns calls of native-path.ts into calls of engine.h. Context-aware: each worker has engines of
 * its own, which end with it. */

#define NAPI_VERSION 8
#include <arpa/inet.h>
#include <errno.h>
#include <node_api.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

enum { ARGUMENTS_MAX = 6, ADDRESS_TEXT = 64 };

/* What JavaScript holds of an engine. */
typedef struct {
  engine *engine;
  napi_env env;
  napi_threadsafe_function wake;
} handle;

typedef struct {
  napi_env env;
  napi_value arguments[ARGUMENTS_MAX];
  handle *handle;
} call;

static napi_value undefined(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

static napi_value number(napi_env env, double of) {
  napi_value value;
  napi_create_double(env, of, &value);
  return value;
}

static napi_value boolean(napi_env env, int of) {
  napi_value value;
  napi_get_boolean(env, of != 0, &value);
  return value;
}

static napi_value misuse(napi_env env) {
  napi_throw_type_error(env, NULL, "wrong arguments");
  return NULL;
}

/* All functions but `open` have the engine first. */
static int begin(napi_env env, napi_callback_info info, size_t count, call *into) {
  size_t given = ARGUMENTS_MAX;
  void *data = NULL;
  into->env = env;
  if (napi_get_cb_info(env, info, &given, into->arguments, NULL, NULL) != napi_ok || given < count) return 0;
  if (napi_get_value_external(env, into->arguments[0], &data) != napi_ok || !data) return 0;
  into->handle = data;
  return into->handle->engine != NULL;
}

static int read_number(const call *of, size_t index, uint32_t *into) {
  return napi_get_value_uint32(of->env, of->arguments[index], into) == napi_ok;
}

static int read_bytes(const call *of, size_t index, uint8_t **bytes, size_t *length) {
  bool is_buffer = false;
  return napi_is_buffer(of->env, of->arguments[index], &is_buffer) == napi_ok && is_buffer &&
         napi_get_buffer_info(of->env, of->arguments[index], (void **)bytes, length) == napi_ok;
}

static int read_counters(const call *of, size_t index, double **into) {
  napi_typedarray_type type;
  size_t length;
  return napi_get_typedarray_info(of->env, of->arguments[index], &type, &length, (void **)into, NULL, NULL) == napi_ok &&
         type == napi_float64_array && length >= 2 * COUNTER_FIELDS;
}

/* Length of the address, 0 when the text is none or the port is. `index`: the text, the port is behind it. */
static socklen_t read_address(const call *of, size_t index, struct sockaddr_storage *into) {
  char text[ADDRESS_TEXT];
  size_t length;
  uint32_t port;
  memset(into, 0, sizeof *into);
  if (napi_get_value_string_utf8(of->env, of->arguments[index], text, sizeof text, &length) != napi_ok) return 0;
  if (!read_number(of, index + 1, &port) || port > 65535) return 0;
  struct sockaddr_in *v4 = (struct sockaddr_in *)into;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)into;
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)port);
    return sizeof *v4;
  }
  memset(into, 0, sizeof *into);
  if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1) return 0;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons((uint16_t)port);
  return sizeof *v6;
}

/* --- life */

/* On the media thread. The queue of calls is not bounded, and never holds more than one. */
static void wake(void *context) {
  napi_call_threadsafe_function(((handle *)context)->wake, NULL, napi_tsfn_nonblocking);
}

static void call_javascript(napi_env env, napi_value callback, void *context, void *data) {
  (void)context;
  (void)data;
  if (env) napi_call_function(env, undefined(env), callback, 0, NULL, NULL);
}

/* The worker ends: its thread must be gone before anything that it uses is. Sockets close with it. */
static void end_with_environment(void *argument) {
  engine_stop(((handle *)argument)->engine);
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)hint;
  handle *of = data;
  if (of->engine) {
    napi_remove_env_cleanup_hook(env, end_with_environment, of);
    engine_free(of->engine);
  }
  free(of);
}

/* (wake, dscp). */
static napi_value open_engine(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value given[2], callback, name, external;
  napi_valuetype type;
  uint32_t dscp;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok || count < 2) return misuse(env);
  if (napi_get_value_uint32(env, given[1], &dscp) != napi_ok || dscp > 63) return misuse(env);
  callback = given[0];
  if (napi_typeof(env, callback, &type) != napi_ok || type != napi_function) return misuse(env);
  handle *made = calloc(1, sizeof *made);
  if (!made) return undefined(env);
  made->env = env;
  napi_create_string_utf8(env, "media", NAPI_AUTO_LENGTH, &name);
  if (napi_create_threadsafe_function(env, callback, NULL, name, 0, 1, NULL, NULL, made, call_javascript, &made->wake) !=
      napi_ok) {
    free(made);
    return undefined(env);
  }
  napi_unref_threadsafe_function(env, made->wake);
  made->engine = engine_open(wake, made, (int)dscp);
  if (!made->engine) {
    napi_release_threadsafe_function(made->wake, napi_tsfn_abort);
    free(made);
    return undefined(env);
  }
  /* Later hooks run first: the thread ends before the function that it calls. */
  napi_add_env_cleanup_hook(env, end_with_environment, made);
  napi_create_external(env, made, finalize, NULL, &external);
  return external;
}

static napi_value close_engine(napi_env env, napi_callback_info info) {
  call of;
  if (!begin(env, info, 1, &of)) return undefined(env);
  napi_remove_env_cleanup_hook(env, end_with_environment, of.handle);
  engine_free(of.handle->engine);
  of.handle->engine = NULL;
  napi_release_threadsafe_function(of.handle->wake, napi_tsfn_abort);
  return undefined(env);
}

/* --- sockets */

static const char *name_of(int error) {
  switch (error) {
    case EADDRINUSE: return "EADDRINUSE";
    case EADDRNOTAVAIL: return "EADDRNOTAVAIL";
    case EAFNOSUPPORT: return "EAFNOSUPPORT";
    case EINVAL: return "EINVAL";
    case EACCES: return "EACCES";
    case EMFILE: return "EMFILE";
    case ENFILE: return "ENFILE";
    case ENOMEM: return "ENOMEM";
    default: return strerror(error);
  }
}

/* (engine, address, port): token, or the name of the error. */
static napi_value bind_socket(napi_env env, napi_callback_info info) {
  call of;
  struct sockaddr_storage address;
  napi_value failure;
  if (!begin(env, info, 3, &of)) return misuse(env);
  socklen_t length = read_address(&of, 1, &address);
  uint32_t token = length ? engine_bind(of.handle->engine, (struct sockaddr *)&address, length) : 0;
  if (token) return number(env, token);
  napi_create_string_utf8(env, length ? name_of(errno) : "EINVAL", NAPI_AUTO_LENGTH, &failure);
  return failure;
}

static napi_value close_socket(napi_env env, napi_callback_info info) {
  call of;
  uint32_t token;
  if (!begin(env, info, 2, &of) || !read_number(&of, 1, &token)) return misuse(env);
  engine_close(of.handle->engine, token);
  return undefined(env);
}

/* (engine, token, packet) or (engine, token, packet, address, port). */
static napi_value send_packet(napi_env env, napi_callback_info info) {
  call of;
  uint32_t token;
  uint8_t *packet;
  size_t length;
  napi_valuetype type;
  struct sockaddr_storage address;
  socklen_t address_length = 0;
  if (!begin(env, info, 3, &of) || !read_number(&of, 1, &token) || !read_bytes(&of, 2, &packet, &length)) return misuse(env);
  if (napi_typeof(env, of.arguments[3], &type) == napi_ok && type == napi_string) {
    address_length = read_address(&of, 3, &address);
    if (!address_length) return boolean(env, 0);
  }
  struct sockaddr *to = address_length ? (struct sockaddr *)&address : NULL;
  return boolean(env, engine_send(of.handle->engine, token, packet, length, to, address_length));
}

/* (engine, token, address, port). */
static napi_value connect_socket(napi_env env, napi_callback_info info) {
  call of;
  uint32_t token;
  struct sockaddr_storage address;
  if (!begin(env, info, 4, &of) || !read_number(&of, 1, &token)) return misuse(env);
  socklen_t length = read_address(&of, 2, &address);
  return boolean(env, length && engine_connect(of.handle->engine, token, (struct sockaddr *)&address, length));
}

static napi_value disconnect_socket(napi_env env, napi_callback_info info) {
  call of;
  uint32_t token;
  if (!begin(env, info, 2, &of) || !read_number(&of, 1, &token)) return misuse(env);
  return boolean(env, engine_connect(of.handle->engine, token, NULL, 0));
}

typedef struct {
  napi_env env;
  napi_value buffer;
} drained;

static uint8_t *allocate(size_t length, void *context) {
  drained *into = context;
  void *data = NULL;
  return napi_create_buffer(into->env, length, &data, &into->buffer) == napi_ok ? data : NULL;
}

/* (engine): a buffer of records, or undefined. */
static napi_value drain(napi_env env, napi_callback_info info) {
  call of;
  if (!begin(env, info, 1, &of)) return undefined(env);
  drained into = {.env = env, .buffer = NULL};
  engine_drain(of.handle->engine, allocate, &into);
  return into.buffer ? into.buffer : undefined(env);
}

/* --- relays */

/* (engine, token, token, directions): number of the relay, 0 when it is not taken. */
static napi_value take(napi_env env, napi_callback_info info) {
  call of;
  uint32_t tokens[2];
  uint8_t *directions;
  size_t length;
  if (!begin(env, info, 4, &of) || !read_number(&of, 1, &tokens[0]) || !read_number(&of, 2, &tokens[1]) ||
      !read_bytes(&of, 3, &directions, &length) || length != 2 * DIRECTION_BYTES) {
    return misuse(env);
  }
  return number(env, engine_take(of.handle->engine, tokens, (const uint8_t(*)[DIRECTION_BYTES])directions));
}

/* (engine, relay, counters, ends): false when there is none. */
static napi_value counters(napi_env env, napi_callback_info info) {
  call of;
  uint32_t relay;
  double *into;
  bool ends;
  if (!begin(env, info, 4, &of) || !read_number(&of, 1, &relay) || !read_counters(&of, 2, &into) ||
      napi_get_value_bool(env, of.arguments[3], &ends) != napi_ok) {
    return misuse(env);
  }
  return boolean(env, engine_counters(of.handle->engine, relay, into, ends));
}

NAPI_MODULE_INIT() {
  const struct {
    const char *name;
    napi_callback function;
  } functions[] = {
      {"open", open_engine},       {"close", close_engine},         {"bind", bind_socket},
      {"closeSocket", close_socket}, {"send", send_packet},         {"connect", connect_socket},
      {"disconnect", disconnect_socket}, {"drain", drain},          {"take", take},
      {"counters", counters},
  };
  for (size_t index = 0; index < sizeof functions / sizeof *functions; index++) {
    napi_value function;
    if (napi_create_function(env, functions[index].name, NAPI_AUTO_LENGTH, functions[index].function, NULL, &function) !=
            napi_ok ||
        napi_set_named_property(env, exports, functions[index].name, function) != napi_ok) {
      return NULL;
    }
  }
  napi_set_named_property(env, exports, "version", number(env, 1));
  napi_set_named_property(env, exports, "hasSrtp", boolean(env, srtp_available()));
  return exports;
}
