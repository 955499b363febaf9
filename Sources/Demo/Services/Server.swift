import Foundation
import Wire

/// A small blocking HTTP/1.1 server: a thread per connection, keep-alive. It serves what the proxy is shown with, not strangers.
package final class Server: @unchecked Sendable {  // the socket is only accepted from; everything else is immutable
    private let listener: Socket
    private let answer: @Sendable (Request) -> Response
    /// Where it listens, its port known.
    package let address: SocketAddress

    /// Listens at `address`; port 0 picks a free port.
    package init(at address: SocketAddress, answer: @escaping @Sendable (Request) -> Response) throws {
        listener = try Socket.listening(at: address)
        self.answer = answer
        self.address = listener.localAddress ?? address
    }

    /// Serves until the listening socket fails. Never returns in practice.
    package func run() {
        while let socket = listener.accepted() {
            let connection = Handover(Connection(socket))
            let answer = answer
            let thread = Thread { Self.serve(connection.value, answer) }
            thread.stackSize = 512 * 1024
            thread.start()
        }
    }

    private static func serve(_ connection: Connection, _ answer: (Request) -> Response) {
        do {
            while let (request, persists) = try connection.readRequest() {
                try connection.send(answer(request), to: request.method, persists: persists)
                if !persists { return }
            }
        } catch let error as DemoError {
            try? connection.send(.failure(400, error.description), to: "GET", persists: false)
        } catch {}
    }
}

/// Carries a value to the thread that alone uses it from then on.
struct Handover<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }
}
