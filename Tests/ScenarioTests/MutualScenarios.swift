import Foundation
import Glibc
import Testing

/// Mutual TLS of the mesh between two processes, and TLS towards destinations.
@Suite("Mutual TLS of the mesh", .enabled(if: Certificates.isPossible && Curl.isThere))
struct MutualScenarios {
    /// A sidecar `web` whose proxy port leads to `api`, and a sidecar `api` before an origin.
    final class Pair {
        let origin: TestOrigin
        let web: ScenarioProxy
        let api: ScenarioProxy
        let way: UInt16
        let ingress: UInt16

        /// - Parameters:
        ///   - mode: of the PeerAuthentication of `api`.
        ///   - callers: the certificate that `web` shows.
        ///   - account: the service account that `web` expects of `api`.
        ///   - rule: a traffic policy of `web` for `api`.
        init(
            mode: String, caller: String? = "web", account: String = "api", meshed: Bool = true, rule: String? = nil,
            portProtocol: String = "HTTP", certificate: String = "api"
        ) throws {
            let certificates = try Certificates.get()
            origin = try TestOrigin(saying: "api")
            way = try TestSocket.freePort()
            ingress = try TestSocket.freePort()
            let admins = (try TestSocket.freePort(), try TestSocket.freePort())
            func proxy(_ name: String, _ admin: UInt16, identity: String?, mesh: String) -> String {
                """
                apiVersion: outrider.dev/v1alpha1
                kind: Proxy
                metadata: {name: \(name), namespace: shop, labels: {app: \(name)}}
                spec:
                  mode: sidecar
                  workers: 2
                  serviceAccount: \(name)
                  admin: {address: "127.0.0.1:\(admin)"}
                  meshConfig: \(mesh)
                  \(identity.map { "identity: \(certificates.identity($0))" } ?? "# no identity")
                """
            }
            api = try ScenarioProxy(
                [
                    "proxy.yaml": proxy("api", admins.1, identity: certificate, mesh: "{accessLogFile: /dev/stdout}"),
                    "sidecar.yaml": Manifest.resource(
                        "Sidecar", "api",
                        """
                        workloadSelector: {labels: {app: api}}
                        ingress:
                        - port: {number: \(ingress), name: it, protocol: \(portProtocol)}
                          bind: 127.0.0.1
                          defaultEndpoint: 127.0.0.1:\(origin.port)
                        """),
                    "peers.yaml": Manifest.resource(
                        "PeerAuthentication", "api", "mtls: {mode: \(mode)}", api: "security.istio.io/v1"),
                ], admin: admins.1)
            web = try ScenarioProxy(
                [
                    "proxy.yaml": proxy(
                        "web", admins.0, identity: caller,
                        mesh: "{proxyHttpPort: \(way), accessLogFile: /dev/stdout}"),
                    "api.yaml": Manifest.destination(
                        "api", portName: "http", ports: [ingress],
                        labels: meshed ? ", security.istio.io/tlsMode: istio" : "", account: account),
                    "rule.yaml": rule.map { Manifest.policy("api", $0) } ?? "",
                ], admin: admins.0)
        }

        deinit { origin.stop() }

        func get() throws -> RawClient.Answer { try RawClient(port: way).get("/in", host: "api") }
        /// Straight to the ingress port, in the clear.
        func plain() throws -> RawClient.Answer? {
            let client = try RawClient(port: ingress)
            client.send("GET /plain HTTP/1.1\r\nHost: api\r\n\r\n")
            return client.answer()
        }
    }

    private static let webIdentity = "spiffe://cluster.local/ns/shop/sa/web"
    private static let apiIdentity = "spiffe://cluster.local/ns/shop/sa/api"

    @Test("STRICT takes the mesh only; both sides' metrics and the origin learn the identities")
    func strict() throws {
        let pair = try Pair(mode: "STRICT")
        let answer = try pair.get()
        #expect(answer.status == 200 && answer.text == "api", "\(answer) \(pair.web.output) \(pair.api.output)")
        let told = try #require(pair.origin.requests.last?.field("x-forwarded-client-cert"))
        #expect(told.contains("By=\(Self.apiIdentity)") && told.contains("URI=\(Self.webIdentity)"), "\(told)")
        try pair.api.waitForMetric(
            "istio_requests_total",
            [
                "reporter": "destination", "source_principal": Self.webIdentity,
                "destination_principal": Self.apiIdentity, "connection_security_policy": "mutual_tls",
            ], 1)
        try pair.web.waitForMetric("istio_requests_total", ["reporter": "source", "response_code": "200"], 1)
        // TLS between the proxies is not all of it: plain text gets no byte.
        #expect(try pair.plain() == nil)
        #expect(pair.origin.count == 1)
        let certificates = try Certificates.get()
        let url = "https://api.example/"
        #expect(try Curl.get(url, port: pair.ingress, ["-k"]).exit != 0)
        #expect(try Curl.get(
            url, port: pair.ingress,
            ["-k", "--cert", certificates.chain("foreign"), "--key", certificates.key("foreign")]).exit != 0)
        // The authority is right, the name is none of the trust domain's.
        #expect(try Curl.get(
            url, port: pair.ingress,
            ["-k", "--cert", certificates.chain("client"), "--key", certificates.key("client")]).exit != 0)
        let own = ["-k", "--cert", certificates.chain("web"), "--key", certificates.key("web")]
        #expect(try Curl.get(url, port: pair.ingress, own).status == 200)
        #expect(pair.origin.count == 2)
    }

    @Test("PERMISSIVE takes both on one port, and says which was which")
    func permissive() throws {
        let pair = try Pair(mode: "PERMISSIVE")
        #expect(try pair.get().text == "api")
        #expect(try pair.plain()?.text == "api")
        #expect(pair.origin.requests.last?.field("x-forwarded-client-cert") == nil)
        try pair.api.waitForMetric("istio_requests_total", ["connection_security_policy": "mutual_tls"], 1)
        try pair.api.waitForMetric("istio_requests_total", ["connection_security_policy": "none"], 1)
    }

    @Test("PERMISSIVE on a port of either kind tells mutual TLS, HTTP and other bytes apart")
    func either() throws {
        let pair = try Pair(mode: "PERMISSIVE", portProtocol: "''")
        #expect(try pair.get().text == "api", "\(pair.api.log)")
        #expect(try pair.plain()?.text == "api")
        // Neither TLS nor HTTP: the origin gets the bytes as they are, and what it makes of them is its own affair.
        let bytes = try RawClient(port: pair.ingress)
        bytes.send("\u{1}\u{2}\u{3}\u{4} no HTTP at all\r\n\r\n")
        #expect(bytes.answer()?.status == 200)
        try waitUntil("the origin has it") { pair.origin.requests.last?.message.head.hasPrefix("\u{1}\u{2}") == true }
    }

    @Test("DISABLE takes plain text only, and a caller that knows sends it")
    func disable() throws {
        let pair = try Pair(mode: "DISABLE", rule: "{tls: {mode: DISABLE}}")
        #expect(try pair.get().text == "api")
        #expect(try pair.plain()?.text == "api")
        #expect(try pair.api.metric("istio_requests_total", ["connection_security_policy": "mutual_tls"]) == 0)
        #expect(try Curl.get("https://api.example/", port: pair.ingress, ["-k"]).exit != 0)
    }

    @Test("an endpoint with another identity than its service account is refused, and the log says so")
    func wrongIdentity() throws {
        let pair = try Pair(mode: "STRICT", certificate: "thief")
        let answer = try pair.get()
        #expect(answer.status == 503 && pair.origin.count == 0, "\(answer)")
        try waitUntil("the log says why") { pair.web.output.contains("carries none of the names") }
        try waitUntil("the metric counts it") {
            try pair.web.metric("outrider_upstream_tls_faults_total", ["reason": "name_mismatch"]) > 0
        }
    }

    @Test("ISTIO_MUTUAL holds for endpoints without the label too, and without identity it opens no connection")
    func explicit() throws {
        let pair = try Pair(mode: "STRICT", meshed: false, rule: "{tls: {mode: ISTIO_MUTUAL}}")
        #expect(try pair.get().text == "api", "\(pair.web.output)")
        let unmeshed = try Pair(mode: "STRICT", meshed: false)
        #expect(try unmeshed.get().status == 503)
        let without = try Pair(mode: "PERMISSIVE", caller: nil, meshed: false, rule: "{tls: {mode: ISTIO_MUTUAL}}")
        #expect(try without.get().status == 503)
        #expect(unmeshed.origin.count + without.origin.count == 0)
        #expect(without.web.log.contains("identity"), "\(without.web.log)")
    }

    // MARK: - Towards destinations

    @Test("DestinationRule tls verifies the server, and each fault is told apart", .enabled(if: Peer.hasHTTP2))
    func origination() throws {
        let certificates = try Certificates.get()
        let origin = try PeerOrigin()
        let rules: [(name: String, policy: String, fault: String?)] = [
            ("good", "{mode: SIMPLE, caCertificates: \(certificates.root), sni: origin.example}", nil),
            ("names", "{mode: SIMPLE, caCertificates: \(certificates.root), subjectAltNames: [origin.example]}", nil),
            ("mismatch", "{mode: SIMPLE, caCertificates: \(certificates.root), subjectAltNames: [else.example]}",
             "name_mismatch"),
            ("stranger", "{mode: SIMPLE, caCertificates: \(certificates.stranger), sni: origin.example}",
             "unknown_issuer"),
            ("skip", "{mode: SIMPLE, insecureSkipVerify: true}", nil),
            ("plain", "{mode: DISABLE}", ""),
        ]
        let plain = try TestSocket.freePort()
        let admin = try TestSocket.freePort()
        var files = [
            "gateway.yaml": Manifest.join(
                Manifest.gatewayProxy([(80, plain)], admin: admin),
                Manifest.gateway(servers: ["port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']"]))
        ]
        for rule in rules {
            files["\(rule.name).yaml"] = Manifest.join(
                Manifest.destination(rule.name, portName: "http", ports: [origin.tlsHTTP1]),
                Manifest.send("\(rule.name).example", to: rule.name),
                Manifest.policy(rule.name, "{tls: \(rule.policy)}"))
        }
        let proxy = try ScenarioProxy(files, admin: admin)
        for rule in rules {
            let answer = try RawClient(port: plain).get("/reflect", host: "\(rule.name).example")
            #expect(answer.status == (rule.fault == nil ? 200 : 503), "\(rule.name): \(answer)")
            guard let fault = rule.fault, !fault.isEmpty else { continue }
            #expect(answer.text.hasPrefix("upstream connect error"), "\(answer)")
            try waitUntil("\(fault) is counted") {
                try proxy.metric("outrider_upstream_tls_faults_total", ["reason": fault]) > 0
            }
        }
        #expect(origin.events("request").count == rules.count { $0.fault == nil })
        try waitUntil("the log tells them apart") {
            proxy.output.contains("carries none of the names") && proxy.output.contains("not trusted here")
        }
    }

    @Test("DestinationRule MUTUAL shows the certificate that it names")
    func mutualOrigination() throws {
        let certificates = try Certificates.get()
        let edge = try TLSScenarios.Edge([
            "hosts: ['*'], tls: {mode: MUTUAL, serverCertificate: \(certificates.chain("one")), privateKey: \(certificates.key("one")), caCertificates: \(certificates.root)}"
        ])
        let plain = try TestSocket.freePort()
        let admin = try TestSocket.freePort()
        let own = "clientCertificate: \(certificates.chain("client")), privateKey: \(certificates.key("client"))"
        let proxy = try ScenarioProxy(
            [
                "gateway.yaml": Manifest.join(
                    Manifest.gatewayProxy([(80, plain)], admin: admin),
                    Manifest.gateway(servers: ["port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']"])),
                "far.yaml": Manifest.join(
                    Manifest.destination("far", portName: "http", ports: [edge.port]), Manifest.send("'*'", to: "far"),
                    Manifest.policy(
                        "far", "{tls: {mode: MUTUAL, \(own), caCertificates: \(certificates.root), sni: one.example}}")),
            ], admin: admin)
        let answer = try RawClient(port: plain).get("/", host: "one.example")
        #expect(answer.text == "origin", "\(answer) \(proxy.output)")
        #expect(edge.origin.requests.last?.field("x-forwarded-client-cert")?.contains("DNS=client.example") == true)
    }
}
