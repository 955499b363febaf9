import Foundation
import Testing

/// python's grpcio on both sides.
@Suite("gRPC", .enabled(if: Peer.hasGRPC))
struct GRPCScenarios {
    private final class Calls {
        let shop: Shop
        private let server: ChildProcess
        private let folder: String

        init(more: String = "") throws {
            folder = try ScenarioProxy.makeFolder()
            let port = try TestSocket.freePort()
            let gone = try TestSocket.freePort()
            server = try Peer.start("grpc_peer.py", ["serve", "\(port)"], folder: folder)
            try waitUntil("the server listens") { (try? RawClient(port: port)) != nil }
            shop = try Shop(
                routes: Manifest.join(
                    Manifest.send("shop.example", to: "echo"), Manifest.send("gone.example", to: "gone"),
                    Manifest.send("empty.example", to: "empty")),
                more: Manifest.join(
                    Manifest.destination("echo", portName: "grpc", ports: [port]),
                    Manifest.destination("gone", portName: "grpc", ports: [gone]),
                    Manifest.destination("empty", portName: "grpc", ports: [])))
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func make(_ authority: String = "shop.example", _ calls: String...) throws -> [String: [String: Any]] {
            let text = try Peer.run("grpc_peer.py", ["client", "\(shop.port)", authority] + calls)
            let saw = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: [String: Any]]
            return try #require(saw, "\(text)")
        }
    }

    @Test("calls of every shape pass, with their metadata, and are counted by their status")
    func calls() throws {
        let calls = try Calls()
        let saw = try calls.make()
        #expect(saw["unary"]?["answer"] as? String == "echo:hello", "\(saw)")
        #expect(saw["unary"]?["initial"] as? [[String]] == [["x-initial", "i"]], "\(saw)")
        #expect((saw["unary"]?["trailing"] as? [[String]])?.contains(["x-trailing", "t"]) == true, "\(saw)")
        #expect(saw["large"]?["length"] as? Int == 3_000_005, "\(saw)")
        #expect(saw["serverStream"]?["answers"] as? [Int] == Array(0..<200), "\(saw)")
        #expect(saw["clientStream"]?["answer"] as? String == "300", "\(saw)")
        #expect(saw["both"]?["answers"] as? [String] == (0..<20).map { "MESSAGE \($0)" }, "\(saw)")
        #expect(saw["health"]?["answer"] as? String == "0801", "\(saw)")
        #expect(saw["fail"]?["code"] as? String == "FAILED_PRECONDITION", "\(saw)")
        #expect(saw["fail"]?["details"] as? String == "not so: 100% ä", "\(saw)")
        #expect(
            (saw["fail"]?["trailing"] as? [[String]])?.contains(["x-detail-bin", "0001ff"]) == true, "\(saw)")
        #expect(saw["unknown"]?["code"] as? String == "UNIMPLEMENTED", "\(saw)")
        #expect(saw["deadline"]?["code"] as? String == "DEADLINE_EXCEEDED", "\(saw)")
        let grpc = ["request_protocol": "grpc", "response_code": "200"]
        for (status, count) in [("0", 6), ("9", 1), ("12", 1)] {
            try calls.shop.proxy.waitForMetric(
                "istio_requests_total", grpc.merging(["grpc_response_status": status]) { $1 }, count)
        }
    }

    @Test("answers of the proxy's own are gRPC's: no route is UNIMPLEMENTED, nobody there is UNAVAILABLE")
    func ownAnswers() throws {
        let calls = try Calls()
        #expect(try calls.make("nowhere.example", "unary")["unary"]?["code"] as? String == "UNIMPLEMENTED")
        let gone = try #require(try calls.make("gone.example", "unary")["unary"])
        #expect(gone["code"] as? String == "UNAVAILABLE", "\(gone)")
        #expect((gone["details"] as? String)?.contains("upstream connect error") == true, "\(gone)")
        let empty = try #require(try calls.make("empty.example", "unary")["unary"])
        #expect(empty["code"] as? String == "UNAVAILABLE" && empty["details"] as? String == "no healthy upstream")
        try calls.shop.proxy.waitForMetric(
            "istio_requests_total", ["request_protocol": "grpc", "grpc_response_status": "14"], 2)
    }

    @Test("an answer of the proxy's own is one head, without a body", .enabled(if: Peer.hasHTTP2))
    func trailersOnly() throws {
        let calls = try Calls()
        let request: [String: Any] = [
            "method": "POST", "path": "/a.B/C", "authority": "empty.example", "body": "",
            "fields": [["content-type", "application/grpc"], ["te", "trailers"]],
        ]
        let results = try PeerClient.run([["kind": "h2", "port": Int(calls.shop.port), "requests": [request]]])
        let answer = try #require(results.first?.answers.first)
        #expect(answer.isComplete && answer.status == 200 && answer.length == 0 && answer.trailers.isEmpty, "\(answer)")
        #expect(answer.field("grpc-status") == "14" && answer.field("content-type") == "application/grpc", "\(answer)")
        #expect(answer.field("grpc-message") == "no healthy upstream", "\(answer)")
    }
}
