import Clusters
import Glibc
import Loop
import Plan
@testable import Proxy
import Routing
import Telemetry
import Wire

/// A proxy in this process: one listener on a free port, routes and clusters as the test says.
final class Harness {
    let server: ProxyServer
    let registry: SlotRegistry
    private(set) var number = 0
    var plan: Plan

    init(
        clusters: [ClusterSpec], routes: [RouteSpec]? = nil, role: ListenerSpec.Role = .gateway, workers: Int = 1,
        connectionsMax: Int = 1000, hooks: ProcessState.Hooks = ProcessState.Hooks()
    ) throws {
        plan = Plan(identity: ProxyIdentity(name: "test", namespace: "default", mode: .gateway))
        plan.listeners = [
            ListenerSpec(
                name: "http.80", address: .ipv4(0x7F00_0001, port: 0), role: role, routeConfiguration: 0,
                servicePort: 80)
        ]
        plan.clusters = clusters
        let host = VirtualHostSpec(
            name: "all", domains: ["*"], routes: routes ?? [Self.route(to: 0)], provenance: Self.origin)
        plan.routeConfigurations = [RouteConfigurationSpec(name: "http", virtualHosts: [host])]
        server = try ProxyServer(workers: workers, connectionsMax: connectionsMax, hooks: hooks)
        registry = SlotRegistry(board: server.state.board)
        publish()
    }

    deinit { server.shutdown() }

    /// Publishes `plan` as the next generation.
    @discardableResult
    func publish() -> [ProxyServer.ListenerProblem] {
        number += 1
        let table = ClusterTable(specs: plan.clusters, registry: registry)
        return server.publish(
            number: number, plan: plan, routes: RouteTable(plan.routeConfigurations), clusters: table)
    }

    /// Publishes a generation with other routes.
    func setRoutes(_ routes: [RouteSpec]) {
        plan.routeConfigurations = [
            RouteConfigurationSpec(
                name: "http",
                virtualHosts: [VirtualHostSpec(name: "all", domains: ["*"], routes: routes, provenance: Self.origin)])
        ]
        publish()
        _ = Self.wait { server.installed.allSatisfy { $0 == number } }
    }

    var port: UInt16 { server.addresses[0].bound.port }
    func client() -> RawClient { RawClient(port: port) }
    func count(_ counter: Counter) -> Int { server.state.metrics.reduce(0) { $0 + $1.value(counter) } }

    /// Runs `body` on a worker's thread and waits for what it returns.
    func onWorker<Value: Sendable>(_ index: Int = 0, _ body: @escaping @Sendable (Worker) -> Value) -> Value {
        let result = Locked<Value?>(nil)
        server.state.workers[index].post { worker in
            let value = body(worker)
            result.withLock { $0 = value }
        }
        _ = Self.wait { result.withLock { $0 != nil } }
        return result.withLock { $0! }
    }

    /// Bytes of buffers that all workers use now.
    var bufferBytes: Int { (0..<server.state.workers.count).reduce(0) { $0 + onWorker($1) { $0.buffers.bytesOut } } }

    /// Waits for something that happens on another thread, at most ten seconds.
    static func wait(_ condition: () -> Bool) -> Bool {
        for _ in 0..<10_000 {
            if condition() { return true }
            usleep(1000)
        }
        return condition()
    }

    /// Everything that is counted while it is under way has ended: nothing leaked.
    func isIdle() -> Bool {
        Self.wait {
            count(.downstreamRequestsActive) == 0 && count(.upstreamPending) == 0 && count(.mirrorsActive) == 0
                && count(.downstreamConnections) == 0
        }
    }

    static let origin = Provenance(kind: "Test", namespace: "", name: "", file: "test.yaml", line: 1)

    static func route(
        to cluster: Int, retry: RetryPolicy = .istioDefault, timeoutMilliseconds: Int? = nil, mirrors: [Mirror] = []
    ) -> RouteSpec {
        var action = ForwardAction(destinations: [Destination(cluster: .index(cluster), weight: 1)])
        action.retry = retry
        action.timeoutMilliseconds = timeoutMilliseconds
        action.mirrors = mirrors
        return RouteSpec(name: "test", action: .forward(action), provenance: origin)
    }

    static func cluster(_ name: String = "up", at addresses: [SocketAddress]) -> ClusterSpec {
        ClusterSpec(name: name, host: name, port: 80, endpoints: addresses.map { EndpointSpec(address: .socket($0)) })
    }

    static func cluster(_ name: String = "up", ports: [UInt16], limits: ClusterLimits = ClusterLimits()) -> ClusterSpec
    {
        ClusterSpec(
            name: name, host: name, port: 80,
            endpoints: ports.map { EndpointSpec(address: .socket(.ipv4(0x7F00_0001, port: $0))) }, limits: limits)
    }
}
