import Loop
import Wire

/// The HTTP server behind admin: few connections, small requests, answers of any size. It runs on the main thread's loop and
/// never on a worker's. Its limits: connections at a time, bytes of a request, time for a head and for each piece of an answer.
package final class AdminServer: EventHandler {
    /// Connections at a time; one more is closed at once.
    package static let connectionsMax = 64
    /// A request's body is read and ignored up to this size.
    package static let bodyBytesMax: UInt64 = 64 * 1024
    /// For a whole head, and between requests.
    package static let headTimeoutMilliseconds: UInt64 = 15_000
    /// For a peer to take the next bytes of an answer.
    package static let writeTimeoutMilliseconds: UInt64 = 15_000

    let loop: EventLoop
    let respond: (AdminRequest) -> AdminResponse
    private let socket: ListeningSocket
    private var connections: [ObjectIdentifier: AdminConnection] = [:]

    /// Where it really listens: the port the kernel chose when 0 was asked for.
    package var address: SocketAddress { socket.address }
    /// Connections that are open.
    package var connectionCount: Int { connections.count }

    /// Binds and begins to serve on the loop. `respond` is called on the loop's thread.
    package init(
        address: SocketAddress, loop: EventLoop, respond: @escaping (AdminRequest) -> AdminResponse
    ) throws(LoopError) {
        socket = try ListeningSocket.bind(address, backlog: 64)
        self.loop = loop
        self.respond = respond
        super.init()
        guard loop.listen(self, fd: socket.fd) else {
            throw LoopError("cannot watch the admin socket \(address)", errno: 0)
        }
    }

    /// Stops: the listener and all connections are closed. Must be called before the server is let go.
    package func close() {
        if isRegistered { loop.deregister(self) }
        socket.close()
        for connection in connections.values { connection.close() }
    }

    package override func onEvents(_ events: Events) {
        for _ in 0..<16 {
            switch Socket.accept(socket.fd) {
            case .accepted(let fd, _): take(fd)
            case .none: return
            case .transient: continue
            case .outOfDescriptors:
                // Level-triggered: without a pause the loop would spin until a descriptor is free.
                loop.deregister(self)
                return loop.arm(self, deadline: loop.now + 1000)
            }
        }
    }

    package override func onDeadline() {
        if !loop.listen(self, fd: socket.fd) { loop.arm(self, deadline: loop.now + 1000) }
    }

    private func take(_ fd: Int32) {
        guard connections.count < Self.connectionsMax else {
            Socket.close(fd)
            return
        }
        let connection = AdminConnection(server: self)
        guard loop.register(connection, fd: fd) else {
            Socket.close(fd)
            return
        }
        connections[ObjectIdentifier(connection)] = connection
        connection.begin()
    }

    func closed(_ connection: AdminConnection) { connections[ObjectIdentifier(connection)] = nil }
}
