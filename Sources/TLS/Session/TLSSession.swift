import COpenSSL
import Glibc
import Wire

/// One connection's TLS over a non-blocking socket.
///
/// It reads the socket itself, and never writes to it: ciphertext is appended to the buffer that each call is given,
/// and the caller sends it. The descriptor stays the caller's and must live as long as the session; nothing is closed
/// here. Used on one thread at a time. Calls in steady state allocate nothing in Swift (OpenSSL takes a record's buffer
/// and gives it back, so that an idle connection holds none).
package final class TLSSession {
    package enum Step: Equatable, Sendable {
        case complete
        /// Call again when the socket is readable (now, if `hasBuffered`).
        case wantsRead
        /// Call again when the output was sent: it was full.
        case wantsRoom
        /// The output may hold an alert: send it, then close.
        case failed(TLSFault)
    }

    let pointer: UnsafeMutablePointer<outrider_tls_session>
    /// The context holds what OpenSSL's callbacks point to.
    private let context: ContextHandle
    private let cache: TLSSessionCache?
    private let cacheName: String
    /// First URI name of the certificate that this side shows, where there is one certificate only to show.
    package let ownIdentity: String?
    private var peerIdentity: PeerIdentity??

    // MARK: Opening

    /// Nil when memory is missing.
    package init?(server context: TLSServerContext, fd: Int32) {
        guard let pointer = outrider_tls_session_new(context.handle.pointer, fd) else { return nil }
        self.pointer = pointer
        self.context = context.handle
        cache = nil
        cacheName = ""
        ownIdentity = context.identity
    }

    /// `serverName`: what `TLSClientSettings.serverName` comes to for this connection; an address is not sent as SNI,
    /// but verified as an address where names are verified. Nil when memory is missing, or the name is longer than 255
    /// bytes or none. `now` is in Unix seconds.
    package init?(
        client context: TLSClientContext, fd: Int32, serverName: String?, sessionCache: TLSSessionCache? = nil,
        now: Int64 = Int64(time(nil))
    ) {
        let name = serverName ?? ""
        guard name.utf8.count <= Limits.serverNameBytesMax, !name.utf8.contains(0) else { return nil }
        guard let pointer = outrider_tls_session_new(context.handle.pointer, fd) else { return nil }
        let settings = context.settings
        var address: (UInt64, UInt64) = (0, 0)
        let isAddress = withUnsafeMutableBytes(of: &address) {
            outrider_tls_parse_address(name, $0.baseAddress!.assumingMemoryBound(to: UInt8.self)) > 0
        }
        let verifies = settings.verifiesServerName && settings.authorities != .unverified && !name.isEmpty
        let ticket = sessionCache?.take(context: context.handle.identity, name: name, now: now)
        let isReady = name.withCString { text in
            outrider_tls_session_prepare(
                pointer, name.isEmpty || isAddress ? nil : text, verifies ? text : nil, ticket?.pointer)
        }
        // OpenSSL would take a leading dot for any name below.
        guard isReady, !(verifies && name.hasPrefix(".")) else {
            outrider_tls_session_free(pointer)
            return nil
        }
        self.pointer = pointer
        self.context = context.handle
        cache = sessionCache
        cacheName = name
        ownIdentity = context.identity
    }

    deinit { outrider_tls_session_free(pointer) }

    /// Client, before the handshake: offers these protocols instead of the settings'. False: a name is empty or too long.
    package func offer(_ protocols: [String]) -> Bool {
        var list: [UInt8] = []
        for name in protocols {
            guard (1...255).contains(name.utf8.count) else { return false }
            list.append(UInt8(name.utf8.count))
            list += name.utf8
        }
        return outrider_tls_session_offer(pointer, list, list.count)
    }

    // MARK: Talking

    /// Goes on with the handshake. After `complete` the output still has to be sent.
    package func handshake(output: Buffer) -> Step {
        let before = output.writable
        let result = outrider_tls_handshake(pointer, before.baseAddress, before.count)
        finish(output)
        switch result {
        case 1: return .complete
        case 0: return .wantsRead
        case -1: return .wantsRoom
        default:
            cache?.forget(context: context.identity, name: cacheName)
            return .failed(fault ?? .protocol)
        }
    }

    /// Reads plaintext, as `Socket.receive` reads bytes: how many, 0 at the peer's end, `-EAGAIN` nothing yet,
    /// `-EPROTO` with `fault` set, or another negated errno of the socket. The output may get what TLS itself has to
    /// answer; send it. Ask `hasBuffered` before waiting for the next event, after `-EAGAIN` too.
    package func receive(into bytes: UnsafeMutableRawBufferPointer, output: Buffer) -> Int {
        let before = output.writable
        let result = outrider_tls_receive(pointer, bytes.baseAddress, bytes.count, before.baseAddress, before.count)
        finish(output)
        return result
    }

    /// Appends plaintext as ciphertext; returns how many plaintext bytes were taken. Each record costs up to 256 bytes
    /// of room more than it carries, so 0 is taken when less is left: send the output first. Negative: an errno, and
    /// the session is over. Before `complete` it is `-ENOTCONN`, after `close` `-EPIPE`.
    package func encrypt(_ bytes: UnsafeRawBufferPointer, into output: Buffer) -> Int {
        let before = output.writable
        let result = outrider_tls_encrypt(pointer, bytes.baseAddress, bytes.count, before.baseAddress, before.count)
        finish(output)
        return result
    }

    /// Says that nothing more will be sent, once. False when the output had no room for all: send it and call again.
    @discardableResult
    package func close(output: Buffer) -> Bool {
        let before = output.writable
        let isDone = outrider_tls_close(pointer, before.baseAddress, before.count)
        finish(output)
        return isDone
    }

    /// Appends what found no room in an earlier call's output; false when something is still left.
    @discardableResult
    package func flush(into output: Buffer) -> Bool {
        let before = output.writable
        let isDone = outrider_tls_flush(pointer, before.baseAddress, before.count)
        finish(output)
        return isDone
    }

    /// Counts what was appended, and keeps a session that the server gave.
    private func finish(_ output: Buffer) {
        output.end += pointer.pointee.output_used
        if let ticket = pointer.pointee.ticket { keep(ticket) }
    }

    @inline(never)
    private func keep(_ ticket: OpaquePointer) {
        pointer.pointee.ticket = nil
        let owned = TLSSessionCache.Ticket(owning: ticket)
        cache?.put(owned, context: context.identity, name: cacheName)
    }

    // MARK: State

    /// A further `receive` (or `handshake`) may give something without a new event: the socket was not read empty, or
    /// OpenSSL holds bytes that it has not looked at.
    package var hasBuffered: Bool { pointer.pointee.may_have_more }

    /// Ciphertext waits for room: give it some by `flush` (or any other call) when the output was sent.
    package var hasUnsentOutput: Bool { pointer.pointee.spill_end > pointer.pointee.spill_start }

    package var isEstablished: Bool { pointer.pointee.is_established }

    /// The peer's socket ended without a close_notify. Harmless where the application's framing tells the end.
    package var wasTruncated: Bool { pointer.pointee.has_ended && !pointer.pointee.has_closed }

    /// What ended the session, if it failed.
    package var fault: TLSFault? { TLSFault(pointer.pointee.fault) }

    /// Who the peer's verified certificate says it is, in resumed sessions too; nil when there was none, or none is
    /// verified here. Read from OpenSSL once.
    package var peer: PeerIdentity? {
        if let known = peerIdentity { return known }
        guard isEstablished, context.isVerifying else { return nil }
        let identity = outrider_tls_session_peer(pointer, 0).map { PeerIdentity(Certificate(owning: $0)) }
        peerIdentity = .some(identity)
        return identity
    }
}
