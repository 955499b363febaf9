import Loop

/// Anything that a worker's loop calls back, touched by the worker's thread only. It keeps its worker, which lives as long as the
/// process: a constant that is held strongly is read without counting references.
package class WorkerMember: EventHandler {
    final let worker: Worker

    init(worker: Worker) {
        self.worker = worker
        super.init()
    }
}
