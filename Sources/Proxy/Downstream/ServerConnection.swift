import HTTP1
import Loop
import Wire

/// Why an exchange or a call is cut short.
enum ResetReason: UInt8 {
    /// The peer is gone.
    case disconnected
    /// The peer broke its protocol.
    case malformed
    /// A limit or a time-out of ours.
    case timedOut
    /// The other side ended in the middle.
    case aborted
}

/// A client's connection as an exchange sees it: many streams, each with commands. HTTP/1 has one stream at a time; a stream is
/// named by a number so that HTTP/2 fits the same exchange.
///
/// Inputs of an exchange (called by a connection): `begin`, `requestData`, `requestEnd`, `requestReset`, `downstreamDrained`.
/// Commands of an exchange (overridden here): everything below.
package class ServerConnection: Connection {
    /// Whose connection it is.
    final let client: Client
    /// Position in the worker's list of client connections.
    final var registryIndex = -1

    init(worker: Worker, fd: Int32, client: Client) {
        self.client = client
        super.init(worker: worker, fd: fd)
    }

    /// Starts to serve: called once, when it is registered.
    func begin() {}

    /// Sends a 1xx answer.
    func sendInformational(_ stream: UInt32, _ head: Head) {}
    /// Sends the answer's head. `framing` tells how the body is delimited where it came from.
    func sendHead(_ stream: UInt32, _ head: Head, framing: BodyFraming, end: Bool) {}
    /// Sends a part of the answer's body. False: pause until `Exchange.downstreamDrained`.
    func sendData(_ stream: UInt32, _ bytes: UnsafeRawBufferPointer, end: Bool) -> Bool { true }
    /// Ends the answer, with trailers if there are any.
    func sendEnd(_ stream: UInt32, trailers: Head?) {}
    /// Ends the stream without completing its answer.
    func reset(_ stream: UInt32, _ reason: ResetReason) {}
    /// Sends no more of the request's body until `resume`.
    func pause(_ stream: UInt32) {}
    func resume(_ stream: UInt32) {}
    /// The exchange took `count` bytes of the request's body: the credit goes back to the peer.
    func consumed(_ stream: UInt32, _ count: Int) {}
    /// The exchange is over; its object goes back to the worker.
    func exchangeEnded(_ stream: UInt32) {}
    /// The worker drains or this connection's listener is gone: end when nothing is under way.
    func drain() {}
    /// The process ends: close at once.
    func abandon() {}
    /// Sends what gathered.
    func flushStream() { flush() }
}
