import Clusters
import Glibc
import Loop
import Plan
import Routing
import Telemetry
import Wire

@testable import Clusters
@testable import Proxy

/// One worker whose loop is turned by hand, and a generation with a route of each kind.
final class Bed {
    let worker: Worker
    let origin: Origin
    /// Whether turns read what the client is sent.
    var readsAnswers = true
    private let state: ProcessState
    private let registry: SlotRegistry
    /// The proxy as an endpoint of its own, spoken to in HTTP/2.
    private let own: ListeningSocket
    private let answers = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    private let handlersAtRest: Int

    private static let remote = SocketAddress.ipv4(0x7F00_0001, port: 1)
    private static let place = Provenance(kind: "Fuzz", namespace: "", name: "", file: "", line: 0)

    init() {
        do {
            origin = try Origin()
            own = try ListeningSocket.bind(.unix(Origin.path("own")))
            state = try ProcessState(workers: 1, connectionsMax: 1000, hooks: ProcessState.Hooks())
            worker = try Worker(index: 0, shared: state)
        } catch {
            preconditionFailure("the bed is made: \(error)")
        }
        worker.random = RandomSource(seed: 1)
        state.workers = [WorkerHandle(worker)]
        registry = SlotRegistry(board: state.board)
        let plan = Self.plan(origin: origin.address, own: own.address)
        worker.install(
            Generation(
                number: 1, plan: plan, routes: RouteTable(plan.routeConfigurations),
                clusters: ClusterTable(specs: plan.clusters, registry: registry), listenerByID: [0],
                labels: state.labels))
        handlersAtRest = worker.loop.registeredCount
    }

    // MARK: - What is served

    private static func plan(origin: SocketAddress, own: SocketAddress) -> Plan {
        var plan = Plan(identity: ProxyIdentity(name: "fuzz", namespace: "default", mode: .gateway))
        plan.listeners = [
            ListenerSpec(
                name: "http.80", address: .ipv4(0x7F00_0001, port: 0), role: .gateway, routeConfiguration: 0,
                servicePort: 80)
        ]
        // Nobody reads the ring: lines are written until it is full, and dropped from then on.
        plan.settings.accessLogFile = "/dev/null"
        plan.clusters = [
            cluster("origin", at: origin), cluster("gone", at: .unix("/nowhere/at.all")),
            cluster("refused", at: .ipv4(0x7F00_0001, port: 1)), cluster("own", at: own, speaks: .http2),
            cluster("narrow", at: origin, limits: ClusterLimits(connectionsMax: 1, pendingMax: 1, requestsMax: 2)),
        ]
        let host = VirtualHostSpec(name: "all", domains: ["*"], routes: routes, provenance: place)
        plan.routeConfigurations = [RouteConfigurationSpec(name: "http", virtualHosts: [host])]
        return plan
    }

    private static func cluster(
        _ name: String, at address: SocketAddress, speaks: UpstreamProtocol = .http1,
        limits: ClusterLimits = ClusterLimits()
    ) -> ClusterSpec {
        ClusterSpec(
            name: name, host: name, port: 80, endpoints: [EndpointSpec(address: .socket(address))], limits: limits,
            speaks: speaks)
    }

    /// A path of one letter each, so that a fuzzer finds them; everything else goes to the origin, upgrades too.
    private static var routes: [RouteSpec] {
        let edits = HeaderOperations(
            remove: ["x-a"], set: [HeaderValue(name: "x-b", value: "%REQ(:path)%")],
            add: [HeaderValue(name: "x-c", value: "%PROTOCOL%")])
        var mirrored = forward(0)
        mirrored.mirrors = [Mirror(cluster: .index(0), partsPerMillion: 1_000_000)]
        mirrored.requestHeaders = edits
        var gone = forward(1)
        gone.retry = .none
        var own = forward(3)
        own.rewrite.uri = "/"
        return [
            route("d", .direct(DirectAction(status: 200, body: Array("direct".utf8))), edits),
            route("n", .direct(DirectAction(status: 204))),
            route("r", .redirect(RedirectAction(authority: "other", uri: "/there", status: 302))),
            route("m", .forward(mirrored), edits), route("g", .forward(gone)), route("f", .forward(forward(2))),
            route("h", .forward(own)), route("l", .forward(forward(4))),
            RouteSpec(name: "any", action: .forward(forward(0)), provenance: place),
        ]
    }

    private static func forward(_ cluster: Int) -> ForwardAction {
        ForwardAction(destinations: [Destination(cluster: .index(cluster), weight: 1)])
    }

    private static func route(_ letter: String, _ action: RouteAction, _ edits: HeaderOperations = HeaderOperations())
        -> RouteSpec
    {
        RouteSpec(
            name: letter, path: .prefix("/" + letter, ignoreCase: false), action: action, responseHeaders: edits,
            provenance: place)
    }

    // MARK: - A client

    /// The client's end of a connection that the worker has accepted.
    func connect() -> Int32 {
        guard let (client, server) = Socket.pair() else { preconditionFailure("descriptors have run out") }
        // Unix sockets are as wide as the sender's buffer says: an input fits, answers do not always.
        Socket.setBuffers(client, sendBytes: 1 << 18)
        Socket.setBuffers(server, sendBytes: 1 << 14)
        adopt(server)
        return client
    }

    private func adopt(_ fd: Int32) {
        precondition(state.admit(acceptedBy: 0) == 0, "there is room for a client")
        worker.adopt(fd, remote: Self.remote, listenerID: 0)
    }

    /// Sends all of it, unless the proxy has closed. False: it has, or reads no more.
    @discardableResult
    func send(_ client: Int32, _ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes[...]
        for _ in 0..<64 where !rest.isEmpty {
            let sent = Socket.send(client, UnsafeRawBufferPointer(rebasing: rest))
            if sent > 0 { rest = rest.dropFirst(sent) } else if sent != -Int(EAGAIN) { return false }
            if !rest.isEmpty { turn(client, 1) }
        }
        return rest.isEmpty
    }

    // MARK: - Turns

    /// Has everyone do what there is to do, so many times.
    func turn(_ client: Int32, _ count: Int) {
        for _ in 0..<count {
            turn()
            guard readsAnswers else { continue }
            while Socket.receive(client, into: answers) > 0 {}
        }
    }

    private func turn(waitMilliseconds: Int32 = 0) {
        worker.loop.turn(waitMilliseconds: waitMilliseconds)
        origin.serve()
        while case .accepted(let fd, _) = Socket.accept(own.fd) { adopt(fd) }
    }

    /// The client is gone, then the endpoints: everything that was under way ends, within a bounded number of turns. Requests of
    /// the client end first, while the endpoints are still there.
    func settle() {
        for _ in 0..<20 { turn() }
        origin.closeAll()
        // What is left is our own: connections from the proxy to itself, which are idle now.
        for connection in worker.connections.reversed() {
            precondition(connection is HTTP2ServerConnection, "\(connection) outlived its client")
            connection.abandon()
        }
        worker.flush()
        for round in 0..<400 {
            turn(waitMilliseconds: round < 100 ? 0 : 1)
            if fault == nil { return }
        }
        preconditionFailure(fault ?? "")
    }

    /// What is still under way, in words.
    private var fault: String? {
        for counter in [
            Counter.downstreamConnections, .downstreamRequestsActive, .upstreamConnections, .upstreamRequestsActive,
            .upstreamPending, .mirrorsActive,
        ] where worker.metrics.value(counter) != 0 {
            return "\(counter) is \(worker.metrics.value(counter)) when everyone is gone"
        }
        if worker.connectionCount != 0 || state.connections != 0 { return "a client connection is left" }
        if worker.mirrorsActive != 0 { return "a mirror copy is left" }
        if worker.buffers.bytesOut != 0 { return "\(worker.buffers.bytesOut) bytes of buffers are left" }
        if let use = worker.generation, use.active != 0 { return "\(use.active) hold the generation" }
        if worker.loop.registeredCount != handlersAtRest { return "a descriptor is still watched" }
        return worker.upstreams.pools.firstFault
    }
}
