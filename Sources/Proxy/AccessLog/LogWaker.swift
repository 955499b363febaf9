import Loop

/// Wakes the log's writer once for all lines of a turn: for each line it would be a switch of threads for each request.
final class LogWaker: EventHandler {
    private let state: ProcessState

    init(_ state: ProcessState) {
        self.state = state
        super.init()
    }

    override func onBatchEnd() { state.logWriter?.wake() }
}
