import Routing
import TLS
import Testing

@testable import Compile
@testable import Istio
@testable import Plan

@Suite struct GatewayTLSTests {
    private func edge(_ name: String = "edge", _ servers: String...) -> String {
        istio(
            "Gateway", name, in: "istio-system",
            "selector: {istio: ingressgateway}\nservers:\n" + servers.map { "- {\($0)}" }.joined(separator: "\n"))
    }

    private func https(_ name: String, _ hosts: String, _ tls: String = "mode: SIMPLE, credentialName: c") -> String {
        "port: {number: 443, name: \(name), protocol: HTTPS}, hosts: [\(hosts)], tls: {\(tls)}"
    }

    private func compile(_ texts: String..., change: (inout ProxyResource) -> Void = { _ in }) -> CompiledPlan {
        Compiler.compile(texts.flatMap { resources($0) }, proxy: gateway(change))
    }

    private func settings(_ compiled: CompiledPlan, _ index: Int = 0) -> TLSServerSettings? {
        compiled.plan.listeners.first?.chains[index].tls
    }

    @Test("servers of one port are told apart by server name, each with its own table")
    func serverNames() {
        let compiled = compile(
            edge("edge", https("a", "a.com, ./b.com"), https("any", "'*'")), secret("c"))
        #expect(
            compiled.chains("https.443") == [
                "https.443.a.edge.istio-system: TLS, server name a.com b.com → tls http",
                "https.443.any.edge.istio-system: TLS → tls http",
            ])
        #expect(compiled.plan.routeConfigurations.count == 2)
        #expect(settings(compiled)?.alpn == ["h2", "http/1.1"])
        #expect(settings(compiled)?.clientCertificates == TLSServerSettings.ClientCertificates.none)
        #expect(compiled.messages.isEmpty, "\(compiled.messages)")
    }

    @Test("a certificate comes from tls.crt and tls.key or from cert and key")
    func secretKeys() {
        let compiled = compile(edge("edge", https("a", "a.com")), secret("c", "cert: CRT, key: KEY"))
        #expect(
            settings(compiled)?.certificates == [
                CertificateSource(
                    chain: .text(name: "Secret istio-system/c cert", "CRT"),
                    key: .text(name: "Secret istio-system/c key", "KEY"))
            ])
    }

    @Test("data of a Secret is base64")
    func base64() {
        let text = """
            apiVersion: v1
            kind: Secret
            metadata: {name: c, namespace: istio-system}
            type: kubernetes.io/tls
            data: {tls.crt: Q1JU, tls.key: S0VZ}
            """
        #expect(settings(compile(edge("edge", https("a", "a.com")), text))?.certificates.count == 1)
    }

    @Test("no description and no message shows a key")
    func silence() {
        let found = resources(secret("c", "tls.crt: CRT, tls.key: HUSHHUSH"))
        let compiled = compile(edge("edge", https("a", "a.com")), secret("c", "tls.crt: CRT, tls.key: HUSHHUSH"))
        for text in ["\(found)", "\(compiled)", compiled.plan.describe(), String(reflecting: compiled.plan)] {
            #expect(!text.contains("HUSHHUSH"))
        }
        var dumped = ""
        dump(compiled.plan, to: &dumped)
        dump(found, to: &dumped)
        #expect(!dumped.contains("HUSHHUSH"))
    }

    @Test("a Secret of another namespace, or without a key, closes the server and says so")
    func missing() {
        for other in [secret("c", in: "default"), secret("c", "tls.crt: CRT")] {
            let compiled = compile(edge("edge", https("a", "a.com")), other)
            #expect(settings(compiled)?.certificates.isEmpty == true)
            #expect(compiled.diagnostics.map(\.severity) == [.error])
        }
    }

    @Test("clients of MUTUAL must show a certificate of the Secret's authorities, those of OPTIONAL_MUTUAL may")
    func mutual() {
        let authorities = secret("c-cacert", "ca.crt: ROOT, ca.crl: CRL")
        let strict = compile(
            edge(
                "edge",
                https(
                    "a", "a.com",
                    "mode: MUTUAL, credentialName: c, subjectAltNames: [x], verifyCertificateSpki: [s], verifyCertificateHash: [h]"
                )), secret("c"), authorities)
        let tls = settings(strict)
        #expect(tls?.clientCertificates == .required)
        #expect(tls?.authorities == [.text(name: "Secret istio-system/c-cacert ca.crt", "ROOT")])
        #expect(tls?.revocations == .text(name: "Secret istio-system/c-cacert ca.crl", "CRL"))
        #expect(tls?.subjectAltNames == ["x"] && tls?.publicKeyHashes == ["s"] && tls?.certificateHashes == ["h"])
        let optional = compile(
            edge("edge", https("a", "a.com", "mode: OPTIONAL_MUTUAL, credentialName: c")), secret("c"), authorities)
        #expect(settings(optional)?.clientCertificates == .optional)
        let bare = compile(edge("edge", https("a", "a.com", "mode: MUTUAL, credentialName: c")), secret("c"))
        #expect(settings(bare)?.certificates.isEmpty == true)
        #expect(bare.tells("client certificates cannot be verified"))
    }

    @Test("authorities may come from a credential or ConfigMap of their own")
    func authorities() {
        let map =
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: roots, namespace: istio-system}\ndata: {ca.crt: ROOT}"
        let compiled = compile(
            edge(
                "edge",
                https("a", "a.com", "mode: MUTUAL, credentialName: c, caCertCredentialName: 'configmap://roots'")),
            secret("c"), map)
        #expect(settings(compiled)?.authorities == [.text(name: "ConfigMap istio-system/roots ca.crt", "ROOT")])
    }

    @Test("files, versions and cipher suites are the server's, else the mesh's")
    func files() {
        let tls = "mode: SIMPLE, serverCertificate: /c.pem, privateKey: k.pem"
        let server = edge("edge", https("a", "a.com", tls + ", minProtocolVersion: TLSV1_3"), https("b", "b.com", tls))
        let found = resources(server, file: "some/dir/edge.yaml")
        let compiled = Compiler.compile(
            found,
            proxy: gateway {
                $0.meshConfig.tlsDefaultsMinProtocolVersion = "TLSV1_2"
                $0.meshConfig.tlsDefaultsCipherSuites = ["ECDHE-RSA-AES128-GCM-SHA256"]
            })
        #expect(
            settings(compiled)?.certificates == [
                CertificateSource(chain: .file("/c.pem"), key: .file("some/dir/k.pem"))
            ])
        #expect(settings(compiled)?.minVersion == .tls13)
        #expect(settings(compiled, 1)?.minVersion == .tls12)
        #expect(settings(compiled, 1)?.cipherSuites == ["ECDHE-RSA-AES128-GCM-SHA256"])
    }

    @Test("ISTIO_MUTUAL shows the workload's certificate to workloads of its trust domains")
    func meshMutual() {
        let server = edge("edge", https("a", "a.com", "mode: ISTIO_MUTUAL"))
        #expect(settings(compile(server))?.certificates.isEmpty == true)
        let compiled = compile(server) {
            $0.addIdentity()
            $0.meshConfig.trustDomainAliases = ["old"]
        }
        #expect(settings(compiled)?.certificates.map(\.chain) == [.file("/id/chain.pem")])
        #expect(settings(compiled)?.authorities == [.file("/id/root.pem")])
        #expect(settings(compiled)?.trustDomains == ["cluster.local", "old"])
    }

    // MARK: - Connections that are passed on

    @Test("PASSTHROUGH routes by tls rules: a taken server name loses its match, and weights of 0 are left out")
    func passthrough() {
        let compiled = compile(
            edge("edge", https("p", "'*.com'", "mode: PASSTHROUGH")), service("web", ports: "{name: https, port: 443}"),
            istio(
                "VirtualService", "v",
                """
                hosts: [a.com, b.com]
                gateways: [istio-system/edge]
                tls:
                - match: [{sniHosts: [a.com]}]
                  route: [{destination: {host: web}, weight: 1}, {destination: {host: none, port: {number: 1}}, weight: 0}]
                - match: [{sniHosts: [a.com, b.com]}, {port: 8443, sniHosts: [b.com]}]
                  route: [{destination: {host: web}}]
                """))
        #expect(
            compiled.chains("https.443") == [
                "tls.a.com: TLS, server name a.com → 1×outbound|443||web.default.svc.cluster.local"
            ])
        #expect(compiled.tells("tls[1]: the server name a.com already has a rule on port 443"))
        #expect(compiled.takes("https.443", ConnectionFacts(transport: .tls, serverName: "b.com")) == nil)
    }

    @Test("TLS that ends here and plain TCP go by the first tcp rule; without one the port is not listened on")
    func streams() {
        let rules = istio(
            "VirtualService", "v",
            "hosts: ['*']\ngateways: [istio-system/edge]\ntcp:\n- match: [{port: 9000}]\n  route: [{destination: {host: db}}]\n- match: [{port: 9443}]\n  route: [{destination: {host: db, port: {number: 5432}}}]"
        )
        let idle = istio("DestinationRule", "db", "host: db\ntrafficPolicy: {connectionPool: {tcp: {idleTimeout: 5s}}}")
        let compiled = compile(
            edge(
                "edge", "port: {number: 9000, name: t, protocol: TCP}, hosts: ['*']",
                "port: {number: 9443, name: s, protocol: TLS}, hosts: [db.com], tls: {mode: SIMPLE, credentialName: c}",
                "port: {number: 9001, name: u, protocol: TCP}, hosts: ['*']"),
            service("db", ports: "{name: tcp, port: 5432}"), rules, idle, secret("c"))
        let db = "outbound|5432||db.default.svc.cluster.local"
        #expect(compiled.chains("tcp.9000") == ["tcp:  → 1×\(db)"])
        #expect(
            compiled.chains("https.9443") == ["tls.9443.s.istio-system/edge: TLS, server name db.com → tls 1×\(db)"])
        #expect(compiled.chains("tcp.9001") == nil)
        #expect(compiled.tells("port 9001 go: it is not listened on"))
        guard case .tcp(let route) = compiled.plan.listeners[0].chains[0].action else {
            Issue.record("no tcp chain")
            return
        }
        #expect(route.idleTimeoutMilliseconds == 5000)
    }

    @Test(
        "AUTO_PASSTHROUGH has a chain for each port and subset of the mesh's services, which it does not encrypt again")
    func autoPassthrough() {
        let compiled = compile(
            edge(
                "edge",
                "port: {number: 15443, name: m, protocol: TLS}, hosts: ['*.local'], tls: {mode: AUTO_PASSTHROUGH}"),
            service("web"), istio("DestinationRule", "web", "host: web\nsubsets: [{name: v1, labels: {version: v1}}]"),
            istio(
                "ServiceEntry", "out",
                "hosts: [out.local]\nresolution: DNS\nports: [{number: 80, name: http, protocol: HTTP}]")
        ) { $0.addIdentity() }
        let host = "web.default.svc.cluster.local"
        #expect(
            compiled.plan.listeners.first?.chains.map(\.serverNames) == [
                ["outbound_.80_._.\(host)"], ["outbound_.80_.v1_.\(host)"],
            ])
        #expect(compiled.plan.clusters.allSatisfy { $0.tls == nil })
    }

    // MARK: - Who shares a port

    @Test(
        "TLS servers that come after a plain server on the port are left out, a plain one after TLS takes plain connections"
    )
    func sharing() {
        let plain = "port: {number: 443, name: plain, protocol: HTTP}, hosts: ['*']"
        let first = compile(edge("edge", plain, https("a", "a.com")), secret("c"))
        #expect(first.chains("http.443") == ["http:  → http"])
        #expect(first.tells("is left out: plain HTTP servers have the port already"))
        let second = compile(edge("edge", https("a", "a.com"), plain, https("b", "b.com")), secret("c"))
        #expect(
            second.chains("http.443") == [
                "https.443.a.edge.istio-system: TLS, server name a.com → tls http", "http: plain text → http",
            ])
        let third = compile(edge("edge", https("a", "'*'"), plain), secret("c"))
        #expect(third.chains("https.443")?.count == 1)
        #expect(third.tells("both would take every connection"))
    }

    @Test("a host that another TLS server of the port has drops the whole later server")
    func duplicates() {
        let compiled = compile(edge("edge", https("a", "a.com"), https("b", "b.com, a.com")), secret("c"))
        #expect(compiled.chains("https.443")?.count == 1)
        #expect(compiled.tells("its host a.com already belongs to a server of Gateway istio-system/edge"))
    }
}
