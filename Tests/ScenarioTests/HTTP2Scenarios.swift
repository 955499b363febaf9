import Foundation
import Glibc
import Testing

/// HTTP/2 connections on both sides: their limits, their ends, and what one stream may do to others.
@Suite("HTTP/2", .enabled(if: Peer.hasHTTP2))
struct HTTP2Scenarios {
    private static func front(_ origins: [PeerOrigin]) throws -> Shop {
        try Shop(
            routes: Manifest.send("'*'", to: "far"),
            more: Manifest.destination("far", portName: "http2", ports: origins.map(\.plain)))
    }

    private static func plan(_ shop: Shop, _ more: [String: Any] = [:], requests: [[String: Any]]) -> [String: Any] {
        [
            "kind": "h2", "port": Int(shop.port),
            "requests": requests.map { $0.merging(["authority": "shop.example"]) { $1 } },
        ].merging(more) { $1 }
    }

    /// Runs a client while the test does something else.
    private final class Running: Sendable {
        private let results = Locked<Swift.Result<[PeerClient.Result], Error>?>(nil)

        init(_ plan: [String: Any]) throws {
            let data = try JSONSerialization.data(withJSONObject: [plan])
            Thread.detachNewThread { [results] in
                let plans = (try? JSONSerialization.jsonObject(with: data)) as? [[String: Any]] ?? []
                let made = Swift.Result { try PeerClient.run(plans) }
                results.change { $0 = made }
            }
        }

        func finish() throws -> PeerClient.Result {
            try waitUntil("the client is done", seconds: 120) { results.value != nil }
            let all = try results.value?.get() ?? []
            guard let first = all.first else { throw ScenarioError("no result") }
            return first
        }
    }

    private func release(_ origin: PeerOrigin) throws {
        #expect(try RawClient(port: origin.plain).get("/release").status == 200)
    }

    @Test("streams that an endpoint's GOAWAY leaves unprocessed are sent elsewhere: none is lost")
    func goAway() throws {
        let leaving = try PeerOrigin(name: "leaving", ["--goaway-after", "5"])
        let staying = try PeerOrigin(name: "staying")
        let shop = try Self.front([leaving, staying])
        // Held, so that all of them are on the way when the connection ends.
        let requests = (0..<60).map { ["path": $0 % 2 == 0 ? "/bytes?n=4096" : "/reflect"] as [String: Any] }
        let result = try #require(
            try PeerClient.run([Self.plan(shop, ["together": true], requests: requests)]).first)
        let bad = result.answers.filter { $0.status != 200 || !$0.isComplete }
        #expect(result.answers.count == 60 && bad.isEmpty, "\(bad.prefix(3))")
        #expect(!leaving.events("unprocessed").isEmpty && !leaving.events("goaway").isEmpty)
        #expect(leaving.events("request").count + staying.events("request").count == 60)
        #expect(try shop.get("/reflect").status == 200)
    }

    @Test("an endpoint's limit of streams opens another connection, and no connection has more")
    func streamsOfEndpoint() throws {
        let origin = try PeerOrigin(["--max-streams", "4"])
        let shop = try Self.front([origin])
        // The limit is known behind the first answer.
        #expect(try shop.get("/reflect").status == 200)
        let requests = [[String: Any]](repeating: ["path": "/hold"], count: 12)
        let running = try Running(Self.plan(shop, ["together": true], requests: requests))
        try waitUntil("all are under way") { origin.events("request", path: "/hold").count == 12 }
        try release(origin)
        let result = try running.finish()
        #expect(result.answers.count == 12 && result.answers.allSatisfy { $0.status == 200 && $0.isComplete })
        let most = origin.events("active").compactMap { $0["count"] as? Int }.max() ?? 0
        #expect(most <= 4, "\(most)")
        let used = Set(origin.events("request", path: "/hold").compactMap { $0["connection"] as? Int })
        #expect(used.count >= 3, "\(used)")
    }

    @Test("a connection that breaks with many streams under way fails each of them alone, again and again")
    func breaking() throws {
        let origin = try PeerOrigin(["--break-at", "5"])
        let shop = try Self.front([origin])
        let requests = [[String: Any]](repeating: ["path": "/hold"], count: 24)
        for _ in 0..<3 {
            let results = try PeerClient.run([
                Self.plan(shop, ["together": true], requests: requests),
                Self.plan(shop, ["together": true], requests: requests),
            ])
            // A broken connection is no refused stream: what may have been processed is not sent again.
            let answers = results.flatMap(\.answers)
            #expect(answers.count == 48 && answers.allSatisfy { $0.isComplete && $0.status == 503 }, "\(answers)")
        }
        #expect(!origin.events("break").isEmpty)
        #expect(try shop.get("/reflect").status == 200)
        #expect(try shop.proxy.metric("outrider_upstream_requests_active") == 0)
    }

    @Test("SIGTERM sends two GOAWAYs, what is under way is finished, and the process ends with 0")
    func shutdown() throws {
        let origin = try PeerOrigin()
        let shop = try Self.front([origin])
        let running = try Running(
            Self.plan(
                shop, ["together": true, "waitsForEnd": true],
                requests: [["path": "/hold"], ["path": "/hold", "method": "POST", "body": "b"]]))
        try waitUntil("both are under way") { origin.events("end", path: "/hold").count == 2 }
        shop.proxy.signal(SIGTERM)
        try waitUntil("readiness fails") { try shop.proxy.ask("/ready").status == 503 }
        try release(origin)
        let result = try running.finish()
        #expect(result.answers.allSatisfy { $0.status == 200 && $0.isComplete }, "\(result.answers)")
        #expect(result.goAways.count == 2 && result.goAways.allSatisfy { $0[1] == 0 }, "\(result.goAways)")
        #expect(result.goAways.first?[0] == Int(Int32.max) && result.goAways.last?[0] == 3, "\(result.goAways)")
        #expect(try shop.proxy.end() == 0)
    }

    @Test("a client that does not read holds back its own stream only, and the origin with it")
    func slowReader() throws {
        let origin = try PeerOrigin()
        let shop = try Self.front([origin])
        var requests: [[String: Any]] = [["path": "/drip?n=67108864", "resetAfter": "silence"]]
        requests += [[String: Any]](repeating: ["path": "/bytes?n=16384"], count: 40)
        let result = try #require(
            try PeerClient.run([
                Self.plan(shop, ["together": true, "credits": false, "window": 65536], requests: requests)
            ]).first)
        #expect(result.answers.first?.length == 65536, "\(result.answers.first?.length ?? -1)")
        #expect(result.answers.dropFirst().allSatisfy { $0.status == 200 && $0.length == 16384 })
        let sent = origin.events("drip").compactMap { $0["sent"] as? Int }.max() ?? 0
        #expect(sent > 0 && sent < 8 << 20, "\(sent) bytes for a client that reads none")
        try waitUntil("the origin's stream ends with the client's") {
            origin.events("end", path: "/drip?n=67108864").count == 1
        }
        #expect(origin.events("end", path: "/drip?n=67108864").first?["how"] as? String == "cut")
    }

    // MARK: - Programs

    @Test(
        "nghttp and h2load are served, also behind nghttpd",
        .enabled(if: ["nghttp", "nghttpd", "h2load"].allSatisfy { ChildProcess.path(of: $0) != nil }))
    func nghttp2() throws {
        let folder = try ScenarioProxy.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let port = try TestSocket.freePort()
        try String(repeating: "page ", count: 20_000)
            .write(toFile: "\(folder)/page", atomically: true, encoding: .utf8)
        let server = try ChildProcess(
            try #require(ChildProcess.path(of: "nghttpd")),
            ["--no-tls", "--address=127.0.0.1", "-d", folder, "--echo-upload", "\(port)"], output: "\(folder)/out",
            errors: "\(folder)/out")
        defer { server.signal(SIGKILL) }
        try waitUntil("nghttpd listens") { (try? RawClient(port: port)) != nil }
        let shop = try Shop(
            routes: Manifest.send("'*'", to: "far"),
            more: Manifest.destination("far", portName: "http2", ports: [port]))
        let url = "http://127.0.0.1:\(shop.port)/page"
        let one = try #require(try ChildProcess.run("nghttp", ["-v", "-n", url]))
        #expect(one.status == 0 && one.text.contains(":status: 200"), "\(one.text.suffix(2000))")
        let upgraded = try #require(try ChildProcess.run("nghttp", ["-v", "-n", "-u", url]))
        #expect(upgraded.text.contains(":status: 200") && upgraded.text.contains("101"), "\(upgraded.text.suffix(2000))")
        let load = try #require(
            try ChildProcess.run("h2load", ["-n", "2000", "-c", "4", "-m", "25", "-t", "1", url]))
        #expect(load.text.contains("2000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(load.text.suffix(2000))")
        try shop.proxy.waitForMetric("istio_requests_total", ["response_code": "200"], 2002)
    }
}
