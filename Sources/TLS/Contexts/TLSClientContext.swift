import COpenSSL
import Glibc

/// How TLS is spoken towards the endpoints of a cluster, ready to be used.
///
/// Sendable: immutable once built. Sessions hold it for as long as they live.
package final class TLSClientContext: @unchecked Sendable {
    package let settings: TLSClientSettings
    /// What is shown to endpoints that ask.
    package let certificate: CertificateFacts?
    /// The first URI name of our certificate.
    package var identity: String? { certificate?.names.uris.first }
    /// What looks wrong, a sentence each.
    package let warnings: [String]

    let handle: ContextHandle

    /// Reads all sources and builds the context. Blocks on the disk: not for workers. `now` is in Unix seconds.
    package init(
        _ settings: TLSClientSettings, now: Int64 = Int64(time(nil)), load: PEMLoad = PEMLoader.load
    ) throws(TLSProblem) {
        self.settings = settings
        do throws(TLSProblem) {
            (handle, certificate, warnings) = try Self.build(settings, now, load)
        } catch {
            throw error.of(settings.name, settings.origin)
        }
    }

    private static func build(
        _ settings: TLSClientSettings, _ now: Int64, _ load: PEMLoad
    ) throws(TLSProblem) -> (ContextHandle, CertificateFacts?, [String]) {
        let handle = try ContextHandle(isServer: false)
        var warnings: [String] = []
        try handle.setVersions(min: settings.minVersion, max: settings.maxVersion)
        var certificate: CertificateFacts?
        if let source = settings.certificate { certificate = try handle.use(source, now: now, load: load) }
        switch settings.authorities {
        case .unverified: break
        case .sources(let sources):
            guard !sources.isEmpty else { throw TLSProblem(.noAuthorities) }
            for source in sources { _ = try handle.trust(source, load: load) }
        case .system where settings.revocations != nil:
            // Lists go into a store of our own.
            _ = try handle.trust(.file(SystemAuthorities.bundlePath), load: PEMLoader.load)
        case .system:
            guard let shared = SystemAuthorities.shared else { throw TLSProblem(.exhausted) }
            handle.trust(shared)
        }
        if settings.authorities == .unverified {
            handle.verify(OUTRIDER_TLS_UNVERIFIED, PeerDemands(names: []))
            if !settings.subjectAltNames.isEmpty || settings.revocations != nil {
                warnings.append("endpoints are not verified, so neither are their names and revocations")
            }
        } else {
            if let source = settings.revocations { _ = try handle.revoke(source, load: load) }
            handle.verify(OUTRIDER_TLS_REQUIRED, PeerDemands(names: settings.subjectAltNames))
        }
        try handle.setALPN(settings.alpn)
        return (handle, certificate, warnings)
    }
}
