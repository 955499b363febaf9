import Foundation
import Testing

@Suite("Hostile clients")
struct HostileScenarios {
    struct Vector {
        var id: String
        var bytes: [UInt8]
        var expect: String
        var agree: Int
        var messages: Int
        /// How many requests each of the five peers let through to its origin.
        var atOrigins: [Int]
    }

    /// Vectors from other projects' tests with the verdicts of five proxies, beside the project; empty where missing.
    static let vectors: [Vector] = {
        var folder = URL(fileURLWithPath: #filePath)
        var text = ""
        while folder.path != "/", text.isEmpty {
            folder.deleteLastPathComponent()
            let file = folder.appendingPathComponent("shared/vectors/http1-requests.jsonl")
            text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        }
        return text.split(separator: "\n").compactMap { line in
            guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let raw = (object["raw"] as? String).flatMap({ Data(base64Encoded: $0) }),
                let id = object["id"] as? String, let expect = object["expect"] as? String,
                let agree = object["agree"] as? Int, let peers = object["peers"] as? [String: [Any]]
            else { return nil }
            return Vector(
                id: id, bytes: Array(raw), expect: expect, agree: agree, messages: object["nmsg"] as? Int ?? 1,
                atOrigins: peers.values.map { $0[2] as? Int ?? 0 })
        }
    }()

    /// What came of a vector: the statuses, and the requests that reached the origin.
    struct Result {
        var statuses: [Int]
        var isClosed: Bool
        var arrived: Int
    }

    private func play(_ vector: Vector, _ shop: Shop) throws -> Result {
        let before = shop.v1.count
        let client = try shop.client()
        TestSocket.send(client.fd, vector.bytes)
        // Answers come until a pause: long where one is due, short where the proxy waits for the rest.
        let pause = vector.expect == "incomplete" ? 100 : 300
        let text = String(decoding: client.rest(milliseconds: pause), as: UTF8.self)
        let statuses = text.components(separatedBy: "HTTP/1.1 ").dropFirst().compactMap { Int($0.prefix(3)) }
        return Result(statuses: statuses, isClosed: errno != EAGAIN, arrived: shop.v1.count - before)
    }

    private func holds(_ vector: Vector, _ result: Result) -> Bool {
        switch vector.expect {
        case "accept":
            result.statuses.contains { (200..<300).contains($0) } && vector.atOrigins.contains(result.arrived)
        case "reject", "incomplete":
            result.arrived == 0 || vector.atOrigins.contains(result.arrived) && vector.agree == 5
        default: true
        }
    }

    @Test(
        "where five proxies meet a verdict, so does the process, and nothing unclean reaches the origin",
        .enabled(if: !vectors.isEmpty))
    func verdicts() throws {
        let shop = try Shop(routes: Manifest.split(100, 0))
        var held = 0
        var judged = 0
        for vector in Self.vectors {
            let result = try play(vector, shop)
            if vector.expect != "either" {
                judged += 1
                if holds(vector, result) { held += 1 }
                if vector.agree == 5 { #expect(holds(vector, result), "\(vector.id): \(result)") }
            }
            if vector.expect == "reject", vector.agree < 5, !HTTP1Policies.known.contains(vector.id) {
                #expect(result.arrived == 0, "\(vector.id): \(result)")
            }
        }
        print("HTTP/1 vectors through the process: \(held) of \(judged) verdicts hold")
        #expect(try shop.get("/").status == 200)
    }

    @Test("what is ambiguous is 400 with a line of text, counted by reason, and the connection ends")
    func ambiguous() throws {
        let shop = try Shop(routes: Manifest.split(100, 0))
        for head in [
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        ] {
            let client = try shop.client()
            client.send(head)
            let answer = try #require(client.answer())
            #expect(answer.status == 400 && answer.text.hasSuffix("\n") && client.endsHere(), "\(head) \(answer)")
        }
        #expect(shop.v1.count == 0)
        try shop.proxy.waitForMetric("outrider_downstream_faults_total", [:], 5)
        let large = try shop.client()
        large.send("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 70_000))\r\n\r\n")
        #expect(large.answer()?.status == 431)
    }

    @Test("bytes without sense, in any number, neither crash nor stop the process")
    func noise() throws {
        let shop = try Shop(routes: Manifest.split(100, 0))
        let crowd = Crowd(port: shop.port, clients: 2)
        var random = SystemRandomNumberGenerator()
        for round in 0..<150 {
            let client = try shop.client()
            var bytes = Array("GET /\(round) HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".utf8)
            for _ in 0..<(round % 7) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            TestSocket.send(client.fd, Array(bytes.prefix(bytes.count - round % 3)))
        }
        let tally = try crowd.stop()
        #expect(tally.losses == 0 && shop.proxy.isRunning, "\(tally)")
    }
}

/// Clean requests that other parsers refuse by policies of their own: they know only some methods, cap a line's length lower,
/// want one Content-Type, distrust underscores or forwarding fields. Their framing is beyond doubt.
enum HTTP1Policies {
    static let known: Set<String> = [
        "llhttp-req/connection:CRLF between requests, implicit `keep-alive`",
        "llhttp-req/invalid:HTTP protocol and ANNOUNCE method", "llhttp-req/invalid:Invalid method",
        "gunicorn/invalid/006", "gunicorn/invalid/007", "gunicorn/invalid/008", "gunicorn/invalid/010",
        "gunicorn/invalid/011", "gunicorn/invalid/012", "gunicorn/invalid/017", "gunicorn/invalid/019",
        "gunicorn/invalid/040", "gunicorn/invalid/041", "gunicorn/invalid/chunked_07",
        "gunicorn/invalid/limit_header_default_01",
    ]
}
