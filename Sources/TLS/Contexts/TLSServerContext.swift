import COpenSSL
import Glibc

/// What a listener presents to TLS clients, ready to be used. Equal settings, files and keys give contexts that resume
/// each other's sessions.
///
/// Sendable: immutable once built. Sessions hold it for as long as they live, so a generation may let go of it any
/// time.
package final class TLSServerContext: @unchecked Sendable {
    package let settings: TLSServerSettings
    /// The certificates that are shown, in the settings' order.
    package let certificates: [CertificateFacts]
    /// The first URI name of our certificates.
    package let identity: String?
    /// What was left out or looks wrong, a sentence each.
    package let warnings: [String]

    let handle: ContextHandle

    /// Reads all sources and builds the context. Blocks on the disk: not for workers. `now` is in Unix seconds.
    package init(
        _ settings: TLSServerSettings, keys: TicketKeys, now: Int64 = Int64(time(nil)), load: PEMLoad = PEMLoader.load
    ) throws(TLSProblem) {
        self.settings = settings
        do throws(TLSProblem) {
            (handle, certificates, warnings) = try Self.build(settings, keys, now, load)
        } catch {
            throw error.of(settings.name, settings.origin)
        }
        identity = certificates.lazy.compactMap(\.names.uris.first).first
    }

    private static func build(
        _ settings: TLSServerSettings, _ keys: TicketKeys, _ now: Int64, _ load: PEMLoad
    ) throws(TLSProblem) -> (ContextHandle, [CertificateFacts], [String]) {
        guard !settings.certificates.isEmpty else { throw TLSProblem(.noServerCertificate) }
        let asks = settings.clientCertificates != .none
        guard !asks || !settings.authorities.isEmpty else { throw TLSProblem(.noAuthorities) }
        let handle = try ContextHandle(isServer: true)
        try handle.setVersions(min: settings.minVersion, max: settings.maxVersion)
        var (list, warnings) = CipherNames.resolve(settings.cipherSuites, in: handle)
        if !list.isEmpty, !outrider_tls_context_set_ciphers(handle.pointer, list) { list = "" }
        if list.isEmpty && !settings.cipherSuites.isEmpty {
            warnings.append("none of the cipher suites can be used: the default ones are")
        }
        var certificates: [CertificateFacts] = []
        for source in settings.certificates {
            certificates.append(try handle.use(source, now: now, load: load))
        }
        var scope = TicketScope(settings)
        if asks {
            for source in settings.authorities { scope.add(try handle.trust(source, load: load)) }
            if let source = settings.revocations { scope.add(try handle.revoke(source, load: load)) }
        }
        handle.verify(
            settings.clientCertificates.verification,
            PeerDemands(
                names: settings.subjectAltNames, trustDomains: settings.trustDomains,
                publicKeyHashes: settings.publicKeyHashes, certificateHashes: settings.certificateHashes))
        try handle.setALPN(settings.alpn)
        try handle.setTickets(keys, scope: scope.hash)
        return (handle, certificates, warnings)
    }
}

extension TLSServerSettings.ClientCertificates {
    fileprivate var verification: outrider_tls_verification {
        switch self {
        case .none: OUTRIDER_TLS_UNVERIFIED
        case .optional: OUTRIDER_TLS_OPTIONAL
        case .required: OUTRIDER_TLS_REQUIRED
        }
    }
}

/// What sessions must have in common to be resumed at one another's servers: the demands on clients with the contents
/// of the authorities and revocation lists, the protocols and versions, and where the certificates come from (their
/// contents may be renewed).
private struct TicketScope {
    private var bytes: [UInt8] = []

    init(_ settings: TLSServerSettings) {
        add(settings.clientCertificates.rawValue)
        add(settings.minVersion.rawValue)
        add(settings.maxVersion.rawValue)
        add(settings.certificates.flatMap { [$0.chain.description, $0.key.description] })
        add(settings.subjectAltNames)
        add(settings.publicKeyHashes)
        add(settings.certificateHashes)
        add(settings.trustDomains)
        add(settings.cipherSuites)
        add(settings.alpn)
    }

    mutating func add(_ text: String) { add(Array(text.utf8)) }

    mutating func add(_ texts: [String]) {
        add("\(texts.count)")
        for text in texts { add(text) }
    }

    /// With its length before it, so that two lists never look like one.
    mutating func add(_ part: [UInt8]) {
        withUnsafeBytes(of: part.count.littleEndian) { bytes += $0 }
        bytes += part
    }

    var hash: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 32) { hash, count in
            guard let base = hash.baseAddress else { return }
            count = bytes.withUnsafeBytes { outrider_tls_sha256($0.baseAddress, $0.count, base) } ? 32 : 0
        }
    }
}
