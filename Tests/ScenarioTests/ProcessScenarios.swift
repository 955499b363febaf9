import Foundation
import Glibc
import Synchronization
import Testing

@Suite("The process")
struct ProcessScenarios {
    @Test("SIGTERM drains: not ready, answers close their connections, exit 0 after the last")
    func drain() throws {
        // It answers when the test has seen what it wants to see while a request is under way.
        let mayAnswer = Atomic<Bool>(false)
        let slow = try TestOrigin { request in
            let isSlow = request.target == "/slow"
            for _ in 0..<60_000 where isSlow && !mayAnswer.load(ordering: .acquiring) { usleep(1000) }
            return .answer(status: 200, body: "v1")
        }
        let shop = try Shop(routes: Manifest.split(100, 0), v1: slow)
        let idle = try shop.client()
        #expect(try idle.get("/").field("connection") == nil)
        let busy = try shop.client()
        busy.send("GET /slow HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        try waitUntil("the request is under way") { slow.count == 2 }
        shop.proxy.signal(SIGTERM)
        try waitUntil("readiness fails") { try shop.proxy.ask("/ready").status == 503 }
        let late = try shop.get("/")
        #expect(late.status == 200 && late.field("connection") == "close", "\(late)")
        mayAnswer.store(true, ordering: .releasing)
        let last = busy.answer()
        #expect(last?.status == 200 && last?.field("connection") == "close", "\(last as Any)")
        #expect(busy.endsHere())
        #expect(try shop.proxy.end() == 0)
        #expect(idle.endsHere())
    }

    @Test("admin reads by GET and changes by POST, and says so")
    func admin() throws {
        let shop = try Shop()
        for path in ["/ready", "/stats/prometheus", "/clusters", "/config_dump", "/generation", "/help"] {
            #expect(try shop.proxy.ask(path).status == 200, "\(path)")
            let wrong = try shop.proxy.ask(path, method: "POST")
            #expect(wrong.status == 405 && wrong.field("allow")?.contains("GET") == true, "\(path) \(wrong)")
        }
        for path in ["/reload", "/eject", "/quitquitquit"] {
            let wrong = try shop.proxy.ask(path)
            #expect(wrong.status == 405 && wrong.field("allow") == "POST", "\(path) \(wrong)")
        }
        #expect(try shop.proxy.ask("/nowhere").status == 404)
        for path in ["/clusters?format=json", "/config_dump"] {
            let body = Data(try shop.proxy.ask(path).message.body)
            #expect((try? JSONSerialization.jsonObject(with: body)) is [String: Any], "\(path)")
        }
    }

    @Test("metrics carry Istio's labels")
    func metrics() throws {
        let shop = try Shop(routes: Manifest.split(100, 0))
        _ = try Crowd(port: shop.port, requests: 50).finish()
        try shop.proxy.waitForMetric(
            "istio_requests_total",
            [
                "reporter": "source", "source_app": "ingress", "destination_version": "v1",
                "destination_service": "catalog.shop.svc.cluster.local", "destination_service_name": "catalog",
                "destination_service_namespace": "shop", "response_code": "200", "response_flags": "-",
                "request_protocol": "http",
            ], 50)
        try shop.proxy.waitForMetric("istio_request_duration_milliseconds_count", [:], 50)
        #expect(try shop.proxy.metric("outrider_generation") == 1)
    }

    @Test("the access log has Istio's default line for each request")
    func accessLog() throws {
        let shop = try Shop(routes: Manifest.split(100, 0))
        _ = try shop.get("/a?b=c", fields: ["User-Agent: probe", "X-Request-Id: id-1"])
        try waitUntil("the line is written") { shop.proxy.output.contains("\n") }
        let line = shop.proxy.output.split(separator: "\n")[0]
        let format =
            #/\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] "GET /a\?b=c HTTP/1\.1" 200 - via_upstream - "-" 0 2 \d+ \d+ ".*" "probe" "[-0-9a-f]{36}" "shop\.example" "127\.0\.0\.1:(\d+)" outbound\|80\|v1\|catalog\.shop\.svc\.cluster\.local - 127\.0\.0\.1:(\d+) 127\.0\.0\.1:\d+ - .*/#
        // The request's identity is the gateway's own, since nobody may choose it from outside.
        let match = try #require(line.wholeMatch(of: format), "\(line)")
        #expect(match.1 == "\(shop.v1.port)" && match.2 == "\(shop.port)")
    }

    @Test("a directory without a Proxy is refused with a sentence")
    func nothingToServe() throws {
        let proxy = try ScenarioProxy(
            ["catalog.yaml": Manifest.service("catalog", [])], admin: 1, waitsForReadiness: false)
        proxy.expectedStatus = 1
        try waitUntil("it ends") { !proxy.isRunning }
        #expect(proxy.log.contains("Proxy"), "\(proxy.log)")
    }
}
