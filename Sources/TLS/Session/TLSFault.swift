import COpenSSL

/// Why a handshake or a session failed, on either side.
package enum TLSFault: UInt8, CaseIterable, Error, Sendable {
    // The peer's certificate.
    case expired
    case notYetValid
    case unknownIssuer
    case selfSigned
    case nameMismatch
    case notPinned
    case revoked
    case noRevocationList
    case noCertificate
    case badCertificate
    // What both sides can speak.
    case protocolVersion
    case noSharedCipher
    /// Its first bytes are not TLS: plain HTTP on a TLS port, or the other way round.
    case notTLS
    /// The peer refused us: see `TLSSession.alertName`.
    case peerAlert
    /// The connection ended or was reset.
    case closed
    /// Set by who watches the clock; never by a session.
    case timedOut
    /// Anything else that TLS forbids.
    case `protocol`

    /// The value of a metric's label. It never changes.
    package var label: StaticString {
        switch self {
        case .expired: "expired"
        case .notYetValid: "not_yet_valid"
        case .unknownIssuer: "unknown_issuer"
        case .selfSigned: "self_signed"
        case .nameMismatch: "name_mismatch"
        case .notPinned: "not_pinned"
        case .revoked: "revoked"
        case .noRevocationList: "no_revocation_list"
        case .noCertificate: "no_certificate"
        case .badCertificate: "bad_certificate"
        case .protocolVersion: "protocol_version"
        case .noSharedCipher: "no_shared_cipher"
        case .notTLS: "not_tls"
        case .peerAlert: "peer_alert"
        case .closed: "closed"
        case .timedOut: "timed_out"
        case .protocol: "protocol"
        }
    }

    /// The same in words, for logs; without a full stop.
    package var sentence: StaticString {
        switch self {
        case .expired: "the peer's certificate, or one of its chain, has expired"
        case .notYetValid: "the peer's certificate, or one of its chain, is not valid yet"
        case .unknownIssuer: "the peer's certificate is from an authority that is not trusted here"
        case .selfSigned: "the peer's certificate is self-signed and not trusted here"
        case .nameMismatch: "the peer's certificate carries none of the names that are asked for"
        case .notPinned: "the peer's certificate has none of the hashes that are asked for"
        case .revoked: "the peer's certificate, or one of its chain, was revoked"
        case .noRevocationList: "there is no valid revocation list of the peer's authority"
        case .noCertificate: "the peer sent no certificate"
        case .badCertificate: "the peer's certificate cannot be accepted"
        case .protocolVersion: "no TLS version is spoken by both sides"
        case .noSharedCipher: "no cipher, group or signature is spoken by both sides"
        case .notTLS: "the peer does not speak TLS here"
        case .peerAlert: "the peer refused the connection with an alert"
        case .closed: "the peer closed the connection"
        case .timedOut: "the handshake took too long"
        case .protocol: "the peer violated the TLS protocol"
        }
    }

    /// Nil where there is no fault.
    init?(_ fault: outrider_tls_fault) {
        switch fault {
        case OUTRIDER_TLS_FAULT_NONE: return nil
        case OUTRIDER_TLS_FAULT_EXPIRED: self = .expired
        case OUTRIDER_TLS_FAULT_NOT_YET_VALID: self = .notYetValid
        case OUTRIDER_TLS_FAULT_UNKNOWN_ISSUER: self = .unknownIssuer
        case OUTRIDER_TLS_FAULT_SELF_SIGNED: self = .selfSigned
        case OUTRIDER_TLS_FAULT_NAME_MISMATCH: self = .nameMismatch
        case OUTRIDER_TLS_FAULT_NOT_PINNED: self = .notPinned
        case OUTRIDER_TLS_FAULT_REVOKED: self = .revoked
        case OUTRIDER_TLS_FAULT_NO_REVOCATION_LIST: self = .noRevocationList
        case OUTRIDER_TLS_FAULT_NO_CERTIFICATE: self = .noCertificate
        case OUTRIDER_TLS_FAULT_BAD_CERTIFICATE: self = .badCertificate
        case OUTRIDER_TLS_FAULT_PROTOCOL_VERSION: self = .protocolVersion
        case OUTRIDER_TLS_FAULT_NO_SHARED_CIPHER: self = .noSharedCipher
        case OUTRIDER_TLS_FAULT_NOT_TLS: self = .notTLS
        case OUTRIDER_TLS_FAULT_PEER_ALERT: self = .peerAlert
        case OUTRIDER_TLS_FAULT_CLOSED: self = .closed
        default: self = .protocol
        }
    }
}
