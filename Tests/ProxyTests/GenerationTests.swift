import Clusters
import Glibc
import Loop
import Plan
import Routing
import Testing
import Wire

@testable import Proxy

@Suite("Generations, listeners and limits under traffic")
struct GenerationTests {
    /// Clients that ask again and again until they are told to stop.
    private final class Traffic {
        private let isStopping = Locked(false)
        private let counts = Locked((good: 0, bad: 0))
        private var threads: [ThreadHandle] = []

        init(port: UInt16, clients: Int, keepsConnections: Bool = true) throws {
            for _ in 0..<clients {
                threads.append(
                    try Thread.start(name: "client") { [isStopping, counts] in
                        var client = RawClient(port: port)
                        while !isStopping.withLock({ $0 }) {
                            if !keepsConnections { client = RawClient(port: port) }
                            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
                            let isGood = client.answer()?.status == 200
                            counts.withLock { if isGood { $0.good += 1 } else { $0.bad += 1 } }
                            if !isGood { client = RawClient(port: port) }
                        }
                    })
            }
        }

        var good: Int { counts.withLock { $0.good } }

        func stop() -> (good: Int, bad: Int) {
            isStopping.withLock { $0 = true }
            for thread in threads { thread.join() }
            return counts.withLock { $0 }
        }
    }

    @Test(
        "200 generations are published while clients send: nothing fails and every old one is handed back, once a worker"
    )
    func swaps() throws {
        let origins = [Origin(saying: "a"), Origin(saying: "b")]
        defer { for origin in origins { origin.stop() } }
        let unused = Locked<[Int: Int]>([:])
        let proxy = try Harness(
            clusters: [Harness.cluster(ports: [origins[0].port])], workers: 2,
            hooks: ProcessState.Hooks(onGenerationUnused: { _, number in
                unused.withLock { $0[number, default: 0] += 1 }
            }))
        let traffic = try Traffic(port: proxy.port, clients: 4)
        for round in 0..<200 {
            proxy.plan.clusters = [Harness.cluster("up\(round % 5)", ports: [origins[round % 2].port])]
            proxy.publish()
            let target = traffic.good + 2
            _ = Harness.wait { traffic.good >= target }
        }
        let result = traffic.stop()
        #expect(result.bad == 0)
        #expect(result.good >= 400)
        let last = proxy.number
        #expect(Harness.wait { unused.withLock { $0.count == last - 1 && $0.values.allSatisfy { $0 == 2 } } })
        #expect(unused.withLock { $0[last] } == nil)
    }

    @Test("A listener that comes or goes does not disturb the clients of another")
    func listeners() throws {
        let origin = Origin(saying: "ok")
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])], workers: 2)
        let first = proxy.plan.listeners[0]
        let traffic = try Traffic(port: proxy.port, clients: 3, keepsConnections: false)
        for round in 0..<20 {
            let port = TestSocket.freePort()
            let extra = ListenerSpec(
                name: "extra", address: .ipv4(0x7F00_0001, port: port), role: .gateway, routeConfiguration: 0,
                servicePort: 80)
            proxy.plan.listeners = [first, extra]
            proxy.publish()
            #expect(Harness.wait { proxy.server.installed.allSatisfy { $0 == proxy.number } })
            let client = RawClient(port: port)
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.answer()?.status == 200, "round \(round)")
            proxy.plan.listeners = [first]
            proxy.publish()
            #expect(client.isClosed())
        }
        #expect(traffic.stop().bad == 0)
    }

    @Test("A listener that goes and comes back at once listens")
    func comesBack() throws {
        let origin = Origin(saying: "ok")
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])], workers: 2)
        let first = proxy.plan.listeners[0]
        let port = TestSocket.freePort()
        let extra = ListenerSpec(
            name: "extra", address: .ipv4(0x7F00_0001, port: port), role: .gateway, routeConfiguration: 0,
            servicePort: 80)
        for _ in 0..<20 {
            proxy.plan.listeners = [first, extra]
            #expect(proxy.publish().isEmpty)
            proxy.plan.listeners = [first]
            proxy.publish()
        }
    }

    @Test("At the limit of connections new ones are closed with one line for the operator, and accepted again later")
    func connectionLimit() throws {
        let origin = Origin(saying: "ok")
        defer { origin.stop() }
        let messages = Locked<[String]>([])
        let proxy = try Harness(
            clusters: [Harness.cluster(ports: [origin.port])], workers: 2, connectionsMax: 10,
            hooks: ProcessState.Hooks(onMessage: { line in messages.withLock { $0.append(line) } }))
        var held = (0..<10).map { _ in proxy.client() }
        for client in held {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.answer()?.status == 200)
        }
        for _ in 0..<5 { #expect(proxy.client().isClosed()) }
        #expect(messages.withLock { $0.count { $0.hasPrefix("connection limit reached: 10") } } == 1)
        held.removeAll()
        #expect(Harness.wait { proxy.server.state.connections == 0 })
        #expect(messages.withLock { $0.count } == 2)
        let again = proxy.client()
        again.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(again.answer()?.status == 200)
    }

    @Test("Workers share connections by handing them over")
    func handOver() throws {
        let origin = Origin(saying: "ok")
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])], workers: 2)
        // Until both have the generation, one takes all.
        #expect(Harness.wait { proxy.server.installed.allSatisfy { $0 == 1 } })
        let clients = (0..<40).map { _ in proxy.client() }
        for client in clients {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.answer()?.status == 200)
        }
        let counts = (0..<2).map { index in proxy.onWorker(index) { $0.connectionCount } }
        #expect(counts.reduce(0, +) == 40)
        #expect(abs(counts[0] - counts[1]) <= 2)
    }

    @Test("Draining finishes requests under way, says close, and ends idle connections")
    func drains() throws {
        let origin = Origin { request in
            if request.line.contains("/slow") { usleep(200_000) }
            return .answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let idle = proxy.client()
        idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(idle.answer()?.status == 200)
        let busy = proxy.client()
        busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(Harness.wait { origin.requests.count == 2 })
        let fresh = proxy.client()
        #expect(Harness.wait { proxy.server.state.connections == 3 })
        proxy.server.drain()
        #expect(idle.isClosed())
        // It came before the drain and had not sent its first request: that one is answered.
        fresh.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(fresh.answer()?.field("connection") == "close")
        let answer = try #require(busy.answer())
        #expect(answer.field("connection") == "close")
        #expect(busy.isClosed())
        let late = proxy.client()
        late.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(late.answer()?.field("connection") == "close")
    }

    @Test("Failures are posted to the outlier detector with their endpoint, and the first success behind them")
    func outliers() throws {
        let isWell = Locked(false)
        let origin = Origin { _ in
            .answer("HTTP/1.1 \(isWell.withLock { $0 } ? 200 : 503) X\r\nContent-Length: 0\r\n\r\n")
        }
        defer { origin.stop() }
        let signals = Locked<[OutlierSignal]>([])
        var cluster = Harness.cluster(ports: [origin.port])
        cluster.outlier = OutlierPolicy()
        let proxy = try Harness(
            clusters: [cluster], routes: [Harness.route(to: 0, retry: .none)],
            hooks: ProcessState.Hooks(onOutlier: { _, signal in signals.withLock { $0.append(signal) } }))
        let client = proxy.client()
        for good in [false, false, true, true] {
            isWell.withLock { $0 = good }
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.answer()?.status == (good ? 200 : 503))
        }
        #expect(signals.withLock { $0 } == [.failure(.gatewayError(503)), .failure(.gatewayError(503)), .success])
    }

    @Test("Passthrough goes where Host says: an address, a name; never back to this proxy")
    func passthrough() throws {
        let origin = Origin(saying: "through")
        defer { origin.stop() }
        let destination = Destination(cluster: .passthrough, weight: 1)
        let route = RouteSpec(
            name: "any", action: .forward(ForwardAction(destinations: [destination])), provenance: Harness.origin)
        let proxy = try Harness(clusters: [], routes: [route], role: .outbound)
        let client = proxy.client()
        for host in ["127.0.0.1:\(origin.port)", "localhost:\(origin.port)"] {
            client.send("POST / HTTP/1.1\r\nHost: \(host)\r\nContent-Length: 5\r\n\r\nhello")
            #expect(client.answer()?.text == "through")
        }
        #expect(origin.requests.allSatisfy { $0.body == Array("hello".utf8) })
        client.send("GET / HTTP/1.1\r\nHost: 127.0.0.1:\(proxy.port)\r\n\r\n")
        #expect(client.answer()?.status == 502)
        client.send("GET / HTTP/1.1\r\nHost: localhost:\(proxy.port)\r\n\r\n")
        #expect(client.answer()?.status == 502)
        client.send("GET / HTTP/1.1\r\nHost: 127.0.0.1:\(TestSocket.freePort())\r\n\r\n")
        #expect(client.answer()?.status == 503)
        client.send("GET / HTTP/1.1\r\nHost: no-such-name.invalid\r\n\r\n")
        #expect(client.answer()?.status == 503)
    }

    @Test("IPv6 and Unix sockets work on both sides")
    func families() throws {
        let path = "/tmp/outrider-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer {
            unlink(path + ".up")
            unlink(path + ".down")
        }
        let origin = Origin(saying: "ok", unix: path + ".up")
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(at: [.unix(path + ".up")])])
        let first = proxy.plan.listeners[0]
        proxy.plan.listeners = [
            first,
            ListenerSpec(
                name: "six", address: .ipv6(0, 1, port: 0, scope: 0), role: .gateway, routeConfiguration: 0,
                servicePort: 80),
            ListenerSpec(
                name: "unix", address: .unix(path + ".down"), role: .gateway, routeConfiguration: 0, servicePort: 80),
        ]
        proxy.publish()
        #expect(Harness.wait { proxy.server.installed.allSatisfy { $0 == proxy.number } })
        for entry in proxy.server.addresses {
            let client = RawClient(fd: try #require(TestSocket.connect(to: entry.bound)))
            for _ in 0..<3 {
                client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(client.answer()?.text == "ok")
            }
        }
        #expect(proxy.server.addresses.count == 3)
    }
}
