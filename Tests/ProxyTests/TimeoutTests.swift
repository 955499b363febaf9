import Clusters
import Glibc
import Loop
import Routing
import Telemetry
import Testing
import Wire

@testable import Proxy

/// Time is not waited for: what a connection remembers of the past is moved further back.
@Suite("Time-outs of connections")
struct TimeoutTests {
    @Test("A head that trickles in is 408 after its time, and an idle connection just ends")
    func heads() throws {
        let origin = Origin(saying: "ok")
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let slow = proxy.client()
        slow.send("GET / HTTP/1.1\r\nHost: ")
        let isBegun = Harness.wait {
            proxy.onWorker { worker in
                guard let connection = worker.connections.first as? HTTP1ServerConnection, connection.headSince != 0
                else {
                    return false
                }
                connection.onDeadline()
                guard !connection.isClosed, connection.phase == .head else { return false }
                connection.headSince = worker.loop.now &- UInt64(Limits.headTimeoutMilliseconds)
                connection.onDeadline()
                return true
            }
        }
        #expect(isBegun)
        #expect(slow.answer()?.status == 408)
        #expect(slow.isClosed())
        #expect(proxy.count(.downstreamHeadTimeouts) == 1)
        #expect(proxy.isIdle())

        let idle = proxy.client()
        idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(idle.answer()?.status == 200)
        proxy.onWorker { worker in
            guard let connection = worker.connections.first as? HTTP1ServerConnection else { return }
            connection.idleSince = worker.loop.now &- UInt64(Limits.downstreamIdleTimeoutMilliseconds)
            connection.onDeadline()
        }
        #expect(idle.isClosed())
        #expect(proxy.isIdle())
    }

    @Test("A client that takes no bytes for too long is cut off, and the request upstream with it")
    func stalledClient() throws {
        let origin = Origin { _ in
            .bytes(
                Array("HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n".utf8)
                    + [UInt8](repeating: 1, count: 50_000_000))
        }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let isCut = Harness.wait {
            proxy.onWorker { worker in
                guard let connection = worker.connections.first, connection.isFull else { return false }
                // The gauge tells what the client's answer holds.
                guard worker.metrics.value(.bufferBytes) >= Limits.pendingHighBytes else { return false }
                connection.stalledSince = worker.loop.now &- UInt64(Limits.writeStallTimeoutMilliseconds)
                connection.onDeadline()
                return true
            }
        }
        #expect(isCut)
        #expect(proxy.count(.downstreamWriteStalls) == 1)
        #expect(proxy.isIdle())
        #expect(
            Harness.wait {
                proxy.bufferBytes == 0 && proxy.count(.bufferBytes) == 0 && proxy.count(.upstreamConnections) == 0
            })
    }

    @Test("A request's body that stops coming is 408 after its time; one that waits for a slow origin has all the time")
    func stalledBody() throws {
        let origin = Origin(saying: "ok")
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        let isPastItsTime = Harness.wait {
            proxy.onWorker { worker in
                guard let connection = worker.connections.first as? HTTP1ServerConnection, connection.phase == .body,
                    connection.bodyLeft == 6
                else { return false }
                connection.movedAt = worker.loop.now &- UInt64(Limits.streamIdleTimeoutMilliseconds)
                connection.isPaused = true
                connection.onDeadline()
                guard connection.phase == .body else { return false }
                connection.resume(0)
                guard connection.deadline > worker.loop.now else { return false }
                connection.movedAt = worker.loop.now &- UInt64(Limits.streamIdleTimeoutMilliseconds)
                connection.onDeadline()
                return true
            }
        }
        #expect(isPastItsTime)
        #expect(client.answer()?.status == 408)
        #expect(client.isClosed())
        #expect(proxy.count(.downstreamStreamTimeouts) == 1)
        #expect(proxy.isIdle())
    }

    @Test("A client that ended its half is given up when its answer stops: nobody would ever notice that it is gone")
    func silentAnswer() throws {
        let origin = Origin { _ in .answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") }
        defer { origin.stop() }
        let proxy = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(Harness.wait { proxy.count(.downstreamBytesSent) > 0 })
        client.finishSending()
        let isPastItsTime = Harness.wait {
            proxy.onWorker { worker in
                guard let connection = worker.connections.first as? HTTP1ServerConnection, connection.isHungUp,
                    connection.deadline != .max
                else { return false }
                connection.onDeadline()
                guard !connection.isClosed else { return false }
                connection.movedAt = worker.loop.now &- UInt64(Limits.streamIdleTimeoutMilliseconds)
                connection.onDeadline()
                return true
            }
        }
        #expect(isPastItsTime)
        #expect(String(decoding: client.take(10_000), as: UTF8.self).hasSuffix("half"))
        #expect(client.isClosed())
        #expect(proxy.count(.downstreamStreamTimeouts) == 1)
        #expect(proxy.isIdle())
    }

    @Test("An origin that takes no bytes for too long is given up: 503 for the client")
    func stalledOrigin() throws {
        let (listener, port) = TestSocket.listen()
        defer { close(listener) }
        let proxy = try Harness(
            clusters: [Harness.cluster(ports: [port])], routes: [Harness.route(to: 0, retry: .none)])
        let client = proxy.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n")
        let fd = client.fd
        let sender = try Thread.start(name: "sender") {
            TestSocket.sendAll(fd, [UInt8](repeating: 1, count: 50_000_000))
        }
        let isCut = Harness.wait {
            proxy.onWorker { worker in
                guard let connection = worker.upstreams.connections.first ?? nil, connection.isFull else {
                    return false
                }
                connection.stalledSince = worker.loop.now &- UInt64(Limits.writeStallTimeoutMilliseconds)
                connection.onDeadline()
                worker.flush()
                return true
            }
        }
        #expect(isCut)
        #expect(client.answer()?.status == 503)
        sender.join()
        #expect(proxy.count(.upstreamWriteStalls) == 1)
        #expect(Harness.wait { proxy.count(.upstreamConnections) == 0 })
    }

    @Test("Idle upstream connections of a cluster end after its own idle time, whatever the others' is")
    func idleUpstreams() throws {
        let origins = [Origin(saying: "a"), Origin(saying: "b")]
        defer { for origin in origins { origin.stop() } }
        var short = Harness.cluster("short", ports: [origins[1].port])
        short.idleTimeoutMilliseconds = 1
        var toShort = Harness.route(to: 1)
        toShort.path = .prefix("/short", ignoreCase: false)
        let proxy = try Harness(
            clusters: [Harness.cluster("long", ports: [origins[0].port]), short],
            routes: [toShort, Harness.route(to: 0)])
        let client = proxy.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.answer()?.text == "a")
        #expect(Harness.wait { proxy.onWorker { $0.upstreams.deadline > $0.loop.now + 10_000 } })
        client.send("GET /short HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.answer()?.text == "b")
        #expect(Harness.wait { proxy.count(.upstreamConnections) == 1 })
    }
}
