import Clusters
import Istio
import Plan
import TLS

/// How a cluster's endpoints are spoken to in TLS: what a DestinationRule asks for, or automatic mutual TLS.
///
/// What a rule asks for and cannot be had never becomes plain text: the settings then have no authorities (`.sources([])`,
/// `TLSClientSettings.isImpossible`), no certificate can verify, every connection fails, and an error says why.
struct UpstreamTLS {
    let proxy: ProxyResource
    let credentials: Credentials
    let peers: PeerAuthenticationIndex
    let findings: Findings

    /// Writes TLS into a cluster whose `speaks` is known already.
    func apply(
        _ tls: ClientTLS?, of rule: DestinationRule?, to cluster: inout ClusterSpec, service: MeshService,
        port: MeshService.Port, endpoints: [MeshEndpoint]
    ) {
        let isHTTP = port.isRouted
        if let tls, let rule {
            cluster.tls = settings(tls, rule, cluster, service, isHTTP: isHTTP, endpoints)
        } else {
            applyAutomatic(to: &cluster, service, isHTTP: isHTTP, endpoints)
        }
    }

    // MARK: - As a rule says

    private func settings(
        _ tls: ClientTLS, _ rule: DestinationRule, _ cluster: ClusterSpec, _ service: MeshService, isHTTP: Bool,
        _ endpoints: [MeshEndpoint]
    ) -> TLSClientSettings? {
        let id = rule.metadata.id("DestinationRule")
        var settings = TLSClientSettings(name: "\(id)", origin: "\(tls.location)")
        switch tls.mode {
        case .disable: return nil
        case .istioMutual:
            guard proxy.identity != nil else {
                return closed(
                    settings, tls, id, "ISTIO_MUTUAL needs this workload's certificate", fix: ServerTLSPass.identityFix)
            }
            settings = mesh(cluster, isHTTP: isHTTP, endpoints)
            settings.name = "\(id)"
            settings.origin = "\(tls.location)"
            if !tls.sni.isEmpty { settings.serverName = .fixed(tls.sni) }
            if !tls.subjectAltNames.isEmpty { settings.subjectAltNames = tls.subjectAltNames }
            return settings
        case .simple, .mutual: break
        }
        settings.alpn = cluster.speaks == .http2 ? ["h2"] : []
        settings.subjectAltNames = tls.subjectAltNames
        if settings.subjectAltNames.isEmpty, service.isExternal { settings.subjectAltNames = service.subjectAltNames }
        settings.serverName = tls.sni.isEmpty ? .ofRequest : .fixed(tls.sni)
        let skips = tls.insecureSkipVerify == true
        settings.verifiesServerName = tls.sni.isEmpty && settings.subjectAltNames.isEmpty && !skips
        if skips { settings.subjectAltNames = [] }
        let credential = usableCredential(tls, rule)
        if tls.mode == .mutual {
            switch certificate(tls, credential: credential) {
            case .value(let certificate): settings.certificate = certificate
            case .nothing(let reason):
                return closed(settings, tls, id, "mode MUTUAL has no certificate to show: \(reason)", fix: nil)
            }
        }
        if skips {
            settings.authorities = .unverified
        } else if let credential {
            switch credentials.authorities(credential) {
            case .value(let authorities):
                settings.authorities = .sources([authorities.certificates])
                settings.revocations = authorities.revocations
            case .nothing(let reason): return closed(settings, tls, id, reason, fix: "add ca.crt to it")
            }
        } else if !tls.credentialName.isEmpty {
            return closed(
                settings, tls, id,
                "credentialName is used by gateways, and by sidecars only where the rule has a workloadSelector",
                fix: "add a workloadSelector, or name files")
        } else if !tls.caCertificates.isEmpty {
            settings.authorities = .sources([.file(tls.caCertificates)])
        } else if !proxy.meshConfig.verifyCertificateAtClient {
            settings.authorities = .unverified
            settings.verifiesServerName = false
        }
        if !tls.caCrl.isEmpty { settings.revocations = .file(tls.caCrl) }
        return settings
    }

    /// On a sidecar a credential counts only in a rule for chosen workloads, or as a ConfigMap.
    private func usableCredential(_ tls: ClientTLS, _ rule: DestinationRule) -> String? {
        guard !tls.credentialName.isEmpty else { return nil }
        let isUsable =
            proxy.mode == .gateway || rule.workloadSelector != nil
            || tls.credentialName.hasPrefix(Credentials.configMapPrefix)
        return isUsable ? tls.credentialName : nil
    }

    private func certificate(_ tls: ClientTLS, credential: String?) -> Credentials.Found<CertificateSource> {
        if let credential { return credentials.certificate(credential) }
        if !tls.credentialName.isEmpty {
            return .nothing("on a sidecar credentialName needs a rule with a workloadSelector")
        }
        guard !tls.clientCertificate.isEmpty, !tls.privateKey.isEmpty else {
            return .nothing("clientCertificate and privateKey are not both set")
        }
        return .value(CertificateSource(chain: .file(tls.clientCertificate), key: .file(tls.privateKey)))
    }

    private func closed(
        _ settings: TLSClientSettings, _ tls: ClientTLS, _ id: ResourceID, _ reason: String, fix: String?
    ) -> TLSClientSettings {
        findings.fail(
            tls.location, id, "\(reason): no connection is opened, since plain text is not what was asked for", fix: fix
        )
        var settings = settings
        settings.authorities = .sources([])
        return settings
    }

    // MARK: - Mutual TLS of the mesh

    /// Where nothing else is said: mutual TLS to the endpoints whose sidecar ends it, plain text to the others.
    private func applyAutomatic(
        to cluster: inout ClusterSpec, _ service: MeshService, isHTTP: Bool, _ endpoints: [MeshEndpoint]
    ) {
        guard proxy.meshConfig.enableAutoMtls, proxy.identity != nil, !service.isExternal,
            peers.verdict(namespace: service.namespace).mode != .disable
        else { return }
        let speaksTLS = endpoints.map { endpoint in
            endpoint.endsMeshTLS
                && peers.verdict(namespace: service.namespace, labels: endpoint.labels, port: endpoint.port).mode
                    != .disable
        }
        guard speaksTLS.contains(true) else { return }
        for index in cluster.endpoints.indices { cluster.endpoints[index].isPlain = !speaksTLS[index] }
        cluster.tls = mesh(cluster, isHTTP: isHTTP, zip(endpoints, speaksTLS).filter(\.1).map(\.0))
    }

    private func mesh(_ cluster: ClusterSpec, isHTTP: Bool, _ endpoints: [MeshEndpoint]) -> TLSClientSettings {
        let mesh = proxy.meshConfig
        let accounts = Set(endpoints.map(\.account).filter { !$0.isEmpty }).sorted()
        var settings = TLSClientSettings(
            certificate: proxy.identity?.source,
            authorities: .sources(proxy.identity.map { [.file($0.rootCertificates)] } ?? []),
            serverName: .fixed("outbound_.\(cluster.port)_.\(cluster.subset)_.\(cluster.host)"),
            subjectAltNames: ([mesh.trustDomain] + mesh.trustDomainAliases).flatMap { domain in
                accounts.map { "spiffe://\(domain)/\($0)" }
            },
            alpn: isHTTP ? MeshALPN.offered(for: cluster.speaks) : MeshALPN.tcp, isMesh: true, name: cluster.name,
            origin: cluster.origin)
        settings.minVersion = ServerTLSPass.version(mesh.meshMTLSMinProtocolVersion) ?? .automatic
        return settings
    }
}
