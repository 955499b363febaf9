import Clusters
import Plan
import Routing
import TLS
import Telemetry
import Testing
import Wire

@testable import Proxy

@Suite("What is counted and logged of exchanges")
struct RecordTests {
    /// One worker with an inbound or outbound HTTP listener and a route for bytes, all to one cluster.
    final class Bench {
        let state: ProcessState
        let worker: Worker
        private let registry: SlotRegistry
        let bytes = TCPRouteSpec(
            destinations: [.init(cluster: .index(0))], idleTimeoutMilliseconds: 60_000, provenance: Harness.origin)

        init(ports: [UInt16], role: ListenerSpec.Role = .outbound) throws {
            state = try ProcessState(workers: 1, connectionsMax: 10, hooks: ProcessState.Hooks())
            worker = try Worker(index: 0, shared: state)
            state.workers = [WorkerHandle(worker)]
            registry = SlotRegistry(board: state.board)
            var plan = Plan(identity: ProxyIdentity(name: "web", namespace: "shop", mode: .sidecar))
            plan.settings.accessLogFile = "/dev/null"
            plan.listeners = [
                ListenerSpec(
                    name: "80", address: .ipv4(0x7F00_0001, port: 0), role: role, routeConfiguration: 0, servicePort: 80
                )
            ]
            plan.clusters = [Harness.cluster("outbound|80||db", ports: ports)]
            let host = VirtualHostSpec(
                name: "all", domains: ["*"], routes: [Harness.route(to: 0)], provenance: Harness.origin)
            plan.routeConfigurations = [RouteConfigurationSpec(name: "http", virtualHosts: [host])]
            worker.install(
                Generation(
                    number: 1, plan: plan, routes: RouteTable(plan.routeConfigurations),
                    clusters: ClusterTable(specs: plan.clusters, registry: registry), listenerByID: [0],
                    labels: state.labels))
        }

        func turn(until condition: () -> Bool) -> Bool {
            for _ in 0..<1000 {
                if condition() { return true }
                worker.loop.turn(waitMilliseconds: 10)
            }
            return condition()
        }

        var snapshot: Snapshot { Snapshot(state.metrics) }

        /// The log's lines since the last time.
        func lines() -> [String] {
            var bytes: [UInt8] = []
            while state.logRings[0].drain({ bytes += $0 }) {}
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    private static func message(_ count: Int) -> [UInt8] {
        [0] + withUnsafeBytes(of: UInt32(count).bigEndian) { Array($0) } + [UInt8](repeating: 7, count: count)
    }

    private static func call(_ type: String) -> String {
        "POST /shop.Cart/Add HTTP/1.1\r\nHost: db\r\nContent-Type: \(type)\r\nTransfer-Encoding: chunked\r\n\r\n"
    }

    // MARK: - gRPC

    @Test("Messages are counted however their bytes are cut")
    func messages() {
        let stream = [0, 1, 300, 5, 70_000, 0, 0, 4].flatMap(Self.message)
        for size in [1, 2, 3, 4, 5, 6, 7, 64, 1000, stream.count] {
            var counter = MessageCounter()
            var rest = stream[...]
            while !rest.isEmpty {
                rest.prefix(size).withUnsafeBytes { counter.add($0) }
                rest = rest.dropFirst(size)
            }
            #expect(counter.count == 8)
        }
        var counter = MessageCounter()
        ([1, 0xFF, 0xFF, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 5000)).withUnsafeBytes { counter.add($0) }
        #expect(counter.count == 1)
    }

    @Test(
        "A status that is no number counts as unknown",
        arguments: [("0", 0), ("14", 14), ("", 2), ("-1", 2), ("99999", 2), ("1x", 2)])
    func statuses(_ text: String, _ number: Int16) {
        #expect(Array(text.utf8).withUnsafeBytes { Tally.number($0) } == number)
    }

    @Test("A call is counted by the status in its trailers, and its messages by the two sides")
    func call() throws {
        let body = Self.message(3) + Self.message(0)
        let answer =
            Array("HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n".utf8)
            + body + Array("\r\n0\r\ngrpc-status: 7\r\n\r\n".utf8)
        let origin = Origin { _ in .bytes(answer) }
        defer { origin.stop() }
        let bench = try Bench(ports: [origin.port])
        let peer = FakePeer(bench.worker)
        peer.begin(1, Self.call("application/grpc+proto"))
        peer.data(1, Self.message(100))
        peer.end(1)
        #expect(bench.turn { peer.streams[1]?.isOver == true })
        let key = try #require(bench.snapshot.series.keys.first)
        #expect(bench.snapshot.series.count == 1)
        #expect(key.wireProtocol == .grpc && key.responseCode == 200 && key.grpcStatus == 7)
        #expect(key.reporter == .source && key.security == .unknown)
        let messages = try #require(bench.snapshot.messages[key.sides])
        #expect(messages.request == 1 && messages.response == 2)
        #expect(bench.worker.metrics.value(.upstreamRequestsActive) == 0)
        #expect(bench.worker.metrics.value(.upstreamBytesReceived) == answer.count)
        #expect(bench.worker.metrics.value(.upstreamBytesSent) > 105)
    }

    @Test("A call that lasts is told of before its end, and nothing is told twice")
    func longCall() throws {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\ngrpc-status: 0\r\n\r\n"
        let origin = Origin { _ in .answer(head) }
        defer { origin.stop() }
        let bench = try Bench(ports: [origin.port])
        let peer = FakePeer(bench.worker)
        peer.begin(1, Self.call("application/grpc"))
        peer.data(1, Self.message(1) + Self.message(1))
        let exchange = try #require(peer.streams[1]?.exchange)
        #expect(exchange.tally.reportAt != .max)
        exchange.report()
        #expect(exchange.tally.reportAt == .max)
        #expect(bench.snapshot.messages.values.first?.request == 2)
        #expect(bench.snapshot.series.isEmpty)
        peer.data(1, Self.message(1))
        peer.end(1)
        #expect(bench.turn { peer.streams[1]?.isOver == true })
        #expect(bench.snapshot.messages.count == 1)
        #expect(bench.snapshot.messages.values.first?.request == 3)
        #expect(bench.snapshot.series.keys.first?.grpcStatus == 0)
    }

    @Test("The proxy's own answer to a call has a status of gRPC, and its reason is counted")
    func ownAnswer() throws {
        let bench = try Bench(ports: [])
        let peer = FakePeer(bench.worker)
        peer.begin(1, "POST / HTTP/1.1\r\nHost: db\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n")
        #expect(bench.turn { peer.streams[1]?.isOver == true })
        let key = try #require(bench.snapshot.series.keys.first)
        #expect(key.wireProtocol == .grpc && key.grpcStatus == 14)
        let reason = LocalAnswers.reason("no_healthy_upstream")
        #expect(bench.worker.metrics.value(.localAnswer, reason: reason) == 1)
        #expect("\(LocalAnswers.reasons[reason])" == "no_healthy_upstream")
        #expect("\(LocalAnswers.reasons[LocalAnswers.reason("never heard of")])" == "other")
    }

    @Test("What only begins like gRPC is HTTP", arguments: ["application/grpc-web", "application/grpcx", "text/plain"])
    func other(_ type: String) throws {
        let bench = try Bench(ports: [])
        let peer = FakePeer(bench.worker)
        peer.begin(1, Self.call(type))
        peer.data(1, Self.message(1))
        peer.leave(1)
        _ = bench.turn { bench.worker.metrics.value(.downstreamRequestsActive) == 0 }
        #expect(bench.snapshot.series.keys.allSatisfy { $0.wireProtocol == .http && $0.grpcStatus == nil })
        #expect(bench.snapshot.messages.isEmpty)
    }

    // MARK: - Connections of bytes

    @Test(
        "A connection of bytes is counted where it goes, its bytes while it lasts, and its line has nothing of another's"
    )
    func connection() throws {
        let origin = Origin(saying: "hello")
        defer { origin.stop() }
        let bench = try Bench(ports: [origin.port])
        let peer = FakePeer(bench.worker)
        // Its exchange is used again by the connection.
        peer.begin(1, "GET /secret HTTP/1.1\r\nHost: other.example\r\nUser-Agent: someone\r\n\r\n")
        #expect(bench.turn { peer.streams[1]?.isOver == true })
        #expect(bench.lines().first?.contains("\"GET /secret HTTP/1.1\" 200 - via_upstream - \"-\"") == true)

        let exchange = bench.worker.takeExchange()
        peer.streams[0] = FakePeer.Stream(exchange: exchange)
        exchange.beginTCP(peer, route: bench.bytes, listener: 0)
        let open = try #require(bench.snapshot.connections.keys.first)
        #expect(bench.state.labels.all().destinations[open.destination].service == "outbound|80||db")
        #expect(open.isTCP && open.flags.isEmpty)
        #expect(bench.snapshot.connections[open]?.opened == 1)

        let request = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        peer.data(0, request)
        #expect(bench.turn { peer.streams[0]?.body.suffix(5) == Array("hello".utf8)[...] })
        #expect(exchange.tally.reportAt != .max && exchange.deadline <= exchange.tally.reportAt)
        exchange.report()
        let sent = UInt64(peer.streams[0]?.body.count ?? 0)
        let told = try #require(bench.snapshot.connections[open])
        #expect(told.receivedBytes == UInt64(request.count) && told.sentBytes == sent && told.closed == 0)

        peer.leave(0)
        let totals = bench.snapshot.connections.values
        #expect(totals.reduce(0) { $0 + $1.opened } == 1)
        #expect(totals.reduce(0) { $0 + $1.closed } == 1)
        #expect(totals.reduce(0) { $0 + $1.receivedBytes } == UInt64(request.count))
        #expect(totals.reduce(0) { $0 + $1.sentBytes } == sent)
        let line = try #require(bench.lines().first)
        #expect(line.contains("] \"- - -\" 0 DC downstream_remote_disconnect - \"-\" \(request.count) \(sent) "))
        #expect(
            line.contains(
                " \"-\" \"-\" \"-\" \"-\" \"127.0.0.1:\(origin.port)\" outbound|80||db - 127.0.0.1:1 127.0.0.1:1 - -"))
        #expect(bench.worker.metrics.value(.upstreamRequestsActive) == 0)
    }

    // MARK: - Bytes of connections

    @Test("Bytes of clients' and endpoints' connections are counted to the byte")
    func bytes() throws {
        let origin = Origin(saying: "hello")
        defer { origin.stop() }
        let harness = try Harness(clusters: [Harness.cluster(ports: [origin.port])])
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        let client = harness.client()
        client.send(request)
        #expect(client.answer()?.body == Array("hello".utf8))
        #expect(harness.count(.downstreamBytesReceived) == request.utf8.count)
        #expect(harness.count(.upstreamBytesReceived) == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".utf8.count)
        // The client may have its answer before the worker has counted it.
        #expect(Harness.wait { harness.count(.downstreamBytesSent) > 0 })
        #expect(harness.count(.downstreamBytesSent) > harness.count(.upstreamBytesReceived))
        #expect(harness.count(.upstreamBytesSent) > request.utf8.count)
    }

    // MARK: - Labels

    @Test("An endpoint of the mesh has the principal that is demanded of it, where there is one; a plain one has none")
    func principals() throws {
        let sets = LabelSets()
        var plan = Plan(identity: ProxyIdentity(name: "web", namespace: "shop", mode: .sidecar))
        func cluster(_ name: String, _ names: [String]) -> ClusterSpec {
            var cluster = ClusterSpec(name: name, host: name, port: 80, serviceNamespace: "shop")
            for (port, isPlain) in [(1, false), (2, true)] as [(UInt16, Bool)] {
                cluster.endpoints.append(
                    EndpointSpec(address: .socket(.ipv4(0x7F00_0001, port: port)), isPlain: isPlain))
            }
            cluster.tls = TLSClientSettings(subjectAltNames: names, isMesh: true)
            return cluster
        }
        let account = "spiffe://cluster.local/ns/data/sa/db"
        plan.clusters = [cluster("one", [account]), cluster("two", [account, account + "2"])]
        let table = ClusterTable(specs: plan.clusters, registry: SlotRegistry(board: Board(workers: 1)))
        let labels = GenerationLabels(plan: plan, clusters: table, sets: sets)
        let all = sets.all()
        let workloads = (0..<4).map { all.destinations[labels.destination(cluster: 0, endpoint: $0)].workload }
        #expect(workloads.map(\.principal) == [account, "unknown", "unknown", "unknown"])
        #expect(workloads.map(\.namespace) == ["data", "shop", "shop", "shop"])
        // No certificate of ours could be had, so nothing is claimed of it.
        #expect(all.sources[labels.source(endpoint: 0)].principal == "unknown")
        #expect(all.destinations[labels.destination(cluster: -2, endpoint: -1)].serviceName == "PassthroughCluster")
        #expect(labels.destination(cluster: -1, endpoint: -1) == 0)
        let own = all.destinations[labels.inboundDestination(cluster: -1, endpoint: -1, isSecured: true)]
        #expect(own.workload.workload == "web" && own.workload.principal == "unknown")
    }
}
