import TLS
import Wire

/// What header formats may say of a client's handshake, in one piece of memory that lives as long as the client. Made when a format
/// is first asked for, so that other connections do not pay for it.
final class HandshakeTexts {
    private let memory: UnsafeMutableRawBufferPointer
    private let ends: [Int]

    /// `session`: nil where TLS passes through, or there is none.
    init(_ client: Client, session: TLSSession?) {
        var all: [UInt8] = []
        var ends: [Int] = []
        let uris = client.peer.map { $0.uris.joined(separator: ",") }
        for text in [client.facts.serverName, uris, client.peer?.subject, session?.version, session?.cipher] {
            if let text { all += text.utf8 }
            ends.append(all.count)
        }
        self.ends = ends
        memory = .allocate(byteCount: max(all.count, 1), alignment: 1)
        memory.copyBytes(from: all)
    }

    deinit { memory.deallocate() }

    private func piece(_ index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: memory[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
    }

    /// Of the ClientHello.
    var serverName: UnsafeRawBufferPointer { piece(0) }
    /// URI names of the verified peer, with commas between them.
    var peerURIs: UnsafeRawBufferPointer { piece(1) }
    var peerSubject: UnsafeRawBufferPointer { piece(2) }
    /// `TLSv1.3`
    var version: UnsafeRawBufferPointer { piece(3) }
    var cipher: UnsafeRawBufferPointer { piece(4) }
}
