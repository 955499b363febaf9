// Sessions: OpenSSL between a socket that is read here and a buffer of the caller that is filled here.
//
// Reads come straight from the socket, so that what is not wanted yet stays in the kernel. Writes never touch it: they
// go to the caller's buffer, and what finds no room there (a flight of the handshake, an answer to a key update) to a
// spill that goes first at the next call. So OpenSSL never has to take up a write again.
#include "private.h"

#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    // Ciphertext received in one call, so that a peer's empty records or key updates cannot hold a worker.
    CALL_BUDGET_BYTES = 128 * 1024,
    // The spill's bound: a handshake's flight is below it, and a peer that asks for more does not read.
    SPILL_BYTES_MAX = 256 * 1024,
    RECORD_BYTES_MAX = 16 * 1024,
    // More than any record's header, nonce, padding and tag, and a key update before it.
    RECORD_OVERHEAD_BYTES = 256,
    // A record that is cut for want of room is at least so long, unless it is the first.
    CUT_RECORD_BYTES_MIN = 1024,
};

// MARK: Output

static void begin(outrider_tls_session *session, void *output, size_t room) {
    session->output = output;
    session->output_room = output != NULL ? room : 0;
    session->output_used = 0;
    session->budget = CALL_BUDGET_BYTES;
    session->is_drained = false;
    size_t count = session->spill_end - session->spill_start;
    if (count == 0) return;
    if (count > session->output_room) count = session->output_room;
    memcpy(session->output, session->spill + session->spill_start, count);
    session->output_used = count;
    session->spill_start += (uint32_t)count;
    if (session->spill_start < session->spill_end) return;
    free(session->spill);
    session->spill = NULL;
    session->spill_start = session->spill_end = session->spill_capacity = 0;
}

static void end(outrider_tls_session *session) {
    session->output = NULL;
    session->output_room = 0;
}

static bool is_spilled(const outrider_tls_session *session) { return session->spill_end > session->spill_start; }

static bool spill(outrider_tls_session *session, const char *bytes, size_t count) {
    size_t needed = session->spill_end + count;
    if (needed > SPILL_BYTES_MAX) return false;
    if (needed > session->spill_capacity) {
        size_t capacity = needed < 4096 ? 4096 : needed * 2;
        uint8_t *larger = realloc(session->spill, capacity);
        if (larger == NULL) return false;
        session->spill = larger;
        session->spill_capacity = (uint32_t)capacity;
    }
    memcpy(session->spill + session->spill_end, bytes, count);
    session->spill_end += (uint32_t)count;
    return true;
}

// MARK: The BIO

static int bio_write(BIO *bio, const char *bytes, int count) {
    outrider_tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (count <= 0) return 0;
    size_t room = is_spilled(session) ? 0 : session->output_room - session->output_used;
    size_t first = (size_t)count < room ? (size_t)count : room;
    if (first < (size_t)count && !spill(session, bytes + first, (size_t)count - first)) return -1;
    if (first > 0) memcpy(session->output + session->output_used, bytes, first);
    session->output_used += first;
    return count;
}

static int bio_read(BIO *bio, char *into, int capacity) {
    outrider_tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (capacity <= 0 || session->has_ended) return 0;
    if (session->is_drained || session->budget == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t wanted = (size_t)capacity < session->budget ? (size_t)capacity : session->budget;
    ssize_t count;
    do {
        count = recv(session->fd, into, wanted, 0);
    } while (count < 0 && errno == EINTR);
    if (count > 0) {
        if (!session->has_first_byte) {
            session->has_first_byte = true;
            session->first_byte = (uint8_t)into[0];
        }
        session->budget -= (uint32_t)count;
        // New bytes after a short receive raise a new event.
        session->is_drained = (size_t)count < wanted;
        return (int)count;
    }
    if (count == 0) {
        session->has_ended = true;
        return 0;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        session->is_drained = true;
        BIO_set_retry_read(bio);
    } else {
        session->socket_error = errno;
    }
    return -1;
}

static long bio_control(BIO *bio, int command, long number, void *argument) {
    (void)number, (void)argument;
    const outrider_tls_session *session = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return session != NULL && session->has_ended;
    default: return 0;
    }
}

static int bio_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *bio_method;

static void make_bio_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "outrider");
    if (method == NULL) return;
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_ctrl(method, bio_control);
    BIO_meth_set_create(method, bio_create);
    bio_method = method;
}

// MARK: Life

outrider_tls_session *outrider_tls_session_new(const outrider_tls_context *context, int32_t fd) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_bio_method);
    outrider_tls_session *session = calloc(1, sizeof *session);
    SSL *ssl = session != NULL && bio_method != NULL ? SSL_new(context->ssl) : NULL;
    BIO *bio = ssl != NULL ? BIO_new(bio_method) : NULL;
    ERR_clear_error();
    if (bio == NULL) {
        SSL_free(ssl);
        free(session);
        return NULL;
    }
    session->ssl = ssl;
    session->fd = fd;
    session->is_server = context->is_server;
    BIO_set_data(bio, session);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, session);
    if (context->is_server) {
        SSL_set_accept_state(ssl);
    } else {
        SSL_set_connect_state(ssl);
    }
    return session;
}

void outrider_tls_session_free(outrider_tls_session *session) {
    // Or OpenSSL takes the session for broken, and no cache could resume it.
    if (session->fault == OUTRIDER_TLS_FAULT_NONE) {
        SSL_set_shutdown(session->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(session->ssl);
    SSL_SESSION_free(session->ticket);
    free(session->spill);
    free(session);
    ERR_clear_error();
}

bool outrider_tls_session_prepare(
    outrider_tls_session *session, const char *server_name, const char *verified_name, outrider_tls_ticket *ticket
) {
    SSL *ssl = session->ssl;
    bool done = server_name == NULL || SSL_set_tlsext_host_name(ssl, server_name) == 1;
    if (done && verified_name != NULL) {
        uint8_t address[16];
        size_t count = outrider_tls_parse_address(verified_name, address);
        done = count > 0 ? X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), address, count) == 1
                         : SSL_set1_host(ssl, verified_name) == 1;
    }
    if (done && ticket != NULL) SSL_set_session(ssl, ticket);
    ERR_clear_error();
    return done;
}

bool outrider_tls_session_offer(outrider_tls_session *session, const uint8_t *list, size_t count) {
    return SSL_set_alpn_protos(session->ssl, list, (unsigned)count) == 0;
}

// MARK: Bytes

int32_t outrider_tls_handshake(outrider_tls_session *session, void *output, size_t room) {
    if (session->fault != OUTRIDER_TLS_FAULT_NONE) {
        outrider_tls_flush(session, output, room);
        return -2;
    }
    begin(session, output, room);
    int result = 1;
    if (!session->is_established) {
        session->may_have_more = false;
        ERR_clear_error();
        int code = SSL_do_handshake(session->ssl);
        if (code == 1) {
            session->is_established = true;
            session->is_resumed = SSL_session_reused(session->ssl) == 1;
            session->may_have_more = SSL_has_pending(session->ssl) == 1 || !session->is_drained;
            ERR_clear_error();
        } else if (SSL_get_error(session->ssl, code) == SSL_ERROR_WANT_READ) {
            session->may_have_more = session->budget == 0;
            result = 0;
        } else {
            outrider_tls_take_fault(session);
            result = -2;
        }
    }
    end(session);
    return result >= 0 && is_spilled(session) ? -1 : result;
}

// What a read that gave nothing means.
static ptrdiff_t read_failure(outrider_tls_session *session, int code) {
    switch (SSL_get_error(session->ssl, code)) {
    case SSL_ERROR_WANT_READ:
        session->may_have_more = session->budget == 0;
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        session->has_closed = true;
        return 0;
    default: break;
    }
    if (session->socket_error != 0) {
        ERR_clear_error();
        session->fault = OUTRIDER_TLS_FAULT_CLOSED;
        return -session->socket_error;
    }
    if (session->has_ended) {
        // A bare FIN: OpenSSL calls it an unexpected end. `has_closed` stays false.
        ERR_clear_error();
        return 0;
    }
    outrider_tls_take_fault(session);
    return -EPROTO;
}

ptrdiff_t outrider_tls_receive(
    outrider_tls_session *session, void *into, size_t count, void *output, size_t room
) {
    begin(session, output, room);
    ptrdiff_t result = 0;
    if (count == 0) {
        result = 0;
    } else if (session->fault != OUTRIDER_TLS_FAULT_NONE) {
        result = session->socket_error != 0 ? -session->socket_error : -EPROTO;
    } else if (!session->is_established) {
        result = -ENOTCONN;
    } else {
        size_t taken = 0;
        int code;
        session->may_have_more = false;
        ERR_clear_error();
        while (true) {
            size_t got = 0;
            code = SSL_read_ex(session->ssl, (char *)into + taken, count - taken, &got);
            if (code != 1) break;
            taken += got;
            // Until the buffer is full, or the socket and OpenSSL are known to be empty.
            if (taken == count || (session->is_drained && SSL_has_pending(session->ssl) == 0)) break;
        }
        if (code == 1) {
            session->may_have_more = SSL_has_pending(session->ssl) == 1 || !session->is_drained;
        } else {
            result = read_failure(session, code);
            // Bytes first; what ended them is told at the next call, by the flags or by OpenSSL again.
            if (taken > 0) session->may_have_more = session->may_have_more || result != -EAGAIN;
        }
        if (taken > 0) result = (ptrdiff_t)taken;
    }
    end(session);
    return result;
}

ptrdiff_t outrider_tls_encrypt(
    outrider_tls_session *session, const void *bytes, size_t count, void *output, size_t room
) {
    begin(session, output, room);
    ptrdiff_t result = 0;
    if (session->fault != OUTRIDER_TLS_FAULT_NONE || session->sent_close) {
        result = -EPIPE;
    } else if (!session->is_established) {
        result = -ENOTCONN;
    } else if (!is_spilled(session)) {
        size_t taken = 0;
        while (taken < count) {
            size_t left = session->output_room - session->output_used;
            if (left <= RECORD_OVERHEAD_BYTES) break;
            size_t chunk = count - taken < RECORD_BYTES_MAX ? count - taken : RECORD_BYTES_MAX;
            if (chunk > left - RECORD_OVERHEAD_BYTES) {
                chunk = left - RECORD_OVERHEAD_BYTES;
                if (taken > 0 && chunk < CUT_RECORD_BYTES_MIN) break;
            }
            size_t put = 0;
            ERR_clear_error();
            if (SSL_write_ex(session->ssl, (const char *)bytes + taken, chunk, &put) != 1) {
                outrider_tls_take_fault(session);
                result = -EPROTO;
                break;
            }
            taken += put;
        }
        if (result == 0) result = (ptrdiff_t)taken;
    }
    end(session);
    return result;
}

bool outrider_tls_close(outrider_tls_session *session, void *output, size_t room) {
    begin(session, output, room);
    if (session->is_established && !session->sent_close && session->fault == OUTRIDER_TLS_FAULT_NONE) {
        session->sent_close = true;
        ERR_clear_error();
        SSL_shutdown(session->ssl);
        ERR_clear_error();
    }
    end(session);
    return !is_spilled(session);
}

bool outrider_tls_flush(outrider_tls_session *session, void *output, size_t room) {
    begin(session, output, room);
    end(session);
    return !is_spilled(session);
}

bool outrider_tls_session_rekey(outrider_tls_session *session) {
    SSL *ssl = session->ssl;
    SSL_clear_options(ssl, SSL_OP_NO_RENEGOTIATION);
    bool done = SSL_version(ssl) >= TLS1_3_VERSION ? SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1
                                                   : SSL_renegotiate(ssl) == 1;
    ERR_clear_error();
    return done;
}

// MARK: Facts

const uint8_t *outrider_tls_session_alpn(const outrider_tls_session *session, size_t *count) {
    const unsigned char *bytes = NULL;
    unsigned length = 0;
    SSL_get0_alpn_selected(session->ssl, &bytes, &length);
    *count = length;
    return bytes;
}

const char *outrider_tls_session_server_name(const outrider_tls_session *session) {
    return SSL_get_servername(session->ssl, TLSEXT_NAMETYPE_host_name);
}

const char *outrider_tls_session_version(const outrider_tls_session *session) {
    return SSL_get_version(session->ssl);
}

const char *outrider_tls_session_cipher(const outrider_tls_session *session) {
    return SSL_get_cipher_name(session->ssl);
}

outrider_tls_certificate *outrider_tls_session_peer(const outrider_tls_session *session, int32_t index) {
    if (index == 0) return SSL_get1_peer_certificate(session->ssl);
    // A server's chain is without the client's own certificate. Tickets do not carry chains.
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(session->ssl);
    int place = session->is_server ? index - 1 : index;
    if (chain == NULL || place >= sk_X509_num(chain)) return NULL;
    X509 *certificate = sk_X509_value(chain, place);
    if (certificate != NULL) X509_up_ref(certificate);
    return certificate;
}

outrider_tls_certificate *outrider_tls_session_own(const outrider_tls_session *session) {
    return SSL_get_certificate(session->ssl);
}

// MARK: Tickets of clients

int outrider_tls_new_session_callback(SSL *ssl, SSL_SESSION *ticket) {
    outrider_tls_session *session = SSL_get_app_data(ssl);
    if (session == NULL || SSL_SESSION_is_resumable(ticket) == 0) return 0;
    SSL_SESSION_free(session->ticket);
    session->ticket = ticket;
    return 1;
}

void outrider_tls_ticket_free(outrider_tls_ticket *ticket) { SSL_SESSION_free(ticket); }

bool outrider_tls_ticket_is_single_use(const outrider_tls_ticket *ticket) {
    return SSL_SESSION_get_protocol_version(ticket) >= TLS1_3_VERSION;
}

bool outrider_tls_ticket_is_fresh(const outrider_tls_ticket *ticket, int64_t now) {
    int64_t begin = SSL_SESSION_get_time(ticket), seconds = SSL_SESSION_get_timeout(ticket);
    const X509 *peer = SSL_SESSION_get0_peer((SSL_SESSION *)(uintptr_t)ticket);
    return now >= begin && now - begin < seconds
           && (peer == NULL || outrider_tls_certificate_not_after(peer) > now);
}
