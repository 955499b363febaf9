import Foundation
import Glibc
import Synchronization
import Testing

/// Connections of bytes.
@Suite("TCP routes")
struct TCPScenarios {
    /// A server of bytes: says its name first, then gives back what it gets until the end, then `bye`. One that ends first says
    /// no more than its name, and only listens from then on.
    final class ByteOrigin: Sendable {
        let port: UInt16
        private let listener: Int32
        private let endsFirst: Bool
        private let counts = Mutex((connections: 0, ends: 0, received: 0, open: Set<Int32>()))

        init(saying name: String, endsFirst: Bool = false) throws {
            self.endsFirst = endsFirst
            listener = try TestSocket.listen()
            port = TestSocket.port(of: listener)
            Thread.detachNewThread { [self] in
                while true {
                    let fd = accept(listener, nil, nil)
                    if fd < 0 { return }
                    _ = fcntl(fd, F_SETFD, FD_CLOEXEC)
                    counts.withLock {
                        $0.connections += 1
                        $0.open.insert(fd)
                    }
                    Thread.detachNewThread { [self] in
                        serve(fd, name)
                        counts.withLock {
                            $0.ends += 1
                            $0.open.remove(fd)
                            close(fd)
                        }
                    }
                }
            }
        }

        var connections: Int { counts.withLock { $0.connections } }
        var received: Int { counts.withLock { $0.received } }
        var ends: Int { counts.withLock { $0.ends } }

        func stop() {
            shutdown(listener, Int32(SHUT_RDWR))
            counts.withLock { for fd in $0.open { shutdown(fd, Int32(SHUT_RDWR)) } }
        }

        private func serve(_ fd: Int32, _ name: String) {
            TestSocket.limit(fd, milliseconds: 120_000)
            TestSocket.send(fd, Array(name.utf8))
            if endsFirst { shutdown(fd, Int32(SHUT_WR)) }
            var bytes = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = recv(fd, &bytes, bytes.count, 0)
                if count <= 0 { break }
                if endsFirst {
                    counts.withLock { $0.received += count }
                } else if !TestSocket.send(fd, Array(bytes[..<count])) {
                    return
                }
            }
            if !endsFirst { TestSocket.send(fd, Array("bye".utf8)) }
        }
    }

    /// A gateway with a TCP port in front of two byte servers.
    final class Ferry {
        let one: ByteOrigin
        let two: ByteOrigin
        let proxy: ScenarioProxy
        let port: UInt16

        init(weights: (Int, Int) = (1, 0), policy: String = "{}", endsFirst: Bool = false) throws {
            one = try ByteOrigin(saying: "one:", endsFirst: endsFirst)
            two = try ByteOrigin(saying: "two:")
            port = try TestSocket.freePort()
            let admin = try TestSocket.freePort()
            proxy = try ScenarioProxy(
                [
                    "gateway.yaml": Manifest.join(
                        Manifest.gatewayProxy([(9000, port)], admin: admin),
                        Manifest.gateway(servers: ["port: {number: 9000, name: tcp, protocol: TCP}, hosts: ['*']"])),
                    "one.yaml": Manifest.join(
                        Manifest.destination("one", portName: "tcp", number: 9000, ports: [one.port]),
                        Manifest.policy("one", policy)),
                    "two.yaml": Manifest.destination("two", portName: "tcp", number: 9000, ports: [two.port]),
                    "routes.yaml": Manifest.resource(
                        "VirtualService", "bytes",
                        """
                        hosts: ['*']
                        gateways: [web]
                        tcp:
                        - match: [{port: 9000}]
                          route:
                          - {destination: {host: one, port: {number: 9000}}, weight: \(weights.0)}
                          - {destination: {host: two, port: {number: 9000}}, weight: \(weights.1)}
                        """),
                ], admin: admin)
        }

        deinit {
            one.stop()
            two.stop()
        }

        /// The first bytes of a new connection, which name the server.
        func name() throws -> String {
            let client = try RawClient(port: port)
            shutdown(client.fd, Int32(SHUT_WR))
            return String(String(decoding: client.rest(milliseconds: 20_000), as: UTF8.self).prefix(4))
        }
    }

    @Test("bytes pass both ways, the server may speak first, and each side may end its own half")
    func halfClose() throws {
        let ferry = try Ferry()
        let client = try RawClient(port: ferry.port)
        let sent = String(repeating: "many bytes ", count: 50_000)
        // Reading goes on meanwhile: an echo fills every buffer otherwise.
        let fd = client.fd
        Thread.detachNewThread {
            TestSocket.send(fd, Array(sent.utf8))
            shutdown(fd, Int32(SHUT_WR))
        }
        let got = String(decoding: client.rest(milliseconds: 20_000), as: UTF8.self)
        #expect(got.utf8.count == sent.utf8.count + 7 && got == "one:\(sent)bye")
        try ferry.proxy.waitForMetric("istio_tcp_connections_opened_total", ["request_protocol": "tcp"], 1)
        try ferry.proxy.waitForMetric("istio_tcp_connections_closed_total", ["request_protocol": "tcp"], 1)
        try ferry.proxy.waitForMetric("istio_tcp_received_bytes_total", [:], sent.utf8.count)
        try ferry.proxy.waitForMetric("istio_tcp_sent_bytes_total", [:], sent.utf8.count + 7)
        #expect(ferry.one.connections == 1 && ferry.two.connections == 0)
        try waitUntil("the log has a line") { ferry.proxy.output.contains("\"- - -\" 0 -") }
        #expect(ferry.proxy.output.contains("outbound|9000||one.shop.svc.cluster.local"), "\(ferry.proxy.output)")
    }

    @Test("a server may end its half first: what the client still sends arrives, and its end is the connection's")
    func serverEndsFirst() throws {
        let ferry = try Ferry(endsFirst: true)
        for round in 1...20 {
            let client = try RawClient(port: ferry.port)
            var bytes = [UInt8](repeating: 0, count: 16)
            #expect(recv(client.fd, &bytes, 4, Int32(MSG_WAITALL)) == 4)
            #expect(recv(client.fd, &bytes, 1, 0) == 0)
            client.send("still here")
            shutdown(client.fd, Int32(SHUT_WR))
            try waitUntil("the server has it, and the end") {
                ferry.one.received == round * 10 && ferry.one.ends == round
            }
        }
        try ferry.proxy.waitForMetric("istio_tcp_connections_closed_total", ["response_flags": "-"], 20)
        try ferry.proxy.waitForMetric("istio_tcp_received_bytes_total", [:], 200)
    }

    @Test("weights divide connections as chance allows")
    func weights() throws {
        let ferry = try Ferry(weights: (70, 30))
        var names: [String: Int] = [:]
        for _ in 0..<400 { names[try ferry.name(), default: 0] += 1 }
        #expect(names.values.reduce(0, +) == 400 && Set(names.keys) == ["one:", "two:"], "\(names)")
        #expect(isLikely(names["one:"] ?? 0, of: 400, share: 0.7), "\(names)")
    }

    @Test("a connection without bytes ends after the rule's idle time, one with bytes goes on")
    func idle() throws {
        let ferry = try Ferry(policy: "{connectionPool: {tcp: {idleTimeout: 600ms}}}")
        let busy = try RawClient(port: ferry.port)
        let idle = try RawClient(port: ferry.port)
        try waitUntil("both are there") { ferry.one.connections == 2 }
        let ended = Atomic<Bool>(false)
        let fd = idle.fd
        let watcher = Thread {
            var byte: UInt8 = 0
            while recv(fd, &byte, 1, 0) > 0 {}
            ended.store(true, ordering: .releasing)
        }
        watcher.start()
        var rounds = 0
        try waitUntil("the idle one ends") {
            busy.send("x")
            rounds += 1
            usleep(50_000)
            return ended.load(ordering: .acquiring)
        }
        busy.send("last")
        shutdown(busy.fd, Int32(SHUT_WR))
        let got = String(decoding: busy.rest(milliseconds: 20_000), as: UTF8.self)
        #expect(got == "one:" + String(repeating: "x", count: rounds) + "lastbye")
        try waitUntil("the origin sees the end") { ferry.one.ends == 2 }
    }

    @Test("maxConnections bounds connections, and a place that is free again is used")
    func limit() throws {
        let ferry = try Ferry(policy: "{connectionPool: {tcp: {maxConnections: 2}}}")
        let first = try RawClient(port: ferry.port)
        let second = try RawClient(port: ferry.port)
        try waitUntil("two are there") { ferry.one.connections == 2 }
        let third = try RawClient(port: ferry.port)
        #expect(third.rest(milliseconds: 20_000).isEmpty)
        #expect(ferry.one.connections == 2)
        try ferry.proxy.waitForMetric("istio_tcp_connections_closed_total", ["response_flags": "UO"], 1)
        shutdown(first.fd, Int32(SHUT_WR))
        _ = first.rest(milliseconds: 20_000)
        try waitUntil("the place is free") { try ferry.name() == "one:" }
        shutdown(second.fd, Int32(SHUT_WR))
        #expect(String(decoding: second.rest(milliseconds: 20_000), as: UTF8.self) == "one:bye")
    }

    @Test("nobody at the endpoint ends the connection and is told by the metric's flags")
    func refused() throws {
        let ferry = try Ferry()
        ferry.one.stop()
        try waitUntil("nobody listens") { (try? RawClient(port: ferry.one.port)) == nil }
        #expect(try RawClient(port: ferry.port).rest(milliseconds: 20_000).isEmpty)
        try waitUntil("the metric says so") {
            try ferry.proxy.metric("istio_tcp_connections_closed_total", ["response_flags": "UF"]) == 1
                || ferry.proxy.metric("istio_tcp_connections_closed_total", ["response_flags": "UF,URX"]) == 1
        }
    }

    @Test("a client that resets ends the endpoint's connection")
    func reset() throws {
        let ferry = try Ferry()
        do {
            let client = try RawClient(port: ferry.port)
            try waitUntil("it is there") { ferry.one.connections == 1 }
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        }
        try waitUntil("the origin sees the end") { ferry.one.ends == 1 }
    }

    @Test(
        "tls rules of a sidecar's egress port choose by server name, and unknown names are closed",
        .enabled(if: Peer.hasHTTP2 && Certificates.isPossible && Curl.isThere))
    func serverNames() throws {
        let certificates = try Certificates.get()
        let one = try PeerOrigin(name: "one")
        let two = try PeerOrigin(name: "two")
        let egress = try TestSocket.freePort()
        let admin = try TestSocket.freePort()
        let proxy = try ScenarioProxy(
            [
                "proxy.yaml": Manifest.sidecar(admin: admin, mesh: "{accessLogFile: /dev/stdout}"),
                "sidecar.yaml": Manifest.resource(
                    "Sidecar", "client",
                    """
                    egress:
                    - port: {number: \(egress), name: tls, protocol: TLS}
                      bind: 127.0.0.1
                      hosts: ["./*"]
                    """),
                "one.yaml": Manifest.destination("one", portName: "tls", number: Int(egress), ports: [one.tlsHTTP1]),
                "two.yaml": Manifest.destination("two", portName: "tls", number: Int(egress), ports: [two.tlsHTTP1]),
                "outside.yaml": Manifest.resource(
                    "ServiceEntry", "outside",
                    """
                    hosts: [one.example, "*.wild.example"]
                    location: MESH_EXTERNAL
                    resolution: STATIC
                    ports: [{number: \(egress), name: tls, protocol: TLS}]
                    endpoints: [{address: 127.0.0.1, ports: {tls: \(one.tlsHTTP1)}}]
                    """),
                "routes.yaml": Manifest.resource(
                    "VirtualService", "names",
                    """
                    hosts: ["*.wild.example"]
                    tls:
                    - match: [{port: \(egress), sniHosts: ["*.wild.example"]}]
                      route: [{destination: {host: two}}]
                    """),
            ], admin: admin)
        for (name, origin) in [
            ("one.example", "one"), ("a.wild.example", "two"), ("two.shop.svc.cluster.local", "two"),
        ] {
            let answer = try Curl.get(
                "https://\(name)/reflect", port: egress, ["-k", "--cacert", certificates.root])
            #expect(answer.text.contains("\"origin\": \"\(origin)\""), "\(name): \(answer) \(proxy.log)")
        }
        #expect(try Curl.get("https://else.example/", port: egress, ["-k"]).exit != 0)
        try proxy.waitForMetric("istio_tcp_connections_closed_total", [:], 3)
    }
}
