import Foundation
import Testing

@Suite("A gateway in front of two versions")
struct GatewayScenarios {
    @Test("weights hold within what chance allows", arguments: [(90, 10), (50, 50)])
    func weights(v1: Int, v2: Int) throws {
        let shop = try Shop(routes: Manifest.split(v1, v2))
        let tally = try Crowd(port: shop.port, requests: 2400).finish()
        #expect(tally.losses == 0 && tally.answers == 2400, "\(tally)")
        #expect(isLikely(tally.bodies["v1"] ?? 0, of: 2400, share: Double(v1) / 100), "\(tally)")
        #expect(shop.v1.count + shop.v2.count == 2400)
    }

    @Test("without subsets both versions serve")
    func even() throws {
        let shop = try Shop(routes: Manifest.routes("- route:\n  - destination: {host: catalog}"))
        let tally = try Crowd(port: shop.port, requests: 1000).finish()
        #expect(tally.losses == 0)
        #expect((400...600).contains(tally.bodies["v1"] ?? 0), "\(tally)")
    }

    /// Rules of every kind at once: the first that matches wins.
    private static let rules = Manifest.routes(
        """
        - match: [{headers: {x-version: {exact: v2}}}]
          route:
          - destination: {host: catalog, subset: v2}
        - match: [{uri: {prefix: /v2/}}]
          rewrite: {uri: /}
          route:
          - destination: {host: catalog, subset: v2}
        - match: [{uri: {regex: "/items/[0-9]+"}, method: {exact: POST}}]
          route:
          - destination: {host: catalog, subset: v2}
        - match: [{queryParams: {color: {exact: red}}, uri: {prefix: /paint}}]
          route:
          - destination: {host: catalog, subset: v2}
        - match: [{uri: {exact: /old}}]
          redirect: {uri: /new, authority: new.example, redirectCode: 302}
        - match: [{uri: {exact: /healthz}}]
          directResponse:
            status: 418
            body: {string: "short and stout"}
        - match: [{uri: {exact: /nowhere}}]
          route:
          - destination: {host: catalog, subset: v3}
        - match: [{uri: {exact: /rename}}]
          rewrite: {authority: catalog.internal}
          headers:
            request: {set: {x-set: one}, add: {x-kept: two}, remove: [x-secret]}
            response: {set: {x-answer: "yes"}, remove: [x-powered-by]}
          route:
          - destination: {host: catalog, subset: v1}
        - route:
          - destination: {host: catalog, subset: v1}
        """)

    @Test("headers, paths, methods and parameters choose the version, and the path is rewritten")
    func matches() throws {
        let shop = try Shop(routes: Self.rules)
        let client = try shop.client()
        #expect(try client.get("/").text == "v1")
        #expect(try client.get("/", fields: ["X-Version: v2"]).text == "v2")
        #expect(try client.get("/v2/list?page=3").text == "v2")
        #expect(shop.v2.requests.last?.target == "/list?page=3")
        #expect(try client.get("/items/42").text == "v1")
        #expect(try client.get("/items/42", fields: ["Content-Length: 0"], method: "POST").text == "v2")
        #expect(try client.get("/paint?color=red").text == "v2")
        #expect(try client.get("/paint?color=blue").text == "v1")
    }

    @Test("redirects and direct responses come from the proxy itself")
    func ownAnswers() throws {
        let shop = try Shop(routes: Self.rules)
        let redirect = try shop.get("/old")
        #expect(redirect.status == 302 && redirect.field("location") == "http://new.example/new", "\(redirect)")
        let direct = try shop.get("/healthz")
        #expect(direct.status == 418 && direct.text == "short and stout", "\(direct)")
        #expect(shop.v1.count + shop.v2.count == 0)
    }

    @Test("header operations change the request, the answer and the authority")
    func headers() throws {
        let origin = try TestOrigin { _ in
            .answer(status: 200, body: "v1", fields: ["X-Powered-By: test", "X-Answer: no"])
        }
        let shop = try Shop(routes: Self.rules, v1: origin)
        let answer = try shop.get("/rename", fields: ["X-Secret: hush", "X-Kept: one", "X-Set: zero"])
        #expect(answer.message.fields("x-answer") == ["yes"] && answer.field("x-powered-by") == nil, "\(answer)")
        let request = try #require(origin.requests.last)
        #expect(request.message.fields("x-set") == ["one"] && request.field("x-secret") == nil, "\(request)")
        #expect(request.message.fields("x-kept").joined(separator: ",") == "one,two", "\(request)")
        #expect(request.field("host") == "catalog.internal")
        #expect(request.field("x-request-id") != nil && request.field("x-forwarded-proto") == "http")
    }

    @Test("an unknown subset is 503 NC, and the log says which")
    func unknownSubset() throws {
        let shop = try Shop(routes: Self.rules)
        #expect(try shop.get("/nowhere").status == 503)
        try shop.proxy.waitForMetric("istio_requests_total", ["response_code": "503", "response_flags": "NC"], 1)
        try shop.proxy.waitForLog("routes.yaml:")
        #expect(shop.proxy.log.contains("v3"), "\(shop.proxy.log)")
    }

    @Test("a host that no rule names is 404 without a body")
    func unknownHost() throws {
        let shop = try Shop(
            routes: Manifest.routes("- route:\n  - destination: {host: catalog, subset: v1}", hosts: "shop.example"))
        #expect(try shop.get("/").status == 200)
        let answer = try shop.get("/", host: "else.example")
        #expect(answer.status == 404 && answer.text.isEmpty, "\(answer)")
    }

    @Test("half of the requests are mirrored, under the same Host")
    func mirror() throws {
        let shop = try Shop(
            routes: Manifest.routes(
                """
                - route:
                  - destination: {host: catalog, subset: v1}
                  mirror: {host: catalog, subset: v2}
                  mirrorPercentage: {value: 50}
                """))
        let tally = try Crowd(port: shop.port, requests: 2000).finish()
        #expect(tally.losses == 0 && tally.bodies["v1"] == 2000, "\(tally)")
        try waitUntil("the copies arrive") {
            try shop.proxy.metric("outrider_mirrors_active") == 0
                && shop.v2.count + shop.proxy.metric("outrider_mirrors_dropped_total")
                    >= shop.proxy.metric("outrider_mirrors_total")
        }
        #expect(isLikely(shop.v2.count, of: 2000, share: 0.5), "\(shop.v2.count)")
        #expect(shop.v2.requests.allSatisfy { $0.field("host") == "shop.example" }, "\(shop.v2.requests.last as Any)")
    }

    @Test(
        "a mirror that hangs, refuses or answers badly changes nothing for the primary",
        arguments: ["hang", "refuse", "500"])
    func badMirror(kind: String) throws {
        let copy = try TestOrigin { _ in kind == "hang" ? .hang : .answer(status: 500, body: "no") }
        if kind == "refuse" { copy.stop() }
        let shop = try Shop(
            routes: Manifest.routes(
                """
                - route:
                  - destination: {host: catalog, subset: v1}
                  mirror: {host: catalog, subset: v2}
                """), v2: copy)
        let tally = try Crowd(port: shop.port, requests: 600).finish()
        #expect(tally.bodies["v1"] == 600 && tally.losses == 0, "\(tally)")
        #expect(try shop.proxy.fact("health_flags", of: copy.port) == "healthy")
    }

    @Test("a request beyond its route's time is 504, and a retry finds another endpoint")
    func timeoutsAndRetries() throws {
        let hanging = try TestOrigin { _ in .hang }
        let shop = try Shop(
            routes: Manifest.routes(
                """
                - match: [{uri: {exact: /slow}}]
                  timeout: 200ms
                  route:
                  - destination: {host: catalog, subset: v1}
                - match: [{uri: {prefix: /broken}}]
                  retries: {attempts: 3, retryOn: 5xx}
                  route:
                  - destination: {host: broken}
                """),
            more: Manifest.service(
                "broken", [("v1", try TestOrigin { _ in .answer(status: 503, body: "broken") }.port)]),
            v1: hanging)
        let slow = try shop.get("/slow")
        #expect(slow.status == 504 && slow.text == "upstream request timeout", "\(slow)")
        try shop.proxy.waitForMetric("istio_requests_total", ["response_code": "504", "response_flags": "UT"], 1)
        let broken = try shop.get("/broken")
        #expect(broken.status == 503 && broken.text == "broken", "\(broken)")
        try shop.proxy.waitForMetric("outrider_retries_total", [:], 3)
    }

    @Test("a refused connection is tried again elsewhere, and nobody left is 503")
    func refused() throws {
        let shop = try Shop(routes: Manifest.routes("- route:\n  - destination: {host: catalog}"))
        shop.v2.stop()
        let tally = try Crowd(port: shop.port, requests: 300).finish()
        #expect(tally.losses == 0 && tally.bodies["v1"] == 300, "\(tally)")
        shop.v1.stop()
        let answer = try shop.get("/")
        #expect(answer.status == 503 && answer.text.hasPrefix("upstream connect error"), "\(answer)")
    }

    @Test("with two workers and one connection to share no request starves")
    func oneConnection() throws {
        let shop = try Shop(
            routes: Manifest.split(100, 0), policy: "{connectionPool: {tcp: {maxConnections: 1}}}")
        let tally = try Crowd(port: shop.port, clients: 8, requests: 800).finish()
        #expect(tally.losses == 0 && tally.bodies["v1"] == 800, "\(tally)")
    }

    @Test("bodies pass both ways whole, with length and in chunks")
    func bodies() throws {
        let echo = try TestOrigin { .answer(status: 200, body: $0.message.text) }
        let shop = try Shop(routes: Manifest.split(100, 0), v1: echo)
        let body = String(repeating: "outrider ", count: 100_000)
        let client = try shop.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        #expect(client.answer()?.text == body)
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for start in stride(from: 0, to: 900_000, by: 9_000) {
            let piece = body.dropFirst(start).prefix(9_000)
            client.send("\(String(piece.utf8.count, radix: 16))\r\n\(piece)\r\n")
        }
        client.send("0\r\n\r\n")
        #expect(client.answer()?.text == body)
        client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok")
        #expect(client.answer()?.text == "ok")
    }
}
