import Foundation
import Testing
import Wire

@testable import Clusters

@Suite("The board and its slots")
struct BoardTests {
    /// Runs a body on so many threads and waits for all.
    private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        DispatchQueue.concurrentPerform(iterations: count, execute: body)
    }

    @Test("Under concurrency a counter never passes its limit, and everything comes back")
    func concurrentAcquire() {
        let house = House([cluster(endpoints(1))], workers: 4)
        let (board, slot) = (house.board, house.table.cluster(0).slot)
        let acquired = Counter()
        let passed = Counter()
        onThreads(4) { _ in
            for _ in 0..<20_000 {
                guard board.tryAcquire(.connections, slot, max: 2) else { continue }
                if board.count(.connections, slot) > 2 { passed.increment() }
                acquired.increment()
                board.release(.connections, slot)
            }
        }
        #expect(passed.value == 0)
        #expect(acquired.value > 0)
        #expect(board.count(.connections, slot) == 0)
    }

    @Test("Of many who see the first success one posts it")
    func clearFailing() {
        let house = House([cluster(endpoints(1))], workers: 4)
        let (board, slot) = (house.board, house.slot(0))
        for _ in 0..<200 {
            board.setFailing(.answers, slot)
            let posted = Counter()
            onThreads(4) { _ in if board.clearFailing(.answers, slot) { posted.increment() } }
            #expect(posted.value == 1)
        }
        #expect(board.failing(slot) == [])
    }

    @Test("Loads of all workers add up")
    func loads() {
        let house = House([cluster(endpoints(2))], workers: 3)
        let (board, slot, endpoint) = (house.board, house.table.cluster(0).slot, house.slot(1))
        onThreads(3) { worker in
            let loads = board.loads(worker: worker)
            for _ in 0..<1000 { loads.begin(endpoint: endpoint, cluster: slot) }
            for _ in 0..<worker { loads.end(endpoint: endpoint, cluster: slot) }
        }
        #expect(house.board.activeRequests(endpoint: house.slot(1)) == 2997)
        #expect(house.board.activeRequests(endpoint: house.slot(0)) == 0)
        #expect(house.board.activeRequests(cluster: slot) == 2997)
        #expect(house.board.loads(worker: 2).active(endpoint: house.slot(1)) == 998)
    }

    @Test("Names keep their slots; freed slots are used again only after their generation retired")
    func slots() {
        var house = House([cluster(endpoints(2)), cluster(endpoints(1), name: "b")])
        let first = house.table
        #expect(house.slot(0) != house.slot(2))
        house.board.setHealth(.ejected, endpoint: first.endpoint(1).slot, cluster: first.cluster(0).slot)

        house.table = ClusterTable(specs: [cluster(endpoints(1), name: "b")], registry: house.registry)
        #expect(house.slot(0) == first.endpoint(2).slot)
        #expect(house.table.cluster(0).slot == first.cluster(1).slot)

        let third = ClusterTable(specs: [cluster(endpoints(3), name: "c")], registry: house.registry)
        let old = Set((0..<3).map { first.endpoint($0).slot })
        #expect((0..<3).allSatisfy { !old.contains(third.endpoint($0).slot) })

        house.registry.retire(generation: first.generation)
        house.registry.retire(generation: first.generation)
        let fourth = ClusterTable(specs: [cluster(endpoints(3), name: "d")], registry: house.registry)
        let reused = (0..<3).map { fourth.endpoint($0).slot }.filter(old.contains)
        #expect(Set(reused) == [first.endpoint(0).slot, first.endpoint(1).slot])
        #expect(reused.allSatisfy { house.board.health($0) == [] })
        // Another cluster's state on the same slot must not look up to date.
        #expect(fourth.cluster(0).slot == first.cluster(0).slot)
        #expect(fourth.cluster(0).revision != first.cluster(0).revision)
    }

    @Test("Slots beyond the first chunk stay where they are")
    func chunks() {
        var house = House([cluster(endpoints(300))])
        house.board.add(5, to: .connections, endpoint: house.slot(299))
        house.table = ClusterTable(specs: [cluster(endpoints(2000))], registry: house.registry)
        #expect(house.board.count(.connections, endpoint: house.slot(299)) == 5)
        #expect(house.board.count(.connections, endpoint: house.slot(1999)) == 0)
    }

    @Test("The default budget does not hold back attempts that reached no endpoint, a configured one holds for all")
    func unsentRetries() {
        var open = cluster(endpoints(1))
        let free = House([open])
        for _ in 0..<50 {
            #expect(RetryBudget.tryAcquire(free.table.cluster(0), board: free.board, reachedEndpoint: false))
        }
        #expect(!RetryBudget.tryAcquire(free.table.cluster(0), board: free.board))
        open.retryBudget = RetryBudget(isConfigured: true)
        let strict = House([open])
        var count = 0
        while RetryBudget.tryAcquire(strict.table.cluster(0), board: strict.board, reachedEndpoint: false) {
            count += 1
        }
        #expect(count == 3)
    }

    @Test("A retry budget is a share of all requests, but a few are always allowed")
    func retryBudget() {
        var limited = cluster(endpoints(1), limits: ClusterLimits(retriesMax: 5))
        limited.retryBudget = RetryBudget()
        let house = House([limited], workers: 2)
        let record = house.table.cluster(0)
        func acquirable() -> Int {
            var count = 0
            while RetryBudget.tryAcquire(record, board: house.board) { count += 1 }
            for _ in 0..<count { RetryBudget.release(record, board: house.board) }
            return count
        }
        #expect(acquirable() == 3)
        for worker in 0..<2 {
            let loads = house.board.loads(worker: worker)
            for _ in 0..<10 { loads.begin(endpoint: house.slot(0), cluster: record.slot) }
        }
        #expect(acquirable() == 4)
        for _ in 0..<100 { house.board.loads(worker: 0).begin(endpoint: house.slot(0), cluster: record.slot) }
        #expect(acquirable() == 5)
        #expect(house.board.count(.retries, record.slot) == 0)
        #expect(RetryBudget(percent: 0, concurrencyMin: 0).allowance(active: 1000) == 0)
    }

    @Test("Back-off doubles up to ten times its base")
    func backoff() {
        let delays = (1...6).map { Backoff.delay(attempt: $0, base: 25, draw: UInt64(25 * 2 * 4 * 8 * 10) - 1) }
        #expect(delays == [24, 49, 99, 199, 249, 249])
        #expect((0..<500).allSatisfy { (0..<50).contains(Backoff.delay(attempt: 2, base: 25, draw: $0)) })
        #expect(Backoff.delay(attempt: 1, base: 0, draw: .max) == 0)
        #expect(Backoff.delay(attempt: .max, base: .max, draw: .max) < 36_000_000)
    }
}

/// A count that threads share.
private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0
    func increment() { lock.withLock { count += 1 } }
    var value: Int { lock.withLock { count } }
}
