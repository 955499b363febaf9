import Wire

/// A client as its connection made it known: addresses, and the chain of the listener that took it. It goes with the connection when
/// that changes hands, from the handshake to HTTP/1 or HTTP/2.
final class Client {
    /// Which listening socket it came from, for the next generation's tables.
    let listenerID: Int
    let id: UInt64
    /// The client's address and ours.
    let remote: SocketAddress
    let local: SocketAddress
    private let texts: PeerTexts

    init(listenerID: Int, id: UInt64, remote: SocketAddress, local: SocketAddress) {
        self.listenerID = listenerID
        self.id = id
        self.remote = remote
        self.local = local
        texts = PeerTexts(remote: remote, local: local)
    }

    /// The client's address without its port, for x-forwarded-for. Valid while the client is.
    var remoteHostText: UnsafeRawBufferPointer { texts.remoteHost }
    /// Our address without its port.
    var localHostText: UnsafeRawBufferPointer { texts.localHost }
    /// Both with their ports, for logs.
    var remoteText: UnsafeRawBufferPointer { texts.remote }
    var localText: UnsafeRawBufferPointer { texts.local }
}

/// A connection's addresses as text, made once: four texts in one allocation.
private struct PeerTexts: ~Copyable {
    private let memory: UnsafeMutableRawBufferPointer
    private let ends: (Int, Int, Int, Int)

    init(remote: SocketAddress, local: SocketAddress) {
        var all = remote.host
        let first = all.utf8.count
        all += remote.description
        let second = all.utf8.count
        all += local.host
        let third = all.utf8.count
        all += local.description
        ends = (first, second, third, all.utf8.count)
        memory = .allocate(byteCount: max(all.utf8.count, 1), alignment: 1)
        memory.copyBytes(from: all.utf8)
    }

    deinit { memory.deallocate() }

    private func piece(_ start: Int, _ end: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: memory[start..<end])
    }

    var remoteHost: UnsafeRawBufferPointer { piece(0, ends.0) }
    var remote: UnsafeRawBufferPointer { piece(ends.0, ends.1) }
    var localHost: UnsafeRawBufferPointer { piece(ends.1, ends.2) }
    var local: UnsafeRawBufferPointer { piece(ends.2, ends.3) }
}
