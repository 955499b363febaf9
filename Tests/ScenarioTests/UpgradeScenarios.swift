import Foundation
import Glibc
import Testing

@Suite("Upgrades and CONNECT")
struct UpgradeScenarios {
    /// A WebSocket echo behind a gateway.
    private final class Echo {
        let shop: Shop
        private let server: ChildProcess
        private let folder: String

        init() throws {
            folder = try ScenarioProxy.makeFolder()
            let port = try TestSocket.freePort()
            server = try Peer.start("websocket.py", ["serve", "\(port)"], folder: folder)
            try waitUntil("the echo listens") { (try? RawClient(port: port)) != nil }
            shop = try Shop(
                routes: Manifest.send("'*'", to: "echo"),
                more: Manifest.destination("echo", portName: "http", ports: [port]))
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func talk(_ client: String) throws -> [String: Any] {
            let text = try Peer.run("websocket.py", [client, "\(shop.port)", "shop.example"])
            return try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
        }
    }

    @Test("a WebSocket passes over HTTP/1.1: messages, pings, silence, closing", .enabled(if: Peer.hasWebSockets))
    func webSocket() throws {
        let echo = try Echo()
        let saw = try echo.talk("client")
        #expect(saw["text"] as? String == "hello" && saw["after"] as? String == "after", "\(saw)")
        #expect(saw["large"] as? Bool == true && saw["pong"] as? Bool == true, "\(saw)")
        #expect(saw["subprotocol"] as? String == "chat", "\(saw)")
        #expect((saw["closed"] as? [Any])?.first as? Int == 4001, "\(saw)")
        try echo.shop.proxy.waitForMetric("outrider_tunnels_total", [:], 1)
        try echo.shop.proxy.waitForMetric("istio_requests_total", ["response_code": "101"], 1)
    }

    @Test(
        "a WebSocket passes from HTTP/2 (RFC 8441) to a server that speaks HTTP/1.1",
        .enabled(if: Peer.hasWebSockets && Peer.hasHTTP2))
    func webSocketOverHTTP2() throws {
        let echo = try Echo()
        let saw = try echo.talk("client2")
        #expect(saw["enabled"] as? Int == 1, "\(saw)")
        let head = saw["head"] as? [[String]] ?? []
        #expect(head.contains([":status", "200"]) && head.contains(["sec-websocket-protocol", "chat"]), "\(saw)")
        #expect(!head.contains { ["upgrade", "connection", "sec-websocket-accept"].contains($0[0]) }, "\(head)")
        #expect(saw["text"] as? String == "hello" && saw["large"] as? Bool == true, "\(saw)")
        #expect(saw["closed"] as? String == "as asked" && saw["end"] as? String == "end", "\(saw)")
        #expect(saw["refused"] as? String == "403", "\(saw)")
    }

    // MARK: - Bytes in the test's hands

    /// An origin that agrees to any upgrade and gives bytes back until their end, then says `bye`; without one it refuses with 426.
    private func tunnelOrigin() throws -> (port: UInt16, stop: () -> Void, heads: () -> [String]) {
        let listener = try TestSocket.listen()
        let heads = Locked<[String]>([])
        Thread.detachNewThread {
            while true {
                let fd = accept(listener, nil, nil)
                if fd < 0 { return }
                _ = fcntl(fd, F_SETFD, FD_CLOEXEC)
                Thread.detachNewThread {
                    defer { close(fd) }
                    TestSocket.limit(fd, milliseconds: 60_000)
                    var reader = MessageReader(fd: fd)
                    while var message = reader.head() {
                        reader.body(of: &message, untilEnd: false)
                        heads.change { $0.append(message.head) }
                        guard let upgrade = message.field("upgrade"), !message.line.contains("/refuse") else {
                            TestSocket.send(
                                fd, Array("HTTP/1.1 426 No\r\nContent-Length: 3\r\nUpgrade: other\r\n\r\nno!".utf8))
                            continue
                        }
                        TestSocket.send(
                            fd,
                            Array(
                                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: \(upgrade)\r\n\r\nfirst:"
                                    .utf8))
                        var bytes = [UInt8](repeating: 0, count: 65536)
                        while true {
                            let count = recv(fd, &bytes, bytes.count, 0)
                            if count <= 0 { break }
                            TestSocket.send(fd, Array(bytes[..<count]))
                        }
                        TestSocket.send(fd, Array("bye".utf8))
                        return
                    }
                }
            }
        }
        return (TestSocket.port(of: listener), { shutdown(listener, Int32(SHUT_RDWR)) }, { heads.value })
    }

    private func front(_ port: UInt16) throws -> Shop {
        try Shop(
            routes: Manifest.send("'*'", to: "tunnel"),
            more: Manifest.destination("tunnel", portName: "http", ports: [port]))
    }

    private static let upgrade =
        "GET /t HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: anything/1\r\n\r\n"

    @Test("any upgrade becomes a tunnel: bytes that come along, half-close, a megabyte both ways")
    func tunnel() throws {
        let origin = try tunnelOrigin()
        defer { origin.stop() }
        let shop = try front(origin.port)
        let client = try shop.client()
        // The first bytes of the new protocol do not wait for the answer.
        client.send(Self.upgrade + "early ")
        let sent = String(repeating: "0123456789", count: 100_000)
        let fd = client.fd
        Thread.detachNewThread {
            TestSocket.send(fd, Array(sent.utf8))
            shutdown(fd, Int32(SHUT_WR))
        }
        let all = String(decoding: client.rest(milliseconds: 20_000), as: UTF8.self)
        let parts = all.components(separatedBy: "\r\n\r\n")
        let head = parts[0].lowercased()
        #expect(head.hasPrefix("http/1.1 101") && head.contains("upgrade: anything/1"), "\(head)")
        #expect(head.contains("connection: upgrade"), "\(head)")
        #expect(parts.dropFirst().joined() == "first:early \(sent)bye", "\(all.prefix(300)) … \(all.suffix(50))")
        try shop.proxy.waitForMetric("istio_requests_total", ["response_code": "101"], 1)
    }

    @Test("an upgrade that the server refuses is an answer like others, and the connection goes on")
    func refused() throws {
        let origin = try tunnelOrigin()
        defer { origin.stop() }
        let shop = try front(origin.port)
        let client = try shop.client()
        for _ in 0..<2 {
            let answer = try client.get("/refuse", fields: ["Connection: Upgrade", "Upgrade: websocket"])
            #expect(answer.status == 426 && answer.text == "no!", "\(answer)")
        }
        #expect(origin.heads().count == 2)
    }

    @Test("Upgrade: h2c opens no way to the origin: it never sees the fields", arguments: [true, false])
    func h2cSmuggling(nominates: Bool) throws {
        let origin = try tunnelOrigin()
        defer { origin.stop() }
        let shop = try front(origin.port)
        let client = try shop.client()
        // With a body, under another spelling, or not nominated: none of them may become a tunnel.
        for fields in [
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Length: 2\r\n\r\nok",
            "\(nominates ? "Connection: Upgrade\r\n" : "")Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
            "\(nominates ? "Connection: Upgrade\r\n" : "")Upgrade: H2C\r\n\r\n",
        ] {
            client.send("POST /smuggle HTTP/1.1\r\nHost: a\r\n\(fields.contains("Content-Length") ? "" : "Content-Length: 0\r\n")\(fields)")
            let answer = try #require(client.answer())
            #expect(answer.status == 426, "\(answer)")
        }
        #expect(origin.heads().count == 3)
        for head in origin.heads() {
            #expect(!head.lowercased().contains("upgrade") && !head.lowercased().contains("http2-settings"), "\(head)")
        }
        #expect(try shop.proxy.metric("outrider_tunnels_total") == 0)
    }

    // MARK: - CONNECT

    @Test("CONNECT finds nothing on a gateway, over HTTP/1.1 and HTTP/2")
    func connectRefused() throws {
        let shop = try Shop(routes: Manifest.split(100, 0))
        let client = try shop.client()
        client.send("CONNECT shop.example:80 HTTP/1.1\r\nHost: shop.example:80\r\n\r\n")
        #expect(client.answer()?.status == 404)
        #expect(shop.v1.connections == 0)
    }

    @Test("CONNECT on the proxy port opens a tunnel to a service that is known", .enabled(if: Curl.isThere))
    func connect() throws {
        let origin = try TestOrigin(saying: "through")
        defer { origin.stop() }
        let way = try TestSocket.freePort()
        let admin = try TestSocket.freePort()
        let proxy = try ScenarioProxy(
            [
                "proxy.yaml": Manifest.sidecar(
                    admin: admin, mesh: "{proxyHttpPort: \(way), outboundTrafficPolicy: {mode: REGISTRY_ONLY}}"),
                "api.yaml": Manifest.service("api", [("v1", origin.port)]),
            ], admin: admin)
        func curl(_ url: String) throws -> (status: Int32, text: String) {
            try #require(
                try ChildProcess.run(
                    "curl", ["-sS", "--max-time", "30", "--noproxy", "", "-p", "-x", "http://127.0.0.1:\(way)", url]))
        }
        let known = try curl("http://api.shop.svc.cluster.local/")
        #expect(known.text == "through", "\(known) \(proxy.log)")
        let unknown = try curl("http://unknown.example/")
        #expect(unknown.status != 0, "\(unknown)")
        #expect(origin.count == 1)
        #expect(origin.requests.last?.field("x-request-id") == nil)
        try proxy.waitForMetric("outrider_tunnels_total", [:], 1)
    }
}

/// A value that threads share.
final class Locked<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var stored: Value

    init(_ value: Value) { stored = value }

    var value: Value { lock.withLock { stored } }
    func change(_ body: (inout Value) -> Void) { lock.withLock { body(&stored) } }
}
