import Istio
import Plan
import TLS

/// From `tls` of a Gateway's server or a Sidecar's ingress to what a chain presents.
///
/// What cannot be had quarantines the chain: its settings have no certificates, connections to it are closed, and an error says why.
struct ServerTLSPass {
    let proxy: ProxyResource
    let credentials: Credentials
    let findings: Findings

    /// Where it is written, and how messages call it.
    typealias Place = (id: ResourceID, location: SourceLocation, what: String)

    /// - Parameter tls: of a mode that ends TLS.
    func settings(_ tls: ServerTLS, alpn: [String], for place: Place) -> TLSServerSettings {
        if tls.mode == .istioMutual { return mesh(alpn: alpn, for: place) }
        var settings = TLSServerSettings(
            certificates: [], alpn: alpn, name: "\(place.id), \(place.what)", origin: "\(place.location)")
        let mesh = proxy.meshConfig
        settings.minVersion =
            Self.version(tls.minProtocolVersion) ?? Self.version(mesh.tlsDefaultsMinProtocolVersion) ?? .automatic
        settings.maxVersion = Self.version(tls.maxProtocolVersion) ?? .automatic
        let suites = tls.cipherSuites.isEmpty ? mesh.tlsDefaultsCipherSuites : tls.cipherSuites
        var seen: Set<String> = []
        settings.cipherSuites = suites.filter { seen.insert($0).inserted }
        guard let certificates = certificates(of: tls, place) else { return settings }
        guard tls.mode == .mutual || tls.mode == .optionalMutual else {
            settings.certificates = certificates
            return settings
        }
        settings.clientCertificates = tls.mode == .mutual ? .required : .optional
        settings.subjectAltNames = tls.subjectAltNames
        settings.publicKeyHashes = tls.verifyCertificateSpki
        settings.certificateHashes = tls.verifyCertificateHash
        // Without authorities nobody could be told from anybody: the certificates stay away too.
        guard addAuthorities(of: tls, to: &settings, place) else { return settings }
        settings.certificates = certificates
        return settings
    }

    /// Mutual TLS of the mesh, with the workload's own certificate.
    func mesh(alpn: [String], for place: Place) -> TLSServerSettings {
        var settings = TLSServerSettings(
            certificates: [], clientCertificates: .required,
            trustDomains: [proxy.meshConfig.trustDomain] + proxy.meshConfig.trustDomainAliases,
            minVersion: Self.version(proxy.meshConfig.meshMTLSMinProtocolVersion) ?? .automatic, alpn: alpn,
            name: "\(place.id), \(place.what)", origin: "\(place.location)")
        guard let identity = proxy.identity else {
            quarantine(place, "mutual TLS of the mesh needs this workload's certificate", fix: Self.identityFix)
            return settings
        }
        settings.certificates = [identity.source]
        settings.authorities = [.file(identity.rootCertificates)]
        return settings
    }

    static let identityFix = "name its files in the Proxy's spec.identity"

    /// nil: the default of its place.
    static func version(_ text: String) -> TLSVersion? {
        TLSVersion(rawValue: text).flatMap { $0 == .automatic ? nil : $0 }
    }

    // MARK: - Parts

    private func certificates(of tls: ServerTLS, _ place: Place) -> [CertificateSource]? {
        let names = tls.credentialName.isEmpty ? tls.credentialNames : [tls.credentialName]
        if !names.isEmpty {
            var found: [CertificateSource] = []
            for name in names {
                switch credentials.certificate(name) {
                case .value(let certificate): found.append(certificate)
                case .nothing(let reason):
                    quarantine(
                        place, reason,
                        fix: "add the Secret to namespace \(proxy.metadata.namespace), where the proxy is")
                    return nil
                }
            }
            return found
        }
        let files =
            tls.tlsCertificates.isEmpty
            ? [(tls.serverCertificate, tls.privateKey)]
            : tls.tlsCertificates.prefix(2).map { ($0.serverCertificate, $0.privateKey) }
        guard files.allSatisfy({ !$0.0.isEmpty && !$0.1.isEmpty }) else {
            quarantine(place, "it names no certificate", fix: "set credentialName, or serverCertificate and privateKey")
            return nil
        }
        return files.map { CertificateSource(chain: .file($0.0), key: .file($0.1)) }
    }

    private func addAuthorities(of tls: ServerTLS, to settings: inout TLSServerSettings, _ place: Place) -> Bool {
        let name =
            [tls.caCertCredentialName, tls.credentialName, tls.credentialNames.first ?? ""].first { !$0.isEmpty }
        if let name {
            switch credentials.authorities(name) {
            case .value(let authorities):
                settings.authorities = [authorities.certificates]
                settings.revocations = authorities.revocations
                return true
            case .nothing(let reason):
                quarantine(place, "client certificates cannot be verified: \(reason)", fix: "add ca.crt to the Secret")
                return false
            }
        }
        let files = [tls.caCertificates] + tls.tlsCertificates.prefix(2).map(\.caCertificates)
        settings.authorities = files.filter { !$0.isEmpty }.map { .file($0) }
        if !tls.caCrl.isEmpty { settings.revocations = .file(tls.caCrl) }
        if settings.authorities.isEmpty {
            quarantine(place, "it names no caCertificates to verify clients with", fix: "set caCertificates")
        }
        return !settings.authorities.isEmpty
    }

    private func quarantine(_ place: Place, _ reason: String, fix: String) {
        findings.fail(place.location, place.id, "\(reason): connections to \(place.what) are closed", fix: fix)
    }
}

extension ProxyResource.Identity {
    var source: CertificateSource { CertificateSource(chain: .file(certificateChain), key: .file(privateKey)) }
}
