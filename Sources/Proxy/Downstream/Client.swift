import Plan
import TLS
import Wire

/// A client as its connection made it known: addresses, what its handshake said, and the chain of the listener that took it. It goes
/// with the connection when that changes hands, from the handshake to HTTP/1, HTTP/2 or bytes.
final class Client {
    /// Which listening socket it came from, for the next generation's tables.
    let listenerID: Int
    let id: UInt64
    /// The client's address and ours.
    let remote: SocketAddress
    let local: SocketAddress
    private let texts: PeerTexts

    /// What the chain was chosen by.
    var facts = ConnectionFacts()
    /// The chain in the generation of this number; see `Worker.chain(of:)`.
    var chain = -1
    var chainGeneration = -1

    /// Its connection is encrypted, and ends here.
    private(set) var isTLS = false
    /// What its handshake was made under.
    private(set) var settings: TLSServerSettings?
    /// Whom its certificate names; nil: it showed none.
    private(set) var peer: PeerIdentity?
    /// Its principal in the mesh: its first SPIFFE URI.
    private(set) var principal: String?
    /// What logs call it by: the principal, else the first other name that its certificate has.
    private(set) var peerName: String?
    /// The URI of the certificate that we showed.
    private(set) var ownIdentity: String?
    /// Its certificate as PEM, URL-encoded.
    private(set) var peerCertificate: String?
    /// What `x-forwarded-client-cert` says of it, made at the first request.
    var forwardedCertificate: [UInt8]?
    /// Its number among the sources of metrics' labels; -1: not asked for yet.
    var sourceLabels = -1
    /// What formats say of it, once one was asked for.
    var handshakeTexts: HandshakeTexts?

    init(listenerID: Int, id: UInt64, remote: SocketAddress, local: SocketAddress) {
        self.listenerID = listenerID
        self.id = id
        self.remote = remote
        self.local = local
        texts = PeerTexts(remote: remote, local: local)
    }

    /// The handshake is done.
    func secured(by session: TLSSession, under settings: TLSServerSettings?) {
        isTLS = true
        self.settings = settings
        facts.transport = .tls
        if facts.serverName == nil { facts.serverName = session.serverName?.lowercased() }
        peer = session.peer
        principal = peer?.spiffe
        peerName = principal ?? peer.map { $0.uris.first ?? $0.dns.first ?? $0.subject }
        ownIdentity = session.ownIdentity
        if peer != nil { peerCertificate = session.peerCertificateURLEncoded }
    }

    /// Both sides showed the certificate of a mesh's workload.
    var isMutual: Bool { ownIdentity != nil && principal != nil }

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
