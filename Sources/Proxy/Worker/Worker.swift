import Clusters
import HTTP1
import HTTP2
import Loop
import Plan
import Routing
import TLS
import Telemetry
import Wire

/// One thread of the data path: its loop, its client connections, its upstream pools, its buffers, its counters. Nothing in it is
/// touched by another thread; others post to its loop.
package final class Worker {
    package let index: Int
    package let loop: EventLoop
    package let metrics: WorkerMetrics
    let shared: ProcessState
    let board: Board
    let buffers: BufferPool
    let http2: HTTP2Pools
    /// Sessions with endpoints that may be resumed.
    let tlsSessions = TLSSessionCache()
    private(set) var upstreams: Upstreams!
    var random = RandomSource()
    /// Run for each request behind routing.
    var filters: [Filter] = []

    // MARK: Scratch memory, used within one call only

    let readScratch = UnsafeMutableRawBufferPointer.allocate(byteCount: Limits.scratchBytes, alignment: 64)
    /// Where writes gather; whose they are.
    let output = Buffer(capacity: Limits.outputBytes)
    /// What TLS makes of them, on its way to the socket.
    let ciphertext = Buffer(capacity: Limits.ciphertextBytes)
    var outputOwner: Unmanaged<Connection>?
    var requestHead = Head()
    var responseHead = Head()
    let trailers = Head(storageCapacity: 256)
    private var date = HTTPDate()

    // MARK: The generation

    private(set) var generation: GenerationUse?
    /// Retired, not used by any request, and not handed back yet.
    private var unusedGenerations: [Int] = []
    private var listenerByID: [Int] = []
    private(set) var listeners = ListenerTable(
        Plan(identity: .init(name: "", namespace: "", mode: .sidecar)), contexts: TLSContexts())
    private(set) var pathNormalization = PathNormalization.base
    private(set) var trustedProxies = 0
    private(set) var protocolDetectionTimeoutMilliseconds = 0
    private(set) var logsAccess = false
    private var balancers: [Balancer] = []

    // MARK: What is under way

    private var freeExchanges: [Exchange] = []
    private(set) var connections: [ServerConnection] = []
    private var copies: [MirrorCopy] = []
    private var acceptors: [Acceptor] = []
    package private(set) var isDraining = false
    private var nextConnectionID: UInt64

    let logRing: LogRing
    private let logWaker: LogWaker
    /// Where an access-log line is put together: too long for the stack.
    let logLine = UnsafeMutableRawBufferPointer.allocate(byteCount: Limits.logLineBytesMax, alignment: 1)
    let reserve: DescriptorReserve

    package init(index: Int, shared: ProcessState) throws(LoopError) {
        self.index = index
        self.shared = shared
        board = shared.board
        metrics = shared.metrics[index]
        buffers = BufferPool(gauge: metrics.cell(of: .bufferBytes), of: metrics)
        http2 = HTTP2Pools(buffers: buffers)
        loop = try EventLoop()
        reserve = try DescriptorReserve()
        logRing = shared.logRings[index]
        logWaker = LogWaker(shared)
        nextConnectionID = UInt64(index)
        upstreams = Upstreams(worker: self, pools: WorkerPools(worker: index, board: board))
    }

    deinit {
        readScratch.deallocate()
        logLine.deallocate()
        date.free()
    }

    /// Sends what gathered for whichever connection it is.
    func flush() { outputOwner?._withUnsafeGuaranteedRef { $0.flush() } }

    /// The `date` field's value now.
    func dateText() -> UnsafeRawBufferPointer { date.text(realtimeMilliseconds: loop.realtimeMilliseconds) }

    // MARK: - Exchanges and calls

    func takeExchange() -> Exchange {
        metrics.add(.downstreamRequestsActive)
        if let exchange = freeExchanges.popLast() { return exchange }
        return Exchange(worker: self)
    }

    func give(_ exchange: Exchange) {
        metrics.subtract(.downstreamRequestsActive)
        exchange.reset()
        if freeExchanges.count < Limits.pooledExchangesMax {
            freeExchanges.append(exchange)
        } else {
            giveCall(exchange.call)
            // Freed when whoever is at work with it has returned: the ready queue holds it until the next turn.
            loop.deregister(exchange)
            loop.makeReady(exchange)
        }
    }

    func makeCall() -> UpstreamCall { upstreams.makeCall() }
    func giveCall(_ call: UpstreamCall) { upstreams.giveCall(call) }

    var mirrorsActive: Int { copies.count }

    func insert(_ copy: MirrorCopy) {
        copy.registryIndex = copies.count
        copies.append(copy)
    }

    func remove(_ copy: MirrorCopy) {
        let index = copy.registryIndex
        guard index >= 0 else { return }
        copies.swapAt(index, copies.count - 1)
        copies[index].registryIndex = index
        copies.removeLast()
        copy.registryIndex = -1
    }

    // MARK: - Upstreams

    /// An endpoint of the cluster, as its index in the table; -1: none is healthy.
    func pick(_ cluster: ClusterRecord, _ table: ClusterTable, excluding tried: TriedHosts) -> Int {
        let slot = Int(cluster.slot)
        switch balancers[slot].pick(
            cluster: cluster, table: table, board: board, loads: upstreams.pools.loads, draw: random.next(),
            excluding: tried)
        {
        case .endpoint(let index): return Int(index)
        case .none: return -1
        }
    }

    func acquireRetry(_ cluster: ClusterRecord, reachedEndpoint: Bool) -> Bool {
        RetryBudget.tryAcquire(cluster, board: board, reachedEndpoint: reachedEndpoint)
    }

    func releaseRetry(_ cluster: ClusterRecord) { RetryBudget.release(cluster, board: board) }

    /// Tells the outlier detector what happened to an attempt, if that says anything.
    func observe(_ event: OutlierSignal.Event, endpoint: Int32, cluster: ClusterRecord?) {
        guard let cluster, endpoint >= 0, let signal = OutlierSignal.classify(event, cluster: cluster),
            signal.mustBePosted(endpoint: endpoint, board: board)
        else { return }
        shared.onOutlier(endpoint, signal)
    }

    func poke(_ workers: UInt64, cluster: Int32) {
        for number in 0..<shared.workers.count where workers & (1 &<< UInt64(number)) != 0 {
            shared.workers[number].poked(cluster: cluster)
        }
    }

    func isOwnListener(_ address: SocketAddress) -> Bool { shared.listens(on: address) }

    // MARK: - Client connections

    /// A socket that was accepted, here or by another worker.
    func adopt(_ fd: Int32, remote: SocketAddress, listenerID: Int) {
        let local = Socket.localAddress(fd) ?? remote
        nextConnectionID += UInt64(shared.metrics.count)
        let client = Client(listenerID: listenerID, id: nextConnectionID, remote: remote, local: local)
        Socket.setNoDelay(fd)
        let position = listenerPosition(listenerID)
        if position < 0 || listeners.listeners[position].isPlainHTTP {
            client.facts.application = .http
            let connection = HTTP1ServerConnection(worker: self, fd: fd, client: client)
            guard enter(connection) else { return }
            connection.begin()
            if isDraining { connection.drain() }
        } else {
            let arrival = Arrival(worker: self, fd: fd, client: client)
            guard enter(arrival) else { return }
            arrival.begin(listeners.listeners[position].inspection)
        }
    }

    /// Watches a connection and puts it into the list. False: the kernel refuses; it is closed.
    private func enter(_ connection: ServerConnection) -> Bool {
        guard loop.register(connection, fd: connection.fd) else {
            _ = Socket.close(connection.fd)
            shared.connectionEnded(worker: index)
            return false
        }
        connection.registryIndex = connections.count
        connections.append(connection)
        metrics.add(.downstreamConnections)
        return true
    }

    /// Has another connection serve a client's socket from now on.
    func replace(_ old: ServerConnection, with new: ServerConnection) {
        connections[old.registryIndex] = new
        new.registryIndex = old.registryIndex
        old.registryIndex = -1
        new.takeOver(old)
        new.begin()
    }

    func remove(_ connection: ServerConnection) {
        let index = connection.registryIndex
        guard index >= 0 else { return }
        connections.swapAt(index, connections.count - 1)
        connections[index].registryIndex = index
        connections.removeLast()
        connection.registryIndex = -1
        metrics.subtract(.downstreamConnections)
        shared.connectionEnded(worker: self.index)
    }

    var connectionCount: Int { connections.count }

    // MARK: - Generations

    /// Installs a generation between two batches: requests that begin from now on use it.
    func install(_ next: Generation) {
        let use = GenerationUse(next) { [unowned(unsafe) self] unused in
            unusedGenerations.append(unused.generation.number)
            handBackGenerations()
        }
        let previous = generation
        generation = use
        listeners = next.listeners
        listenerByID = next.listenerByID
        pathNormalization = next.plan.settings.pathNormalization
        protocolDetectionTimeoutMilliseconds = next.plan.settings.protocolDetectionTimeoutMilliseconds
        trustedProxies = next.plan.settings.trustedProxies
        logsAccess = !next.plan.settings.accessLogFile.isEmpty
        while balancers.count < Int(next.clusters.clusterSlotsEnd) { balancers.append(Balancer(seed: random.next())) }
        upstreams.install(next.clusters)
        updateAcceptors()
        previous?.retire()
        metrics.add(.generationsInstalled)
        shared.installed(next.number, worker: index)
        flush()
    }

    /// Tells of generations that no request uses, once no connection is left to an endpoint of the past: its slot may be given to
    /// another one then.
    func handBackGenerations() {
        guard !unusedGenerations.isEmpty, !upstreams.pools.hasRetiredConnections else { return }
        for number in unusedGenerations { shared.onGenerationUnused(index, number) }
        unusedGenerations.removeAll(keepingCapacity: true)
    }

    private func updateAcceptors() {
        for socket in shared.listeningSockets() where !acceptors.contains(where: { $0.listenerID == socket.id }) {
            let acceptor = Acceptor(worker: self, socket: socket.socket, listenerID: socket.id)
            if acceptor.start() { acceptors.append(acceptor) }
        }
        let gone = acceptors.filter { listenerPosition($0.listenerID) < 0 }
        for acceptor in gone { acceptor.stop() }
        acceptors.removeAll { listenerPosition($0.listenerID) < 0 }
        guard !gone.isEmpty else { return }
        for connection in connections.reversed() where listenerPosition(connection.client.listenerID) < 0 {
            connection.drain()
        }
    }

    /// Where a listening socket stands in the generation's plan; -1: nowhere.
    func listenerPosition(_ id: Int) -> Int { id < listenerByID.count ? listenerByID[id] : -1 }
    func listenerRole(_ position: Int) -> ListenerSpec.Role { listeners.listeners[position].role }
    func servicePort(_ position: Int) -> Int? { position >= 0 ? listeners.listeners[position].servicePort : nil }

    /// The chain that takes a client's connection in the generation that serves now, as a position in its `listeners.chains`;
    /// -1: none does. Found anew when a generation came.
    func chain(of client: Client) -> Int {
        guard let generation else { return -1 }
        let number = generation.generation.number
        if client.chainGeneration == number { return client.chain }
        client.chainGeneration = number
        let position = listenerPosition(client.listenerID)
        client.chain = position >= 0 ? listeners.chain(listener: position, for: client.facts) : -1
        return client.chain
    }

    /// The chain that serves a client's connection in the generation that serves now; -1: none does, or one that asks more of
    /// clients than this one showed when its connection began: TLS, or another certificate. A reload never lets in plain text.
    func servingChain(of client: Client) -> Int {
        let chain = chain(of: client)
        guard chain >= 0, listeners.chains[chain].isTLS == client.isTLS else { return -1 }
        guard client.isTLS, let settings = listeners.chains[chain].context?.settings else { return chain }
        return settings.accepts(clientsOf: client.settings) ? chain : -1
    }

    // MARK: - Handshakes

    private var handshakesAt: UInt64 = 0
    private var handshakes = 0

    /// Whether one more step of a handshake may be taken in this turn.
    func mayShakeHands() -> Bool {
        if handshakesAt != loop.nowNanoseconds {
            handshakesAt = loop.nowNanoseconds
            handshakes = 0
        }
        handshakes += 1
        return handshakes <= Limits.handshakesPerTurnMax
    }

    // MARK: - Drain

    /// Accepting goes on, answers carry `connection: close`, idle connections end.
    func drain() {
        isDraining = true
        for connection in connections.reversed() { connection.drain() }
        flush()
    }

    /// Stops accepting.
    func stopAccepting() {
        for acceptor in acceptors { acceptor.stop() }
        acceptors.removeAll()
    }

    /// Ends everything that is still open.
    func shutdown() {
        stopAccepting()
        for connection in connections.reversed() { connection.abandon() }
        for copy in copies { copy.abandon() }
        upstreams.closeAll()
        loop.stop()
    }

    // MARK: - Refusals

    /// Counts a request that was refused before it became an exchange.
    func recordRefusal(_ connection: ServerConnection, status: Int) {
        let position = listenerPosition(connection.client.listenerID)
        let role = position >= 0 ? listenerRole(position) : .outbound
        guard generation != nil else { return }
        metrics.record(refusalKey(connection.client, role, status: status), durationMicroseconds: 0)
    }

    // MARK: - Access log

    func put(_ line: UnsafeRawBufferPointer) {
        if logRing.put(line) {
            metrics.add(.accessLogLines)
            loop.callAtBatchEnd(logWaker)
        } else {
            metrics.add(.accessLogDrops)
        }
    }
}
