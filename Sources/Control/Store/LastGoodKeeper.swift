import Istio
import Loop

/// Writes down what serves, on a thread of its own: the next change does not wait for the disk.
///
/// Unchecked: what is mutable is touched in jobs of its own loop only.
final class LastGoodKeeper: @unchecked Sendable {
    private let loop: EventLoop
    private var thread: ThreadHandle?
    private var lastGood: LastGood
    private let log: @Sendable (String) -> Void

    /// Starts the thread.
    init(_ lastGood: LastGood, log: @escaping @Sendable (String) -> Void) throws(LoopError) {
        loop = try EventLoop()
        self.lastGood = lastGood
        self.log = log
        let loop = self.loop
        thread = try Loop.Thread.start(name: "keep") {
            // Requests and the next change go first.
            System.standBack(by: 10)
            loop.run()
        }
    }

    func keep(_ good: [ResourceID: ResourceStore.Good], files: [ResourceStore.FileContent]) {
        loop.post { [self] in
            if let problem = lastGood.save(good, files: files) {
                log("last good configuration could not be kept: \(problem)")
            }
            // The last that a change makes anybody do: what it took goes back.
            System.releaseFreeMemory()
        }
    }

    /// Ends the thread after what it was given to keep.
    func stop() {
        let loop = self.loop
        loop.post { loop.stop() }
        thread?.join()
        thread = nil
    }
}
