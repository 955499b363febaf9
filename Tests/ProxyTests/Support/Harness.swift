import Clusters
import Loop
import Plan
import Proxy
import Routing
import Telemetry
import Wire

/// A proxy in this process: one listener on a free port, routes and clusters as the test says.
final class Harness {
    let server: ProxyServer
    private let registry: SlotRegistry
    private var number = 0
    var plan: Plan

    init(
        clusters: [ClusterSpec], routes: [RouteSpec]? = nil, role: ListenerSpec.Role = .gateway, workers: Int = 1,
        connectionsMax: Int = 1000
    ) throws {
        plan = Plan(identity: ProxyIdentity(name: "test", namespace: "default", mode: .gateway))
        plan.listeners = [
            ListenerSpec(
                name: "http.80", address: .ipv4(0x7F00_0001, port: 0), role: role, routeConfiguration: 0, servicePort: 80)
        ]
        plan.clusters = clusters
        let host = VirtualHostSpec(
            name: "all", domains: ["*"], routes: routes ?? [Self.route(to: 0)], provenance: Self.origin)
        plan.routeConfigurations = [RouteConfigurationSpec(name: "http", virtualHosts: [host])]
        server = try ProxyServer(workers: workers, connectionsMax: connectionsMax)
        registry = SlotRegistry(board: server.state.board)
        publish()
    }

    deinit { server.shutdown() }

    /// Publishes `plan` as the next generation.
    func publish() {
        number += 1
        let table = ClusterTable(specs: plan.clusters, registry: registry)
        _ = server.publish(
            number: number, plan: plan, routes: RouteTable(plan.routeConfigurations), clusters: table)
    }

    var port: UInt16 { server.addresses[0].bound.port }
    func client() -> RawClient { RawClient(port: port) }
    func count(_ counter: Counter) -> Int { server.state.metrics.reduce(0) { $0 + $1.value(counter) } }

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

    static func cluster(_ name: String = "up", ports: [UInt16], limits: ClusterLimits = ClusterLimits()) -> ClusterSpec {
        ClusterSpec(
            name: name, host: name, port: 80,
            endpoints: ports.map { EndpointSpec(address: .socket(.ipv4(0x7F00_0001, port: $0))) }, limits: limits)
    }
}
