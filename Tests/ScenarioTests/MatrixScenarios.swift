import Foundation
import Glibc
import Testing

/// Every protocol towards the client with every protocol towards the endpoint.
@Suite("Protocol pairs", .enabled(if: Peer.hasHTTP2 && Certificates.isPossible))
struct MatrixScenarios {
    static let downstream = ["h1", "h2", "h2c", "tls-h1", "tls-h2"]
    static let upstream = ["h1", "h2", "tls-h1", "tls-h2"]

    /// SHA-256 of what `origin.py` and `client.py` send as 1 MiB.
    private static let megabyteHash = "aca1cd027e979588d14b877b7b0cb8585ad9fec599eb45801992ee5382b3760f"

    /// A request, and what must have come of it.
    struct Case {
        var name: String
        var request: [String: Any]
        /// nil is well, a sentence is not.
        var judge: (_ answer: PeerClient.Answer, _ down: String, _ up: String) -> String?
    }

    private static func expect(_ holds: Bool, _ what: String) -> String? { holds ? nil : what }

    static func cases() -> [Case] {
        [
        Case(name: "GET", request: ["path": "/reflect?a=b%20c", "fields": [["x-own", "1"], ["te", "trailers"]]]) { answer, _, up in
            let seen = answer.seen
            let names = (seen["fields"] as? [[String]] ?? []).map { $0[0] }
            let isH2 = up.hasSuffix("h2")
            return expect(answer.status == 200 && answer.isComplete, "no answer")
                ?? expect(seen["path"] as? String == "/reflect?a=b%20c", "path")
                ?? expect(seen["authority"] as? String == "\(up).example", "authority")
                ?? expect(seen["protocol"] as? String == (isH2 ? "h2" : "h1"), "protocol")
                ?? expect(names.contains("x-own") && names.contains("x-request-id"), "fields")
                ?? expect(
                    !names.contains { ["upgrade", "http2-settings", "transfer-encoding"].contains($0) }
                        && !(isH2 && names.contains("connection")), "hop-by-hop fields")
        },
        Case(name: "POST", request: ["method": "POST", "path": "/reflect", "body": "eleven byte"]) { answer, _, _ in
            expect(answer.status == 200 && answer.seen["length"] as? Int == 11, "body")
        },
        Case(name: "empty POST", request: ["method": "POST", "path": "/reflect"]) { answer, _, _ in
            expect(answer.status == 200 && answer.seen["length"] as? Int == 0, "body")
        },
        Case(
            name: "trailers up",
            request: [
                "method": "POST", "path": "/reflect", "body": "with a tail",
                "trailers": [["x-tail", "t"], ["x-tail-two", "u"]],
            ]
        ) { answer, _, _ in
            expect(answer.status == 200 && answer.seen["length"] as? Int == 11, "body")
                ?? expect(
                    answer.seen["trailers"] as? [[String]] == [["x-tail", "t"], ["x-tail-two", "u"]], "trailers")
        },
        Case(name: "trailers down", request: ["path": "/trailers", "fields": [["te", "trailers"]]]) { answer, _, _ in
            expect(answer.status == 200 && answer.text == "with trailers" && answer.isComplete, "body")
                ?? expect(answer.field("x-head") == "h", "head")
                ?? expect(answer.trailers == [["x-check", "abc"], ["x-count", "13"]], "trailers")
        },
        Case(name: "HEAD", request: ["method": "HEAD", "path": "/bytes?n=4096"]) { answer, _, _ in
            expect(answer.status == 200 && answer.length == 0 && answer.isComplete, "answer")
                ?? expect(answer.field("content-length") == "4096", "content-length")
        },
        Case(name: "204", request: ["path": "/204"]) { answer, _, _ in
            expect(answer.status == 204 && answer.isComplete && answer.field("x-kind") == "empty", "answer")
        },
        Case(name: "304", request: ["path": "/304"]) { answer, _, _ in
            expect(answer.status == 304 && answer.isComplete && answer.field("etag") == "\"e\"", "answer")
        },
        Case(name: "1 MiB down", request: ["path": "/bytes?n=1048576"]) { answer, _, _ in
            expect(answer.status == 200 && answer.isComplete && answer.length == 1_048_576, "length")
                ?? expect(answer.hash == Self.megabyteHash, "hash")
        },
        Case(name: "1 MiB up", request: ["method": "POST", "path": "/reflect", "size": 1_048_576]) { answer, _, _ in
            expect(answer.status == 200 && answer.seen["length"] as? Int == 1_048_576, "length")
                ?? expect(answer.seen["hash"] as? String == Self.megabyteHash, "hash")
        },
        Case(
            name: "cookies",
            request: ["path": "/reflect", "fields": [["cookie", "a=1"], ["cookie", "b=2"], ["cookie", "c=3"]]]
        ) { answer, down, up in
            let cookies = (answer.seen["fields"] as? [[String]] ?? []).filter { $0[0] == "cookie" }.map { $0[1] }
            // HTTP/2 may split what HTTP/1.1 must have as one field (RFC 9113 section 8.2.3).
            let isJoined = !up.hasSuffix("h2") && down.hasSuffix("h2")
            return expect(
                isJoined ? cookies == ["a=1; b=2; c=3"] : cookies.joined(separator: "; ") == "a=1; b=2; c=3",
                "\(cookies)")
        },
        Case(name: "early answer", request: ["method": "POST", "path": "/early", "early": true, "size": 4096]) { answer, _, _ in
            expect(answer.status == 200 && answer.text == "early", "answer")
        },
        Case(name: "client reset", request: ["method": "POST", "path": "/hang", "resetAfter": "head"]) { answer, _, _ in
            expect(answer.how == "cancelled", "how")
        },
        Case(name: "upstream reset", request: ["path": "/reset"]) { answer, down, _ in
            // A reset may overtake what was sent before it, over HTTP/2 even the head.
            expect(!answer.isComplete && answer.length < 100_000, "a whole answer")
                ?? expect(answer.status == 200 || down.hasPrefix("h2") || down.hasSuffix("h2"), "status")
                ?? expect(down.hasSuffix("h1") || answer.how.hasPrefix("reset"), "how: \(answer.how)")
        },
        Case(name: "afterwards", request: ["path": "/reflect"]) { answer, _, _ in
            expect(answer.status == 200 && answer.isComplete, "no answer")
        },
        ]
    }

    /// A gateway with a plain and a TLS port; `KIND.example` leads to the origin over KIND.
    static func gateway(_ origin: PeerOrigin, plain: UInt16, tls: UInt16, admin: UInt16) throws -> [String: String] {
        let certificates = try Certificates.get()
        var files = [
            "gateway.yaml": Manifest.join(
                Manifest.gatewayProxy([(80, plain), (443, tls)], admin: admin),
                Manifest.gateway(servers: [
                    "port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']",
                    "port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], tls: {mode: SIMPLE, serverCertificate: \(certificates.chain("matrix")), privateKey: \(certificates.key("matrix"))}",
                ]))
        ]
        for (kind, name, port) in [
            ("h1", "http", origin.plain), ("h2", "http2", origin.plain), ("tls-h1", "http-tls", origin.tlsHTTP1),
            ("tls-h2", "http2-tls", origin.tlsHTTP2),
        ] {
            var text = Manifest.join(
                Manifest.destination(kind, portName: name, ports: [port]), Manifest.send("\(kind).example", to: kind))
            if kind.hasPrefix("tls") {
                text = Manifest.join(
                    text,
                    Manifest.policy(
                        kind, "{tls: {mode: SIMPLE, caCertificates: \(certificates.root), sni: origin.example}}"))
            }
            files["\(kind).yaml"] = text
        }
        return files
    }

    @Test("requests, bodies, trailers, resets and early answers pass through every pair of protocols")
    func matrix() throws {
        let certificates = try Certificates.get()
        try certificates.issue("matrix", names: Self.upstream.map { "DNS:\($0).example" }.joined(separator: ","))
        let origin = try PeerOrigin()
        let plain = try TestSocket.freePort()
        let tls = try TestSocket.freePort()
        let admin = try TestSocket.freePort()
        let proxy = try ScenarioProxy(Self.gateway(origin, plain: plain, tls: tls, admin: admin), admin: admin)
        let pairs = Self.downstream.flatMap { down in Self.upstream.map { (down, $0) } }
        let connections: [[String: Any]] = pairs.map { down, up in
            [
                "kind": down, "port": Int(down.hasPrefix("tls") ? tls : plain), "ca": certificates.root,
                "requests": Self.cases().map { $0.request.merging(["authority": "\(up).example"]) { $1 } },
            ]
        }
        let results = try PeerClient.run(connections)
        for (pair, result) in zip(pairs, results) {
            #expect(result.answers.count == Self.cases().count)
            for (item, answer) in zip(Self.cases(), result.answers) {
                let fault = item.judge(answer, pair.0, pair.1)
                #expect(fault == nil, "\(item.name), \(pair.0) to \(pair.1): \(fault ?? ""): \(answer)")
            }
        }
        // Who left in the middle was noticed by the origin too.
        try waitUntil("the origin sees that clients leave") {
            origin.events("end", path: "/hang").count >= pairs.count
        }
        #expect(origin.events("request", path: "/hang").count == pairs.count)
        #expect(origin.events("end", path: "/hang").allSatisfy { ["reset", "closed"].contains($0["how"] as? String) })
        #expect(try proxy.metric("outrider_upstream_requests_active") == 0)
    }
}
