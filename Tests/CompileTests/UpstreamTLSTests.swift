import Clusters
import TLS
import Testing

@testable import Compile
@testable import Istio
@testable import Plan

@Suite struct UpstreamTLSTests {
    private let name = "outbound|80||web.default.svc.cluster.local"
    private let meshed = pod("web-1", ip: "10.0.0.1", labels: "app: web, security.istio.io/tlsMode: istio")
    private let plain = pod("web-2", ip: "10.0.0.2", labels: "app: web")

    private func rule(_ policy: String) -> String {
        istio("DestinationRule", "web", "host: web\ntrafficPolicy: {\(policy)}")
    }

    private func compile(
        _ texts: String..., ports: String = "{name: http, port: 80}", gateway isGateway: Bool = false,
        change: (inout ProxyResource) -> Void = { $0.addIdentity() }
    ) -> CompiledPlan {
        let all = [service("web", ports: ports)] + texts
        return Compiler.compile(
            all.flatMap { resources($0) }, proxy: isGateway ? gateway(change) : sidecar("default", change))
    }

    private func sidecar(_ namespace: String, _ change: (inout ProxyResource) -> Void) -> ProxyResource {
        CompileTests.sidecar(namespace, change)
    }

    // MARK: - Protocols

    @Test("a port's protocol says what its endpoints are spoken to in")
    func protocols() {
        let ports =
            "{name: http, port: 80}, {name: http2, port: 81}, {name: grpc, port: 82}, {name: some, port: 83}, {name: tcp, port: 84}"
        let clusters = compile(ports: ports).plan.clusters
        #expect(clusters.map(\.speaks) == [.http1, .http2, .http2, .asClient, .http1])
    }

    @Test("h2UpgradePolicy of a rule goes before the mesh's, and useClientProtocol before both")
    func upgrades() {
        func speaks(_ http: String?, mesh: Bool = false) -> UpstreamProtocol? {
            compile(http.map { rule("connectionPool: {http: {\($0)}}") } ?? "") { $0.meshConfig.upgradesToHTTP2 = mesh }
                .cluster(name)?.speaks
        }
        #expect(speaks(nil, mesh: true) == .http2)
        #expect(speaks("h2UpgradePolicy: UPGRADE") == .http2)
        #expect(speaks("h2UpgradePolicy: DO_NOT_UPGRADE", mesh: true) == .http1)
        #expect(speaks("h2UpgradePolicy: DEFAULT", mesh: true) == .http2)
        #expect(speaks("useClientProtocol: true", mesh: true) == .asClient)
    }

    @Test("streams, PINGs and the age of connections are a rule's")
    func pool() {
        let cluster = compile(
            rule(
                "connectionPool: {tcp: {maxConnectionDuration: 9s}, http: {maxConcurrentStreams: 7, http2KeepAlive: {interval: 2s, timeout: 1s}}}"
            )
        ).cluster(name)
        #expect(cluster?.streamsMax == 7)
        #expect(cluster?.http2Keepalive == HTTP2Keepalive(intervalMilliseconds: 2000, timeoutMilliseconds: 1000))
        #expect(cluster?.connectionDurationMaxMilliseconds == 9000)
    }

    // MARK: - As a rule says

    @Test("SIMPLE without a server name sends and verifies the request's; with one only the chain is verified")
    func simple() {
        let open = compile(rule("tls: {mode: SIMPLE}"), meshed).cluster(name)?.tls
        #expect(open?.serverName == .ofRequest && open?.verifiesServerName == true && open?.authorities == .system)
        #expect(open?.alpn == [])
        let fixed = compile(rule("tls: {mode: SIMPLE, sni: a.com, caCertificates: /ca, caCrl: /crl}")).cluster(name)?
            .tls
        #expect(fixed?.serverName == .fixed("a.com") && fixed?.verifiesServerName == false)
        #expect(fixed?.authorities == .sources([.file("/ca")]) && fixed?.revocations == .file("/crl"))
        let named = compile(rule("tls: {mode: SIMPLE, subjectAltNames: [x]}")).cluster(name)?.tls
        #expect(named?.subjectAltNames == ["x"] && named?.verifiesServerName == false)
        let skipping = compile(rule("tls: {mode: SIMPLE, insecureSkipVerify: true}")).cluster(name)?.tls
        #expect(skipping?.authorities == .unverified && skipping?.verifiesServerName == false)
        let upgraded = compile(rule("tls: {mode: SIMPLE}, connectionPool: {http: {h2UpgradePolicy: UPGRADE}}"))
        #expect(upgraded.cluster(name)?.tls?.alpn == ["h2"])
        #expect(compile(rule("tls: {mode: DISABLE}"), meshed).cluster(name)?.tls == nil)
    }

    @Test("names of an external ServiceEntry stand in for those that a rule leaves out")
    func serviceEntryNames() {
        let entry = istio(
            "ServiceEntry", "out",
            "hosts: [out.com]\nresolution: DNS\nsubjectAltNames: [spiffe://x]\nports: [{number: 443, name: http, protocol: HTTP}]"
        )
        let compiled = compile(
            entry, istio("DestinationRule", "out", "host: out.com\ntrafficPolicy: {tls: {mode: SIMPLE}}"))
        #expect(compiled.cluster("outbound|443||out.com")?.tls?.subjectAltNames == ["spiffe://x"])
    }

    @Test("MUTUAL shows files, or on a gateway a Secret")
    func mutual() {
        let files = compile(rule("tls: {mode: MUTUAL, clientCertificate: /c, privateKey: /k}")).cluster(name)?.tls
        #expect(files?.certificate == CertificateSource(chain: .file("/c"), key: .file("/k")))
        let compiled = compile(
            rule("tls: {mode: MUTUAL, credentialName: c}"), secret("c", "tls.crt: CRT, tls.key: KEY, ca.crt: ROOT"),
            istio(
                "Gateway", "g",
                "selector: {istio: ingressgateway}\nservers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]"
            ),
            istio("VirtualService", "v", "hosts: ['*']\ngateways: [g]\nhttp: [{route: [{destination: {host: web}}]}]"),
            gateway: true)
        #expect(
            compiled.cluster(name)?.tls?.authorities
                == .sources([.text(name: "Secret istio-system/c ca.crt", "ROOT")]))
        #expect(compiled.cluster(name)?.tls?.certificate?.chain.description == "Secret istio-system/c tls.crt")
    }

    @Test("TLS that cannot be had is an error and never plain text")
    func impossible() {
        let credential = compile(rule("tls: {mode: SIMPLE, credentialName: c}"))
        #expect(credential.cluster(name)?.tls?.isImpossible == true)
        #expect(credential.diagnostics.hasErrors)
        let identity = compile(rule("tls: {mode: ISTIO_MUTUAL}"), change: { _ in })
        #expect(identity.cluster(name)?.tls?.isImpossible == true)
        #expect(identity.diagnostics.hasErrors)
    }

    @Test("ISTIO_MUTUAL names the destination and offers the mesh's ALPN to every endpoint")
    func istioMutual() {
        let cluster = compile(rule("tls: {mode: ISTIO_MUTUAL}"), meshed, plain).cluster(name)
        #expect(cluster?.tls?.serverName == .fixed("outbound_.80_._.web.default.svc.cluster.local"))
        #expect(cluster?.tls?.alpn == MeshALPN.http11)
        #expect(cluster?.tls?.isMesh == true)
        #expect(cluster?.tls?.subjectAltNames == ["spiffe://cluster.local/ns/default/sa/default"])
        #expect(cluster?.endpoints.map(\.isPlain) == [false, false])
        let own = compile(rule("tls: {mode: ISTIO_MUTUAL, sni: s, subjectAltNames: [x]}")).cluster(name)?.tls
        #expect(own?.serverName == .fixed("s") && own?.subjectAltNames == ["x"])
    }

    // MARK: - Automatic

    @Test("endpoints with a sidecar get mutual TLS, the others plain text")
    func automatic() {
        let cluster = compile(meshed, plain) {
            $0.addIdentity()
            $0.meshConfig.trustDomainAliases = ["old"]
        }.cluster(name)
        #expect(cluster?.endpoints.map(\.isPlain) == [false, true])
        #expect(
            cluster?.tls?.subjectAltNames == [
                "spiffe://cluster.local/ns/default/sa/default", "spiffe://old/ns/default/sa/default",
            ])
        #expect(cluster?.tls?.certificate?.chain == .file("/id/chain.pem"))
        #expect(compile(plain).cluster(name)?.tls == nil)
    }

    @Test(
        "automatic mutual TLS is off without a certificate, by the mesh, by PeerAuthentication and by any tls of a rule"
    )
    func automaticOff() {
        #expect(compile(meshed, change: { _ in }).cluster(name)?.tls == nil)
        let off = compile(meshed) {
            $0.addIdentity()
            $0.meshConfig.enableAutoMtls = false
        }
        #expect(off.cluster(name)?.tls == nil)
        #expect(compile(meshed, peers("p", "mtls: {mode: DISABLE}")).cluster(name)?.tls == nil)
        let port = peers("p", "selector: {matchLabels: {app: web}}, portLevelMtls: {'80': {mode: DISABLE}}")
        #expect(compile(meshed, port).cluster(name)?.tls == nil)
    }

    @Test(
        "a WorkloadEntry with an account speaks mutual TLS, also as a ServiceEntry's endpoint, but not outside the mesh"
    )
    func workloads() {
        func cluster(_ location: String) -> ClusterSpec? {
            compile(
                istio(
                    "ServiceEntry", "vm",
                    """
                    hosts: [vm.com]
                    location: \(location)
                    resolution: STATIC
                    ports: [{number: 80, name: http, protocol: HTTP}]
                    endpoints: [{address: 10.1.1.1, serviceAccount: vm}, {address: 10.1.1.2}]
                    """)
            ).cluster("outbound|80||vm.com")
        }
        #expect(cluster("MESH_INTERNAL")?.endpoints.map(\.isPlain) == [false, true])
        #expect(cluster("MESH_INTERNAL")?.tls?.subjectAltNames == ["spiffe://cluster.local/ns/default/sa/vm"])
        #expect(cluster("MESH_EXTERNAL")?.tls == nil)
    }

    @Test("bytes are offered under the mesh's ALPN for bytes")
    func bytes() {
        let cluster = compile(meshed, ports: "{name: tcp, port: 80}").cluster(name)
        #expect(cluster?.tls?.alpn == MeshALPN.tcp)
    }
}
