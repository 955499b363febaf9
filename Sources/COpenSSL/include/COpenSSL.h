// OpenSSL 3 as the TLS module needs it: contexts, sessions over a BIO of our own, certificates read into plain values.
// No OpenSSL type, macro or error code passes this header. Every call leaves the thread's error queue empty.
#ifndef OUTRIDER_COPENSSL_H
#define OUTRIDER_COPENSSL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// MARK: Certificates (certificate.c)

/// A certificate; counted by OpenSSL.
typedef struct x509_st outrider_tls_certificate;
/// A text with PEM blocks that is read one by one.
typedef struct bio_st outrider_tls_pem;
/// The subject alternative names of a certificate.
typedef struct stack_st_GENERAL_NAME outrider_tls_names;

typedef enum : int32_t {
    OUTRIDER_TLS_NAME_OTHER, OUTRIDER_TLS_NAME_URI, OUTRIDER_TLS_NAME_DNS, OUTRIDER_TLS_NAME_IP,
} outrider_tls_name_kind;

/// `bytes` must outlive the reader. Null when memory is missing.
outrider_tls_pem *_Nullable outrider_tls_pem_open(const void *_Nullable bytes, size_t count);
void outrider_tls_pem_close(outrider_tls_pem *_Nonnull pem);
/// The next certificate, which is the caller's; null at the end, or (then `*broken` is true) at a block that is none.
outrider_tls_certificate *_Nullable outrider_tls_pem_next(outrider_tls_pem *_Nonnull pem, bool *_Nonnull broken);

void outrider_tls_certificate_free(outrider_tls_certificate *_Nonnull certificate);
/// Unix seconds; `INT64_MIN` when the certificate's time cannot be read.
int64_t outrider_tls_certificate_not_before(const outrider_tls_certificate *_Nonnull certificate);
int64_t outrider_tls_certificate_not_after(const outrider_tls_certificate *_Nonnull certificate);
/// The subject as RFC 2253 writes it, as far as it fits; returns its length, at most `capacity`.
size_t outrider_tls_certificate_subject(
    const outrider_tls_certificate *_Nonnull certificate, char *_Nonnull text, size_t capacity);
/// The serial number in hexadecimal digits; returns the length, at most `capacity`.
size_t outrider_tls_certificate_serial(
    const outrider_tls_certificate *_Nonnull certificate, char *_Nonnull text, size_t capacity);
/// SHA-256 of the DER form, and of its public key's.
bool outrider_tls_certificate_hash(const outrider_tls_certificate *_Nonnull certificate, uint8_t *_Nonnull hash);
bool outrider_tls_certificate_key_hash(const outrider_tls_certificate *_Nonnull certificate, uint8_t *_Nonnull hash);
/// Whether the public key is of the same kind as `other`'s.
bool outrider_tls_certificate_same_kind(
    const outrider_tls_certificate *_Nonnull certificate, const outrider_tls_certificate *_Nonnull other);
/// The PEM form, malloc'd; null when memory is missing.
char *_Nullable outrider_tls_certificate_pem(
    outrider_tls_certificate *_Nonnull certificate, size_t *_Nonnull count);

/// Null when there are none, or none that can be read.
outrider_tls_names *_Nullable outrider_tls_names_of(const outrider_tls_certificate *_Nonnull certificate);
void outrider_tls_names_free(outrider_tls_names *_Nonnull names);
int32_t outrider_tls_names_count(const outrider_tls_names *_Nonnull names);
/// The bytes live as long as `names`; of an IP name 4 or 16 in network order.
outrider_tls_name_kind outrider_tls_names_at(
    const outrider_tls_names *_Nonnull names, int32_t index, const uint8_t *_Nullable *_Nonnull bytes,
    size_t *_Nonnull count);
/// The address that `text` spells, 4 or 16 bytes in network order into `bytes`; 0 when it is none.
size_t outrider_tls_parse_address(const char *_Nonnull text, uint8_t *_Nonnull bytes);
/// SHA-256 of some bytes.
bool outrider_tls_sha256(const void *_Nullable bytes, size_t count, uint8_t *_Nonnull hash);

// MARK: Ticket keys (tickets.c)

/// The keys of session tickets: the first encrypts, all decrypt. Usable by many threads at once; rotating is for one.
typedef struct outrider_tls_keys outrider_tls_keys;

enum { OUTRIDER_TLS_KEY_BYTES = 80, OUTRIDER_TLS_KEYS_MAX = 3 };

/// Null when memory or randomness is missing.
outrider_tls_keys *_Nullable outrider_tls_keys_new(void);
/// No context may use them any more.
void outrider_tls_keys_free(outrider_tls_keys *_Nonnull keys);
/// Puts a key of `OUTRIDER_TLS_KEY_BYTES` (null: a random one) in front and forgets the oldest.
bool outrider_tls_keys_rotate(outrider_tls_keys *_Nonnull keys, const uint8_t *_Nullable key);

// MARK: Contexts (context.c)

typedef struct outrider_tls_context outrider_tls_context;
/// Trusted authorities that several contexts share.
typedef struct x509_store_st outrider_tls_store;

typedef enum : int32_t {
    OUTRIDER_TLS_OK, OUTRIDER_TLS_KEY_UNREADABLE, OUTRIDER_TLS_KEY_ENCRYPTED, OUTRIDER_TLS_KEY_MISMATCH,
    OUTRIDER_TLS_KEY_WEAK, OUTRIDER_TLS_FAILED,
} outrider_tls_result;

typedef enum : int32_t {
    OUTRIDER_TLS_ACCEPTED, OUTRIDER_TLS_WRONG_NAME, OUTRIDER_TLS_NOT_PINNED,
} outrider_tls_verdict;

typedef enum : int32_t {
    OUTRIDER_TLS_UNVERIFIED, OUTRIDER_TLS_OPTIONAL, OUTRIDER_TLS_REQUIRED,
} outrider_tls_verification;

/// What a peer's certificate must be besides trusted. Called in the handshake, on the session's thread.
typedef outrider_tls_verdict (*outrider_tls_check)(
    const outrider_tls_certificate *_Nonnull certificate, const void *_Nonnull argument);

outrider_tls_context *_Nullable outrider_tls_context_new(bool is_server, long ticket_seconds, long chain_bytes_max);
void outrider_tls_context_free(outrider_tls_context *_Nonnull context);
/// Versions 10, 11, 12, 13. What is below 12 lowers this context's security level, or no cipher would be left.
bool outrider_tls_context_set_versions(outrider_tls_context *_Nonnull context, int32_t min, int32_t max);
/// OpenSSL's name of a cipher of TLS 1.2 or below, by that name or by IANA's; null when there is no such cipher.
const char *_Nullable outrider_tls_context_find_cipher(
    const outrider_tls_context *_Nonnull context, const char *_Nonnull name);
bool outrider_tls_context_set_ciphers(outrider_tls_context *_Nonnull context, const char *_Nonnull list);
/// The certificate with its chain (without the first) and the PEM text of its key.
outrider_tls_result outrider_tls_context_use(
    outrider_tls_context *_Nonnull context, outrider_tls_certificate *_Nonnull certificate,
    outrider_tls_certificate *_Nonnull const *_Nullable chain, size_t chain_count, const void *_Nullable key,
    size_t key_count);
/// Trusts an authority; a server also names it to its clients.
bool outrider_tls_context_trust(
    outrider_tls_context *_Nonnull context, outrider_tls_certificate *_Nonnull authority);
/// Reads revocation lists and checks every certificate against them; returns how many there were, negative when one
/// is broken. After `trust`, not together with a shared store.
int32_t outrider_tls_context_revoke(
    outrider_tls_context *_Nonnull context, const void *_Nullable pem, size_t count);
void outrider_tls_context_share(outrider_tls_context *_Nonnull context, outrider_tls_store *_Nonnull store);
/// `check` may be null; `argument` must outlive the context.
void outrider_tls_context_verify(
    outrider_tls_context *_Nonnull context, outrider_tls_verification verification,
    outrider_tls_check _Nullable check, const void *_Nullable argument);
/// Protocols in wire form, the preferred first: chosen from by a server, offered by a client.
bool outrider_tls_context_set_alpn(
    outrider_tls_context *_Nonnull context, const uint8_t *_Nullable list, size_t count);
/// Server tickets: `keys` must outlive the context; sessions under another `scope` (32 bytes) are not resumed.
bool outrider_tls_context_set_tickets(
    outrider_tls_context *_Nonnull context, outrider_tls_keys *_Nonnull keys, const uint8_t *_Nonnull scope);

/// The authorities of a PEM file; null (then `*count` is 0) when it holds none or cannot be read.
outrider_tls_store *_Nullable outrider_tls_store_new(const char *_Nullable path);
void outrider_tls_store_free(outrider_tls_store *_Nonnull store);

// MARK: Sessions (session.c)

/// What a client keeps to resume a session.
typedef struct ssl_session_st outrider_tls_ticket;

void outrider_tls_ticket_free(outrider_tls_ticket *_Nonnull ticket);
/// Whether it should be used once only (TLS 1.3).
bool outrider_tls_ticket_is_single_use(const outrider_tls_ticket *_Nonnull ticket);
/// Whether it, and the server's certificate, are still good at `now` (Unix seconds).
bool outrider_tls_ticket_is_fresh(const outrider_tls_ticket *_Nonnull ticket, int64_t now);

/// How a session failed. `detail` of the session tells more.
typedef enum : int32_t {
    OUTRIDER_TLS_FAULT_NONE,
    OUTRIDER_TLS_FAULT_EXPIRED, OUTRIDER_TLS_FAULT_NOT_YET_VALID, OUTRIDER_TLS_FAULT_UNKNOWN_ISSUER,
    OUTRIDER_TLS_FAULT_SELF_SIGNED, OUTRIDER_TLS_FAULT_NAME_MISMATCH, OUTRIDER_TLS_FAULT_NOT_PINNED,
    OUTRIDER_TLS_FAULT_REVOKED, OUTRIDER_TLS_FAULT_NO_REVOCATION_LIST, OUTRIDER_TLS_FAULT_NO_CERTIFICATE,
    OUTRIDER_TLS_FAULT_BAD_CERTIFICATE, OUTRIDER_TLS_FAULT_PROTOCOL_VERSION, OUTRIDER_TLS_FAULT_NO_SHARED_CIPHER,
    OUTRIDER_TLS_FAULT_NOT_TLS, OUTRIDER_TLS_FAULT_PEER_ALERT, OUTRIDER_TLS_FAULT_CLOSED, OUTRIDER_TLS_FAULT_PROTOCOL,
} outrider_tls_fault;

/// One connection's TLS. Swift reads the fields, only session.c writes them.
typedef struct outrider_tls_session {
    void *_Nonnull ssl;
    /// The latest ticket that a server gave, until it is taken.
    outrider_tls_ticket *_Nullable ticket;
    /// Where ciphertext goes, during one call.
    uint8_t *_Nullable output;
    size_t output_room;
    size_t output_used;
    /// Ciphertext that found no room.
    uint8_t *_Nullable spill;
    uint32_t spill_start;
    uint32_t spill_end;
    uint32_t spill_capacity;
    /// What may still be received in this call.
    uint32_t budget;
    int32_t fd;
    outrider_tls_fault fault;
    /// The positive errno of a receive that failed; 0: none.
    int32_t socket_error;
    /// X.509 code, alert or OpenSSL's reason, as `fault` has it.
    uint64_t detail;
    uint8_t first_byte;
    bool has_first_byte;
    bool is_server;
    bool is_established;
    bool is_resumed;
    /// The peer's FIN was seen at the socket; its close_notify.
    bool has_ended;
    bool has_closed;
    bool sent_close;
    /// The last receive from the socket was short: nothing waits there.
    bool is_drained;
    /// A further receive may give something without a new event.
    bool may_have_more;
} outrider_tls_session;

/// A session over a connected, non-blocking socket, which stays the caller's. Null when memory is missing.
outrider_tls_session *_Nullable outrider_tls_session_new(
    const outrider_tls_context *_Nonnull context, int32_t fd);
void outrider_tls_session_free(outrider_tls_session *_Nonnull session);
/// Client: the name to send (null: none), the name or address that the certificate must be valid for (null: any), and
/// a session to resume (null: none).
bool outrider_tls_session_prepare(
    outrider_tls_session *_Nonnull session, const char *_Nullable server_name, const char *_Nullable verified_name,
    outrider_tls_ticket *_Nullable ticket);
/// What this session offers by ALPN instead of its context's list, in wire form. Before the handshake.
bool outrider_tls_session_offer(
    outrider_tls_session *_Nonnull session, const uint8_t *_Nonnull list, size_t count);

/// 1: complete; 0: wants bytes from the peer; -1: wants room for output; -2: failed, see `fault`.
int32_t outrider_tls_handshake(outrider_tls_session *_Nonnull session, void *_Nullable output, size_t room);
/// Plaintext bytes, 0 at the end, or a negated errno: EAGAIN, EPROTO with `fault`, or what the socket says.
ptrdiff_t outrider_tls_receive(
    outrider_tls_session *_Nonnull session, void *_Nullable into, size_t count, void *_Nullable output, size_t room);
/// Plaintext bytes that were taken, or a negated errno.
ptrdiff_t outrider_tls_encrypt(
    outrider_tls_session *_Nonnull session, const void *_Nullable bytes, size_t count, void *_Nullable output,
    size_t room);
/// Puts a close_notify once; true when nothing is left to put.
bool outrider_tls_close(outrider_tls_session *_Nonnull session, void *_Nullable output, size_t room);
/// Puts what found no room before; true when nothing is left.
bool outrider_tls_flush(outrider_tls_session *_Nonnull session, void *_Nullable output, size_t room);

/// The negotiated protocol; it lives as long as the session.
const uint8_t *_Nullable outrider_tls_session_alpn(
    const outrider_tls_session *_Nonnull session, size_t *_Nonnull count);
/// The name that the client sent.
const char *_Nullable outrider_tls_session_server_name(const outrider_tls_session *_Nonnull session);
const char *_Nonnull outrider_tls_session_version(const outrider_tls_session *_Nonnull session);
const char *_Nonnull outrider_tls_session_cipher(const outrider_tls_session *_Nonnull session);
/// The peer's certificate, which is the caller's to free; index 0 is its own. Null past the end.
outrider_tls_certificate *_Nullable outrider_tls_session_peer(
    const outrider_tls_session *_Nonnull session, int32_t index);
/// The certificate that we showed, or would show; it lives as long as the session.
outrider_tls_certificate *_Nullable outrider_tls_session_own(const outrider_tls_session *_Nonnull session);
/// `detail` in words, as far as they fit; returns their length.
size_t outrider_tls_session_detail(
    const outrider_tls_session *_Nonnull session, char *_Nonnull text, size_t capacity);
/// SHA-1 into twenty bytes, for what a protocol wants hashed with it.
bool outrider_tls_sha1(const void *_Nullable bytes, size_t count, uint8_t *_Nonnull digest);
/// Base64 with padding and a closing zero, into four bytes for each three begun and one more; returns its length.
size_t outrider_tls_base64(const void *_Nullable bytes, size_t count, uint8_t *_Nonnull text);

/// Asks the peer for new keys at the next write, or (TLS 1.2) for a new handshake. For tests.
bool outrider_tls_session_rekey(outrider_tls_session *_Nonnull session);

#endif
