import Loop

/// Anything that a worker's loop calls back. It lives at most as long as its worker, and is touched by the worker's thread only.
package class WorkerMember: EventHandler {
    final let worker: Worker

    init(worker: Worker) {
        self.worker = worker
        super.init()
    }
}
