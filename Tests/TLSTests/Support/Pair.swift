import Glibc
import Testing
import Wire

@testable import TLS

/// A server and a client over a socket pair, driven in turn by one thread.
final class Pair {
    enum Outcome: Equatable {
        case complete
        case refused(server: TLSFault?, client: TLSFault?)
    }

    let server: TLSSession
    let client: TLSSession
    let serverFD: Int32
    let clientFD: Int32
    private var isOpen = [true, true]
    let serverOutput: Buffer
    let clientOutput: Buffer

    init(
        _ server: TLSServerContext, _ client: TLSClientContext, name: String? = "localhost",
        cache: TLSSessionCache? = nil, outputBytes: Int = 16 * 1024
    ) throws {
        (serverFD, clientFD) = socketPair()
        self.server = try #require(TLSSession(server: server, fd: serverFD))
        self.client = try #require(
            TLSSession(client: client, fd: clientFD, serverName: name, sessionCache: cache))
        serverOutput = Buffer(capacity: outputBytes)
        clientOutput = Buffer(capacity: outputBytes)
    }

    deinit {
        closeServer()
        closeClient()
    }

    func closeServer() { closeOnce(0, serverFD) }
    func closeClient() { closeOnce(1, clientFD) }

    private func closeOnce(_ index: Int, _ fd: Int32) {
        if isOpen[index] { close(fd) }
        isOpen[index] = false
    }

    func sendServer() { sendAll(serverOutput, serverFD) }
    func sendClient() { sendAll(clientOutput, clientFD) }

    /// Both handshakes, and one read each: TLS 1.3 servers refuse clients after the client's end of the handshake.
    @discardableResult
    func handshake() -> Outcome {
        for _ in 0..<200 {
            let one = client.handshake(output: clientOutput)
            sendClient()
            let two = server.handshake(output: serverOutput)
            sendServer()
            if one == .complete, two == .complete { break }
            if case .failed = two {
                if client.handshake(output: clientOutput) == .complete { _ = readClient(1) }
                break
            }
            if case .failed = one {
                _ = server.handshake(output: serverOutput)
                break
            }
        }
        if server.isEstablished && client.isEstablished && server.fault == nil && client.fault == nil {
            if case .failed = server.handshake(output: serverOutput) {
            } else {
                // Tickets of TLS 1.3 come after the handshake.
                _ = readClient(1)
                return .complete
            }
        }
        return .refused(server: server.fault, client: client.fault)
    }

    func readClient(_ count: Int = 65536) -> Reading { read(client, clientOutput, count) }
    func readServer(_ count: Int = 65536) -> Reading { read(server, serverOutput, count) }

    struct Reading: Equatable {
        var result: Int
        var bytes: [UInt8]
        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    private func read(_ session: TLSSession, _ output: Buffer, _ count: Int) -> Reading {
        var bytes = [UInt8](repeating: 0, count: count)
        let result = bytes.withUnsafeMutableBytes { session.receive(into: $0, output: output) }
        return Reading(result: result, bytes: Array(bytes.prefix(max(0, result))))
    }

    /// Sends through the server's or the client's session as much as one buffer takes.
    @discardableResult
    func write(_ text: String, fromServer: Bool) -> Int {
        let output = fromServer ? serverOutput : clientOutput
        let taken = Array(text.utf8).withUnsafeBytes { (fromServer ? server : client).encrypt($0, into: output) }
        fromServer ? sendServer() : sendClient()
        return taken
    }
}

/// A connected pair of non-blocking stream sockets.
func socketPair() -> (Int32, Int32) {
    var fds: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    precondition(socketpair(AF_UNIX, kind, 0, &fds) == 0, "a socket pair")
    return (fds[0], fds[1])
}

/// Sends what waits, as far as the socket takes it.
@discardableResult
func sendAll(_ buffer: Buffer, _ fd: Int32) -> Bool {
    while !buffer.isEmpty {
        let sent = send(fd, buffer.readable.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
        if sent <= 0 { return false }
        buffer.consume(sent)
    }
    return true
}

// MARK: Contexts

let ticketKeys = TicketKeys()

/// The sample server's settings, changed by `change`, as a context.
func serverContext(
    keys: TicketKeys? = ticketKeys, _ change: (inout TLSServerSettings) -> Void = { _ in }
) throws -> TLSServerContext {
    var settings = TLSServerSettings(certificates: [Authority.certificate("server")], name: "Gateway a/b")
    change(&settings)
    return try TLSServerContext(settings, keys: try #require(keys))
}

/// A server that asks for certificates of the sample authority.
func mutualContext(_ change: (inout TLSServerSettings) -> Void = { _ in }) throws -> TLSServerContext {
    try serverContext {
        $0.clientCertificates = .required
        $0.authorities = [Authority.file("ca.pem")]
        change(&$0)
    }
}

/// A client that trusts the sample authority, with a certificate by that name.
func clientContext(
    _ certificate: String? = nil, _ change: (inout TLSClientSettings) -> Void = { _ in }
) throws -> TLSClientContext {
    var settings = TLSClientSettings(authorities: .sources([Authority.file("ca.pem")]))
    settings.certificate = certificate.map(Authority.certificate)
    change(&settings)
    // What the tests show may be expired, so the clock of the context is not the session's.
    let now: Int64? = certificate == "expired" ? 1_600_000_000 : certificate == "future" ? 4_020_000_000 : nil
    return try now.map { try TLSClientContext(settings, now: $0) } ?? TLSClientContext(settings)
}
