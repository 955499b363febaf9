import Foundation
import Testing
import Wire

@testable import Clusters

/// The hand-over between real threads: what the model checks step by step, here under the processor's own orders.
@Suite("Pools on threads")
struct PoolThreadsTests {
    @Test(
        "Three workers with one connection between them all get their requests served",
        arguments: [1, 2], [1, 3])
    func threads(connectionsMax: Int, streamsMax: Int) {
        var spec = cluster(endpoints(2), limits: ClusterLimits(connectionsMax: connectionsMax))
        spec.streamsMax = streamsMax
        let house = House([spec], workers: 3)
        let (board, table) = (house.board, house.table)
        let mailboxes = (0..<3).map { _ in Mailbox() }
        let open = Gauge()
        let busy = Gauge()
        busy.add(3)
        // Threads of their own: a queue's may be fewer than three, and all must run at once.
        let group = DispatchGroup()
        for worker in 0..<3 {
            group.enter()
            Thread.detachNewThread {
                var runner = Runner(worker: worker, board: board, table: table, mailboxes: mailboxes, open: open)
                runner.run(requests: 400, busy: busy)
                group.leave()
            }
        }
        #expect(group.wait(timeout: .now() + 60) == .success, "a request starved")
        let slot = table.cluster(0).slot
        #expect(open.highest <= connectionsMax)
        #expect(board.count(.connections, slot) == open.value)
        #expect(board.count(.pending, slot) == 0)
        #expect(board.wanted(slot) == 0)
    }

    /// A worker without sockets: connections open at once, requests take a turn of its loop.
    private struct Runner {
        let pools: WorkerPools
        let table: ClusterTable
        let mailboxes: [Mailbox]
        let open: Gauge
        var draws: Draws
        var connecting: [Int32] = []
        var inUse: [(connection: UInt32, endpoint: Int32)] = []
        var waiting = 0
        var lastID: UInt32 = 0

        init(worker: Int, board: Board, table: ClusterTable, mailboxes: [Mailbox], open: Gauge) {
            pools = WorkerPools(worker: worker, board: board)
            pools.install(table)
            self.table = table
            self.mailboxes = mailboxes
            self.open = open
            draws = Draws(seed: UInt64(worker))
        }

        /// Serves its own requests, then only answers pokes until all others are done too.
        mutating func run(requests: Int, busy: Gauge) {
            var left = requests
            var isDone = false
            while busy.value > 0 {
                for _ in 0..<mailboxes[pools.worker].take() { pools.poked(cluster: table.cluster(0).slot) }
                perform()
                if left > 0, waiting < 3 {
                    left -= 1
                    lease()
                }
                turn()
                sched_yield()
                if !isDone, left == 0, waiting == 0, connecting.isEmpty, inUse.isEmpty {
                    isDone = true
                    busy.add(-1)
                }
            }
        }

        private var streamsMax: UInt32 { table.cluster(0).streamsMax }

        private mutating func lease() {
            lastID += 1
            let endpoint = table.endpoint(Int(draws.next() % 2))
            let answer = pools.lease(
                request: lastID, endpoint: endpoint, cluster: table.cluster(0), isMultiplexed: streamsMax > 1)
            switch answer {
            case .use(let connection): inUse.append((connection, endpoint.slot))
            case .connect:
                waiting += 1
                connecting.append(endpoint.slot)
            case .wait: waiting += 1
            case .refuse: Issue.record("nothing limits requests")
            }
            perform()
        }

        private mutating func turn() {
            for endpoint in connecting {
                lastID += 1
                open.add(1)
                pools.connected(connection: lastID, endpoint: endpoint, capacity: streamsMax, now: 0)
            }
            connecting.removeAll()
            // With several requests on a connection some last longer than others.
            let ending = streamsMax > 1 ? inUse.filter { _ in draws.next() % 3 > 0 } : inUse
            if streamsMax > 1 {
                for one in ending { inUse.remove(at: inUse.firstIndex { $0 == one } ?? 0) }
            } else {
                inUse.removeAll()
            }
            for (connection, _) in ending {
                pools.released(
                    connection: connection, cluster: table.cluster(0), isReusable: draws.next() % 8 > 0, now: 0)
            }
            perform()
        }

        private mutating func perform() {
            while let action = pools.next() {
                switch action {
                case .assign(_, let connection, let endpoint):
                    waiting -= 1
                    inUse.append((connection, endpoint))
                case .connect(let endpoint, _, _): connecting.append(endpoint)
                case .close(let connection, _):
                    open.add(-1)
                    pools.closed(connection: connection)
                case .refuse, .fail: Issue.record("nothing fails here")
                case .poke(let workers, _):
                    for worker in mailboxes.indices where workers >> UInt64(worker) & 1 == 1 {
                        mailboxes[worker].post()
                    }
                }
            }
        }
    }
}

/// Pokes for one worker.
private final class Mailbox: @unchecked Sendable {
    private let lock = NSLock()
    private var pokes = 0
    func post() { lock.withLock { pokes += 1 } }
    func take() -> Int {
        lock.withLock {
            defer { pokes = 0 }
            return pokes
        }
    }
}

/// A number that threads share, and the highest it was.
private final class Gauge: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0
    private(set) var highest = 0
    func add(_ amount: Int) {
        lock.withLock {
            count += amount
            highest = max(highest, count)
        }
    }
    var value: Int { lock.withLock { count } }
}
