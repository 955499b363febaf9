import Foundation
import Glibc
import Testing

/// TLS that a gateway ends, or passes on.
@Suite("TLS of a gateway", .enabled(if: Certificates.isPossible && Curl.isThere))
struct TLSScenarios {
    /// A gateway with a TLS port of these servers, each without its port; whatever arrives goes to one origin.
    final class Edge {
        let origin: TestOrigin
        let proxy: ScenarioProxy
        let port: UInt16
        let plain: UInt16
        let certificates: Certificates

        init(_ servers: [String], more: String = "", plainServer: String = "hosts: ['*']", folder: String? = nil) throws
        {
            certificates = try Certificates.get()
            origin = try TestOrigin(saying: "origin")
            port = try TestSocket.freePort()
            plain = try TestSocket.freePort()
            let admin = try TestSocket.freePort()
            let all =
                ["port: {number: 80, name: http, protocol: HTTP}, \(plainServer)"]
                + servers.enumerated().map {
                    "port: {number: 443, name: https-\($0.offset), protocol: HTTPS}, \($0.element)"
                }
            proxy = try ScenarioProxy(
                [
                    "gateway.yaml": Manifest.join(
                        Manifest.gatewayProxy([(80, plain), (443, port)], admin: admin), Manifest.gateway(servers: all)),
                    "web.yaml": Manifest.join(
                        Manifest.destination("web", portName: "http", ports: [origin.port]),
                        Manifest.send("'*'", to: "web")),
                    "more.yaml": more,
                ], admin: admin, folder: folder)
        }

        deinit { origin.stop() }

        func get(_ host: String, _ options: [String] = [], path: String = "/") throws -> Curl {
            try Curl.get("https://\(host)\(path)", port: port, ["--cacert", certificates.root] + options)
        }

        /// The subject of the certificate that a server name is shown.
        func shown(_ name: String) throws -> String {
            let text = try SClient.run(port: port, ["-servername", name, "-CAfile", certificates.root])
            return text.split(separator: "\n").first { $0.hasPrefix("subject=") }.map(String.init) ?? "none"
        }
    }

    private static func simple(_ certificate: String, _ more: String = "", mode: String = "SIMPLE") throws -> String {
        let certificates = try Certificates.get()
        return
            "tls: {mode: \(mode), serverCertificate: \(certificates.chain(certificate)), privateKey: \(certificates.key(certificate))\(more.isEmpty ? "" : ", ")\(more)}"
    }

    @Test("the server name chooses the certificate, a wildcard takes its names, and an unknown name is closed")
    func serverNames() throws {
        let edge = try Edge([
            "hosts: [one.example], \(Self.simple("one"))", "hosts: [two.example], \(Self.simple("two"))",
            "hosts: ['*.wild.example'], \(Self.simple("wild"))",
        ])
        for (host, common) in [("one.example", "one"), ("two.example", "two"), ("a.wild.example", "wild")] {
            let answer = try edge.get(host)
            #expect(answer.exit == 0 && answer.status == 200 && answer.text == "origin", "\(host): \(answer)")
            #expect(try edge.shown(host).hasSuffix("CN = \(common)"))
            #expect(edge.origin.requests.last?.field("host") == host)
            #expect(edge.origin.requests.last?.field("x-forwarded-proto") == "https")
        }
        #expect(try edge.get("else.example", ["-k"]).exit != 0)
        #expect(try edge.shown("else.example") == "none")
        #expect(edge.origin.count == 3)
        try edge.proxy.waitForMetric("outrider_downstream_connections_unmatched_total", [:], 2)
        try waitUntil("the log tells of it") { edge.proxy.output.contains("filter_chain_not_found") }
        #expect(edge.proxy.output.contains("\"else.example\""), "\(edge.proxy.output)")
    }

    @Test("a host of another server than the connection's name is not served on it")
    func otherHost() throws {
        let edge = try Edge([
            "hosts: [one.example], \(Self.simple("one"))", "hosts: [two.example], \(Self.simple("two"))",
        ])
        #expect(try edge.get("one.example", ["-H", "Host: two.example"]).status != 200)
        #expect(edge.origin.count == 0)
    }

    @Test("HTTP/2 and HTTP/1.1 are agreed on by ALPN", .enabled(if: Curl.hasHTTP2))
    func alpn() throws {
        let edge = try Edge(["hosts: ['*'], \(Self.simple("one"))"])
        #expect(try edge.get("one.example", ["--http2"]).version == "2")
        #expect(try edge.get("one.example", ["--http1.1"]).version == "1.1")
        #expect(try edge.get("one.example", ["--no-alpn"]).version == "1.1")
        #expect(edge.origin.count == 3)
    }

    // MARK: - Client certificates

    @Test(
        "MUTUAL lets in whom its authority knows, and the origin learns whom", arguments: ["MUTUAL", "OPTIONAL_MUTUAL"])
    func mutual(mode: String) throws {
        let certificates = try Certificates.get()
        let edge = try Edge([
            "hosts: ['*'], \(Self.simple("one", "caCertificates: \(certificates.root)", mode: mode))"
        ])
        func get(_ name: String?, _ fields: [String] = []) throws -> Curl {
            let own = name.map { ["--cert", certificates.chain($0), "--key", certificates.key($0)] } ?? []
            return try edge.get("one.example", own + fields)
        }
        let known = try get("client", ["-H", "X-Forwarded-Client-Cert: forged"])
        #expect(known.status == 200, "\(known)")
        let told = try #require(edge.origin.requests.last?.field("x-forwarded-client-cert"))
        #expect(told.contains("Hash=") && !told.contains("forged"), "\(told)")
        #expect(told.contains("URI=spiffe://outside/client") && told.contains("DNS=client.example"), "\(told)")
        #expect(told.contains("CN=client"), "\(told)")
        let none = try get(nil, ["-H", "X-Forwarded-Client-Cert: forged"])
        if mode == "MUTUAL" {
            #expect(none.exit != 0 && edge.origin.count == 1, "\(none)")
            try edge.proxy.waitForMetric("outrider_downstream_tls_faults_total", ["reason": "no_certificate"], 1)
        } else {
            #expect(none.status == 200 && edge.origin.requests.last?.field("x-forwarded-client-cert") == nil, "\(none)")
        }
        let before = edge.origin.count
        #expect(try get("foreign").exit != 0)
        #expect(try get("expired").exit != 0)
        #expect(edge.origin.count == before)
        try edge.proxy.waitForMetric("outrider_downstream_tls_faults_total", ["reason": "unknown_issuer"], 1)
        try edge.proxy.waitForMetric("outrider_downstream_tls_faults_total", ["reason": "expired"], 1)
        try waitUntil("the log tells them apart") {
            edge.proxy.output.contains("expired:") && edge.proxy.output.contains("unknown_issuer:")
        }
    }

    @Test("subjectAltNames and pinned hashes narrow down who may come in")
    func pinned() throws {
        let certificates = try Certificates.get()
        let authorities = "caCertificates: \(certificates.root)"
        let edge = try Edge([
            "hosts: [one.example], \(Self.simple("one", "\(authorities), subjectAltNames: ['spiffe://outside/client']", mode: "MUTUAL"))",
            "hosts: [two.example], \(Self.simple("two", "\(authorities), subjectAltNames: [other.example]", mode: "MUTUAL"))",
        ])
        let own = ["--cert", certificates.chain("client"), "--key", certificates.key("client")]
        #expect(try edge.get("one.example", own).status == 200)
        #expect(try edge.get("two.example", own).exit != 0)
        try edge.proxy.waitForMetric("outrider_downstream_tls_faults_total", ["reason": "name_mismatch"], 1)
    }

    // MARK: - Versions and ciphers

    @Test("only the versions and ciphers that the configuration names are spoken")
    func versions() throws {
        let edge = try Edge([
            "hosts: [one.example], \(Self.simple("one", "minProtocolVersion: TLSV1_3"))",
            "hosts: [two.example], \(Self.simple("two", "maxProtocolVersion: TLSV1_2, cipherSuites: [ECDHE-ECDSA-AES128-GCM-SHA256]"))",
        ])
        func agreed(_ name: String, _ options: String...) throws -> String {
            let text = try SClient.run(
                port: edge.port, ["-servername", name, "-CAfile", edge.certificates.root] + options)
            return text.split(separator: "\n").first { $0.hasPrefix("New, ") }.map(String.init) ?? text
        }
        #expect(try agreed("one.example").contains("TLSv1.3"))
        #expect(try agreed("one.example", "-tls1_2").contains("(NONE)"))
        #expect(try agreed("two.example").contains("TLSv1.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256"))
        #expect(try agreed("two.example", "-tls1_3").contains("(NONE)"))
        #expect(try agreed("two.example", "-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384").contains("(NONE)"))
        #expect(try agreed("two.example", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0").contains("(NONE)"))
    }

    @Test("sessions are resumed, in both versions", arguments: ["-tls1_2", "-tls1_3"])
    func resumption(version: String) throws {
        let edge = try Edge(["hosts: [one.example], \(Self.simple("one"))"])
        let file = "\(edge.proxy.folder)/session"
        let request = "GET / HTTP/1.1\nHost: one.example\nConnection: close\n\n"
        let options = [version, "-servername", "one.example", "-CAfile", edge.certificates.root, "-ign_eof", "-crlf"]
        let first = try SClient.run(port: edge.port, options + ["-sess_out", file], sending: request)
        #expect(first.contains("New, TLS") && first.contains("200 "), "\(first)")
        let second = try SClient.run(port: edge.port, options + ["-sess_in", file], sending: request)
        #expect(second.contains("Reused, TLS") && second.contains("200 "), "\(second)")
        try edge.proxy.waitForMetric("outrider_downstream_handshakes_resumed_total", [:], 1)
    }

    // MARK: - Ways to and from

    @Test("httpsRedirect sends plain requests to https")
    func redirect() throws {
        let edge = try Edge(
            ["hosts: ['*'], \(Self.simple("one"))"], plainServer: "hosts: ['*'], tls: {httpsRedirect: true}")
        let answer = try RawClient(port: edge.plain).get("/a?b=c", host: "one.example")
        #expect(answer.status == 301 && answer.field("location") == "https://one.example/a?b=c", "\(answer)")
        #expect(edge.origin.count == 0)
        #expect(try edge.get("one.example").status == 200)
        let url = "http://one.example:\(edge.plain)/a"
        let words = try #require(
            try ChildProcess.run(ScenarioProxy.binary, ["explain", "GET", url, "--config", edge.proxy.config]))
        #expect(words.status == 0 && words.text.contains("answer: 301 to https"), "\(words.text)")
    }

    @Test("credentialName names a Secret, and a Secret that changes is served at once")
    func secret() throws {
        let certificates = try Certificates.get()
        func secret(_ name: String) throws -> String {
            func indented(_ path: String) throws -> String {
                try certificates.text(path).split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
            }
            return try """
            apiVersion: v1
            kind: Secret
            metadata: {name: web-cert, namespace: shop}
            type: kubernetes.io/tls
            stringData:
              tls.crt: |
            \(indented(certificates.chain(name)))
              tls.key: |
            \(indented(certificates.key(name)))
            """
        }
        let edge = try Edge(["hosts: ['*'], tls: {mode: SIMPLE, credentialName: web-cert}"], more: secret("one"))
        #expect(try edge.get("one.example").status == 200)
        try edge.proxy.apply("more.yaml", secret("two"))
        #expect(try edge.shown("two.example").hasSuffix("CN = two"))
        for page in ["/config_dump", "/generation", "/certificates"] {
            #expect(try !edge.proxy.ask(page).text.contains("PRIVATE KEY"), "\(page)")
        }
        #expect(!edge.proxy.log.contains("PRIVATE KEY"))
    }

    @Test("PASSTHROUGH hands TLS on by server name: the certificate is the origin's own", .enabled(if: Peer.hasHTTP2))
    func passthrough() throws {
        let certificates = try Certificates.get()
        let origin = try PeerOrigin()
        let edge = try Edge(
            [
                "hosts: [origin.example], tls: {mode: PASSTHROUGH}", "hosts: [one.example], \(Self.simple("one"))",
            ],
            more: Manifest.join(
                Manifest.destination("far", portName: "tls", number: 443, ports: [origin.tlsHTTP2]),
                Manifest.resource(
                    "VirtualService", "far",
                    """
                    hosts: [origin.example]
                    gateways: [web]
                    tls:
                    - match: [{port: 443, sniHosts: [origin.example]}]
                      route: [{destination: {host: far, port: {number: 443}}}]
                    """)))
        let answer = try Curl.get(
            "https://origin.example/reflect", port: edge.port, ["--cacert", certificates.root])
        #expect(answer.status == 200 && answer.text.contains("\"origin\": \"origin\""), "\(answer)")
        #expect(try edge.shown("origin.example").hasSuffix("CN = origin"))
        #expect(try edge.get("one.example").text == "origin")
        #expect(origin.events("request").count == 1)
        try edge.proxy.waitForMetric("istio_tcp_connections_closed_total", ["request_protocol": "tcp"], 2)
    }

    @Test("plain HTTP on the TLS port gets nothing, and neither do bytes at random; others are served")
    func notTLS() throws {
        let edge = try Edge(["hosts: [one.example], \(Self.simple("one"))"])
        for bytes in [
            "GET / HTTP/1.1\r\nHost: one.example\r\n\r\n", "\u{16}\u{3}\u{1}\u{0}\u{5}hello, this is no hello",
        ] {
            let client = try RawClient(port: edge.port)
            client.send(bytes)
            let rest = client.rest(milliseconds: 20_000)
            #expect(!String(decoding: rest, as: UTF8.self).contains("200"), "\(rest)")
        }
        #expect(edge.origin.count == 0)
        #expect(try edge.get("one.example").status == 200)
    }

    // MARK: - Files

    @Test("a certificate that is replaced under load is served, and no request is lost; a broken one keeps the old")
    func renewal() throws {
        let certificates = try Certificates.get()
        let folder = try ScenarioProxy.makeFolder()
        let files = "\(folder)/certs"
        try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: true)
        try certificates.copy("one", to: files, as: "web")
        let edge = try Edge(
            [
                "hosts: ['*'], tls: {mode: SIMPLE, serverCertificate: \(files)/web.pem, privateKey: \(files)/web.key}"
            ], folder: folder)
        let crowd = Crowd(port: edge.plain)
        let load = try ChildProcess(
            "sh",
            [
                "-c",
                "for i in $(seq 60); do curl -sSk --max-time 20 -o /dev/null -w '%{http_code} %{exitcode}\\n' --noproxy '*' https://127.0.0.1:\(edge.port)/; done",
            ], output: "\(folder)/load", errors: "\(folder)/load-errors")
        func lines() -> [Substring] {
            ((try? String(contentsOfFile: "\(folder)/load", encoding: .utf8)) ?? "").split(separator: "\n")
        }
        try waitUntil("TLS clients are at work") { lines().count > 5 }
        #expect(try edge.shown("any.example").hasSuffix("CN = one"))
        try certificates.copy("two", to: files, as: "web")
        try waitUntil("the new certificate is served") { try edge.shown("any.example").hasSuffix("CN = two") }
        #expect(edge.proxy.log.contains("certificates: 1 "), "\(edge.proxy.log)")
        try "no certificate".write(toFile: "\(files)/web.pem", atomically: true, encoding: .utf8)
        try edge.proxy.waitForLog("what it held before goes on serving")
        #expect(try edge.shown("any.example").hasSuffix("CN = two"))
        #expect(try edge.proxy.ask("/generation").text.contains("web.pem"))
        try certificates.copy("one", to: files, as: "web")
        try waitUntil("the repaired one is served") { try edge.shown("any.example").hasSuffix("CN = one") }
        try waitUntil("the load ends") { load.exitStatus != nil }
        #expect(lines().count == 60 && lines().allSatisfy { $0 == "200 0" }, "\(lines())")
        #expect(try crowd.stop().losses == 0)
    }

    @Test("a certificate that was never good closes only its own server, and the finding names the file")
    func neverGood() throws {
        let certificates = try Certificates.get()
        let edge = try Edge([
            "hosts: [one.example], \(Self.simple("one"))",
            "hosts: [two.example], tls: {mode: SIMPLE, serverCertificate: /nowhere/two.pem, privateKey: \(certificates.key("two"))}",
            "hosts: [three.example], tls: {mode: SIMPLE, serverCertificate: \(certificates.chain("one")), privateKey: \(certificates.key("two"))}",
        ])
        #expect(try edge.get("one.example").status == 200)
        #expect(try edge.get("two.example", ["-k"]).exit != 0)
        #expect(try edge.get("three.example", ["-k"]).exit != 0)
        #expect(try RawClient(port: edge.plain).get("/").status == 200)
        #expect(edge.proxy.log.contains("/nowhere/two.pem"), "\(edge.proxy.log)")
        #expect(edge.proxy.log.contains("connections to it are closed"), "\(edge.proxy.log)")
        try edge.proxy.waitForMetric("outrider_tls_quarantined_total", [:], 2)
        let report = try edge.proxy.ask("/generation").text
        #expect(report.contains("\"tls_stale\":[],\"tls_quarantined\":[{\"side\":\"server\""), "\(report)")
        let routes = try #require(
            try ChildProcess.run(ScenarioProxy.binary, ["routes", "--config", edge.proxy.config]))
        #expect(routes.status == 0 && routes.text.split(separator: "TLS is quarantined").count == 3, "\(routes.text)")
    }
}
