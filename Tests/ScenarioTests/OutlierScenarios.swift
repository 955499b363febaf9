import Foundation
import Testing

@Suite("Endpoints that fail")
struct OutlierScenarios {
    private static let both = Manifest.routes(
        """
        - retries: {attempts: 2, retryOn: "connect-failure,reset,refused-stream"}
          route:
          - destination: {host: catalog}
        """)

    @Test("consecutive 5xx eject an endpoint, and it returns after its time")
    func ejection() throws {
        let bad = try TestOrigin { .answer(status: $0.target == "/heal" ? 200 : 500, body: "v2") }
        let shop = try Shop(
            routes: Self.both,
            policy: """
                {outlierDetection: {consecutive5xxErrors: 3, interval: 100ms, baseEjectionTime: 500ms, \
                maxEjectionPercent: 100}}
                """, v2: bad)
        let crowd = Crowd(port: shop.port, clients: 2)
        defer { _ = try? crowd.stop() }
        try shop.proxy.waitForLog("ejected 127.0.0.1:\(bad.port)")
        #expect(Int(try shop.proxy.fact("ejections", of: bad.port) ?? "") ?? 0 >= 1)
        try shop.proxy.waitForLog("restored 127.0.0.1:\(bad.port)")
        // It fails again, so it is ejected again.
        try waitUntil("it is ejected again") {
            try shop.proxy.fact("health_flags", of: bad.port) == "/failed_outlier_check"
                && Int(shop.proxy.fact("ejections", of: bad.port) ?? "") ?? 0 >= 2
        }
        #expect(try shop.proxy.fact("health_flags", of: shop.v1.port) == "healthy")
        let tally = try crowd.stop()
        #expect(tally.failures.isEmpty && Set(tally.statuses.keys) == [200, 500], "\(tally)")
    }

    @Test("admin ejects and restores by hand")
    func byHand() throws {
        let shop = try Shop(routes: Manifest.routes("- route:\n  - destination: {host: catalog}"))
        let endpoint = "endpoint=127.0.0.1:\(shop.v2.port)"
        #expect(try shop.proxy.ask("/eject?\(endpoint)&seconds=60", method: "POST").status == 200)
        try waitUntil("it is ejected") { try shop.proxy.fact("health_flags", of: shop.v2.port) != "healthy" }
        let ejected = try Crowd(port: shop.port, requests: 200).finish()
        #expect(ejected.bodies["v1"] == 200, "\(ejected)")
        #expect(try shop.proxy.ask("/restore?\(endpoint)", method: "POST").status == 200)
        let restored = try Crowd(port: shop.port, requests: 200).finish()
        #expect(restored.bodies["v2", default: 0] > 0, "\(restored)")
    }

    @Test("an endpoint that dies and comes back under load costs no idempotent request but on its first connections")
    func restart() throws {
        let shop = try Shop(routes: Self.both)
        let crowd = Crowd(port: shop.port)
        try crowd.waitForAnswers(200)
        var second = shop.v2
        for _ in 0..<4 {
            second.stop()
            try crowd.waitForAnswers(150)
            second = try TestOrigin(saying: "v2", port: second.port)
            try waitUntil("it serves again") { second.count > 0 }
            try crowd.waitForAnswers(50)
        }
        second.stop()
        let tally = try crowd.stop()
        // A connection that never carried an answer is no reused one: what was on it when the endpoint died is not sent again.
        #expect(tally.losses <= 5, "\(tally)")
    }

    @Test("the only endpoint's return is found, and requests on connections that died are made again")
    func onlyEndpoint() throws {
        let shop = try Shop(routes: Manifest.split(100, 0))
        let client = try shop.client()
        var origin = shop.v1
        for _ in 0..<5 {
            for _ in 0..<10 { #expect(try client.get("/").status == 200) }
            origin.stop()
            origin = try TestOrigin(saying: "v1", port: origin.port)
        }
        #expect(try client.get("/").status == 200)
        origin.stop()
    }

    @Test("an origin that closes after every answer, or in place of one, costs only what it must")
    func closing() throws {
        let rude = try TestOrigin {
            $0.target == "/never" ? .close : .answer(status: 200, body: "v1", fields: ["Connection: close"])
        }
        let shop = try Shop(routes: Manifest.split(100, 0), v1: rude)
        let tally = try Crowd(port: shop.port, requests: 400).finish()
        #expect(tally.losses == 0, "\(tally)")
        let never = try shop.get("/never")
        #expect(never.status == 503, "\(never)")
        try shop.proxy.waitForMetric("istio_requests_total", ["response_code": "503", "response_flags": "UC"], 1)
    }
}
