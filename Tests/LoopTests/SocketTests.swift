import Loop
import Testing
import Wire

@Suite("Sockets")
struct SocketTests {
    let loop: EventLoop
    init() throws { loop = try EventLoop() }

    /// Connects to a listener, accepts, and gives both ends.
    func connection(to listener: ListeningSocket) throws -> (client: Int32, server: Int32, peer: SocketAddress) {
        let client: Int32
        switch Socket.connect(listener.address) {
        case .connected(let fd), .inProgress(let fd): client = fd
        case .failure(let code): throw LoopError("connect", errno: code)
        }
        let handler = Recorder()
        try #require(loop.listen(handler, fd: listener.fd))
        loop.turn { !handler.events.isEmpty }
        loop.deregister(handler)
        guard case .accepted(let server, let peer) = Socket.accept(listener.fd) else {
            throw LoopError("accept", errno: 0)
        }
        return (client, server, peer)
    }

    @Test(
        "a connection carries bytes both ways and knows its addresses",
        arguments: ["127.0.0.1:0", "[::1]:0"])
    func tcp(text: String) throws {
        let address = try #require(SocketAddress(text))
        guard let listener = try? ListeningSocket.bind(address) else {
            // A machine without IPv6 has nothing to show here.
            #expect(text.hasPrefix("["))
            return
        }
        defer { listener.close() }
        #expect(listener.address.port != 0)
        #expect(listener.address.host == address.host)
        let (client, server, peer) = try connection(to: listener)
        defer { [client, server].forEach { Socket.close($0) } }
        #expect(Socket.pendingError(client) == 0)
        #expect(Socket.localAddress(client) == peer)
        #expect(Socket.peerAddress(client) == listener.address)
        #expect(Socket.peerAddress(server) == peer)
        #expect(peer.isLoopback)
        #expect(Socket.setKeepalive(server, probes: 3, time: 30, interval: 5) == 0)
        #expect(Socket.setNoDelay(server) == 0)
        #expect(receiveText(server) == nil, "nothing was sent yet")
        let pieces = ["one ", "two ", "three"].map { Array($0.utf8) }
        let sent = pieces[0].withUnsafeBytes { first in
            pieces[1].withUnsafeBytes { second in
                pieces[2].withUnsafeBytes { Socket.send(client, first, second, $0) }
            }
        }
        #expect(sent == 13)
        let handler = Recorder()
        #expect(loop.register(handler, fd: server))
        loop.turn { handler.events.contains { $0.contains(.readable) } }
        #expect(receiveText(server) == "one two three")
        #expect(
            pieces[0].withUnsafeBytes { first in pieces[1].withUnsafeBytes { Socket.send(server, first, $0) } } == 8)
        Socket.shutdownWrite(server)
        let reader = Recorder()
        #expect(loop.register(reader, fd: client))
        loop.turn { reader.events.contains { $0.contains(.hangup) } }
        #expect(receiveText(client) == "one two ")
        #expect(receiveText(client) == "", "the end")
        loop.deregister(handler)
        loop.deregister(reader)
    }

    @Test("a reset close reaches the peer as an error, an ordinary close as an end")
    func reset() throws {
        let listener = try ListeningSocket.bind(try #require(SocketAddress("127.0.0.1:0")))
        defer { listener.close() }
        for isReset in [true, false] {
            let (client, server, _) = try connection(to: listener)
            if isReset { Socket.resetClose(server) } else { Socket.close(server) }
            let handler = Recorder()
            #expect(loop.register(handler, fd: client))
            loop.turn { handler.events.contains { $0.contains(.hangup) } }
            var byte: UInt8 = 0
            let received = withUnsafeMutableBytes(of: &byte) { Socket.receive(client, into: $0) }
            #expect(received == (isReset ? -Int(Errno.connectionReset) : 0))
            loop.deregister(handler, willClose: true)
            Socket.close(client)
        }
    }

    @Test("sending to a peer that is gone is an error, not a signal")
    func brokenPipe() throws {
        let (near, far) = try #require(Socket.pair())
        Socket.close(far)
        #expect(sendText("x", to: near) == -Int(Errno.brokenPipe))
        Socket.close(near)
    }

    @Test("a refused connect tells its error, at once or when it ends")
    func refused() throws {
        let listener = try ListeningSocket.bind(try #require(SocketAddress("127.0.0.1:0")))
        let address = listener.address
        listener.close()
        switch Socket.connect(address) {
        case .connected(let fd):
            Issue.record("nobody listens there")
            Socket.close(fd)
        case .failure(let code): #expect(code == Errno.connectionRefused)
        case .inProgress(let fd):
            let handler = Recorder()
            #expect(loop.register(handler, fd: fd))
            loop.turn { !handler.events.isEmpty }
            #expect(handler.events.first?.contains(.error) == true)
            #expect(Socket.pendingError(fd) == -Int(Errno.connectionRefused))
            loop.deregister(handler, willClose: true)
            Socket.close(fd)
        }
    }

    @Test("an empty listener has nobody, and a descriptor that does not listen fails without a crash")
    func acceptNothing() throws {
        let listener = try ListeningSocket.bind(try #require(SocketAddress("127.0.0.1:0")))
        defer { listener.close() }
        guard case .none = Socket.accept(listener.fd) else {
            Issue.record("nobody connected")
            return
        }
        guard case .transient(Errno.invalid) = Socket.accept(try EventFixture.idleSocket()) else {
            Issue.record("the socket does not listen")
            return
        }
    }

    @Test("addresses survive the way to the system and back", arguments: ["127.0.0.1:0", "[::1]:0"])
    func roundTrip(text: String) throws {
        let address = try #require(SocketAddress(text))
        guard let listener = try? ListeningSocket.bind(address) else { return }
        defer { listener.close() }
        #expect(listener.address.with(port: 0) == address)
        #expect(SocketAddress(listener.address.description) == listener.address)
    }
}

/// Sockets that tests only look at.
enum EventFixture {
    /// A connected socket that does not listen; it stays open for the test process's life.
    static func idleSocket() throws -> Int32 { try #require(Socket.pair()).0 }
}
