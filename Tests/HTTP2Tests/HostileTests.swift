import Foundation
import HTTP2
import Testing
import Wire

/// Numbers from a seed.
private struct Random {
    var state: UInt64
    mutating func next(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }
}

@Suite struct HostileTests {
    /// Feeds bytes in pieces to a server that answers everything, and ends all that is left.
    private func serve(_ bytes: [UInt8], piece: Int, role: HTTP2Role = .server) {
        let pools = HTTP2Pools(buffers: BufferPool())
        talk(Peer(role, pools: pools), bytes, piece: piece, role: role)
        #expect(pools.buffers.bytesOut == 0)
    }

    private func talk(_ peer: Peer, _ bytes: [UInt8], piece: Int, role: HTTP2Role) {
        if role == .client { for _ in 0..<3 { _ = peer.session.submitRequest(request(), end: false) } }
        _ = peer.output()
        var answered: Set<UInt32> = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            peer.receive(Array(bytes[start..<min(start + piece, bytes.count)]))
            if role == .server {
                for stream in peer.heads.keys where answered.insert(stream).inserted {
                    peer.session.submitResponse(stream, response(200), end: false)
                    _ = peer.session.send(stream, [1, 2, 3], end: true)
                }
            }
            _ = peer.output()
            if peer.session.fault != nil { break }
        }
        check(peer)
    }

    private func check(_ peer: Peer) {
        let session = peer.session
        #expect(session.heldBytes == 0 && session.queuedBytes >= 0)
        for head in peer.heads.values {
            let texts =
                [head.path, head.authority, head.methodSlice] + (0..<head.fieldCount).map { head.fields[$0].value }
            for slice in texts { #expect(head.bytes(slice).allSatisfy { $0 != 13 && $0 != 10 && $0 != 0 }) }
        }
        let opened = Set(peer.log.filter { $0.hasPrefix("head ") }.map { $0.split(separator: " ")[1] })
        let closed = peer.log.filter { $0.hasPrefix("closed ") }
        #expect(Set(closed).count == closed.count)
        #expect(peer.session.fault != nil || opened.count <= closed.count + session.activeStreams)
    }

    /// A client's side of a conversation.
    private func conversation() -> [UInt8] {
        let (client, server) = (Peer(.client), Peer(.server))
        var sent: [UInt8] = []
        for index in 0..<6 {
            let head = request("POST", "/\(index)", fields: [("cookie", "a=\(index)"), ("x-thing", "value \(index)")])
            guard let stream = client.session.submitRequest(head, end: false) else { continue }
            _ = client.session.send(stream, [UInt8](repeating: 5, count: 100 * index), end: index % 2 == 0)
            if index % 2 == 1 { client.session.submitEnd(stream, trailers: response(0, fields: [("t", "u")])) }
            if index == 4 { client.session.reset(stream, .cancel) }
            let bytes = client.output()
            sent += bytes
            server.receive(bytes)
            client.receive(server.output())
        }
        return sent
    }

    @Test func `a conversation with any bytes changed crashes nothing and leaks nothing`() {
        let valid = conversation()
        var random = Random(state: 42)
        for _ in 0..<1500 {
            var bytes = valid
            for _ in 0...random.next(4) {
                let place = random.next(bytes.count)
                switch random.next(4) {
                case 0: bytes[place] = UInt8(random.next(256))
                case 1: bytes[place] ^= 1 << UInt8(random.next(8))
                case 2: bytes.remove(at: place)
                default: bytes.insert(UInt8(random.next(256)), at: place)
                }
            }
            serve(bytes, piece: 1 + random.next(bytes.count))
            serve(Array(bytes.dropFirst(24)), piece: 1 + random.next(bytes.count), role: .client)
        }
    }

    @Test func `the whole conversation closes every stream`() {
        let peer = Peer(.server)
        peer.receive(conversation())
        for stream in peer.heads.keys.sorted() { peer.session.submitResponse(stream, response(200), end: true) }
        _ = peer.output()
        #expect(peer.heads.count == 5 || peer.heads.count == 6)
        #expect(peer.session.activeStreams == 0 && peer.session.heldBytes == 0 && peer.pools.buffers.bytesOut == 0)
    }

    @Test func `seeds of other fuzzers crash nothing`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../../shared/corpora/http2"
        ).standardized.resolvingSymlinksInPath()
        guard let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil) else { return }
        for case let file as URL in files {
            guard let bytes = try? Array(Data(contentsOf: file)), bytes.count < 1 << 20 else { continue }
            serve(bytes, piece: 4096)
            serve(Frames.preface + bytes, piece: 977)
            serve(bytes, piece: 4096, role: .client)
        }
    }
}
