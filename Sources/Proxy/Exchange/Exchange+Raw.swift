import Clusters
import HTTP1
import Plan
import Routing
import Telemetry
import Wire

// Exchanges of bytes: CONNECT, where a connection to the destination is the answer, and TCP routes, where there is no request.
extension Exchange {
    // MARK: - CONNECT

    /// A CONNECT is served where clients use the proxy as their proxy; elsewhere nothing matches it, as in Envoy. False: answered.
    func admitConnect() -> Bool {
        guard role == .proxyPort, isRequestComplete else {
            outcome = Outcome(.config, .route, .missing)
            details = "route_not_found"
            reply(status: 404, body: "")
            return false
        }
        isConnect = true
        requestHead.path = requestHead.append("/")
        return true
    }

    /// The destination's rule answers by itself: there is nothing to connect to.
    func refuseConnect() {
        outcome = Outcome(.config, .route, .denied)
        details = "connect_not_allowed"
        reply(status: 403, body: "")
    }

    // MARK: - TCP routes

    /// Starts a connection of bytes: chooses its destination for its life, and connects.
    func beginTCP(_ connection: ServerConnection, route: TCPRouteSpec, listener position: Int) {
        isActive = true
        isTCP = true
        downstream = connection
        stream = 0
        startedNanoseconds = worker.loop.nowNanoseconds
        // It may be another request's, whose Host would be the server name of TLS with the endpoint.
        requestHead.reset()
        requestHeadBytes = 0
        tally.beginConnection()
        details = "-"
        guard let current = worker.generation else { return }
        current.begin()
        use = current
        listener = position
        role = worker.listenerRole(position)
        draw = worker.random.next()
        requestFraming = .untilClose
        isTunnel = true
        tunnelIdleMilliseconds = route.idleTimeoutMilliseconds
        makeTee()
        guard case .index(let index) = Self.choose(route.destinations, draw: draw) else {
            extraFlags = .noCluster
            details = "cluster_not_found"
            return endTCP()
        }
        clusterIndex = index
        attempts = 1
        let failure = call.start(
            cluster: index, of: current, head: requestHead, framing: .untilClose, end: false, avoidTried: false,
            isRaw: true)
        lastEndpoint = call.endpointIndex
        countOpening()
        if let failure { attemptFailed(failure) }
    }

    private static func choose(_ destinations: [TCPRouteSpec.Destination], draw: UInt64) -> ClusterReference {
        let total = destinations.reduce(0) { $0 + max($1.weight, 0) }
        guard total > 0, destinations.count > 1 else { return destinations.first?.cluster ?? .unknown("") }
        var left = Int(truncatingIfNeeded: (draw >> 1) % UInt64(total))
        for destination in destinations {
            left -= max(destination.weight, 0)
            if left < 0 { return destination.cluster }
        }
        return destinations[destinations.count - 1].cluster
    }

    /// Bytes may flow.
    func rawConnected() {
        guard isActive, !isAnswerStarted else { return }
        if isConnect {
            let head = worker.responseHead
            LocalReply.fill(head, status: 200, bodyBytes: 0)
            status = 200
            isAnswerStarted = true
            openTunnel()
            addServerFields(head)
            downstream?.sendHead(stream, head, framing: .untilClose, end: false)
        } else {
            isAnswerStarted = true
            tunnelActiveAt = worker.loop.now
            armTunnel()
        }
    }

    /// Ends a connection of bytes that came to nothing.
    func endTCP() {
        isAnswerComplete = true
        downstream?.reset(stream, .aborted)
        finish(tellsDownstream: false)
    }
}
