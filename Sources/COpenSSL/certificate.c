// Certificates read into plain values.
#include "private.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// MARK: PEM

outrider_tls_pem *outrider_tls_pem_open(const void *bytes, size_t count) {
    if (count > INT32_MAX) return NULL;
    BIO *pem = BIO_new_mem_buf(count > 0 ? bytes : "", (int)count);
    ERR_clear_error();
    return pem;
}

void outrider_tls_pem_close(outrider_tls_pem *pem) { BIO_free(pem); }

// Never asks a terminal for a password.
static int no_password(char *text, int capacity, int writing, void *argument) {
    (void)text, (void)capacity, (void)writing, (void)argument;
    return -1;
}

outrider_tls_certificate *outrider_tls_pem_next(outrider_tls_pem *pem, bool *broken) {
    ERR_clear_error();
    X509 *certificate = PEM_read_bio_X509_AUX(pem, NULL, no_password, NULL);
    unsigned long code = ERR_peek_last_error();
    *broken = certificate == NULL && !(ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE);
    ERR_clear_error();
    return certificate;
}

// MARK: Facts

void outrider_tls_certificate_free(outrider_tls_certificate *certificate) { X509_free(certificate); }

static int64_t seconds(const ASN1_TIME *time) {
    struct tm parts;
    int64_t result = time != NULL && ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : INT64_MIN;
    ERR_clear_error();
    return result;
}

int64_t outrider_tls_certificate_not_before(const outrider_tls_certificate *certificate) {
    return seconds(X509_get0_notBefore(certificate));
}

int64_t outrider_tls_certificate_not_after(const outrider_tls_certificate *certificate) {
    return seconds(X509_get0_notAfter(certificate));
}

static size_t copy(char *text, size_t capacity, const void *bytes, size_t count) {
    if (count > capacity) count = capacity;
    if (count > 0) memcpy(text, bytes, count);
    return count;
}

size_t outrider_tls_certificate_subject(const outrider_tls_certificate *certificate, char *text, size_t capacity) {
    BIO *sink = BIO_new(BIO_s_mem());
    size_t count = 0;
    if (sink != NULL) {
        X509_NAME_print_ex(sink, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
        char *bytes = NULL;
        long length = BIO_get_mem_data(sink, &bytes);
        if (length > 0) count = copy(text, capacity, bytes, (size_t)length);
        BIO_free(sink);
    }
    ERR_clear_error();
    return count;
}

size_t outrider_tls_certificate_serial(const outrider_tls_certificate *certificate, char *text, size_t capacity) {
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *digits = number != NULL ? BN_bn2hex(number) : NULL;
    size_t count = digits != NULL ? copy(text, capacity, digits, strlen(digits)) : 0;
    OPENSSL_free(digits);
    BN_free(number);
    ERR_clear_error();
    return count;
}

bool outrider_tls_certificate_hash(const outrider_tls_certificate *certificate, uint8_t *hash) {
    bool done = X509_digest(certificate, EVP_sha256(), hash, NULL) == 1;
    ERR_clear_error();
    return done;
}

bool outrider_tls_certificate_key_hash(const outrider_tls_certificate *certificate, uint8_t *hash) {
    unsigned char *der = NULL;
    int count = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    bool done = count > 0 && outrider_tls_sha256(der, (size_t)count, hash);
    OPENSSL_free(der);
    ERR_clear_error();
    return done;
}

bool outrider_tls_certificate_same_kind(
    const outrider_tls_certificate *certificate, const outrider_tls_certificate *other
) {
    EVP_PKEY *one = X509_get0_pubkey(certificate), *two = X509_get0_pubkey(other);
    bool same = one != NULL && two != NULL && EVP_PKEY_get_base_id(one) == EVP_PKEY_get_base_id(two);
    ERR_clear_error();
    return same;
}

char *outrider_tls_certificate_pem(outrider_tls_certificate *certificate, size_t *count) {
    BIO *sink = BIO_new(BIO_s_mem());
    char *result = NULL;
    *count = 0;
    if (sink != NULL && PEM_write_bio_X509(sink, certificate) == 1) {
        char *bytes = NULL;
        long length = BIO_get_mem_data(sink, &bytes);
        result = length > 0 ? malloc((size_t)length) : NULL;
        if (result != NULL) *count = copy(result, (size_t)length, bytes, (size_t)length);
    }
    BIO_free(sink);
    ERR_clear_error();
    return result;
}

// MARK: Names

outrider_tls_names *outrider_tls_names_of(const outrider_tls_certificate *certificate) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    ERR_clear_error();
    return names;
}

void outrider_tls_names_free(outrider_tls_names *names) { GENERAL_NAMES_free(names); }

int32_t outrider_tls_names_count(const outrider_tls_names *names) { return sk_GENERAL_NAME_num(names); }

outrider_tls_name_kind outrider_tls_names_at(
    const outrider_tls_names *names, int32_t index, const uint8_t **bytes, size_t *count
) {
    *bytes = NULL;
    *count = 0;
    int kind = 0;
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    const ASN1_STRING *value = name != NULL ? GENERAL_NAME_get0_value(name, &kind) : NULL;
    if (value == NULL || (kind != GEN_URI && kind != GEN_DNS && kind != GEN_IPADD)) return OUTRIDER_TLS_NAME_OTHER;
    *bytes = ASN1_STRING_get0_data(value);
    *count = *bytes != NULL ? (size_t)ASN1_STRING_length(value) : 0;
    return kind == GEN_URI   ? OUTRIDER_TLS_NAME_URI
           : kind == GEN_DNS ? OUTRIDER_TLS_NAME_DNS
                             : OUTRIDER_TLS_NAME_IP;
}

size_t outrider_tls_parse_address(const char *text, uint8_t *bytes) {
    if (inet_pton(AF_INET, text, bytes) == 1) return 4;
    return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

bool outrider_tls_sha256(const void *bytes, size_t count, uint8_t *hash) {
    bool done = EVP_Digest(count > 0 ? bytes : "", count, hash, NULL, EVP_sha256(), NULL) == 1;
    ERR_clear_error();
    return done;
}
