import Clusters
import Glibc
import Loop
import Plan
import Routing
import Synchronization
import Telemetry
import Wire

/// The data path of a process: its workers, its listening sockets and the generation that they serve. Control publishes
/// generations to it; Admin reads its counters. Its own methods are called from one thread (Control's); what it reports comes by
/// the hooks.
///
/// @unchecked Sendable: state behind locks, or touched by Control's thread only.
package final class ProxyServer: @unchecked Sendable {
    package let state: ProcessState
    private var threads: [ThreadHandle] = []
    private var source: ListenerSource
    private var sockets: [(id: Int, asked: SocketAddress, socket: ListeningSocket)] = []
    private var nextSocketID = 0
    private let acknowledged: Locked<[Int]>
    /// Sockets that workers are still to close.
    private let closingCount = Locked(0)

    /// A listener of a plan that could not be opened.
    package struct ListenerProblem: Sendable {
        package var listener: ListenerSpec
        package var message: String
    }

    /// Starts the workers; they listen on nothing until a generation is published.
    /// - Parameter connectionsMax: client connections that the process may hold.
    package init(
        workers: Int, connectionsMax: Int = Limits.connectionsMax, source: ListenerSource = ListenerSource(),
        hooks: ProcessState.Hooks = ProcessState.Hooks()
    ) throws(LoopError) {
        state = try ProcessState(workers: workers, connectionsMax: connectionsMax, hooks: hooks)
        self.source = source
        acknowledged = Locked([Int](repeating: 0, count: workers))
        state.logWriter = try LogWriter(rings: state.logRings)
        var made: [Worker] = []
        for index in 0..<workers { made.append(try Worker(index: index, shared: state)) }
        state.workers = made.map { WorkerHandle($0) }
        for worker in made {
            let reference = SendableReference(worker)
            threads.append(
                try Thread.start(name: "worker-\(worker.index)") {
                    reference.value.loop.run()
                })
        }
    }

    // MARK: - Generations

    /// Opens what the plan listens on, hands the generation to every worker, and closes what is not listened on any more. Listeners
    /// that cannot be opened are left out and told. `onInstalled` is called on a worker's thread when the last one has it.
    package func publish(
        number: Int, plan: Plan, routes: RouteTable, clusters: ClusterTable, contexts: TLSContexts = TLSContexts(),
        onInstalled: @escaping @Sendable (Generation) -> Void = { _ in }
    ) -> [ListenerProblem] {
        var problems: [ListenerProblem] = []
        var listenerByID: [Int] = []
        for (position, listener) in plan.listeners.enumerated() {
            do throws(LoopError) {
                let id = try open(listener.address)
                while listenerByID.count <= id { listenerByID.append(-1) }
                if listenerByID[id] < 0 { listenerByID[id] = position }
            } catch {
                problems.append(ListenerProblem(listener: listener, message: "\(error)"))
            }
        }
        let closing = sockets.filter { $0.id >= listenerByID.count || listenerByID[$0.id] < 0 }
        sockets.removeAll { entry in closing.contains { $0.id == entry.id } }
        state.setListeningSockets(sockets.map { ($0.id, $0.socket) })
        let onMessage = state.onMessage
        state.logWriter?.write(to: plan.settings.accessLogFile) { onMessage($0) }
        let generation = Generation(
            number: number, plan: plan, routes: routes, clusters: clusters, listenerByID: listenerByID,
            labels: state.labels, contexts: contexts)
        let retiring = closing.map(\.socket)
        closingCount.withLock { $0 += retiring.count }
        let left = Countdown(state.workers.count)
        for handle in state.workers {
            handle.post { [self] worker in
                worker.install(generation)
                acknowledged.withLock { $0[worker.index] = number }
                guard left.decrement() else { return }
                for socket in retiring { socket.close() }
                closingCount.withLock { $0 -= retiring.count }
                onInstalled(generation)
            }
        }
        return problems
    }

    /// The generation that each worker serves.
    package var installed: [Int] { acknowledged.withLock { $0 } }

    /// Where the listeners of the plan really listen, for tests and messages: the asked address and the bound one.
    package var addresses: [(asked: SocketAddress, bound: SocketAddress)] {
        sockets.map { ($0.asked, $0.socket.address) }
    }

    private static let closingWaitMilliseconds = 1000

    private func open(_ address: SocketAddress) throws(LoopError) -> Int {
        if let entry = sockets.first(where: { $0.asked == address }) { return entry.id }
        // An address that was given up a moment ago is free when the last worker has let go of it.
        for _ in 0..<Self.closingWaitMilliseconds where closingCount.withLock({ $0 > 0 }) { usleep(1000) }
        let socket = try source.socket(for: address)
        sockets.append((nextSocketID, address, socket))
        nextSocketID += 1
        return nextSocketID - 1
    }

    // MARK: - Ending

    /// Answers carry `connection: close` and idle connections end; accepting goes on.
    package func drain() { for handle in state.workers { handle.post { $0.drain() } } }

    /// No more clients are accepted.
    package func stopAccepting() {
        for handle in state.workers { handle.post { $0.stopAccepting() } }
        for entry in sockets { entry.socket.close() }
    }

    /// Ends what is open and waits for the threads.
    package func shutdown() {
        for handle in state.workers { handle.post { $0.shutdown() } }
        for thread in threads { thread.join() }
        threads.removeAll()
        for entry in sockets { entry.socket.close() }
        sockets.removeAll()
        state.logWriter?.stop()
        state.resolver.shutdown()
    }
}

/// Counts down over threads; says who was last.
private final class Countdown: Sendable {
    private let left: Atomic<Int>
    init(_ count: Int) { left = Atomic(count) }
    /// True for the last one.
    func decrement() -> Bool { left.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
}
