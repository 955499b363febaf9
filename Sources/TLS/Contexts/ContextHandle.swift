import COpenSSL
import Synchronization
import Wire

/// An SSL_CTX and all that it points to. Built on one thread, then immutable and shared by sessions of all workers.
final class ContextHandle: @unchecked Sendable {
    private static let lastIdentity = Atomic<UInt64>(0)

    let pointer: OpaquePointer
    /// Never used again in this process: what a client caches belongs to one context.
    let identity = lastIdentity.add(1, ordering: .relaxed).newValue
    /// Whether a peer's certificate says who it is.
    private(set) var isVerifying = false
    private var demands: PeerDemands?
    private var ticketKeys: TicketKeys?
    private var store: SystemAuthorities?

    init(isServer: Bool) throws(TLSProblem) {
        guard
            let pointer = outrider_tls_context_new(isServer, Limits.tlsTicketSeconds, Limits.tlsPeerChainBytesMax)
        else { throw TLSProblem(.exhausted) }
        self.pointer = pointer
    }

    deinit { outrider_tls_context_free(pointer) }

    // MARK: Building

    func setVersions(min: TLSVersion, max: TLSVersion) throws(TLSProblem) {
        let (low, high) = (min.number(automatic: 12), max.number(automatic: 13))
        guard low <= high else { throw TLSProblem(.minAboveMax) }
        guard outrider_tls_context_set_versions(pointer, low, high) else { throw TLSProblem(.exhausted) }
    }

    /// Reads a certificate with its chain and its key.
    func use(_ source: CertificateSource, now: Int64, load: PEMLoad) throws(TLSProblem) -> CertificateFacts {
        guard let chain = Certificate.all(in: try load(source.chain)) else {
            throw TLSProblem(.brokenCertificate, source: source.chain)
        }
        guard let certificate = chain.first else { throw TLSProblem(.noCertificate, source: source.chain) }
        let key = try load(source.key)
        if certificate.notAfter < now { throw TLSProblem(.expired(certificate.notAfter), source: source.chain) }
        if certificate.notBefore > now {
            throw TLSProblem(.notYetValid(certificate.notBefore), source: source.chain)
        }
        let rest = chain.dropFirst().map(\.pointer)
        let result = key.withUnsafeBytes { key in
            outrider_tls_context_use(pointer, certificate.pointer, rest, rest.count, key.baseAddress, key.count)
        }
        withExtendedLifetime(chain) {}
        switch result {
        case OUTRIDER_TLS_OK: return CertificateFacts(certificate, chain: source.chain, key: source.key)
        case OUTRIDER_TLS_KEY_UNREADABLE: throw TLSProblem(.brokenKey, source: source.key)
        case OUTRIDER_TLS_KEY_ENCRYPTED: throw TLSProblem(.encryptedKey, source: source.key)
        case OUTRIDER_TLS_KEY_MISMATCH: throw TLSProblem(.keyMismatch, source: source.key)
        case OUTRIDER_TLS_KEY_WEAK: throw TLSProblem(.weakKey, source: source.chain)
        default: throw TLSProblem(.brokenCertificate, source: source.chain)
        }
    }

    /// Trusts each certificate of a source; returns its bytes.
    func trust(_ source: PEMSource, load: PEMLoad) throws(TLSProblem) -> [UInt8] {
        let bytes = try load(source)
        guard let authorities = Certificate.all(in: bytes) else {
            throw TLSProblem(.brokenCertificate, source: source)
        }
        guard !authorities.isEmpty else { throw TLSProblem(.noAuthority, source: source) }
        for authority in authorities {
            guard outrider_tls_context_trust(pointer, authority.pointer) else { throw TLSProblem(.exhausted) }
        }
        return bytes
    }

    func trust(_ authorities: SystemAuthorities) {
        store = authorities
        outrider_tls_context_share(pointer, authorities.pointer)
    }

    /// Reads revocation lists; returns their bytes.
    func revoke(_ source: PEMSource, load: PEMLoad) throws(TLSProblem) -> [UInt8] {
        let bytes = try load(source)
        let count = bytes.withUnsafeBytes { outrider_tls_context_revoke(pointer, $0.baseAddress, $0.count) }
        guard count > 0 else { throw TLSProblem(.brokenRevocations, source: source) }
        return bytes
    }

    func verify(_ verification: outrider_tls_verification, _ demands: PeerDemands) {
        isVerifying = verification != OUTRIDER_TLS_UNVERIFIED
        guard !demands.isEmpty else { return outrider_tls_context_verify(pointer, verification, nil, nil) }
        self.demands = demands
        outrider_tls_context_verify(pointer, verification, judgePeer, Unmanaged.passUnretained(demands).toOpaque())
    }

    func setALPN(_ protocols: [String]) throws(TLSProblem) {
        guard !protocols.isEmpty else { return }
        var list: [UInt8] = []
        for name in protocols {
            guard let count = UInt8(exactly: name.utf8.count), count > 0 else { throw TLSProblem(.badProtocols) }
            list.append(count)
            list += name.utf8
        }
        guard outrider_tls_context_set_alpn(pointer, list, list.count) else { throw TLSProblem(.badProtocols) }
    }

    func setTickets(_ keys: TicketKeys, scope: [UInt8]) throws(TLSProblem) {
        ticketKeys = keys
        guard scope.count == 32, outrider_tls_context_set_tickets(pointer, keys.pointer, scope) else {
            throw TLSProblem(.exhausted)
        }
    }
}

/// Reads a source, when a context is built.
package typealias PEMLoad = (PEMSource) throws(TLSProblem) -> [UInt8]

extension TLSVersion {
    /// 10, 11, 12 or 13.
    func number(automatic: Int32) -> Int32 {
        switch self {
        case .automatic: automatic
        case .tls10: 10
        case .tls11: 11
        case .tls12: 12
        case .tls13: 13
        }
    }
}
