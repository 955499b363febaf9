import Synchronization

/// One worker's counts of requests under way, by endpoint and by cluster: a plain value of three words, valid while the board is.
///
/// LEAST_REQUEST compares these, not process-wide counts as Envoy does: a shared count would be a cache line that bounces
/// between all cores with every request. Each worker balances what it sends itself; as connections are spread evenly over
/// workers, the sum is balanced too. The words have one writer, so a count is a load and a store, no locked instruction; they
/// are atomic only so that others may read them (`Board.activeRequests`).
package struct WorkerLoads: @unchecked Sendable {
    let endpoints: UnsafeMutablePointer<BoardSlots.Chunk>
    let clusters: UnsafeMutablePointer<BoardSlots.Chunk>
    package let worker: Int

    /// A request was attached to a connection of this endpoint.
    package func begin(endpoint: Int32, cluster: Int32) {
        add(1, BoardSlots.load(endpoints, endpoint, worker: worker))
        add(1, BoardSlots.load(clusters, cluster, worker: worker))
    }

    /// It ended.
    package func end(endpoint: Int32, cluster: Int32) {
        add(-1, BoardSlots.load(endpoints, endpoint, worker: worker))
        add(-1, BoardSlots.load(clusters, cluster, worker: worker))
    }

    /// This worker's requests under way at an endpoint.
    package func active(endpoint: Int32) -> Int {
        Int(BoardSlots.load(endpoints, endpoint, worker: worker).pointee.load(ordering: .relaxed))
    }

    @inline(__always)
    private func add(_ amount: Int32, _ word: UnsafeMutablePointer<Atomic<Int32>>) {
        word.pointee.store(word.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
}
