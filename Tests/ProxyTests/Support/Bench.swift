import Clusters
import HTTP1
import Loop
import Plan
import Routing
import Telemetry
import Wire

@testable import Proxy

/// One worker whose loop the test turns by hand, so that an exchange can be driven input by input.
final class Bench {
    let state: ProcessState
    let worker: Worker
    private let registry: SlotRegistry

    init(ports: [UInt16], route: RouteSpec = Harness.route(to: 0), limits: ClusterLimits = ClusterLimits()) throws {
        state = try ProcessState(workers: 1, connectionsMax: 10, hooks: ProcessState.Hooks())
        worker = try Worker(index: 0, shared: state)
        state.workers = [WorkerHandle(worker)]
        registry = SlotRegistry(board: state.board)
        var plan = Plan(identity: ProxyIdentity(name: "test", namespace: "default", mode: .gateway))
        plan.listeners = [
            ListenerSpec(
                name: "http.80", address: .ipv4(0x7F00_0001, port: 0), role: .gateway, routeConfiguration: 0,
                servicePort: 80)
        ]
        plan.clusters = [Harness.cluster(ports: ports, limits: limits)]
        let host = VirtualHostSpec(name: "all", domains: ["*"], routes: [route], provenance: Harness.origin)
        plan.routeConfigurations = [RouteConfigurationSpec(name: "http", virtualHosts: [host])]
        worker.install(
            Generation(
                number: 1, plan: plan, routes: RouteTable(plan.routeConfigurations),
                clusters: ClusterTable(specs: plan.clusters, registry: registry), listenerByID: [0],
                labels: state.labels))
    }

    /// Turns the loop until something is so, for at most ten seconds.
    func turn(until condition: () -> Bool) -> Bool {
        for _ in 0..<1000 {
            if condition() { return true }
            worker.loop.turn(waitMilliseconds: 10)
        }
        return condition()
    }

    func turn(_ count: Int) { for _ in 0..<count { worker.loop.turn(waitMilliseconds: 1) } }
}

/// A client with many streams on one connection, without a socket: it notes each command that exchanges give it.
final class FakePeer: ServerConnection {
    struct Stream {
        var exchange: Exchange?
        var interim: [UInt16] = []
        var status: UInt16 = 0
        var body: [UInt8] = []
        var isEnded = false
        var isReset = false
        var isOver = false
        var isPaused = false
        var pauses = 0
    }

    var streams: [UInt32: Stream] = [:]
    /// Data beyond this many bytes is refused until the test lets it flow.
    var window = Int.max

    convenience init(_ worker: Worker) {
        let address = SocketAddress.ipv4(0x7F00_0001, port: 1)
        self.init(
            worker: worker, fd: -1, client: Client(listenerID: 0, id: 1, remote: address, local: address))
    }

    /// Begins a request, as a connection does with a head that it parsed.
    func begin(_ stream: UInt32, _ text: String) {
        let exchange = worker.takeExchange()
        var framing = BodyFraming.none
        Array(text.utf8).withUnsafeBytes { bytes in
            guard case .complete(_, let parsed, _) = RequestHead.parse(bytes, into: exchange.requestHead) else {
                preconditionFailure("the test's head is whole")
            }
            framing = parsed
        }
        streams[stream] = Stream(exchange: exchange)
        exchange.begin(self, stream: stream, framing: framing, end: framing == .none)
        worker.flush()
    }

    func data(_ stream: UInt32, _ bytes: [UInt8]) {
        bytes.withUnsafeBytes { streams[stream]?.exchange?.requestData($0) }
        worker.flush()
    }

    func end(_ stream: UInt32) {
        streams[stream]?.exchange?.requestEnd(trailers: nil)
        worker.flush()
    }

    func leave(_ stream: UInt32) {
        let exchange = streams[stream]?.exchange
        streams[stream]?.exchange = nil
        exchange?.requestReset(.disconnected)
    }

    override func sendInformational(_ stream: UInt32, _ head: Head) { streams[stream]?.interim.append(head.status) }
    override func sendHead(_ stream: UInt32, _ head: Head, framing: BodyFraming, end: Bool) {
        streams[stream]?.status = head.status
        streams[stream]?.isEnded = end
    }
    override func sendData(_ stream: UInt32, _ bytes: UnsafeRawBufferPointer, end: Bool) -> Bool {
        streams[stream]?.body += bytes
        if end { streams[stream]?.isEnded = true }
        return (streams[stream]?.body.count ?? 0) < window
    }
    override func sendEnd(_ stream: UInt32, trailers: Head?) { streams[stream]?.isEnded = true }
    override func reset(_ stream: UInt32, _ reason: ResetReason) {
        streams[stream]?.isReset = true
        streams[stream]?.exchange = nil
    }
    override func pause(_ stream: UInt32) {
        streams[stream]?.isPaused = true
        streams[stream]?.pauses += 1
    }
    override func resume(_ stream: UInt32) { streams[stream]?.isPaused = false }
    override func exchangeEnded(_ stream: UInt32) {
        streams[stream]?.isOver = true
        streams[stream]?.exchange = nil
    }
    override func flushStream() {}
}

/// A filter that suspends every request that carries `x-wait`, and remembers it.
final class SuspendingFilter: Filter {
    var suspended: [Exchange] = []

    override func onRequest(_ exchange: Exchange) -> Verdict {
        let name: StaticString = "x-wait"
        let spelling = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        guard exchange.requestHead.firstIndex(named: spelling) != nil else { return .proceed }
        suspended.append(exchange)
        return .suspend
    }
}
