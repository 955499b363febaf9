import Clusters
import HTTP1
import Loop
import Wire

/// A connection to an endpoint as calls see it: streams with commands. HTTP/1 has one stream at a time.
package class ClientConnection: Connection {
    /// The worker's pools, nil for a connection outside any (passthrough).
    final unowned(unsafe) let upstreams: Upstreams?
    /// The pools' number for this connection, its endpoint's slot, and the cluster that it was opened for.
    final var handle: UInt32 = 0
    final var endpointSlot: Int32 = -1
    final var cluster: ClusterRecord?
    /// Requests that it carried.
    final var served = 0

    init(worker: Worker, fd: Int32, upstreams: Upstreams?) {
        self.upstreams = upstreams
        super.init(worker: worker, fd: fd)
        isUpstream = true
    }

    /// Sends a request's head; the answer goes to `call`. Returns the stream.
    func begin(_ call: UpstreamCall, _ head: Head, framing: BodyFraming, end: Bool) -> UInt32 { 0 }
    /// Sends a part of the body. False: pause until `CallOwner.callWritable`.
    func send(_ stream: UInt32, _ bytes: UnsafeRawBufferPointer) -> Bool { true }
    /// Ends the request.
    func sendEnd(_ stream: UInt32, trailers: Head?) {}
    /// The caller wants no more of the answer.
    func cancel(_ stream: UInt32) {}
    /// No more of the answer's body until `resume`.
    func pause(_ stream: UInt32) {}
    func resume(_ stream: UInt32) {}
    /// Closes an idle connection.
    func retire() {}
}
