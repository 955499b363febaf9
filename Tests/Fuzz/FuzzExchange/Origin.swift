import Glibc
import Loop
import Wire

/// The endpoint behind the routes: it answers whenever it has seen the end of a head, in the manner that the input asks for, and
/// looks no closer; bodies may make it answer once more.
final class Origin {
    enum Manner: UInt8 {
        /// A short answer whose length is told.
        case plain
        /// It agrees to change the protocol, and sends back what comes.
        case tunnel
        /// A chunked answer with an interim one before it and trailers behind it, its parts in turns of their own.
        case chunked
        /// It ends in the middle of its answer.
        case cut
        /// More than the client's window takes.
        case large
        /// An answer that ends with the connection.
        case untilClose
        /// It closes without an answer.
        case silent
        /// Sends back what comes, from the first byte on: the client's bytes are the answer.
        case echo
    }

    private struct Peer {
        var fd: Int32
        /// How much of the end of a head was seen.
        var matched = 0
        var isTunnel = false
        /// What is to be sent in later turns.
        var later: [[UInt8]] = []
        var closesBehind = false

        mutating func say(_ text: String) { later.append(Array(text.utf8)) }
    }

    var manner = Manner.plain
    var address: SocketAddress { socket.address }
    private let socket: ListeningSocket
    private var peers: [Peer] = []
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 15, alignment: 16)
    private static let headEnd = Array("\r\n\r\n".utf8)

    init() throws(LoopError) { socket = try ListeningSocket.bind(.unix(Self.path("origin"))) }

    /// A socket file of this process.
    static func path(_ name: String) -> String { "/tmp/outrider-fuzz-\(getpid())-\(name).sock" }

    /// Accepts, reads, answers: as far as it goes without waiting.
    func serve() {
        while case .accepted(let fd, _) = Socket.accept(socket.fd) { peers.append(Peer(fd: fd)) }
        for index in peers.indices.reversed() where !serve(&peers[index]) {
            Socket.close(peers[index].fd)
            peers.remove(at: index)
        }
    }

    /// The endpoint goes away.
    func closeAll() {
        for peer in peers { Socket.close(peer.fd) }
        peers.removeAll()
    }

    /// False: it is done with the connection.
    private func serve(_ peer: inout Peer) -> Bool {
        if !peer.later.isEmpty { send(&peer) }
        if peer.later.isEmpty, peer.closesBehind { return false }
        while true {
            let count = Socket.receive(peer.fd, into: input)
            if count == -Int(EAGAIN) { return true }
            // A half that ended ends the other one, once all was sent.
            guard count > 0 else {
                peer.closesBehind = true
                return !peer.later.isEmpty
            }
            let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(input)[..<count])
            if peer.isTunnel || manner == .echo {
                peer.later.append(Array(bytes))
            } else {
                for byte in bytes where sees(byte, &peer) { answer(&peer) }
            }
        }
    }

    /// Whether a head ends with this byte.
    private func sees(_ byte: UInt8, _ peer: inout Peer) -> Bool {
        peer.matched = byte == Self.headEnd[peer.matched] ? peer.matched + 1 : byte == Self.headEnd[0] ? 1 : 0
        guard peer.matched == Self.headEnd.count else { return false }
        peer.matched = 0
        return true
    }

    private func answer(_ peer: inout Peer) {
        guard peer.later.count < 64 else { return }
        switch manner {
        case .plain: peer.say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: 1\r\n\r\nhello")
        case .tunnel:
            peer.say("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
            peer.isTunnel = true
        case .chunked:
            peer.say("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")
            peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n5\r\nhel")
            peer.say("lo\r\n0\r\nx-t: 1\r\n\r\n")
        case .cut:
            peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel")
            peer.closesBehind = true
        case .large:
            peer.say("HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n")
            peer.later.append([UInt8](repeating: 0x61, count: 200_000))
        case .untilClose:
            peer.say("HTTP/1.0 200 OK\r\n\r\nhello")
            peer.closesBehind = true
        case .silent: peer.closesBehind = true
        case .echo: break
        }
    }

    /// Sends one part of what is to be sent, or as much as fits.
    private func send(_ peer: inout Peer) {
        let part = peer.later[0]
        let sent = part.withUnsafeBytes { Socket.send(peer.fd, $0) }
        if sent == part.count {
            peer.later.removeFirst()
        } else if sent > 0 {
            peer.later[0] = Array(part[sent...])
        } else if sent != -Int(EAGAIN) {
            peer.later.removeAll()
            peer.closesBehind = true
        }
    }
}
