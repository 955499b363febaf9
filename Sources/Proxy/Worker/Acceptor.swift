import Loop
import Telemetry
import Wire

/// Accepts clients of one listening socket for one worker. All workers watch the socket; the kernel wakes one.
final class Acceptor: WorkerMember {
    private let socket: ListeningSocket
    let listenerID: Int

    init(worker: Worker, socket: ListeningSocket, listenerID: Int) {
        self.socket = socket
        self.listenerID = listenerID
        super.init(worker: worker)
    }

    func start() -> Bool { worker.loop.listen(self, fd: socket.fd) }

    func stop() { worker.loop.deregister(self) }

    override func onEvents(_ events: Events) {
        for _ in 0..<Limits.acceptsPerTurnMax {
            switch Socket.accept(socket.fd) {
            case .accepted(let fd, let remote): place(fd, remote)
            case .none: return
            case .transient: worker.metrics.add(.acceptFailures)
            case .outOfDescriptors:
                worker.metrics.add(.acceptFailures)
                if !worker.reserve.shed(socket.fd) { return }
            }
        }
    }

    /// Gives the connection to the worker that should have it.
    private func place(_ fd: Int32, _ remote: SocketAddress) {
        let shared = worker.shared
        guard let target = shared.admit(acceptedBy: worker.index) else {
            worker.metrics.add(.downstreamRejected)
            _ = Socket.close(fd)
            return
        }
        worker.metrics.add(.downstreamAccepted)
        if target == worker.index { return worker.adopt(fd, remote: remote, listenerID: listenerID) }
        worker.metrics.add(.downstreamHandedOver)
        let id = listenerID
        shared.workers[target].post { other in
            other.adopt(fd, remote: remote, listenerID: id)
        }
    }
}
